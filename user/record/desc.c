// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor table.  A new kind or field of bpf/record.h goes in here, and
 * is then printed, filtered and documented.
 *
 * The names are part of the JSON output: append, never rename.  A field that
 * would clash with a key of every record ("type") carries a longer name.
 */
#include "record/desc.h"

#include <string.h>

/* clang-format off */

/* ---- names of values ---- */

static const struct ims_name ctx_actions[] = {
	{ IMS_CTX_OPEN, "open" }, { IMS_CTX_RELEASE, "release" }, { IMS_CTX_FREED, "freed" }, {}
};
static const struct ims_name object_actions[] = {
	{ IMS_OBJ_ALLOC, "alloc" }, { IMS_OBJ_FINALIZE, "finalize" },
	{ IMS_OBJ_ABORT, "abort" }, { IMS_OBJ_DESTROY, "destroy" },
	{ IMS_OBJ_TOMBSTONE, "tombstone" }, {}
};
const struct ims_name ims_object_types[] = {
	{ IMS_T_NONE, "none" }, { IMS_T_DEVICE, "device" },
	{ IMS_T_HWPT_PAGING, "hwpt_paging" }, { IMS_T_HWPT_NESTED, "hwpt_nested" },
	{ IMS_T_IOAS, "ioas" }, { IMS_T_ACCESS, "access" }, { IMS_T_FAULT, "fault" },
	{ IMS_T_SELFTEST, "selftest" }, { IMS_T_VIOMMU, "viommu" },
	{ IMS_T_VDEVICE, "vdevice" }, { IMS_T_VEVENTQ, "veventq" },
	{ IMS_T_HW_QUEUE, "hw_queue" }, {}
};
const struct ims_name ims_hwpt_flags[] = {
	{ IMS_HWPT_NESTED, "nested" }, { IMS_HWPT_AUTO, "auto" },
	{ IMS_HWPT_PARENT, "parent" }, { IMS_HWPT_ENFORCE_CC, "enforce_cc" },
	{ IMS_HWPT_FAULT, "fault" }, { IMS_HWPT_DIRTY, "dirty" },
	{ IMS_HWPT_PASID, "pasid" }, {}
};
static const struct ims_name map_actions[] = {
	{ IMS_MAP_USER, "user" }, { IMS_MAP_COPY, "copy" }, { IMS_MAP_FILE, "file" }, {}
};
/* IOMMU_IOAS_MAP_* of the uAPI. */
static const struct ims_name map_flags[] = {
	{ 1, "fixed_iova" }, { 2, "writeable" }, { 4, "readable" }, {}
};
static const struct ims_name unmap_actions[] = {
	{ IMS_UNMAP_IOPT, "iopt" }, { IMS_UNMAP_IOCTL, "ioctl" }, {}
};
static const struct ims_name iova_actions[] = {
	{ IMS_IOVA_FIXED, "fixed" }, { IMS_IOVA_AUTO, "auto" }, {}
};
static const struct ims_name area_actions[] = {
	{ IMS_AREA_INSERT, "insert" }, { IMS_AREA_READY, "ready" }, { IMS_AREA_DYING, "dying" },
	{ IMS_AREA_FREE, "free" }, { IMS_AREA_REMOVE, "remove" },
	{ IMS_AREA_REINSERT, "reinsert" }, { IMS_AREA_PREVENT, "prevent" }, {}
};
static const struct ims_name split_flags[] = {
	{ IMS_SPLIT_LHS_LINKED, "lhs_linked" }, { IMS_SPLIT_RHS_LINKED, "rhs_linked" }, {}
};
static const struct ims_name pages_actions[] = {
	{ IMS_PAGES_ALLOC, "alloc" }, { IMS_PAGES_FREE, "free" }, {}
};
static const struct ims_name mappers[] = {
	{ IMS_MAPPER_IPC_LOCK, "ipc_lock" }, { IMS_MAPPER_USER, "user" },
	{ IMS_MAPPER_MM, "mm" }, { IMS_MAPPER_TASK, "task" },
	{ IMS_MAPPER_DMABUF, "dmabuf" }, {}
};
const struct ims_name ims_account_modes[] = {
	{ IMS_ACCT_NONE, "none" }, { IMS_ACCT_USER, "user" }, { IMS_ACCT_MM, "mm" }, {}
};
static const struct ims_name reserve_actions[] = {
	{ IMS_RESV_ADD, "add" }, { IMS_RESV_DEL, "del" }, {}
};
static const struct ims_name allow_actions[] = {
	{ IMS_ALLOW_RESET, "reset" }, { IMS_ALLOW_RANGE, "range" },
	{ IMS_ALLOW_REFUSED, "refused" }, {}
};
/* enum iommu_resv_type of the kernel. */
static const struct ims_name region_types[] = {
	{ 0, "direct" }, { 1, "direct_relaxable" }, { 2, "reserved" }, { 3, "msi" },
	{ 4, "sw_msi" }, {}
};
static const struct ims_name domain_actions[] = {
	{ IMS_DOM_ADD_BEGIN, "add_begin" }, { IMS_DOM_ADD_END, "add_end" },
	{ IMS_DOM_DEL_BEGIN, "del_begin" }, { IMS_DOM_DEL_END, "del_end" }, {}
};
const struct ims_name ims_dma_prot[] = {
	{ IMS_PROT_READ, "read" }, { IMS_PROT_WRITE, "write" }, { IMS_PROT_CACHE, "cache" },
	{ IMS_PROT_NOEXEC, "noexec" }, { IMS_PROT_MMIO, "mmio" }, { IMS_PROT_PRIV, "priv" }, {}
};
static const struct ims_name dma_unmap_flags[] = { { IMS_DMA_SYNCED, "synced" }, {} };
static const struct ims_name pin_actions[] = {
	{ IMS_PIN_HELD, "held" }, { IMS_PIN_TRANSIENT, "transient" }, {}
};
static const struct ims_name pin_flags[] = {
	{ IMS_PIN_WRITE, "write" }, { IMS_PIN_LONGTERM, "longterm" },
	{ IMS_PIN_REMOTE, "remote" }, { IMS_PIN_FILE, "file" }, {}
};
static const struct ims_name unpin_flags[] = {
	{ IMS_UNPIN_DIRTY, "dirty" }, { IMS_UNPIN_LIST, "list" }, {}
};
static const struct ims_name xarray_actions[] = {
	{ IMS_XA_STORE, "store" }, { IMS_XA_CLEAR, "clear" }, {}
};
static const struct ims_name device_actions[] = {
	{ IMS_DEV_BIND, "bind" }, { IMS_DEV_ATTACH, "attach" }, { IMS_DEV_REPLACE, "replace" },
	{ IMS_DEV_DETACH, "detach" }, { IMS_DEV_UNBIND, "unbind" }, {}
};
static const struct ims_name access_actions[] = {
	{ IMS_ACC_ADD, "add" }, { IMS_ACC_REMOVE, "remove" }, {}
};
static const struct ims_name access_range_actions[] = {
	{ IMS_ACC_RANGE_PIN, "pin" }, { IMS_ACC_RANGE_UNPIN, "unpin" }, {}
};
static const struct ims_name access_op_actions[] = {
	{ IMS_ACC_PIN, "pin" }, { IMS_ACC_UNPIN, "unpin" }, { IMS_ACC_RW, "rw" },
	{ IMS_ACC_NOTIFY_BEGIN, "notify_begin" }, { IMS_ACC_NOTIFY_END, "notify_end" }, {}
};
/* IOMMUFD_ACCESS_RW_* of the kernel; reading is 0. */
static const struct ims_name access_flags[] = {
	{ 1, "write" }, { 2, "kthread" }, { 4, "slow" }, { IMS_ACC_LOCK, "lock" }, {}
};
static const struct ims_name fault_actions[] = {
	{ IMS_FLT_QUEUE, "queue" }, { IMS_FLT_READ, "read" }, { IMS_FLT_RESTORE, "restore" },
	{ IMS_FLT_ANSWER, "answer" }, { IMS_FLT_AUTO, "auto" }, { IMS_FLT_DESTROY, "destroy" }, {}
};
static const struct ims_name dirty_actions[] = {
	{ IMS_DIRTY_SET, "set" }, { IMS_DIRTY_GET, "get" }, { IMS_DIRTY_READ, "read" }, {}
};
static const struct ims_name hw_actions[] = {
	{ IMS_HW_CLAIM, "claim" }, { IMS_HW_RELEASE, "release" }, { IMS_HW_ATTACH, "attach" },
	{ IMS_HW_REPLACE, "replace" }, { IMS_HW_DETACH, "detach" },
	{ IMS_HW_IOPF_ENABLE, "iopf_enable" }, { IMS_HW_IOPF_DISABLE, "iopf_disable" },
	{ IMS_HW_MSI_COOKIE, "msi_cookie" }, {}
};
static const struct ims_name hw_flags[] = {
	{ IMS_HW_COHERENT, "coherent" }, { IMS_HW_ENFORCE_CC, "enforce_cc" },
	{ IMS_HW_ISOLATED_MSI, "isolated_msi" }, { IMS_HW_UNSAFE_MSI_OK, "unsafe_msi_ok" },
	{ IMS_HW_MOCK, "mock" }, { IMS_HW_DRIVER_IOPF, "driver_iopf" },
	{ IMS_HW_DRIVER_MSI, "driver_msi" }, {}
};
static const struct ims_name domain_types[] = {
	{ IMS_DT_NONE, "none" }, { IMS_DT_BLOCKED, "blocked" }, { IMS_DT_PAGING, "paging" },
	{ IMS_DT_NESTED, "nested" }, { IMS_DT_DMA_API, "dma_api" },
	{ IMS_DT_IDENTITY, "identity" }, { IMS_DT_OTHER, "other" }, {}
};
static const struct ims_name iova_range_actions[] = {
	{ IMS_RANGE_ONE, "one" }, { IMS_RANGE_END, "end" }, {}
};
static const struct ims_name copy_paths[] = {
	{ IMS_COPY_PINNED, "pinned" }, { IMS_COPY_TRANSIENT, "transient" },
	{ IMS_COPY_USER, "user" }, {}
};
static const struct ims_name vfio_actions[] = {
	{ IMS_VFIO_IOAS, "ioas" }, { IMS_VFIO_SET_IOMMU, "set_iommu" },
	{ IMS_VFIO_EXTENSION, "extension" }, {}
};
static const struct ims_name file_actions[] = {
	{ IMS_FILE_MEMFD, "memfd" }, { IMS_FILE_DMABUF, "dmabuf" }, { IMS_FILE_REVOKE, "revoke" }, {}
};
static const struct ims_name file_flags[] = {
	{ IMS_FILE_WRITE, "write" }, { IMS_FILE_SEAL_WRITE, "seal_write" },
	{ IMS_FILE_SEAL_FUTURE, "seal_future_write" }, { IMS_FILE_REVOKED, "revoked" }, {}
};
static const struct ims_name process_actions[] = {
	{ IMS_PROC_TAKE, "take" }, { IMS_PROC_MOVE, "move" }, {}
};
static const struct ims_name vdevice_actions[] = {
	{ IMS_VDEV_ADD, "add" }, { IMS_VDEV_DEL, "del" }, {}
};
static const struct ims_name vevent_actions[] = {
	{ IMS_VEV_FETCH, "fetch" }, { IMS_VEV_RESTORE, "restore" }, {}
};
static const struct ims_name vevent_flags[] = { { 1, "lost" }, {} };
static const struct ims_name snapshot_actions[] = {
	{ IMS_SNAP_BEGIN, "begin" }, { IMS_SNAP_END, "end" }, { IMS_SNAP_MARK, "mark" }, {}
};
static const struct ims_name rlimit_mode_actions[] = {
	{ IMS_RLIMIT_PRIVILEGED, "privileged" }, { IMS_RLIMIT_UNPRIVILEGED, "unprivileged" }, {}
};
static const struct ims_name ioctl_actions[] = {
	{ IMS_IOCTL_ENTER, "enter" }, { IMS_IOCTL_EXIT, "exit" }, {}
};
/* _IO(';', n) of the uAPI, of VFIO's container as far as iommufd answers, and of the selftest. */
const struct ims_name ims_ioctl_cmds[] = {
	{ 0x3b64, "vfio_get_api_version" }, { 0x3b65, "vfio_check_extension" },
	{ 0x3b66, "vfio_set_iommu" }, { 0x3b70, "vfio_iommu_get_info" },
	{ 0x3b71, "vfio_iommu_map_dma" }, { 0x3b72, "vfio_iommu_unmap_dma" },
	{ 0x3b75, "vfio_iommu_dirty_pages" },
	{ 0x3b80, "destroy" }, { 0x3b81, "ioas_alloc" }, { 0x3b82, "ioas_allow_iovas" },
	{ 0x3b83, "ioas_copy" }, { 0x3b84, "ioas_iova_ranges" }, { 0x3b85, "ioas_map" },
	{ 0x3b86, "ioas_unmap" }, { 0x3b87, "option" }, { 0x3b88, "vfio_ioas" },
	{ 0x3b89, "hwpt_alloc" }, { 0x3b8a, "get_hw_info" },
	{ 0x3b8b, "hwpt_set_dirty_tracking" }, { 0x3b8c, "hwpt_get_dirty_bitmap" },
	{ 0x3b8d, "hwpt_invalidate" }, { 0x3b8e, "fault_queue_alloc" },
	{ 0x3b8f, "ioas_map_file" }, { 0x3b90, "viommu_alloc" }, { 0x3b91, "vdevice_alloc" },
	{ 0x3b92, "ioas_change_process" }, { 0x3b93, "veventq_alloc" },
	{ 0x3b94, "hw_queue_alloc" }, { 0x3b95, "ioas_noiommu_get_pa" }, { 0x3ba0, "test" }, {}
};

/* ---- fields, in the order of record.h ---- */

#define FIELD_AS(name_, s, f, show_, role_, names_)                             \
	{ name_, offsetof(struct ims_##s, f), sizeof(((struct ims_##s *)0)->f), \
	  IMS_SHOW_##show_, IMS_ROLE_##role_, names_ }
#define FIELD(s, f, show_) FIELD_AS(#f, s, f, show_, NONE, NULL)
#define IOVA(s, f) FIELD_AS(#f, s, f, ADDRESS, IOVA, NULL)
#define LAST(s, f) FIELD_AS(#f, s, f, ADDRESS, LAST, NULL)
#define LENGTH(s, f) FIELD_AS(#f, s, f, BYTES, LENGTH, NULL)
#define NAMED(s, f, show_, names_) FIELD_AS(#f, s, f, show_, NONE, names_)

static const struct ims_field ctx_fields[] = {
	FIELD(ctx, comm, TEXT),
	FIELD(ctx, mm, COOKIE),
	FIELD(ctx, uid, COUNT),
};
static const struct ims_field object_fields[] = {
	FIELD(object, obj, COOKIE),
	FIELD(object, id, COUNT),
	FIELD_AS("object_type", object, type, ENUM, NONE, ims_object_types),
};
static const struct ims_field ioas_fields[] = {
	FIELD(ioas, ioas, COOKIE),
	FIELD(ioas, obj, COOKIE),
	FIELD(ioas, id, COUNT),
};
static const struct ims_field hwpt_fields[] = {
	FIELD(hwpt, obj, COOKIE),
	FIELD(hwpt, domain, COOKIE),
	FIELD(hwpt, ioas, COOKIE),
	FIELD(hwpt, parent, COOKIE),
	FIELD(hwpt, id, COUNT),
	NAMED(hwpt, flags, FLAGS, ims_hwpt_flags),
};
static const struct ims_field map_fields[] = {
	FIELD(map, ioas, COOKIE),
	FIELD(map, src, COOKIE),
	IOVA(map, iova),
	LENGTH(map, length),
	FIELD(map, uptr, ADDRESS),
	NAMED(map, flags, FLAGS, map_flags),
	FIELD(map, rc, RC),
};
static const struct ims_field unmap_fields[] = {
	FIELD(unmap, ioas, COOKIE),
	IOVA(unmap, iova),
	LAST(unmap, last),
	FIELD(unmap, unmapped, BYTES),
	FIELD(unmap, rc, RC),
};
static const struct ims_field iova_fields[] = {
	FIELD(iova, ioas, COOKIE),
	IOVA(iova, iova),
	LENGTH(iova, length),
	FIELD(iova, hint, ADDRESS),
};
static const struct ims_field area_fields[] = {
	FIELD(area, ioas, COOKIE),
	FIELD(area, area, COOKIE),
	FIELD(area, pages, COOKIE),
	IOVA(area, iova),
	LAST(area, last),
	FIELD(area, start_byte, BYTES),
	NAMED(area, prot, FLAGS, ims_dma_prot),
	FIELD(area, nacc, COUNT),
};
static const struct ims_field split_fields[] = {
	FIELD(split, ioas, COOKIE),
	FIELD(split, area, COOKIE),
	FIELD(split, lhs, COOKIE),
	FIELD(split, rhs, COOKIE),
	FIELD(split, storage, COOKIE),
	NAMED(split, flags, FLAGS, split_flags),
};
static const struct ims_field storage_fields[] = {
	FIELD(storage, ioas, COOKIE),
	FIELD(storage, area, COOKIE),
	FIELD(storage, pages, COOKIE),
	FIELD(storage, domain, COOKIE),
};
static const struct ims_field pages_fields[] = {
	FIELD(pages, pages, COOKIE),
	FIELD(pages, uptr, ADDRESS),
	FIELD(pages, npages, COUNT),
	FIELD(pages, npinned, COUNT),
	FIELD(pages, mm, COOKIE),
	FIELD(pages, user, COOKIE),
	NAMED(pages, mode, ENUM, ims_account_modes),
	FIELD(pages, writable, BOOL),
	NAMED(pages, mapper, FLAGS, mappers),
};
static const struct ims_field reserve_fields[] = {
	FIELD(reserve, ioas, COOKIE),
	IOVA(reserve, start),
	LAST(reserve, last),
	FIELD(reserve, owner, COOKIE),
	FIELD(reserve, rc, RC),
};
static const struct ims_field allow_fields[] = {
	FIELD(allow, ioas, COOKIE),
	IOVA(allow, start),
	LAST(allow, last),
	FIELD(allow, rc, RC),
};
static const struct ims_field dev_region_fields[] = {
	FIELD(dev_region, ioas, COOKIE),
	FIELD(dev_region, dev, COOKIE),
	IOVA(dev_region, start),
	LAST(dev_region, last),
	FIELD_AS("region_type", dev_region, type, ENUM, NONE, region_types),
};
static const struct ims_field align_fields[] = {
	FIELD(align, ioas, COOKIE),
	FIELD(align, align, BYTES),
	FIELD(align, large, BOOL),
};
static const struct ims_field domain_fields[] = {
	FIELD(domain, ioas, COOKIE),
	FIELD(domain, domain, COOKIE),
	FIELD(domain, aperture_start, ADDRESS),
	FIELD(domain, aperture_last, ADDRESS),
	FIELD(domain, pgsize_bitmap, ADDRESS),
	FIELD(domain, rc, RC),
};
static const struct ims_field dma_map_fields[] = {
	FIELD(dma_map, domain, COOKIE),
	FIELD(dma_map, area, COOKIE),
	IOVA(dma_map, iova),
	NAMED(dma_map, prot, FLAGS, ims_dma_prot),
	FIELD(dma_map, rc, RC),
};
static const struct ims_field dma_unmap_fields[] = {
	FIELD(dma_unmap, domain, COOKIE),
	IOVA(dma_unmap, iova),
	LENGTH(dma_unmap, size),
	FIELD(dma_unmap, unmapped, BYTES),
	NAMED(dma_unmap, flags, FLAGS, dma_unmap_flags),
};
static const struct ims_field iotlb_sync_fields[] = {
	FIELD(iotlb_sync, domain, COOKIE),
};
static const struct ims_field pin_fields[] = {
	FIELD(pin, pages, COOKIE),
	FIELD(pin, index, COUNT),
	FIELD(pin, wanted, COUNT),
	FIELD(pin, got, SIGNED),
	FIELD(pin, uaddr, ADDRESS),
	NAMED(pin, flags, FLAGS, pin_flags),
};
static const struct ims_field pin_runs_fields[] = {
	FIELD(pin_runs, pages, COOKIE),
	FIELD(pin_runs, index, COUNT),
};
static const struct ims_field unpin_fields[] = {
	FIELD(unpin, pages, COOKIE),
	FIELD(unpin, index, COUNT),
	NAMED(unpin, flags, FLAGS, unpin_flags),
};
static const struct ims_field xarray_fields[] = {
	FIELD(xarray, pages, COOKIE),
	FIELD(xarray, index, COUNT),
	FIELD(xarray, last, COUNT),
};
static const struct ims_field account_fields[] = {
	FIELD(account, pages, COOKIE),
	FIELD(account, delta, SIGNED),
	FIELD(account, npinned, COUNT),
	FIELD(account, last_npinned, COUNT),
	FIELD(account, counter, COUNT),
	FIELD(account, limit, COUNT),
	FIELD(account, pinned_vm, COUNT),
	NAMED(account, mode, ENUM, ims_account_modes),
	FIELD(account, rc, RC),
	FIELD(account, moved, SIGNED),
	FIELD(account, pinned_moved, SIGNED),
};
static const struct ims_field rlimit_mode_fields[] = {
	NAMED(rlimit_mode, mode, ENUM, ims_account_modes),
	FIELD(rlimit_mode, rc, RC),
};
static const struct ims_field device_fields[] = {
	FIELD(device, dev, COOKIE),
	FIELD(device, domain, COOKIE),
	FIELD(device, old_domain, COOKIE),
	FIELD(device, id, COUNT),
	FIELD(device, hwpt, COUNT),
	FIELD(device, group, COUNT),
	FIELD(device, rc, RC),
	FIELD(device, handle, COOKIE),
	FIELD(device, name, TEXT),
};
static const struct ims_field access_fields[] = {
	FIELD(access, ioas, COOKIE),
	FIELD(access, access, COOKIE),
	FIELD(access, align, BYTES),
	FIELD(access, id, COUNT),
	FIELD(access, rc, RC),
};
static const struct ims_field access_range_fields[] = {
	FIELD(access_range, area, COOKIE),
	FIELD(access_range, pages, COOKIE),
	FIELD(access_range, index, COUNT),
	FIELD(access_range, last, COUNT),
	FIELD(access_range, users, COUNT),
	FIELD(access_range, nacc, COUNT),
	NAMED(access_range, flags, FLAGS, access_flags),
	FIELD(access_range, rc, RC),
};
static const struct ims_field access_op_fields[] = {
	FIELD(access_op, ioas, COOKIE),
	FIELD(access_op, access, COOKIE),
	IOVA(access_op, iova),
	LENGTH(access_op, length),
	NAMED(access_op, flags, FLAGS, access_flags),
	FIELD(access_op, rc, RC),
};
static const struct ims_field fault_fields[] = {
	FIELD(fault, fault, COOKIE),
	FIELD(fault, group, COOKIE),
	FIELD(fault, handle, COOKIE),
	FIELD(fault, cookie, COUNT),
	FIELD(fault, id, COUNT),
};
static const struct ims_field dirty_fields[] = {
	FIELD(dirty, domain, COOKIE),
	IOVA(dirty, iova),
	LENGTH(dirty, length),
	FIELD(dirty, enable, BOOL),
	FIELD(dirty, rc, RC),
};
static const struct ims_field hw_fields[] = {
	FIELD(hw, dev, COOKIE),
	FIELD(hw, domain, COOKIE),
	FIELD(hw, now, COOKIE),
	FIELD(hw, base, ADDRESS),
	FIELD(hw, group, COUNT),
	FIELD_AS("domain_type", hw, type, ENUM, NONE, domain_types),
	NAMED(hw, flags, FLAGS, hw_flags),
	FIELD(hw, rc, RC),
};
static const struct ims_field iova_range_fields[] = {
	FIELD(iova_range, ioas, COOKIE),
	IOVA(iova_range, start),
	LAST(iova_range, last),
	FIELD(iova_range, align, BYTES),
	FIELD(iova_range, count, COUNT),
	FIELD(iova_range, rc, RC),
};
static const struct ims_field readback_fields[] = {
	FIELD(readback, domain, COOKIE),
	FIELD(readback, area, COOKIE),
	IOVA(readback, iova),
	FIELD_AS("npages", readback, npages, COUNT, PAGES, NULL),
	FIELD(readback, hash, ADDRESS),
};
static const struct ims_field access_pfns_fields[] = {
	FIELD(access_pfns, area, COOKIE),
	FIELD(access_pfns, pages, COOKIE),
	FIELD(access_pfns, index, COUNT),
};
static const struct ims_field access_copy_fields[] = {
	FIELD(access_copy, pages, COOKIE),
	FIELD(access_copy, index, COUNT),
	FIELD(access_copy, pfn, ADDRESS),
	FIELD(access_copy, length, BYTES),
	FIELD(access_copy, offset, BYTES),
	NAMED(access_copy, flags, FLAGS, access_flags),
	NAMED(access_copy, path, ENUM, copy_paths),
	FIELD(access_copy, rc, RC),
};
static const struct ims_field vfio_fields[] = {
	FIELD(vfio, ioas, COOKIE),
	FIELD(vfio, arg, COUNT),
	FIELD(vfio, rc, SIGNED),
};
static const struct ims_field pasid_fields[] = {
	FIELD(pasid, dev, COOKIE),
	FIELD(pasid, domain, COOKIE),
	FIELD(pasid, old_domain, COOKIE),
	FIELD(pasid, handle, COOKIE),
	FIELD(pasid, id, COUNT),
	FIELD(pasid, hwpt, COUNT),
	FIELD(pasid, group, COUNT),
	FIELD(pasid, pasid, COUNT),
	FIELD(pasid, rc, RC),
};
static const struct ims_field file_fields[] = {
	FIELD(file, pages, COOKIE),
	FIELD(file, file, COOKIE),
	FIELD(file, phys, ADDRESS),
	NAMED(file, flags, FLAGS, file_flags),
};
static const struct ims_field process_fields[] = {
	FIELD(process, pages, COOKIE),
	FIELD(process, npages, SIGNED),
	FIELD(process, mm, COOKIE),
	FIELD(process, user, COOKIE),
	FIELD(process, moved, SIGNED),
	FIELD(process, pinned_moved, SIGNED),
	NAMED(process, mode, ENUM, ims_account_modes),
	FIELD(process, rc, RC),
};
static const struct ims_field vdevice_fields[] = {
	FIELD(vdevice, vdev, COOKIE),
	FIELD(vdevice, viommu, COOKIE),
	FIELD(vdevice, dev, COOKIE),
	FIELD(vdevice, virt_id, ADDRESS),
	FIELD(vdevice, id, COUNT),
	FIELD(vdevice, dev_id, COUNT),
};
static const struct ims_field vevent_fields[] = {
	FIELD(vevent, queue, COOKIE),
	FIELD(vevent, id, COUNT),
	FIELD(vevent, sequence, COUNT),
	NAMED(vevent, flags, FLAGS, vevent_flags),
	FIELD(vevent, num_events, COUNT),
	FIELD(vevent, depth, COUNT),
};
static const struct ims_field snapshot_fields[] = { FIELD(snapshot, number, COUNT) };
static const struct ims_field ioctl_fields[] = {
	NAMED(ioctl, cmd, ENUM, ims_ioctl_cmds),
	FIELD(ioctl, rc, RC),
};
static const struct ims_field loss_fields[] = {
	FIELD_AS("lost_ring", loss, lost[IMS_LOSS_RING], COUNT, NONE, NULL),
	FIELD_AS("lost_read", loss, lost[IMS_LOSS_READ], COUNT, NONE, NULL),
	FIELD_AS("lost_table", loss, lost[IMS_LOSS_TABLE], COUNT, NONE, NULL),
};
static const struct ims_field end_fields[] = {
	FIELD(end, records, COUNT),
};

/* ---- kinds ---- */

#define KIND(n, about_, actions_, addr_, len_) \
	{ #n, about_, actions_, n##_fields, sizeof(n##_fields) / sizeof(n##_fields[0]), addr_, len_ }

static const struct ims_desc descs[IMS_NR_KINDS] = {
	[IMS_CTX] = KIND(ctx, "a file of /dev/iommu is opened, released, freed", ctx_actions, NULL, NULL),
	[IMS_OBJECT] = KIND(object, "an object of the ctx is born or dies", object_actions, NULL, NULL),
	[IMS_IOAS] = KIND(ioas, "an IOAS object got its IOVA space", NULL, NULL, NULL),
	[IMS_HWPT] = KIND(hwpt, "a HWPT object got its domain", NULL, NULL, NULL),
	[IMS_MAP] = KIND(map, "IOAS_MAP or IOAS_COPY is done", map_actions, NULL, NULL),
	[IMS_UNMAP] = KIND(unmap, "IOAS_UNMAP is done", unmap_actions, NULL, NULL),
	[IMS_IOVA] = KIND(iova, "where the areas of a map will go", iova_actions, NULL, NULL),
	[IMS_AREA] = KIND(area, "an area of an IOAS changes its state", area_actions, NULL, NULL),
	[IMS_SPLIT] = KIND(split, "an area becomes two", NULL, NULL, NULL),
	[IMS_STORAGE] = KIND(storage, "another domain stores the PFNs of an area", NULL, NULL, NULL),
	[IMS_PAGES] = KIND(pages, "a pages object is born or dies", pages_actions, NULL, NULL),
	[IMS_RESERVE] = KIND(reserve, "IOVAs are reserved or given back", reserve_actions, NULL, NULL),
	[IMS_ALLOW] = KIND(allow, "the allowed IOVAs of an IOAS change", allow_actions, NULL, NULL),
	[IMS_DEV_REGION] = KIND(dev_region, "a device reports a reserved region", NULL, NULL, NULL),
	[IMS_ALIGN] = KIND(align, "the IOVA alignment of an IOAS changes", NULL, NULL, NULL),
	[IMS_DOMAIN] = KIND(domain, "a domain joins or leaves an IOAS", domain_actions, NULL, NULL),
	[IMS_DMA_MAP] = KIND(dma_map, "runs of memory were mapped in a domain", NULL, "paddr", "bytes"),
	[IMS_DMA_UNMAP] = KIND(dma_unmap, "a range was unmapped in a domain", NULL, NULL, NULL),
	[IMS_IOTLB_SYNC] = KIND(iotlb_sync, "the IOTLB of a domain was synced", NULL, NULL, NULL),
	[IMS_PIN] = KIND(pin, "what GUP was asked for and gave", pin_actions, NULL, NULL),
	[IMS_PIN_RUNS] = KIND(pin_runs, "the frames that were pinned", NULL, "pfn", "pages"),
	[IMS_UNPIN] = KIND(unpin, "frames were unpinned", NULL, "pfn", "pages"),
	[IMS_XARRAY] = KIND(xarray, "PFNs are kept in, or leave, the xarray", xarray_actions, NULL, NULL),
	[IMS_ACCOUNT] = KIND(account, "pinned pages are charged or released", NULL, NULL, NULL),
	[IMS_RLIMIT_MODE] = KIND(rlimit_mode, "who is charged for pinned pages changes", rlimit_mode_actions, NULL, NULL),
	[IMS_DEVICE] = KIND(device, "a device is bound, attached, replaced, detached, unbound", device_actions, NULL, NULL),
	[IMS_ACCESS] = KIND(access, "an in-kernel access joins or leaves an IOAS", access_actions, NULL, NULL),
	[IMS_ACCESS_RANGE] = KIND(access_range, "an in-kernel access pins a part of an area", access_range_actions, NULL, NULL),
	[IMS_ACCESS_OP] = KIND(access_op, "an in-kernel access does something with IOVAs", access_op_actions, NULL, NULL),
	[IMS_FAULT] = KIND(fault, "an I/O page fault goes its way", fault_actions, NULL, NULL),
	[IMS_DIRTY] = KIND(dirty, "dirty tracking is switched or read", dirty_actions, NULL, NULL),
	[IMS_IOCTL] = KIND(ioctl, "an ioctl of /dev/iommu begins or ends", ioctl_actions, NULL, NULL),
	[IMS_LOSS] = KIND(loss, "records did not arrive", NULL, NULL, NULL),
	[IMS_END] = KIND(end, "the stream is complete up to here", NULL, NULL, NULL),
	[IMS_HW] = KIND(hw, "the IOMMU core was asked for a device", hw_actions, NULL, NULL),
	[IMS_IOVA_RANGE] = KIND(iova_range, "a user was told the usable IOVAs", iova_range_actions, NULL, NULL),
	[IMS_READBACK] = KIND(readback, "PFNs were read out of a domain", NULL, NULL, NULL),
	[IMS_ACCESS_PFNS] = KIND(access_pfns, "an in-kernel access was given frames", NULL, "pfn", "pages"),
	[IMS_ACCESS_COPY] = KIND(access_copy, "an in-kernel access read or wrote memory", NULL, NULL, NULL),
	[IMS_VFIO] = KIND(vfio, "the VFIO container interface was set or asked", vfio_actions, NULL, NULL),
	[IMS_PASID] = KIND(pasid, "a PASID of a device is attached, replaced, detached", device_actions, NULL, NULL),
	[IMS_FILE] = KIND(file, "a pages object is made of a file or a dma-buf", file_actions, NULL, NULL),
	[IMS_PROCESS] = KIND(process, "another process takes over what is pinned", process_actions, NULL, NULL),
	[IMS_VDEVICE] = KIND(vdevice, "a device joins or leaves a vIOMMU", vdevice_actions, NULL, NULL),
	[IMS_VEVENT] = KIND(vevent, "an event of a vIOMMU is read", vevent_actions, NULL, NULL),
	[IMS_SNAPSHOT] = KIND(snapshot, "how an open ctx was found begins or ends", snapshot_actions, NULL, NULL),
};

/* clang-format on */

const struct ims_desc *ims_desc(uint32_t kind)
{
	return kind < IMS_NR_KINDS && descs[kind].name ? &descs[kind] : NULL;
}

enum ims_kind ims_kind_by_name(const char *name)
{
	for (unsigned int kind = 0; kind < IMS_NR_KINDS; kind++)
		if (descs[kind].name && !strcmp(descs[kind].name, name))
			return kind;
	return IMS_NONE;
}

const char *ims_name_of(const struct ims_name *names, uint64_t value)
{
	for (; names && names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

const char *ims_action_name(const struct ims_record *r)
{
	const struct ims_desc *d = ims_desc(r->h.kind);

	return d ? ims_name_of(d->actions, r->h.action) : NULL;
}

unsigned int ims_record_nfields(const struct ims_record *r)
{
	const struct ims_desc *d = ims_desc(r->h.kind);

	if (!d || (r->h.kind == IMS_CTX && r->h.action != IMS_CTX_OPEN))
		return 0;
	return d->nfields;
}

static const char *at(const struct ims_record *r, const struct ims_field *f)
{
	return (const char *)r + sizeof(r->h) + f->offset;
}

uint64_t ims_field_u64(const struct ims_record *r, const struct ims_field *f)
{
	union {
		uint16_t half;
		uint32_t word;
		uint64_t wide;
	} value;

	memcpy(&value, at(r, f), f->width <= sizeof(value) ? f->width : sizeof(value));
	switch (f->width) {
	case sizeof(value.half): return value.half;
	case sizeof(value.word): return value.word;
	default: return value.wide;
	}
}

int64_t ims_field_s64(const struct ims_record *r, const struct ims_field *f)
{
	uint64_t value = ims_field_u64(r, f);

	return f->width == sizeof(value) ? (int64_t)value : (int32_t)value;
}

const char *ims_field_text(const struct ims_record *r, const struct ims_field *f)
{
	return at(r, f);
}

uint64_t ims_runs_sum(const struct ims_record *r)
{
	const struct ims_run *run = ims_runs(r);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < r->h.nruns; i++)
		sum += run[i].len;
	return sum;
}

bool ims_record_iova(const struct ims_record *r, uint64_t *start, uint64_t *last)
{
	const struct ims_desc *d = ims_desc(r->h.kind);
	uint64_t length = r->h.kind == IMS_DMA_MAP ? ims_runs_sum(r) : 0;
	bool has_start = false, has_last = false;

	for (unsigned int i = 0; d && i < d->nfields; i++) {
		const struct ims_field *f = &d->fields[i];

		if (f->role == IMS_ROLE_IOVA) {
			*start = ims_field_u64(r, f);
			has_start = true;
		} else if (f->role == IMS_ROLE_LAST) {
			*last = ims_field_u64(r, f);
			has_last = true;
		} else if (f->role == IMS_ROLE_LENGTH) {
			length = ims_field_u64(r, f);
		} else if (f->role == IMS_ROLE_PAGES) {		/* the first may be a part of one */
			length = (ims_field_u64(r, f) << 12) - (*start & 0xfff);
		}
	}
	if (!has_start)
		return false;
	/* An empty range still happens somewhere; an overflowing one ends at the top. */
	if (!has_last && __builtin_add_overflow(*start, length ? length - 1 : 0, last))
		*last = UINT64_MAX;
	return true;
}
