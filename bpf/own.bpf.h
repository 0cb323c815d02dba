/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of our own iommufd (kernel_patch/iommufd), as far as a snapshot or a profile
 * looks into them.  iommufd.bpf.h has upstream's.
 *
 * Three structures have the same name in both, since drivers know them: here they are
 * flavours.
 */
#ifndef IMS_OWN_BPF_H
#define IMS_OWN_BPF_H

#include "iommufd.bpf.h"

enum ufd_type { UFD_ANY };		/* numbered as enum ims_object_type */
enum ufd_charge { UFD_CHARGE_NONE };	/* as enum ims_account_mode */
enum ufd_window_state { UFD_WINDOW_LIVE };

struct ufd_obj {
	enum ufd_type type;
	__u32 id;
} __core;

/* ---- user memory ---- */

struct ufd_hold {
	struct interval_tree_node range;
	unsigned int users;
} __core;

struct ufd_backing {
	struct kref refs;
	struct mutex lock;
	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
	unsigned long uptr;
	unsigned long npages;
	enum ufd_charge mode;
	_Bool writable;
	struct rb_root_cached holds;
	unsigned long pinned;
	unsigned long charged;
} __core;

/* ---- IOVA spaces ---- */

struct ufd_seat {
	struct list_head node;
	struct iommu_domain *domain;
} __core;

/* Of the user ABI: fixed. */
struct iommu_iova_range {
	__u64 start, last;
};

struct ufd_allowed {
	unsigned int n;
	struct iommu_iova_range range[];
} __core;

struct ufd_space {
	struct rw_semaphore set_lock;
	struct rw_semaphore map_lock;
	struct list_head seats;
	struct xarray accesses;
	unsigned long align;
	_Bool small_only;
	struct rb_root_cached windows;
	struct rb_root_cached keepouts;
	struct ufd_allowed *allowed;
} __core;

struct ufd_window {
	struct interval_tree_node iova;
	struct ufd_backing *backing;
	unsigned long start;
	int prot;
	enum ufd_window_state state;
	_Bool closed;
	unsigned int pins;
	struct ufd_hold hold;
} __core;

struct ufd_keepout {
	struct interval_tree_node iova;
	const void *owner;
} __core;

/* ---- objects ---- */

struct ufd_ioas {
	struct ufd_obj obj;
	struct ufd_space space;
} __core;

struct iommufd_ctx___own {
	struct ufd_ioas *compat;
	enum ufd_charge charge;
} __core;

struct ufd_fault {
	struct mutex lock;
} __core;

struct ufd_hwpt {
	struct ufd_obj obj;
	struct iommu_domain *domain;
	struct ufd_fault *fault;
	struct ufd_hwpt *parent;
	struct ufd_ioas *ioas;
	_Bool automatic;
	_Bool enforce_cc;
	_Bool nest_parent;
} __core;

struct ufd_group {
	struct iommu_group *group;
	struct mutex lock;
	struct ufd_hwpt *hwpt;
} __core;

struct iommufd_device___own {
	struct ufd_obj obj;
	struct iommufd_ctx *ctx;
	struct ufd_group *group;
	struct list_head attached;
	struct device *dev;
} __core;

struct iommufd_access___own {
	struct ufd_obj obj;
	struct iommufd_ctx *ctx;
	struct ufd_ioas *ioas;
	unsigned long align;
	struct mutex lock;
} __core;

#endif /* IMS_OWN_BPF_H */
