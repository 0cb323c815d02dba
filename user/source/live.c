// SPDX-License-Identifier: GPL-2.0-only
/*
 * The running kernel as a source: its life, and that nothing is left behind.
 *
 * The BPF objects live exactly as long as our file descriptors, so the kernel
 * cleans up even when we are killed.
 */
#define _GNU_SOURCE		/* syscall() */
#include "source/live.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "say.h"
#include "source/live_impl.h"

#define DRAIN_TRIES 200		/* of 10 ms */

/* ---- the operations of a source ---- */

static int live_poll(struct ims_source *s, ims_record_fn fn, void *arg, int timeout_ms)
{
	struct live *live = (struct live *)s;
	int n, rc;

	live->fn = fn;
	live->arg = arg;
	n = live_deliver(live);
	if (n >= 0 && (rc = live_late_turn(live)))
		return rc;
	if (n)
		return n;
	rc = live_report_losses(live);
	if (!rc)
		rc = live_wait(live, timeout_ms);
	return rc ? rc : live_deliver(live);
}

static int drain(struct live *live)
{
	int n;

	while ((n = live_deliver(live)) > 0)
		;
	return n;
}

static __u64 delivered(const struct live *live)
{
	__u64 n = 0;

	for (uint32_t i = 0; i < live->nrings; i++)
		n += live->rings[i].delivered;
	return n;
}

/* Wait for programs that were running when we detached; all must add up then. */
static int drain_all(struct live *live, __u64 *records)
{
	__u64 taken, lost;
	int rc;

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (int i = 0; i < DRAIN_TRIES; i++) {
		rc = drain(live);
		if (rc < 0)
			return rc;
		live_totals(live, &taken, &lost);
		*records = taken - lost;
		if (*records == delivered(live))
			return 0;
		usleep(10000);
	}
	ims_error("%llu records were sent but %llu arrived; this is a bug, please report it",
		  *records, delivered(live));
	return -EIO;
}

static void run(struct live *live, __u32 on)
{
	__atomic_store_n(live->probes.running, on, __ATOMIC_SEQ_CST);
}

static int live_finish(struct ims_source *s, ims_record_fn fn, void *arg)
{
	struct live *live = (struct live *)s;
	struct ims_record end = {};
	int rc;

	live->fn = fn;
	live->arg = arg;
	run(live, 0);
	probes_detach(&live->probes);
	rc = drain_all(live, &end.p.end.records);
	live_late_end(live);
	if (!rc)
		rc = live_report_losses(live);
	if (!rc)
		rc = live_report_misses(live);
	if (!rc)
		rc = live_pseudo(live, &end, IMS_END);
	return rc < 0 ? rc : 0;
}

static void live_close(struct ims_source *s)
{
	struct live *live = (struct live *)s;

	probes_detach(&live->probes);
	live_late_close(live);
	live_rings_close(live);
	probes_close(&live->probes);
	ims_origin_free(&live->origin);
	free(live);
}

static const struct ims_source_ops live_ops = {
	.poll = live_poll,
	.finish = live_finish,
	.close = live_close,
};

static int know_origin(struct live *live, const struct ims_live_opts *opts)
{
	int rc = ims_origin_here(&live->origin);

	live->origin.rings = opts->rings;
	if (rc)
		ims_error("out of memory");
	return rc;
}

/* Loading takes seconds on a slow machine; the rings fill when that is done, not meanwhile. */
static int start(struct live *live, const struct ims_live_opts *opts)
{
	int rc = live_load(live, opts);

	if (!rc)
		rc = live_late_open(live);
	if (rc)
		return rc;
	run(live, 1);
	return live_late_start(live, &opts->scope);
}

struct ims_source *ims_live_open(const struct ims_live_opts *opts)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live) {
		ims_error("out of memory");
		return NULL;
	}
	live->source.ops = &live_ops;
	live->source.origin = &live->origin;
	live->epoll = -1;
	if (know_origin(live, opts) || start(live, opts)) {
		live_close(&live->source);
		return NULL;
	}
	return &live->source;
}
