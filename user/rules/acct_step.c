// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-STEP (resource): a charge or uncharge closes the gap between what is
 * pinned and what was charged before, and iommufd's own count of pins is right.
 *
 * Exceptions: a charge that failed changes nothing and is followed by unpins.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_step;

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;
	const struct m_pages *p = ev->pages;

	if (!p || r->rc || p->charge_refused)
		return;
	if (r->npinned != p->pinned)
		violate(v, &rule_acct_step, ev, "iommufd counts %llu pinned pages, %llu are",
			(unsigned long long)r->npinned, (unsigned long long)p->pinned);
	else if ((uint64_t)p->charged + (uint64_t)r->delta != p->pinned)
		violate(v, &rule_acct_step, ev,
			"%+lld pages were charged on top of %lld, but %llu are pinned",
			(long long)r->delta, (long long)p->charged,
			(unsigned long long)p->pinned);
	else if (r->last_npinned != r->npinned)
		violate(v, &rule_acct_step, ev,
			"after the charge %llu pages count as charged and %llu as pinned",
			(unsigned long long)r->last_npinned, (unsigned long long)r->npinned);
}

const struct ims_rule rule_acct_step = {
	.id = "ACCT-STEP", .severity = 'R',
	.statement = "a charge closes the gap between pinned and charged exactly",
	.before = { { IMS_ACCOUNT, account } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_UNPIN),
};
