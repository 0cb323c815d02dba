// SPDX-License-Identifier: GPL-2.0-only
/*
 * SUBPAGE (semantic): the offset below the page is kept end to end: what an IOVA shows
 * begins as far into its page as the user's memory does.
 *
 * An area may begin within a page where the granule of the IOMMU is smaller than that,
 * as the mock's is.  Only the start of a run has to be looked at, the rest follows.  With
 * granules of a page both are 0, and nothing can be wrong.  No exceptions.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_subpage;

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t iova = ev->r->p.dma_map.iova;

	if (ev->r->p.dma_map.rc || !ev->area || !ev->area->pages)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; iova += ev->runs[i++].len) {
		uint64_t want = area_byte(ev->area, iova) & (IMS_PAGE - 1);
		uint64_t have = ev->runs[i].addr & (IMS_PAGE - 1);

		if (have == want)
			continue;
		violate(v, &rule_subpage, ev,
			"IOVA %#llx was mapped to %#llx, which is %#llx into its page instead of %#llx",
			(unsigned long long)iova, (unsigned long long)ev->runs[i].addr,
			(unsigned long long)have, (unsigned long long)want);
		return;
	}
}

const struct ims_rule rule_subpage = {
	.id = "SUBPAGE", .severity = 'M',
	.statement = "the offset below the page is kept from user memory to IOVA",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
