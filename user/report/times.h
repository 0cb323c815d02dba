/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time in a fixed number of buckets, for a stream whose end nobody knows.
 *
 * When a record comes after the last bucket, each two neighbours become one and the
 * width doubles, until it fits. So at the end at least half of the buckets are in use,
 * and memory is the same for a second and for a week.
 */
#ifndef IMS_TIMES_H
#define IMS_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#define TIMES 512

struct times {
	uint64_t origin, width, last;	/* ns; of the first record, and the latest one */
	bool begun;
};

/* The bucket of @ns. Before it is used, everything must be folded *folds times. */
unsigned int times_at(struct times *t, uint64_t ns, unsigned int *folds);
/* How many are in use. */
unsigned int times_used(const struct times *t);
/* Since the first record. */
uint64_t times_since(const struct times *t, uint64_t ns);

/* A value that holds until the next one is set: the highest that held in each bucket. */
struct gauge {
	int64_t now, before;	/* before: it was set for the first time */
	int64_t highest[TIMES], last[TIMES];
	bool set[TIMES];
};

void gauge_set(struct gauge *g, unsigned int at, int64_t value);
void gauge_fold(struct gauge *g);
/* What was shown in each of @n buckets. */
void gauge_read(const struct gauge *g, int64_t *to, unsigned int n);

void counts_fold(uint64_t counts[TIMES]);

#endif
