// SPDX-License-Identifier: GPL-2.0-only
/*
 * FLT-OWNER (security): when an attachment ends, the groups that are answered are those
 * of that attachment, in the queue that holds them.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_flt_owner;

static void fault(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_fault *r = &ev->r->p.fault;
	const struct m_fault *f = table_get(&ev->ctx->faults, r->group);

	if (f && ev->r->h.action != IMS_FLT_QUEUE && (f->fault != r->fault || f->handle != r->handle))
		violate(v, &rule_flt_owner, ev,
			"fault group %#llx of queue %#llx was handled in queue %#llx",
			(unsigned long long)r->group, (unsigned long long)f->fault,
			(unsigned long long)r->fault);
}

const struct ims_rule rule_flt_owner = {
	.id = "FLT-OWNER", .severity = 'S',
	.statement = "the kernel answers page faults in the queue that holds them",
	.before = { { IMS_FAULT, fault } },
	.needs = IMS_NEEDS(IMS_DEVICE),
};
