/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life that all commands on a stream of records share:
 *
 *	open output -> hold CMD -> attach -> let CMD go -> give up all rights ->
 *	records ... -> CMD ended, signal or deadline -> detach, drain -> outcome
 *
 * A recording is replayed by the same life without CMD.  A command says what to
 * do with a record and what the outcome is; the records can be written to a
 * recording on the way.
 */
#ifndef IMS_SESSION_H
#define IMS_SESSION_H

#include "cmd/child.h"
#include "cmd/output.h"
#include "opts.h"
#include "record/writer.h"
#include "rights/confine.h"
#include "progress.h"
#include "rights/deputy.h"
#include "source/source.h"

struct session;

enum session_turn {
	SESSION_BUSY,		/* records have come, and more may be waiting */
	SESSION_IDLE,		/* all have come that were made until now */
	SESSION_OVER,
};

struct session_ops {
	bool late_join;		/* contexts whose birth was not seen are welcome */
	enum ims_job job;	/* what is left to it while records come */
	bool at_end;		/* prints what came of it, not what comes: progress may be shown */
	/* All but finish may be missing. */
	int (*start)(struct session *s);	/* the origin is known; 0, or -1 after saying why */
	void (*record)(struct session *s, const struct ims_record *r);
	/* From time to time, and once more when it is OVER; may want to stop (enough). */
	void (*turn)(struct session *s, enum session_turn turn);
	/* All records were seen; fill in the summary, if there is one. */
	void (*finish)(struct session *s, struct ims_outcome *o);
};

struct session {
	const struct session_ops *ops;
	const struct ims_settings *set;
	void *priv;
	struct output out;
	struct ims_source *source;
	struct ims_writer *recording;	/* NULL: none is made */
	bool enough;			/* the command wants no more records */
	struct progress progress;	/* of a replay */
	/* for session.c only */
	struct child child;
	struct ims_duties duties;
	struct ims_outcome outcome;
	int recording_err;
};

/* 0, or -1 after saying what is wrong. */
int session_run(struct session *s);

#endif
