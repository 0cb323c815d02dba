// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues: user space reads page faults of devices from a file, and writes
 * the answers to it.
 *
 * A group of faults is in exactly one place: in @queue until it is read, in
 * @asked until it is answered, or in the hands of the function that moves it. Who
 * takes it out of @asked, or out of @queue for good, answers and frees it.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "../iommu-priv.h"
#include "device.h"
#include "observe.h"

/* ---- devices ---- */

/**
 * ufd_iopf_on - another reason for a device to have page faults
 * @idev: the device
 *
 * Return: 0 or an error
 */
int ufd_iopf_on(struct iommufd_device *idev)
{
	int rc = 0;

	/* The interface of a PF serves all its VFs; one guest could break the others. */
	if (dev_is_pci(idev->dev) && to_pci_dev(idev->dev)->is_virtfn)
		return -EINVAL;
	mutex_lock(&idev->iopf_lock);
	if (!idev->iopf) {
		rc = iommu_dev_enable_feature(idev->dev, IOMMU_DEV_FEAT_IOPF);
		ufd_see_hw(idev, IOMMUFD_TRACE_HW_IOPF_ENABLE, NULL, rc);
	}
	if (!rc)
		idev->iopf++;
	mutex_unlock(&idev->iopf_lock);
	return rc;
}

void ufd_iopf_off(struct iommufd_device *idev)
{
	int rc;

	mutex_lock(&idev->iopf_lock);
	if (!WARN_ON(!idev->iopf) && !--idev->iopf) {
		rc = iommu_dev_disable_feature(idev->dev, IOMMU_DEV_FEAT_IOPF);
		ufd_see_hw(idev, IOMMUFD_TRACE_HW_IOPF_DISABLE, NULL, rc);
	}
	mutex_unlock(&idev->iopf_lock);
}

/* ---- groups of faults ---- */

/* The one end of every group. */
static void answer(struct ufd_fault *fault, struct iopf_group *group, unsigned int how,
		   u32 cookie, enum iommu_page_response_code code)
{
	ufd_see_fault(fault, group, how, cookie);
	iopf_group_response(group, code);
	iopf_free_group(group);
}

static bool is_of(struct iopf_group *group, struct ufd_handle *handle)
{
	return !handle || group->attach_handle == &handle->core;
}

/* Refuse all groups of an attachment; NULL: all groups. */
static void refuse(struct ufd_fault *fault, struct ufd_handle *handle, unsigned int how)
{
	struct iopf_group *group, *next;
	unsigned long cookie;
	LIST_HEAD(list);

	spin_lock(&fault->queue_lock);
	list_for_each_entry_safe(group, next, &fault->queue, node)
		if (is_of(group, handle))
			list_move_tail(&group->node, &list);
	spin_unlock(&fault->queue_lock);
	list_for_each_entry_safe(group, next, &list, node) {
		list_del(&group->node);
		answer(fault, group, how, 0, IOMMU_PAGE_RESP_INVALID);
	}

	xa_for_each(&fault->asked, cookie, group) {
		if (!is_of(group, handle))
			continue;
		xa_erase(&fault->asked, cookie);
		answer(fault, group, how, cookie, IOMMU_PAGE_RESP_INVALID);
	}
}

/**
 * ufd_fault_end - an attachment has ended, so its faults need no answer
 * @fault: the queue of the HWPT that was attached
 * @handle: the attachment
 */
void ufd_fault_end(struct ufd_fault *fault, struct ufd_handle *handle)
{
	mutex_lock(&fault->lock);
	refuse(fault, handle, IOMMUFD_TRACE_FAULT_AUTO);
	mutex_unlock(&fault->lock);
}

/* Called by the IOMMU core with a group that is ours from now on. */
int ufd_fault_handler(struct iopf_group *group)
{
	struct ufd_hwpt *hwpt = group->attach_handle->domain->fault_data;
	struct ufd_fault *fault = hwpt->fault;

	iopf_group_dequeue(group);
	spin_lock(&fault->queue_lock);
	list_add_tail(&group->node, &fault->queue);
	ufd_see_fault(fault, group, IOMMUFD_TRACE_FAULT_QUEUE, 0);
	spin_unlock(&fault->queue_lock);
	wake_up_interruptible(&fault->wait);
	return 0;
}

/* ---- the file ---- */

static struct iopf_group *first_group(struct ufd_fault *fault)
{
	struct iopf_group *group;

	spin_lock(&fault->queue_lock);
	group = list_first_entry_or_null(&fault->queue, struct iopf_group, node);
	if (group)
		list_del(&group->node);
	spin_unlock(&fault->queue_lock);
	return group;
}

static void put_back(struct ufd_fault *fault, struct iopf_group *group)
{
	spin_lock(&fault->queue_lock);
	list_add(&group->node, &fault->queue);
	spin_unlock(&fault->queue_lock);
}

static int copy_group(struct iopf_group *group, char __user *buf)
{
	struct ufd_handle *handle = container_of(group->attach_handle, struct ufd_handle, core);
	struct iopf_fault *one;

	list_for_each_entry(one, &group->faults, list) {
		struct iommu_hwpt_pgfault out = {
			.flags = one->fault.prm.flags,
			.dev_id = handle->idev->obj.id,
			.pasid = one->fault.prm.pasid,
			.grpid = one->fault.prm.grpid,
			.perm = one->fault.prm.perm,
			.addr = one->fault.prm.addr,
			.cookie = group->cookie,
		};

		if (copy_to_user(buf, &out, sizeof(out)))
			return -EFAULT;
		buf += sizeof(out);
	}
	return 0;
}

/* Returns the bytes of the group, or an error; then it is not taken. */
static ssize_t read_group(struct ufd_fault *fault, struct iopf_group *group, char __user *buf,
			  size_t room)
{
	size_t size = group->fault_count * sizeof(struct iommu_hwpt_pgfault);
	int rc;

	if (size > room)
		return -EINVAL;
	rc = xa_alloc(&fault->asked, &group->cookie, group, xa_limit_32b, GFP_KERNEL);
	if (rc)
		return rc;
	ufd_see_fault(fault, group, IOMMUFD_TRACE_FAULT_READ, group->cookie);
	rc = copy_group(group, buf);
	if (!rc)
		return size;
	xa_erase(&fault->asked, group->cookie);
	ufd_see_fault(fault, group, IOMMUFD_TRACE_FAULT_RESTORE, group->cookie);
	return rc;
}

static ssize_t fault_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct ufd_fault *fault = file->private_data;
	struct iopf_group *group;
	ssize_t done = 0, rc = 0;

	if (*pos || count % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	mutex_lock(&fault->lock);
	while ((group = first_group(fault))) {
		rc = read_group(fault, group, buf + done, count - done);
		if (rc < 0) {
			put_back(fault, group);
			break;
		}
		done += rc;
	}
	mutex_unlock(&fault->lock);
	return done ?: rc;
}

static int write_one(struct ufd_fault *fault, const char __user *buf)
{
	struct iommu_hwpt_page_response in;
	struct iopf_group *group;

	static_assert((int)IOMMUFD_PAGE_RESP_SUCCESS == (int)IOMMU_PAGE_RESP_SUCCESS);
	static_assert((int)IOMMUFD_PAGE_RESP_INVALID == (int)IOMMU_PAGE_RESP_INVALID);

	if (copy_from_user(&in, buf, sizeof(in)))
		return -EFAULT;
	if (in.code != IOMMUFD_PAGE_RESP_SUCCESS && in.code != IOMMUFD_PAGE_RESP_INVALID)
		return -EINVAL;
	group = xa_erase(&fault->asked, in.cookie);
	if (!group)
		return -EINVAL;
	answer(fault, group, IOMMUFD_TRACE_FAULT_ANSWER, in.cookie, in.code);
	return 0;
}

static ssize_t fault_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	const size_t size = sizeof(struct iommu_hwpt_page_response);
	struct ufd_fault *fault = file->private_data;
	ssize_t done = 0;
	int rc = 0;

	if (*pos || count % size)
		return -ESPIPE;
	mutex_lock(&fault->lock);
	while (done < count && !rc) {
		rc = write_one(fault, buf + done);
		if (!rc)
			done += size;
	}
	mutex_unlock(&fault->lock);
	return done ?: rc;
}

static __poll_t fault_poll(struct file *file, struct poll_table_struct *table)
{
	struct ufd_fault *fault = file->private_data;
	__poll_t events = EPOLLOUT;

	poll_wait(file, &fault->wait, table);
	spin_lock(&fault->queue_lock);
	if (!list_empty(&fault->queue))
		events |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&fault->queue_lock);
	return events;
}

static int fault_release(struct inode *inode, struct file *file)
{
	struct ufd_fault *fault = file->private_data;
	struct iommufd_ctx *ctx = fault->ctx;

	ufd_obj_put(ctx, &fault->obj);
	iommufd_ctx_put(ctx);
	return 0;
}

static const struct file_operations ufd_fault_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.read = fault_read,
	.write = fault_write,
	.poll = fault_poll,
	.release = fault_release,
};

/* ---- the object ---- */

void ufd_fault_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct ufd_fault *fault = container_of(obj, struct ufd_fault, obj);

	refuse(fault, NULL, IOMMUFD_TRACE_FAULT_DESTROY);
	xa_destroy(&fault->asked);
	mutex_destroy(&fault->lock);
}

static struct ufd_fault *fault_new(struct iommufd_ctx *ctx)
{
	struct ufd_fault *fault = ufd_obj_new(ctx, sizeof(*fault), UFD_FAULT);

	if (IS_ERR(fault))
		return fault;
	fault->ctx = ctx;
	mutex_init(&fault->lock);
	xa_init_flags(&fault->asked, XA_FLAGS_ALLOC1);
	spin_lock_init(&fault->queue_lock);
	INIT_LIST_HEAD(&fault->queue);
	init_waitqueue_head(&fault->wait);
	return fault;
}

static void fault_discard(struct iommufd_ctx *ctx, struct ufd_fault *fault)
{
	xa_destroy(&fault->asked);
	mutex_destroy(&fault->lock);
	ufd_obj_abort(ctx, &fault->obj);
}

/* The file has references to the object and to the context. */
static struct file *fault_file(struct ufd_fault *fault)
{
	struct file *file = anon_inode_getfile("[iommufd-pgfault]", &ufd_fault_fops, fault, O_RDWR);

	if (IS_ERR(file))
		return file;
	ufd_obj_hold(&fault->obj);
	iommufd_ctx_get(fault->ctx);
	return file;
}

int ufd_fault_alloc(struct ufd_call *call)
{
	struct iommu_fault_alloc *cmd = call->cmd;
	struct ufd_fault *fault;
	struct file *file;
	int fd, rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	fault = fault_new(call->ctx);
	if (IS_ERR(fault))
		return PTR_ERR(fault);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto err_fault;
	}
	file = fault_file(fault);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_fd;
	}
	cmd->out_fault_id = fault->obj.id;
	cmd->out_fault_fd = fd;
	rc = ufd_reply(call, sizeof(*cmd));
	if (rc)
		goto err_file;
	ufd_obj_show(call->ctx, &fault->obj);
	fd_install(fd, file);
	return 0;

err_file:
	/* Its release must not come after the object is gone. */
	__fput_sync(file);
err_fd:
	put_unused_fd(fd);
err_fault:
	fault_discard(call->ctx, fault);
	return rc;
}
