// SPDX-License-Identifier: GPL-2.0-only
/*
 * MIR-COMPLETE (semantic): every domain of an IOAS translates every live area,
 * all of it.
 *
 * Checked when an area becomes live (all domains of the IOAS) and when a domain
 * was added (all live areas: the replay).  That each IOVA shows the right page
 * is PFN-ID's business.  Exceptions: pending and dying areas; a domain whose
 * add failed.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_mir_complete;

static void judge(struct ims_verifier *v, const struct m_event *ev, const struct m_area *a,
		  struct m_domain *d)
{
	uint64_t want = a->last - a->iova + 1;
	uint64_t have = runmap_covered(&d->pt, a->iova, a->last);

	if (have != want)
		violate(v, &rule_mir_complete, ev,
			"domain %#llx translates only %#llx of the %#llx bytes of area %#llx-%#llx",
			(unsigned long long)d->cookie, (unsigned long long)have,
			(unsigned long long)want, (unsigned long long)a->iova,
			(unsigned long long)a->last);
}

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action != IMS_AREA_READY || !ev->area)
		return;
	for (struct m_domain *d = ev->area->ioas->domains; d; d = d->next)
		if (d->added)
			judge(v, ev, ev->area, d);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action != IMS_DOM_ADD_END || ev->r->p.domain.rc || !ev->domain || !ev->ioas)
		return;
	for (uint32_t i = 0; i < ev->ioas->nareas; i++)
		if (ev->ioas->areas[i]->state == M_LIVE)
			judge(v, ev, ev->ioas->areas[i], ev->domain);
}

const struct ims_rule rule_mir_complete = {
	.id = "MIR-COMPLETE", .severity = 'M',
	.statement = "every domain of an IOAS translates all of every live area",
	.after = { { IMS_AREA, area }, { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP),
};
