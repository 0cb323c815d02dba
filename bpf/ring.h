/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs and the live source share besides records: how they are
 * configured, and the counters of the rings.  Never recorded, so never an ABI.
 */
#ifndef IMS_RING_H
#define IMS_RING_H

#include "record.h"

#define IMS_MAX_RINGS 64	/* power of two */

/* What the collector decides before load; constants to the kernel's verifier. */
struct ims_config {
	__u32 ring_mask;	/* number of rings - 1 */
	__u32 want_ioas;	/* object id, 0: any */
	__u64 ring_wake;	/* bytes pending that wake the collector */
	__u8 filtering;		/* any of by_* */
	__u8 late_join;
	__u8 by_tgid;
	__u8 by_comm;
	__u8 by_cgroup;
	__u8 by_object;		/* want_ioas or want_device is set */
	__u8 _rsvd[2];
	char want_comm[IMS_COMM];
	char want_device[IMS_NAME];
};

/* One cache line or more each: the rings must not share one. */
struct ims_ring_state {
	__u64 seq;		/* records that were meant to be sent */
	__u64 losses;		/* sum of lost[]; its low bits go into each record */
	__u64 lost[IMS_LOSS_CLASSES];
} __attribute__((aligned(64)));

/* Losses of one ctx, not yet reported. */
struct ims_ctx_loss {
	__u64 ring;
	__u64 lost[IMS_LOSS_CLASSES];
};

#endif /* IMS_RING_H */
