// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-MAP (security): an area may be read and written exactly as its map or copy asked
 * for; a mapping has the permissions of its area, and is cache coherent; write
 * permission needs pages that were pinned for writing.
 *
 * Exceptions: VFIO's MAP_DMA may ask for neither read nor write; a dma-buf is mapped as
 * MMIO and not cache coherent, whatever its area says.  The areas of a map are not judged
 * when others have changed the IOAS meanwhile.
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

enum { MAP_WRITEABLE = 2, MAP_READABLE = 4 };	/* linux/iommufd.h */

static void map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_map *r = &ev->r->p.map;
	uint32_t asked = (r->flags & MAP_READABLE ? IMS_PROT_READ : 0) |
			 (r->flags & MAP_WRITEABLE ? IMS_PROT_WRITE : 0);
	uint64_t last = r->iova + (r->length - 1);
	const struct m_ioas *s = ev->ioas;
	uint32_t at;

	if (r->rc || !r->length || !s || !ev->op || !ev->op->enter ||
	    ioas_changed_by_others(s, ev->op->enter, ev->op->tid) ||
	    !model_area_first(s, r->iova, last, &at))
		return;
	for (; at < s->nareas && s->areas[at]->iova <= last; at++) {
		const struct m_area *a = s->areas[at];

		if (a->state == M_LIVE && (a->prot & (IMS_PROT_READ | IMS_PROT_WRITE)) != asked)
			violate(v, &rule_prot_map, ev,
				"area %#llx-%#llx has permissions %#x, its map asked for %#x",
				(unsigned long long)a->iova, (unsigned long long)a->last,
				a->prot & (IMS_PROT_READ | IMS_PROT_WRITE), asked);
	}
}

const struct ims_rule rule_prot_map = {
	.id = "PROT-MAP", .severity = 'S',
	.statement = "a mapping has the permissions of its area, an area those that its map asked for",
	.before = { { IMS_DMA_MAP, dma_map }, { IMS_MAP, map } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
