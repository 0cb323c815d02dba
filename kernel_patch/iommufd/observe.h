/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What iommufd tells observers: from its structures to the tracepoints of
 * include/trace/events/iommufd.h, which documents what each event promises.
 *
 * No other file names a tracepoint, so this one and observe.c are all that has to
 * follow when the events change. What is on the way of a map or an unmap costs a
 * patched branch when nobody looks.
 */
#ifndef UFD_OBSERVE_H
#define UFD_OBSERVE_H

#include <trace/events/iommufd.h>

#include "core.h"
#include "device.h"
#include "space.h"
#include "ufd.h"

/* Runs of one event: a bound for the stack and for the record of it */
#define UFD_SEEN_RUNS 64U

/* ---- the context and its objects ---- */

static inline void ufd_see_ctx(struct iommufd_ctx *ctx, unsigned int what)
{
	trace_iommufd_ctx(ctx, what);
}

static inline void ufd_see_object(struct iommufd_ctx *ctx, struct ufd_obj *obj, unsigned int what)
{
	trace_iommufd_object(ctx, obj, obj->id, obj->type, what);
}

static inline void ufd_see_ioctl(struct iommufd_ctx *ctx, unsigned int what, unsigned int cmd,
				 int rc)
{
	trace_iommufd_ioctl(ctx, what, cmd, rc);
}

static inline void ufd_see_rlimit_mode(struct iommufd_ctx *ctx, int rc)
{
	trace_iommufd_rlimit_mode(ctx, ctx->charge, rc);
}

static inline void ufd_see_ioas(struct ufd_ioas *ioas)
{
	trace_iommufd_ioas(ioas->space.ctx, &ioas->space, &ioas->obj, ioas->obj.id);
}

void __ufd_see_hwpt(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt, u32 flags);

static inline void ufd_see_hwpt(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt, u32 flags)
{
	if (trace_iommufd_hwpt_enabled())
		__ufd_see_hwpt(ctx, hwpt, flags);
}

void __ufd_see_device(struct iommufd_device *idev, unsigned int what, struct ufd_hwpt *hwpt,
		      struct ufd_hwpt *old, int rc);

static inline void ufd_see_device(struct iommufd_device *idev, unsigned int what,
				  struct ufd_hwpt *hwpt, struct ufd_hwpt *old, int rc)
{
	if (trace_iommufd_device_enabled())
		__ufd_see_device(idev, what, hwpt, old, rc);
}

void __ufd_see_hw(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group,
		  unsigned int what, struct iommu_domain *domain, u64 base, unsigned int flags,
		  int rc);

/* What the IOMMU core was asked for a device */
static inline void ufd_see_hw(struct iommufd_device *idev, unsigned int what,
			      struct iommu_domain *domain, int rc)
{
	if (trace_iommufd_hw_enabled())
		__ufd_see_hw(idev->ctx, idev->dev, idev->group, what, domain, 0, 0, rc);
}

void __ufd_see_claim(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group,
		     bool unsafe, int rc);

static inline void ufd_see_claim(struct iommufd_ctx *ctx, struct device *dev,
				 struct ufd_group *group, bool unsafe, int rc)
{
	if (trace_iommufd_hw_enabled())
		__ufd_see_claim(ctx, dev, group, unsafe, rc);
}

static inline void ufd_see_release(struct iommufd_ctx *ctx, struct device *dev,
				   struct ufd_group *group)
{
	if (trace_iommufd_hw_enabled())
		__ufd_see_hw(ctx, dev, group, IOMMUFD_TRACE_HW_RELEASE, NULL, 0, 0, 0);
}

static inline void ufd_see_msi_cookie(struct iommufd_ctx *ctx, struct ufd_group *group,
				      struct iommu_domain *domain, int rc)
{
	if (trace_iommufd_hw_enabled())
		__ufd_see_hw(ctx, NULL, group, IOMMUFD_TRACE_HW_MSI_COOKIE, domain,
			     group->sw_msi, 0, rc);
}

/* ---- backings ---- */

void __ufd_see_backing(struct ufd_backing *b, unsigned int what);

static inline void ufd_see_backing(struct ufd_backing *b, unsigned int what)
{
	if (trace_iommufd_pages_enabled())
		__ufd_see_backing(b, what);
}

void __ufd_see_account(struct ufd_backing *b, long delta, int rc);

static inline void ufd_see_account(struct ufd_backing *b, long delta, int rc)
{
	if (trace_iommufd_account_enabled())
		__ufd_see_account(b, delta, rc);
	b->moved = 0;
	b->pinned_moved = 0;
}

void __ufd_see_pin(struct ufd_backing *b, unsigned int what, unsigned long uaddr,
		   unsigned long n, long got, unsigned int gup_flags, bool remote);
void __ufd_see_pin_list(struct ufd_backing *b, unsigned long index, struct page **list, long n);

static inline void ufd_see_pin(struct ufd_backing *b, unsigned long uaddr, unsigned long n,
			       long got, unsigned int gup_flags, bool remote)
{
	if (trace_iommufd_pin_enabled())
		__ufd_see_pin(b, IOMMUFD_TRACE_PIN_HELD, uaddr, n, got, gup_flags, remote);
}

static inline void ufd_see_pin_list(struct ufd_backing *b, unsigned long index,
				    struct page **list, long n)
{
	if (trace_iommufd_pin_runs_enabled())
		__ufd_see_pin_list(b, index, list, n);
}

/* Runs count from @base, here and below. */
void __ufd_see_pin_runs(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
			unsigned int nr);

static inline void ufd_see_pin_runs(struct ufd_backing *b, unsigned long base,
				    const struct pin_run *run, unsigned int nr)
{
	if (trace_iommufd_pin_runs_enabled())
		__ufd_see_pin_runs(b, base, run, nr);
}

/* One page for the time of a copy; these are not stored, so they have no runs. */
static inline void ufd_see_pin_transient(struct ufd_backing *b, unsigned long uaddr, long got,
					 unsigned int gup_flags)
{
	if (trace_iommufd_pin_enabled())
		__ufd_see_pin(b, IOMMUFD_TRACE_PIN_TRANSIENT, uaddr, 1, got, gup_flags, true);
}

/* @pfn is 0 when the copy went through the user address. */
static inline void ufd_see_copy(struct ufd_backing *b, unsigned long start, unsigned long pfn,
				unsigned long length, unsigned int flags, unsigned int path,
				int rc)
{
	trace_iommufd_access_copy(b->ctx, b, start / PAGE_SIZE, pfn, offset_in_page(start),
				  length, flags, path, rc);
}

void __ufd_see_unpin(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
		     unsigned int nr, unsigned int flags);

static inline void ufd_see_unpin(struct ufd_backing *b, unsigned long base,
				 const struct pin_run *run, unsigned int nr, bool dirty,
				 bool unused)
{
	if (trace_iommufd_unpin_enabled())
		__ufd_see_unpin(b, base, run, nr,
				(dirty ? IOMMUFD_TRACE_UNPIN_DIRTY : 0) |
				(unused ? IOMMUFD_TRACE_UNPIN_LIST : 0));
}

/* ---- domains ---- */

void __ufd_see_dma_map(struct iommu_domain *domain, struct ufd_window *w, unsigned long iova,
		       const struct pin_run *run, unsigned int nr, int rc);

static inline void ufd_see_dma_map(struct iommu_domain *domain, struct ufd_window *w,
				   unsigned long iova, const struct pin_run *run,
				   unsigned int nr, int rc)
{
	if (trace_iommufd_dma_map_enabled())
		__ufd_see_dma_map(domain, w, iova, run, nr, rc);
}

static inline void ufd_see_dma_map_bytes(struct iommu_domain *domain, struct ufd_window *w,
					 unsigned long iova, phys_addr_t phys, size_t size, int rc)
{
	struct iommufd_trace_run run = { .addr = phys, .len = size };

	trace_iommufd_dma_map(w->space->ctx, domain, w, iova, &run, 1, w->prot, rc);
}

static inline void ufd_see_dma_unmap(struct iommu_domain *domain, unsigned long iova,
				     unsigned long size, unsigned long done, bool synced)
{
	trace_iommufd_dma_unmap(domain, iova, size, done, synced);
}

static inline void ufd_see_sync(struct iommu_domain *domain)
{
	trace_iommufd_iotlb_sync(domain);
}

static inline void ufd_see_domain(struct ufd_space *s, struct iommu_domain *domain,
				  unsigned int what, int rc)
{
	trace_iommufd_domain(s->ctx, s, domain, what, domain->geometry.aperture_start,
			     domain->geometry.aperture_end, domain->pgsize_bitmap, rc);
}

static inline void ufd_see_dirty(struct iommufd_ctx *ctx, struct iommu_domain *domain,
				 unsigned int what, u64 iova, u64 length, bool on, int rc)
{
	trace_iommufd_dirty(ctx, domain, what, iova, length, on, rc);
}

/* ---- IOVA spaces ---- */

void __ufd_see_window(struct ufd_window *w, unsigned int what);

static inline void ufd_see_window(struct ufd_window *w, unsigned int what)
{
	if (trace_iommufd_area_enabled())
		__ufd_see_window(w, what);
}

/* PFNs are stored in the backing, so this is who makes that it is held. */
static inline void ufd_see_storage(struct ufd_window *w, struct ufd_seat *seat)
{
	trace_iommufd_storage(w->space->ctx, w->space, w, w->backing, seat ? seat->domain : NULL);
}

static inline bool ufd_sees_storage(void)
{
	return trace_iommufd_storage_enabled();
}

void ufd_see_cut(struct ufd_window *w, struct ufd_window *low, struct ufd_window *high);

static inline void ufd_see_iova(struct ufd_space *s, bool choose, unsigned long iova,
				unsigned long length, unsigned long hint)
{
	trace_iommufd_iova(s->ctx, s, choose ? IOMMUFD_TRACE_IOVA_AUTO : IOMMUFD_TRACE_IOVA_FIXED,
			   iova, length, hint);
}

static inline void ufd_see_map(struct ufd_space *s, const struct ufd_space *src,
			       unsigned long iova, u64 length, u64 from, u32 flags, int rc)
{
	trace_iommufd_map(s->ctx, s, src, src ? IOMMUFD_TRACE_MAP_COPY : IOMMUFD_TRACE_MAP_USER,
			  iova, length, from, flags, rc);
}

static inline void ufd_see_unmap(struct ufd_space *s, unsigned long first, unsigned long last,
				 unsigned long unmapped, int rc)
{
	trace_iommufd_unmap(s->ctx, s, IOMMUFD_TRACE_UNMAP_IOPT, first, last, unmapped, rc);
}

/* A length of U64_MAX is everything. */
static inline void ufd_see_unmap_ioctl(struct ufd_space *s, u64 iova, u64 length, u64 unmapped,
				       int rc)
{
	trace_iommufd_unmap(s->ctx, s, IOMMUFD_TRACE_UNMAP_IOCTL, iova,
			    length == U64_MAX ? U64_MAX : iova + length - 1, unmapped, rc);
}

static inline void ufd_see_keepout(struct ufd_space *s, unsigned int what, unsigned long first,
				   unsigned long last, const void *owner, int rc)
{
	trace_iommufd_reserve(s->ctx, s, what, first, last, owner, rc);
}

static inline void ufd_see_allow_refused(struct ufd_space *s, u64 first, u64 last, int rc)
{
	trace_iommufd_allow(s->ctx, s, IOMMUFD_TRACE_ALLOW_REFUSED, first, last, rc);
}

void ufd_see_allow(struct ufd_space *s);

/* What user space is told about keepouts */
static inline void ufd_see_range(struct ufd_space *s, u64 first, u64 last)
{
	trace_iommufd_iova_range(s->ctx, s, IOMMUFD_TRACE_IOVA_RANGE_ONE, first, last, 0, 0, 0);
}

static inline void ufd_see_range_end(struct ufd_space *s, u64 align, unsigned int count, int rc)
{
	trace_iommufd_iova_range(s->ctx, s, IOMMUFD_TRACE_IOVA_RANGE_END, 0, 0, align, count, rc);
}

static inline void ufd_see_vfio(struct iommufd_ctx *ctx, unsigned int what,
				struct ufd_ioas *ioas, unsigned long arg, int rc)
{
	trace_iommufd_vfio(ctx, what, ioas ? &ioas->space : NULL, arg, rc);
}

static inline void ufd_see_region(struct ufd_space *s, struct device *dev, unsigned long first,
				  unsigned long last, unsigned int type)
{
	trace_iommufd_dev_region(s->ctx, s, dev, first, last, type);
}

static inline void ufd_see_align(struct ufd_space *s)
{
	trace_iommufd_align(s->ctx, s, s->align, !s->small_only);
}

/* ---- accesses and faults ---- */

static inline void ufd_see_access(struct ufd_space *s, struct iommufd_access *access,
				  unsigned int what, int rc)
{
	trace_iommufd_access(s->ctx, s, access, access->obj.id, what, access->align, rc);
}

static inline void ufd_see_access_op(struct iommufd_access *access, struct ufd_space *s,
				     unsigned int what, unsigned long iova, unsigned long length,
				     unsigned int flags, int rc)
{
	trace_iommufd_access_op(access->ctx, s, access, what, iova, length, flags, rc);
}

static inline void ufd_see_access_range(struct ufd_window *w, unsigned int what,
					unsigned long first, unsigned long last,
					unsigned int users, unsigned int flags, int rc)
{
	trace_iommufd_access_range(w->space->ctx, w, w->backing, what, first, last, users,
				   w->pins, flags, rc);
}

void __ufd_see_access_pfns(struct ufd_window *w, unsigned long first, unsigned long last,
			   struct page **list);

static inline void ufd_see_access_pfns(struct ufd_window *w, unsigned long first,
				       unsigned long last, struct page **list)
{
	if (trace_iommufd_access_pfns_enabled())
		__ufd_see_access_pfns(w, first, last, list);
}

static inline void ufd_see_fault(struct ufd_fault *fault, struct iopf_group *group,
				 unsigned int what, u32 cookie)
{
	trace_iommufd_fault(fault->ctx, fault, fault->obj.id, what, group, group->attach_handle,
			    cookie);
}

#endif /* UFD_OBSERVE_H */
