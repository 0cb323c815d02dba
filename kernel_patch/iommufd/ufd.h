/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The base of all files here: the context, the objects in it, and one ioctl.
 *
 * A context is what an open file of /dev/iommu stands for. It owns a table of
 * objects, each with an ID that user space uses. README.md explains the whole.
 *
 * References. An object has one counter. The table holds one reference for as
 * long as the ID exists; whoever works with the object, and whatever depends on
 * it, holds another. Only who takes the counter from one to zero, that is the
 * last one when nobody but the table holds it, may take the object apart. Nobody
 * gets a reference from zero, so there is no race to lose. Lookups take no lock:
 * the memory of an object outlives it by an RCU grace period.
 */
#ifndef UFD_H
#define UFD_H

#include <linux/iommufd.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

struct ufd_ioas;

/* The same numbers as enum iommufd_trace_type, see observe.c */
enum ufd_type {
	UFD_ANY,
	UFD_DEVICE,
	UFD_HWPT_PAGING,
	UFD_HWPT_NESTED,
	UFD_IOAS,
	UFD_ACCESS,
	UFD_FAULT,
	UFD_SELFTEST,
	UFD_TYPES
};

/* How a backing is charged; the same numbers as enum iommufd_trace_account */
enum ufd_charge {
	UFD_CHARGE_NONE,
	UFD_CHARGE_USER,
	UFD_CHARGE_MM,
};

/**
 * struct iommufd_ctx - an open file of /dev/iommu or of /dev/vfio/vfio
 * @file: the file; a reference to the context is one to the file
 * @objects: ID to struct ufd_obj; its lock also protects @compat, @noiommu and
 *	@charge
 * @drained: somebody waits for the last user of an object
 * @groups_lock: protects @groups
 * @groups: struct ufd_group of all bound devices
 * @compat: the IOAS that the ioctls of VFIO work on, or NULL
 * @charge: who is charged for new backings without CAP_IPC_LOCK; NONE is USER
 * @noiommu: a device without IOMMU uses this context
 */
struct iommufd_ctx {
	struct file *file;
	struct xarray objects;
	wait_queue_head_t drained;
	struct mutex groups_lock;
	struct list_head groups;
	struct ufd_ioas *compat;
	enum ufd_charge charge;
	bool noiommu;
};

/**
 * struct ufd_obj - what has an ID; always the first member of its container
 * @refs: see the head of this file
 * @type: of the container
 * @id: in iommufd_ctx.objects
 * @rcu: the end of lookups without a lock
 */
struct ufd_obj {
	refcount_t refs;
	enum ufd_type type;
	u32 id;
	struct rcu_head rcu;
};

/* object.c */
void *ufd_obj_new(struct iommufd_ctx *ctx, size_t size, enum ufd_type type);
void ufd_obj_show(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_obj_abort(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void *ufd_obj_find(struct iommufd_ctx *ctx, u32 id, enum ufd_type type);
int ufd_obj_destroy_id(struct iommufd_ctx *ctx, u32 id);
void ufd_obj_destroy_wait(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_obj_put_or_destroy(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_obj_destroy_all(struct iommufd_ctx *ctx);

/* Another user of an object that the caller already uses */
static inline void ufd_obj_hold(struct ufd_obj *obj)
{
	refcount_inc(&obj->refs);
}

/* False when the object is about to go away; needs RCU or a stable pointer */
static inline bool ufd_obj_try_hold(struct ufd_obj *obj)
{
	return refcount_inc_not_zero(&obj->refs);
}

/* The object may be gone after this, the context is not */
static inline void ufd_obj_put(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	if (refcount_dec_and_test(&obj->refs))
		wake_up_all(&ctx->drained);
}

/**
 * struct ufd_call - one ioctl
 * @ctx: the context
 * @uarg: where its argument is in user space
 * @usize: how large user space thinks it is
 * @cmd: the copy of it, zero beyond what user space gave
 */
struct ufd_call {
	struct iommufd_ctx *ctx;
	void __user *uarg;
	u32 usize;
	void *cmd;
};

/* Give back the answer, as far as user space knows the structure */
static inline int ufd_reply(struct ufd_call *call, size_t size)
{
	if (copy_to_user(call->uarg, call->cmd, min_t(size_t, call->usize, size)))
		return -EFAULT;
	return 0;
}

/* The ioctls, by the file that has them */
int ufd_ioas_alloc(struct ufd_call *call);
int ufd_ioas_ranges(struct ufd_call *call);
int ufd_ioas_allow(struct ufd_call *call);
int ufd_ioas_map(struct ufd_call *call);
int ufd_ioas_copy(struct ufd_call *call);
int ufd_ioas_unmap(struct ufd_call *call);
int ufd_option(struct ufd_call *call);
int ufd_hwpt_alloc(struct ufd_call *call);
int ufd_hwpt_invalidate(struct ufd_call *call);
int ufd_hwpt_set_dirty(struct ufd_call *call);
int ufd_hwpt_get_dirty(struct ufd_call *call);
int ufd_hw_info(struct ufd_call *call);
int ufd_fault_alloc(struct ufd_call *call);
int ufd_compat_ioas(struct ufd_call *call);
long ufd_compat_ioctl(struct iommufd_ctx *ctx, unsigned int cmd, unsigned long arg);

/* How each type is taken apart; nobody else can find the object any more */
void ufd_ioas_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_hwpt_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_device_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_access_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_fault_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);

#ifdef CONFIG_IOMMUFD_TEST
bool ufd_inject(void);
extern unsigned int ufd_test_pin_batch;
int ufd_selftest(struct ufd_call *call);
void ufd_selftest_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj);
void ufd_selftest_pick_iova(struct ufd_call *call, u32 ioas_id, u64 *iova, u32 *flags);
bool ufd_is_mock(struct device *dev);
int ufd_selftest_init(void);
void ufd_selftest_exit(void);
#else
static inline bool ufd_inject(void)
{
	return false;
}

static inline void ufd_selftest_pick_iova(struct ufd_call *call, u32 ioas_id, u64 *iova,
					  u32 *flags)
{
}

static inline bool ufd_is_mock(struct device *dev)
{
	return false;
}

static inline int ufd_selftest_init(void)
{
	return 0;
}

static inline void ufd_selftest_exit(void)
{
}
#endif

#endif /* UFD_H */
