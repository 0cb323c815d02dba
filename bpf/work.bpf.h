/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread is doing in iommufd: the memory between two hooks.
 *
 * A function of mm or of the IOMMU core does not know for whom it works, a
 * function in the middle of iommufd not for which ctx.  So every way into iommufd
 * (an ioctl, the release of the file, each exported function) notes the ctx in
 * the storage of the thread, and what is called from there adds to it.  The ways
 * in can nest: an unmap calls the driver of an access, which unpins.  The inner one may
 * be for another ctx, or one that is not in scope.
 */
#ifndef IMS_WORK_BPF_H
#define IMS_WORK_BPF_H

#include "compat.bpf.h"
#include "records.bpf.h"

#define PAGE_CHUNK 64
#define MAX_NOTED 128		/* ranges of one request that can be remembered */
#define MAX_NESTED 16		/* power of two */

enum domain_op { DOMAIN_NONE, DOMAIN_ADD, DOMAIN_DEL };

struct range {
	__u64 start, last;
};

struct work {
	__u64 ctx;		/* 0: outside iommufd, or not in scope */
	__u32 depth;		/* ways into iommufd that we are in */
	__u64 outer[MAX_NESTED];	/* ctx of each of them but the innermost */
	__u8 vfio;		/* the ioctl is one of VFIO */
	__u8 releasing;		/* the file is closed: nobody else is here */

	/* a map, a copy, an unmap */
	__u8 in_map_pages;
	__u8 iova_said;
	__u64 iopt, src;	/* 0: not reached yet */
	__u64 list;		/* struct list_head of iopt_map_pages() */
	__u64 iova, iova_at;	/* where it is, and the address where the kernel has it */
	__u64 length, filled;
	__u32 flags;
	__u64 new_pages;	/* made, and not reported yet */
	__u8 making_pages;	/* of a dma-buf; they may be freed again at once */
	__u64 unmap_length;	/* that the ioctl asked for */
	__u64 removed;		/* bytes of areas */

	/* a cut */
	__u64 cut_at[2], cut_old[2], cut_lhs;
	__u32 cut_n;		/* areas that may be cut; 0: not cutting */

	/* a domain comes or goes */
	__u32 domain_op;	/* enum domain_op */
	__u8 domain_said;
	__u64 domain, domain_iopt;
	__u64 hwpt;		/* made, and not reported yet */
	__u32 hwpt_flags;

	/* devices and accesses */
	__u64 enforce_iopt, enforce_dev;
	__u64 idev, to, from;	/* struct iommufd_device, HWPTs */
	__u8 device_action, device_said;
	__u8 tombstone;		/* the id of the object stays reserved */
	__u32 pasid;		/* of the attachment, 0: none */
	__u64 claimed, claim_owner;	/* its DMA was claimed, and not reported yet */
	__u32 claim_flags;	/* enum ims_hw_flags */
	__u64 access;
	__u8 access_action, access_said;
	__u64 contig_iopt;
	__u32 fault_action;	/* enum ims_fault_action of an answer now, 0: none */
	__u64 fault;

	/* pages.c */
	__u32 scope;		/* its functions that we are in */
	__u64 pages, uptr, area;
	__u64 pin_end;		/* index after the last page that was pinned */
	__u8 in_pin;		/* mm pins now: what it gives back meanwhile we never had */
	__u8 in_iommu_map;
	__u8 in_unpin;		/* index_of the run to unpin is known */
	__u8 xa_mode;		/* the batch comes out of the xarray */
	__u8 adding, removing, in_fill_xarray, range_said;
	__u64 range_first, range_last;
	__u32 range_flags, range_entry;
	__u8 range_alone;
	__u64 reader;		/* struct pfn_reader that unpins, 0: none */
	__u64 xa_index;		/* from here on the xarray is emptied */
	__u64 batch_end;	/* index after the last page in the batch from a domain */
	__u32 batch_before;
	__u64 counter, pinned_vm;	/* before a charge */
	__u8 changes_process;
	__u64 folios, nfolios;	/* of a file, that were pinned last: their list */
	__u64 folio_offset;	/* where in the first of them, pages */
	__u64 file_pages;	/* of all of them */

	/* calls that are reported together: IOMMU maps, or unpins */
	__u64 map_domain, map_iova, map_next;
	__u64 unsynced;		/* domain whose IOTLB has to be synchronised */
	__u32 map_prot, nmaps;
	__u64 unpin_index;
	__u32 unpin_flags, nunpins;
	struct ims_run runs[IMS_MAX_RUNS];

	__u64 chunk[PAGE_CHUNK];	/* of a list of struct page pointers */
	__u32 nranges;
	struct range ranges[MAX_NOTED];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct work);
} works SEC(".maps");

/* What this thread is doing for a ctx in scope, or NULL. */
static __always_inline struct work *work_here(void)
{
	struct work *w = bpf_task_storage_get(&works, bpf_get_current_task_btf(), NULL, 0);

	return w && w->ctx ? w : NULL;
}

/* In pages.c. */
static __always_inline struct work *work_on_pages(void)
{
	struct work *w = work_here();

	return w && w->scope ? w : NULL;
}

/* A way into iommufd for @ctx; every one of it needs its work_end(). */
static __noinline int work_enter(__u64 ctx)
{
	struct work *w = bpf_task_storage_get(&works, bpf_get_current_task_btf(), NULL, 0);

	if (w && w->depth) {
		w->outer[w->depth++ & (MAX_NESTED - 1)] = w->ctx;
		if (w->ctx != ctx)
			w->ctx = scope_has(ctx) ? ctx : 0;
		return 0;
	}
	if (!running || !ctx || !scope_has(ctx))
		return 0;
	if (!w)
		w = bpf_task_storage_get(&works, bpf_get_current_task_btf(), NULL,
					 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!w) {
		count_loss(ctx, IMS_LOSS_TABLE);
		return 0;
	}
	__builtin_memset(w, 0, offsetof(struct work, runs));
	w->ctx = ctx;
	w->depth = 1;
	return 0;
}

static __always_inline struct work *work_begin(__u64 ctx)
{
	work_enter(ctx);
	return work_here();
}

static __noinline int work_end(void)
{
	struct work *w = bpf_task_storage_get(&works, bpf_get_current_task_btf(), NULL, 0);

	if (!w || !w->depth)
		return 0;
	w->depth--;
	w->ctx = w->depth ? w->outer[w->depth & (MAX_NESTED - 1)] : 0;
	return 0;
}

/* @function is a way into iommufd that is no ioctl. @ictx is evaluated at its begin. */
#define WAY_IN(function, ictx)                                         \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(in_##function)                                    \
	{                                                              \
		return work_enter(ictx);                               \
	}                                                              \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(out_##function)                                   \
	{                                                              \
		return work_end();                                     \
	}

#endif /* IMS_WORK_BPF_H */
