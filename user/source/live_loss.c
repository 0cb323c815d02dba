// SPDX-License-Identifier: GPL-2.0-only
/*
 * What did not arrive, and whose it was.
 *
 * The programs count a loss for its ctx first and for its ring afterwards.  So
 * the rings are read first here: what they have, the ctx table must have too.
 * What it has not (it was full, or the count hit an entry that we had just
 * taken out) belongs to nobody known: then every ctx of that ring is suspect.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "source/live_impl.h"

static __u64 counter(const __u64 *c)
{
	return __atomic_load_n(c, __ATOMIC_ACQUIRE);
}

/* Who was lost had taken a number: a smaller one than the ring gives now. */
static int deliver_loss(struct live *live, uint32_t ring, __u64 ctx, const __u64 *lost)
{
	struct ims_record r = { .h = { .ring = ring, .ctx = ctx } };

	r.h.seq = counter(&live->probes.ring_states[ring].seq);
	r.h.lost = live->rings[ring].seen_lost;
	for (int c = 0; c < IMS_LOSS_CLASSES; c++) {
		r.p.loss.lost[c] = lost[c];
		live->rings[ring].reported[c] += lost[c];
	}
	live_late_lost(live, ring, ctx);
	return live_pseudo(live, &r, IMS_LOSS);
}

/* Take every entry out of the ctx table and report it. */
static int report_attributed(struct live *live)
{
	int fd = bpf_map__fd(live->probes.lossy);
	struct ims_ctx_loss loss;
	__u64 ctx;
	int rc;

	while (!bpf_map_get_next_key(fd, NULL, &ctx)) {
		if (bpf_map_lookup_and_delete_elem(fd, &ctx, &loss))
			return -errno;
		rc = deliver_loss(live, loss.ring % live->nrings, ctx, loss.lost);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the ring has counted in @lost beyond what was reported for a ctx. */
static int report_rest(struct live *live, uint32_t ring, const __u64 *lost)
{
	__u64 rest[IMS_LOSS_CLASSES] = {};
	bool any = false;

	for (int c = 0; c < IMS_LOSS_CLASSES; c++) {
		int64_t d = lost[c] - live->rings[ring].reported[c];

		if (d > 0) {
			rest[c] = d;
			any = true;
		}
	}
	return any ? deliver_loss(live, ring, 0, rest) : 0;
}

int live_report_losses(struct live *live)
{
	__u64 lost[IMS_MAX_RINGS][IMS_LOSS_CLASSES];
	bool news = false;
	int rc;

	for (uint32_t i = 0; i < live->nrings; i++) {
		for (int c = 0; c < IMS_LOSS_CLASSES; c++) {
			lost[i][c] = counter(&live->probes.ring_states[i].lost[c]);
			news |= (int64_t)lost[i][c] > live->rings[i].reported[c];
		}
	}
	if (!news)
		return 0;
	rc = report_attributed(live);
	for (uint32_t i = 0; rc >= 0 && i < live->nrings; i++)
		rc = report_rest(live, i, lost[i]);
	return rc < 0 ? rc : 0;
}

/*
 * A program is not run while the same CPU is inside it already, for another thread that
 * was preempted there.  The kernel counts that, but not for whom: everybody is suspect.
 */
int live_report_misses(struct live *live)
{
	__u64 lost[IMS_LOSS_CLASSES] = {};
	struct bpf_program *prog;
	int rc = 0;

	bpf_object__for_each_program(prog, live->probes.obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			lost[IMS_LOSS_READ] += info.recursion_misses;
	}
	for (uint32_t i = 0; lost[IMS_LOSS_READ] && rc >= 0 && i < live->nrings; i++)
		rc = deliver_loss(live, i, 0, lost);
	return rc < 0 ? rc : 0;
}

void live_totals(const struct live *live, __u64 *taken, __u64 *lost)
{
	*taken = *lost = 0;
	for (uint32_t i = 0; i < live->nrings; i++) {
		*taken += counter(&live->probes.ring_states[i].seq);
		*lost += counter(&live->probes.ring_states[i].lost[IMS_LOSS_RING]);
		*lost += counter(&live->probes.ring_states[i].lost[IMS_LOSS_READ]);
	}
}
