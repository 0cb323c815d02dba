// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-XA (security): outside operations the xarray of a pages object holds an entry
 * for a page if and only if an access uses the page; the object is freed with none.
 *
 * An implementation without such a store writes no such record, and is not judged.
 */
#include "model/spans.h"
#include "rules/rules.h"

extern const struct ims_rule rule_acc_xa;

static void judge(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p,
		  struct spans *used)
{
	uint64_t n = spans_unite(used);

	for (size_t i = 0; i < used->n; i++) {
		const struct span *s = &used->span[i];

		if (runmap_covered(&p->xa, s->first, s->last) != s->last - s->first + 1) {
			violate(v, &rule_acc_xa, ev,
				"accesses use pages %llu-%llu, the xarray does not hold all of them",
				(unsigned long long)s->first, (unsigned long long)s->last);
			return;
		}
	}
	if (n != p->xa.size)
		violate(v, &rule_acc_xa, ev, "the xarray holds %llu pages, accesses use %llu",
			(unsigned long long)p->xa.size, (unsigned long long)n);
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	struct spans used = { 0 };

	if (!p->xa_seen)
		return;
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		spans_add(&used, x->index, x->last);
	if (!used.failed)
		judge(v, ev, p, &used);
	spans_free(&used);
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
