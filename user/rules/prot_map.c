// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-MAP (security): a mapping has the permissions of its area, and is cache
 * coherent; write permission needs pages that were pinned for writing.
 *
 * Exceptions: VFIO's MAP_DMA may ask for neither read nor write; a dma-buf is mapped as
 * MMIO and not cache coherent, whatever its area says.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_prot_map;

static uint32_t wanted(const struct m_area *a)
{
	return a->pages && a->pages->dmabuf ? (a->prot & ~IMS_PROT_CACHE) | IMS_PROT_MMIO : a->prot;
}

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t prot = ev->r->p.dma_map.prot;
	const struct m_area *a = ev->area;

	if (!a || ev->r->p.dma_map.rc)
		return;
	if (prot != wanted(a))
		violate(v, &rule_prot_map, ev,
			"IOVA %#llx was mapped with permissions %#x, its area has %#x",
			(unsigned long long)ev->r->p.dma_map.iova, prot, wanted(a));
	else if (!(prot & (IMS_PROT_CACHE | IMS_PROT_MMIO)))
		violate(v, &rule_prot_map, ev, "IOVA %#llx was mapped without cache coherency",
			(unsigned long long)ev->r->p.dma_map.iova);
	else if (prot & IMS_PROT_WRITE && a->pages && !a->pages->writable)
		violate(v, &rule_prot_map, ev,
			"IOVA %#llx was mapped writeable, its pages were pinned for reading",
			(unsigned long long)ev->r->p.dma_map.iova);
}

const struct ims_rule rule_prot_map = {
	.id = "PROT-MAP", .severity = 'S',
	.statement = "a mapping has exactly the permissions of its area",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
