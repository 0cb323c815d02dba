// SPDX-License-Identifier: GPL-2.0-only
/*
 * DEV-OWN (security): while a device is bound, the ctx owns the DMA of its IOMMU
 * group: it was claimed before the bind, is not given back before the unbind, and
 * is given back at last.  Else a driver of the host shares a translation that user
 * space controls.
 *
 * Each device of a group is claimed for itself, and may be several times.  A claim
 * whose bind fails later is given back.  That two contexts do not own one group is
 * the IOMMU core's to see to: it answers the claim.  A device without an IOMMU has no
 * group, and nothing to claim.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_dev_own;

static void bind(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;

	if (ev->r->h.action == IMS_DEV_BIND && ims_has_group(r->group, r->id) &&
	    !table_get(&ev->ctx->claims, r->dev))
		violate(v, &rule_dev_own, ev, "%.*s was bound, but its DMA was not claimed",
			IMS_NAME, r->name);
}

static void hw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	const struct m_claim *claim = table_get(&ev->ctx->claims, r->dev);

	if (ev->r->h.action == IMS_HW_CLAIM && !r->rc && r->base && r->base != ev->ctx->cookie)
		violate(v, &rule_dev_own, ev,
			"the DMA of device %#llx was claimed for %#llx, not for this ctx",
			(unsigned long long)r->dev, (unsigned long long)r->base);
	if (ev->r->h.action != IMS_HW_RELEASE)
		return;
	if (!claim)
		violate(v, &rule_dev_own, ev,
			"the DMA of device %#llx was given back, but was not claimed",
			(unsigned long long)r->dev);
	else if (ev->device && claim->claims == 1)
		violate(v, &rule_dev_own, ev, "the DMA of %s was given back while it is bound",
			ev->device->name);
}

static void ctx(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_claim *claim;
	uint32_t i;

	if (ev->r->h.action != IMS_CTX_FREED)
		return;
	table_for_each(&ev->ctx->claims, i, claim)
		violate(v, &rule_dev_own, ev,
			"the ctx ends, and the DMA of device %#llx was never given back",
			(unsigned long long)claim->cookie);
}

const struct ims_rule rule_dev_own = {
	.id = "DEV-OWN", .severity = 'S',
	.statement = "the DMA of a device is claimed while it is bound, and given back after",
	.before = { { IMS_DEVICE, bind }, { IMS_HW, hw }, { IMS_CTX, ctx } },
};
