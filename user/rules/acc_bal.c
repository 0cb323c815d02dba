// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-BAL (resource, security): an access gives back exactly a range that was pinned,
 * as often as it was pinned; iommufd's counts of the range and of the area agree.
 *
 * Ranges are shared between accesses and found by exact bounds.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_bal;

static const struct m_access_range *exact(const struct m_pages *p, uint64_t index, uint64_t last)
{
	for (const struct m_access_range *x = p->accesses; x; x = x->next)
		if (x->index == index && x->last == last)
			return x;
	return NULL;
}

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	const struct m_access_range *x;
	uint32_t users, nacc;
	bool pin = ev->r->h.action == IMS_ACC_RANGE_PIN;

	if (r->rc || !ev->pages || !ev->area)
		return;
	x = exact(ev->pages, r->index, r->last);
	if (!pin && (!x || !ev->area->nacc)) {
		violate(v, &rule_acc_bal, ev,
			"an access gave back pages %llu-%llu, which it does not hold",
			(unsigned long long)r->index, (unsigned long long)r->last);
		return;
	}
	users = (x ? x->users : 0) + (pin ? 1 : -1);
	nacc = ev->area->nacc + (pin ? 1 : -1);
	if (r->users != users || r->nacc != nacc)
		violate(v, &rule_acc_bal, ev,
			"pages %llu-%llu have %u users and the area %u, iommufd counts %u and %u",
			(unsigned long long)r->index, (unsigned long long)r->last, users, nacc,
			r->users, r->nacc);
}

const struct ims_rule rule_acc_bal = {
	.id = "ACC-BAL", .severity = 'R',
	.statement = "pins and unpins of accesses balance per range and per area",
	.before = { { IMS_ACCESS_RANGE, range } },
};
