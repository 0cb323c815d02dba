/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life that all commands on a stream of records share:
 *
 *	open output -> hold CMD -> attach -> let CMD go -> records ... -> CMD ended,
 *	signal or deadline -> detach, drain -> outcome
 *
 * A command says what to do with a record and what the outcome is.
 */
#ifndef IMS_SESSION_H
#define IMS_SESSION_H

#include "cmd/child.h"
#include "opts.h"
#include "sink/sink.h"
#include "source/source.h"

struct session;

struct session_ops {
	bool late_join;		/* contexts whose birth was not seen are welcome */
	void (*record)(struct session *s, const struct ims_record *r);
	/* All records were seen; fill in the summary, if there is one. */
	void (*finish)(struct session *s, struct ims_outcome *o);
};

struct session {
	const struct session_ops *ops;
	const struct ims_settings *set;
	void *priv;
	struct ims_sink sink;
	/* for session.c only */
	FILE *out;
	struct ims_source *source;
	struct child child;
	struct ims_outcome outcome;
	int write_errno;
};

/* 0, or -1 after saying what is wrong. */
int session_run(struct session *s);

#endif
