/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which threads may be somewhere in iommufd: what they have begun before anybody
 * looked cannot be told from what iommufd has, for who takes an object away takes it
 * out of the table first.
 *
 * The stack of a thread that does not run says where it is.  One that runs is told
 * with its time in user mode: when that has grown, it was outside.
 */
#ifndef IMS_THREADS_BPF_H
#define IMS_THREADS_BPF_H

#include "types.bpf.h"

#include "snap.h"

struct vtime {
	unsigned int state;
} __core;

struct sched_entity {
	__u64 sum_exec_runtime;
} __core;

struct task_struct___thread {
	int pid;
	int tgid;
	int on_cpu;
	int exit_state;
	__u64 utime;
	struct sched_entity se;
	struct vtime vtime;
} __core;

enum vtime_state___here {
	VTIME_INACTIVE,
	VTIME_USER,
	VTIME_GUEST,
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __core;

#define MOST_FRAMES 127

/* What the reader asks. */
__u32 want_ntgids;		/* 0: everybody */
__u32 want_tgids[SNAP_MOST_TGIDS];
__u64 text_start, text_end;	/* of iommufd; end is exclusive */

__u64 frames[MOST_FRAMES];	/* of the thread that is looked at */

static __always_inline bool asked_for(__u32 tgid)
{
	for (__u32 i = 0; i < SNAP_MOST_TGIDS && i < want_ntgids; i++)
		if (want_tgids[i] == tgid)
			return true;
	return !want_ntgids;
}

/* Whether it runs on some CPU.  An int or a byte; UP kernels have none: there only we run. */
static __always_inline bool runs(struct task_struct___thread *t)
{
	return bpf_core_field_exists(t->on_cpu) && BPF_CORE_READ_BITFIELD_PROBED(t, on_cpu);
}

/* Kernels that do not count ticks know it exactly. */
static __always_inline bool in_user_mode(struct task_struct___thread *t)
{
	__u32 state;

	if (!bpf_core_field_exists(t->vtime))
		return false;
	state = BPF_CORE_READ(t, vtime.state);
	return state == bpf_core_enum_value(enum vtime_state___here, VTIME_USER) ||
	       state == bpf_core_enum_value(enum vtime_state___here, VTIME_GUEST);
}

/* No frame of its stack is of iommufd, and all of them are known. */
static __always_inline bool stack_outside(struct task_struct *task)
{
	long size = bpf_get_task_stack(task, frames, sizeof(frames), 0);

	if (size <= 0 || size >= (long)sizeof(frames))
		return false;
	for (__u32 i = 0; i < MOST_FRAMES && i < size / sizeof(*frames); i++)
		if (frames[i] >= text_start && frames[i] < text_end)
			return false;
	return true;
}

static __always_inline bool outside(struct task_struct *task)
{
	struct task_struct___thread *t = (void *)task;
	__u64 ran = BPF_CORE_READ(t, se.sum_exec_runtime);

	if (BPF_CORE_READ(t, exit_state) || BPF_CORE_READ(t, pid) == (int)bpf_get_current_pid_tgid())
		return true;
	if (runs(t))
		return in_user_mode(t);
	return stack_outside(task) && !runs(t) && BPF_CORE_READ(t, se.sum_exec_runtime) == ran;
}

SEC("iter/task")
int threads(struct bpf_iter__task *it)
{
	struct task_struct___thread *t;
	struct task_struct *task = it->task;
	struct snap_thread *r;

	if (!task)
		return 0;
	t = (void *)task;
	if (!asked_for(BPF_CORE_READ(t, tgid)) || outside(task))
		return 0;
	r = row(sizeof(*r), SNAP_THREAD, BPF_CORE_READ(t, pid));
	if (!r)
		return 0;
	r->utime = BPF_CORE_READ(t, utime);
	done(r);
	return 0;
}

#endif /* IMS_THREADS_BPF_H */
