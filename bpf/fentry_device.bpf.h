/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.c and hw_pagetable.c of iommufd: devices, and through which HWPT each uses an IOAS.
 *
 * An attachment is reported where the IOMMU core has made it, while the lock of the
 * group is held: what is left to do then cannot fail.
 */
#ifndef IMS_FENTRY_DEVICE_BPF_H
#define IMS_FENTRY_DEVICE_BPF_H

#include "fentry_core.bpf.h"

#define MAX_GROUPS 16384

/* ---- the ways in that are not ioctls ---- */

#define CTX_OF_DEVICE ((__u64)READ(iommufd_device, arg(ctx, 0), ictx))

WAY_IN(iommufd_device_attach, CTX_OF_DEVICE)
WAY_IN(iommufd_device_replace, CTX_OF_DEVICE)
WAY_IN(iommufd_device_detach, CTX_OF_DEVICE)
WAY_IN(iommufd_vfio_compat_ioas_create, arg(ctx, 0))

/* ---- HWPTs ---- */

#define HWPT(p, field) READ(iommufd_hw_pagetable, p, field)
#define PAGING(p, field) READ_BIT(iommufd_hwpt_paging, p, field)

#define ALLOC_DIRTY_TRACKING 2	/* IOMMU_HWPT_ALLOC_DIRTY_TRACKING */
#define ALLOC_FAULT 4		/* IOMMU_HWPT_FAULT_ID_VALID */

static __always_inline bool takes_pasids(__u64 hwpt)
{
	struct iommufd_hw_pagetable___pasid *h = (void *)hwpt;

	return bpf_core_field_exists(h->pasid_compat) &&
	       READ_BIT(iommufd_hw_pagetable___pasid, hwpt, pasid_compat);
}

static __noinline int hwpt_record(__u64 hwpt, __u32 flags)
{
	struct iommufd_hwpt_paging *p = (void *)hwpt;
	struct work *w = work_here();
	__u64 a[7] = { 0, hwpt, (__u64)HWPT(hwpt, domain), 0, 0, HWPT(hwpt, obj.id), 0 };

	if (!w)
		return 0;
	if (PAGING(hwpt, auto_domain))
		a[6] |= IMS_HWPT_AUTO;
	if (PAGING(hwpt, nest_parent))
		a[6] |= IMS_HWPT_PARENT;
	if (PAGING(hwpt, enforce_cache_coherency))
		a[6] |= IMS_HWPT_ENFORCE_CC;
	if (flags & ALLOC_FAULT)
		a[6] |= IMS_HWPT_FAULT;
	if (flags & ALLOC_DIRTY_TRACKING)
		a[6] |= IMS_HWPT_DIRTY;
	if (takes_pasids(hwpt))
		a[6] |= IMS_HWPT_PASID;
	a[0] = w->ctx;
	a[3] = (__u64)BPF_CORE_READ(p, ioas) + bpf_core_field_offset(struct iommufd_ioas, iopt);
	return on_hwpt(a);
}

static __noinline int hwpt_nested_record(__u64 hwpt)
{
	struct iommufd_hwpt_nested *p = (void *)hwpt;
	struct work *w = work_here();
	__u64 a[7] = { 0, hwpt, (__u64)HWPT(hwpt, domain), 0,
		       (__u64)BPF_CORE_READ(p, parent, common.domain), HWPT(hwpt, obj.id),
		       IMS_HWPT_NESTED };

	if (!w)
		return 0;
	a[0] = w->ctx;
	if (HWPT(hwpt, fault))
		a[6] |= IMS_HWPT_FAULT;
	if (takes_pasids(hwpt))
		a[6] |= IMS_HWPT_PASID;
	return on_hwpt(a);
}

/* It has its domain now, which nobody knows yet. */
static __noinline int hwpt_made(void)
{
	struct work *w = work_here();
	__u64 hwpt;

	if (!w || !w->hwpt)
		return 0;
	hwpt = w->hwpt;
	w->hwpt = 0;
	return hwpt_record(hwpt, w->hwpt_flags);
}

SEC("fentry/iommufd_hwpt_paging_alloc")
int BPF_PROG(hwpt_alloc_enter)
{
	struct work *w = work_here();

	if (w)
		w->hwpt_flags = arg_from_end(ctx, 2);
	return 0;
}

SEC("fexit/iommufd_hwpt_paging_alloc")
int BPF_PROG(hwpt_alloc_leave)
{
	struct work *w = work_here();

	if (w)
		w->hwpt = 0;
	return 0;
}

/* ---- devices ---- */

struct attachment {
	__u64 group;		/* struct iommu_group */
	__u64 pasid;		/* 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_GROUPS);
	__type(key, struct attachment);
	__type(value, __u64);	/* the handle that its faults carry */
} handles SEC(".maps");

static __noinline int handle_made(__u64 group, __u64 pasid, __u64 handle)
{
	struct attachment key = { group, pasid };

	return bpf_map_update_elem(&handles, &key, &handle, BPF_ANY);
}

#define IDEV(p, ...) READ(iommufd_device, p, __VA_ARGS__)

/* @a: what on_device() is given */
static __always_inline int pasid_record(__u64 *a, __u32 pasid)
{
	a[2] = a[3];
	a[3] = a[4];
	a[4] = a[5];
	a[5] = pasid;
	return on_pasid(a);
}

static __noinline int device_record(__u64 idev, __u32 action, __u64 to, __u64 from, __s32 rc)
{
	struct work *w = work_here();
	__u64 group = (__u64)IDEV(idev, igroup, group), dev = (__u64)IDEV(idev, dev), *handle;
	__u64 name = (__u64)READ(device, dev, init_name);
	struct attachment key = { group, w ? w->pasid : 0 };
	__u32 id = IDEV(idev, obj.id);
	__u64 a[11] = { 0, dev, name, id, group_number(group, id), action,
			to ? (__u64)HWPT(to, domain) : 0, from ? (__u64)HWPT(from, domain) : 0,
			to ? HWPT(to, obj.id) : 0, (__u32)rc, 0 };

	if (!w)
		return 0;
	if (!name)
		a[2] = (__u64)READ(device, dev, kobj.name);
	handle = to ? bpf_map_lookup_elem(&handles, &key) : NULL;
	if (handle)
		a[10] = *handle;
	a[0] = w->ctx;
	return w->pasid ? pasid_record(a, w->pasid) : on_device(a);
}

static __noinline int vdevice_record(__u64 vdev, __u32 action);

/* FINALIZE comes last: what is told before is before others see the object. */
SEC("fentry/iommufd_object_finalize")
int BPF_PROG(object_finalize, struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	struct work *w = work_here();
	struct ims_id_key key = { .id = obj->id };
	struct ims_id_state *o;
	__u64 a[5] = { 0, arg(ctx, 1), key.id, object_type(obj->type), IMS_OBJ_FINALIZE };

	if (!w)
		return 0;
	a[0] = key.ctx = w->ctx;
	o = bpf_map_lookup_elem(&objects, &key);
	if (o)
		o->visible = 1;
	if (a[3] == IMS_T_HWPT_PAGING && PAGING(a[1], auto_domain))
		hwpt_record(a[1], 0);
	if (a[3] == IMS_T_HWPT_NESTED)
		hwpt_nested_record(a[1]);
	if (a[3] == IMS_T_VDEVICE)
		vdevice_record(a[1], IMS_VDEV_ADD);
	if (a[3] == IMS_T_DEVICE) {
		claim_told();
		device_record(a[1], IMS_DEV_BIND, 0, 0, 0);
	}
	return on_object(a);
}

SEC("fentry/iommufd_device_destroy")
int BPF_PROG(device_destroy, struct iommufd_object *obj)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	object_ends(w, (__u64)obj);
	if (!IDEV((__u64)obj, igroup))	/* 7.3 undoes a bind that failed, too */
		return 0;
	return device_record((__u64)obj, IMS_DEV_UNBIND, 0, 0, 0);
}

static __always_inline void device_begins(__u64 idev, __u8 action, __u64 to, __u32 pasid)
{
	struct work *w = work_here();

	if (!w)
		return;
	w->idev = idev;
	w->device_action = action;
	w->device_said = 0;
	w->to = to;
	w->pasid = pasid;
}

static __always_inline int device_ends(struct work *w)
{
	w->device_action = 0;
	w->pasid = 0;
	return 0;
}

/* The first device of a group: the core has attached it. Later ones just join. */
static __noinline int device_joined(void)
{
	struct work *w = work_here();

	if (!w || w->device_action != IMS_DEV_ATTACH || w->device_said)
		return 0;
	w->device_said = 1;
	return device_record(w->idev, IMS_DEV_ATTACH, w->to, 0, 0);
}

SEC("fentry/iommufd_hw_pagetable_attach")
int BPF_PROG(attach_enter, struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev)
{
	hwpt_made();
	device_begins((__u64)idev, IMS_DEV_ATTACH, (__u64)hwpt, new_arg(ctx, 2, 2));
	return 0;
}

SEC("fexit/iommufd_hw_pagetable_attach")
int BPF_PROG(attach_leave, struct iommufd_hw_pagetable *hwpt, struct iommufd_device *idev)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);

	if (!w)
		return 0;
	if (!rc && w->pasid && !w->device_said)	/* joined others, but nobody knows when */
		refuse_runs(w->ctx);
	if (rc && w->device_said)	/* the MSI window could not be made */
		device_record((__u64)idev, IMS_DEV_DETACH, (__u64)hwpt, 0, 0);
	else if (!w->device_said)
		device_record((__u64)idev, IMS_DEV_ATTACH, (__u64)hwpt, 0, rc);
	return device_ends(w);
}

/* The regions of a device that joins an attached group are the last of its attachment. */
SEC("fexit/iopt_table_enforce_dev_resv_regions")
int BPF_PROG(enforce_leave)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->enforce_iopt = 0;
	if (w->device_action != IMS_DEV_ATTACH || (__s32)result(ctx))
		return 0;
	return hwpt_of_group(IDEV(w->idev, igroup), 0) ? device_joined() : 0;
}

SEC("fexit/iommu_attach_group_handle")
int BPF_PROG(group_attached)
{
	core_asked(IMS_HW_ATTACH, arg(ctx, 0), 0, result(ctx));
	if (!work_here() || (__s32)result(ctx))
		return 0;
	handle_made(arg(ctx, 1), 0, arg(ctx, 2));
	return device_joined();
}

SEC("fexit/iommu_attach_device_pasid")
int BPF_PROG(pasid_attached)
{
	struct work *w = work_here();

	if (!w || !w->idev || !w->pasid || (__s32)result(ctx))
		return 0;
	handle_made((__u64)IDEV(w->idev, igroup, group), w->pasid, arg(ctx, 3));
	return device_joined();
}

/* Before 6.12.y had handles for all. */
SEC("fexit/iommu_attach_group")
int BPF_PROG(group_attached_plain)
{
	core_asked(IMS_HW_ATTACH, arg(ctx, 0), 0, result(ctx));
	return (__s32)result(ctx) ? 0 : device_joined();
}

/* F8 in the catalogue of findings: iommufd too reads the HWPT before it has the lock. */
SEC("fentry/iommufd_hw_pagetable_detach")
int BPF_PROG(detach_enter, struct iommufd_device *idev)
{
	__u32 pasid = new_arg(ctx, 1, 1);

	device_begins((__u64)idev, IMS_DEV_DETACH,
		      (__u64)hwpt_of_group(IDEV((__u64)idev, igroup), pasid), pasid);
	return 0;
}

static __noinline int device_left(void)
{
	struct work *w = work_here();

	if (!w || w->device_action != IMS_DEV_DETACH || w->device_said || !w->to)
		return 0;
	w->device_said = 1;
	return device_record(w->idev, IMS_DEV_DETACH, w->to, 0, 0);
}

/* After the core has detached it and its faults were answered. */
SEC("fentry/iopt_remove_reserved_iova")
int BPF_PROG(regions_leave)
{
	return device_left();
}

SEC("fexit/iommufd_hw_pagetable_detach")
int BPF_PROG(detach_leave)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	device_left();
	return device_ends(w);
}

SEC("fexit/iommu_detach_device_pasid")
int BPF_PROG(pasid_detached)
{
	struct work *w = work_here();

	return w && w->pasid ? device_left() : 0;
}

SEC("fentry/iommufd_device_do_replace")
int BPF_PROG(replace_enter, struct iommufd_device *idev)
{
	device_begins((__u64)idev, IMS_DEV_REPLACE, arg_from_end(ctx, 0), new_arg(ctx, 1, 2));
	return 0;
}

enum { NOT_SAID, SAID, DUE };

static __noinline int device_replaced(void)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->device_said = SAID;
	return device_record(w->idev, IMS_DEV_REPLACE, w->to, w->from, 0);
}

/* iommufd switches page faults off before the replace is done. */
static __always_inline bool faults_go_off(const struct work *w)
{
	return w->from && HWPT(w->from, fault) && !HWPT(w->to, fault) &&
	       !(left_to_drivers() & IMS_HW_DRIVER_IOPF);
}

SEC("fexit/iommu_replace_group_handle")
int BPF_PROG(group_replaced)
{
	struct work *w = work_here();

	core_asked(IMS_HW_REPLACE, arg(ctx, 1), 0, result(ctx));
	if (!w || w->device_action != IMS_DEV_REPLACE || (__s32)result(ctx))
		return 0;
	handle_made(arg(ctx, 0), 0, arg(ctx, 2));
	w->from = (__u64)hwpt_of_group(IDEV(w->idev, igroup), 0);
	w->device_said = DUE;
	return faults_go_off(w) ? 0 : device_replaced();
}

SEC("fexit/iommu_replace_device_pasid")
int BPF_PROG(pasid_replaced)
{
	struct work *w = work_here();

	if (!w || w->device_action != IMS_DEV_REPLACE || !w->pasid || (__s32)result(ctx))
		return 0;
	handle_made((__u64)IDEV(w->idev, igroup, group), w->pasid, arg(ctx, 3));
	w->from = (__u64)hwpt_of_group(IDEV(w->idev, igroup), w->pasid);
	return device_replaced();
}

SEC("fexit/iommufd_fault_iopf_disable")
int BPF_PROG(faults_are_off)
{
	struct work *w = work_here();

	return w && w->device_said == DUE ? device_replaced() : 0;
}

SEC("fexit/iommufd_device_do_replace")
int BPF_PROG(replace_leave, struct iommufd_device *idev)
{
	struct work *w = work_here();
	__u64 rc = result(ctx);

	if (!w)
		return 0;
	if (w->device_said == DUE)
		device_replaced();
	else if (!w->device_said && IS_ERR(rc))
		device_record((__u64)idev, IMS_DEV_REPLACE, w->to,
			      (__u64)hwpt_of_group(IDEV((__u64)idev, igroup), w->pasid), rc);
	else if (!w->device_said && rc)	/* there is no IOMMU behind it */
		device_record((__u64)idev, IMS_DEV_REPLACE, w->to, rc, 0);
	return device_ends(w);
}

/* ---- vIOMMUs ---- */

#define VDEV(p, ...) READ(iommufd_vdevice, p, __VA_ARGS__)

/* Inside the lock of the group, as both of its callers are. */
static __noinline int vdevice_record(__u64 vdev, __u32 action)
{
	struct work *w = work_here();
	__u64 a[8] = { 0, vdev, action, (__u64)VDEV(vdev, viommu), (__u64)VDEV(vdev, idev, dev),
		       VDEV(vdev, virt_id), VDEV(vdev, obj.id), VDEV(vdev, idev, obj.id) };

	if (!w)
		return 0;
	a[0] = w->ctx;
	return on_vdevice(a);
}

SEC("fentry/iommufd_vdevice_abort")
int BPF_PROG(vdevice_leaves)
{
	return vdevice_record(arg(ctx, 0), IMS_VDEV_DEL);
}

#endif /* IMS_FENTRY_DEVICE_BPF_H */
