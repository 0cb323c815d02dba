// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long what iommufd does takes, and how much it is: added up in the kernel, no record
 * is made.
 *
 * The programs stand at functions, of a kernel with our tracepoints, too: a time needs
 * a begin and an end.  Where iommufd calls mm or the IOMMU core once for each run of
 * PFNs, the function that does so for a whole batch is measured instead.  Which program
 * replaces which, and what is not known without it: user/profile/live.c.
 *
 *	profile_op.bpf.h	frames, sums, histograms, the slowest
 *	profile_runs.bpf.h	how long the runs are
 *	profile_own.bpf.h	operations of our own iommufd
 */
#include "profile_own.bpf.h"
#include "profile_runs.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* ---- operations: the file ---- */

OF_FILE(ioctl, iommufd_fops_ioctl, release, iommufd_fops_release)

/* ---- operations: drivers ---- */

static __noinline int device_begin(void *ctx, struct iommufd_device *idev, __u32 phase)
{
	struct op *op;

	if (!op_begin(ctx, device_ctx(idev), phase))
		return 0;
	op = op_here();
	if (op) {
		op->idev = (__u64)idev;
		op->device = device_id(idev);
	}
	return 0;
}

#define OF_DEVICE(function, phase, has_rc)                             \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(function##_enter, struct iommufd_device *idev)    \
	{                                                              \
		return device_begin(ctx, idev, phase);                 \
	}                                                              \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(function##_leave)                                 \
	{                                                              \
		return op_end(phase, has_rc ? (__s32)result(ctx) : 0); \
	}

OF_DEVICE(iommufd_device_attach, IMS_PH_ATTACH, 1)
OF_DEVICE(iommufd_device_replace, IMS_PH_REPLACE, 1)
OF_DEVICE(iommufd_device_detach, IMS_PH_DETACH, 0)

static __noinline int access_begin(void *ctx, struct iommufd_access *access, __u32 phase)
{
	__u32 ioas = access_ioas(access);

	if (op_begin(ctx, access_ctx(access), phase) && ioas)
		op_in_ioas(ioas);
	return 0;
}

#define OF_ACCESS(function, phase, has_rc, length)                     \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(function##_enter, struct iommufd_access *access)  \
	{                                                              \
		return access_begin(ctx, access, phase);               \
	}                                                              \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(function##_leave)                                 \
	{                                                              \
		__s32 rc = has_rc ? (__s32)result(ctx) : 0;            \
                                                                       \
		if (!rc)                                               \
			op_bytes(op_here(), phase, arg(ctx, length));  \
		return op_end(phase, rc);                              \
	}

/* (access, iova, length, ...), but rw: (access, iova, data, length, flags). */
OF_ACCESS(iommufd_access_pin_pages, IMS_PH_ACCESS_PIN, 1, 2)
OF_ACCESS(iommufd_access_unpin_pages, IMS_PH_ACCESS_UNPIN, 0, 2)
OF_ACCESS(iommufd_access_rw, IMS_PH_ACCESS_RW, 1, 3)

/* ---- which IOAS, and how many bytes ---- */

OF_MAP(map_pages, iopt_map_pages, op_in_iopt)
IN_SPACE(unmap_range, iopt_unmap_iova_range, op_in_iopt)
IN_SPACE(remove_domain, iopt_table_remove_domain, op_in_iopt)
OF_JOIN(replay, iopt_table_add_domain, op_in_iopt)

/* Area by area, since nobody is told the sum when all is unmapped. */
SEC("fentry/iopt_area_unfill_domains")
int BPF_PROG(unfill_enter, struct iopt_area *area)
{
	struct op *op = op_here();

	if (op && op->frames[0].phase != IMS_PH_MAP && op->frames[0].phase != IMS_PH_COPY)
		op_bytes(op, op->frames[0].phase, area->node.last - area->node.start + 1);
	return 0;
}

/* ---- pins ---- */

static __always_inline bool is_pin(__u32 phase)
{
	return phase == IMS_PH_PIN_FAST || phase == IMS_PH_PIN_SLOW || phase == IMS_PH_PIN_MEMFD;
}

static __always_inline void pin_enter(__u32 phase)
{
	struct op *op = op_here();

	if (!op)
		return;
	op->slow_pin = 0;
	frame_push(op, phase, 0);
}

static __always_inline void pin_count(struct op *op, __u64 pages)
{
	op->shape.pins[hist_log2(pages) & (IMS_CLASSES - 1)]++;
	op->shaped = 1;
}

static __always_inline void pin_leave(__u32 phase, __u64 pages, __s64 rc)
{
	struct op *op = op_here();
	int top = frame_top(op, phase);
	struct done done = { .failed = rc < 0, .pages = rc < 0 ? 0 : pages };

	if (!op || top < 0)
		return;
	done.bytes = done.pages << PAGE_SHIFT;
	if (done.pages)
		pin_count(op, done.pages);
	frame_pop(op, top, phase == IMS_PH_PIN_FAST && op->slow_pin ? IMS_PH_PIN_SLOW : phase, done);
}

SEC("fentry/pin_user_pages_fast")
int BPF_PROG(pin_fast_enter)
{
	pin_enter(IMS_PH_PIN_FAST);
	return 0;
}

SEC("fexit/pin_user_pages_fast")
int BPF_PROG(pin_fast_leave)
{
	pin_leave(IMS_PH_PIN_FAST, result(ctx), (__s32)result(ctx));
	return 0;
}

/* Where the fast way ends, with the lock taken. */
SEC("fentry/__get_user_pages")
int BPF_PROG(pin_falls_back)
{
	struct op *op = op_here();

	if (op)
		op->slow_pin = 1;
	return 0;
}

SEC("fentry/pin_user_pages_remote")
int BPF_PROG(pin_remote_enter)
{
	pin_enter(IMS_PH_PIN_SLOW);
	return 0;
}

SEC("fexit/pin_user_pages_remote")
int BPF_PROG(pin_remote_leave)
{
	pin_leave(IMS_PH_PIN_SLOW, result(ctx), result(ctx));
	return 0;
}

SEC("fentry/memfd_pin_folios")
int BPF_PROG(pin_memfd_enter)
{
	pin_enter(IMS_PH_PIN_MEMFD);
	return 0;
}

/* It tells the number of folios; that of pages is known a moment later. */
SEC("fexit/memfd_pin_folios")
int BPF_PROG(pin_memfd_leave)
{
	struct op *op = op_here();

	pin_leave(IMS_PH_PIN_MEMFD, 0, (__s64)result(ctx));
	if (op)
		op->pinned_memfd = (__s64)result(ctx) > 0;
	return 0;
}

SEC("fexit/pfn_reader_user_pin")
int BPF_PROG(pin_memfd_pages, struct pfn_reader_user *user)
{
	struct op *op = op_here();
	__u64 pages = user->upages_end - user->upages_start;

	if (!op || !op->pinned_memfd || (__s32)result(ctx))
		return 0;
	op->pinned_memfd = 0;
	op->now[IMS_PH_PIN_MEMFD].pages += pages;
	op->now[IMS_PH_PIN_MEMFD].bytes += pages << PAGE_SHIFT;
	pin_count(op, pages);
	return 0;
}

SEC("fentry/handle_mm_fault")
int BPF_PROG(fault_enter)
{
	struct op *op = op_here();
	__u32 top = op ? op->frames[(op->depth - 1) & (MAX_DEPTH - 1)].phase : 0;

	if (op && is_pin(top))
		frame_push(op, IMS_PH_FAULT, 0);
	return 0;
}

SEC("fexit/handle_mm_fault")
int BPF_PROG(fault_leave)
{
	struct done done = {};

	phase_leave(IMS_PH_FAULT, done);
	return 0;
}

/* ---- domains ---- */

SEC("fentry/batch_to_domain")
int BPF_PROG(batch_map_enter)
{
	phase_enter(IMS_PH_DOMAIN_MAP);
	return 0;
}

static __always_inline __u64 iova_of(struct iopt_area *area, __u64 index)
{
	return area->node.start - area->page_offset +
	       (index - area->pages_node.start) * PAGE_SIZE;
}

SEC("fexit/batch_to_domain")
int BPF_PROG(batch_map_leave, struct pfn_batch *batch, struct iommu_domain *domain,
	     struct iopt_area *area, unsigned long index)
{
	struct done done = { .failed = FAILED(result(ctx)) };
	struct op *op = op_here();

	if (!op)
		return 0;
	if (!done.failed) {
		done.pages = batch->total_pfns;
		done.bytes = done.pages << PAGE_SHIFT;
		done.runs = batch->end;
	}
	phase_leave(IMS_PH_DOMAIN_MAP, done);
	if (!done.failed)
		batch_runs(op, batch, iova_of(area, index));
	return 0;
}

/* Where there is no such function: run by run. */
SEC("fentry/iommu_map")
int BPF_PROG(run_map_enter)
{
	phase_enter(IMS_PH_DOMAIN_MAP);
	return 0;
}

SEC("fexit/iommu_map")
int BPF_PROG(run_map_leave, struct iommu_domain *domain, unsigned long iova, __u64 paddr,
	     size_t size)
{
	struct done done = { .failed = FAILED(result(ctx)) };
	struct op *op = op_here();

	if (!op)
		return 0;
	if (!done.failed) {
		done.bytes = size;
		done.pages = size >> PAGE_SHIFT;
		done.runs = 1;
		op->shaped = 1;
		run_add(op, paddr >> PAGE_SHIFT, iova >> PAGE_SHIFT, done.pages);
	}
	phase_leave(IMS_PH_DOMAIN_MAP, done);
	return 0;
}

#define UNMAP_OF(name, function)                                       \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(name##_enter)                                     \
	{                                                              \
		phase_enter(IMS_PH_DOMAIN_UNMAP);                      \
		return 0;                                              \
	}                                                              \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(name##_leave)                                     \
	{                                                              \
		struct done done = { .bytes = result(ctx) };           \
                                                                       \
		done.pages = done.bytes >> PAGE_SHIFT;                 \
		phase_leave(IMS_PH_DOMAIN_UNMAP, done);                \
		return 0;                                              \
	}

UNMAP_OF(unmap, iommu_unmap)
UNMAP_OF(unmap_fast, iommu_unmap_fast)

#define SYNC_OF(driver)                                                \
	SEC("fentry/" #driver)                                         \
	int BPF_PROG(driver##_enter)                                   \
	{                                                              \
		phase_enter(IMS_PH_IOTLB_SYNC);                        \
		return 0;                                              \
	}                                                              \
                                                                       \
	SEC("fexit/" #driver)                                          \
	int BPF_PROG(driver##_leave)                                   \
	{                                                              \
		struct done done = {};                                 \
                                                                       \
		phase_leave(IMS_PH_IOTLB_SYNC, done);                  \
		return 0;                                              \
	}

SYNC_OF(intel_iommu_tlb_sync)
SYNC_OF(amd_iommu_iotlb_sync)
SYNC_OF(arm_smmu_iotlb_sync)

SEC("fentry/batch_from_domain")
int BPF_PROG(readback_enter, struct pfn_batch *batch)
{
	struct op *op = op_here();

	if (op)
		frame_push(op, IMS_PH_READBACK, batch->total_pfns);
	return 0;
}

SEC("fexit/batch_from_domain")
int BPF_PROG(readback_leave, struct pfn_batch *batch)
{
	struct op *op = op_here();
	int top = frame_top(op, IMS_PH_READBACK);
	struct done done = {};

	if (!op || top < 0)
		return 0;
	done.pages = batch->total_pfns - frame_at(op, top)->before;
	done.bytes = done.pages << PAGE_SHIFT;
	frame_pop(op, top, IMS_PH_READBACK, done);
	return 0;
}

/* ---- unpins and charges: their number of pages is an argument ---- */

#define OF_PAGES(name, function, phase, pages_arg)                     \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(name##_enter)                                     \
	{                                                              \
		phase_enter(phase);                                    \
		return 0;                                              \
	}                                                              \
                                                                       \
	SEC("fexit/" #function)                                        \
	int BPF_PROG(name##_leave)                                     \
	{                                                              \
		struct done done = { .pages = arg(ctx, pages_arg) };   \
                                                                       \
		done.bytes = done.pages << PAGE_SHIFT;                 \
		phase_leave(phase, done);                              \
		return 0;                                              \
	}

OF_PAGES(batch_unpin, batch_unpin, IMS_PH_UNPIN, 3)
OF_PAGES(run_unpin, unpin_user_page_range_dirty_lock, IMS_PH_UNPIN, 1)
OF_PAGES(list_unpin, unpin_user_pages, IMS_PH_UNPIN, 1)
OF_PAGES(account, do_update_pinned, IMS_PH_ACCOUNT, 1)
OF_PAGES(account_newer, iopt_pages_update_pinned, IMS_PH_ACCOUNT, 1)
OF_PAGES(own_account, ufd_charge, IMS_PH_ACCOUNT, 1)
