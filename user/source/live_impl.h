/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of the live source: live.c (set-up and life),
 * live_ring.c (delivery) and live_loss.c (what was not delivered).
 */
#ifndef IMS_LIVE_IMPL_H
#define IMS_LIVE_IMPL_H

#include "bpf/ring.h"
#include "source/live.h"
#include "tracepoints.skel.h"

struct live;

struct live_ring {
	struct live *live;
	struct ring_buffer *rb;
	int fd;
	uint32_t index;
	uint32_t budget;		/* records until the next ring has its turn */
	uint16_t seen_lost;		/* hdr.lost of the last record */
	bool lossy;			/* a loss was seen in this turn */
	uint64_t delivered;
	int64_t reported[IMS_LOSS_CLASSES];
};

struct live {
	struct ims_source source;
	struct ims_origin origin;
	struct tracepoints_bpf *skel;
	struct bpf_link **links;
	unsigned int nlinks;
	int epoll;
	ims_record_fn fn;		/* of the poll() that runs */
	void *arg;
	uint32_t nrings;
	struct live_ring rings[IMS_MAX_RINGS];
};

int live_rings_open(struct live *live, uint32_t rings, uint64_t size);
void live_rings_close(struct live *live);
/* Each ring has one turn: how many were delivered, or the callback's error. */
int live_deliver(struct live *live);
int live_wait(struct live *live, int timeout_ms);
/* A record of the collector's own. */
int live_pseudo(struct live *live, struct ims_record *r, enum ims_kind kind);

/* Deliver IMS_LOSS records for what was lost since the last call. */
int live_report_losses(struct live *live);
/* Numbers taken, and records that were lost after taking one, over all rings. */
void live_totals(const struct live *live, __u64 *taken, __u64 *lost);

#endif
