/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the time of an ioctl went, as far as records tell.
 *
 * A thread's records between ENTER and EXIT cut the ioctl into spans: a record is
 * written when a step has been done, so the time since the thread's record before
 * is that of the step.  Neighbours of one phase (pin, map into the domain, ...) are
 * one span.  What no record tells of, such as waiting for a lock, counts for the
 * step that came after it.
 *
 * Memory grows with the threads that are seen, not with the records.
 */
#ifndef IMS_CALLS_H
#define IMS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "model/table.h"

enum ims_stage {
	IMS_STAGE_SPACE,	/* areas, ranges, pages objects */
	IMS_STAGE_ACCOUNT,
	IMS_STAGE_PIN,
	IMS_STAGE_MAP,
	IMS_STAGE_UNMAP,
	IMS_STAGE_SYNC,
	IMS_STAGE_UNPIN,
	IMS_STAGE_ATTACH,	/* devices, domains, objects */
	IMS_STAGE_ACCESS,	/* by kernel drivers */
	IMS_STAGE_REST,		/* up to the end, and what is none of these */
	IMS_NR_STAGES
};

struct call {
	uint32_t tid, tgid;
	uint64_t ctx;
	uint32_t cmd;
	uint64_t enter_ns;
	uint64_t bytes;		/* that were mapped or unmapped by it */
	/* the span that is under way */
	enum ims_stage phase;
	bool in_span;
	uint64_t from_ns, last_ns;
	uint64_t span_bytes;	/* that the phase moved */
};

struct calls_ops {
	/* All in the order in which they happened in the thread. */
	void (*begin)(void *arg, const struct call *c);
	/* c->phase, from c->from_ns to c->last_ns */
	void (*span)(void *arg, const struct call *c);
	/* @told: with @rc; otherwise the record of its end was lost, it lasted at least so long. */
	void (*end)(void *arg, const struct call *c, uint64_t end_ns, int rc, bool told);
};

struct calls {
	const struct calls_ops *ops;
	void *arg;
	struct table by_tid;
};

void calls_feed(struct calls *cs, const struct ims_record *r);
/* The stream is over: so are all calls. */
void calls_finish(struct calls *cs);
void calls_destroy(struct calls *cs);

enum ims_stage ims_stage_of(const struct ims_record *r);
const char *ims_stage_name(enum ims_stage phase);
/* Bytes that the step moved: pinned, mapped, unmapped or unpinned. */
uint64_t ims_step_bytes(const struct ims_record *r);
/* "IOAS_MAP"; NULL: not known. */
const char *ims_call_name(uint32_t cmd);
/* The same, or "ioctl 0x..." */
void ims_call_text(uint32_t cmd, char *to, size_t size);

#endif
