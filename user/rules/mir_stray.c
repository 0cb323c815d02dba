// SPDX-License-Identifier: GPL-2.0-only
/*
 * MIR-STRAY (security): a domain translates nothing where its IOAS has no area.
 *
 * Checked when an area leaves the tree, unmapped or aborted: no domain of the
 * IOAS may still translate any of it.  Exceptions: MSI pages, which iommufd does
 * not map and this model does not hold; the first half of a split that fails,
 * which shows what the old area shows when that is inserted again.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_mir_stray;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->area;
	struct runmap_pos pos;
	struct run r;

	if (ev->r->h.action != IMS_AREA_FREE || !a || a->state == M_REMOVED ||
	    area_of_failed_split(a))
		return;
	for (struct m_domain *d = a->ioas->domains; d; d = d->next)
		if (runmap_first(&d->pt, a->iova, a->last, &pos, &r))
			violate(v, &rule_mir_stray, ev,
				"area %#llx-%#llx is gone but domain %#llx still translates %#llx to %#llx",
				(unsigned long long)a->iova, (unsigned long long)a->last,
				(unsigned long long)d->cookie, (unsigned long long)r.start,
				(unsigned long long)r.addr);
}

const struct ims_rule rule_mir_stray = {
	.id = "MIR-STRAY", .severity = 'S',
	.statement = "a domain translates nothing where its IOAS has no area",
	.before = { { IMS_AREA, area } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP, IMS_DOMAIN),
};
