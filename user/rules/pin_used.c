// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-USED (resource): outside operations a page is pinned if and only if an
 * area that a domain holds, or an access, shows it.
 *
 * More is a leak, less is use after unpin.  An area counts while its IOAS has a
 * domain.  An object that has a pending or dying area, or an area in an IOAS that
 * a domain is just joining or leaving, is in another thread's operation and not
 * judged.  A dma-buf is never pinned.
 */
#include "model/spans.h"
#include "rules/rules.h"

extern const struct ims_rule rule_pin_used;

/* All pages that somebody uses; false: not known. */
static bool used_pages(const struct m_pages *p, struct spans *used)
{
	for (const struct m_area *a = p->areas; a; a = a->next_of_pages)
		if (a->ioas->domains)
			spans_add(used, area_first_index(a), area_last_index(a));
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		spans_add(used, x->index, x->last);
	return !used->failed;
}

static bool busy(const struct m_pages *p)
{
	if (p->dmabuf)
		return true;
	for (const struct m_area *a = p->areas; a; a = a->next_of_pages) {
		if (a->state != M_LIVE)
			return true;
		for (const struct m_domain *d = a->ioas->domains; d; d = d->next)
			if (!d->added)
				return true;
	}
	return p->pend_n;
}

static void judge(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p,
		  struct spans *used)
{
	uint64_t n = spans_unite(used);

	for (size_t i = 0; i < used->n; i++) {
		const struct span *s = &used->span[i];

		if (runmap_covered(&p->pins, s->first, s->last) != s->last - s->first + 1) {
			violate(v, &rule_pin_used, ev,
				"pages %llu-%llu are in use but not all of them are pinned",
				(unsigned long long)s->first, (unsigned long long)s->last);
			return;
		}
	}
	if (n != p->pinned)
		violate(v, &rule_pin_used, ev, "%llu pages are pinned but only %llu are in use",
			(unsigned long long)p->pinned, (unsigned long long)n);
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	struct spans used = { 0 };

	if (busy(p))
		return;
	if (used_pages(p, &used))
		judge(v, ev, p, &used);
	spans_free(&used);
}

const struct ims_rule rule_pin_used = {
	.id = "PIN-USED", .severity = 'R',
	.statement = "outside operations a page is pinned if and only if it is in use",
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS, IMS_UNPIN, IMS_AREA, IMS_DOMAIN,
			   IMS_ACCESS_RANGE),
};
