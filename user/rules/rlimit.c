// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT (resource): a successful charge leaves the counter at or below
 * RLIMIT_MEMLOCK, both taken at that instant.
 *
 * Exceptions: lowering the limit later is legal, and so is what others add to
 * the shared counter afterwards; mode NONE has no limit.  That pins run ahead of
 * the limit inside an operation is upstream's design, not this rule's business.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_rlimit;

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;

	if (r->rc || r->delta <= 0 || r->mode == IMS_ACCT_NONE || r->counter <= r->limit)
		return;
	violate(v, &rule_rlimit, ev,
		"a charge of %lld pages was granted that brought the counter to %llu, over the limit of %llu",
		(long long)r->delta, (unsigned long long)r->counter,
		(unsigned long long)r->limit);
}

const struct ims_rule rule_rlimit = {
	.id = "RLIMIT", .severity = 'R',
	.statement = "a granted charge stays within RLIMIT_MEMLOCK",
	.before = { { IMS_ACCOUNT, account } },
};
