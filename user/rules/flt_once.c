// SPDX-License-Identifier: GPL-2.0-only
/*
 * FLT-ONCE (security, resource): each group of page faults is answered exactly
 * once: by user space after it was read, or by the kernel when its attachment or
 * its queue ends.
 *
 * A read whose copy to user space fails puts the group back (RESTORE).
 */
#include "rules/rules.h"

extern const struct ims_rule rule_flt_once;

static void fault(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_fault *r = &ev->r->p.fault;
	const struct m_fault *f = table_get(&ev->ctx->faults, r->group);

	if (!f && ev->ctx->late)	/* it may have been waiting when we came */
		return;
	switch (ev->r->h.action) {
	case IMS_FLT_QUEUE:
		if (f)
			violate(v, &rule_flt_once, ev, "fault group %#llx was queued again unanswered",
				(unsigned long long)r->group);
		break;
	case IMS_FLT_ANSWER:
		if (!f || !f->read)
			violate(v, &rule_flt_once, ev,
				"fault group %#llx was answered that %s",
				(unsigned long long)r->group, f ? "was never read" : "is not waiting");
		break;
	case IMS_FLT_AUTO:
	case IMS_FLT_DESTROY:
		if (!f)
			violate(v, &rule_flt_once, ev,
				"fault group %#llx was answered by the kernel but is not waiting",
				(unsigned long long)r->group);
		break;
	}
}

const struct ims_rule rule_flt_once = {
	.id = "FLT-ONCE", .severity = 'S',
	.statement = "each group of page faults is answered exactly once",
	.before = { { IMS_FAULT, fault } },
};
