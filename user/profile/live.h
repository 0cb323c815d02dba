/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The profiler: its programs in the running kernel, and reading what they have added up.
 *
 *	p = profiler_open(&opts);
 *	... profiler_read(p, &profile), as often as you like; profile_free(&profile)
 *	profiler_stop(p);	nothing grows any more
 *	... profiler_read(p, &profile)
 *	profiler_close(p);
 */
#ifndef IMS_PROFILE_LIVE_H
#define IMS_PROFILE_LIVE_H

#include "profile/profile.h"

struct profiler;

struct profiler_opts {
	const uint32_t *tgids;		/* these processes; ntgids 0: all */
	uint32_t ntgids;
	bool descendants;		/* children of these, too */
};

/* Loaded, attached and counting; NULL after one line that says what is wrong. */
struct profiler *profiler_open(const struct profiler_opts *opts);
/* All since profiler_open(), into an empty profile; 0 or -errno. */
int profiler_read(struct profiler *p, struct profile *to);
/* Only who was seen; 0 or -errno. */
int profiler_read_who(struct profiler *p, struct profile *to);
void profiler_stop(struct profiler *p);
/* The stacks that @to names, into it; 0 or -errno. */
int profiler_read_stacks(struct profiler *p, struct profile *to);
void profiler_close(struct profiler *p);

/* Functions that could not be attached to, as text for people; "" when there are none. */
const char *profiler_absent(const struct profiler *p);

#endif
