/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects that use IOVA spaces: IOAS, HWPTs, devices, accesses, fault queues.
 *
 * Locks, in this order, before those of space.h:
 *  - ufd_ioas.hwpts_lock: which HWPTs an IOAS has, so that two devices which are
 *    attached at once come to share an automatic one
 *  - ufd_group.lock: what a group of devices is attached to
 *  - iommufd_access.lock: which IOAS an access uses
 *  - ufd_fault.lock, ufd_fault.queue_lock: faults on their way
 */
#ifndef UFD_DEVICE_H
#define UFD_DEVICE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "space.h"
#include "ufd.h"

/**
 * struct ufd_ioas - an IOVA space that has an ID
 * @obj: the object
 * @space: the IOVA space
 * @hwpts_lock: protects @hwpts
 * @hwpts: paging HWPTs, which hold a reference each
 */
struct ufd_ioas {
	struct ufd_obj obj;
	struct ufd_space space;
	struct mutex hwpts_lock;
	struct list_head hwpts;
};

/**
 * struct ufd_hwpt - a domain of the IOMMU
 * @obj: the object, of type UFD_HWPT_PAGING or UFD_HWPT_NESTED
 * @domain: the domain
 * @fault: queue of its page faults, with a reference, or NULL
 * @parent: NESTED: what translates its output, with a reference
 * @ioas: PAGING: what it translates, with a reference
 * @node: PAGING: in ufd_ioas.hwpts
 * @seat: PAGING: in ufd_space.seats
 * @automatic: made by an attach to an IOAS, and goes with the last device
 * @enforce_cc: devices cannot bypass the caches
 * @nest_parent: may be a parent
 * @msi_cookie: interrupts can be mapped
 */
struct ufd_hwpt {
	struct ufd_obj obj;
	struct iommu_domain *domain;
	struct ufd_fault *fault;
	struct ufd_hwpt *parent;
	struct ufd_ioas *ioas;
	struct list_head node;
	struct ufd_seat seat;
	bool automatic;
	bool enforce_cc;
	bool nest_parent;
	bool msi_cookie;
};

/* The HWPT whose IOVA space a device uses: nested ones borrow it of the parent */
static inline struct ufd_hwpt *ufd_hwpt_paging(struct ufd_hwpt *hwpt)
{
	return hwpt->parent ?: hwpt;
}

static inline struct ufd_space *ufd_hwpt_space(struct ufd_hwpt *hwpt)
{
	return &ufd_hwpt_paging(hwpt)->ioas->space;
}

/**
 * struct ufd_group - devices that the IOMMU cannot tell from each other
 * @node: in iommufd_ctx.groups
 * @bound: number of devices that are bound; under iommufd_ctx.groups_lock
 * @group: of the IOMMU core, with a reference
 * @lock: protects the rest
 * @hwpt: what all attached devices use, NULL: none is attached
 * @devices: struct iommufd_device that are attached
 * @sw_msi: where interrupts shall be mapped to, PHYS_ADDR_MAX: nowhere
 */
struct ufd_group {
	struct list_head node;
	unsigned int bound;
	struct iommu_group *group;
	struct mutex lock;
	struct ufd_hwpt *hwpt;
	struct list_head devices;
	phys_addr_t sw_msi;
};

/**
 * struct iommufd_device - a device that user space drives
 * @obj: the object; the driver holds a reference until it unbinds
 * @ctx: the context, with a reference unless it is a mock device
 * @group: its group
 * @attached: in ufd_group.devices
 * @dev: the device
 * @enforce_cc: it needs a HWPT that enforces cache coherency
 * @iopf_lock: protects @iopf
 * @iopf: number of reasons to let it have page faults
 */
struct iommufd_device {
	struct ufd_obj obj;
	struct iommufd_ctx *ctx;
	struct ufd_group *group;
	struct list_head attached;
	struct device *dev;
	bool enforce_cc;
	struct mutex iopf_lock;
	unsigned int iopf;
};

/**
 * struct ufd_handle - what page faults carry; one for each attach of a group
 * @core: the part that the IOMMU core knows
 * @idev: the device by which the group was attached
 */
struct ufd_handle {
	struct iommu_attach_handle core;
	struct iommufd_device *idev;
};

/**
 * struct iommufd_access - a driver that uses an IOVA space without a device
 * @obj: the object; the driver holds a reference until it destroys it
 * @ctx: the context, with a reference
 * @ops: of the driver
 * @data: of the driver
 * @align: that it needs
 * @lock: protects the rest
 * @ioas: what it may pin in, with a reference, or NULL
 * @ioas_unpin: what it may unpin in; differs from @ioas while it moves
 * @seat: in ufd_space.accesses
 */
struct iommufd_access {
	struct ufd_obj obj;
	struct iommufd_ctx *ctx;
	const struct iommufd_access_ops *ops;
	void *data;
	unsigned long align;
	struct mutex lock;
	struct ufd_ioas *ioas;
	struct ufd_ioas *ioas_unpin;
	u32 seat;
};

/**
 * struct ufd_fault - page faults on their way to user space and back
 * @obj: the object; its file holds a reference
 * @ctx: the context, with a reference of the file
 * @lock: one reader or writer at a time; protects @asked
 * @asked: cookie to struct iopf_group that user space has read
 * @queue_lock: protects @queue
 * @queue: struct iopf_group to be read
 * @wait: poll
 */
struct ufd_fault {
	struct ufd_obj obj;
	struct iommufd_ctx *ctx;
	struct mutex lock;
	struct xarray asked;
	spinlock_t queue_lock;
	struct list_head queue;
	wait_queue_head_t wait;
};

/* ioas.c */
struct ufd_ioas *ufd_ioas_new(struct iommufd_ctx *ctx);
void ufd_ioas_discard(struct iommufd_ctx *ctx, struct ufd_ioas *ioas);

/* hwpt.c */
struct ufd_hwpt *ufd_hwpt_new_paging(struct iommufd_ctx *ctx, struct ufd_ioas *ioas,
				     struct iommufd_device *idev, u32 flags,
				     bool attach, const struct iommu_user_data *data);
void ufd_hwpt_discard(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt);
void ufd_hwpt_leave(struct ufd_hwpt *hwpt);
void ufd_hwpt_put(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt);

/* group.c */
struct ufd_group *ufd_group_get(struct iommufd_ctx *ctx, struct device *dev);
void ufd_group_put(struct iommufd_ctx *ctx, struct ufd_group *group);
int ufd_group_attach(struct iommufd_device *idev, struct ufd_hwpt *hwpt);
struct ufd_hwpt *ufd_group_detach(struct iommufd_device *idev);
struct ufd_hwpt *ufd_group_replace(struct iommufd_device *idev, struct ufd_hwpt *hwpt);

/* fault.c */
int ufd_iopf_on(struct iommufd_device *idev);
void ufd_iopf_off(struct iommufd_device *idev);
void ufd_fault_end(struct ufd_fault *fault, struct ufd_handle *handle);
int ufd_fault_handler(struct iopf_group *group);

#endif /* UFD_DEVICE_H */
