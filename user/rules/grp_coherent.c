// SPDX-License-Identifier: GPL-2.0-only
/*
 * GRP-COHERENT (security): the devices of one IOMMU group that are attached use one
 * domain: the hardware has one translation for the group.
 *
 * A replace names one device and moves the whole group.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_grp_coherent;

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_device *d;
	uint32_t i;

	if (ev->r->h.action != IMS_DEV_ATTACH || r->rc)
		return;
	table_for_each(&ev->ctx->devices, i, d)
		if (d->group == r->group && d->domain && d->domain != r->domain) {
			violate(v, &rule_grp_coherent, ev,
				"%.*s was attached to domain %#llx while %s of its group uses domain %#llx",
				IMS_NAME, r->name, (unsigned long long)r->domain, d->name,
				(unsigned long long)d->domain);
			return;
		}
}

const struct ims_rule rule_grp_coherent = {
	.id = "GRP-COHERENT", .severity = 'S',
	.statement = "all attached devices of a group use the same domain",
	.before = { { IMS_DEVICE, device } },
};
