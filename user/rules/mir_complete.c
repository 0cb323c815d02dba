// SPDX-License-Identifier: GPL-2.0-only
/*
 * MIR-COMPLETE (semantic): every domain of an IOAS translates every live area,
 * all of it.
 *
 * Checked when an area becomes live, for all domains of the IOAS, and when a domain
 * unmaps: it may not be a live area that loses something while the domain stays.  A
 * domain that is just added is REPLAY's business, that each IOVA shows the right page
 * PFN-ID's.  Exceptions: pending and dying areas; a domain that is joining or leaving; a
 * dma-buf, whose exporter can take it out of live areas.
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
	if (ev->r->h.action != IMS_AREA_READY || !ev->area ||
	    (ev->area->pages && ev->area->pages->revoked))
		return;
	for (struct m_domain *d = ev->area->ioas->domains; d; d = d->next)
		if (d->added)
			judge(v, ev, ev->area, d);
}

static void dma_unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = model_area_that_loses(ev);

	if (a)
		violate(v, &rule_mir_complete, ev,
			"domain %#llx unmapped IOVA %#llx of area %#llx-%#llx, which is live",
			(unsigned long long)ev->domain->cookie,
			(unsigned long long)ev->r->p.dma_unmap.iova, (unsigned long long)a->iova,
			(unsigned long long)a->last);
}

const struct ims_rule rule_mir_complete = {
	.id = "MIR-COMPLETE", .severity = 'M',
	.statement = "every domain of an IOAS translates all of every live area",
	.before = { { IMS_DMA_UNMAP, dma_unmap } },
	.after = { { IMS_AREA, area } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DOMAIN),
};
