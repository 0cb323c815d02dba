// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-LEVELS (resource): iommufd's own count of pinned pages is what the memory
 * management gave it less what it gave back, as these calls were made.
 *
 * Two levels of the same truth: pages that GUP returned and pages that were handed to an
 * unpin on one side, npinned of the pages object on the other.  Told with each charge,
 * also one that was refused; that both are 0 in the end is PIN-BAL.  The unpin of a page
 * that is not pinned is wrong on both levels alike, and PIN-BAL's too.  Exception: a page
 * that is pinned only for a copy of its contents is not counted on either.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_levels;

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;

	if (ev->pages && r->npinned != ev->pages->taken)
		violate(v, &rule_pin_levels, ev,
			"iommufd counts %llu pinned pages, but has taken %lld more than it gave back",
			(unsigned long long)r->npinned, (long long)ev->pages->taken);
}

const struct ims_rule rule_pin_levels = {
	.id = "PIN-LEVELS", .severity = 'R',
	.statement = "the pages counted as pinned are those taken less those given back",
	.before = { { IMS_ACCOUNT, account } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_UNPIN),
};
