/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations and their phases: timed in the thread that does them, added up when the
 * operation ends.
 *
 * What a thread is in the middle of is a stack of frames in its storage.  Who leaves a
 * phase takes off the frame that entering it has put there; a leave without its enter
 * (we came in between) finds another frame and does nothing.  Outside of an operation
 * of a wanted process there are no frames, and a hook in mm costs others one look-up.
 *
 * Per operation, not per phase, the sums go into the tables: a map of a gigabyte has
 * hundreds of phases and ten kinds of them.
 */
#ifndef IMS_PROFILE_OP_BPF_H
#define IMS_PROFILE_OP_BPF_H

#include "compat.bpf.h"
#include "profile.h"
#include "tgids.bpf.h"

#define MAX_DEPTH 8		/* power of two */
#define MAX_WHO 4096
#define MAX_SUMS 16384
#define MAX_HISTS 8192
#define MAX_STACKS 4096		/* power of two */
#define STACK_DEPTH 64
#define CHUNK 64

#define FAILED(rc) ((__s32)(rc) < 0)

/* Set before load. */
const volatile __u8 by_tgid = 0;

/* All is attached; what began before is not looked at. */
__u32 running;

__u64 lost[IMS_PL_CLASSES];
__u32 whos;			/* ids that were given */

struct frame {
	__u64 start, inner;	/* ns within */
	__u64 before;		/* for who leaves */
	__u32 phase;
	__u32 _rsvd;
};

struct op {
	__u64 ctx;
	__u32 depth;		/* frames; 0: no operation */
	__u32 who;		/* 0: not asked yet */
	__u32 ioas, device;
	__u64 idev;
	__u32 used;		/* bit per phase that now[] has */
	__u8 slow_pin, pinned_memfd;
	__u8 shaped;
	__s32 ustack, kstack;
	struct frame frames[MAX_DEPTH];
	struct ims_sum now[IMS_PHASES];		/* not in the tables yet */
	struct ims_sum all[IMS_PHASES];
	struct ims_shape shape;
	__u32 chunk[CHUNK];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_WHO);
	__type(key, struct ims_who_key);
	__type(value, struct ims_who);
} who SEC(".maps");

/*
 * Not per CPU: memory for all CPUs of a large machine would have to be set aside, or
 * asked for when it is needed, where it is often refused.  Who works on the same IOAS
 * meets at its locks anyway.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUMS);
	__type(key, struct ims_sum_key);
	__type(value, struct ims_sum);
} sums SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_HISTS);
	__type(key, struct ims_hist_key);
	__type(value, struct ims_hist);
} hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_WHO);
	__type(key, __u32);	/* who */
	__type(value, struct ims_shape);
} shapes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ims_slowest);
} slowest SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, MAX_STACKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

static const struct op no_op = {};
static const struct ims_sum no_sum = {};
static const struct ims_hist no_hist = {};
static const struct ims_shape no_shape = {};

/* Of more than the compiler copies by itself. */
#define COPY(to, from, size) bpf_probe_read_kernel(to, size, from)

static __always_inline void lose(enum ims_profile_loss class)
{
	__sync_fetch_and_add(&lost[class], 1);
}

/* A child that is not known is not profiled. */
static __always_inline void tgid_lost(void)
{
	lose(IMS_PL_THREAD);
}

FOLLOW_DESCENDANTS

/* Not when it exits: its files are closed, and all is unmapped, after that. */
SEC("raw_tp/sched_process_free")
int on_exit(const __u64 *a)
{
	const struct task_struct *task = (const void *)a[0];

	if (BPF_CORE_READ(task, group_leader) == task)
		tgid_forget(task);
	return 0;
}

/* The operation that this thread is in, or NULL. */
static __always_inline struct op *op_here(void)
{
	struct op *op = bpf_task_storage_get(&ops, bpf_get_current_task_btf(), NULL, 0);

	return op && op->depth ? op : NULL;
}

/* ---- for whom ---- */

static __noinline int who_new(struct op *op, struct ims_who_key *key)
{
	struct ims_who new = { .id = __sync_fetch_and_add(&whos, 1) + 1 }, *w;
	const char *name;

	bpf_get_current_comm(new.comm, sizeof(new.comm));
	if (op->idev) {
		name = READ(iommufd_device, op->idev, dev, kobj.name);
		bpf_probe_read_kernel_str(new.device, sizeof(new.device), name);
	}
	bpf_map_update_elem(&who, key, &new, BPF_NOEXIST);
	w = bpf_map_lookup_elem(&who, key);	/* of the thread that was first */
	if (!w) {
		lose(IMS_PL_WHO);
		return 0;
	}
	return w->id;
}

static __noinline int who_find(struct op *op)
{
	struct ims_who_key key = {
		.ctx = op->ctx, .tgid = bpf_get_current_pid_tgid() >> 32,
		.ioas = op->ioas, .device = op->device,
	};
	struct ims_who *w = bpf_map_lookup_elem(&who, &key);

	op->who = w ? w->id : who_new(op, &key);
	return 0;
}

/* ---- into the tables ---- */

static __noinline int latency_add(struct op *op, __u32 phase, __u64 ns)
{
	struct ims_hist_key key = { .phase = phase };
	struct ims_hist *h;
	__u32 bucket = ns >> IMS_HIST_TOP ? IMS_HIST_BUCKETS - 1 : hist_bucket(ns);

	if (!op->who)
		who_find(op);
	key.who = op->who;
	h = bpf_map_lookup_elem(&hists, &key);
	if (!h) {
		bpf_map_update_elem(&hists, &key, &no_hist, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&hists, &key);
	}
	if (h && bucket < IMS_HIST_BUCKETS)
		__sync_fetch_and_add(&h->n[bucket], 1);
	else
		lose(IMS_PL_HIST);
	return 0;
}

static __always_inline struct ims_sum *sum_of(struct ims_sum_key *key)
{
	struct ims_sum *s = bpf_map_lookup_elem(&sums, key);

	if (s)
		return s;
	bpf_map_update_elem(&sums, key, &no_sum, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sums, key);
}

#define FOR_EACH_SUM(what)                                             \
	what(calls); what(errors); what(ns); what(self); what(pages);  \
	what(bytes); what(runs)

/* When there is no room for the stacks, all that did not fit is together. */
static __noinline int sum_add(struct op *op, __u32 phase)
{
	struct ims_sum_key key = { .who = op->who, .op = op->frames[0].phase, .phase = phase,
				   .ustack = op->ustack, .kstack = op->kstack };
	struct ims_sum *s, *now, *all;

	if (phase >= IMS_PHASES)
		return 0;
	now = &op->now[phase];
	all = &op->all[phase];
	s = sum_of(&key);
	if (!s) {
		key.ustack = key.kstack = -1;
		s = sum_of(&key);
	}
	if (!s)
		lose(IMS_PL_SUM);
#define ADD(field) do { if (s) __sync_fetch_and_add(&s->field, now->field); \
			all->field += now->field; now->field = 0; } while (0)
	FOR_EACH_SUM(ADD);
	return 0;
}

static __noinline int shape_add(struct op *op)
{
	__u32 key = op->who;
	struct ims_shape *s = bpf_map_lookup_elem(&shapes, &key);

	if (!s) {
		bpf_map_update_elem(&shapes, &key, &no_shape, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&shapes, &key);
	}
	if (!s) {
		lose(IMS_PL_SUM);
		return 0;
	}
	for (__u32 i = 0; i < IMS_CLASSES; i++) {
		if (op->shape.runs[i]) {
			__sync_fetch_and_add(&s->runs[i], op->shape.runs[i]);
			__sync_fetch_and_add(&s->pages[i], op->shape.pages[i]);
		}
		if (op->shape.pins[i])
			__sync_fetch_and_add(&s->pins[i], op->shape.pins[i]);
	}
	__sync_fetch_and_add(&s->huge, op->shape.huge);
	__sync_fetch_and_add(&s->huge_mapped, op->shape.huge_mapped);
	COPY(&op->shape, &no_shape, sizeof(no_shape));
	op->shaped = 0;
	return 0;
}

static __noinline int op_flush(struct op *op)
{
	if (!op->who)
		who_find(op);
	for (__u32 phase = 0; phase < IMS_PHASES; phase++)
		if (op->used >> phase & 1)
			sum_add(op, phase);
	op->used = 0;
	if (op->shaped)
		shape_add(op);
	return 0;
}

/* ---- the slowest ---- */

static __always_inline struct ims_slow *least_slow(struct ims_slowest *t)
{
	__u32 least = 0;

	for (__u32 i = 1; i < IMS_SLOWEST; i++)
		if (t->at[i].ns < t->at[least & (IMS_SLOWEST - 1)].ns)
			least = i;
	return &t->at[least & (IMS_SLOWEST - 1)];
}

static __always_inline void slow_keep(struct ims_slow *to, struct op *op, __u64 ns, __u64 end,
				      __s32 rc)
{
	to->ns = ns;
	to->end = end;
	to->who = op->who;
	to->tid = bpf_get_current_pid_tgid();
	to->op = op->frames[0].phase;
	to->rc = rc;
	to->ustack = op->ustack;
	to->kstack = op->kstack;
	COPY(to->phase, op->all, sizeof(to->phase));
}

static __noinline int slow_offer(struct op *op, __u64 ns, __u64 end, __s32 rc)
{
	__u32 zero = 0;
	struct ims_slowest *t = bpf_map_lookup_elem(&slowest, &zero);
	struct ims_slow *to;

	if (!t)
		return 0;
	if (__sync_val_compare_and_swap(&t->busy, 0, 1)) {
		__sync_fetch_and_add(&t->missed, 1);
		return 0;
	}
	to = least_slow(t);
	if (to->ns < ns)
		slow_keep(to, op, ns, end, rc);
	t->busy = 0;
	return 0;
}

/* ---- frames ---- */

static __always_inline void frame_push(struct op *op, __u32 phase, __u64 before)
{
	__u32 depth = op->depth++;
	struct frame *f = &op->frames[depth & (MAX_DEPTH - 1)];

	if (depth >= MAX_DEPTH) {
		lose(IMS_PL_DEPTH);
		return;
	}
	f->phase = phase;
	f->inner = 0;
	f->before = before;
	f->start = bpf_ktime_get_ns();
}

/*
 * The number of the frame that a leave of @phase takes off, or -1.  A number, since of a
 * pointer the compiler compares what it points to and not whether there is one, which
 * the verifier does not follow.
 */
static __always_inline int frame_top(struct op *op, __u32 phase)
{
	__u32 depth = op ? op->depth : 0;

	if (!depth)
		return -1;
	if (depth > MAX_DEPTH) {
		op->depth--;
		return -1;
	}
	depth = (depth - 1) & (MAX_DEPTH - 1);
	return op->frames[depth].phase == phase ? (int)depth : -1;
}

/* The compiler knows that the number is small, and would leave out what tells the verifier. */
static __always_inline struct frame *frame_at(struct op *op, __u32 number)
{
	barrier_var(number);
	return &op->frames[number & (MAX_DEPTH - 1)];
}

/* What a phase has done. */
struct done {
	__u64 pages, bytes, runs;
	bool failed;
};

/* It is over, and counted as @as. */
static __always_inline __u64 frame_pop(struct op *op, int number, __u32 as, struct done done)
{
	struct frame *f = frame_at(op, number);
	__u64 ns = bpf_ktime_get_ns() - f->start;
	struct ims_sum *s = &op->now[as];
	__u32 depth = --op->depth;

	s->calls++;
	s->errors += done.failed;
	s->ns += ns;
	s->self += ns - f->inner;
	s->pages += done.pages;
	s->bytes += done.bytes;
	s->runs += done.runs;
	op->used |= 1u << as;
	if (depth)
		op->frames[(depth - 1) & (MAX_DEPTH - 1)].inner += ns;
	latency_add(op, as, ns);
	return ns;
}

/* ---- phases ---- */

static __always_inline void phase_enter(__u32 phase)
{
	struct op *op = op_here();

	if (op)
		frame_push(op, phase, 0);
}

static __always_inline void phase_leave(__u32 phase, struct done done)
{
	struct op *op = op_here();
	int top = frame_top(op, phase);

	if (op && top >= 0)
		frame_pop(op, top, phase, done);
}

/* ---- operations ---- */

static __always_inline struct op *op_storage(void)
{
	struct op *op = bpf_task_storage_get(&ops, bpf_get_current_task_btf(), NULL,
					     BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!op)
		lose(IMS_PL_THREAD);
	return op;
}

static __always_inline __s32 stack_id(void *ctx, __u64 flags)
{
	__s32 id = bpf_get_stackid(ctx, &stacks, flags);

	if (id == -17)		/* EEXIST: another one is in its place */
		lose(IMS_PL_STACK);
	return id;
}

/* Every begin needs its end, whatever it returns. */
static __noinline int op_begin(void *ctx, __u64 ictx, __u32 phase)
{
	struct op *op = op_here();

	if (op) {		/* within another one */
		frame_push(op, phase, 0);
		return 0;
	}
	if (!running || (by_tgid && !tgid_known(bpf_get_current_pid_tgid() >> 32)))
		return 0;
	op = op_storage();
	if (!op)
		return 0;
	COPY(op, &no_op, offsetof(struct op, chunk));
	op->ctx = ictx;
	op->ustack = stack_id(ctx, BPF_F_USER_STACK);
	op->kstack = stack_id(ctx, 0);
	frame_push(op, phase, 0);
	return 1;
}

static __noinline int op_end(__u32 phase, __s64 rc)
{
	struct op *op = op_here();
	struct done done = { .failed = rc < 0 };
	int top = frame_top(op, phase);
	__u64 ns, start;

	if (!op || top < 0 || phase >= IMS_PHASES)
		return 0;
	start = frame_at(op, top)->start;
	ns = frame_pop(op, top, phase, done);
	if (op->depth)
		return 0;
	op_flush(op);
	return slow_offer(op, ns, start + ns, rc);
}

/* Bytes that an operation was about, which only its parts know. */
static __always_inline void op_bytes(struct op *op, __u32 phase, __u64 bytes)
{
	if (!op || phase >= IMS_PHASES)
		return;
	op->now[phase].bytes += bytes;
	op->now[phase].pages += bytes >> PAGE_SHIFT;
	op->used |= 1u << phase;
}

/* From here on it is about this IOAS; what was before was about another one. */
static __noinline int op_in_ioas(__u32 id)
{
	struct op *op = op_here();

	if (!op || op->ioas == id)
		return 0;
	if (op->ioas)
		op_flush(op);
	op->ioas = id;
	op->who = 0;
	return 0;
}

static __always_inline void op_in_iopt(__u64 iopt)
{
	op_in_ioas(READ(iommufd_ioas, iopt - bpf_core_field_offset(struct iommufd_ioas, iopt), obj.id));
}

/* Numbers of ioctls: linux/iommufd.h, linux/vfio.h. */
static __always_inline __u32 ioctl_phase(__u32 cmd)
{
	switch (cmd & 0xff) {
	case 0x85: case 0x8f: case 0x71:	/* IOAS_MAP, IOAS_MAP_FILE, VFIO_IOMMU_MAP_DMA */
		return IMS_PH_MAP;
	case 0x83:
		return IMS_PH_COPY;
	case 0x86: case 0x72:			/* IOAS_UNMAP, VFIO_IOMMU_UNMAP_DMA */
		return IMS_PH_UNMAP;
	case 0x89:
		return IMS_PH_HWPT_ALLOC;
	case 0x80:
		return IMS_PH_DESTROY;
	}
	return IMS_PH_IOCTL;
}

/* Whose functions these are, and how they are called. */
#define OF_FILE(ioctl, ioctl_function, release, release_function)      \
	SEC("fentry/" #ioctl_function)                                 \
	int BPF_PROG(ioctl##_enter, struct file *file, unsigned int cmd) \
	{                                                              \
		return op_begin(ctx, (__u64)file->private_data,        \
				ioctl_phase(cmd)), 0;                  \
	}                                                              \
                                                                       \
	SEC("fexit/" #ioctl_function)                                  \
	int BPF_PROG(ioctl##_leave, struct file *file, unsigned int cmd) \
	{                                                              \
		return op_end(ioctl_phase(cmd), (__s64)result(ctx));   \
	}                                                              \
                                                                       \
	SEC("fentry/" #release_function)                               \
	int BPF_PROG(release##_enter, struct inode *inode, struct file *file) \
	{                                                              \
		return op_begin(ctx, (__u64)file->private_data,        \
				IMS_PH_RELEASE), 0;                    \
	}                                                              \
                                                                       \
	SEC("fexit/" #release_function)                                \
	int BPF_PROG(release##_leave)                                  \
	{                                                              \
		return op_end(IMS_PH_RELEASE, 0);                      \
	}

/* These have an IOVA space as their first argument, and thus an IOAS. */
#define IN_SPACE(name, function, in_space)                             \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(name##_enter)                                     \
	{                                                              \
		in_space(arg(ctx, 0));                                 \
		return 0;                                              \
	}

/* Its third argument is how many bytes are mapped. */
#define OF_MAP(name, function, in_space)                               \
	IN_SPACE(name, function, in_space)                             \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(name##_leave)                                     \
	{                                                              \
		struct op *op = op_here();                             \
                                                                       \
		if (op && !(__s32)result(ctx))                         \
			op_bytes(op, op->frames[0].phase, arg(ctx, 2)); \
		return 0;                                              \
	}

/* A domain that comes gets what is mapped. */
#define OF_JOIN(name, function, in_space)                              \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(name##_enter)                                     \
	{                                                              \
		in_space(arg(ctx, 0));                                 \
		phase_enter(IMS_PH_REPLAY);                            \
		return 0;                                              \
	}                                                              \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(name##_leave)                                     \
	{                                                              \
		struct done done = { .failed = FAILED(result(ctx)) };  \
                                                                       \
		phase_leave(IMS_PH_REPLAY, done);                      \
		return 0;                                              \
	}

#endif /* IMS_PROFILE_OP_BPF_H */
