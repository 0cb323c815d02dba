// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-PINNEDVM (semantic): each charge and uncharge changes mm->pinned_vm of the memory's
 * owner by the same number of pages, in all modes: with CAP_IPC_LOCK, too.
 *
 * The counter is shared with others, so only what this call changed is looked at.
 * Exception: a charge that failed changes nothing, of the limited counters neither; that
 * is ACCT-STEP.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_pinnedvm;

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;

	if (ev->pages && !r->rc && r->pinned_moved != r->delta)
		violate(v, &rule_acct_pinnedvm, ev,
			"a charge of %+lld pages changed mm->pinned_vm of their owner by %+lld",
			(long long)r->delta, (long long)r->pinned_moved);
}

const struct ims_rule rule_acct_pinnedvm = {
	.id = "ACCT-PINNEDVM", .severity = 'M',
	.statement = "each charge changes mm->pinned_vm by as much, in all modes",
	.before = { { IMS_ACCOUNT, account } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
