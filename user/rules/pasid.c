// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID (security): a PASID is attached to a HWPT that was made for that, and all devices
 * of a group that have it use the same one.  Also what the group uses without PASID must
 * have been made for it then.
 *
 * The IOMMU cannot tell DMA with a PASID from other DMA otherwise.  No regions are reserved
 * for a PASID.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pasid;

/* A HWPT that is not known cannot be judged. */
static bool made_for_it(const struct m_ctx *c, uint64_t domain)
{
	const struct m_hwpt *h = table_get(&c->hwpts, domain);

	return !h || h->flags & IMS_HWPT_PASID;
}

static void no_pasid_of_group(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_device *d;
	uint32_t i;

	table_for_each(&ev->ctx->devices, i, d)
		if (d->group == ev->r->p.pasid.group && d->domain &&
		    !made_for_it(ev->ctx, d->domain)) {
			violate(v, &rule_pasid, ev,
				"PASID %u was attached while %s uses domain %#llx, which cannot go with PASIDs",
				ev->r->p.pasid.pasid, d->name, (unsigned long long)d->domain);
			return;
		}
}

static void pasid(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_pasid *r = &ev->r->p.pasid;

	if (r->rc || ev->r->h.action == IMS_DEV_DETACH)
		return;
	if (!made_for_it(ev->ctx, r->domain))
		violate(v, &rule_pasid, ev,
			"PASID %u was attached to domain %#llx, which was not made for PASIDs",
			r->pasid, (unsigned long long)r->domain);
	no_pasid_of_group(v, ev);
	for (const struct m_pasid *x = ev->ctx->pasids; x; x = x->next)
		if (ev->r->h.action == IMS_DEV_ATTACH && x->group == r->group &&
		    x->pasid == r->pasid && x->domain != r->domain) {
			violate(v, &rule_pasid, ev,
				"PASID %u was attached to domain %#llx, but is attached to domain %#llx",
				r->pasid, (unsigned long long)r->domain,
				(unsigned long long)x->domain);
			return;
		}
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;

	if (r->rc || (ev->r->h.action != IMS_DEV_ATTACH && ev->r->h.action != IMS_DEV_REPLACE) ||
	    made_for_it(ev->ctx, r->domain))
		return;
	for (const struct m_pasid *x = ev->ctx->pasids; x; x = x->next)
		if (x->group == r->group) {
			violate(v, &rule_pasid, ev,
				"%.*s was attached to domain %#llx, which cannot go with its PASID %u",
				IMS_NAME, r->name, (unsigned long long)r->domain, x->pasid);
			return;
		}
}

const struct ims_rule rule_pasid = {
	.id = "PASID", .severity = 'S',
	.statement = "a PASID is attached to one HWPT, and that was made for PASIDs",
	.before = { { IMS_PASID, pasid }, { IMS_DEVICE, device } },
	.needs = IMS_NEEDS(IMS_HWPT),
};
