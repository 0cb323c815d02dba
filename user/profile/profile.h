/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile: what the tables of bpf/profile.h held at one moment.
 *
 * All numbers only grow, from when the profiler was opened; what happened between two
 * moments is the difference (profile_total() of both, hist_subtract()).
 *
 * A row of sums is about one process, IOAS, device, kind of operation, phase and stack.
 * Any table is made of them by asking for a part: profile_total() adds up what fits.
 */
#ifndef IMS_PROFILE_PROFILE_H
#define IMS_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/profile.h"

struct profile_who {
	struct ims_who_key key;		/* process, ctx, IOAS, device */
	struct ims_who who;
};

struct profile_sum {
	struct ims_sum_key key;
	struct ims_sum sum;
};

struct profile_hist {
	struct ims_hist_key key;
	struct hist hist;
};

struct profile_shape {
	uint32_t who;
	struct ims_shape shape;
};

/* Of the user or the kernel; innermost first. */
struct profile_stack {
	int32_t id;
	uint32_t n;
	uint64_t ip[64];
};

struct profile {
	uint64_t start, end;		/* CLOCK_MONOTONIC; what was asked of it until then */
	struct { struct profile_who *at; size_t n, cap; } who;
	struct { struct profile_sum *at; size_t n, cap; } sums;
	struct { struct profile_hist *at; size_t n, cap; } hists;
	struct { struct profile_shape *at; size_t n, cap; } shapes;
	struct { struct profile_stack *at; size_t n, cap; } stacks;	/* only if they were read */
	struct ims_slow slow[IMS_SLOWEST];	/* the slowest first */
	size_t nslow;
	uint64_t slow_missed;
	uint64_t lost[IMS_PL_CLASSES];
	uint64_t absent;		/* bit per enum ims_phase that is not measured here */
};

/* What to add up; 0 and NULL: any. */
struct profile_part {
	uint32_t tgid;
	uint64_t ctx;
	uint32_t ioas, device;
	bool by_op;			/* only phases of operations of the kind "op" */
	enum ims_phase op;
};

/* Of @phase, within @part of @p. @hist may be NULL; histograms do not know "op". */
void profile_total(const struct profile *p, const struct profile_part *part,
		   enum ims_phase phase, struct ims_sum *sum, struct hist *hist);
void profile_shape_total(const struct profile *p, const struct profile_part *part,
			 struct ims_shape *shape);
/* NULL: it is not known any more. */
const struct profile_who *profile_who_find(const struct profile *p, uint32_t id);
const struct profile_stack *profile_stack_find(const struct profile *p, int32_t id);
bool profile_fits(const struct profile_who *w, const struct profile_part *part);
/* Whether what @who did belongs to @part. */
bool profile_in_part(const struct profile *p, const struct profile_part *part, uint32_t who);
/* To be called when all is there, before anything is looked up. */
void profile_sort(struct profile *p);
void profile_free(struct profile *p);

void ims_sum_add(struct ims_sum *to, const struct ims_sum *from);
void ims_shape_add(struct ims_shape *to, const struct ims_shape *from);

/* "map", "pin_fast": in JSON. */
const char *profile_phase_name(enum ims_phase phase);
/* "IOAS_MAP", "pin, fast": for people. */
const char *profile_phase_title(enum ims_phase phase);
const char *profile_lost_name(enum ims_profile_loss class);

#endif
