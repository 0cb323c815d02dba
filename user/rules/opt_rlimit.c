// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPT-RLIMIT (resource): RLIMIT_MODE is set only while the ctx holds no object, the
 * compatibility IOAS included.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_opt_rlimit;

static void mode(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->r->p.rlimit_mode.rc && ev->ctx->nobjects > 0)
		violate(v, &rule_opt_rlimit, ev,
			"the accounting mode was set while the ctx has %lld objects",
			(long long)ev->ctx->nobjects);
}

const struct ims_rule rule_opt_rlimit = {
	.id = "OPT-RLIMIT", .severity = 'R',
	.statement = "the accounting mode changes only while the ctx has no object",
	.before = { { IMS_RLIMIT_MODE, mode } },
	.needs = IMS_NEEDS(IMS_OBJECT),
};
