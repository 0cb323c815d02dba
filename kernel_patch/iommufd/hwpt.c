// SPDX-License-Identifier: GPL-2.0-only
/*
 * HWPTs: domains of the IOMMU, with an ID.
 *
 * A paging HWPT translates what its IOAS says, from its birth to its death. A
 * nested one is a page table in user memory, whose output goes through its
 * parent; iommufd maps nothing in it.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

#include "../iommu-priv.h"
#include "device.h"
#include "observe.h"

/* ---- the end ---- */

/* The domain stops to follow the IOAS; the caller holds hwpts_lock. */
void ufd_hwpt_leave(struct ufd_hwpt *hwpt)
{
	lockdep_assert_held(&hwpt->ioas->hwpts_lock);
	list_del_init(&hwpt->node);
	ufd_domain_leave(&hwpt->ioas->space, &hwpt->seat);
}

static void free_contents(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt)
{
	if (hwpt->domain)
		iommu_domain_free(hwpt->domain);
	if (hwpt->fault)
		ufd_obj_put(ctx, &hwpt->fault->obj);
	if (hwpt->parent)
		ufd_obj_put(ctx, &hwpt->parent->obj);
	if (hwpt->ioas)
		ufd_obj_put(ctx, &hwpt->ioas->obj);
}

void ufd_hwpt_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct ufd_hwpt *hwpt = container_of(obj, struct ufd_hwpt, obj);

	if (hwpt->ioas) {
		mutex_lock(&hwpt->ioas->hwpts_lock);
		ufd_hwpt_leave(hwpt);
		mutex_unlock(&hwpt->ioas->hwpts_lock);
	}
	free_contents(ctx, hwpt);
}

/* The end of one that was never shown; hwpts_lock is held if it has an IOAS. */
void ufd_hwpt_discard(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt)
{
	if (!list_empty(&hwpt->node))
		ufd_hwpt_leave(hwpt);
	free_contents(ctx, hwpt);
	ufd_obj_abort(ctx, &hwpt->obj);
}

/* A device leaves; an automatic HWPT goes with the last one. */
void ufd_hwpt_put(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt)
{
	if (hwpt->automatic)
		ufd_obj_put_or_destroy(ctx, &hwpt->obj);
	else
		ufd_obj_put(ctx, &hwpt->obj);
}

/* ---- paging ---- */

static int check_paging(struct iommufd_device *idev, u32 flags, const struct iommu_user_data *data)
{
	const u32 known = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if ((flags || data) && !dev_iommu_ops(idev->dev)->domain_alloc_user)
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) &&
	    !device_iommu_capable(idev->dev, IOMMU_CAP_DIRTY_TRACKING))
		return -EOPNOTSUPP;
	return 0;
}

/* The driver makes a domain, for us to map in or below a parent. */
static int make_domain(struct ufd_hwpt *hwpt, struct device *dev, u32 flags,
		       const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	struct iommu_domain *parent = hwpt->parent ? hwpt->parent->domain : NULL;
	struct iommu_domain *domain;

	if (ops->domain_alloc_user)
		domain = ops->domain_alloc_user(dev, flags, parent, data);
	else
		domain = iommu_paging_domain_alloc(dev);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	domain->owner = ops;
	hwpt->domain = domain;
	hwpt->seat.domain = domain;
	return 0;
}

/*
 * Before anything is mapped, since for some IOMMUs this is a property of each
 * entry. It never changes afterwards.
 */
static int enforce_cc(struct ufd_hwpt *hwpt, struct iommufd_device *idev)
{
	const struct iommu_domain_ops *ops = hwpt->domain->ops;

	if (!idev->enforce_cc)
		return 0;
	hwpt->enforce_cc = ops->enforce_cache_coherency &&
			   ops->enforce_cache_coherency(hwpt->domain);
	/* The driver has said that it could. */
	return WARN_ON(!hwpt->enforce_cc) ? -EINVAL : 0;
}

/* Some drivers finish a domain only when it is attached: do that first if asked. */
static int join(struct ufd_hwpt *hwpt, struct iommufd_device *idev, bool attach)
{
	int rc = attach ? ufd_group_attach(idev, hwpt) : 0;

	if (rc)
		return rc;
	rc = ufd_domain_join(&hwpt->ioas->space, &hwpt->seat);
	if (rc && attach)
		ufd_obj_put(idev->ctx, &ufd_group_detach(idev)->obj);
	if (!rc)
		list_add_tail(&hwpt->node, &hwpt->ioas->hwpts);
	return rc;
}

/**
 * ufd_hwpt_new_paging - a domain that translates what an IOAS says
 * @ctx: the context
 * @ioas: the IOAS, hwpts_lock is held until the HWPT is shown or discarded
 * @idev: a device that it must work for
 * @flags: IOMMU_HWPT_ALLOC_*
 * @attach: attach the device too
 * @data: for the driver, or NULL
 *
 * Return: the HWPT or an error
 */
struct ufd_hwpt *ufd_hwpt_new_paging(struct iommufd_ctx *ctx, struct ufd_ioas *ioas,
				     struct iommufd_device *idev, u32 flags,
				     bool attach, const struct iommu_user_data *data)
{
	struct ufd_hwpt *hwpt;
	int rc = check_paging(idev, flags, data);

	lockdep_assert_held(&ioas->hwpts_lock);
	if (rc)
		return ERR_PTR(rc);
	hwpt = ufd_obj_new(ctx, sizeof(*hwpt), UFD_HWPT_PAGING);
	if (IS_ERR(hwpt))
		return hwpt;
	INIT_LIST_HEAD(&hwpt->node);
	ufd_obj_hold(&ioas->obj);
	hwpt->ioas = ioas;
	hwpt->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;

	rc = make_domain(hwpt, idev->dev, flags, data);
	if (!rc)
		rc = enforce_cc(hwpt, idev);
	if (!rc) {
		ufd_see_hwpt(ctx, hwpt, flags);
		rc = join(hwpt, idev, attach);
	}
	if (rc) {
		ufd_hwpt_discard(ctx, hwpt);
		return ERR_PTR(rc);
	}
	return hwpt;
}

/* ---- nested ---- */

static int check_nested(struct ufd_hwpt *parent, struct iommufd_device *idev, u32 flags,
			const struct iommu_user_data *data)
{
	const struct iommu_ops *ops = dev_iommu_ops(idev->dev);

	if ((flags & ~IOMMU_HWPT_FAULT_ID_VALID) || !data->len || !ops->domain_alloc_user)
		return -EOPNOTSUPP;
	if (parent->automatic || !parent->nest_parent || parent->domain->owner != ops)
		return -EINVAL;
	return 0;
}

static struct ufd_hwpt *new_nested(struct iommufd_ctx *ctx, struct ufd_hwpt *parent,
				   struct iommufd_device *idev, u32 flags,
				   const struct iommu_user_data *data)
{
	struct ufd_hwpt *hwpt;
	int rc = check_nested(parent, idev, flags, data);

	if (rc)
		return ERR_PTR(rc);
	hwpt = ufd_obj_new(ctx, sizeof(*hwpt), UFD_HWPT_NESTED);
	if (IS_ERR(hwpt))
		return hwpt;
	INIT_LIST_HEAD(&hwpt->node);
	ufd_obj_hold(&parent->obj);
	hwpt->parent = parent;
	rc = make_domain(hwpt, idev->dev, flags & ~IOMMU_HWPT_FAULT_ID_VALID, data);
	/* User space could not tell the IOMMU that its table has changed. */
	if (!rc && WARN_ON_ONCE(hwpt->domain->type != IOMMU_DOMAIN_NESTED ||
				!hwpt->domain->ops->cache_invalidate_user))
		rc = -EINVAL;
	if (rc) {
		ufd_hwpt_discard(ctx, hwpt);
		return ERR_PTR(rc);
	}
	ufd_see_hwpt(ctx, hwpt, flags);
	return hwpt;
}

/* ---- ioctls ---- */

static int use_fault_queue(struct ufd_call *call, struct ufd_hwpt *hwpt)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	struct ufd_fault *fault;

	if (!(cmd->flags & IOMMU_HWPT_FAULT_ID_VALID))
		return 0;
	fault = ufd_obj_find(call->ctx, cmd->fault_id, UFD_FAULT);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	/* The reference of the search becomes that of the HWPT. */
	hwpt->fault = fault;
	hwpt->domain->fault_data = hwpt;
	hwpt->domain->iopf_handler = ufd_fault_handler;
	return 0;
}

static int finish(struct ufd_call *call, struct ufd_hwpt *hwpt)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	int rc;

	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = use_fault_queue(call, hwpt);
	if (!rc) {
		cmd->out_hwpt_id = hwpt->obj.id;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	if (rc)
		ufd_hwpt_discard(call->ctx, hwpt);
	else
		ufd_obj_show(call->ctx, &hwpt->obj);
	return rc;
}

static int alloc_on(struct ufd_call *call, struct iommufd_device *idev, struct ufd_obj *on)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	const struct iommu_user_data data = {
		.type = cmd->data_type,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
		.len = cmd->data_len,
	};
	struct ufd_ioas *ioas;
	int rc;

	if (on->type == UFD_HWPT_PAGING)
		return finish(call, new_nested(call->ctx, container_of(on, struct ufd_hwpt, obj),
					       idev, cmd->flags, &data));
	if (on->type != UFD_IOAS)
		return -EINVAL;
	ioas = container_of(on, struct ufd_ioas, obj);
	mutex_lock(&ioas->hwpts_lock);
	rc = finish(call, ufd_hwpt_new_paging(call->ctx, ioas, idev, cmd->flags, false,
					      data.len ? &data : NULL));
	mutex_unlock(&ioas->hwpts_lock);
	return rc;
}

int ufd_hwpt_alloc(struct ufd_call *call)
{
	struct iommu_hwpt_alloc *cmd = call->cmd;
	struct iommufd_device *idev;
	struct ufd_obj *on;
	int rc = -EINVAL;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if ((cmd->data_type == IOMMU_HWPT_DATA_NONE) != !cmd->data_len)
		return -EINVAL;
	idev = ufd_obj_find(call->ctx, cmd->dev_id, UFD_DEVICE);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	on = ufd_obj_find(call->ctx, cmd->pt_id, UFD_ANY);
	if (!IS_ERR(on)) {
		rc = alloc_on(call, idev, on);
		ufd_obj_put(call->ctx, on);
	}
	ufd_obj_put(call->ctx, &idev->obj);
	return rc;
}

/* Bounds how long one call can keep a CPU busy. */
#define INVALIDATE_MOST (1U << 19)

static int invalidate(struct ufd_call *call, u32 *done)
{
	struct iommu_hwpt_invalidate *cmd = call->cmd;
	struct iommu_user_data_array array = {
		.type = cmd->data_type,
		.uptr = u64_to_user_ptr(cmd->data_uptr),
		.entry_len = cmd->entry_len,
		.entry_num = cmd->entry_num,
	};
	struct ufd_hwpt *hwpt;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len || cmd->entry_len > PAGE_SIZE ||
			       cmd->entry_num > INVALIDATE_MOST))
		return -EINVAL;
	hwpt = ufd_obj_find(call->ctx, cmd->hwpt_id, UFD_HWPT_NESTED);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = hwpt->domain->ops->cache_invalidate_user(hwpt->domain, &array);
	*done = array.entry_num;
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}

int ufd_hwpt_invalidate(struct ufd_call *call)
{
	struct iommu_hwpt_invalidate *cmd = call->cmd;
	u32 done = 0;
	int rc = invalidate(call, &done);

	/* How many were done is told in any case. */
	cmd->entry_num = done;
	return ufd_reply(call, sizeof(*cmd)) ?: rc;
}
