// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach a device to a HWPT, or to an IOAS: then a HWPT is found or made for it.
 *
 * Attach and replace differ only in what they do with the group, so they share
 * all of the search.
 */
#include <linux/iommu.h>

#include "device.h"
#include "observe.h"

/* Returns the HWPT that was left, with a reference, NULL, or an error. */
typedef struct ufd_hwpt *(*change_fn)(struct iommufd_device *idev, struct ufd_hwpt *hwpt);

static struct ufd_hwpt *change_attach(struct iommufd_device *idev, struct ufd_hwpt *hwpt)
{
	int rc = ufd_group_attach(idev, hwpt);

	return rc ? ERR_PTR(rc) : NULL;
}

/*
 * Automatic HWPTs of an IOAS are all alike, so the first one that the device can
 * be attached to is good. -EINVAL means that this one is not for this device.
 */
static struct ufd_hwpt *use_automatic(struct iommufd_device *idev, struct ufd_ioas *ioas,
				      change_fn change, u32 *id)
{
	struct ufd_hwpt *hwpt, *left;

	list_for_each_entry(hwpt, &ioas->hwpts, node) {
		if (!hwpt->automatic || !ufd_obj_try_hold(&hwpt->obj))
			continue;
		left = change(idev, hwpt);
		if (!IS_ERR(left))
			*id = hwpt->obj.id;
		ufd_obj_put(idev->ctx, &hwpt->obj);
		if (left != ERR_PTR(-EINVAL))
			return left;
	}
	return ERR_PTR(-ENOENT);
}

static struct ufd_hwpt *make_automatic(struct iommufd_device *idev, struct ufd_ioas *ioas,
				       change_fn change, u32 *id)
{
	bool attach = change == change_attach;
	struct ufd_hwpt *hwpt, *left = NULL;

	hwpt = ufd_hwpt_new_paging(idev->ctx, ioas, idev, 0, attach, NULL);
	if (IS_ERR(hwpt))
		return hwpt;
	if (!attach)
		left = change(idev, hwpt);
	if (IS_ERR(left)) {
		ufd_hwpt_discard(idev->ctx, hwpt);
		return left;
	}
	hwpt->automatic = true;
	ufd_see_hwpt(idev->ctx, hwpt, 0);
	*id = hwpt->obj.id;
	ufd_obj_show(idev->ctx, &hwpt->obj);
	return left;
}

static struct ufd_hwpt *change_to_ioas(struct iommufd_device *idev, struct ufd_ioas *ioas,
				       change_fn change, u32 *id)
{
	struct ufd_hwpt *left;

	mutex_lock(&ioas->hwpts_lock);
	left = use_automatic(idev, ioas, change, id);
	if (left == ERR_PTR(-ENOENT))
		left = make_automatic(idev, ioas, change, id);
	mutex_unlock(&ioas->hwpts_lock);
	return left;
}

/* @id is what to attach to, and becomes the ID of the HWPT. */
static int change_to(struct iommufd_device *idev, u32 *id, change_fn change)
{
	struct ufd_obj *obj = ufd_obj_find(idev->ctx, *id, UFD_ANY);
	struct ufd_hwpt *left;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->type == UFD_IOAS)
		left = change_to_ioas(idev, container_of(obj, struct ufd_ioas, obj), change, id);
	else if (obj->type == UFD_HWPT_PAGING || obj->type == UFD_HWPT_NESTED)
		left = change(idev, container_of(obj, struct ufd_hwpt, obj));
	else
		left = ERR_PTR(-EINVAL);
	ufd_obj_put(idev->ctx, obj);
	if (IS_ERR(left))
		return PTR_ERR(left);
	/* It may go with this, for which no lock must be held. */
	if (left)
		ufd_hwpt_put(idev->ctx, left);
	return 0;
}

/**
 * iommufd_device_attach - let a device do DMA
 * @idev: the device
 * @pt_id: ID of an IOAS or of a HWPT; result: ID of the HWPT
 *
 * Return: 0 or an error
 */
int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id)
{
	int rc = change_to(idev, pt_id, change_attach);

	/* To be unbound it has to be detached. */
	if (!rc)
		ufd_obj_hold(&idev->obj);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach, IOMMUFD);

/**
 * iommufd_device_replace - attach a device, which is attached, to something else
 * @idev: the device
 * @pt_id: ID of an IOAS or of a HWPT; result: ID of the HWPT
 *
 * The driver of the IOMMU may do it so that DMA is not disturbed.
 *
 * Return: 0, or an error; then nothing has changed
 */
int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id)
{
	return change_to(idev, pt_id, ufd_group_replace);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace, IOMMUFD);

/**
 * iommufd_device_detach - the end of DMA
 * @idev: the device
 *
 * The device cannot do DMA any more, to nowhere.
 */
void iommufd_device_detach(struct iommufd_device *idev)
{
	ufd_hwpt_put(idev->ctx, ufd_group_detach(idev));
	ufd_obj_put(idev->ctx, &idev->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach, IOMMUFD);
