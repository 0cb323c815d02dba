// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPT-RLIMIT (resource): RLIMIT_MODE is set only by who has CAP_SYS_RESOURCE, and while the
 * ctx holds no object, the compatibility IOAS included.
 *
 * Exception: a file of /dev/vfio/vfio has its mode from the start.
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
	if (ev->r->p.rlimit_mode.rc)
		return;
	if (ev->r->h.action == IMS_RLIMIT_UNPRIVILEGED && ev->op && ev->op->enter &&
	    ev->op->cmd == M_CMD_OPTION)
		violate(v, &rule_opt_rlimit, ev,
			"the accounting mode was set by a thread without CAP_SYS_RESOURCE");
	else if (older_objects(ev))
		violate(v, &rule_opt_rlimit, ev,
			"the accounting mode was set while the ctx has %lld objects",
			(long long)ev->ctx->nobjects);
}

const struct ims_rule rule_opt_rlimit = {
	.id = "OPT-RLIMIT", .severity = 'R',
	.statement = "the accounting mode changes only by CAP_SYS_RESOURCE and while the ctx has no object",
	.before = { { IMS_RLIMIT_MODE, mode } },
	.needs = IMS_NEEDS(IMS_OBJECT),
};
