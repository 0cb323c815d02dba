/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the profiler's programs and user space share: what is measured, and the tables
 * in which the kernel adds it up.  Never recorded, so never an ABI.
 *
 * An operation is what somebody asked of iommufd (an ioctl, an attach, a call of a
 * driver).  It is made of phases, which nest: an iommu_unmap() contains an IOTLB sync,
 * a pin contains page faults.  "ns" is from begin to end, "self" without what is nested;
 * so the selves of all phases and of the operation itself add up to its ns.  An
 * operation within another one (a driver that unpins when it is told of an unmap) is a
 * phase of that.
 */
#ifndef IMS_PROFILE_H
#define IMS_PROFILE_H

#include "profile/hist.h"
#include "record.h"

enum ims_phase {
	/* operations */
	IMS_PH_MAP,
	IMS_PH_COPY,
	IMS_PH_UNMAP,
	IMS_PH_HWPT_ALLOC,
	IMS_PH_DESTROY,
	IMS_PH_IOCTL,		/* any other */
	IMS_PH_RELEASE,		/* the file is closed for the last time */
	IMS_PH_ATTACH,
	IMS_PH_REPLACE,
	IMS_PH_DETACH,
	IMS_PH_ACCESS_PIN,
	IMS_PH_ACCESS_UNPIN,
	IMS_PH_ACCESS_RW,
	/* their phases */
	IMS_PH_PIN_FAST,	/* GUP, all of it without a lock */
	IMS_PH_PIN_SLOW,	/* GUP with mmap_lock: another process's memory, or not there yet */
	IMS_PH_PIN_MEMFD,	/* folios of a file */
	IMS_PH_FAULT,		/* a page fault to pin what is not there yet */
	IMS_PH_DOMAIN_MAP,
	IMS_PH_DOMAIN_UNMAP,
	IMS_PH_IOTLB_SYNC,
	IMS_PH_READBACK,	/* PFNs come back out of a domain, to be unpinned */
	IMS_PH_UNPIN,
	IMS_PH_ACCOUNT,
	IMS_PH_REPLAY,		/* all areas of an IOAS go into a domain that comes */
	IMS_PHASES,
};

#define IMS_PH_OPS IMS_PH_PIN_FAST	/* operations come before */

/* ---- who ---- */

/* The device is 0 unless the operation is about one. */
struct ims_who_key {
	__u64 ctx;
	__u32 tgid;
	__u32 ioas;		/* object ids */
	__u32 device;
	__u32 _rsvd;
};

struct ims_who {
	__u32 id;		/* short for all that, in the keys below; never 0 */
	__u32 _rsvd;
	char comm[IMS_COMM];
	char device[IMS_NAME];
};

/* ---- how much ---- */

struct ims_sum_key {
	__u32 who;
	__u16 op;		/* enum ims_phase; this is about the operation if both are equal */
	__u16 phase;
	__s32 ustack, kstack;	/* where the operation was asked for; negative: not known */
};

struct ims_sum {
	__u64 calls;
	__u64 errors;		/* of these */
	__u64 ns, self;
	__u64 pages;
	__u64 bytes;
	__u64 runs;
};

/* ---- how long: buckets as in user/profile/hist.h, 2^40 ns and more are one ---- */

#define IMS_HIST_TOP 40
#define IMS_HIST_BUCKETS ((IMS_HIST_TOP - HIST_SHIFT + 1) * HIST_STEPS)

struct ims_hist_key {
	__u32 who;
	__u32 phase;
};

struct ims_hist {
	__u32 n[IMS_HIST_BUCKETS];
};

/* ---- in what pieces: by the power of two of their number of pages ---- */

#define IMS_CLASSES 32

struct ims_shape {
	__u64 runs[IMS_CLASSES];	/* contiguous PFNs that went into domains */
	__u64 pages[IMS_CLASSES];	/* in these */
	__u64 huge;		/* pages in whole aligned 2 MiB of PFNs */
	__u64 huge_mapped;	/* of these, at IOVAs that allow large IOPTEs */
	__u64 pins[IMS_CLASSES];	/* calls that pin, by pages */
};

/* ---- the slowest operations ---- */

#define IMS_SLOWEST 16

struct ims_slow {
	__u64 ns;		/* 0: nothing here yet */
	__u64 end;		/* when it ended, CLOCK_MONOTONIC */
	__u64 bytes;
	__u32 who, tid;
	__u32 op;
	__s32 rc;
	__s32 ustack, kstack;
	struct ims_sum phase[IMS_PHASES];
};

/* One for each CPU. */
struct ims_slowest {
	__u64 busy;		/* somebody writes it who was interrupted */
	__u64 missed;		/* so this many were not looked at */
	struct ims_slow at[IMS_SLOWEST];
};

/* ---- what could not be kept ---- */

enum ims_profile_loss {
	IMS_PL_WHO,		/* too many; what they did is added to who 0 */
	IMS_PL_SUM,		/* operations that are in no sum */
	IMS_PL_HIST,		/* latencies that are in no histogram */
	IMS_PL_STACK,		/* stacks that were not kept */
	IMS_PL_DEPTH,		/* phases that were nested too deep */
	IMS_PL_THREAD,		/* threads without storage */
	IMS_PL_CLASSES,
};

#endif /* IMS_PROFILE_H */
