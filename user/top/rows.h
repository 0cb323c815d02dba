/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One moment as a table: a row per IOAS and a row per process, from the model and
 * the statistics. Whoever shows it sorts and filters rows, and looks at nothing else.
 *
 * Unknown is a value of its own: of a ctx that lost records there is one row, for no
 * IOAS, in which nothing is known; its process then does not know its sums either.
 */
#ifndef IMS_TOP_ROWS_H
#define IMS_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "top/stats.h"

struct top_calls {
	uint64_t n;			/* in the window */
	uint64_t p50, p99;		/* ns */
	bool timed;			/* there are latencies */
};

struct top_row {
	uint32_t tgid;
	char comm[IMS_COMM];		/* of who opened it; "": not known */
	uint64_t ctx, ioas;		/* cookies; of a process: 0 */
	uint32_t id;			/* of the IOAS, 0: there is none */
	uint32_t ordinal;		/* of the ctx in its process, from 1 */
	uint32_t contexts, ioases;
	bool known;			/* what is mapped, pinned and charged */
	uint64_t mapped, pinned, charged;	/* bytes */
	unsigned int modes;		/* bit per enum ims_account_mode of what is pinned */
	bool limited;			/* the limit is known */
	uint64_t limit;			/* RLIMIT_MEMLOCK, bytes; UINT64_MAX: none */
	bool counted;			/* calls: the window is complete */
	struct top_calls call[TOP_CALLS];
	uint64_t failed;		/* calls in the window */
	uint64_t violations;
};

struct top_list {
	struct top_row *at;
	size_t n, cap;
};

struct top_table {
	struct top_list ioases, processes;
	size_t contexts;
	uint64_t ktime_ns, window_ns;
	uint64_t records, lost, violations;	/* since the beginning */
	uint64_t records_window;
};

struct top_opts {
	/* The limit of a process, bytes; -ESRCH: it is gone; < 0: not known. NULL: ask nobody. */
	int (*limit_of)(uint32_t tgid, uint64_t *limit);
	/* Only these rows; an empty list, NULL and 0: any. */
	const uint32_t *pids;
	uint32_t npids;
	const char *comm;
	uint32_t ioas;
};

/* Ends the window. 0 or -ENOMEM; @t is whole in either case, and to be freed. */
int top_table_take(struct top_table *t, struct top_stats *st, const struct model *m,
		   const struct top_opts *opts, uint64_t now);
void top_table_free(struct top_table *t);

/* RLIMIT_MEMLOCK of a process of this machine, for limit_of. */
int top_limit_here(uint32_t tgid, uint64_t *limit);

#endif
