// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-EQ (resource): when nobody works on a pages object, it is charged for
 * exactly the pages it has pinned.
 *
 * Inside an operation pins run ahead of the charge, which comes once at the end.
 * Mode NONE (CAP_IPC_LOCK) charges nobody, but reports the same deltas, which
 * must balance too.  When the object is freed that is ACCT-RELEASE's, after a charge
 * that was refused ACCT-FAIL's.  Exception: in mode MM the uncharge of a dead mm fails
 * with an error, and the charge stays; a refused uncharge is written with its rc.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_eq;

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	if (p->charge_refused || p->charged == (int64_t)p->pinned || ev->op->refused == p->cookie)
		return;
	violate(v, &rule_acct_eq, ev, "after the operation, %llu pages are pinned but %lld are charged",
		(unsigned long long)p->pinned, (long long)p->charged);
}

const struct ims_rule rule_acct_eq = {
	.id = "ACCT-EQ", .severity = 'R',
	.statement = "outside operations, pages charged = pages pinned",
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_PIN, IMS_UNPIN, IMS_ACCOUNT),
};
