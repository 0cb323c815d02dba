// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-EQ (resource): when nobody works on a pages object, it is charged for
 * exactly the pages it has pinned.
 *
 * Inside an operation pins run ahead of the charge, which comes once at the end.
 * Mode NONE (CAP_IPC_LOCK) charges nobody, but reports the same deltas, which
 * must balance too.  Exception: in mode MM the uncharge of a dead mm fails with
 * an error, and the charge stays; a refused uncharge is written with its rc.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_eq;

static void judge(struct ims_verifier *v, const struct m_event *ev, const struct m_pages *p,
		  const char *when)
{
	if (p->charge_refused || p->charged == (int64_t)p->pinned)
		return;
	violate(v, &rule_acct_eq, ev, "%s, %llu pages are pinned but %lld are charged", when,
		(unsigned long long)p->pinned, (long long)p->charged);
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	judge(v, ev, p, "after the operation");
}

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_PAGES_FREE && ev->pages)
		judge(v, ev, ev->pages, "as the pages object is freed");
}

const struct ims_rule rule_acct_eq = {
	.id = "ACCT-EQ", .severity = 'R',
	.statement = "outside operations, pages charged = pages pinned",
	.before = { { IMS_PAGES, pages } },
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_PIN, IMS_UNPIN, IMS_ACCOUNT),
};
