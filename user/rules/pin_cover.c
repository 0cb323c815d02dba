// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-COVER (security): only pages that are pinned are mapped, pinned through the pages
 * object and at the indices that the area shows.
 *
 * A page that GUP gave but whose PFN iommufd never told does not count: nothing can be
 * mapped of it rightly.  That it stays pinned while it is mapped is UNPIN-AFTER-UNMAP.
 * Exceptions: MSI pages, which iommufd does not map; a dma-buf, which its exporter keeps.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_cover;

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->area;
	uint64_t iova = ev->r->p.dma_map.iova, len = 0, first, last, have;

	if (ev->r->p.dma_map.rc || !a || !a->pages || a->pages->dmabuf)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		len += ev->runs[i].len;
	if (!len || iova < a->iova || iova > a->last || len - 1 > a->last - iova)
		return;		/* not of this area, and PFN-ID says so */
	first = area_byte(a, iova) >> IMS_PAGE_SHIFT;
	last = area_byte(a, iova + (len - 1)) >> IMS_PAGE_SHIFT;
	have = runmap_covered(&a->pages->pins, first, last);
	if (have != last - first + 1)
		violate(v, &rule_pin_cover, ev,
			"IOVA %#llx was mapped with %#llx bytes, but only %llu of the %llu pages behind it are pinned",
			(unsigned long long)iova, (unsigned long long)len,
			(unsigned long long)have, (unsigned long long)(last - first + 1));
}

const struct ims_rule rule_pin_cover = {
	.id = "PIN-COVER", .severity = 'S',
	.statement = "only pages that are pinned are mapped",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS, IMS_UNPIN, IMS_AREA, IMS_PAGES, IMS_DOMAIN),
};
