/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that we look into, instead of a generated vmlinux.h.
 *
 * Only the fields named here are used.  CO-RE moves them to where the running
 * kernel has them, so this needs no BTF at build time and no copy of the
 * kernel's headers.
 */
#ifndef IMS_TYPES_BPF_H
#define IMS_TYPES_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "record.h"

#define __core __attribute__((preserve_access_index))

struct mm_struct;
struct cred;

typedef struct {
	int counter;
} __core atomic_t;

struct rlimit {
	unsigned long rlim_cur;
} __core;

struct signal_struct {
	atomic_t live;		/* threads that have not exited */
	struct rlimit rlim[16];
} __core;

struct task_struct {
	int tgid;
	struct mm_struct *mm;
	struct signal_struct *signal;
	const struct cred *cred;
	struct task_struct *group_leader;
} __core;

#endif /* IMS_TYPES_BPF_H */
