// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-USED (resource): outside operations a page is pinned if and only if an
 * area that a domain holds, or an access, shows it.
 *
 * More is a leak, less is use after unpin.  An area counts while its IOAS has a
 * domain.  An object that has a pending or dying area, or an area in an IOAS that
 * a domain is just joining or leaving, is in another thread's operation and not
 * judged.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_used;

/* A page of [*from, last] that is used: moves *from behind the used stretch. */
static bool used_from(const struct m_pages *p, uint64_t index, uint64_t *last)
{
	bool used = false;

	for (const struct m_area *a = p->areas; a; a = a->next_of_pages)
		if (a->ioas->domains && area_first_index(a) <= index && area_last_index(a) >= index) {
			*last = !used || area_last_index(a) > *last ? area_last_index(a) : *last;
			used = true;
		}
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		if (x->index <= index && x->last >= index) {
			*last = !used || x->last > *last ? x->last : *last;
			used = true;
		}
	return used;
}

/* First used page at or after @index. */
static uint64_t next_used(const struct m_pages *p, uint64_t index)
{
	uint64_t next = UINT64_MAX;

	for (const struct m_area *a = p->areas; a; a = a->next_of_pages)
		if (a->ioas->domains && area_first_index(a) >= index && area_first_index(a) < next)
			next = area_first_index(a);
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		if (x->index >= index && x->index < next)
			next = x->index;
	return next;
}

static bool busy(const struct m_pages *p)
{
	for (const struct m_area *a = p->areas; a; a = a->next_of_pages) {
		if (a->state != M_LIVE)
			return true;
		for (const struct m_domain *d = a->ioas->domains; d; d = d->next)
			if (!d->added)
				return true;
	}
	return p->pend_n;
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	uint64_t used = 0, index = 0, last;

	if (busy(p))
		return;
	while (index != UINT64_MAX) {
		if (!used_from(p, index, &last)) {
			index = next_used(p, index);
			continue;
		}
		used += last - index + 1;
		if (runmap_covered(&p->pins, index, last) != last - index + 1) {
			violate(v, &rule_pin_used, ev,
				"pages %llu-%llu are in use but not all of them are pinned",
				(unsigned long long)index, (unsigned long long)last);
			return;
		}
		index = last + 1;
	}
	if (used != p->pinned)
		violate(v, &rule_pin_used, ev, "%llu pages are pinned but only %llu are in use",
			(unsigned long long)p->pinned, (unsigned long long)used);
}

const struct ims_rule rule_pin_used = {
	.id = "PIN-USED", .severity = 'R',
	.statement = "outside operations a page is pinned if and only if it is in use",
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS, IMS_UNPIN, IMS_AREA, IMS_DOMAIN,
			   IMS_ACCESS_RANGE),
};
