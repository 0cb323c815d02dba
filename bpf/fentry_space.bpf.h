/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_pagetable.c of iommufd: which IOVAs an IOAS has, and which domains translate them.
 *
 * Records are placed as in fentry_area.bpf.h.
 */
#ifndef IMS_FENTRY_SPACE_BPF_H
#define IMS_FENTRY_SPACE_BPF_H

#include "fentry_area.bpf.h"

/* ---- ranges ---- */

/* Lock of both kinds is held for writing from the first of these on. */
static __noinline int domain_leaves(void)
{
	struct work *w = work_here();
	struct iommu_domain *d;
	__u64 a[8] = {};

	if (!w || w->domain_op != DOMAIN_DEL || w->domain_said)
		return 0;
	w->domain_said = 1;
	d = (void *)w->domain;
	a[0] = w->ctx;
	a[1] = w->domain_iopt;
	a[2] = w->domain;
	a[3] = IMS_DOM_DEL_BEGIN;
	a[4] = BPF_CORE_READ(d, geometry.aperture_start);
	a[5] = BPF_CORE_READ(d, geometry.aperture_end);
	a[6] = BPF_CORE_READ(d, pgsize_bitmap);
	return on_domain(a);
}

SEC("fexit/iopt_reserve_iova")
int BPF_PROG(reserved, struct io_pagetable *iopt, unsigned long start, unsigned long last,
	     void *owner)
{
	struct work *w = work_here();
	__u64 a[7] = { 0, (__u64)iopt, IMS_RESV_ADD, start, last, (__u64)owner,
		       (__u32)result(ctx) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_reserve(a);
}

static __always_inline __u64 reserved_tree(__u64 iopt)
{
	return iopt + bpf_core_field_offset(struct io_pagetable, reserved_itree);
}

SEC("fentry/__iopt_remove_reserved_iova")
int BPF_PROG(unreserve_enter)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	domain_leaves();
	w->nranges = 0;
	return walk_ranges(w, reserved_tree(arg(ctx, 0)), WALK_NOTE_OWNED, arg(ctx, 1));
}

/* One record for each range that was noted. */
struct noted {
	__u64 iopt, owner;
	bool allow;		/* allowed, else: no longer reserved */
};

static long noted_step(__u32 i, struct noted *n)
{
	struct work *w = work_here();
	__u64 a[7] = { 0, n->iopt, n->allow ? IMS_ALLOW_RANGE : IMS_RESV_DEL };

	if (!w || i >= MAX_NOTED)
		return 1;
	a[0] = w->ctx;
	a[3] = w->ranges[i].start;
	a[4] = w->ranges[i].last;
	if (a[3] > a[4])	/* struck */
		return 0;
	if (n->allow) {
		on_allow(a);
	} else {
		a[5] = n->owner;
		on_reserve(a);
	}
	return 0;
}

static __noinline int send_noted(__u64 iopt, __u64 owner, bool allow)
{
	struct noted n = { .iopt = iopt, .owner = owner, .allow = allow };
	struct work *w = work_here();

	if (!w)
		return 0;
	bpf_loop(w->nranges, noted_step, &n, 0);
	if (w->nranges > MAX_NOTED)
		refuse_runs(w->ctx);
	return 0;
}

SEC("fexit/__iopt_remove_reserved_iova")
int BPF_PROG(unreserve_leave)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	walk_ranges(w, reserved_tree(arg(ctx, 0)), WALK_KEEP_OWNED, arg(ctx, 1));
	return send_noted(arg(ctx, 0), arg(ctx, 1), false);
}

/* The new list still belongs to the thread alone. */
SEC("fentry/iopt_set_allow_iova")
int BPF_PROG(allow_enter)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->nranges = 0;
	return walk_ranges(w, arg(ctx, 1), WALK_NOTE_ALL, 0);
}

SEC("fexit/iopt_set_allow_iova")
int BPF_PROG(allow_leave, struct io_pagetable *iopt)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);
	__u64 a[6] = { 0, (__u64)iopt, rc ? IMS_ALLOW_REFUSED : IMS_ALLOW_RESET, 0, -1, (__u32)rc };

	if (!w)
		return 0;
	a[0] = w->ctx;
	on_allow(a);
	return rc ? 0 : send_noted(arg(ctx, 0), 0, true);
}

/* ---- regions of devices ---- */

SEC("fentry/iopt_table_enforce_dev_resv_regions")
int BPF_PROG(enforce_enter, struct io_pagetable *iopt, struct device *dev)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->enforce_iopt = (__u64)iopt;
	w->enforce_dev = (__u64)dev;
	return 0;
}

struct regions {
	__u64 at, head;
};

static long region_step(__u32 i, struct regions *r)
{
	struct work *w = work_here();
	struct iommu_resv_region *region;
	__u64 a[6] = {};

	if (!w || !r->at || r->at == r->head)
		return 1;
	region = (void *)(r->at - bpf_core_field_offset(struct iommu_resv_region, list));
	a[0] = w->ctx;
	a[1] = w->enforce_iopt;
	a[2] = w->enforce_dev;
	a[3] = BPF_CORE_READ(region, start);
	a[4] = a[3] + BPF_CORE_READ(region, length) - 1;
	a[5] = BPF_CORE_READ(region, type);
	r->at = (__u64)BPF_CORE_READ(region, list.next);
	on_dev_region(a);
	return 0;
}

SEC("fexit/iommu_get_resv_regions")
int BPF_PROG(regions_known)
{
	struct work *w = work_here();
	struct regions r = { .head = arg(ctx, 1) };

	if (!w || !w->enforce_iopt)
		return 0;
	r.at = (__u64)READ(list_head, r.head, next);
	bpf_loop(MAX_NODES, region_step, &r, 0);
	return 0;
}

/* ---- domains ---- */

static __always_inline int domain_record(struct work *w, __u32 action, __s32 rc)
{
	struct iommu_domain *d = (void *)w->domain;
	__u64 a[8] = { w->ctx, w->domain_iopt, w->domain, action,
		       BPF_CORE_READ(d, geometry.aperture_start),
		       BPF_CORE_READ(d, geometry.aperture_end),
		       BPF_CORE_READ(d, pgsize_bitmap), (__u32)rc };

	return on_domain(a);
}

/* What is read after the record has its place is not older than what comes before it. */
static __always_inline void align_record(struct work *w, struct io_pagetable *iopt)
{
	struct {
		struct ims_hdr h;
		struct ims_align p;
	} *r;
	struct slot s = slot_reserve(w->ctx, IMS_ALIGN, 0, sizeof(*r));
	__u64 a[4] = { 0, (__u64)iopt };

	r = (void *)s.h;
	if (!r)
		return;
	a[2] = iopt->iova_alignment;
	a[3] = !iopt->disable_large_pages;
	fill_align(&r->p, a);
	slot_submit(s);
}

static __noinline int hwpt_made(void);

SEC("fentry/iopt_table_add_domain")
int BPF_PROG(add_domain_enter, struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	hwpt_made();
	w->domain_op = DOMAIN_ADD;
	w->domain = (__u64)domain;
	w->domain_iopt = (__u64)iopt;
	return domain_record(w, IMS_DOM_ADD_BEGIN, 0);
}

SEC("fexit/iopt_table_add_domain")
int BPF_PROG(add_domain_leave, struct io_pagetable *iopt)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);

	if (!w)
		return 0;
	w->domain_op = DOMAIN_NONE;
	if (!rc)
		align_record(w, iopt);
	return domain_record(w, IMS_DOM_ADD_END, rc);
}

SEC("fentry/iopt_table_remove_domain")
int BPF_PROG(remove_domain_enter, struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->domain_op = DOMAIN_DEL;
	w->domain_said = 0;
	w->domain = (__u64)domain;
	w->domain_iopt = (__u64)iopt;
	return 0;
}

SEC("fexit/iopt_table_remove_domain")
int BPF_PROG(remove_domain_leave)
{
	struct work *w = work_here();

	if (w)
		w->domain_op = DOMAIN_NONE;
	return 0;
}

static __noinline int access_record(__s32 rc);

/* The last that is done inside the locks. */
SEC("fexit/iopt_calculate_iova_alignment")
int BPF_PROG(alignment_known, struct io_pagetable *iopt)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);

	if (!w)
		return 0;
	domain_leaves();
	if (!rc)
		align_record(w, iopt);
	if (w->domain_op == DOMAIN_DEL)
		domain_record(w, IMS_DOM_DEL_END, 0);
	if (!rc && w->access_action)
		access_record(0);
	return 0;
}

SEC("fentry/iopt_area_fill_domain")
int BPF_PROG(fill_domain_enter, struct iopt_area *area)
{
	return scope_enter((__u64)area->pages, (__u64)area);
}

/* The first domain of an IOAS becomes the storage now. */
SEC("fexit/iopt_area_fill_domain")
int BPF_PROG(fill_domain_leave, struct iopt_area *area, struct iommu_domain *domain)
{
	scope_leave();
	if (!(__s32)result(ctx) && !area->storage_domain)
		storage_record((__u64)area, (__u64)area->pages, (__u64)domain);
	return 0;
}

SEC("fentry/iopt_area_unfill_domain")
int BPF_PROG(unfill_domain_enter, struct iopt_area *area, struct iopt_pages *pages)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	if (w->domain_op) {
		domain_leaves();
		storage_record((__u64)area, (__u64)pages, (__u64)area->storage_domain);
	}
	return scope_enter((__u64)pages, (__u64)area);
}

SEC("fexit/iopt_area_unfill_domain")
int BPF_PROG(unfill_domain_leave)
{
	return scope_leave();
}

SEC("fentry/iopt_area_unmap_domain")
int BPF_PROG(unmap_domain_enter, struct iopt_area *area)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	if (w->domain_op) {
		domain_leaves();
		storage_record((__u64)area, (__u64)area->pages, (__u64)area->storage_domain);
	}
	return scope_enter((__u64)area->pages, (__u64)area);
}

SEC("fexit/iopt_area_unmap_domain")
int BPF_PROG(unmap_domain_leave)
{
	return scope_leave();
}

SEC("fexit/iopt_set_dirty_tracking")
int BPF_PROG(dirty_set, struct io_pagetable *iopt, struct iommu_domain *domain, bool enable)
{
	struct work *w = work_here();
	__u64 a[7] = { 0, (__u64)domain, IMS_DIRTY_SET, 0, 0, enable, (__u32)result(ctx) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_dirty(a);
}

SEC("fexit/iopt_read_and_clear_dirty_data")
int BPF_PROG(dirty_get, struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct work *w = work_here();
	struct iommu_hwpt_get_dirty_bitmap cmd = {};
	__u64 a[7] = { 0, (__u64)domain, IMS_DIRTY_GET, 0, 0, !(arg(ctx, 2) & 1),
		       (__u32)result(ctx) };

	if (!w)
		return 0;
	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)arg(ctx, 3));
	a[0] = w->ctx;
	a[3] = cmd.iova;
	a[4] = cmd.length;
	return on_dirty(a);
}

#endif /* IMS_FENTRY_SPACE_BPF_H */
