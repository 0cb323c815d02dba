/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinned and charged pages over time, of all processes together and of some: when
 * there are more than fit, one that has ended and pinned little makes room.
 */
#ifndef IMS_MEMORY_H
#define IMS_MEMORY_H

#include "report/times.h"
#include "view/usage.h"

#define LINES 12
#define NO_LIMIT (-1)

/* A process. */
struct line {
	uint32_t tgid;
	char comm[IMS_COMM];
	bool gone;
	int64_t most;		/* pages it ever had pinned or charged */
	struct gauge pinned, charged;
	struct gauge locked, limit;	/* of its user or mm, as the kernel told; NO_LIMIT */
};

struct memory {
	struct gauge pinned, charged;
	struct line line[LINES];
	unsigned int n;
	bool crowded;		/* there were more */
};

void memory_all(struct memory *m, const struct usage *u, unsigned int at);
void memory_feed(struct memory *m, struct usage_process *p, unsigned int at);
void memory_gone(struct usage_process *p, unsigned int at);
void memory_fold(struct memory *m);

#endif
