// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel accesses: drivers (mdev, for example) that use an IOVA space with the
 * CPU. Here is which IOAS an access uses; what it does there is in access_io.c.
 *
 * Before a window goes, or the access leaves, the driver is asked to unpin. It
 * may do that from within the question, so no lock of ours is held then. An
 * access that moves may not pin meanwhile, but it may unpin: @ioas is NULL, and
 * @ioas_unpin still is the old one.
 */
#include <linux/rcupdate.h>

#include "device.h"
#include "observe.h"

static void ask_to_unpin(struct iommufd_access *access, struct ufd_space *s, unsigned long iova,
			 unsigned long length)
{
	if (!access->ops->unmap)
		return;
	ufd_see_access_op(access, s, IOMMUFD_TRACE_ACCESS_OP_NOTIFY_BEGIN, iova, length, 0, 0);
	access->ops->unmap(access->data, iova, length);
	ufd_see_access_op(access, s, IOMMUFD_TRACE_ACCESS_OP_NOTIFY_END, iova, length, 0, 0);
}

/* The next one that is not about to be destroyed; who destroys it unpins himself. */
static struct iommufd_access *next_access(struct ufd_space *s, unsigned long *seat)
{
	struct iommufd_access *access;

	rcu_read_lock();
	access = xa_find(&s->accesses, seat, ULONG_MAX, XA_PRESENT);
	while (access && !ufd_obj_try_hold(&access->obj))
		access = xa_find_after(&s->accesses, seat, ULONG_MAX, XA_PRESENT);
	rcu_read_unlock();
	return access;
}

/**
 * ufd_access_notify - ask all drivers to unpin a range
 * @s: the space, not locked
 * @iova: start
 * @length: bytes
 */
void ufd_access_notify(struct ufd_space *s, unsigned long iova, unsigned long length)
{
	struct iommufd_access *access;
	unsigned long seat = 0;

	for (; (access = next_access(s, &seat)); seat++) {
		ask_to_unpin(access, s, iova, length);
		ufd_obj_put(s->ctx, &access->obj);
	}
}

/* ---- which IOAS ---- */

static void leave(struct iommufd_access *access, struct ufd_ioas *old, u32 seat)
{
	/* A driver without pins has nothing to say, and need not listen. */
	mutex_unlock(&access->lock);
	ask_to_unpin(access, &old->space, 0, ULONG_MAX);
	mutex_lock(&access->lock);
	ufd_access_leave(&old->space, access, seat);
	ufd_obj_put(access->ctx, &old->obj);
}

static int move(struct iommufd_access *access, struct ufd_ioas *to)
{
	struct ufd_ioas *old = access->ioas;
	u32 old_seat = access->seat, seat = 0;
	int rc;

	lockdep_assert_held(&access->lock);
	/* Another thread moves it, and asks the driver right now. */
	if (old != access->ioas_unpin)
		return -EBUSY;
	if (old == to)
		return 0;
	if (to) {
		rc = ufd_access_join(&to->space, access, &seat);
		if (rc)
			return rc;
		ufd_obj_hold(&to->obj);
	}
	access->ioas = NULL;
	if (old)
		leave(access, old, old_seat);
	access->ioas = to;
	access->ioas_unpin = to;
	access->seat = seat;
	return 0;
}

static int move_to_id(struct iommufd_access *access, u32 id)
{
	struct ufd_ioas *ioas = ufd_obj_find(access->ctx, id, UFD_IOAS);
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = move(access, ioas);
	ufd_obj_put(access->ctx, &ioas->obj);
	return rc;
}

/**
 * iommufd_access_attach - let an access use an IOAS
 * @access: the access, which uses none
 * @ioas_id: ID of the IOAS
 *
 * Return: 0 or an error
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	int rc = -EINVAL;

	mutex_lock(&access->lock);
	if (!WARN_ON(access->ioas))
		rc = move_to_id(access, ioas_id);
	mutex_unlock(&access->lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_attach, IOMMUFD);

/**
 * iommufd_access_replace - let an access use another IOAS
 * @access: the access
 * @ioas_id: ID of the new IOAS
 *
 * Return: 0, -ENOENT when it uses none, or an error; then it uses what it did
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	int rc = -ENOENT;

	mutex_lock(&access->lock);
	if (access->ioas)
		rc = move_to_id(access, ioas_id);
	mutex_unlock(&access->lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_replace, IOMMUFD);

/**
 * iommufd_access_detach - an access uses its IOAS no more
 * @access: the access
 */
void iommufd_access_detach(struct iommufd_access *access)
{
	mutex_lock(&access->lock);
	if (!WARN_ON(!access->ioas))
		WARN_ON(move(access, NULL));
	mutex_unlock(&access->lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_detach, IOMMUFD);

/* ---- life ---- */

/**
 * iommufd_access_create - make an access
 * @ictx: the context
 * @ops: of the driver; without unmap it cannot pin
 * @data: for @ops
 * @id: result, its ID
 *
 * Return: the access, to be given back by iommufd_access_destroy(), or an error
 */
struct iommufd_access *iommufd_access_create(struct iommufd_ctx *ictx,
					     const struct iommufd_access_ops *ops, void *data,
					     u32 *id)
{
	struct iommufd_access *access = ufd_obj_new(ictx, sizeof(*access), UFD_ACCESS);

	if (IS_ERR(access))
		return access;
	mutex_init(&access->lock);
	access->ctx = ictx;
	access->ops = ops;
	access->data = data;
	access->align = ops->needs_pin_pages ? PAGE_SIZE : 1;
	iommufd_ctx_get(ictx);
	/* The driver's, until it destroys it */
	ufd_obj_hold(&access->obj);
	*id = access->obj.id;
	ufd_obj_show(ictx, &access->obj);
	return access;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_create, IOMMUFD);

void ufd_access_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct iommufd_access *access = container_of(obj, struct iommufd_access, obj);

	mutex_lock(&access->lock);
	if (access->ioas)
		WARN_ON(move(access, NULL));
	mutex_unlock(&access->lock);
	mutex_destroy(&access->lock);
	iommufd_ctx_put(ctx);
}

/**
 * iommufd_access_destroy - the end of iommufd_access_create()
 * @access: the access, which the driver does not use any more
 *
 * No question to unpin is under way when this returns.
 */
void iommufd_access_destroy(struct iommufd_access *access)
{
	ufd_obj_destroy_wait(access->ctx, &access->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_destroy, IOMMUFD);
