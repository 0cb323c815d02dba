// SPDX-License-Identifier: GPL-2.0-only
/*
 * See confine.h.  A system call that a job does not need is refused, not deadly: what
 * was seen so far still deserves a verdict.
 */
#include "rights/confine.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "here.h"
#include "rights/caps.h"
#include "say.h"

/* ---- system calls ---- */

#define SCREEN (1U << IMS_JOB_SCREEN)
#define PROFILER (1U << IMS_JOB_PROFILER)
#define READER (1U << IMS_JOB_READER | SCREEN | PROFILER)
#define DEPUTY (1U << IMS_JOB_DEPUTY)
#define BOTH (READER | DEPUTY)

#define IOVA_RANGES 0x3b84	/* _IO(';', 0x84), see source/snapshot.c */

struct allowed {
	int call;
	unsigned int jobs;
	/* argument @arg, masked, is @value */
	bool compare;
	unsigned int arg;
	uint64_t mask, value;
};

#define ANY(call, jobs) { SCMP_SYS(call), jobs, false, 0, 0, 0 }
#define IF(call, jobs, arg, value) { SCMP_SYS(call), jobs, true, arg, UINT32_MAX, value }

static const struct allowed table[] = {
	/* files that are open */
	ANY(read, BOTH), ANY(write, BOTH), ANY(writev, READER), ANY(pwritev, READER),
	ANY(lseek, READER), ANY(ftruncate, READER), ANY(close, BOTH),
	ANY(fstat, BOTH), ANY(newfstatat, BOTH),
	{ SCMP_SYS(openat), PROFILER, true, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY },
	ANY(pread64, PROFILER), IF(fcntl, PROFILER, 1, F_GETFD), IF(fcntl, PROFILER, 1, F_GETFL),
	/* memory, but no code */
	ANY(brk, BOTH), ANY(munmap, BOTH), ANY(mremap, BOTH), ANY(madvise, BOTH),
	{ SCMP_SYS(mmap), BOTH, true, 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), BOTH, true, 2, PROT_EXEC, 0 },
	/* time and signals */
	ANY(clock_gettime, BOTH), ANY(clock_nanosleep, READER), ANY(restart_syscall, BOTH),
	ANY(rt_sigaction, READER), ANY(rt_sigprocmask, BOTH), ANY(rt_sigreturn, BOTH),
	ANY(sigaltstack, BOTH),		/* of the sanitizers */
	ANY(futex, BOTH), ANY(getpid, BOTH), ANY(gettid, BOTH), ANY(sysinfo, READER),
	/* the end, of CMD and ours */
	ANY(wait4, BOTH), ANY(exit, BOTH), ANY(exit_group, BOTH),
	/* records */
	ANY(epoll_wait, READER), ANY(epoll_pwait, READER), ANY(membarrier, READER),
	IF(bpf, READER, 0, BPF_MAP_LOOKUP_ELEM), IF(bpf, READER, 0, BPF_MAP_UPDATE_ELEM),
	IF(bpf, READER, 0, BPF_MAP_DELETE_ELEM), IF(bpf, READER, 0, BPF_MAP_GET_NEXT_KEY),
	IF(bpf, READER, 0, BPF_MAP_LOOKUP_AND_DELETE_ELEM),
	IF(bpf, READER, 0, BPF_OBJ_GET_INFO_BY_FD),
	/* snapshots: run what is loaded */
	IF(bpf, READER, 0, BPF_PROG_TEST_RUN), IF(bpf, READER, 0, BPF_ITER_CREATE),
	IF(bpf, READER, 0, BPF_LINK_CREATE), IF(ioctl, READER, 1, IOVA_RANGES),
	IF(ioctl, READER, 1, TCGETS),	/* of stdio, to know a terminal */
	/* the terminal, which is open already; not what would type into it (TIOCSTI) */
	IF(ioctl, SCREEN, 1, TIOCGWINSZ), IF(ioctl, SCREEN, 1, TCSETS),
	IF(ioctl, SCREEN, 1, TCSETSW), IF(ioctl, SCREEN, 1, TCSETSF), IF(ioctl, SCREEN, 1, TCFLSH),
	ANY(poll, SCREEN),
	/* what processes of the same user may lock: asked for, not changed */
	{ SCMP_SYS(prlimit64), SCREEN, true, 2, UINT64_MAX, 0 },
	/* between the two */
	ANY(sendto, READER), ANY(recvmsg, READER), ANY(recvfrom, DEPUTY), ANY(sendmsg, DEPUTY),
	/* what the deputy is there for */
	ANY(pidfd_open, DEPUTY), ANY(pidfd_getfd, DEPUTY), ANY(kill, DEPUTY),
	ANY(readlink, DEPUTY), ANY(readlinkat, DEPUTY),
};

static int fill(scmp_filter_ctx filter, enum ims_job job)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(table) / sizeof(*table); i++) {
		const struct allowed *a = &table[i];
		struct scmp_arg_cmp cmp = SCMP_CMP(a->arg, SCMP_CMP_MASKED_EQ, a->mask, a->value);

		if (a->jobs >> job & 1)
			rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, a->call, a->compare, &cmp);
	}
	return rc;
}

/* To stop at Ctrl-Z, and to die of what was to be fatal when the terminal is in order again. */
static int signal_itself(scmp_filter_ctx filter, enum ims_job job)
{
	static const int calls[] = { SCMP_SYS(kill), SCMP_SYS(tgkill) };
	const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, getpid());
	int rc = 0;

	for (int i = 0; !rc && job == IMS_JOB_SCREEN && i < 2; i++)
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i], 1, &itself);
	return rc;
}

static int filter_calls(enum ims_job job)
{
	scmp_filter_ctx filter;
	int rc;

	if (!ims_seccomp_here()) {
		ims_detail("this kernel has no seccomp (CONFIG_SECCOMP), so no system call is refused");
		return 0;
	}
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	/* a binary tree: records come by the million */
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = fill(filter, job);
	if (!rc)
		rc = signal_itself(filter, job);
	if (!rc)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

/* ---- capabilities ---- */

/* Nobody whom we could execute would get more; without CAP_SETPCAP no_new_privs must do. */
static void drop_bounding_set(void)
{
	for (unsigned int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static int set_caps(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = keep, .permitted = keep },
		{ .effective = keep >> 32, .permitted = keep >> 32 },
	};

	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

int ims_confine(enum ims_job job, uint64_t keep)
{
	int rc;

	keep &= ims_caps_have();
	drop_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	rc = set_caps(keep);
	if (!rc && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		rc = -errno;
	if (!rc)
		rc = filter_calls(job);
	if (rc)
		ims_error("cannot give up rights: %s; this is a bug, please report it",
			  strerror(-rc));
	return rc ? -1 : 0;
}
