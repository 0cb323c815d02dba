// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups: devices that the IOMMU cannot tell from each other share what they are
 * attached to. The first device of a group attaches all of it, the last one that
 * leaves detaches it, and a replace takes all along.
 *
 * The ranges that a device needs kept out are those of each device: they are kept
 * out before it can do DMA, and until it cannot any more.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "device.h"
#include "observe.h"

/* ---- life ---- */

static struct ufd_group *group_new(struct iommu_group *core)
{
	struct ufd_group *group = kzalloc(sizeof(*group), GFP_KERNEL);

	if (!group)
		return NULL;
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->devices);
	group->sw_msi = PHYS_ADDR_MAX;
	group->group = core;
	return group;
}

static struct ufd_group *group_find(struct iommufd_ctx *ctx, struct iommu_group *core)
{
	struct ufd_group *group;

	list_for_each_entry(group, &ctx->groups, node)
		if (group->group == core)
			return group;
	return NULL;
}

/**
 * ufd_group_get - the group of a device, for one that is going to be bound
 * @ctx: the context
 * @dev: the device
 *
 * Return: the group or an error
 */
struct ufd_group *ufd_group_get(struct iommufd_ctx *ctx, struct device *dev)
{
	struct iommu_group *core = iommu_group_get(dev);
	struct ufd_group *group;

	if (!core)
		return ERR_PTR(-ENODEV);
	mutex_lock(&ctx->groups_lock);
	group = group_find(ctx, core);
	if (group) {
		iommu_group_put(core);
	} else {
		group = group_new(core);
		if (group) {
			list_add_tail(&group->node, &ctx->groups);
		} else {
			iommu_group_put(core);
			group = ERR_PTR(-ENOMEM);
		}
	}
	if (!IS_ERR(group))
		group->bound++;
	mutex_unlock(&ctx->groups_lock);
	return group;
}

void ufd_group_put(struct iommufd_ctx *ctx, struct ufd_group *group)
{
	bool last;

	mutex_lock(&ctx->groups_lock);
	last = --group->bound == 0;
	if (last)
		list_del(&group->node);
	mutex_unlock(&ctx->groups_lock);
	if (!last)
		return;
	WARN_ON(group->hwpt || !list_empty(&group->devices));
	iommu_group_put(group->group);
	mutex_destroy(&group->lock);
	kfree(group);
}

/* ---- the IOMMU ---- */

static struct ufd_handle *handle_new(struct iommufd_device *idev)
{
	struct ufd_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL);

	if (handle)
		handle->idev = idev;
	return handle;
}

static struct ufd_handle *handle_now(struct ufd_group *group)
{
	struct iommu_attach_handle *core = iommu_attach_handle_get(group->group, IOMMU_NO_PASID, 0);

	return IS_ERR(core) ? NULL : container_of(core, struct ufd_handle, core);
}

/* User space will not answer faults of an attachment that has ended. */
static void handle_end(struct ufd_hwpt *hwpt, struct ufd_handle *handle)
{
	if (hwpt->fault && handle)
		ufd_fault_end(hwpt->fault, handle);
	kfree(handle);
}

static int iommu_attach(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	struct ufd_handle *handle = handle_new(idev);
	int rc = 0;

	if (!handle)
		return -ENOMEM;
	if (hwpt->fault)
		rc = ufd_iopf_on(idev);
	if (rc)
		goto err_free;
	rc = iommu_attach_group_handle(hwpt->domain, idev->group->group, &handle->core);
	ufd_see_hw(idev, IOMMUFD_TRACE_HW_ATTACH, hwpt->domain, rc);
	if (rc)
		goto err_iopf;
	return 0;

err_iopf:
	if (hwpt->fault)
		ufd_iopf_off(idev);
err_free:
	kfree(handle);
	return rc;
}

static void iommu_detach(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	struct ufd_handle *handle = handle_now(idev->group);

	iommu_detach_group_handle(hwpt->domain, idev->group->group);
	ufd_see_hw(idev, IOMMUFD_TRACE_HW_DETACH, hwpt->domain, 0);
	handle_end(hwpt, handle);
	if (hwpt->fault)
		ufd_iopf_off(idev);
}

static int iommu_replace(struct iommufd_device *idev, struct ufd_hwpt *hwpt, struct ufd_hwpt *old)
{
	struct ufd_handle *old_handle = handle_now(idev->group);
	struct ufd_handle *handle = handle_new(idev);
	bool on = hwpt->fault && !old->fault;
	int rc = 0;

	if (!handle)
		return -ENOMEM;
	if (on)
		rc = ufd_iopf_on(idev);
	if (rc)
		goto err_free;
	rc = iommu_replace_group_handle(idev->group->group, hwpt->domain, &handle->core);
	ufd_see_hw(idev, IOMMUFD_TRACE_HW_REPLACE, hwpt->domain, rc);
	if (rc)
		goto err_iopf;
	handle_end(old, old_handle);
	if (old->fault && !hwpt->fault)
		ufd_iopf_off(idev);
	return 0;

err_iopf:
	if (on)
		ufd_iopf_off(idev);
err_free:
	kfree(handle);
	return rc;
}

/*
 * Where the IOMMU translates interrupts too, they get a window of the domain. It
 * is made once, and stays.
 */
static int setup_msi(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	struct ufd_group *group = idev->group;
	struct ufd_hwpt *paging = ufd_hwpt_paging(hwpt);
	int rc;

	if (group->sw_msi == PHYS_ADDR_MAX || paging->msi_cookie)
		return 0;
	rc = iommu_get_msi_cookie(paging->domain, group->sw_msi);
	ufd_see_msi_cookie(idev->ctx, group, paging->domain, rc);
	if (!rc)
		paging->msi_cookie = true;
	return rc;
}

/* ---- attach and detach ---- */

static int attach_locked(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	struct ufd_space *space = ufd_hwpt_space(hwpt);
	struct ufd_group *group = idev->group;
	int rc;

	if ((group->hwpt && group->hwpt != hwpt) || !list_empty(&idev->attached))
		return -EINVAL;
	rc = ufd_device_keepouts(space, idev->dev, &group->sw_msi);
	if (rc)
		return rc;
	if (!group->hwpt) {
		rc = setup_msi(idev, hwpt);
		if (!rc)
			rc = iommu_attach(idev, hwpt);
		if (rc) {
			ufd_device_release(space, idev->dev);
			return rc;
		}
		group->hwpt = hwpt;
	}
	ufd_obj_hold(&hwpt->obj);
	list_add_tail(&idev->attached, &group->devices);
	return 0;
}

/**
 * ufd_group_attach - attach a device, and with it its group
 * @idev: the device
 * @hwpt: to what; gets a reference
 *
 * Return: 0; -EINVAL when the group is attached to something else, or does not
 * fit; or an error
 */
int ufd_group_attach(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	int rc;

	mutex_lock(&idev->group->lock);
	rc = attach_locked(idev, hwpt);
	ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_ATTACH, hwpt, NULL, rc);
	mutex_unlock(&idev->group->lock);
	return rc;
}

/**
 * ufd_group_detach - detach a device, and with the last one its group
 * @idev: the device
 *
 * Return: what it was attached to, with the reference that the attach took
 */
struct ufd_hwpt *ufd_group_detach(struct iommufd_device *idev)
{
	struct ufd_group *group = idev->group;
	struct ufd_hwpt *hwpt;

	mutex_lock(&group->lock);
	hwpt = group->hwpt;
	list_del_init(&idev->attached);
	if (list_empty(&group->devices)) {
		iommu_detach(idev, hwpt);
		group->hwpt = NULL;
	}
	ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_DETACH, hwpt, NULL, 0);
	ufd_device_release(ufd_hwpt_space(hwpt), idev->dev);
	mutex_unlock(&group->lock);
	return hwpt;
}

/* ---- replace ---- */

static void release_all(struct ufd_group *group, struct ufd_space *space,
			struct iommufd_device *end)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, &group->devices, attached) {
		if (idev == end)
			return;
		ufd_device_release(space, idev->dev);
	}
}

static int keepouts_all(struct ufd_group *group, struct ufd_space *space)
{
	struct iommufd_device *idev;
	int rc;

	list_for_each_entry(idev, &group->devices, attached) {
		rc = ufd_device_keepouts(space, idev->dev, NULL);
		if (rc) {
			release_all(group, space, idev);
			return rc;
		}
	}
	return 0;
}

static int replace_locked(struct iommufd_device *idev, struct ufd_hwpt *hwpt, struct ufd_hwpt *old)
{
	struct ufd_space *to = ufd_hwpt_space(hwpt), *from = ufd_hwpt_space(old);
	struct ufd_group *group = idev->group;
	int rc = 0;

	if (to != from)
		rc = keepouts_all(group, to);
	if (rc)
		return rc;
	rc = setup_msi(idev, hwpt);
	if (!rc)
		rc = iommu_replace(idev, hwpt, old);
	if (rc) {
		if (to != from)
			release_all(group, to, NULL);
		return rc;
	}
	/* Before the ranges go, it must be known that nobody needs them. */
	ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_REPLACE, hwpt, old, 0);
	if (to != from)
		release_all(group, from, NULL);
	return 0;
}

/* Each attached device has a reference. One to the old HWPT goes to the caller. */
static void move_references(struct ufd_group *group, struct ufd_hwpt *hwpt, struct ufd_hwpt *old)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, &group->devices, attached) {
		ufd_obj_hold(&hwpt->obj);
		if (!list_is_first(&idev->attached, &group->devices))
			refcount_dec(&old->obj.refs);
	}
}

/**
 * ufd_group_replace - attach a group to something else, without a gap
 * @idev: a device of it, which is attached
 * @hwpt: to what; gets references
 *
 * Return: what it was attached to before, with a reference; NULL when that is the
 * same; or an error, then nothing has changed
 */
struct ufd_hwpt *ufd_group_replace(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	struct ufd_group *group = idev->group;
	struct ufd_hwpt *old;
	int rc = -EINVAL;

	mutex_lock(&group->lock);
	old = group->hwpt;
	if (old == hwpt && !list_empty(&idev->attached)) {
		mutex_unlock(&group->lock);
		return NULL;
	}
	if (!list_empty(&idev->attached))
		rc = replace_locked(idev, hwpt, old);
	if (rc) {
		ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_REPLACE, hwpt, old, rc);
		old = ERR_PTR(rc);
	} else {
		move_references(group, hwpt, old);
		group->hwpt = hwpt;
	}
	mutex_unlock(&group->lock);
	return old;
}
