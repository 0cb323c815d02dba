/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd's own types and those of its neighbours, as far as a snapshot or the hooks
 * at its functions look into them.
 *
 * The fields named here are moved by CO-RE to where the running kernel has
 * them; names with ___ are flavours, for what differs between kernels.
 */
#ifndef IMS_IOMMUFD_BPF_H
#define IMS_IOMMUFD_BPF_H

#include <stddef.h>

#include "cred.bpf.h"

typedef struct {
	__s64 counter;
} __core atomic64_t;

typedef struct {
	long counter;
} __core atomic_long_t;

typedef struct {
	atomic_t refs;
} __core refcount_t;

struct kref {
	refcount_t refcount;
} __core;

struct rw_semaphore {
	atomic64_t count;
} __core;

struct mutex {
	atomic64_t owner;
} __core;

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __core;

struct rb_root {
	struct rb_node *rb_node;
} __core;

struct rb_root_cached {
	struct rb_root rb_root;
} __core;

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
	unsigned long __subtree_last;
} __core;

struct xarray {
	void *xa_head;
} __core;

struct xa_node {
	unsigned char shift;
	unsigned char count;
	void *slots[64];
} __core;

struct kobject {
	const char *name;
} __core;

struct bus_type {
	const char *name;
} __core;

struct device {
	struct kobject kobj;
	const char *init_name;
	const struct bus_type *bus;
	struct iommu_group *iommu_group;
} __core;

struct list_head {
	struct list_head *next;
} __core;

struct page {
	unsigned long flags;
} __core;

struct mm_struct {
	atomic64_t pinned_vm;
	unsigned long locked_vm;
} __core;

struct user_struct {
	atomic_long_t locked_vm;
} __core;

/* ---- the IOMMU core ---- */

struct iommu_group {
	int id;
	struct iommu_domain *domain;
} __core;

enum iommu_cap { IOMMU_CAP_CACHE_COHERENCY, IOMMU_CAP_ENFORCE_CACHE_COHERENCY };

enum iommu_dev_features { IOMMU_DEV_FEAT_IOPF };

struct iommufd_sw_msi_map {
	unsigned int id;
} __core;

struct iommu_domain_geometry {
	__u64 aperture_start;
	__u64 aperture_end;
} __core;

struct iommu_domain_ops {
	void *iotlb_sync;
} __core;

struct iommu_domain {
	unsigned int type;
	const struct iommu_domain_ops *ops;
	unsigned long pgsize_bitmap;
	struct iommu_domain_geometry geometry;
	const void *dirty_ops;
	void *fault_data;
} __core;

/* 6aa63a4ec947 ("iommu: Sort out domain user data"). */
struct iommu_domain___hwpt {
	struct iommufd_hw_pagetable *iommufd_hwpt;
} __core;

struct iommu_attach_handle {
	struct iommu_domain *domain;
} __core;

enum iommu_resv_type { IOMMU_RESV_DIRECT };

struct iommu_resv_region {
	struct list_head list;
	unsigned long long start;
	size_t length;
	enum iommu_resv_type type;
} __core;

struct iopf_group {
	struct iommu_attach_handle *attach_handle;
	unsigned int cookie;
} __core;

/* ---- iommufd: objects ---- */

enum iommufd_object_type {
	IOMMUFD_OBJ_NONE,
	IOMMUFD_OBJ_DEVICE,
	IOMMUFD_OBJ_HWPT_PAGING,
	IOMMUFD_OBJ_HWPT_NESTED,
	IOMMUFD_OBJ_IOAS,
	IOMMUFD_OBJ_ACCESS,
	IOMMUFD_OBJ_FAULT,
	IOMMUFD_OBJ_SELFTEST,
	IOMMUFD_OBJ_VIOMMU,
	IOMMUFD_OBJ_VDEVICE,
	IOMMUFD_OBJ_VEVENTQ,
	IOMMUFD_OBJ_HW_QUEUE,
};

/* The enum is renumbered whenever an object is added, and by CONFIG_IOMMUFD_TEST. */
#define IS_TYPE(raw, name)                                                    \
	(bpf_core_enum_value_exists(enum iommufd_object_type, IOMMUFD_OBJ_##name) && \
	 (raw) == bpf_core_enum_value(enum iommufd_object_type, IOMMUFD_OBJ_##name))

static __noinline __attribute__((unused)) __u32 object_type(__u32 raw)
{
	if (IS_TYPE(raw, DEVICE))
		return IMS_T_DEVICE;
	if (IS_TYPE(raw, HWPT_PAGING))
		return IMS_T_HWPT_PAGING;
	if (IS_TYPE(raw, HWPT_NESTED))
		return IMS_T_HWPT_NESTED;
	if (IS_TYPE(raw, IOAS))
		return IMS_T_IOAS;
	if (IS_TYPE(raw, ACCESS))
		return IMS_T_ACCESS;
	if (IS_TYPE(raw, FAULT))
		return IMS_T_FAULT;
	if (IS_TYPE(raw, SELFTEST))
		return IMS_T_SELFTEST;
	if (IS_TYPE(raw, VIOMMU))
		return IMS_T_VIOMMU;
	if (IS_TYPE(raw, VDEVICE))
		return IMS_T_VDEVICE;
	if (IS_TYPE(raw, VEVENTQ))
		return IMS_T_VEVENTQ;
	return IS_TYPE(raw, HW_QUEUE) ? IMS_T_HW_QUEUE : IMS_T_NONE;
}

struct iommufd_object {
	refcount_t shortterm_users;
	refcount_t users;
	enum iommufd_object_type type;
	unsigned int id;
} __core;

/* ab6bc44159d8 ("iommufd: Rename some shortterm-related identifiers"). */
struct iommufd_object___wait {
	refcount_t wait_cnt;
} __core;

struct iommufd_ioas;

struct iommufd_ctx {
	struct file *file;
	struct xarray objects;
	__u8 account_mode;
	struct iommufd_ioas *vfio_ioas;
} __core;

struct io_pagetable {
	struct rw_semaphore domains_rwsem;
	struct xarray domains;
	struct xarray access_list;
	struct rw_semaphore iova_rwsem;
	struct rb_root_cached area_itree;
	struct rb_root_cached allowed_itree;
	struct rb_root_cached reserved_itree;
	__u8 disable_large_pages;
	unsigned long iova_alignment;
} __core;

struct iommufd_ioas {
	struct iommufd_object obj;
	struct io_pagetable iopt;
} __core;

struct iommufd_ucmd {
	void *cmd;
} __core;

struct iommufd_fault {
	struct iommufd_object obj;
	struct iommufd_ctx *ictx;
} __core;

/* 5426a78bebef ("iommufd: Abstract an iommufd_eventq from iommufd_fault"). */
struct iommufd_eventq {
	struct iommufd_object obj;
	struct iommufd_ctx *ictx;
} __core;

struct iommufd_fault___eventq {
	struct iommufd_eventq common;
} __core;

struct iommufd_viommu;

struct iommufd_vdevice {
	struct iommufd_object obj;
	struct iommufd_viommu *viommu;
	struct iommufd_device *idev;
	__u64 virt_id;
} __core;

/* ---- iommufd: the IOVA space ---- */

struct iopt_pages {
	struct kref kref;
	struct mutex mutex;
	unsigned long npages;
	unsigned long npinned;
	unsigned long last_npinned;
	struct task_struct *source_task;
	struct mm_struct *source_mm;
	struct user_struct *source_user;
	void *uptr;
	_Bool writable : 1;
	__u8 account_mode;
	struct xarray pinned_pfns;
	struct rb_root_cached access_itree;
	struct rb_root_cached domains_itree;
} __core;

/*
 * f4986a72d6e4 ("iommufd: Add IOMMU_IOAS_MAP_FILE") can take them of a file,
 * 44ebaa1744fd ("iommufd: Accept a DMABUF through IOMMU_IOAS_MAP_FILE") of a dma-buf.
 */
enum iopt_address_type { IOPT_ADDRESS_USER, IOPT_ADDRESS_FILE, IOPT_ADDRESS_DMABUF };

struct dma_buf;

struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	void *importer_priv;
} __core;

struct phys_vec {
	__u64 paddr;
	size_t len;
} __core;

struct iopt_pages_dmabuf {
	struct dma_buf_attachment *attach;
	struct phys_vec phys;
	unsigned long start;
} __core;

struct iopt_pages___typed {
	enum iopt_address_type type;
	struct file *file;
	unsigned long start;
	struct iopt_pages_dmabuf dmabuf;
} __core;

struct iopt_pages_list {
	struct iopt_pages *pages;
	struct iopt_area *area;
	struct list_head next;
} __core;

struct pfn_batch {
	unsigned long *pfns;
	__u32 *npfns;
	unsigned int end;
	unsigned int total_pfns;
} __core;

struct pfn_reader {
	unsigned long batch_start_index;
} __core;

struct pfn_reader_user {
	unsigned long upages_start;
	unsigned long upages_end;
} __core;

struct iopt_pages_access {
	struct interval_tree_node node;
	unsigned int users;
} __core;

struct iopt_area {
	struct interval_tree_node node;
	struct interval_tree_node pages_node;
	struct io_pagetable *iopt;
	struct iopt_pages *pages;
	struct iommu_domain *storage_domain;
	unsigned int page_offset;
	int iommu_prot;
	_Bool prevent_access : 1;
	unsigned int num_accesses;
} __core;

struct iopt_reserved {
	struct interval_tree_node node;
	void *owner;
} __core;

/* ---- iommufd: who uses it ---- */

struct iommufd_hw_pagetable {
	struct iommufd_object obj;
	struct iommu_domain *domain;
	struct iommufd_fault *fault;
} __core;

/* dbc5f37b4f8a ("iommufd: Allow allocating PASID-compatible domain"). */
struct iommufd_hw_pagetable___pasid {
	_Bool pasid_compat : 1;
} __core;

struct iommufd_hwpt_paging {
	struct iommufd_hw_pagetable common;
	struct iommufd_ioas *ioas;
	_Bool auto_domain : 1;
	_Bool enforce_cache_coherency : 1;
	_Bool nest_parent : 1;
} __core;

struct iommufd_hwpt_nested {
	struct iommufd_hw_pagetable common;
	struct iommufd_hwpt_paging *parent;
} __core;

struct iommufd_group {
	struct mutex lock;
	struct iommu_group *group;
	struct iommufd_hw_pagetable *hwpt;
} __core;

/* c0e301b2978d ("iommufd/device: Add pasid_attach array to track per-PASID attach"). */
struct iommufd_group___pasid {
	struct xarray pasid_attach;
} __core;

struct iommufd_attach {
	struct iommufd_hw_pagetable *hwpt;
} __core;

struct iommufd_device {
	struct iommufd_object obj;
	struct iommufd_ctx *ictx;
	struct iommufd_group *igroup;
	struct device *dev;
} __core;

struct iommufd_access {
	struct iommufd_object obj;
	struct iommufd_ctx *ictx;
	struct iommufd_ioas *ioas;
	unsigned long iova_alignment;
} __core;

/* ---- how a file is found ---- */

struct file_operations {
	void *unlocked_ioctl;
} __core;

struct super_block {
	unsigned long s_magic;
} __core;

struct inode {
	struct super_block *i_sb;
} __core;

/* Of memory files. */
struct shmem_inode_info {
	unsigned int seals;
	struct inode vfs_inode;
} __core;

struct hugetlbfs_inode_info {
	struct inode vfs_inode;
	unsigned int seals;
} __core;

struct folio {
	unsigned long _flags_1;
} __core;

enum pageflags { PG_head };

struct file {
	const struct file_operations *f_op;
	struct inode *f_inode;
	unsigned int f_mode;
	void *private_data;
} __core;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} __core;

struct files_struct {
	struct fdtable *fdt;
} __core;

struct task_struct___files {
	struct files_struct *files;
	const struct cred *cred;
	struct task_struct *group_leader;
	char comm[16];
} __core;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} __core;

/* ---- the user ABI: fixed ---- */

struct iommu_ioas_map {
	__u32 size, flags, ioas_id, __reserved;
	__u64 user_va, length, iova;
};

struct iommu_ioas_map_file {
	__u32 size, flags, ioas_id;
	__s32 fd;
	__u64 start, length, iova;
};

struct iommu_ioas_copy {
	__u32 size, flags, dst_ioas_id, src_ioas_id;
	__u64 length, dst_iova, src_iova;
};

struct iommu_ioas_unmap {
	__u32 size, ioas_id;
	__u64 iova, length;
};

struct iommu_option {
	__u32 size, option_id;
	__u16 op, __reserved;
	__u32 object_id;
	__u64 val64;
};

struct iommu_hwpt_get_dirty_bitmap {
	__u32 size, hwpt_id, flags, __reserved;
	__u64 iova, length, page_size, data;
};

#endif /* IMS_IOMMUFD_BPF_H */
