// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-RELEASE (resource): a pages object that is freed leaves no charge behind, and has
 * changed mm->pinned_vm by nothing in sum.
 *
 * In all modes: mode NONE charges nobody, but counts the same, and mm->pinned_vm has no
 * limit and is counted always.  Exception: what belongs to a dead mm cannot be given
 * back; an uncharge that was refused is told with its rc.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_release;

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_pages *p = ev->pages;

	if (ev->r->h.action != IMS_PAGES_FREE || !p || p->charge_refused)
		return;
	if (p->charged)
		violate(v, &rule_acct_release, ev,
			"the pages object was freed while %lld pages are charged for it",
			(long long)p->charged);
	else if (p->pinned_vm)
		violate(v, &rule_acct_release, ev,
			"the pages object was freed and has changed mm->pinned_vm by %+lld pages",
			(long long)p->pinned_vm);
}

const struct ims_rule rule_acct_release = {
	.id = "ACCT-RELEASE", .severity = 'R',
	.statement = "a freed pages object leaves no charge and no pinned_vm behind",
	.before = { { IMS_PAGES, pages } },
	.needs = IMS_NEEDS(IMS_ACCOUNT),
};
