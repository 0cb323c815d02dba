// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a VFIO container (type1), on one IOAS of the context: programs
 * that only know VFIO work on iommufd.
 *
 * Type1 v1 may unmap the middle of what was mapped. For that its IOAS maps every
 * page for itself, so that windows can be cut.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/vfio.h>
#include <uapi/linux/vfio.h>

#include "device.h"
#include "observe.h"

/* ---- which IOAS ---- */

static struct ufd_ioas *compat_ioas(struct iommufd_ctx *ctx)
{
	struct ufd_ioas *ioas;

	xa_lock(&ctx->objects);
	ioas = ctx->compat;
	if (!ioas || !ufd_obj_try_hold(&ioas->obj))
		ioas = ERR_PTR(-ENODEV);
	xa_unlock(&ctx->objects);
	return ioas;
}

/**
 * iommufd_vfio_compat_ioas_get_id - what the ioctls of VFIO work on
 * @ictx: the context
 * @out_ioas_id: result
 *
 * Return: 0, or -ENODEV
 */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id)
{
	struct ufd_ioas *ioas = compat_ioas(ictx);

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	*out_ioas_id = ioas->obj.id;
	ufd_obj_put(ictx, &ioas->obj);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_get_id, IOMMUFD_VFIO);

/**
 * iommufd_vfio_compat_set_no_iommu - a device without IOMMU uses this context
 * @ictx: the context
 *
 * Return: 0, or -EINVAL when a device with IOMMU does
 */
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	int rc = 0;

	xa_lock(&ictx->objects);
	if (ictx->compat)
		rc = -EINVAL;
	else
		ictx->noiommu = true;
	xa_unlock(&ictx->objects);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_set_no_iommu, IOMMUFD_VFIO);

/* Becomes the one, unless a living one is; then *@used is false. */
static int offer_compat(struct iommufd_ctx *ctx, struct ufd_ioas *ioas, bool *used)
{
	int rc = 0;

	xa_lock(&ctx->objects);
	*used = !ctx->noiommu && !(ctx->compat && refcount_read(&ctx->compat->obj.refs));
	if (ctx->noiommu)
		rc = -EINVAL;
	if (*used) {
		ctx->compat = ioas;
		ufd_see_vfio(ctx, IOMMUFD_TRACE_VFIO_IOAS, ioas, 0, 0);
	}
	xa_unlock(&ctx->objects);
	return rc;
}

/**
 * iommufd_vfio_compat_ioas_create - see to it that there is an IOAS for VFIO
 * @ictx: the context
 *
 * It is like one that user space made.
 *
 * Return: 0, -EINVAL when there is a device without IOMMU, or an error
 */
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	struct ufd_ioas *ioas = ufd_ioas_new(ictx);
	bool used;
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = offer_compat(ictx, ioas, &used);
	if (used)
		ufd_obj_show(ictx, &ioas->obj);
	else
		ufd_ioas_discard(ictx, ioas);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_compat_ioas_create, IOMMUFD_VFIO);

static void set_compat(struct iommufd_ctx *ctx, struct ufd_ioas *ioas)
{
	xa_lock(&ctx->objects);
	ctx->compat = ioas;
	ufd_see_vfio(ctx, IOMMUFD_TRACE_VFIO_IOAS, ioas, 0, 0);
	xa_unlock(&ctx->objects);
}

int ufd_compat_ioas(struct ufd_call *call)
{
	struct iommu_vfio_ioas *cmd = call->cmd;
	struct ufd_ioas *ioas;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->op == IOMMU_VFIO_IOAS_CLEAR) {
		set_compat(call->ctx, NULL);
		return 0;
	}
	if (cmd->op == IOMMU_VFIO_IOAS_SET) {
		ioas = ufd_obj_find(call->ctx, cmd->ioas_id, UFD_IOAS);
		if (IS_ERR(ioas))
			return PTR_ERR(ioas);
		set_compat(call->ctx, ioas);
		ufd_obj_put(call->ctx, &ioas->obj);
		return 0;
	}
	if (cmd->op == IOMMU_VFIO_IOAS_GET) {
		int rc = iommufd_vfio_compat_ioas_get_id(call->ctx, &cmd->ioas_id);

		return rc ?: ufd_reply(call, sizeof(*cmd));
	}
	return -EOPNOTSUPP;
}

/* ---- map and unmap ---- */

static int map_dma(struct iommufd_ctx *ctx, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const size_t size = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	u32 flags = IOMMU_IOAS_MAP_FIXED_IOVA;
	int rc, prot = IOMMU_CACHE;
	struct ufd_ioas *ioas;
	unsigned long iova;

	if (copy_from_user(&map, arg, size))
		return -EFAULT;
	if (map.argsz < size || map.flags & ~known)
		return -EINVAL;
	if (map.flags & VFIO_DMA_MAP_FLAG_READ) {
		prot |= IOMMU_READ;
		flags |= IOMMU_IOAS_MAP_READABLE;
	}
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE) {
		prot |= IOMMU_WRITE;
		flags |= IOMMU_IOAS_MAP_WRITEABLE;
	}
	ioas = compat_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	iova = map.iova;
	rc = ufd_map_user(&ioas->space, map.vaddr, map.size, prot, false, &iova);
	ufd_see_map(&ioas->space, NULL, iova, map.size, map.vaddr, flags, rc);
	ufd_obj_put(ctx, &ioas->obj);
	return rc;
}

static int unmap_range(struct ufd_space *s, u64 iova, u64 size, unsigned long *unmapped)
{
	unsigned long last;
	int rc = 0;

	if (!size)
		return -EINVAL;
	if (check_add_overflow((unsigned long)iova, (unsigned long)size - 1, &last))
		return -EOVERFLOW;
	if (READ_ONCE(s->small_only)) {
		rc = ufd_cut(s, last);
		if (!rc && iova)
			rc = ufd_cut(s, iova - 1);
	}
	return rc ?: ufd_unmap(s, iova, last, unmapped);
}

static int unmap_dma(struct iommufd_ctx *ctx, void __user *arg)
{
	const size_t size = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap;
	unsigned long unmapped = 0;
	struct ufd_ioas *ioas;
	u64 length;
	int rc;

	if (copy_from_user(&unmap, arg, size))
		return -EFAULT;
	if (unmap.argsz < size || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	ioas = compat_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	length = unmap.size;
	if (!(unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)) {
		rc = unmap_range(&ioas->space, unmap.iova, unmap.size, &unmapped);
	} else if (unmap.iova || unmap.size) {
		rc = -EINVAL;
	} else {
		length = U64_MAX;
		rc = ufd_unmap(&ioas->space, 0, ULONG_MAX, &unmapped);
	}
	unmap.size = unmapped;
	if (copy_to_user(arg, &unmap, size))
		rc = -EFAULT;
	ufd_see_unmap_ioctl(&ioas->space, unmap.iova, length, unmapped, rc);
	ufd_obj_put(ctx, &ioas->obj);
	return rc;
}

/* ---- what there is ---- */

static int is_coherent(struct iommufd_ctx *ctx)
{
	struct ufd_ioas *ioas = compat_ioas(ctx);
	struct ufd_hwpt *hwpt;
	int all = 1;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	mutex_lock(&ioas->hwpts_lock);
	list_for_each_entry(hwpt, &ioas->hwpts, node)
		all &= hwpt->enforce_cc;
	ufd_see_vfio(ctx, IOMMUFD_TRACE_VFIO_EXTENSION, ioas, VFIO_DMA_CC_IOMMU, all);
	mutex_unlock(&ioas->hwpts_lock);
	ufd_obj_put(ctx, &ioas->obj);
	return all;
}

static int check_extension(struct iommufd_ctx *ctx, unsigned long type)
{
	switch (type) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return !READ_ONCE(ctx->noiommu);
	case VFIO_NOIOMMU_IOMMU:
		return IS_ENABLED(CONFIG_VFIO_NOIOMMU);
	case VFIO_DMA_CC_IOMMU:
		return is_coherent(ctx);
	default:
		return 0;
	}
}

static int set_iommu(struct iommufd_ctx *ctx, unsigned long type)
{
	bool noiommu = READ_ONCE(ctx->noiommu);
	struct ufd_ioas *ioas;
	int rc = 0;

	if (IS_ENABLED(CONFIG_VFIO_NOIOMMU) && type == VFIO_NOIOMMU_IOMMU && noiommu)
		return capable(CAP_SYS_RAWIO) ? 0 : -EPERM;
	if (noiommu || (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU))
		return -EINVAL;
	/* As with VFIO, a group has to come first; it brought the IOAS. */
	ioas = compat_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (type == VFIO_TYPE1_IOMMU)
		rc = ufd_small_only(&ioas->space, true);
	ufd_see_vfio(ctx, IOMMUFD_TRACE_VFIO_SET_IOMMU, ioas, type, rc);
	ufd_obj_put(ctx, &ioas->obj);
	return rc;
}

/* ---- VFIO_IOMMU_GET_INFO ---- */

static u64 page_sizes(struct ufd_space *s)
{
	unsigned long sizes = ULONG_MAX;
	struct ufd_seat *seat;

	down_read(&s->set_lock);
	list_for_each_entry(seat, &s->seats, node)
		sizes &= seat->domain->pgsize_bitmap;
	/* User memory comes in pages, whatever smaller units an IOMMU knows. */
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	sizes = max(sizes, s->align);
	up_read(&s->set_lock);
	return sizes;
}

/*
 * Capabilities are a list in the buffer of the user, behind the info. Whatever
 * has no room is counted, so that he can come again with more.
 */
struct caps {
	char __user *base;
	u32 room;
	u32 used;
	u32 last;	/* where the one before is, 0: nowhere */
};

static bool cap_fits(const struct caps *c, u32 offset, u32 size)
{
	return c->room >= offset && c->room - offset >= size;
}

static int cap_write(struct caps *c, u32 offset, const void *data, u32 size)
{
	if (!cap_fits(c, offset, size))
		return 0;
	return copy_to_user(c->base + offset, data, size) ? -EFAULT : 0;
}

/* Link what begins at the end of the used part, and ends at @end. */
static int cap_link(struct caps *c, u32 end)
{
	u32 next = c->used;
	int rc = 0;

	if (c->last)
		rc = cap_write(c, c->last + offsetof(struct vfio_info_cap_header, next), &next,
			       sizeof(next));
	c->last = c->used;
	c->used = ALIGN(end, sizeof(u64));
	return rc;
}

static int cap_dma_avail(struct caps *c)
{
	/* The limit is memory; S390's QEMU wants a number, and more than 65535. */
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header = { .id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, .version = 1 },
		.avail = U32_MAX,
	};
	int rc = cap_write(c, c->used, &cap, sizeof(cap));

	return rc ?: cap_link(c, c->used + sizeof(cap));
}

static int cap_ranges(struct caps *c, struct ufd_space *s)
{
	struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = { .id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1 },
	};
	u32 end = c->used + sizeof(cap);
	struct interval_tree_span_iter span;
	bool whole;
	int rc;

	interval_tree_for_each_span(&span, &s->keepouts, 0, ULONG_MAX) {
		struct vfio_iova_range range = { .start = span.start_hole, .end = span.last_hole };

		if (!span.is_hole)
			continue;
		rc = cap_write(c, end, &range, sizeof(range));
		if (rc)
			return rc;
		if (cap_fits(c, end, sizeof(range)))
			ufd_see_range(s, range.start, range.end);
		end += sizeof(range);
		cap.nr_iovas++;
	}
	/* The header promises all of it. */
	whole = cap_fits(c, c->used, end - c->used);
	rc = whole ? cap_write(c, c->used, &cap, sizeof(cap)) : 0;
	if (rc)
		return rc;
	if (c->room > c->used)
		ufd_see_range_end(s, 0, cap.nr_iovas, whole ? 0 : -EMSGSIZE);
	return cap_link(c, end);
}

static int get_info(struct iommufd_ctx *ctx, void __user *arg)
{
	size_t size = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct caps caps = { .base = arg, .used = sizeof(info) };
	struct ufd_ioas *ioas;
	int rc;

	if (copy_from_user(&info, arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	size = min_t(size_t, info.argsz, sizeof(info));
	caps.room = info.argsz;
	ioas = compat_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	info.iova_pgsizes = page_sizes(&ioas->space);
	down_read(&ioas->space.map_lock);
	rc = cap_dma_avail(&caps);
	if (!rc)
		rc = cap_ranges(&caps, &ioas->space);
	up_read(&ioas->space.map_lock);
	ufd_obj_put(ctx, &ioas->obj);
	if (rc)
		return rc;
	info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info.cap_offset = info.argsz >= caps.used ? sizeof(info) : 0;
	info.argsz = caps.used;
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}

long ufd_compat_ioctl(struct iommufd_ctx *ctx, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(ctx, arg);
	case VFIO_SET_IOMMU:
		return set_iommu(ctx, arg);
	case VFIO_IOMMU_GET_INFO:
		return get_info(ctx, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(ctx, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(ctx, uarg);
	default:
		return -ENOIOCTLCMD;
	}
}
