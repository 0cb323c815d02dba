/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up rights, for good.
 *
 * Loading and attaching takes rights, reading records takes none: so all are given up
 * before the first record is read.  Records and recordings are what others can
 * influence; a mistake in handling them must not become theirs.
 */
#ifndef IMS_CONFINE_H
#define IMS_CONFINE_H

#include <stdint.h>

enum ims_job {
	IMS_JOB_READER,	/* reads records and writes to files that are open */
	IMS_JOB_SCREEN,	/* the same on a terminal, and asks what processes may lock */
	IMS_JOB_PROFILER, /* reads what was added up, and files that have the names of addresses */
	IMS_JOB_DEPUTY,	/* see rights/deputy.h */
};

/*
 * No capability but those of @keep (a bit each) in any set, no_new_privs, and only the
 * system calls that the job takes: any other fails with EPERM.  0, or -1 after
 * saying why.
 */
int ims_confine(enum ims_job job, uint64_t keep);

#endif
