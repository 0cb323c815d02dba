// SPDX-License-Identifier: GPL-2.0-only
/*
 * The deputy does it (rights/deputy.h).  A command is not waited for while records come
 * in: they would be lost.
 */
#include "cmd/react.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "say.h"

void react_duties(const struct ims_reactions *to, struct ims_duties *d)
{
	for (uint32_t i = 0; i < to->n; i++) {
		const struct ims_reaction *r = &to->list[i];

		if (r->kind == IMS_REACT_EXEC)
			d->command[d->ncommands++] = r->command;
		if (r->kind == IMS_REACT_SIGNAL)
			d->pid[d->npids++] = r->pid;
	}
}

/* What the command finds in its environment. */
static void start(const char *command, const struct ims_violation *v)
{
	char env[2048];
	int rc, size;

	size = snprintf(env, sizeof(env),
			"IOMMUSCOPE_RULE=%s%cIOMMUSCOPE_TEXT=%s%cIOMMUSCOPE_OBJECT=%s%c"
			"IOMMUSCOPE_CTX=%#" PRIx64 "%cIOMMUSCOPE_RING=%u%c"
			"IOMMUSCOPE_SEQ=%" PRIu64 "%cIOMMUSCOPE_PID=%u%c",
			v->rule, 0, v->text, 0, v->object, 0, v->ctx, 0, v->ring, 0, v->seq, 0,
			v->tgid, 0);
	rc = ims_deputy_run(command, env, size);
	if (rc)
		ims_note("cannot start '%s': %s", command, strerror(-rc));
}

static void send_signal(uint32_t pid)
{
	int rc = ims_deputy_signal(pid, SIGTERM);

	if (rc)
		ims_note("cannot signal process %u: %s", pid, strerror(-rc));
}

bool react(const struct ims_reactions *to, const struct ims_violation *v)
{
	bool stop = false;

	for (uint32_t i = 0; i < to->n; i++) {
		const struct ims_reaction *r = &to->list[i];

		switch (r->kind) {
		case IMS_REACT_STOP:
			stop = true;
			break;
		case IMS_REACT_EXEC:
			start(r->command, v);
			break;
		case IMS_REACT_SIGNAL:
			send_signal(r->pid);
			break;
		}
	}
	return stop;
}
