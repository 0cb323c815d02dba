// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNPIN-AFTER-UNMAP (security): a page is unpinned only when no domain of any
 * IOAS translates to it through an area of its pages object.
 *
 * Pending, live and dying areas all count, in error paths too.  There are no
 * legitimate exceptions: unpinned but mapped memory is DMA into memory that
 * belongs to someone else.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unpin_after_unmap;

static bool still_mapped(struct ims_verifier *v, const struct m_event *ev, const struct m_area *a,
			 uint64_t index, uint64_t last)
{
	struct runmap_pos pos;
	uint64_t from, to;
	struct run r;

	if (a->state == M_REMOVED || !area_iova_of(a, index, last, &from, &to))
		return false;
	for (struct m_domain *d = a->ioas->domains; d; d = d->next) {
		if (!runmap_first(&d->pt, from, to, &pos, &r))
			continue;
		violate(v, &rule_unpin_after_unmap, ev,
			"pages %llu-%llu were unpinned while domain %#llx still translates IOVA %#llx to %#llx",
			(unsigned long long)index, (unsigned long long)last,
			(unsigned long long)d->cookie,
			(unsigned long long)(r.start > from ? r.start : from),
			(unsigned long long)(r.start > from ? r.addr : r.addr + (from - r.start)));
		return true;
	}
	return false;
}

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index, n = 0;

	if (!ev->pages)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		n += ev->runs[i].len;
	for (const struct m_area *a = ev->pages->areas; n && a; a = a->next_of_pages)
		if (still_mapped(v, ev, a, index, index + (n - 1)))
			return;
}

const struct ims_rule rule_unpin_after_unmap = {
	.id = "UNPIN-AFTER-UNMAP", .severity = 'S',
	.statement = "a page is unpinned only when no domain translates to it any more",
	.before = { { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP, IMS_AREA, IMS_DOMAIN),
};
