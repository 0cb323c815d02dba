/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ioctls did and how long they took: a row per command, a heat map of their
 * latencies over time, and process > ioctl > phase for the flame graph.
 */
#ifndef IMS_WORK_H
#define IMS_WORK_H

#include <stdint.h>

#include "report/latency.h"
#include "report/times.h"
#include "view/calls.h"

#define COMMANDS 32
#define ERRNOS 6
#define ROWS 64			/* of the heat map: two for each doubling, */
#define FIRST_ROW_LOG 8		/* from 256 ns */
#define FLAMES 32		/* names of processes; all others are one more */

struct errno_count {
	int rc;
	uint64_t n;
};

struct command {
	uint32_t cmd;
	uint64_t errors, bytes;
	struct errno_count errnos[ERRNOS];	/* the first ones that were seen */
	struct latency latency;
};

struct flame_phase {
	uint64_t ns, bytes, spans;
};

struct flame_call {
	uint32_t cmd;
	uint64_t n;
	struct flame_phase phase[IMS_NR_STAGES];
};

struct flame {
	char comm[IMS_COMM];
	unsigned int ncalls;
	struct flame_call call[COMMANDS];
};

struct work {
	struct command command[COMMANDS];	/* the last one also has what does not fit */
	unsigned int ncommands;
	uint32_t heat[TIMES][ROWS];
	struct flame flame[FLAMES + 1];
	unsigned int nflames;
};

void work_call(struct work *w, const struct call *c, unsigned int at, uint64_t ns, int rc);
/* @comm: IMS_COMM bytes */
void work_span(struct work *w, const struct call *c, const char *comm);
/* One more call of that process. */
void work_count(struct work *w, const struct call *c, const char *comm);
void work_fold(struct work *w);

#endif
