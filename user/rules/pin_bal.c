// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-BAL (resource): pins and unpins balance per page; a pages object that is
 * freed has nothing pinned.
 *
 * An unpin of a page that is not pinned is one too many; a pinned page of a
 * freed object is one too few.  No exceptions, in no accounting mode.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_bal;

static uint64_t total(const struct m_event *ev)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		n += ev->runs[i].len;
	return n;
}

/* How many of [index, last] were pinned but are not in a run yet. */
static uint64_t pending(const struct m_pages *p, uint64_t index, uint64_t last)
{
	uint64_t from = p->pend_index > index ? p->pend_index : index;
	uint64_t end = p->pend_index + p->pend_n;

	if (end > last + 1)
		end = last + 1;
	return p->pend_n && end > from ? end - from : 0;
}

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index, n = total(ev), have, last = index + (n - 1);
	struct m_pages *p = ev->pages;

	if (!p || !n)
		return;
	have = last >= index ? runmap_covered(&p->pins, index, last) + pending(p, index, last) : 0;
	if (have != n)
		violate(v, &rule_pin_bal, ev,
			"pages %llu-%llu were unpinned, but only %llu of these %llu are pinned",
			(unsigned long long)index, (unsigned long long)last,
			(unsigned long long)have, (unsigned long long)n);
}

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_pages *p = ev->pages;

	if (ev->r->h.action != IMS_PAGES_FREE || !p)
		return;
	if (p->pinned)
		violate(v, &rule_pin_bal, ev, "the pages object was freed with %llu of %llu pages still pinned",
			(unsigned long long)p->pinned, (unsigned long long)p->npages);
	else if (ev->r->p.pages.npinned)
		violate(v, &rule_pin_bal, ev, "the pages object was freed while it counts %llu pins",
			(unsigned long long)ev->r->p.pages.npinned);
}

const struct ims_rule rule_pin_bal = {
	.id = "PIN-BAL", .severity = 'R',
	.statement = "pins and unpins balance; a freed pages object has nothing pinned",
	.before = { { IMS_UNPIN, unpin }, { IMS_PAGES, pages } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS),
};
