// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP-CUT (security): an unmap never ends inside what one call mapped, where
 * the IOMMU may hold one large entry.
 *
 * Exception: with large pages disabled every entry is one page, and every call
 * maps one, so nothing can be cut either.  Of what was mapped before we came,
 * nobody knows how.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unmap_cut;

static void edge(struct ims_verifier *v, const struct m_event *ev, uint64_t iova)
{
	struct runmap_pos pos;
	struct run r;

	if (iova && runmap_first(&ev->domain->pt, iova, iova, &pos, &r) && r.start < iova &&
	    !(r.addr & IMS_ADDR_UNKNOWN))
		violate(v, &rule_unmap_cut, ev,
			"an unmap cut at IOVA %#llx through what was mapped as %#llx-%#llx",
			(unsigned long long)iova, (unsigned long long)r.start,
			(unsigned long long)(r.start + r.len - 1));
}

static void dma_unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_dma_unmap *r = &ev->r->p.dma_unmap;

	if (!ev->domain || !r->size)
		return;
	edge(v, ev, r->iova);
	edge(v, ev, r->iova + r->size);
}

const struct ims_rule rule_unmap_cut = {
	.id = "UNMAP-CUT", .severity = 'S',
	.statement = "an unmap never ends inside what one call mapped",
	.before = { { IMS_DMA_UNMAP, dma_unmap } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DOMAIN),
};
