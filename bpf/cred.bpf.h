/* SPDX-License-Identifier: GPL-2.0-only */
/* What the current thread may do, as capable() of the kernel answers it. */
#ifndef IMS_CRED_BPF_H
#define IMS_CRED_BPF_H

#include <stddef.h>

#include "types.bpf.h"

struct user_struct;

#define CAP_IPC_LOCK 14
#define CAP_SYS_RESOURCE 24

typedef struct {
	__u32 val;
} __core kuid_t;

typedef struct {
	__u64 val;
} kernel_cap_t;

struct user_namespace {
	int level;
} __core;

struct cred {
	kuid_t uid;
	kernel_cap_t cap_effective;
	struct user_struct *user;
	struct user_namespace *user_ns;
} __core;

/* Its capabilities count in the first user namespace only. */
static __always_inline bool capable(__u32 cap)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u64 caps = 0;

	/* 64 bits in one number since f122a08b197d, in two before: the same in memory. */
	bpf_probe_read_kernel(&caps, sizeof(caps),
			      (void *)cred + bpf_core_field_offset(struct cred, cap_effective));
	return !BPF_CORE_READ(cred, user_ns, level) && caps >> cap & 1;
}

#endif /* IMS_CRED_BPF_H */
