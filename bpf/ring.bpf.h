/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a tracepoint to user space: the rings, and the truth about losses.
 *
 * A ctx always uses the same ring, chosen by a hash of its cookie, so that the
 * order of its records is the order in which they were made.  Several rings
 * spare many VMs one contended lock.
 *
 * Every record that was meant to be sent takes a number of its ring, sent or
 * not.  When the programs are detached and the rings are empty, therefore
 *
 *	seq == delivered + lost[RING] + lost[READ]
 *
 * or the collector has a bug.  The number is taken before the slot: two CPUs
 * may take the slots the other way round.  Ring order is the truth, the number
 * only counts.
 *
 * A loss is counted first for its ctx, in "lossy", then for its ring.  Each
 * record carries the low bits of the ring's loss counter: where they change,
 * records are missing, and the collector asks "lossy" whose they were.
 */
#ifndef IMS_RING_BPF_H
#define IMS_RING_BPF_H

#include "types.bpf.h"

#include "ring.h"

#define MAX_LOSSY 4096
#define WAKE_EVERY 512		/* records between two looks at the fill level */

const volatile struct ims_config config = {};	/* set before load */

/*
 * Programs are attached and detached one after the other.  Records only flow
 * between the moments when all are attached and when the first one goes, so
 * that what is seen of a ctx has no holes at either end.
 */
__u32 running;

struct ims_ring_state ring_states[IMS_MAX_RINGS];

/* The collector makes the rings: their size is its decision. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, IMS_MAX_RINGS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_LOSSY);
	__type(key, __u64);
	__type(value, struct ims_ctx_loss);
} lossy SEC(".maps");

/* A reserved slot; h is NULL when there is nothing to write. */
struct slot {
	struct ims_hdr *h;
	__u64 wake;
};

static __always_inline __u32 hash_of(__u64 ctx)
{
	return ((__u32)(ctx >> 6) * 0x9e3779b1u) >> 16;
}

static __always_inline __u32 ring_of(__u64 ctx)
{
	return hash_of(ctx) & config.ring_mask & (IMS_MAX_RINGS - 1);
}

/* Rare, so it is a function of its own: 32 copies would only cost. */
static __noinline int count_loss(__u64 ctx, __u32 class)
{
	__u32 index = ring_of(ctx);
	struct ims_ring_state *st = &ring_states[index];
	struct ims_ctx_loss none = { .ring = index };
	struct ims_ctx_loss *l;

	if (class >= IMS_LOSS_CLASSES)
		return 0;
	bpf_map_update_elem(&lossy, &ctx, &none, BPF_NOEXIST);
	l = bpf_map_lookup_elem(&lossy, &ctx);
	if (l)
		__sync_fetch_and_add(&l->lost[class], 1);
	else	/* nobody can tell whose loss it was */
		__sync_fetch_and_add(&st->lost[IMS_LOSS_TABLE], 1);
	__sync_fetch_and_add(&st->lost[class], 1);
	__sync_fetch_and_add(&st->losses, 1);
	return 0;
}

/*
 * One wake-up costs more than many records.  The collector looks by itself
 * every few milliseconds; it is only woken when its ring is filling up.
 */
static __always_inline __u64 wake_flag(void *ring, __u64 seq)
{
	if (seq % WAKE_EVERY == 0 && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > config.ring_wake)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* Reserve @size bytes (a constant) for a record of @ctx and fill its header. */
static __always_inline struct slot slot_reserve(__u64 ctx, __u8 kind, __u8 action, const __u64 size)
{
	__u32 index = ring_of(ctx);
	__u32 key = index;	/* the verifier forgets what a helper could see */
	struct slot s = {};
	__u64 seq, id;
	void *ring;

	if (!running)
		return s;
	ring = bpf_map_lookup_elem(&rings, &key);
	if (!ring)
		return s;
	seq = __sync_fetch_and_add(&ring_states[index].seq, 1);
	s.wake = wake_flag(ring, seq);
	s.h = bpf_ringbuf_reserve(ring, size, 0);
	if (!s.h) {
		count_loss(ctx, IMS_LOSS_RING);
		return s;
	}
	id = bpf_get_current_pid_tgid();
	s.h->ktime_ns = bpf_ktime_get_ns();
	s.h->ctx = ctx;
	s.h->seq = seq;
	s.h->tgid = id >> 32;
	s.h->tid = id;
	s.h->kind = kind;
	s.h->action = action;
	s.h->ring = index;
	s.h->nruns = 0;
	s.h->cpu = bpf_get_smp_processor_id();
	s.h->lost = ring_states[index].losses;
	return s;
}

static __always_inline void slot_submit(struct slot s)
{
	bpf_ringbuf_submit(s.h, s.wake);
}

/* Somebody else has sent it: as if it had never been meant to be sent. */
static __always_inline void slot_cancel(struct slot s, __u64 ctx)
{
	bpf_ringbuf_discard(s.h, s.wake);
	__sync_fetch_and_add(&ring_states[ring_of(ctx)].seq, -1);
}

static __always_inline void slot_discard(struct slot s, __u64 ctx)
{
	bpf_ringbuf_discard(s.h, s.wake);
	count_loss(ctx, IMS_LOSS_READ);
}

#endif /* IMS_RING_BPF_H */
