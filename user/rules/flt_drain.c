// SPDX-License-Identifier: GPL-2.0-only
/*
 * FLT-DRAIN (security): when a device was detached or moved to another HWPT, no
 * page fault that came through the old attachment waits for an answer any more.
 *
 * The kernel answers what is left by itself.  Checked when the detaching thread
 * goes on.  Other devices of the group that stay attached keep the attachment.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_flt_drain;

static void settled(struct ims_verifier *v, const struct m_event *ev)
{
	struct m_fault *f;
	uint32_t i;

	if (!ev->op->detached_handle)
		return;
	table_for_each(&ev->ctx->faults, i, f)
		if (f->handle == ev->op->detached_handle) {
			violate(v, &rule_flt_drain, ev,
				"fault group %#llx of the attachment that ended still waits in fault queue %#llx",
				(unsigned long long)f->cookie, (unsigned long long)f->fault);
			return;
		}
}

const struct ims_rule rule_flt_drain = {
	.id = "FLT-DRAIN", .severity = 'S',
	.statement = "no page fault of an ended attachment waits for an answer",
	.settled = settled,
	.needs = IMS_NEEDS(IMS_FAULT, IMS_DEVICE),
};
