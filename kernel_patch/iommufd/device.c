// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: bind, unbind, and what is known about them.
 *
 * Bind means that the device is driven by user space: nobody else may do DMA with
 * it, nor with any device that the IOMMU cannot tell from it.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "device.h"
#include "observe.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Allow to bind devices whose interrupts the platform cannot isolate; they can then trigger any interrupt of the machine.");

static int check_interrupts(struct device *dev, struct ufd_group *group)
{
	if (ufd_is_mock(dev) || iommu_group_has_isolated_msi(group->group))
		return 0;
	if (!allow_unsafe_interrupts)
		return -EPERM;
	dev_warn(dev, "the platform cannot isolate its interrupts, but allow_unsafe_interrupts is set\n");
	return 0;
}

/* A mock device is part of the context, and would keep it alive for ever. */
static void ctx_hold(struct iommufd_ctx *ctx, struct device *dev)
{
	if (!ufd_is_mock(dev))
		iommufd_ctx_get(ctx);
}

static void ctx_release(struct iommufd_ctx *ctx, struct device *dev)
{
	if (!ufd_is_mock(dev))
		iommufd_ctx_put(ctx);
}

static int claim_dma(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group)
{
	int rc = iommu_device_claim_dma_owner(dev, ctx);

	ufd_see_claim(ctx, dev, group, allow_unsafe_interrupts, rc);
	return rc;
}

static void release_dma(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group)
{
	iommu_device_release_dma_owner(dev);
	ufd_see_release(ctx, dev, group);
}

static struct iommufd_device *device_new(struct iommufd_ctx *ctx, struct device *dev,
					 struct ufd_group *group)
{
	struct iommufd_device *idev = ufd_obj_new(ctx, sizeof(*idev), UFD_DEVICE);

	if (IS_ERR(idev))
		return idev;
	idev->ctx = ctx;
	idev->dev = dev;
	idev->group = group;
	idev->enforce_cc = device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
	INIT_LIST_HEAD(&idev->attached);
	mutex_init(&idev->iopf_lock);
	ctx_hold(ctx, dev);
	/* The driver's, until it unbinds */
	ufd_obj_hold(&idev->obj);
	return idev;
}

/**
 * iommufd_device_bind - user space is going to drive a device
 * @ictx: its context
 * @dev: the device; its driver has set driver_managed_dma, and does no DMA before
 *	this has worked
 * @id: result, the ID for user space
 *
 * Return: the device, to be given back by iommufd_device_unbind(), or an error
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx, struct device *dev, u32 *id)
{
	struct iommufd_device *idev;
	struct ufd_group *group;
	int rc;

	/* User space has no means to make memory coherent. */
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		return ERR_PTR(-EINVAL);
	group = ufd_group_get(ictx, dev);
	if (IS_ERR(group))
		return ERR_CAST(group);
	rc = check_interrupts(dev, group);
	if (rc)
		goto err_group;
	rc = claim_dma(ictx, dev, group);
	if (rc)
		goto err_group;
	idev = device_new(ictx, dev, group);
	if (IS_ERR(idev)) {
		rc = PTR_ERR(idev);
		goto err_owner;
	}
	ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_BIND, NULL, NULL, 0);
	*id = idev->obj.id;
	ufd_obj_show(ictx, &idev->obj);
	return idev;

err_owner:
	release_dma(ictx, dev, group);
err_group:
	ufd_group_put(ictx, group);
	return ERR_PTR(rc);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind, IOMMUFD);

void ufd_device_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct iommufd_device *idev = container_of(obj, struct iommufd_device, obj);

	ufd_see_device(idev, IOMMUFD_TRACE_DEVICE_UNBIND, NULL, NULL, 0);
	release_dma(ctx, idev->dev, idev->group);
	ufd_group_put(ctx, idev->group);
	mutex_destroy(&idev->iopf_lock);
	ctx_release(ctx, idev->dev);
}

/**
 * iommufd_device_unbind - the end of iommufd_device_bind()
 * @idev: the device, which is not attached
 *
 * The device must not be used any more, by nobody.
 */
void iommufd_device_unbind(struct iommufd_device *idev)
{
	ufd_obj_destroy_wait(idev->ctx, &idev->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_unbind, IOMMUFD);

/**
 * iommufd_ctx_has_group - is any device of a group bound to a context?
 * @ictx: the context, or NULL
 * @group: the group, or NULL
 *
 * Return: true if so; then the context owns the DMA of the group
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group)
{
	struct ufd_group *g;
	bool found = false;

	if (!ictx || !group)
		return false;
	mutex_lock(&ictx->groups_lock);
	list_for_each_entry(g, &ictx->groups, node)
		found |= g->group == group;
	mutex_unlock(&ictx->groups_lock);
	return found;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_has_group, IOMMUFD);

struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev)
{
	return idev->ctx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_ictx, IOMMUFD);

u32 iommufd_device_to_id(struct iommufd_device *idev)
{
	return idev->obj.id;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_id, IOMMUFD);

/* ---- what is known about a device ---- */

static u64 pasid_capabilities(struct device *dev)
{
	u64 capabilities = 0;
	int status;

	if (!dev_is_pci(dev))
		return 0;
	status = pci_pasid_status(to_pci_dev(dev));
	if (WARN_ON_ONCE(status < 0 || !(status & PCI_PASID_CTRL_ENABLE)))
		return 0;
	if (status & PCI_PASID_CTRL_EXEC)
		capabilities |= IOMMU_HW_CAP_PCI_PASID_EXEC;
	if (status & PCI_PASID_CTRL_PRIV)
		capabilities |= IOMMU_HW_CAP_PCI_PASID_PRIV;
	return capabilities;
}

static void describe(struct device *dev, struct iommu_hw_info *cmd)
{
	cmd->out_capabilities = 0;
	cmd->out_max_pasid_log2 = 0;
	if (device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING))
		cmd->out_capabilities |= IOMMU_HW_CAP_DIRTY_TRACKING;
	/* Drivers switch PASIDs on whenever both sides can. */
	if (!dev->iommu->max_pasids)
		return;
	cmd->out_max_pasid_log2 = ilog2(dev->iommu->max_pasids);
	cmd->out_capabilities |= pasid_capabilities(dev);
}

/* What the driver of the IOMMU says; it must be freed. */
static void *driver_data(struct device *dev, u32 *length, u32 *type)
{
	const struct iommu_ops *ops = dev_iommu_ops(dev);
	void *data;

	*length = 0;
	*type = IOMMU_HW_INFO_TYPE_NONE;
	if (!ops->hw_info)
		return NULL;
	data = ops->hw_info(dev, length, type);
	if (!IS_ERR(data) && WARN_ON_ONCE(*type == IOMMU_HW_INFO_TYPE_NONE)) {
		kfree(data);
		return ERR_PTR(-ENODEV);
	}
	return data;
}

/* As much as there is room for, and zeros behind it. */
static int copy_data(void __user *to, u32 room, const void *data, u32 length)
{
	u32 n = min(room, length);

	if (copy_to_user(to, data, n))
		return -EFAULT;
	if (clear_user(to + n, room - n))
		return -EFAULT;
	return 0;
}

int ufd_hw_info(struct ufd_call *call)
{
	struct iommu_hw_info *cmd = call->cmd;
	struct iommufd_device *idev;
	u32 length, type;
	void *data;
	int rc;

	if (cmd->flags || memchr_inv(cmd->__reserved, 0, sizeof(cmd->__reserved)))
		return -EOPNOTSUPP;
	idev = ufd_obj_find(call->ctx, cmd->dev_id, UFD_DEVICE);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	data = driver_data(idev->dev, &length, &type);
	rc = PTR_ERR_OR_ZERO(data);
	if (rc)
		goto out;

	rc = copy_data(u64_to_user_ptr(cmd->data_uptr), cmd->data_len, data, length);
	if (!rc) {
		/* How much there is, even if that was not asked for */
		cmd->data_len = length;
		cmd->out_data_type = type;
		describe(idev->dev, cmd);
		rc = ufd_reply(call, sizeof(*cmd));
	}
	kfree(data);
out:
	ufd_obj_put(call->ctx, &idev->obj);
	return rc;
}
