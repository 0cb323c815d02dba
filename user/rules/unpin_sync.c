// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNPIN-SYNC (security): between the removal of a translation and the unpin of
 * its page the IOTLB was synchronised.
 *
 * iommu_unmap() returns after the sync; iommu_unmap_fast() needs an explicit one
 * on the same domain, by the same thread: it flushes what the thread gathered.
 * One sync for many unmaps is fine as long as it comes before the first unpin.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unpin_sync;

/* A domain that may still translate [index, last] of the area by its IOTLB. */
static const struct m_domain *stale(const struct m_area *a, uint64_t index, uint64_t last)
{
	uint64_t from, to;

	if (!area_iova_of(a, index, last, &from, &to))
		return NULL;
	for (const struct m_domain *d = a->ioas->domains; d; d = d->next)
		if (model_range_hit(d->unsynced, from, to))
			return d;
	return NULL;
}

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index, n = 0;
	const struct m_domain *d = NULL;

	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		n += ev->runs[i].len;
	for (const struct m_area *a = ev->pages && n ? ev->pages->areas : NULL; a && !d;
	     a = a->next_of_pages)
		d = stale(a, index, index + (n - 1));
	if (d)
		violate(v, &rule_unpin_sync, ev,
			"pages from %llu on were unpinned before the IOTLB of domain %#llx was synchronised",
			(unsigned long long)index, (unsigned long long)d->cookie);
}

const struct ims_rule rule_unpin_sync = {
	.id = "UNPIN-SYNC", .severity = 'S',
	.statement = "the IOTLB is synchronised between unmap and unpin",
	.before = { { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_DMA_UNMAP, IMS_IOTLB_SYNC, IMS_AREA, IMS_DOMAIN),
};
