/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes that are looked at, and the descendants of a command that was started.
 */
#ifndef IMS_TGIDS_BPF_H
#define IMS_TGIDS_BPF_H

#include "types.bpf.h"

#define MAX_TGIDS 16384

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TGIDS);
	__type(key, __u32);
	__type(value, __u8);
} tgids SEC(".maps");

static __always_inline bool tgid_known(__u32 tgid)
{
	return bpf_map_lookup_elem(&tgids, &tgid);
}

static __always_inline void tgid_lost(void);

/* Parent, child. */
static __always_inline int tgid_forked(const __u64 *a)
{
	const struct task_struct *child = (const void *)a[1];
	__u32 tgid = BPF_CORE_READ(child, tgid);
	__u8 yes = 1;

	if (tgid_known(bpf_get_current_pid_tgid() >> 32) && !tgid_known(tgid) &&
	    bpf_map_update_elem(&tgids, &tgid, &yes, BPF_ANY))
		tgid_lost();
	return 0;
}

/* A dead process frees its number for somebody else. */
static __always_inline void tgid_forget(const struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	bpf_map_delete_elem(&tgids, &tgid);
}

/* Only loaded for a command; whoever uses this says in tgid_lost() what a full table means. */
#define FOLLOW_DESCENDANTS                                             \
	SEC("raw_tp/sched_process_fork")                               \
	int on_fork(const __u64 *a)                                    \
	{                                                              \
		return tgid_forked(a);                                 \
	}

#endif /* IMS_TGIDS_BPF_H */
