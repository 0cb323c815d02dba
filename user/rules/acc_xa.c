// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-XA (security): outside operations the xarray of a pages object holds an entry
 * for a page if and only if an access uses the page; the object is freed with none.
 *
 * An implementation without such a store writes no such record, and is not judged.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_xa;

static uint64_t used(const struct m_pages *p)
{
	uint64_t n = 0, index = 0, next;

	for (;;) {	/* the union of ranges that may overlap, from left to right */
		uint64_t end = index;

		next = UINT64_MAX;
		for (const struct m_access_range *x = p->accesses; x; x = x->next) {
			if (x->index <= end && x->last >= end)
				end = x->last + 1;
			else if (x->index > index && x->index < next)
				next = x->index;
		}
		n += end - index;
		if (end == index && next == UINT64_MAX)
			return n;
		index = end == index ? next : end;
	}
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	if (!p->xa_seen)
		return;
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		if (runmap_covered(&p->xa, x->index, x->last) != x->last - x->index + 1) {
			violate(v, &rule_acc_xa, ev,
				"an access uses pages %llu-%llu, the xarray does not hold all of them",
				(unsigned long long)x->index, (unsigned long long)x->last);
			return;
		}
	if (p->xa.size != used(p))
		violate(v, &rule_acc_xa, ev, "the xarray holds %llu pages, accesses use %llu",
			(unsigned long long)p->xa.size, (unsigned long long)used(p));
}

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_PAGES_FREE && ev->pages && ev->pages->xa.size)
		violate(v, &rule_acc_xa, ev, "the pages object was freed with %llu pages in its xarray",
			(unsigned long long)ev->pages->xa.size);
}

const struct ims_rule rule_acc_xa = {
	.id = "ACC-XA", .severity = 'S',
	.statement = "the xarray holds the PFNs of exactly the pages that accesses use",
	.before = { { IMS_PAGES, pages } },
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_XARRAY, IMS_ACCESS_RANGE),
};
