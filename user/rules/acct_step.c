// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-STEP (resource): a charge or uncharge closes the gap between what is
 * pinned and what was charged before, and changes the counter of the account that the
 * pages object names, user->locked_vm or mm->locked_vm, by just that.
 *
 * The counters are shared, so what this very call changed is looked at, not what they
 * are.  Exceptions: mode NONE has no counter; a charge that failed closes no gap, it is
 * followed by unpins, and changes no counter; a change of process releases what stays
 * pinned, which is CHG-PROC's business.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_step;

static void counter(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;
	int64_t want = r->rc || r->mode == IMS_ACCT_NONE ? 0 : r->delta;

	if (r->moved != want)
		violate(v, &rule_acct_step, ev,
			"the counter of mode %u should have changed by %+lld pages, but did by %+lld",
			r->mode, (long long)want, (long long)r->moved);
}

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;
	const struct m_pages *p = ev->pages;

	if (!p)
		return;
	counter(v, ev);
	if (r->rc || p->charge_refused || op_changes_process(ev->op))
		return;
	if ((uint64_t)p->charged + (uint64_t)r->delta != p->pinned)
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
