// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP-EXACT (security): an unmap removes exactly what was asked, and all of it
 * was mapped.
 *
 * Exception: a request of size 0 changes nothing and is noise of an error path.
 * The mock IOMMU never reports a shortage; there the second half decides.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unmap_exact;

static void dma_unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_dma_unmap *r = &ev->r->p.dma_unmap;
	uint64_t have;

	if (!ev->domain || !r->size)
		return;
	have = runmap_covered(&ev->domain->pt, r->iova, r->iova + (r->size - 1));
	if (have != r->size)
		violate(v, &rule_unmap_exact, ev,
			"%#llx bytes were unmapped at IOVA %#llx, but only %#llx of them were mapped",
			(unsigned long long)r->size, (unsigned long long)r->iova,
			(unsigned long long)have);
	else if (r->unmapped != r->size)
		violate(v, &rule_unmap_exact, ev,
			"of %#llx bytes at IOVA %#llx the IOMMU unmapped %#llx",
			(unsigned long long)r->size, (unsigned long long)r->iova,
			(unsigned long long)r->unmapped);
}

const struct ims_rule rule_unmap_exact = {
	.id = "UNMAP-EXACT", .severity = 'S',
	.statement = "an unmap removes exactly what was asked, all of which was mapped",
	.before = { { IMS_DMA_UNMAP, dma_unmap } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DOMAIN),
};
