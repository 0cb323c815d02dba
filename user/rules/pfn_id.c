// SPDX-License-Identifier: GPL-2.0-only
/*
 * PFN-ID (security): a mapping shows, page for page, the memory that was pinned
 * for it, and an unpin names the PFNs that were pinned at those indices.
 *
 * phys(area, iova) = pin[index] * PAGE_SIZE + offset, where index and offset come
 * from the area's start byte.  The offset is SUBPAGE's business, and a page that is
 * not pinned at all, which has no right PFN, PIN-COVER's.  A dma-buf is not pinned, its
 * memory is contiguous from a known address on.  What was pinned before we came has
 * PFNs that nobody knows.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pfn_id;

/* How far the look-ups in the pins have come: they go up. */
struct place {
	struct runmap_pos pos;
	struct run r;
};

/* How many bytes from @iova on show what is pinned; the rest is not checked. */
static bool piece_ok(struct ims_verifier *v, const struct m_event *ev, struct place *at,
		     uint64_t iova, uint64_t addr, uint64_t *bytes)
{
	struct m_pages *p = ev->area->pages;
	uint64_t byte = area_byte(ev->area, iova), index = byte >> IMS_PAGE_SHIFT;
	uint64_t offset = byte & (IMS_PAGE - 1), want;

	if (p->dmabuf && index < p->npages)
		at->r = (struct run){ .len = p->npages, .addr = p->phys >> IMS_PAGE_SHIFT };
	else if (!runmap_walk(&p->pins, index, &at->pos, &at->r))
		return false;
	want = at->r.addr + (index - at->r.start);
	if (addr >> IMS_PAGE_SHIFT != want && !(want & IMS_ADDR_UNKNOWN)) {
		violate(v, &rule_pfn_id, ev,
			"IOVA %#llx was mapped to %#llx, but page %llu behind it is pinned at %#llx",
			(unsigned long long)iova, (unsigned long long)addr,
			(unsigned long long)index,
			(unsigned long long)((want << IMS_PAGE_SHIFT) + offset));
		return false;
	}
	*bytes = ((at->r.start + at->r.len - index) << IMS_PAGE_SHIFT) - offset;
	return true;
}

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t iova = ev->r->p.dma_map.iova;
	struct place at = {};

	if (ev->r->p.dma_map.rc || !ev->area || !ev->area->pages)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++) {
		uint64_t addr = ev->runs[i].addr, left = ev->runs[i].len, n;

		if (!left || iova < ev->area->iova || left - 1 > ev->area->last - iova ||
		    iova > ev->area->last) {
			violate(v, &rule_pfn_id, ev,
				"IOVA %#llx-%#llx was mapped for an area that covers %#llx-%#llx",
				(unsigned long long)iova, (unsigned long long)(iova + left - 1),
				(unsigned long long)ev->area->iova,
				(unsigned long long)ev->area->last);
			return;
		}
		while (left) {
			if (!piece_ok(v, ev, &at, iova, addr, &n))
				return;
			n = n < left ? n : left;
			iova += n;
			addr += n;
			left -= n;
		}
	}
}

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index;
	struct runmap_pos pos;
	struct run r = {};

	for (unsigned int i = 0; ev->pages && i < ev->r->h.nruns; i++) {
		uint64_t pfn = ev->runs[i].addr, left = ev->runs[i].len, n;

		for (; left; left -= n, index += n, pfn += n) {
			if (!runmap_walk(&ev->pages->pins, index, &pos, &r))
				return;		/* PIN-BAL, or a PFN that was never told */
			if (r.addr + (index - r.start) != pfn && !(r.addr & IMS_ADDR_UNKNOWN)) {
				violate(v, &rule_pfn_id, ev,
					"page %llu was unpinned as PFN %#llx, but is pinned at PFN %#llx",
					(unsigned long long)index, (unsigned long long)pfn,
					(unsigned long long)(r.addr + (index - r.start)));
				return;
			}
			n = r.start + r.len - index;
			n = n < left ? n : left;
		}
	}
}

const struct ims_rule rule_pfn_id = {
	.id = "PFN-ID", .severity = 'S',
	.statement = "mappings and unpins name exactly the PFNs that were pinned",
	.before = { { IMS_DMA_MAP, dma_map }, { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS, IMS_AREA, IMS_PAGES, IMS_DOMAIN),
};
