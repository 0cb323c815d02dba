/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows out of the structures of upstream's iommufd. */
#ifndef IMS_SNAP_UPSTREAM_BPF_H
#define IMS_SNAP_UPSTREAM_BPF_H

#include "snap_rows.bpf.h"

/* ---- areas ---- */

static __always_inline void upstream_pin(__u64 node, __u64 pages)
{
	const struct iopt_pages_access *a = (void *)node;
	struct snap_pin *r = row(sizeof(*r), SNAP_PIN, BPF_CORE_READ(a, users));

	if (!r)
		return;
	r->pages = pages;
	r->index = BPF_CORE_READ(a, node.start);
	r->last = BPF_CORE_READ(a, node.last);
	done(r);
}

static __always_inline void fill_file(struct snap_area *r, __u64 pages)
{
	__u32 type;

	r->file = r->phys = 0;
	if (!HAS_TYPED)
		return;
	type = TYPED(pages, type);
	if (PAGES_ARE(type, FILE)) {
		r->flags |= SNAP_AREA_FILE;
		r->file = (__u64)TYPED(pages, file);
	}
	if (!PAGES_ARE(type, DMABUF))
		return;
	r->flags |= SNAP_AREA_DMABUF;
	r->file = (__u64)TYPED(pages, dmabuf.attach, dmabuf);
	r->phys = TYPED(pages, dmabuf.phys.paddr) + r->uptr;
	if (!TYPED(pages, dmabuf.phys.len))
		r->flags |= SNAP_AREA_REVOKED;
}

static __always_inline void fill_pages(struct snap_area *r, struct iopt_pages *p)
{
	r->uptr = pages_start((__u64)p);
	fill_file(r, (__u64)p);
	r->npages = BPF_CORE_READ(p, npages);
	r->npinned = BPF_CORE_READ(p, npinned);
	r->charged = BPF_CORE_READ(p, last_npinned);
	r->mm = (__u64)BPF_CORE_READ(p, source_mm);
	r->user = (__u64)BPF_CORE_READ(p, source_user);
	r->tgid = BPF_CORE_READ(p, source_task, tgid);
	r->refs = BPF_CORE_READ(p, kref.refcount.refs.counter);
	r->mode = BPF_CORE_READ(p, account_mode);
	r->flags |= SNAP_AREA_LIVE | SNAP_AREA_XARRAY;
	if (BPF_CORE_READ_BITFIELD_PROBED(p, writable))
		r->flags |= SNAP_AREA_WRITABLE;
	if (BPF_CORE_READ(p, mutex.owner.counter))
		r->flags |= SNAP_AREA_BUSY;
}

static __noinline int upstream_area(struct snap_area *r, __u64 node)
{
	struct iopt_area *a = (void *)node - bpf_core_field_offset(struct iopt_area, node);
	struct iopt_pages *p = BPF_CORE_READ(a, pages);

	r->area = (__u64)a;
	r->start_byte = (BPF_CORE_READ(a, pages_node.start) << PAGE_SHIFT) +
			BPF_CORE_READ(a, page_offset);
	r->storage = (__u64)BPF_CORE_READ(a, storage_domain);
	r->pages = (__u64)p;
	r->prot = BPF_CORE_READ(a, iommu_prot);
	r->nacc = BPF_CORE_READ(a, num_accesses);
	if (BPF_CORE_READ_BITFIELD_PROBED(a, prevent_access))
		r->flags |= SNAP_AREA_PREVENT;
	if (p)
		fill_pages(r, p);
	return 0;
}

/* ---- objects ---- */

static __always_inline __u32 workers(struct iommufd_object *o)
{
	struct iommufd_object___wait *now = (void *)o;

	if (bpf_core_field_exists(now->wait_cnt))
		return BPF_CORE_READ(now, wait_cnt.refs.counter);
	return BPF_CORE_READ(o, shortterm_users.refs.counter);
}

static __always_inline __u32 upstream_type(__u64 obj)
{
	return object_type(BPF_CORE_READ((struct iommufd_object *)obj, type));
}

static __noinline int upstream_object(struct snap_object *r, __u64 obj)
{
	struct iommufd_object *o = (void *)obj;

	r->h.id = BPF_CORE_READ(o, id);
	r->type = upstream_type(obj);
	r->users = workers(o);
	return 0;
}

static __noinline int upstream_device(struct snap_device *r, __u64 obj)
{
	struct iommufd_device *d = (void *)obj;
	struct iommufd_group *g = BPF_CORE_READ(d, igroup);
	struct iommufd_hw_pagetable *hwpt = hwpt_of_group(g, 0);
	struct device *dev = BPF_CORE_READ(d, dev);

	r->h.id = BPF_CORE_READ(d, obj.id);
	r->dev = (__u64)dev;
	r->group = group_number((__u64)BPF_CORE_READ(g, group), r->h.id);
	r->busy = BPF_CORE_READ(g, lock.owner.counter);
	r->pasids = has_pasids(g);
	r->flags = left_to_drivers();
	if (hwpt) {
		r->hwpt = BPF_CORE_READ(hwpt, obj.id);
		r->domain = (__u64)BPF_CORE_READ(hwpt, domain);
	}
	fill_name(r, dev);
	return 0;
}

static __always_inline void upstream_ctx(struct snap_ctx_row *r, __u64 ctx)
{
	struct iommufd_ctx *c = (void *)ctx;
	struct iommufd_ioas *vfio = BPF_CORE_READ(c, vfio_ioas);

	r->vfio_ioas = vfio ? BPF_CORE_READ(vfio, obj.id) : 0;
	r->mode = BPF_CORE_READ(c, account_mode);
}

/* ---- what belongs to an IOAS ---- */

static __always_inline __u32 flags_of(struct iommufd_hwpt_paging *h)
{
	__u32 flags = 0;

	if (BPF_CORE_READ_BITFIELD_PROBED(h, auto_domain))
		flags |= IMS_HWPT_AUTO;
	if (BPF_CORE_READ_BITFIELD_PROBED(h, nest_parent))
		flags |= IMS_HWPT_PARENT;
	if (BPF_CORE_READ_BITFIELD_PROBED(h, enforce_cache_coherency))
		flags |= IMS_HWPT_ENFORCE_CC;
	if (BPF_CORE_READ(h, common.fault))
		flags |= IMS_HWPT_FAULT;
	if (BPF_CORE_READ(h, common.domain, dirty_ops))
		flags |= IMS_HWPT_DIRTY;
	return flags;
}

static __noinline int upstream_hwpt(struct snap_hwpt *r, __u64 obj, __u32 type, __u64 space)
{
	struct iommufd_hwpt_nested *nested = (void *)obj;
	struct iommufd_hwpt_paging *h = (void *)obj;

	if (type == IMS_T_HWPT_NESTED)
		h = BPF_CORE_READ(nested, parent);
	if (FIELD((__u64)BPF_CORE_READ(h, ioas), iommufd_ioas, iopt) != space)
		return 0;
	r->h.id = BPF_CORE_READ((struct iommufd_object *)obj, id);
	r->domain = (__u64)BPF_CORE_READ((struct iommufd_hw_pagetable *)obj, domain);
	if (type == IMS_T_HWPT_PAGING) {
		r->ioas = space;
		r->flags = flags_of(h);
		return 1;
	}
	r->parent = (__u64)BPF_CORE_READ(h, common.domain);
	r->parent_id = BPF_CORE_READ(h, common.obj.id);
	r->flags = IMS_HWPT_NESTED;
	if (BPF_CORE_READ(nested, common.fault))
		r->flags |= IMS_HWPT_FAULT;
	return 1;
}

static long upstream_domain_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);

	if (is_object(entry))
		put_domain(entry);
	return 0;
}

static __always_inline __u64 upstream_accesses(__u64 space)
{
	return (__u64)READ(io_pagetable, space, access_list.xa_head);
}

static __always_inline void upstream_access(struct snap_access *r, __u64 access)
{
	struct iommufd_access *a = (void *)access;

	r->h.id = BPF_CORE_READ(a, obj.id);
	r->align = BPF_CORE_READ(a, iova_alignment);
}

static __always_inline void upstream_ioas(struct snap_ioas_row *r, __u64 space)
{
	struct io_pagetable *t = (void *)space;

	r->align = BPF_CORE_READ(t, iova_alignment);
	r->lock = BPF_CORE_READ(t, iova_rwsem.count.counter);
	r->domains_lock = BPF_CORE_READ(t, domains_rwsem.count.counter);
	r->large_off = BPF_CORE_READ(t, disable_large_pages);
}

static __noinline int upstream_domains(__u64 space)
{
	struct list l = { .head = (__u64)READ(io_pagetable, space, domains.xa_head) };

	bpf_loop(array_size(l.head), upstream_domain_step, &l, 0);
	return 0;
}

#endif /* IMS_SNAP_UPSTREAM_BPF_H */
