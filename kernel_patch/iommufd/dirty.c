// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which IOVA did devices write to? The IOMMU notes it in the entries of a domain,
 * if its driver can.
 */
#include <linux/iommu.h>
#include <linux/iova_bitmap.h>
#include <linux/overflow.h>

#include "device.h"
#include "observe.h"

/* What the domain has noted for a range */
static int read_driver(struct ufd_space *s, struct iommu_domain *domain, unsigned long iova,
		       unsigned long length, unsigned long flags,
		       struct iommu_dirty_bitmap *dirty)
{
	ufd_see_dirty(s->ctx, domain, IOMMUFD_TRACE_DIRTY_READ, iova, length,
		      !(flags & IOMMU_DIRTY_NO_CLEAR), 0);
	return domain->dirty_ops->read_and_clear_dirty(domain, iova, length, flags, dirty);
}

struct reader {
	struct ufd_space *space;
	struct iommu_domain *domain;
	struct iommu_dirty_bitmap *dirty;
	unsigned long flags;
};

/* Read the windows of a range, which must not have holes. */
static int read_range(struct iova_bitmap *bitmap, unsigned long iova, size_t length, void *opaque)
{
	struct reader *r = opaque;
	struct ufd_walk walk;
	bool more;
	int rc;

	for (more = ufd_walk_start(&walk, r->space, iova, iova + (length - 1)); more;
	     more = ufd_walk_step(&walk)) {
		rc = read_driver(r->space, r->domain, walk.iova, walk.last - walk.iova + 1,
				 r->flags, r->dirty);
		if (rc)
			return rc;
	}
	return ufd_walk_complete(&walk) ? 0 : -EINVAL;
}

static int check_range(struct ufd_space *s, const struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	u64 last;

	if (!cmd->length || !cmd->page_size)
		return -EINVAL;
	if (check_add_overflow(cmd->iova, cmd->length - 1, &last) || last > ULONG_MAX)
		return -EOVERFLOW;
	if ((cmd->iova | (last + 1)) & (s->align - 1))
		return -EINVAL;
	if ((cmd->iova | (last + 1)) & (cmd->page_size - 1))
		return -EINVAL;
	return 0;
}

static int read_dirty(struct ufd_hwpt *hwpt, const struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	struct iommu_domain *domain = hwpt->domain;
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;
	struct reader r = {
		.space = &hwpt->ioas->space, .domain = domain, .dirty = &dirty,
		.flags = cmd->flags,
	};
	struct iova_bitmap *bitmap;
	int rc;

	if (!domain->dirty_ops || !domain->dirty_ops->read_and_clear_dirty)
		return -EOPNOTSUPP;
	bitmap = iova_bitmap_alloc(cmd->iova, cmd->length, cmd->page_size,
				   u64_to_user_ptr(cmd->data));
	if (IS_ERR(bitmap))
		return -ENOMEM;
	iommu_dirty_bitmap_init(&dirty, bitmap, &gather);
	rc = iova_bitmap_for_each(bitmap, &r, read_range);
	/* What was cleared must be noted again, so the IOTLB must not know it. */
	if (!(cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR))
		ufd_sync(domain, &gather);
	iova_bitmap_free(bitmap);
	return rc;
}

int ufd_hwpt_get_dirty(struct ufd_call *call)
{
	struct iommu_hwpt_get_dirty_bitmap *cmd = call->cmd;
	struct ufd_hwpt *hwpt;
	struct ufd_space *s;
	int rc;

	static_assert((int)IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR == (int)IOMMU_DIRTY_NO_CLEAR);

	if ((cmd->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) || cmd->__reserved)
		return -EOPNOTSUPP;
	hwpt = ufd_obj_find(call->ctx, cmd->hwpt_id, UFD_HWPT_PAGING);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	s = &hwpt->ioas->space;
	down_read(&s->map_lock);
	rc = check_range(s, cmd);
	if (!rc)
		rc = read_dirty(hwpt, cmd);
	up_read(&s->map_lock);
	ufd_see_dirty(call->ctx, hwpt->domain, IOMMUFD_TRACE_DIRTY_GET, cmd->iova, cmd->length,
		      !(cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR), rc);
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}

/* Tracking starts with nothing dirty. */
static int clear_all(struct ufd_space *s, struct iommu_domain *domain)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;
	struct ufd_window *w;
	int rc = 0;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	ufd_for_each_window(w, s) {
		if (w->state != UFD_WINDOW_LIVE)
			continue;
		rc = read_driver(s, domain, w->iova.start, ufd_window_length(w), 0, &dirty);
		if (rc)
			break;
	}
	ufd_sync(domain, &gather);
	return rc;
}

static int set_dirty(struct ufd_hwpt *hwpt, bool on)
{
	struct iommu_domain *domain = hwpt->domain;
	struct ufd_space *s = &hwpt->ioas->space;
	int rc = 0;

	if (!domain->dirty_ops)
		return -EOPNOTSUPP;
	down_read(&s->map_lock);
	if (on)
		rc = clear_all(s, domain);
	if (!rc)
		rc = domain->dirty_ops->set_dirty_tracking(domain, on);
	up_read(&s->map_lock);
	return rc;
}

int ufd_hwpt_set_dirty(struct ufd_call *call)
{
	struct iommu_hwpt_set_dirty_tracking *cmd = call->cmd;
	bool on = cmd->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
	struct ufd_hwpt *hwpt;
	int rc;

	if (cmd->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = ufd_obj_find(call->ctx, cmd->hwpt_id, UFD_HWPT_PAGING);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = set_dirty(hwpt, on);
	ufd_see_dirty(call->ctx, hwpt->domain, IOMMUFD_TRACE_DIRTY_SET, 0, 0, on, rc);
	ufd_obj_put(call->ctx, &hwpt->obj);
	return rc;
}
