// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the rings to the callback.
 *
 * libbpf reads one ring until it is empty, which under load is never.  So each
 * ring has a reader of its own and a budget: none can starve the others, and
 * signals, the end of the command and the deadline are looked at in between.
 *
 * The rings are watched edge-triggered: level-triggered, epoll would return for
 * every single record, and the programs' sparing wake-ups would be in vain.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "source/live_impl.h"

#define BATCH 4096

/*
 * Records are missing before one that carries a new number.  An overloaded ring
 * loses some before every record, and asking whose they were costs system calls,
 * just when there is no time: so only the first loss of a turn is reported in
 * its place, the others at the end of the turn.
 */
static int on_loss(struct live_ring *ring, uint16_t lost)
{
	if (lost == ring->seen_lost)
		return 0;
	ring->seen_lost = lost;
	if (ring->lossy)
		return 0;
	ring->lossy = true;
	return live_report_losses(ring->live);
}

static int on_sample(void *ctx, void *data, size_t len)
{
	const struct ims_record *r = data;
	struct live_ring *ring = ctx;
	int rc;

	if (len < sizeof(r->h) || !ims_record_size(r) || ims_record_size(r) > len)
		return -EBADMSG;
	rc = on_loss(ring, r->h.lost);
	if (rc)
		return rc;
	ring->delivered++;
	rc = ring->live->fn(ring->live->arg, r);
	if (rc >= 0)
		rc = live_late_record(ring->live, r);
	if (rc < 0)
		return rc;
	return --ring->budget ? 0 : -EAGAIN;
}

int live_pseudo(struct live *live, struct ims_record *r, enum ims_kind kind)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	r->h.ktime_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	r->h.kind = kind;
	return live->fn(live->arg, r);
}

static int ring_turn(struct live_ring *ring)
{
	int rc;

	ring->budget = BATCH;
	ring->lossy = false;
	rc = ring_buffer__consume(ring->rb);
	if (rc == -EBADMSG)
		ims_error("a record of ring %u makes no sense; the BPF programs and iommuscope "
			  "do not fit, rebuild both", ring->index);
	if (rc < 0 && rc != -EAGAIN)
		return rc;
	return ring->lossy ? live_report_losses(ring->live) : 0;
}

int live_deliver(struct live *live)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < live->nrings; i++) {
		struct live_ring *ring = &live->rings[i];
		uint64_t before = ring->delivered;
		int rc = ring_turn(ring);

		if (rc < 0)
			return rc;
		n += ring->delivered - before;
	}
	return n;
}

int live_wait(struct live *live, int timeout_ms)
{
	struct epoll_event events[IMS_MAX_RINGS];
	int n = epoll_wait(live->epoll, events, IMS_MAX_RINGS, timeout_ms);

	return n < 0 && errno != EINTR ? -errno : 0;
}

static int ring_open(struct live *live, uint32_t index, uint64_t size)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct live_ring *ring = &live->rings[index];

	ring->live = live;
	ring->index = index;
	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ims_ring", 0, 0, size, NULL);
	if (ring->fd < 0)
		return ring->fd;
	live->nrings = index + 1;
	if (bpf_map_update_elem(bpf_map__fd(live->probes.rings), &index, &ring->fd, 0))
		return -errno;
	ring->rb = ring_buffer__new(ring->fd, on_sample, ring, NULL);
	if (!ring->rb)
		return -errno;
	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, ring->fd, &ev) ? -errno : 0;
}

int live_rings_open(struct live *live, uint32_t rings, uint64_t size)
{
	int rc = 0;

	live->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll < 0)
		return -errno;
	for (uint32_t i = 0; !rc && i < rings; i++)
		rc = ring_open(live, i, size);
	return rc;
}

void live_rings_close(struct live *live)
{
	for (uint32_t i = 0; i < live->nrings; i++) {
		ring_buffer__free(live->rings[i].rb);
		close(live->rings[i].fd);
	}
	live->nrings = 0;
	if (live->epoll >= 0)
		close(live->epoll);
	live->epoll = -1;
}
