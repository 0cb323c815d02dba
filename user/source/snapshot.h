/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes snapshots of the running kernel; see bpf/snapshot.bpf.c for how.
 *
 * What it asks of iommufd is what any program that holds the file may ask: the
 * usable IOVA ranges. While the answer is written the IOAS is locked for reading,
 * so who maps or unmaps there waits that long; and who destroys the IOAS in that
 * moment is refused with EBUSY, as during any ioctl of another thread.
 */
#ifndef IMS_SNAPSHOT_H
#define IMS_SNAPSHOT_H

#include "source/snap.h"

#define SNAP_MOST_AREAS 65536	/* under one lock */

struct ims_snapshotter;

struct ims_snap_progress {
	uint64_t contexts, contexts_done;
	uint64_t areas;			/* read so far */
	uint64_t part, whole;		/* of the IOAS that is being read */
	uint32_t ioas;			/* its object id */
	const struct snap_file *holder;	/* of its context */
};

struct ims_snap_opts {
	void (*progress)(void *arg, const struct ims_snap_progress *p);
	void *progress_arg;
	uint32_t section;		/* areas under one lock; 0: SNAP_MOST_AREAS */
	bool optional;			/* it is only a pity if it cannot be had */
};

/* NULL after one line that says what is wrong. */
struct ims_snapshotter *ims_snap_open(const struct ims_snap_opts *opts);
void ims_snap_close(struct ims_snapshotter *sn);

/* Whether a context is to be looked at, of which only the holders are known yet. */
typedef bool (*ims_snap_wanted)(void *arg, const struct snap_context *c);

/* All wanted contexts that somebody holds open. 0, or -errno after saying what is wrong. */
int ims_snap_take(struct ims_snapshotter *sn, ims_snap_wanted wanted, void *arg,
		  struct snapshot *out);

/*
 * Only @c, of which the holders are known, once, with what accesses hold. @mark is
 * called before and after. 0; -ESRCH: it is gone, or held by others; -EAGAIN: not now;
 * or another error, and nothing is said.
 */
int ims_snap_context(struct ims_snapshotter *sn, struct snap_context *c,
		     int (*mark)(void *arg, uint64_t ctx), void *arg);
/*
 * The threads of the holders of @c that are somewhere in iommufd, or of which that is not
 * known since they run. 0 or -errno, and nothing is said.
 */
int ims_snap_threads(struct ims_snapshotter *sn, const struct snap_context *c, struct snap_threads *out);
/* Only who holds which context, of the wanted ones. 0 or -errno, and nothing is said. */
int ims_snap_holders(struct ims_snapshotter *sn, ims_snap_wanted wanted, void *arg,
		     struct snapshot *out);

#endif
