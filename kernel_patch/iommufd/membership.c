// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is in an IOVA space: domains, in-kernel accesses, and devices with ranges
 * that must be kept out.
 *
 * Whoever joins narrows the space: the usable IOVA is what all can use, and the
 * alignment is what all need. Windows are never in the way of that silently:
 * joining fails then.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

#include "device.h"
#include "observe.h"
#include "space.h"

/* ---- alignment ---- */

static unsigned long needed_align(struct ufd_space *s)
{
	unsigned long align = s->small_only ? PAGE_SIZE : 1;
	struct iommufd_access *access;
	struct ufd_seat *seat;
	unsigned long i;

	list_for_each_entry(seat, &s->seats, node)
		align = max(align, 1UL << __ffs(seat->domain->pgsize_bitmap));
	xa_for_each(&s->accesses, i, access)
		align = max(align, access->align);
	return align;
}

static bool windows_have(struct ufd_space *s, unsigned long align)
{
	struct ufd_window *w;

	ufd_for_each_window(w, s)
		if (!IS_ALIGNED(w->iova.start, align) ||
		    !IS_ALIGNED(ufd_window_length(w), align) ||
		    !IS_ALIGNED(offset_in_page(w->start), align))
			return false;
	return true;
}

static int set_align(struct ufd_space *s, unsigned long align)
{
	lockdep_assert_held_write(&s->set_lock);
	lockdep_assert_held_write(&s->map_lock);
	if (align > s->align && !windows_have(s, align))
		return -EADDRINUSE;
	s->align = align;
	ufd_see_align(s);
	return 0;
}

static void lock_both(struct ufd_space *s)
{
	down_write(&s->set_lock);
	down_write(&s->map_lock);
}

static void unlock_both(struct ufd_space *s)
{
	up_write(&s->map_lock);
	up_write(&s->set_lock);
}

/* ---- domains ---- */

static int keep_out_of_aperture(struct ufd_space *s, struct iommu_domain *domain)
{
	const struct iommu_domain_geometry *g = &domain->geometry;
	int rc = 0;

	if (g->aperture_start)
		rc = ufd_keepout_add(s, 0, g->aperture_start - 1, domain);
	if (!rc && g->aperture_end != ULONG_MAX)
		rc = ufd_keepout_add(s, g->aperture_end + 1, ULONG_MAX, domain);
	return rc;
}

/* The first domain of a space is the one for which the pages are held. */
static int join_window(struct ufd_window *w, struct ufd_seat *seat, bool first)
{
	struct ufd_backing *b = w->backing;
	int rc = 0;

	mutex_lock(&b->lock);
	if (first)
		rc = ufd_backing_take(b, &w->hold, ufd_window_index(w, w->iova.start),
				      ufd_window_index(w, w->iova.last));
	if (rc)
		goto out;
	rc = ufd_translate(seat->domain, w);
	if (rc && first)
		ufd_backing_drop(b, &w->hold);
	else if (!rc && first)
		ufd_see_storage(w, seat);
out:
	mutex_unlock(&b->lock);
	return rc;
}

/*
 * A domain forgets all windows before @end, with one sync; then, when it is the
 * last one, the pages are dropped.
 */
static void leave_windows(struct ufd_space *s, struct ufd_seat *seat, struct ufd_window *end,
			  bool last)
{
	struct iommu_iotlb_gather gather;
	struct ufd_seat *other = NULL;
	struct ufd_window *w;
	bool any = false;

	if (!last)
		other = list_first_entry(&s->seats, struct ufd_seat, node);
	iommu_iotlb_gather_init(&gather);
	ufd_for_each_window(w, s) {
		if (w == end)
			break;
		mutex_lock(&w->backing->lock);
		ufd_see_storage(w, other);
		mutex_unlock(&w->backing->lock);
		ufd_untranslate(seat->domain, w, &gather);
		any = true;
	}
	if (any)
		ufd_sync(seat->domain, &gather);
	if (!last)
		return;
	ufd_for_each_window(w, s) {
		if (w == end)
			break;
		mutex_lock(&w->backing->lock);
		ufd_backing_drop(w->backing, &w->hold);
		mutex_unlock(&w->backing->lock);
	}
}

static int join_windows(struct ufd_space *s, struct ufd_seat *seat)
{
	bool first = list_empty(&s->seats);
	struct ufd_window *w;
	int rc;

	ufd_for_each_window(w, s) {
		rc = join_window(w, seat, first);
		if (rc) {
			leave_windows(s, seat, w, first);
			return rc;
		}
	}
	return 0;
}

static int join_locked(struct ufd_space *s, struct ufd_seat *seat)
{
	unsigned long align = max(s->align, 1UL << __ffs(seat->domain->pgsize_bitmap));
	struct ufd_seat *other;
	int rc;

	list_for_each_entry(other, &s->seats, node)
		if (WARN_ON(other->domain == seat->domain))
			return -EEXIST;
	/* Memory is not contiguous beyond a page in general. */
	if (align > PAGE_SIZE)
		return -EINVAL;
	if (align > s->align && !windows_have(s, align))
		return -EADDRINUSE;
	rc = keep_out_of_aperture(s, seat->domain);
	if (!rc)
		rc = join_windows(s, seat);
	if (rc) {
		ufd_keepout_remove(s, seat->domain);
		return rc;
	}
	list_add_tail(&seat->node, &s->seats);
	WARN_ON(set_align(s, align));
	return 0;
}

/**
 * ufd_domain_join - a domain is going to translate what the space says
 * @s: the space
 * @seat: of the domain
 *
 * Return: 0; -EADDRINUSE when a window or a promise is out of its reach; or an
 * error. Then the domain is empty and the space is as before
 */
int ufd_domain_join(struct ufd_space *s, struct ufd_seat *seat)
{
	int rc;

	lock_both(s);
	ufd_see_domain(s, seat->domain, IOMMUFD_TRACE_DOMAIN_ADD_BEGIN, 0);
	rc = join_locked(s, seat);
	ufd_see_domain(s, seat->domain, IOMMUFD_TRACE_DOMAIN_ADD_END, rc);
	unlock_both(s);
	return rc;
}

/**
 * ufd_domain_leave - a domain is emptied, and the space is as wide as without it
 * @s: the space
 * @seat: of the domain
 */
void ufd_domain_leave(struct ufd_space *s, struct ufd_seat *seat)
{
	lock_both(s);
	ufd_see_domain(s, seat->domain, IOMMUFD_TRACE_DOMAIN_DEL_BEGIN, 0);
	list_del(&seat->node);
	leave_windows(s, seat, NULL, list_empty(&s->seats));
	ufd_keepout_remove(s, seat->domain);
	WARN_ON(set_align(s, needed_align(s)));
	ufd_see_domain(s, seat->domain, IOMMUFD_TRACE_DOMAIN_DEL_END, 0);
	unlock_both(s);
}

/* ---- accesses ---- */

/**
 * ufd_access_join - an in-kernel access is going to use the space
 * @s: the space
 * @access: the access
 * @seat: result, to leave with
 *
 * Return: 0; -EADDRINUSE when windows are not aligned as it needs; or an error
 */
int ufd_access_join(struct ufd_space *s, struct iommufd_access *access, u32 *seat)
{
	int rc;

	lock_both(s);
	rc = xa_alloc(&s->accesses, seat, access, xa_limit_16b, GFP_KERNEL_ACCOUNT);
	if (!rc) {
		rc = set_align(s, needed_align(s));
		if (rc)
			xa_erase(&s->accesses, *seat);
	}
	ufd_see_access(s, access, IOMMUFD_TRACE_ACCESS_ADD, rc);
	unlock_both(s);
	return rc;
}

void ufd_access_leave(struct ufd_space *s, struct iommufd_access *access, u32 seat)
{
	lock_both(s);
	WARN_ON(xa_erase(&s->accesses, seat) != access);
	WARN_ON(set_align(s, needed_align(s)));
	ufd_see_access(s, access, IOMMUFD_TRACE_ACCESS_REMOVE, 0);
	unlock_both(s);
}

/* ---- devices ---- */

static int keep_out_regions(struct ufd_space *s, struct device *dev, struct list_head *regions,
			    phys_addr_t *sw_msi)
{
	unsigned int hw = 0, sw = 0;
	struct iommu_resv_region *r;
	int rc;

	list_for_each_entry(r, regions, list) {
		unsigned long last = r->start + (r->length - 1);

		ufd_see_region(s, dev, r->start, last, r->type);
		/* The firmware will be done with it by the time of the attach. */
		if (r->type == IOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		if (sw_msi && r->type == IOMMU_RESV_MSI)
			hw++;
		if (sw_msi && r->type == IOMMU_RESV_SW_MSI) {
			*sw_msi = r->start;
			sw++;
		}
		rc = ufd_keepout_add(s, r->start, last, dev);
		if (rc)
			return rc;
	}
	/* A driver has interrupts in one window of its own, or leaves them to us. */
	return WARN_ON(sw > 1 || (sw && hw)) ? -EINVAL : 0;
}

/**
 * ufd_device_keepouts - keep out what a device must not use for DMA
 * @s: the space that it is going to be attached to
 * @dev: the device
 * @sw_msi: where its interrupts shall be mapped to, if we do this; or NULL
 *
 * Return: 0, or an error; then nothing of it is kept out
 */
int ufd_device_keepouts(struct ufd_space *s, struct device *dev, phys_addr_t *sw_msi)
{
	LIST_HEAD(regions);
	int rc;

	if (ufd_inject())
		return -EINVAL;
	down_write(&s->map_lock);
	iommu_get_resv_regions(dev, &regions);
	rc = keep_out_regions(s, dev, &regions, sw_msi);
	if (rc)
		ufd_keepout_remove(s, dev);
	iommu_put_resv_regions(dev, &regions);
	up_write(&s->map_lock);
	return rc;
}

void ufd_device_release(struct ufd_space *s, struct device *dev)
{
	down_write(&s->map_lock);
	ufd_keepout_remove(s, dev);
	up_write(&s->map_lock);
}

/* ---- page sizes ---- */

static int change_small_only(struct ufd_space *s, bool on)
{
	int rc;

	/* What is mapped with large pages stays so. */
	if (on && !list_empty(&s->seats) && ufd_window_first(s, 0, ULONG_MAX))
		return -EINVAL;
	s->small_only = on;
	rc = set_align(s, needed_align(s));
	if (rc)
		s->small_only = !on;
	return rc;
}

/**
 * ufd_small_only - map every page for itself, or not
 * @s: the space
 * @on: every page for itself, so that windows can be cut
 *
 * Return: 0; -EINVAL when domains translate windows; -EADDRINUSE when windows are
 * not page aligned
 */
int ufd_small_only(struct ufd_space *s, bool on)
{
	int rc = 0;

	lock_both(s);
	if (on != s->small_only)
		rc = change_small_only(s, on);
	else if (!on)
		rc = set_align(s, needed_align(s));
	unlock_both(s);
	return rc;
}
