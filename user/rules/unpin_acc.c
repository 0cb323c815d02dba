// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNPIN-ACC (security): a page is not unpinned while an in-kernel access holds
 * it.  The access leaves the pages object before its pages are unpinned, and the
 * records come in that order.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unpin_acc;

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index, n = 0;
	const struct m_access_range *x;

	if (!ev->pages || !ev->pages->accesses)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		n += ev->runs[i].len;
	x = n ? model_access_find(ev->pages, index, index + (n - 1)) : NULL;
	if (x)
		violate(v, &rule_unpin_acc, ev,
			"pages %llu-%llu were unpinned while an access holds pages %llu-%llu",
			(unsigned long long)index, (unsigned long long)(index + n - 1),
			(unsigned long long)x->index, (unsigned long long)x->last);
}

const struct ims_rule rule_unpin_acc = {
	.id = "UNPIN-ACC", .severity = 'S',
	.statement = "a page is not unpinned while an access holds it",
	.before = { { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_ACCESS_RANGE),
};
