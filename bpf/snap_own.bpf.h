/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows out of the structures of our own iommufd: a window is told as an area, a backing
 * as a pages object, a keepout as a reserved range, a seat as a domain.
 *
 * Its objects have one counter, for who works on one and for what depends on it.  Who
 * works on one holds a lock of it, if it is not known by other means: the lock tells.
 */
#ifndef IMS_SNAP_OWN_BPF_H
#define IMS_SNAP_OWN_BPF_H

#include "snap_rows.bpf.h"

/* ---- areas ---- */

/* Holds of windows have no users: they are of domains. */
static __always_inline void own_pin(__u64 node, __u64 pages)
{
	const struct ufd_hold *hold = (void *)node;
	__u32 users = BPF_CORE_READ(hold, users);
	struct snap_pin *r;

	if (!users)
		return;
	r = row(sizeof(*r), SNAP_PIN, users);
	if (!r)
		return;
	r->pages = pages;
	r->index = BPF_CORE_READ(hold, range.start);
	r->last = BPF_CORE_READ(hold, range.last);
	done(r);
}

static __always_inline void own_backing(struct snap_area *r, struct ufd_backing *b)
{
	r->pages = (__u64)b;
	r->uptr = BPF_CORE_READ(b, uptr);
	r->npages = BPF_CORE_READ(b, npages);
	r->npinned = BPF_CORE_READ(b, pinned);
	r->charged = BPF_CORE_READ(b, charged);
	r->mm = (__u64)BPF_CORE_READ(b, mm);
	r->user = (__u64)BPF_CORE_READ(b, user);
	r->tgid = BPF_CORE_READ(b, task, tgid);
	r->refs = BPF_CORE_READ(b, refs.refcount.refs.counter);
	r->mode = BPF_CORE_READ(b, mode);
	r->flags |= SNAP_AREA_LIVE;
	if (BPF_CORE_READ(b, writable))
		r->flags |= SNAP_AREA_WRITABLE;
	if (BPF_CORE_READ(b, lock.owner.counter))
		r->flags |= SNAP_AREA_BUSY;
}

/* The first domain, for which the pages are held; 0: they are not. */
static __always_inline __u64 own_storage(struct ufd_window *w, __u64 space)
{
	__u64 hold = FIELD((__u64)w, ufd_window, hold.range.rb), seat;

	if (BPF_CORE_READ(w, hold.range.rb.__rb_parent_color) == hold)
		return 0;
	seat = (__u64)READ(ufd_space, space, seats.next);
	if (seat == FIELD(space, ufd_space, seats))
		return 0;
	return (__u64)READ(ufd_seat, seat - bpf_core_field_offset(struct ufd_seat, node), domain);
}

static __noinline int own_area(struct snap_area *r, __u64 node, __u64 space)
{
	struct ufd_window *w = (void *)node - bpf_core_field_offset(struct ufd_window, iova);

	r->area = (__u64)w;
	r->start_byte = BPF_CORE_READ(w, start);
	r->storage = own_storage(w, space);
	r->prot = BPF_CORE_READ(w, prot);
	r->nacc = BPF_CORE_READ(w, pins);
	if (BPF_CORE_READ(w, closed))
		r->flags |= SNAP_AREA_PREVENT;
	if (BPF_CORE_READ(w, state) == bpf_core_enum_value(enum ufd_window_state, UFD_WINDOW_LIVE))
		own_backing(r, BPF_CORE_READ(w, backing));
	return 0;
}

/* ---- objects ---- */

static __always_inline __u32 own_type(__u64 obj)
{
	return BPF_CORE_READ((struct ufd_obj *)obj, type);
}

/* Others are worked on by ioctls, or under the lock of a group. */
static __always_inline __u64 own_lock(__u64 obj, __u32 type)
{
	if (type == IMS_T_ACCESS)
		return READ(iommufd_access___own, obj, lock.owner.counter);
	return type == IMS_T_FAULT ? READ(ufd_fault, obj, lock.owner.counter) : 0;
}

static __noinline int own_object(struct snap_object *r, __u64 obj)
{
	r->h.id = BPF_CORE_READ((struct ufd_obj *)obj, id);
	r->type = own_type(obj);
	r->users = own_lock(obj, r->type) ? 2 : 1;
	return 0;
}

static __noinline int own_device(struct snap_device *r, __u64 obj)
{
	struct iommufd_device___own *d = (void *)obj;
	__u64 attached = FIELD(obj, iommufd_device___own, attached);
	struct ufd_group *g = BPF_CORE_READ(d, group);
	struct ufd_hwpt *hwpt = BPF_CORE_READ(g, hwpt);
	struct device *dev = BPF_CORE_READ(d, dev);

	r->h.id = BPF_CORE_READ(d, obj.id);
	r->dev = (__u64)dev;
	r->group = BPF_CORE_READ(g, group, id);
	r->busy = BPF_CORE_READ(g, lock.owner.counter);
	r->flags = left_to_drivers();
	if (hwpt && (__u64)BPF_CORE_READ(d, attached.next) != attached) {
		r->hwpt = BPF_CORE_READ(hwpt, obj.id);
		r->domain = (__u64)BPF_CORE_READ(hwpt, domain);
	}
	fill_name(r, dev);
	return 0;
}

static __always_inline void own_ctx(struct snap_ctx_row *r, __u64 ctx)
{
	struct iommufd_ctx___own *c = (void *)ctx;
	struct ufd_ioas *compat = BPF_CORE_READ(c, compat);

	r->vfio_ioas = compat ? BPF_CORE_READ(compat, obj.id) : 0;
	r->mode = BPF_CORE_READ(c, charge);
}

/* ---- what belongs to an IOAS ---- */

static __always_inline __u32 own_flags(struct ufd_hwpt *h)
{
	__u32 flags = BPF_CORE_READ(h, fault) ? IMS_HWPT_FAULT : 0;

	if (BPF_CORE_READ(h, parent))
		return flags | IMS_HWPT_NESTED;
	if (BPF_CORE_READ(h, automatic))
		flags |= IMS_HWPT_AUTO;
	if (BPF_CORE_READ(h, nest_parent))
		flags |= IMS_HWPT_PARENT;
	if (BPF_CORE_READ(h, enforce_cc))
		flags |= IMS_HWPT_ENFORCE_CC;
	if (BPF_CORE_READ(h, domain, dirty_ops))
		flags |= IMS_HWPT_DIRTY;
	return flags;
}

static __noinline int own_hwpt(struct snap_hwpt *r, __u64 obj, __u64 space)
{
	struct ufd_hwpt *h = (void *)obj, *parent = BPF_CORE_READ(h, parent), *paging;

	paging = parent ? parent : h;
	if (FIELD((__u64)BPF_CORE_READ(paging, ioas), ufd_ioas, space) != space)
		return 0;
	r->h.id = BPF_CORE_READ(h, obj.id);
	r->domain = (__u64)BPF_CORE_READ(h, domain);
	r->flags = own_flags(h);
	if (parent) {
		r->parent = (__u64)BPF_CORE_READ(parent, domain);
		r->parent_id = BPF_CORE_READ(parent, obj.id);
	} else {
		r->ioas = space;
	}
	return 1;
}

static __always_inline __u64 own_accesses(__u64 space)
{
	return (__u64)READ(ufd_space, space, accesses.xa_head);
}

static __always_inline void own_access(struct snap_access *r, __u64 access)
{
	struct iommufd_access___own *a = (void *)access;

	r->h.id = BPF_CORE_READ(a, obj.id);
	r->align = BPF_CORE_READ(a, align);
}

static __always_inline void own_ioas(struct snap_ioas_row *r, __u64 space)
{
	struct ufd_space *s = (void *)space;

	r->align = BPF_CORE_READ(s, align);
	r->lock = BPF_CORE_READ(s, map_lock.count.counter);
	r->domains_lock = BPF_CORE_READ(s, set_lock.count.counter);
	r->large_off = BPF_CORE_READ(s, small_only);
}

#define MOST_SEATS (1 << 20)

struct seats {
	__u64 node, end;
};

static long own_seat_step(__u32 i, struct seats *s)
{
	__u64 seat = s->node - bpf_core_field_offset(struct ufd_seat, node);

	if (s->node == s->end)
		return 1;
	put_domain((__u64)READ(ufd_seat, seat, domain));
	s->node = (__u64)READ(ufd_seat, seat, node.next);
	return 0;
}

static __noinline int own_domains(__u64 space)
{
	struct seats s = { .end = FIELD(space, ufd_space, seats) };

	s.node = (__u64)READ(ufd_space, space, seats.next);
	bpf_loop(MOST_SEATS, own_seat_step, &s, 0);
	return 0;
}

struct promises {
	__u64 ranges;		/* address of an array */
};

static long own_allowed_step(__u32 i, struct promises *p)
{
	struct iommu_iova_range range = {};
	struct snap_range *r = row(sizeof(*r), SNAP_ALLOWED, 0);

	if (!r)
		return 1;
	bpf_probe_read_kernel(&range, sizeof(range), (void *)(p->ranges + i * sizeof(range)));
	r->start = range.start;
	r->last = range.last;
	r->owner = 0;
	done(r);
	return 0;
}

static __noinline int own_allowed(__u64 space)
{
	struct ufd_allowed *a = READ(ufd_space, space, allowed);
	struct promises p = { FIELD((__u64)a, ufd_allowed, range) };

	if (a)
		bpf_loop(BPF_CORE_READ(a, n), own_allowed_step, &p, 0);
	return 0;
}

#endif /* IMS_SNAP_OWN_BPF_H */
