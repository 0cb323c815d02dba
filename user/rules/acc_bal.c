// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-BAL (resource, security): an access gives back exactly a range that was pinned,
 * as often as it was pinned; iommufd's counts of the range and of the area agree; a pin
 * that fails gives back the ranges that it had got before.
 *
 * Ranges are shared between accesses and found by exact bounds.  Where the counts
 * could not be read under their lock they are not known, and not compared.
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
	if (r->nacc != IMS_NACC_UNKNOWN && (r->users != users || r->nacc != nacc))
		violate(v, &rule_acc_bal, ev,
			"pages %llu-%llu have %u users and the area %u, iommufd counts %u and %u",
			(unsigned long long)r->index, (unsigned long long)r->last, users, nacc,
			r->users, r->nacc);
}

static void op(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;

	if (ev->r->h.action == IMS_ACC_PIN && r->rc && ev->op && ev->op->ranges > 0)
		violate(v, &rule_acc_bal, ev,
			"a pin of IOVA %#llx-%#llx failed (%d) but keeps %lld ranges pinned",
			(unsigned long long)r->iova, (unsigned long long)(r->iova + r->length - 1),
			r->rc, (long long)ev->op->ranges);
}

const struct ims_rule rule_acc_bal = {
	.id = "ACC-BAL", .severity = 'R',
	.statement = "pins and unpins of accesses balance per range and per area",
	.before = { { IMS_ACCESS_RANGE, range }, { IMS_ACCESS_OP, op } },
};
