// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPT-RLIMIT (resource): RLIMIT_MODE is set only while the ctx holds no object, the
 * compatibility IOAS included.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_opt_rlimit;

/* Others may have made some between the change and its record. */
static bool older_objects(const struct m_event *ev)
{
	const struct m_object *o;
	uint32_t i;

	table_for_each(&ev->ctx->objects, i, o)
		if (!ev->op || !ev->op->enter || o->born < ev->op->enter)
			return true;
	return false;
}

static void mode(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->r->p.rlimit_mode.rc && older_objects(ev))
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
