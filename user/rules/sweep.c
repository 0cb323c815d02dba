// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWEEP (security): a domain that left its IOAS, or could not be added, holds no
 * mapping of iommufd.  Exception: MSI pages, which are not held here.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_sweep;

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	uint8_t action = ev->r->h.action;
	struct runmap_pos pos;
	struct run r;

	if (!ev->domain ||
	    !(action == IMS_DOM_DEL_END || (action == IMS_DOM_ADD_END && ev->r->p.domain.rc)))
		return;
	if (runmap_first(&ev->domain->pt, 0, UINT64_MAX, &pos, &r))
		violate(v, &rule_sweep, ev,
			"the domain left its IOAS with %#llx bytes mapped, the first at IOVA %#llx",
			(unsigned long long)ev->domain->pt.size, (unsigned long long)r.start);
}

const struct ims_rule rule_sweep = {
	.id = "SWEEP", .severity = 'S',
	.statement = "a domain that left its IOAS holds no mapping",
	.before = { { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP),
};
