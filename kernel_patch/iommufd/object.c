// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of objects: birth, lookup and death. The rule of references is at
 * the head of ufd.h.
 *
 * There are three ways for an object to die, and each ends in bury():
 *  - user space names its ID, and nobody but the table holds it;
 *  - the driver that made it has no use for it any more, and waits for those
 *    who still look at it: they cannot take long, and no new ones come;
 *  - who gives up a reference finds that only the table is left (automatic
 *    HWPTs).
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "observe.h"
#include "ufd.h"

static void (*const teardown[UFD_TYPES])(struct iommufd_ctx *ctx, struct ufd_obj *obj) = {
	[UFD_IOAS] = ufd_ioas_teardown,
	[UFD_HWPT_PAGING] = ufd_hwpt_teardown,
	[UFD_HWPT_NESTED] = ufd_hwpt_teardown,
	[UFD_DEVICE] = ufd_device_teardown,
	[UFD_ACCESS] = ufd_access_teardown,
	[UFD_FAULT] = ufd_fault_teardown,
#ifdef CONFIG_IOMMUFD_TEST
	[UFD_SELFTEST] = ufd_selftest_teardown,
#endif
};

/**
 * ufd_obj_new - make an object that nobody can find yet
 * @ctx: the context
 * @size: of the container, whose first member is the object
 * @type: of the container
 *
 * Its ID is taken, but names nothing. All that can fail comes between this and
 * ufd_obj_show(), or ends in ufd_obj_abort().
 *
 * Return: the container, zeroed, or an error
 */
void *ufd_obj_new(struct iommufd_ctx *ctx, size_t size, enum ufd_type type)
{
	struct ufd_obj *obj = kzalloc(size, GFP_KERNEL_ACCOUNT);
	int rc;

	if (!obj)
		return ERR_PTR(-ENOMEM);
	refcount_set(&obj->refs, 1);
	obj->type = type;
	rc = xa_alloc(&ctx->objects, &obj->id, XA_ZERO_ENTRY, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(obj);
		return ERR_PTR(rc);
	}
	ufd_see_object(ctx, obj, IOMMUFD_TRACE_OBJECT_ALLOC);
	return obj;
}

/* From here on anybody can find the object, and destroy it if he may. */
void ufd_obj_show(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	ufd_see_object(ctx, obj, IOMMUFD_TRACE_OBJECT_FINALIZE);
	/* The slot exists, so that this needs no memory. */
	WARN_ON(xa_err(xa_store(&ctx->objects, obj->id, obj, GFP_KERNEL)));
}

/* The end of an object that was never shown; its contents are the caller's. */
void ufd_obj_abort(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	ufd_see_object(ctx, obj, IOMMUFD_TRACE_OBJECT_ABORT);
	xa_erase(&ctx->objects, obj->id);
	kfree(obj);
}

/**
 * ufd_obj_find - look up an object by its ID
 * @ctx: the context
 * @id: the ID
 * @type: what it must be, or UFD_ANY
 *
 * Return: the container, to be given back by ufd_obj_put(), or -ENOENT
 */
void *ufd_obj_find(struct iommufd_ctx *ctx, u32 id, enum ufd_type type)
{
	struct ufd_obj *obj;

	if (ufd_inject())
		return ERR_PTR(-ENOENT);

	rcu_read_lock();
	obj = xa_load(&ctx->objects, id);
	if (!obj || (type != UFD_ANY && obj->type != type) || !ufd_obj_try_hold(obj))
		obj = ERR_PTR(-ENOENT);
	rcu_read_unlock();
	return obj;
}

/* Take the ID back. The object may still be in use, but cannot be found. */
static void hide(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	xa_lock(&ctx->objects);
	__xa_erase(&ctx->objects, obj->id);
	ufd_see_object(ctx, obj, IOMMUFD_TRACE_OBJECT_DESTROY);
	if (obj->type == UFD_IOAS && ctx->compat == (void *)obj)
		ctx->compat = NULL;
	xa_unlock(&ctx->objects);
}

/* The caller brought the counter to zero, thus the object is his alone. */
static void bury(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	teardown[obj->type](ctx, obj);
	kfree_rcu(obj, rcu);
}

/**
 * ufd_obj_destroy_id - IOMMU_DESTROY
 * @ctx: the context
 * @id: of the object
 *
 * Return: 0, -ENOENT, or -EBUSY when anybody uses it, if only for a moment
 */
int ufd_obj_destroy_id(struct iommufd_ctx *ctx, u32 id)
{
	struct ufd_obj *obj;
	int rc = 0;

	rcu_read_lock();
	obj = xa_load(&ctx->objects, id);
	if (!obj)
		rc = -ENOENT;
	else if (!refcount_dec_if_one(&obj->refs))
		rc = refcount_read(&obj->refs) ? -EBUSY : -ENOENT;
	rcu_read_unlock();
	if (rc)
		return rc;
	hide(ctx, obj);
	bury(ctx, obj);
	return 0;
}

/**
 * ufd_obj_destroy_wait - destroy an object whose only long term user is the caller
 * @ctx: the context
 * @obj: the object; the reference of the caller goes with it
 *
 * Others may have found the object before it was hidden. They are in an ioctl or
 * in a notification, which end, and the last one wakes us.
 */
void ufd_obj_destroy_wait(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	hide(ctx, obj);
	refcount_dec(&obj->refs);
	if (!refcount_dec_and_test(&obj->refs))
		while (!wait_event_timeout(ctx->drained, !refcount_read(&obj->refs), 60 * HZ))
			WARN_ONCE(1, "iommufd: object %u of type %u is still in use", obj->id,
				  obj->type);
	bury(ctx, obj);
}

/**
 * ufd_obj_put_or_destroy - give up a reference, and the object if that was the last
 * @ctx: the context
 * @obj: the object
 *
 * Somebody else who looks at the object right now keeps it alive; it then stays
 * until user space destroys it or the context ends.
 */
void ufd_obj_put_or_destroy(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	bool last;

	/* As soon as our reference is gone, IOMMU_DESTROY could be faster. */
	rcu_read_lock();
	refcount_dec(&obj->refs);
	last = refcount_dec_if_one(&obj->refs);
	rcu_read_unlock();
	if (!last)
		return;
	hide(ctx, obj);
	bury(ctx, obj);
}

/**
 * ufd_obj_destroy_all - the context ends
 * @ctx: the context, which nobody else can reach
 *
 * Objects hold references to those that they need, and there is no circle, so
 * each round finds some that nobody needs.
 */
void ufd_obj_destroy_all(struct iommufd_ctx *ctx)
{
	unsigned long id;
	struct ufd_obj *obj;
	bool progress;

	while (!xa_empty(&ctx->objects)) {
		progress = false;
		xa_for_each(&ctx->objects, id, obj) {
			if (!refcount_dec_if_one(&obj->refs))
				continue;
			progress = true;
			hide(ctx, obj);
			bury(ctx, obj);
		}
		if (WARN_ON(!progress))
			break;
	}
}
