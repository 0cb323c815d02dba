// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files /dev/iommu and /dev/vfio/vfio: open, ioctl, close, and how drivers
 * of other subsystems hold on to a context.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "iommufd_test.h"
#include "observe.h"
#include "ufd.h"

static struct miscdevice vfio_container;

static int ufd_open(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return -ENOMEM;
	xa_init_flags(&ctx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	init_waitqueue_head(&ctx->drained);
	mutex_init(&ctx->groups_lock);
	INIT_LIST_HEAD(&ctx->groups);
	ctx->file = file;

	/* Programs that expect VFIO also expect to be charged as VFIO does it. */
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER) && file->private_data == &vfio_container) {
		ctx->charge = UFD_CHARGE_MM;
		pr_info_once("/dev/vfio/vfio is provided by iommufd, not by VFIO\n");
	}

	file->private_data = ctx;
	ufd_see_ctx(ctx, IOMMUFD_TRACE_CTX_OPEN);
	if (ctx->charge)
		ufd_see_rlimit_mode(ctx, 0);
	return 0;
}

/* No reference to the file is left, so nobody else can be here or come. */
static int ufd_close(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ctx = file->private_data;

	ufd_see_ctx(ctx, IOMMUFD_TRACE_CTX_RELEASE);
	ufd_obj_destroy_all(ctx);
	WARN_ON(!list_empty(&ctx->groups));
	mutex_destroy(&ctx->groups_lock);
	xa_destroy(&ctx->objects);
	ufd_see_ctx(ctx, IOMMUFD_TRACE_CTX_FREED);
	kfree(ctx);
	return 0;
}

static int ufd_destroy(struct ufd_call *call)
{
	struct iommu_destroy *cmd = call->cmd;

	return ufd_obj_destroy_id(call->ctx, cmd->id);
}

/* The arguments of all ioctls, to have room for any */
union ufd_argument {
	struct iommu_destroy destroy;
	struct iommu_fault_alloc fault_alloc;
	struct iommu_hw_info hw_info;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hwpt_get_dirty_bitmap get_dirty;
	struct iommu_hwpt_invalidate invalidate;
	struct iommu_hwpt_set_dirty_tracking set_dirty;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_iova_ranges ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
#ifdef CONFIG_IOMMUFD_TEST
	struct iommu_test_cmd test;
#endif
};

/* An ioctl, and how much of its argument the first version of the ABI had */
struct ufd_ioctl {
	unsigned int cmd;
	unsigned int size;
	unsigned int min_size;
	int (*run)(struct ufd_call *call);
};

#define IOCTL(nr, name, last, fn)					\
	[_IOC_NR(nr) - IOMMUFD_CMD_BASE] = {				\
		.cmd = nr,						\
		.size = sizeof(struct name),				\
		.min_size = offsetofend(struct name, last),		\
		.run = fn,						\
	}

static const struct ufd_ioctl ufd_ioctls[] = {
	IOCTL(IOMMU_DESTROY, iommu_destroy, id, ufd_destroy),
	IOCTL(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id, ufd_ioas_alloc),
	IOCTL(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas, ufd_ioas_allow),
	IOCTL(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova, ufd_ioas_copy),
	IOCTL(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges, out_iova_alignment, ufd_ioas_ranges),
	IOCTL(IOMMU_IOAS_MAP, iommu_ioas_map, iova, ufd_ioas_map),
	IOCTL(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length, ufd_ioas_unmap),
	IOCTL(IOMMU_OPTION, iommu_option, val64, ufd_option),
	IOCTL(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved, ufd_compat_ioas),
	IOCTL(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved, ufd_hwpt_alloc),
	IOCTL(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved, ufd_hw_info),
	IOCTL(IOMMU_HWPT_SET_DIRTY_TRACKING, iommu_hwpt_set_dirty_tracking, __reserved,
	      ufd_hwpt_set_dirty),
	IOCTL(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap, data, ufd_hwpt_get_dirty),
	IOCTL(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved, ufd_hwpt_invalidate),
	IOCTL(IOMMU_FAULT_QUEUE_ALLOC, iommu_fault_alloc, out_fault_fd, ufd_fault_alloc),
#ifdef CONFIG_IOMMUFD_TEST
	IOCTL(IOMMU_TEST_CMD, iommu_test_cmd, last, ufd_selftest),
#endif
};

static int ufd_run(struct iommufd_ctx *ctx, const struct ufd_ioctl *op, void __user *uarg)
{
	struct ufd_call call = { .ctx = ctx, .uarg = uarg };
	union ufd_argument argument;
	int rc;

	if (get_user(call.usize, (u32 __user *)uarg))
		return -EFAULT;
	if (call.usize < op->min_size)
		return -EINVAL;
	rc = copy_struct_from_user(&argument, op->size, uarg, call.usize);
	if (rc)
		return rc;
	call.cmd = &argument;

	ufd_see_ioctl(ctx, IOMMUFD_TRACE_IOCTL_ENTER, op->cmd, 0);
	rc = op->run(&call);
	ufd_see_ioctl(ctx, IOMMUFD_TRACE_IOCTL_EXIT, op->cmd, rc);
	return rc;
}

static long ufd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd) - IOMMUFD_CMD_BASE;
	struct iommufd_ctx *ctx = file->private_data;
	long rc;

	/* Numbers that are not ours are those of VFIO. */
	if (nr >= ARRAY_SIZE(ufd_ioctls)) {
		ufd_see_ioctl(ctx, IOMMUFD_TRACE_IOCTL_ENTER, cmd, 0);
		rc = ufd_compat_ioctl(ctx, cmd, arg);
		ufd_see_ioctl(ctx, IOMMUFD_TRACE_IOCTL_EXIT, cmd, rc);
		return rc;
	}
	if (!ufd_ioctls[nr].run || ufd_ioctls[nr].cmd != cmd)
		return -ENOIOCTLCMD;
	return ufd_run(ctx, &ufd_ioctls[nr], (void __user *)arg);
}

static const struct file_operations ufd_fops = {
	.owner = THIS_MODULE,
	.open = ufd_open,
	.release = ufd_close,
	.unlocked_ioctl = ufd_ioctl,
};

/**
 * iommufd_ctx_get - take another reference to a context
 * @ictx: the context, which the caller has a reference to
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx)
{
	get_file(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_get, IOMMUFD);

/**
 * iommufd_ctx_put - give back a reference to a context
 * @ictx: the context
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
	fput(ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_put, IOMMUFD);

/**
 * iommufd_ctx_from_file - the context of a file, with a reference to it
 * @file: of /dev/iommu, stays with the caller
 *
 * Return: the context, or -EBADFD for other files
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	if (file->f_op != &ufd_fops)
		return ERR_PTR(-EBADFD);
	get_file(file);
	return file->private_data;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_file, IOMMUFD);

/**
 * iommufd_ctx_from_fd - the context of a file descriptor, with a reference to it
 * @fd: of /dev/iommu
 *
 * Return: the context, -EBADF, or -EBADFD for other files
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd)
{
	struct file *file = fget(fd);
	struct iommufd_ctx *ctx;

	if (!file)
		return ERR_PTR(-EBADF);
	ctx = iommufd_ctx_from_file(file);
	fput(file);
	return ctx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_fd, IOMMUFD);

static struct miscdevice iommu_device_file = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommu",
	.nodename = "iommu",
	.fops = &ufd_fops,
	.mode = 0660,
};

static struct miscdevice vfio_container = {
	.minor = VFIO_MINOR,
	.name = "vfio",
	.nodename = "vfio/vfio",
	.fops = &ufd_fops,
	.mode = 0666,
};

static int __init ufd_init(void)
{
	int rc = misc_register(&iommu_device_file);

	if (rc)
		return rc;
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER)) {
		rc = misc_register(&vfio_container);
		if (rc)
			goto err_iommu;
	}
	rc = ufd_selftest_init();
	if (rc)
		goto err_vfio;
	return 0;

err_vfio:
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER))
		misc_deregister(&vfio_container);
err_iommu:
	misc_deregister(&iommu_device_file);
	return rc;
}

static void __exit ufd_exit(void)
{
	ufd_selftest_exit();
	if (IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER))
		misc_deregister(&vfio_container);
	misc_deregister(&iommu_device_file);
	/* Objects are freed after a grace period, by kfree() and not by us. */
}

module_init(ufd_init);
module_exit(ufd_exit);

#if IS_ENABLED(CONFIG_IOMMUFD_VFIO_CONTAINER)
MODULE_ALIAS_MISCDEV(VFIO_MINOR);
MODULE_ALIAS("devname:vfio/vfio");
#endif
MODULE_IMPORT_NS(IOMMUFD_INTERNAL);
MODULE_IMPORT_NS(IOMMUFD);
MODULE_DESCRIPTION("iommufd with stored page runs, observable by design");
MODULE_LICENSE("GPL");
