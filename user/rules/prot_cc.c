// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-CC (security): a device is bound only if its DMA can be coherent with the CPU's
 * caches, and a domain that is made for a device whose IOMMU can ignore no-snoop
 * does that from the beginning.  Else a device reads what was in memory before the
 * kernel cleared it.
 *
 * No record says which device a domain is made for.  It is one that is bound, so a
 * domain is only judged when all bound devices agree.  Nested domains have their
 * parent's way.  That each mapping is coherent is PROT-MAP's business.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_prot_cc;

static void bind(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_claim *claim = table_get(&ev->ctx->claims, r->dev);

	if (ev->r->h.action == IMS_DEV_BIND && claim && !(claim->flags & IMS_HW_COHERENT))
		violate(v, &rule_prot_cc, ev, "%.*s was bound, but its DMA is not cache coherent",
			IMS_NAME, r->name);
}

/* Whoever a domain is made for now can be told to ignore no-snoop. */
static bool all_can_enforce(const struct m_ctx *c)
{
	const struct m_device *d;
	const struct m_claim *claim;
	bool any = false;
	uint32_t i;

	table_for_each(&c->devices, i, d) {
		claim = table_get(&c->claims, d->cookie);
		if (!claim || !(claim->flags & IMS_HW_ENFORCE_CC))
			return false;
		any = true;
	}
	return any;
}

static void hwpt(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hwpt *r = &ev->r->p.hwpt;

	if (!(r->flags & (IMS_HWPT_NESTED | IMS_HWPT_ENFORCE_CC)) && all_can_enforce(ev->ctx))
		violate(v, &rule_prot_cc, ev,
			"HWPT %u lets devices bypass the caches, though it could forbid it", r->id);
}

const struct ims_rule rule_prot_cc = {
	.id = "PROT-CC", .severity = 'S',
	.statement = "DMA is cache coherent, and enforced to be where the IOMMU can",
	.before = { { IMS_DEVICE, bind }, { IMS_HWPT, hwpt } },
	.needs = IMS_NEEDS(IMS_HW),
};
