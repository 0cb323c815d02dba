/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses from within the kernel, of device.c, io_pagetable.c and pages.c: who uses an
 * IOAS without an IOMMU, and what it has pinned.
 */
#ifndef IMS_FENTRY_ACCESS_BPF_H
#define IMS_FENTRY_ACCESS_BPF_H

#include "fentry_core.bpf.h"

#define MAX_RANGES 262144

/* ---- the ways in that are not ioctls ---- */

#define CTX_OF_ACCESS access_ctx(arg(ctx, 0))

/* One of iommufd's own names no ctx: it is used by what is at work for one. */
static __noinline __u64 access_ctx(__u64 access)
{
	__u64 ictx = (__u64)READ(iommufd_access, access, ictx);
	struct work *w = work_here();

	return ictx || !w ? ictx : w->ctx;
}

WAY_IN(iommufd_access_create, arg(ctx, 0))
WAY_IN(iommufd_access_attach, CTX_OF_ACCESS)
WAY_IN(iommufd_access_replace, CTX_OF_ACCESS)
WAY_IN(iommufd_access_detach, CTX_OF_ACCESS)

/* ---- in an IOAS ---- */

static __noinline int access_record(__s32 rc)
{
	struct work *w = work_here();
	__u64 a[7] = {};

	if (!w || w->access_said)
		return 0;
	w->access_said = 1;
	a[0] = w->ctx;
	a[1] = w->iopt;
	a[2] = w->access;
	a[3] = READ(iommufd_access, w->access, obj.id);
	a[4] = w->access_action;
	a[5] = READ(iommufd_access, w->access, iova_alignment);
	a[6] = (__u32)rc;
	return on_access(a);
}

static __always_inline int access_begins(__u64 iopt, __u64 access, __u8 action)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->iopt = iopt;
	w->access = access;
	w->access_action = action;
	w->access_said = 0;
	return 0;
}

static __always_inline int access_ends(__s32 rc)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	access_record(rc);
	w->access_action = 0;
	return 0;
}

SEC("fentry/iopt_add_access")
int BPF_PROG(add_access_enter, struct io_pagetable *iopt, struct iommufd_access *access)
{
	return access_begins((__u64)iopt, (__u64)access, IMS_ACC_ADD);
}

SEC("fexit/iopt_add_access")
int BPF_PROG(add_access_leave)
{
	return access_ends(result(ctx));
}

SEC("fentry/iopt_remove_access")
int BPF_PROG(remove_access_enter, struct io_pagetable *iopt, struct iommufd_access *access)
{
	return access_begins((__u64)iopt, (__u64)access, IMS_ACC_REMOVE);
}

SEC("fexit/iopt_remove_access")
int BPF_PROG(remove_access_leave)
{
	return access_ends(0);
}

SEC("fentry/iopt_area_contig_init")
int BPF_PROG(access_reaches, void *iter, struct io_pagetable *iopt)
{
	struct work *w = work_here();

	if (w)
		w->contig_iopt = (__u64)iopt;
	return 0;
}

SEC("fentry/iommufd_access_notify_unmap")
int BPF_PROG(notify_enter, struct io_pagetable *iopt, unsigned long iova, unsigned long length)
{
	struct work *w = work_here();
	__u64 a[8] = { 0, (__u64)iopt, 0, IMS_ACC_NOTIFY_BEGIN, iova, length };

	if (!w)
		return 0;
	area_closed(arg(ctx, 0), iova, length);
	a[0] = w->ctx;
	return on_access_op(a);
}

SEC("fexit/iommufd_access_notify_unmap")
int BPF_PROG(notify_leave, struct io_pagetable *iopt, unsigned long iova, unsigned long length)
{
	struct work *w = work_here();
	__u64 a[8] = { 0, (__u64)iopt, 0, IMS_ACC_NOTIFY_END, iova, length };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_access_op(a);
}

/* The call may be made by the driver of an access that another call has asked. */
static __always_inline int access_enters(__u64 ictx)
{
	struct work *w = work_begin(ictx);

	if (w)
		w->contig_iopt = 0;
	return 0;
}

static __always_inline int access_leaves(void *ctx, __u32 action, __u64 length, __u32 flags,
					 __s32 rc)
{
	struct work *w = work_here();
	__u64 a[8] = { 0, 0, arg(ctx, 0), action, arg(ctx, 1), length, flags, (__u32)rc };

	if (!w)
		return 0;
	a[0] = w->ctx;
	a[1] = w->contig_iopt;
	on_access_op(a);
	return work_end();
}

SEC("fentry/iommufd_access_pin_pages")
int BPF_PROG(access_pin_enter)
{
	return access_enters(CTX_OF_ACCESS);
}

SEC("fexit/iommufd_access_pin_pages")
int BPF_PROG(access_pin_leave)
{
	return access_leaves(ctx, IMS_ACC_PIN, arg(ctx, 2), arg(ctx, 4), result(ctx));
}

SEC("fentry/iommufd_access_unpin_pages")
int BPF_PROG(access_unpin_enter)
{
	return access_enters(CTX_OF_ACCESS);
}

SEC("fexit/iommufd_access_unpin_pages")
int BPF_PROG(access_unpin_leave)
{
	return access_leaves(ctx, IMS_ACC_UNPIN, arg(ctx, 2), 0, 0);
}

SEC("fentry/iommufd_access_rw")
int BPF_PROG(access_rw_enter)
{
	return access_enters(CTX_OF_ACCESS);
}

SEC("fexit/iommufd_access_rw")
int BPF_PROG(access_rw_leave)
{
	return access_leaves(ctx, IMS_ACC_RW, arg(ctx, 3), arg(ctx, 4), result(ctx));
}

/* ---- what accesses have pinned ---- */

/*
 * Several threads may hold the very same range.  Only who gives it back last goes
 * through a function inside the lock, where the end of the range is told.  The others
 * are told before they have the lock: the range lives on whoever of them is first.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_RANGES);
	__type(key, struct ims_range_key);
	__type(value, struct ims_range_state);
} ranges SEC(".maps");

/*
 * The count of the area, if nobody else can have changed counts since this thread
 * has begun.  To be asked when the place of the record is reserved: who begins later
 * comes later.
 */
static __always_inline __u32 nacc_of(const struct work *w, __u64 area, __s32 step)
{
	struct ctx_state *c = ctx_state(w->ctx);
	__u32 n = AREA(area, num_accesses) + step;

	if (!c || !w->range_alone || *(volatile __u32 *)&c->entries != w->range_entry)
		return IMS_NACC_UNKNOWN;
	return n;
}

/* @step: what is still to be added to the count of the area */
static __noinline int range_record(__u64 area, __u32 action, __u32 users, __s32 step, __s32 rc)
{
	struct {
		struct ims_hdr h;
		struct ims_access_range p;
	} *r;
	struct work *w = work_here();
	__u64 a[10] = {};
	struct slot s;

	if (!w)
		return 0;
	w->range_said = 1;
	s = slot_reserve(w->ctx, IMS_ACCESS_RANGE, action, sizeof(*r));
	r = (void *)s.h;
	if (!r)
		return 0;
	a[1] = area;
	a[2] = w->pages;
	a[4] = w->range_first;
	a[5] = w->range_last;
	a[6] = users;
	a[7] = rc ? IMS_NACC_UNKNOWN : nacc_of(w, area, step);
	a[8] = w->range_flags;
	a[9] = (__u32)rc;
	fill_access_range(&r->p, a);
	slot_submit(s);
	return 0;
}

static __always_inline struct ims_range_key range_of(const struct work *w)
{
	return (struct ims_range_key){ w->pages, w->range_first, w->range_last };
}

static __noinline int range_enter(__u64 area, __u64 first, __u64 last, __u32 flags, bool adding)
{
	struct work *w = work_here();
	struct ctx_state *c;

	if (!w)
		return 0;
	scope_enter((__u64)AREA(area, pages), area);
	w->adding = adding;
	w->removing = !adding;
	w->in_fill_xarray = w->range_said = 0;
	w->range_first = first;
	w->range_last = last;
	w->range_flags = flags;
	c = ctx_state(w->ctx);
	if (c) {
		w->range_alone = !__sync_fetch_and_add(&c->flights, 1);
		w->range_entry = __sync_fetch_and_add(&c->entries, 1) + 1;
	}
	return 0;
}

static __noinline int range_leave(void)
{
	struct work *w = work_here();
	struct ctx_state *c;

	if (!w)
		return 0;
	w->adding = w->removing = 0;
	c = ctx_state(w->ctx);
	if (c)
		__sync_fetch_and_add(&c->flights, -1);
	return scope_leave();
}

SEC("fentry/iopt_area_add_access")
int BPF_PROG(add_range_enter, struct iopt_area *area, unsigned long first, unsigned long last)
{
	__u32 flags = arg(ctx, 4) | (new_flag(ctx, 5, 5) ? IMS_ACC_LOCK : 0);

	return range_enter((__u64)area, first, last, flags, true);
}

SEC("fexit/iopt_area_add_access")
int BPF_PROG(add_range_leave, struct iopt_area *area)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);

	if (w && rc && !w->range_said && w->scope)
		range_record((__u64)area, IMS_ACC_RANGE_PIN, 0, 0, rc);
	return range_leave();
}

/* One that exists gets one more user; the counts have it by now. */
SEC("fentry/iopt_pages_fill_from_xarray")
int BPF_PROG(range_shared)
{
	struct work *w = work_on_pages();
	struct ims_range_state *state;
	struct ims_range_key key;
	__u32 users = 0;

	if (!w || !w->adding || w->in_fill_xarray)
		return 0;
	key = range_of(w);
	state = bpf_map_lookup_elem(&ranges, &key);
	if (state)
		users = __sync_fetch_and_add(&state->users, 1) + 1;
	return range_record(w->area, IMS_ACC_RANGE_PIN, users, 0, 0);
}

SEC("fentry/iopt_pages_fill_xarray")
int BPF_PROG(fill_xarray_enter)
{
	struct work *w = work_on_pages();

	if (w)
		w->in_fill_xarray = 1;
	return 0;
}

/* A new one: from here on nothing can fail. */
SEC("fexit/iopt_pages_fill_xarray")
int BPF_PROG(fill_xarray_leave)
{
	struct work *w = work_on_pages();
	struct ims_range_state state = { .users = 1 };
	struct ims_range_key key;

	if (!w)
		return 0;
	state.ctx = w->ctx;
	w->in_fill_xarray = 0;
	if ((__s32)result(ctx) || !w->adding)
		return 0;
	key = range_of(w);
	if (bpf_map_update_elem(&ranges, &key, &state, BPF_ANY))
		count_loss(w->ctx, IMS_LOSS_TABLE);
	return range_record(w->area, IMS_ACC_RANGE_PIN, 1, 1, 0);
}

SEC("fentry/iopt_area_remove_access")
int BPF_PROG(remove_range_enter, struct iopt_area *area, unsigned long first, unsigned long last)
{
	struct work *w = work_here();
	struct ims_range_state *state;
	struct ims_range_key key;
	__u32 users;

	if (!w)
		return 0;
	range_enter((__u64)area, first, last, new_flag(ctx, 3, 3) ? IMS_ACC_LOCK : 0, false);
	key = range_of(w);
	state = bpf_map_lookup_elem(&ranges, &key);
	if (!state)		/* it was never pinned */
		return range_record((__u64)area, IMS_ACC_RANGE_UNPIN, 0, -1, 0);
	users = __sync_fetch_and_add(&state->users, -1) - 1;
	if (users)
		return range_record((__u64)area, IMS_ACC_RANGE_UNPIN, users, -1, 0);
	state->area = (__u64)area;
	return 0;
}

SEC("fexit/iopt_area_remove_access")
int BPF_PROG(remove_range_leave)
{
	return range_leave();
}

/* The last user of a range has gone, or the making of a range failed. */
SEC("fentry/iopt_pages_unfill_xarray")
int BPF_PROG(unfill_xarray_enter, struct iopt_pages *pages, unsigned long first)
{
	struct work *w = work_on_pages();
	struct ims_range_state *state;
	struct ims_range_key key;
	__u64 area;

	if (!w)
		return 0;
	w->xa_mode = 1;
	w->xa_index = first;
	if (!w->removing)
		return 0;
	key = range_of(w);
	state = bpf_map_lookup_elem(&ranges, &key);
	area = state && state->area ? state->area : w->area;
	bpf_map_delete_elem(&ranges, &key);
	return range_record(area, IMS_ACC_RANGE_UNPIN, 0, 0, 0);
}

SEC("fexit/iopt_pages_unfill_xarray")
int BPF_PROG(unfill_xarray_leave)
{
	struct work *w = work_on_pages();

	if (w)
		w->xa_mode = 0;
	return 0;
}

#endif /* IMS_FENTRY_ACCESS_BPF_H */
