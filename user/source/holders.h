/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot by process. A context that several processes hold open counts for
 * each of them, and once in the sum of all.
 */
#ifndef IMS_HOLDERS_H
#define IMS_HOLDERS_H

#include "source/snap.h"

struct snap_process {
	uint32_t tgid;
	char comm[IMS_COMM];
	struct snap_totals totals;
};

struct snap_processes {
	SNAP_LIST(snap_process) list;	/* who has most pinned comes first */
	struct snap_totals all;
};

/* 0 or -ENOMEM. */
int snap_processes_of(const struct snapshot *s, struct snap_processes *p);
void snap_processes_free(struct snap_processes *p);

/* Keep only IOASes with this id (0: any) and those that this device uses (NULL: any). */
void snap_prune(struct snapshot *s, uint32_t ioas, const char *device);

#endif
