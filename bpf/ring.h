/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs and the live source share besides records: the counters of
 * the rings.  Never recorded, so never an ABI.
 */
#ifndef IMS_RING_H
#define IMS_RING_H

#include "record.h"

#define IMS_MAX_RINGS 64	/* power of two */

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
