/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of the live source: live.c (life), live_load.c (set-up),
 * live_ring.c (delivery), live_loss.c (what was not delivered) and live_late.c (who was
 * there before).
 */
#ifndef IMS_LIVE_IMPL_H
#define IMS_LIVE_IMPL_H

#include "source/live.h"
#include "source/probes.h"
#include "source/snap.h"
#include "source/unseen.h"

struct live;
struct late;

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
	struct probes probes;
	struct ims_trial *trial;	/* not NULL: only to see what would work */
	struct late *late;
	int epoll;
	ims_record_fn fn;		/* of the poll() that runs */
	void *arg;
	uint32_t nrings;
	struct live_ring rings[IMS_MAX_RINGS];
};

/* Programs loaded and attached, but not running; -errno after one line that says what is wrong. */
int live_load(struct live *live, const struct ims_live_opts *opts);

int live_use_tracepoints(struct live *live, const struct ims_live_opts *opts);
int live_use_functions(struct live *live, const struct ims_live_opts *opts);
/* live_trial.c: note what became of @prog, if this is a trial. */
void live_tried(struct live *live, const struct bpf_program *prog, bool attached);

int live_rings_open(struct live *live, uint32_t rings, uint64_t size);
void live_rings_close(struct live *live);
/* Each ring has one turn: how many were delivered, or the callback's error. */
int live_deliver(struct live *live);
int live_wait(struct live *live, int timeout_ms);
/* A record of the collector's own. */
int live_pseudo(struct live *live, struct ims_record *r, enum ims_kind kind);

/* ---- live_late.c: contexts whose past is not known ---- */

/* All is attached, nothing runs: what takes long is done here. */
int live_late_open(struct live *live);
/* All runs. 0, or -errno after saying what is wrong. */
int live_late_start(struct live *live, const struct ims_live_scope *scope);
/* Before a record is delivered; what must be told of its ctx is delivered here. */
int live_late_record(struct live *live, const struct ims_record *r);
/* Records of @ctx are missing, or (0) of anybody in @ring. */
void live_late_lost(struct live *live, uint32_t ring, uint64_t ctx);
/* Between deliveries: read what must be read. */
int live_late_turn(struct live *live);
void live_late_end(struct live *live);
void live_late_close(struct live *live);

/* live_known.c: did the programs know what they must know of @c? They do now. */
bool live_knows(const struct live *live, const struct snap_context *c);

/* Deliver IMS_LOSS records for what was lost since the last call. */
int live_report_losses(struct live *live);
/* Deliver them for what programs did not see at all; at the end. */
int live_report_misses(struct live *live);
/* Numbers taken, and records that were lost after taking one, over all rings. */
void live_totals(const struct live *live, __u64 *taken, __u64 *lost);

#endif
