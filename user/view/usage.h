/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses how much: pages pinned and charged per process, bytes mapped per IOAS.
 *
 * Counted from what records say was added and taken away, of contexts that the
 * verifier has given up, too: after a loss the numbers may be too large or too small,
 * until the ctx is closed.  A process is who opened the ctx; a forked child that
 * goes on with it pins for that one.
 *
 * Memory grows with what is open at the same time, not with the records.
 */
#ifndef IMS_USAGE_H
#define IMS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "model/table.h"

struct usage_process {
	uint32_t tgid;
	char comm[IMS_COMM];
	uint32_t ctxs;			/* open ones */
	int64_t pinned, charged;	/* pages, by all of its contexts */
	/* as the kernel told at the last charge: pages that the user or the mm locks, of at most: */
	uint64_t locked, limit;
	bool locked_known;
	void *of_sink;			/* for whoever looks at it; NULL at first */
};

struct usage_ctx {
	uint64_t cookie;
	struct usage_process *process;
	int64_t pinned, charged;
};

struct usage_ioas {
	uint64_t cookie, ctx, obj;
	uint32_t id;
	bool dying;			/* destroyed, but for its areas */
	struct usage_process *process;
	uint64_t areas, mapped;		/* how many, and their bytes */
	void *of_sink;
};

/* What is gone is told before it is freed. */
struct usage_ops {
	void (*process_gone)(void *arg, struct usage_process *p);
	void (*ioas_gone)(void *arg, struct usage_ioas *s);
};

struct usage {
	const struct usage_ops *ops;
	void *arg;
	struct table ctxs, processes, ioases;
	struct usage_ioas *dead;
	int64_t pinned, charged;	/* pages, by all processes */
};

/* What a record changed; NULL: nothing of that sort. */
struct usage_event {
	struct usage_ctx *ctx;		/* that the record is of; NULL: not known */
	struct usage_process *process;	/* its pins or charges have changed */
	struct usage_ioas *ioas;	/* its areas have */
};

void usage_feed(struct usage *u, const struct ims_record *r, struct usage_event *ev);
void usage_destroy(struct usage *u);

/* Cookies are of their ctx: two contexts may have the same one for a moment. */
static inline uint64_t usage_key(uint64_t ctx, uint64_t cookie)
{
	uint64_t key = cookie ^ ctx * 0x9e3779b97f4a7c15ULL;

	return key ? key : 1;
}

static inline struct usage_ioas *usage_ioas_of(const struct usage *u, uint64_t ctx, uint64_t cookie)
{
	return table_get(&u->ioases, usage_key(ctx, cookie));
}

#endif
