// SPDX-License-Identifier: GPL-2.0-only
/*
 * DIRTY-ON-UNPIN (semantic: data loss on file-backed memory): pages that a device may
 * have written are marked dirty as they are unpinned, and only these.
 *
 * Exception: error paths give pages back that no domain ever saw (LIST).
 */
#include "rules/rules.h"

extern const struct ims_rule rule_dirty_on_unpin;

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t flags = ev->r->p.unpin.flags;

	if (!ev->pages || flags & IMS_UNPIN_LIST)
		return;
	if (!(flags & IMS_UNPIN_DIRTY) == ev->pages->writable)
		violate(v, &rule_dirty_on_unpin, ev,
			"%s pages from %llu on were unpinned %s being marked dirty",
			ev->pages->writable ? "writable" : "read-only",
			(unsigned long long)ev->r->p.unpin.index,
			flags & IMS_UNPIN_DIRTY ? "and" : "without");
}

const struct ims_rule rule_dirty_on_unpin = {
	.id = "DIRTY-ON-UNPIN", .severity = 'M',
	.statement = "writable pages are dirtied when they are unpinned, others are not",
	.before = { { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
