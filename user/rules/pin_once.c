// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-ONCE (resource): a page of a pages object is pinned only while it is not
 * pinned, and only inside the object.
 *
 * No exceptions inside one pages object.  Two maps of the same memory are two
 * objects and pin it twice.  Transient pins of a read or write are not counted.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_once;

static void pin(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_pin *r = &ev->r->p.pin;
	struct m_pages *p = ev->pages;
	struct runmap_pos pos;
	struct run hit;
	uint64_t last = r->index + ((uint64_t)r->got - 1);

	if (!p || ev->r->h.action != IMS_PIN_HELD || r->got <= 0)
		return;
	if (r->index >= p->npages || last >= p->npages || last < r->index)
		violate(v, &rule_pin_once, ev, "pages %llu-%llu were pinned of an object of %llu",
			(unsigned long long)r->index, (unsigned long long)last,
			(unsigned long long)p->npages);
	else if (runmap_first(&p->pins, r->index, last, &pos, &hit))
		violate(v, &rule_pin_once, ev,
			"pages %llu-%llu were pinned though pages %llu-%llu already are",
			(unsigned long long)r->index, (unsigned long long)last,
			(unsigned long long)hit.start,
			(unsigned long long)(hit.start + hit.len - 1));
}

const struct ims_rule rule_pin_once = {
	.id = "PIN-ONCE", .severity = 'R',
	.statement = "a page is pinned once per pages object, and only inside it",
	.before = { { IMS_PIN, pin } },
	.needs = IMS_NEEDS(IMS_UNPIN, IMS_PIN_RUNS, IMS_PAGES),
};
