/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the model does not keep: how often an IOAS is mapped and unmapped, how long
 * that takes, and how many rules were broken on it.
 *
 * A call is what a thread does between the records that enter and leave an ioctl;
 * the MAP or UNMAP record in between says on which IOAS. Calls are counted per
 * window: from one top_stats_turn() to the next. Latencies are since the IOAS
 * is followed, or since top_stats_clear().
 *
 * Of a ctx that lost records nothing is known: what it had is forgotten, calls that
 * were under way are not counted, and the window is marked as incomplete.
 */
#ifndef IMS_TOP_STATS_H
#define IMS_TOP_STATS_H

#include <stdbool.h>

#include "model/model.h"
#include "profile/hist.h"

enum top_call { TOP_MAP, TOP_UNMAP, TOP_CALLS };

struct top_ioas {
	uint64_t cookie;
	uint64_t now[TOP_CALLS];	/* calls that succeeded, in this window */
	uint64_t window[TOP_CALLS];	/* in the last whole one */
	uint64_t failed_now, failed;
	uint64_t violations;
	struct hist *latency[TOP_CALLS];	/* ns; NULL: none yet */
};

struct top_ctx {
	uint64_t cookie;
	uint64_t number;		/* by order of appearance */
	uint32_t tgid;			/* of its first record, until the model knows it */
	bool incomplete_now, incomplete;	/* this window; the last whole one */
	uint64_t violations;
	uint64_t limit;			/* RLIMIT_MEMLOCK when it was charged last, bytes */
	bool limited;			/* it was charged */
	struct table ioases;		/* struct top_ioas */
};

struct top_stats {
	struct table ctxs;		/* struct top_ctx */
	struct table calls;		/* under way, by thread */
	uint64_t numbers;
	uint64_t unknown_seen;		/* as model.ctxs_unknown */
	uint64_t records, lost;
	uint64_t records_before;	/* the window */
	uint64_t ktime_ns;		/* of the latest record */
	uint64_t window_ns, window_end;	/* the last whole window; 0: there was none */
	uint64_t violations;
};

/* A window begins. */
void top_stats_init(struct top_stats *st, uint64_t now);
void top_stats_destroy(struct top_stats *st);
/* The model has been fed with @r already. */
void top_stats_feed(struct top_stats *st, const struct model *m, const struct ims_record *r);
/* A rule was broken by @ev. */
void top_stats_violation(struct top_stats *st, const struct m_event *ev);
/* The window ends at @now (ns), the next one begins. */
void top_stats_turn(struct top_stats *st, const struct model *m, uint64_t now);
/* Forget all latencies. */
void top_stats_clear(struct top_stats *st);

struct top_ctx *top_stats_ctx(const struct top_stats *st, uint64_t ctx);
/* NULL: nothing was done with it. */
struct top_ioas *top_stats_ioas(const struct top_ctx *c, uint64_t ioas);

#endif
