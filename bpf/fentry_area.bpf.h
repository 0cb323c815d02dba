/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_pagetable.c of iommufd: areas, and what maps, unmaps and cuts them.
 *
 * Where no function begins or ends inside the lock that orders a change, the record
 * is written where the change can still not be seen, or cannot be undone by others
 * any more: what begins is told before others can see it, what ends is told while
 * its place and its memory cannot be given to others yet.
 */
#ifndef IMS_FENTRY_AREA_BPF_H
#define IMS_FENTRY_AREA_BPF_H

#include "fentry_file.bpf.h"

#define AREA(a, field) READ(iopt_area, a, field)

/* ---- areas ---- */

static __noinline int area_record(__u64 area, __u64 pages, __u32 action)
{
	struct work *w = work_here();
	__u64 a[10] = { 0, (__u64)AREA(area, iopt), area, pages, action, AREA(area, node.start),
			AREA(area, node.last),
			AREA(area, page_offset) + AREA(area, pages_node.start) * PAGE_SIZE,
			(__u32)AREA(area, iommu_prot), AREA(area, num_accesses) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_area(a);
}

static __noinline int storage_record(__u64 area, __u64 pages, __u64 domain)
{
	struct work *w = work_here();
	__u64 a[5] = { 0, (__u64)AREA(area, iopt), area, pages, domain };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_storage(a);
}

static __always_inline __u64 area_length(struct iopt_area *area)
{
	return area->node.last - area->node.start + 1;
}

/* ---- a map ---- */

/* What is true of who maps, whatever iommufd made of that. */
static __noinline __u32 mapper(__u64 pages)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct iopt_pages *p = (void *)pages;
	__u64 cred = (__u64)READ(task_struct, task, cred);
	__u32 flags = 0;

	if (capable(CAP_IPC_LOCK))
		flags |= IMS_MAPPER_IPC_LOCK;
	if ((__u64)BPF_CORE_READ(p, source_user) == (__u64)READ(cred, cred, user))
		flags |= IMS_MAPPER_USER;
	if ((__u64)BPF_CORE_READ(p, source_mm) == (__u64)task->mm)
		flags |= IMS_MAPPER_MM;
	if ((__u64)BPF_CORE_READ(p, source_task) == (__u64)READ(task_struct, task, group_leader))
		flags |= IMS_MAPPER_TASK;
	return flags;
}

static __always_inline int pages_record(struct work *w, __u64 pages, __u32 action)
{
	struct iopt_pages *p = (void *)pages;
	__u64 a[11] = { w->ctx, pages, action, pages_start(pages),
			BPF_CORE_READ(p, npages), BPF_CORE_READ(p, npinned),
			(__u64)BPF_CORE_READ(p, source_mm), (__u64)BPF_CORE_READ(p, source_user),
			BPF_CORE_READ(p, account_mode), BPF_CORE_READ_BITFIELD_PROBED(p, writable),
			action == IMS_PAGES_ALLOC ? mapper(pages) : 0 };

	return on_pages(a);
}

static __noinline int pages_new(__u64 pages)
{
	struct work *w = work_here();

	if (w && !IS_ERR(pages))
		w->new_pages = pages;
	return 0;
}

SEC("fexit/iopt_alloc_pages")
int BPF_PROG(pages_made)
{
	return pages_new(result(ctx));
}

/* Since pages can be of files, too: f4986a72d6e4 ("iommufd: Add IOMMU_IOAS_MAP_FILE"). */
SEC("fexit/iopt_alloc_user_pages")
int BPF_PROG(pages_made___user)
{
	return pages_new(result(ctx));
}

SEC("fexit/iopt_alloc_file_pages")
int BPF_PROG(file_pages_made)
{
	return pages_new(result(ctx));
}

SEC("fentry/iopt_alloc_dmabuf_pages")
int BPF_PROG(dmabuf_pages_begin)
{
	struct work *w = work_here();

	if (w)
		w->making_pages = 1;
	return 0;
}

SEC("fexit/iopt_alloc_dmabuf_pages")
int BPF_PROG(dmabuf_pages_made)
{
	struct work *w = work_here();

	if (w)
		w->making_pages = 0;
	return pages_new(result(ctx));
}

SEC("fentry/iopt_release_pages")
int BPF_PROG(pages_freed)
{
	__u64 pages = arg(ctx, 0) - bpf_core_field_offset(struct iopt_pages, kref);
	struct work *w = work_here();

	if (!w || w->making_pages)
		return 0;
	dmabuf_forget(pages);
	return pages_record(w, pages, IMS_PAGES_FREE);
}

static __always_inline int map_begins(void *ctx)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->iopt = arg(ctx, 1);
	w->iova_at = arg(ctx, 2);
	bpf_probe_read_kernel(&w->iova, sizeof(w->iova), (void *)w->iova_at);
	return 0;
}

SEC("fentry/iopt_map_user_pages")
int BPF_PROG(map_user)
{
	return map_begins(ctx);
}

SEC("fentry/iopt_map_file_pages")
int BPF_PROG(map_file)
{
	return map_begins(ctx);
}

/* Nobody else knows the new pages object yet, and its accounting mode is decided. */
SEC("fentry/iopt_map_pages")
int BPF_PROG(map_pages, struct io_pagetable *iopt)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	if (w->new_pages) {
		pages_record(w, w->new_pages, IMS_PAGES_ALLOC);
		file_record(w->new_pages);
	}
	w->new_pages = 0;
	w->iopt = (__u64)iopt;
	w->list = arg(ctx, 1);
	w->length = arg(ctx, 2);
	w->iova_at = arg(ctx, 3);
	w->flags = arg(ctx, 5);
	bpf_probe_read_kernel(&w->iova, sizeof(w->iova), (void *)w->iova_at);
	w->filled = 0;
	w->iova_said = 0;
	w->in_map_pages = 1;
	return 0;
}

struct elements {
	__u64 at, head;
	__u32 action;
};

static long element_step(__u32 i, struct elements *e)
{
	struct iopt_pages_list *elm;
	__u64 area;

	if (!e->at || e->at == e->head)
		return 1;
	elm = (void *)(e->at - bpf_core_field_offset(struct iopt_pages_list, next));
	area = (__u64)BPF_CORE_READ(elm, area);
	e->at = (__u64)BPF_CORE_READ(elm, next.next);
	/* what was never inserted knows no IOAS */
	if (area && AREA(area, iopt))
		area_record(area, e->action == IMS_AREA_READY ? (__u64)BPF_CORE_READ(elm, pages) : 0,
			    e->action);
	return 0;
}

/* One record for each area of the map under way. */
static __noinline int areas_of_map(__u32 action)
{
	struct work *w = work_here();
	struct elements e = { .action = action };

	if (!w)
		return 0;
	e.head = w->list;
	e.at = (__u64)READ(list_head, e.head, next);
	bpf_loop(MAX_NODES, element_step, &e, 0);
	return 0;
}

/* A failed map leaves its areas in the tree for a moment: nobody can use them. */
SEC("fexit/iopt_map_pages")
int BPF_PROG(map_pages_done)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->in_map_pages = 0;
	bpf_probe_read_kernel(&w->iova, sizeof(w->iova), (void *)w->iova_at);
	if ((__s32)result(ctx))
		areas_of_map(IMS_AREA_FREE);
	return 0;
}

#define IOPT_ALLOC_IOVA 1

static __always_inline void iova_record(struct work *w, struct iopt_pages *pages, __u64 start_byte)
{
	__u64 a[6] = { w->ctx, w->iopt, w->flags & IOPT_ALLOC_IOVA ? IMS_IOVA_AUTO : IMS_IOVA_FIXED,
		       0, w->length, pages_start((__u64)pages) + start_byte };

	bpf_probe_read_kernel(&a[3], sizeof(a[3]), (void *)w->iova_at);
	on_iova(a);
	w->iova_said = 1;
}

static __always_inline int cut_inserted(struct work *w, struct iopt_area *area);

/* The write side of iova_rwsem is held. */
SEC("fexit/iopt_insert_area")
int BPF_PROG(area_inserted, struct io_pagetable *iopt, struct iopt_area *area,
	     struct iopt_pages *pages)
{
	struct work *w = work_here();

	if (!w || (__s32)result(ctx))
		return 0;
	if (w->cut_n)
		return cut_inserted(w, area);
	if (w->in_map_pages && !w->iova_said)
		iova_record(w, pages, arg(ctx, 4));
	return area_record((__u64)area, (__u64)pages, IMS_AREA_INSERT);
}

SEC("fentry/iopt_area_fill_domains")
int BPF_PROG(fill_enter, struct iopt_area *area, struct iopt_pages *pages)
{
	return scope_enter((__u64)pages, (__u64)area);
}

/*
 * When the last area of a map is filled nothing can fail any more.  It is not
 * published yet, so all that others do with it comes later.
 */
SEC("fexit/iopt_area_fill_domains")
int BPF_PROG(fill_leave, struct iopt_area *area, struct iopt_pages *pages)
{
	struct work *w = work_here();
	__u64 storage = (__u64)area->storage_domain;

	scope_leave();
	if (!w || (__s32)result(ctx))
		return 0;
	if (storage)
		storage_record((__u64)area, (__u64)pages, storage);
	w->filled += area_length(area);
	if (w->in_map_pages && w->filled == w->length)
		areas_of_map(IMS_AREA_READY);
	return 0;
}

/* ---- an unmap ---- */

SEC("fentry/iopt_unmap_iova_range")
int BPF_PROG(unmap_range_enter, struct io_pagetable *iopt)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->iopt = (__u64)iopt;
	w->removed = 0;
	return 0;
}

SEC("fexit/iopt_unmap_iova_range")
int BPF_PROG(unmap_range_leave, struct io_pagetable *iopt, unsigned long start, unsigned long last,
	     unsigned long *unmapped)
{
	struct work *w = work_here();
	__u64 at = arg(ctx, 3);
	__u64 a[7] = { 0, (__u64)iopt, IMS_UNMAP_IOPT, start, last, 0, (__u32)result(ctx) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	a[5] = w->removed;	/* nobody is told */
	if (at)
		bpf_probe_read_kernel(&a[5], sizeof(a[5]), (void *)at);
	return on_unmap(a);
}

/* The undoing of a map that failed comes here too: its areas were never live. */
SEC("fentry/iopt_area_unfill_domains")
int BPF_PROG(unfill_enter, struct iopt_area *area, struct iopt_pages *pages)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	if (!w->in_map_pages)
		area_record((__u64)area, (__u64)pages, IMS_AREA_DYING);
	if (area->storage_domain)
		storage_record((__u64)area, (__u64)pages, 0);
	return scope_enter((__u64)pages, (__u64)area);
}

/* It is in the tree for a moment yet, and keeps others out of its IOVAs. */
SEC("fexit/iopt_area_unfill_domains")
int BPF_PROG(unfill_leave, struct iopt_area *area)
{
	struct work *w = work_here();

	scope_leave();
	if (!w || w->in_map_pages)
		return 0;
	w->removed += area_length(area);
	return area_record((__u64)area, 0, IMS_AREA_FREE);
}

/* ---- accesses are asked to let go ---- */

/*
 * The lock was dropped for it: the area is looked up again.  It may have gone; the
 * model does not mind.
 */
static __noinline int area_closed(__u64 iopt, __u64 iova, __u64 length)
{
	struct stab s = { .point = iova };
	__u64 area;

	if (!stab(&s, iopt + bpf_core_field_offset(struct io_pagetable, area_itree)))
		return 0;
	area = s.node - bpf_core_field_offset(struct iopt_area, node.rb);
	if (AREA(area, node.start) != iova || AREA(area, node.last) != iova + length - 1 ||
	    !READ_BIT(iopt_area, area, prevent_access))
		return 0;
	return area_record(area, (__u64)AREA(area, pages), IMS_AREA_PREVENT);
}

/* ---- a cut, for VFIO's old interface ---- */

/* The areas that cover the IOVAs; looked up without the lock, so verified later. */
SEC("fentry/iopt_cut_iova")
int BPF_PROG(cut_enter, struct io_pagetable *iopt, unsigned long *iovas, size_t n)
{
	struct work *w = work_here();
	struct stab s = {};
	__u64 root = (__u64)arg(ctx, 0) + bpf_core_field_offset(struct io_pagetable, area_itree);

	if (!w || !n)
		return 0;
	w->iopt = (__u64)iopt;
	w->cut_n = n > 1 ? 2 : 1;
	w->cut_lhs = 0;
	w->cut_at[1] = 0;
	bpf_probe_read_kernel(w->cut_at, w->cut_n > 1 ? 16 : 8, (void *)arg(ctx, 1));
	for (__u32 i = 0; i < 2; i++) {
		s.point = w->cut_at[i];
		w->cut_old[i] = stab(&s, root) ?
			s.node - bpf_core_field_offset(struct iopt_area, node.rb) : 0;
	}
	return 0;
}

SEC("fexit/iopt_cut_iova")
int BPF_PROG(cut_leave)
{
	struct work *w = work_here();

	if (w)
		w->cut_n = 0;
	return 0;
}

static __always_inline bool was_cut(__u64 old, struct iopt_area *lhs)
{
	return old && AREA(old, node.start) == lhs->node.start &&
	       AREA(old, node.last) > lhs->node.last && AREA(old, iopt) == lhs->iopt;
}

/* The half of an earlier cut may be cut again. */
static __always_inline __u64 cut_area(struct work *w, struct iopt_area *lhs)
{
	for (__u32 i = 0; i < 2; i++)
		if (was_cut(w->cut_old[i], lhs))
			return w->cut_old[i];
	return 0;
}

/*
 * Two insertions make a split: nothing can fail after the second.  That the halves
 * are linked to their pages happens a few instructions later and is not seen.
 */
static __always_inline int cut_inserted(struct work *w, struct iopt_area *area)
{
	__u64 pages, old;

	if (!w->cut_lhs) {
		old = cut_area(w, area);
		pages = (__u64)AREA(old, pages);
		if (!old) {
			refuse_runs(w->ctx);
			return 0;
		}
		w->src = old;
		area_record(old, pages, IMS_AREA_REMOVE);
		area_record((__u64)area, pages, IMS_AREA_INSERT);
		w->cut_lhs = (__u64)area;
		return 0;
	}
	old = w->src;
	pages = (__u64)AREA(old, pages);
	area_record((__u64)area, pages, IMS_AREA_INSERT);
	__u64 a[7] = { w->ctx, (__u64)area->iopt, old, w->cut_lhs, (__u64)area,
		       (__u64)AREA(old, storage_domain), 0 };

	if (a[5])
		a[6] = IMS_SPLIT_LHS_LINKED | IMS_SPLIT_RHS_LINKED;
	if (w->cut_old[1] == old)	/* its half is cut next */
		w->cut_old[1] = w->cut_at[1] < area->node.start ? w->cut_lhs : (__u64)area;
	w->cut_lhs = 0;
	return on_split(a);
}

#endif /* IMS_FENTRY_AREA_BPF_H */
