/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pages.c of iommufd: pins, unpins, charges, and what is mapped into domains.
 *
 * All of this happens under the mutex of the pages object.  The calls to mm and to
 * the IOMMU core are what is reported, with the arguments they really get; the
 * functions of pages.c around them tell for which pages object, and from which
 * index on.
 */
#ifndef IMS_FENTRY_PAGES_BPF_H
#define IMS_FENTRY_PAGES_BPF_H

#include "folio.bpf.h"

/* ---- the functions through which others come here ---- */

static __always_inline void maps_flush(struct work *w, int rc)
{
	__u64 a[8] = { w->ctx, w->map_domain, w->area, w->map_iova, (__u64)w->runs, w->nmaps,
		       w->map_prot, (__u32)rc };

	if (w->nmaps)
		on_dma_map(a);
	w->nmaps = 0;
}

static __noinline int scope_enter(__u64 pages, __u64 area)
{
	struct work *w = work_here();

	if (!w || w->scope++)
		return 0;
	w->pages = pages;
	w->area = area;
	w->uptr = pages_start(pages);
	w->in_pin = w->in_iommu_map = w->in_unpin = w->xa_mode = 0;
	w->reader = 0;
	w->nmaps = w->nunpins = 0;
	return 0;
}

static __noinline int scope_leave(void)
{
	struct work *w = work_on_pages();

	if (!w)
		return 0;
	maps_flush(w, 0);
	w->scope--;
	return 0;
}

SEC("fentry/iopt_pages_rw_access")
int BPF_PROG(rw_enter, struct iopt_pages *pages)
{
	return scope_enter((__u64)pages, 0);
}

SEC("fexit/iopt_pages_rw_access")
int BPF_PROG(rw_leave)
{
	return scope_leave();
}

/* ---- pins ---- */

/* Pages that cannot stay where they are for long are given back, moved, and pinned again. */
static __always_inline int pin_begins(void)
{
	struct work *w = work_on_pages();

	if (w)
		w->in_pin = 1;
	return 0;
}

SEC("fentry/pin_user_pages_fast")
int BPF_PROG(pin_fast_begins)
{
	return pin_begins();
}

SEC("fentry/pin_user_pages_remote")
int BPF_PROG(pin_remote_begins)
{
	return pin_begins();
}

SEC("fentry/memfd_pin_folios")
int BPF_PROG(pin_file_begins)
{
	return pin_begins();
}

static __always_inline void pin_record(struct work *w, __u64 uaddr, __u64 wanted, __s64 got,
				       __u32 flags, bool held)
{
	__u64 a[8] = {};

	w->in_pin = 0;
	a[0] = w->ctx;
	a[1] = w->pages;
	a[2] = held ? IMS_PIN_HELD : IMS_PIN_TRANSIENT;
	a[3] = uaddr;
	a[4] = (uaddr - w->uptr) / PAGE_SIZE;
	a[5] = wanted;
	a[6] = got;
	a[7] = flags;
	on_pin(a);
	if (held && got > 0)
		w->pin_end = a[4] + got;
}

static __always_inline int pinned(__u64 uaddr, __u64 wanted, __s64 got, __u64 gup_flags, __u64 list,
			     __u32 flags, bool held)
{
	struct work *w = work_on_pages();

	if (!w)
		return 0;
	maps_flush(w, 0);
	if (gup_flags & FOLL_WRITE)
		flags |= IMS_PIN_WRITE;
	if (gup_flags & FOLL_LONGTERM)
		flags |= IMS_PIN_LONGTERM;
	pin_record(w, uaddr, wanted, got, flags, held);
	if (!held || got <= 0)
		return 0;
	return send_page_list(w, list, got, w->pin_end - got, false);
}

SEC("fexit/pin_user_pages_fast")
int BPF_PROG(pin_fast, unsigned long uaddr, int n, unsigned int flags)
{
	return pinned(uaddr, n, (__s32)result(ctx), flags, arg(ctx, 3), 0, true);
}

/* Who pins to hold always cares for the lock, who pins to copy never does. */
SEC("fexit/pin_user_pages_remote")
int BPF_PROG(pin_remote, struct mm_struct *mm, unsigned long uaddr, unsigned long n,
	     unsigned int flags)
{
	return pinned(uaddr, n, result(ctx), flags, arg(ctx, 4), IMS_PIN_REMOTE, arg(ctx, 5));
}

/* Pages of a file, as folios: how many pages these are is counted here. */
SEC("fexit/memfd_pin_folios")
int BPF_PROG(pin_file)
{
	__u64 start = arg(ctx, 1), wanted = (arg(ctx, 2) + 1 - start) / PAGE_SIZE;
	struct work *w = work_on_pages();
	__s64 n = result(ctx), got = n;

	if (!w)
		return 0;
	maps_flush(w, 0);
	w->nfolios = 0;
	if (n > 0) {
		w->folios = arg(ctx, 3);
		w->nfolios = n;
		bpf_probe_read_kernel(&w->folio_offset, sizeof(w->folio_offset),
				      (void *)arg(ctx, 5));
		got = count_folios(w, n, wanted);
	}
	w->file_pages = n > 0 ? got : 0;
	pin_record(w, start, wanted, got, IMS_PIN_FILE, true);
	return n > 0 ? send_folios(w, 0, false) : 0;
}

/* ---- unpins ---- */

/* What is given back unused was the end of what was pinned last. */
SEC("fentry/unpin_user_pages")
int BPF_PROG(unpin_list)
{
	struct work *w = work_on_pages();
	__u64 n = arg(ctx, 1);

	if (!w || w->in_pin)
		return 0;
	maps_flush(w, 0);
	return send_page_list(w, arg(ctx, 0), n, w->pin_end - n, true);
}

/* What is given back unused begins with a folio of the list; the length is that of the list. */
SEC("fentry/unpin_folios")
int BPF_PROG(unpin_file)
{
	struct work *w = work_on_pages();

	if (!w || w->in_pin)
		return 0;
	maps_flush(w, 0);
	return send_folios(w, (arg(ctx, 0) - w->folios) / sizeof(__u64), true);
}

static __always_inline void unpins_flush(struct work *w)
{
	__u64 a[6] = { w->ctx, w->pages, w->unpin_index, (__u64)w->runs, w->nunpins,
		       w->unpin_flags };

	if (w->nunpins)
		on_unpin(a);
	w->nunpins = 0;
}

/* How far a batch reaches that is filled from a domain: its end stays, its start moves. */
SEC("fentry/batch_from_domain")
int BPF_PROG(batch_read, struct pfn_batch *batch)
{
	struct work *w = work_on_pages();

	if (w)
		w->batch_before = batch->total_pfns;
	return 0;
}

SEC("fexit/batch_from_domain")
int BPF_PROG(batch_was_read, struct pfn_batch *batch, struct iommu_domain *domain,
	     struct iopt_area *area, unsigned long start_index)
{
	struct work *w = work_on_pages();

	if (w)
		w->batch_end = start_index + batch->total_pfns - w->batch_before;
	return 0;
}

SEC("fentry/pfn_reader_unpin")
int BPF_PROG(reader_unpins, struct pfn_reader *reader)
{
	struct work *w = work_on_pages();

	if (w)
		w->reader = reader->batch_start_index + 1;	/* 0 is none */
	return 0;
}

SEC("fexit/pfn_reader_unpin")
int BPF_PROG(reader_unpinned)
{
	struct work *w = work_on_pages();

	if (w)
		w->reader = 0;
	return 0;
}

/* Its entries are out of the xarray by now. */
static __always_inline void xarray_cleared(struct work *w, __u64 index, __u64 n)
{
	__u64 a[5] = { w->ctx, w->pages, IMS_XA_CLEAR, index, index + n - 1 };

	on_xarray(a);
}

SEC("fentry/batch_unpin")
int BPF_PROG(unpin_batch, struct pfn_batch *batch, struct iopt_pages *pages, unsigned int off,
	     size_t n)
{
	struct work *w = work_on_pages();

	if (!w)
		return 0;
	if (w->reader) {
		w->unpin_index = w->reader - 1 + off;
	} else if (w->xa_mode) {
		w->unpin_index = first_unused(w->pages, w->xa_index);
		w->xa_index = w->unpin_index + n;
		xarray_cleared(w, w->unpin_index, n);
	} else {
		w->unpin_index = w->batch_end - batch->total_pfns + off;
	}
	w->in_unpin = 1;
	w->nunpins = 0;
	return 0;
}

SEC("fexit/batch_unpin")
int BPF_PROG(unpin_batch_done)
{
	struct work *w = work_on_pages();

	if (!w)
		return 0;
	unpins_flush(w);
	w->in_unpin = 0;
	return 0;
}

static __always_inline __u64 unpins_total(const struct work *w)
{
	__u64 n = 0;

	for (__u32 i = 0; i < IMS_MAX_RUNS; i++)
		if (i < w->nunpins)
			n += w->runs[i].len;
	return n;
}

static __noinline int unpins_full(void)
{
	struct work *w = work_on_pages();
	__u64 n;

	if (!w)
		return 0;
	n = unpins_total(w);
	unpins_flush(w);
	w->unpin_index += n;
	return 0;
}

SEC("fentry/unpin_user_page_range_dirty_lock")
int BPF_PROG(unpin_range)
{
	struct work *w = work_on_pages();
	__u32 flags = (__u8)arg(ctx, 2) ? IMS_UNPIN_DIRTY : 0, n;

	if (!w)
		return 0;
	if (!w->in_unpin) {	/* the compiler has inlined batch_unpin() here */
		refuse_runs(w->ctx);
		return 0;
	}
	if (w->nunpins && (w->nunpins == IMS_MAX_RUNS || w->unpin_flags != flags))
		unpins_full();
	w->unpin_flags = flags;
	n = w->nunpins & (IMS_MAX_RUNS - 1);
	w->runs[n].addr = page_pfn(arg(ctx, 0));
	w->runs[n].len = arg(ctx, 1);
	w->nunpins = n + 1;
	return 0;
}

/* ---- the store for accesses ---- */

static __noinline int xarray_changed(__u64 xa, __u32 action, __u64 index, __u64 last)
{
	struct work *w = work_on_pages();
	__u64 a[5] = { 0, xa - bpf_core_field_offset(struct iopt_pages, pinned_pfns), action,
		       index, last };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_xarray(a);
}

SEC("fexit/pages_to_xarray")
int BPF_PROG(xarray_store, struct xarray *xa, unsigned long index, unsigned long last)
{
	if ((__s32)result(ctx))
		return 0;
	return xarray_changed(arg(ctx, 0), IMS_XA_STORE, index, last);
}

SEC("fexit/clear_xarray")
int BPF_PROG(xarray_clear, struct xarray *xa, unsigned long index, unsigned long last)
{
	return xarray_changed(arg(ctx, 0), IMS_XA_CLEAR, index, last);
}

/* ---- charges ---- */

static __always_inline __u64 charge_counter(struct iopt_pages *pages)
{
	if (pages->account_mode == IMS_ACCT_USER)
		return pages->source_user->locked_vm.counter;
	return pages->account_mode == IMS_ACCT_MM ? pages->source_mm->locked_vm : 0;
}

static __always_inline int charge_begins(struct iopt_pages *pages)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->counter = charge_counter(pages);
	w->pinned_vm = pages->source_mm->pinned_vm.counter;
	return 0;
}

SEC("fentry/do_update_pinned")
int BPF_PROG(charge_enter, struct iopt_pages *pages)
{
	return charge_begins(pages);
}

/*
 * Its name since a change of the process charges, too: 10caa8b45119 ("iommufd: Export
 * do_update_pinned").
 */
SEC("fentry/iopt_pages_update_pinned")
int BPF_PROG(charge_enter___shared, struct iopt_pages *pages)
{
	return charge_begins(pages);
}

#define RLIMIT_MEMLOCK 8

/* Nobody else is in this address space, so nobody else moves its counters. */
static __always_inline bool alone_in(struct mm_struct *mm)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->mm == mm && task->signal->live.counter == 1;
}

/*
 * Another process takes over: it is charged through a pages object that is none, and has
 * no pages; then each pages object gives back what the old process was charged for it,
 * and belongs to the new one from that on.
 */
static __noinline int process_moves(struct work *w, __u64 pages)
{
	struct iopt_pages *p = (void *)pages;
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 a[10] = { 0, pages, IMS_PROC_MOVE, BPF_CORE_READ(p, account_mode),
			BPF_CORE_READ(p, npinned), (__u64)task->mm,
			(__u64)READ(task_struct, task, cred, user) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_process(a);
}

static __always_inline int process_charged(struct work *w, struct iopt_pages *pages,
					   const __u64 *charge)
{
	__u64 a[10] = { w->ctx, 0, IMS_PROC_TAKE, charge[2], charge[3], (__u64)pages->source_mm,
			(__u64)pages->source_user, charge[10], charge[11], charge[9] };

	if (!pages->npages)
		return on_process(a);
	on_account(charge);
	return charge[9] ? 0 : process_moves(w, (__u64)pages);
}

SEC("fentry/iommufd_ioas_change_process")
int BPF_PROG(process_changes)
{
	struct work *w = work_here();

	if (w)
		w->changes_process = 1;
	return 0;
}

SEC("fexit/iommufd_ioas_change_process")
int BPF_PROG(process_changed)
{
	struct work *w = work_here();

	if (w)
		w->changes_process = 0;
	return 0;
}

/*
 * The counters are shared with all that is charged to the user or the mm, and read
 * before and after the charge: when others may have changed them meanwhile it cannot be
 * told what the charge itself has seen and moved.  It is taken to be right then.
 */
static __always_inline int charged(struct iopt_pages *pages, unsigned long n, bool inc, __s32 rc)
{
	struct work *w = work_here();
	bool alone = alone_in(pages->source_mm), mm = pages->account_mode == IMS_ACCT_MM;
	__u64 delta = inc ? n : -n, right, vm = pages->source_mm->pinned_vm.counter;
	__u64 limit = pages->source_task->signal->rlim[RLIMIT_MEMLOCK].rlim_cur >> PAGE_SHIFT;
	__u64 a[12] = { 0, (__u64)pages, pages->account_mode, delta, pages->npinned,
			pages->last_npinned, charge_counter(pages), limit, vm, (__u32)rc };

	if (!w)
		return 0;
	a[0] = w->ctx;
	a[10] = a[6] - w->counter;
	a[11] = alone ? vm - w->pinned_vm : rc ? 0 : delta;
	right = rc || pages->account_mode == IMS_ACCT_NONE ? 0 : delta;
	if (a[10] != right && !(mm && alone)) {
		a[10] = right;
		if (!rc && a[6] > limit)
			a[6] = limit;
	}
	return w->changes_process ? process_charged(w, pages, a) : on_account(a);
}

SEC("fexit/do_update_pinned")
int BPF_PROG(charge_leave, struct iopt_pages *pages, unsigned long n, bool inc)
{
	return charged(pages, n, inc, result(ctx));
}

SEC("fexit/iopt_pages_update_pinned")
int BPF_PROG(charge_leave___shared, struct iopt_pages *pages, unsigned long n, bool inc)
{
	return charged(pages, n, inc, result(ctx));
}

/* ---- domains ---- */

/*
 * iommu_map() unmaps by itself what it could not map to the end: that is not an
 * unmap of iommufd.
 */
SEC("fentry/iommu_map")
int BPF_PROG(map_enter)
{
	struct work *w = work_on_pages();

	if (w)
		w->in_iommu_map = 1;
	return 0;
}

static __noinline int map_failed(__u64 domain, __u64 iova, __u64 paddr, __u64 size, __u32 prot)
{
	struct work *w = work_on_pages();

	if (!w)
		return 0;
	maps_flush(w, 0);
	w->map_domain = domain;
	w->map_iova = iova;
	w->map_prot = prot;
	w->nmaps = 1;
	w->runs[0].addr = paddr;
	w->runs[0].len = size;
	return 0;
}

SEC("fexit/iommu_map")
int BPF_PROG(map_leave, struct iommu_domain *domain, unsigned long iova, __u64 paddr, size_t size,
	     int prot)
{
	struct work *w = work_on_pages();
	__u32 n;

	if (!w)
		return 0;
	w->in_iommu_map = 0;
	if ((__s32)result(ctx)) {
		map_failed((__u64)domain, iova, paddr, size, prot);
		maps_flush(w, result(ctx));
		return 0;
	}
	if (w->nmaps && (w->nmaps == IMS_MAX_RUNS || w->map_next != iova ||
			 w->map_domain != (__u64)domain || w->map_prot != (__u32)prot))
		maps_flush(w, 0);
	if (!w->nmaps) {
		w->map_domain = (__u64)domain;
		w->map_iova = iova;
		w->map_prot = prot;
	}
	n = w->nmaps & (IMS_MAX_RUNS - 1);
	w->runs[n].addr = paddr;
	w->runs[n].len = size;
	w->nmaps = n + 1;
	w->map_next = iova + size;
	return 0;
}

SEC("fexit/batch_to_domain")
int BPF_PROG(batch_was_mapped)
{
	struct work *w = work_on_pages();

	if (w)
		maps_flush(w, 0);
	return 0;
}

static __noinline int unmapped(__u64 domain, __u64 iova, __u64 size, __u64 done, bool synced)
{
	struct work *w = work_on_pages();
	__u64 a[5] = { domain, iova, size, done, synced };

	if (!w || w->in_iommu_map)
		return 0;
	maps_flush(w, 0);
	return on_dma_unmap(a);
}

SEC("fexit/iommu_unmap")
int BPF_PROG(unmap, struct iommu_domain *domain, unsigned long iova, size_t size)
{
	return unmapped((__u64)domain, iova, size, result(ctx), true);
}

/*
 * The IOTLB is synchronised by a function of the driver, which the core calls inline.
 * Those that are hooked below are known by their address; of other drivers nothing is
 * seen, and they are taken to be right.
 */
extern const void intel_iommu_tlb_sync __ksym __weak;
extern const void amd_iommu_iotlb_sync __ksym __weak;
extern const void arm_smmu_iotlb_sync __ksym __weak;

static __always_inline bool sync_is_seen(__u64 domain)
{
	__u64 sync = (__u64)READ(iommu_domain, domain, ops, iotlb_sync);

	return sync && (sync == (__u64)&intel_iommu_tlb_sync ||
			sync == (__u64)&amd_iommu_iotlb_sync ||
			sync == (__u64)&arm_smmu_iotlb_sync);
}

SEC("fexit/iommu_unmap_fast")
int BPF_PROG(unmap_fast, struct iommu_domain *domain, unsigned long iova, size_t size)
{
	struct work *w = work_on_pages();
	__u64 d = arg(ctx, 0);

	if (!w)
		return 0;
	w->unsynced = sync_is_seen(d) ? d : 0;
	return unmapped(d, iova, size, result(ctx), !w->unsynced);
}

#define SYNC_OF(driver)                                                \
	SEC("fexit/" #driver)                                          \
	int BPF_PROG(sync_##driver)                                    \
	{                                                              \
		return synced(arg(ctx, 0));                            \
	}

/* What iommu_unmap() syncs by itself is no record. */
static __noinline int synced(__u64 domain)
{
	struct work *w = work_on_pages();

	if (!w || w->unsynced != domain)
		return 0;
	w->unsynced = 0;
	return on_iotlb_sync(&domain);
}

SYNC_OF(intel_iommu_tlb_sync)
SYNC_OF(amd_iommu_iotlb_sync)
SYNC_OF(arm_smmu_iotlb_sync)

#endif /* IMS_FENTRY_PAGES_BPF_H */
