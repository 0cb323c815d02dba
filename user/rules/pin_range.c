// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-RANGE (security): what is pinned as page i of a pages object is the user memory
 * at its start plus i pages, inside the object.  The transient pin of a read or
 * write obeys this too.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_range;

static void pin(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_pin *r = &ev->r->p.pin;
	const struct m_pages *p = ev->pages;

	if (!p)
		return;
	if (r->uaddr < p->uptr || r->uaddr - p->uptr != r->index * IMS_PAGE ||
	    r->index >= p->npages || r->wanted > p->npages - r->index ||
	    (r->got > 0 && (uint64_t)r->got > r->wanted))
		violate(v, &rule_pin_range, ev,
			"%llu pages at %#llx were pinned of an object of %llu pages at %#llx",
			(unsigned long long)r->wanted, (unsigned long long)r->uaddr,
			(unsigned long long)p->npages, (unsigned long long)p->uptr);
}

/* The PFNs that follow a pin belong to the pages whose address was pinned. */
static void runs(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_pages *p = ev->pages;
	uint64_t index = ev->r->p.pin_runs.index;

	if (p && p->pend_n && index != p->pend_index)
		violate(v, &rule_pin_range, ev,
			"what was pinned at the address of page %llu was taken for page %llu",
			(unsigned long long)p->pend_index, (unsigned long long)index);
}

const struct ims_rule rule_pin_range = {
	.id = "PIN-RANGE", .severity = 'S',
	.statement = "pages are pinned at their own user address",
	.before = { { IMS_PIN, pin }, { IMS_PIN_RUNS, runs } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
