// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an in-kernel access does in its IOAS: pin pages, unpin them, read, write.
 *
 * A pinned range is a hold on each backing that it shows. Accesses that pin just
 * the same range share the hold.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "device.h"
#include "observe.h"

/* What of a window a walk is at */
static unsigned long walk_index(const struct ufd_walk *walk)
{
	return ufd_window_index(walk->w, walk->iova);
}

static unsigned long walk_last(const struct ufd_walk *walk)
{
	return ufd_window_index(walk->w, walk->last);
}

static int check_use(const struct ufd_window *w, unsigned int flags)
{
	int need = flags & IOMMUFD_ACCESS_RW_WRITE ? IOMMU_WRITE : IOMMU_READ;

	if (w->closed)
		return -EINVAL;
	if (!(w->prot & need) || (need == IOMMU_WRITE && !w->backing->writable))
		return -EPERM;
	return 0;
}

/* The driver gets whole pages, so windows may only meet at their borders. */
static bool whole_pages(const struct ufd_walk *walk)
{
	if (offset_in_page(ufd_window_byte(walk->w, walk->iova)))
		return false;
	return walk->last == walk->end ||
	       PAGE_ALIGNED(ufd_window_byte(walk->w, walk->last) + 1);
}

static int check_range(unsigned long iova, unsigned long length, unsigned long *last)
{
	if (!length)
		return -EINVAL;
	return check_add_overflow(iova, length - 1, last) ? -EOVERFLOW : 0;
}

/* What the access uses stays as it is until use_end(); NULL: it uses nothing. */
static struct ufd_space *use_begin(struct iommufd_access *access)
{
	mutex_lock(&access->lock);
	if (!access->ioas)
		return NULL;
	down_read(&access->ioas->space.map_lock);
	return &access->ioas->space;
}

static void use_end(struct iommufd_access *access, struct ufd_space *s)
{
	if (s)
		up_read(&s->map_lock);
	mutex_unlock(&access->lock);
}

/* ---- pin ---- */

static int new_hold(struct ufd_backing *b, unsigned long first, unsigned long last,
		    struct ufd_hold **out)
{
	struct ufd_hold *hold = kzalloc(sizeof(*hold), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!hold)
		return -ENOMEM;
	rc = ufd_backing_take(b, hold, first, last);
	if (rc) {
		kfree(hold);
		return rc;
	}
	*out = hold;
	return 0;
}

static int pin_range(const struct ufd_walk *walk, struct page **out, unsigned int flags)
{
	unsigned long first = walk_index(walk), last = walk_last(walk);
	struct ufd_backing *b = walk->w->backing;
	struct ufd_hold *hold;
	int rc = 0;

	mutex_lock(&b->lock);
	hold = ufd_backing_find_hold(b, first, last);
	if (!hold)
		rc = new_hold(b, first, last, &hold);
	if (!rc) {
		hold->users++;
		walk->w->pins++;
		ufd_backing_list(b, first, last, out);
	}
	ufd_see_access_range(walk->w, IOMMUFD_TRACE_ACCESS_RANGE_PIN, first, last,
			     rc ? 0 : hold->users, flags, rc);
	if (!rc)
		ufd_see_access_pfns(walk->w, first, last, out);
	mutex_unlock(&b->lock);
	return rc;
}

static void unpin_range(const struct ufd_walk *walk)
{
	unsigned long first = walk_index(walk), last = walk_last(walk);
	struct ufd_backing *b = walk->w->backing;
	struct ufd_hold *hold;

	mutex_lock(&b->lock);
	hold = ufd_backing_find_hold(b, first, last);
	if (WARN_ON(!hold || !walk->w->pins))
		goto out;
	hold->users--;
	walk->w->pins--;
	ufd_see_access_range(walk->w, IOMMUFD_TRACE_ACCESS_RANGE_UNPIN, first, last, hold->users,
			     0, 0);
	if (!hold->users) {
		ufd_backing_drop(b, hold);
		kfree(hold);
	}
out:
	mutex_unlock(&b->lock);
}

/* Returns true when all of the range was there. */
static bool unpin_all(struct ufd_space *s, unsigned long iova, unsigned long last)
{
	struct ufd_walk walk;
	bool more;

	for (more = ufd_walk_start(&walk, s, iova, last); more; more = ufd_walk_step(&walk))
		unpin_range(&walk);
	return ufd_walk_complete(&walk);
}

static int pin_all(struct ufd_space *s, unsigned long iova, unsigned long last,
		   struct page **out, unsigned int flags)
{
	struct ufd_walk walk;
	bool more;
	int rc = 0;

	for (more = ufd_walk_start(&walk, s, iova, last); more; more = ufd_walk_step(&walk)) {
		rc = check_use(walk.w, flags);
		if (!rc && !whole_pages(&walk))
			rc = -EINVAL;
		if (!rc)
			rc = pin_range(&walk, out, flags);
		if (rc)
			break;
		out += walk_last(&walk) - walk_index(&walk) + 1;
	}
	if (!rc && !ufd_walk_complete(&walk))
		rc = -ENOENT;
	/* The walk has stopped at the first IOVA that was not pinned. */
	if (rc && walk.iova != iova)
		unpin_all(s, iova, walk.iova - 1);
	return rc;
}

/**
 * iommufd_access_pin_pages - pin the pages behind a range
 * @access: the access; its driver can unpin when it is asked to
 * @iova: start
 * @length: bytes
 * @out_pages: result, in their order
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Return: 0; -ENOENT when not all is mapped, or the access uses no IOAS; -EPERM;
 * -EINVAL when a window does not begin with a page, or goes away; or an error
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages, unsigned int flags)
{
	struct ufd_space *s;
	unsigned long last;
	int rc;

	if (WARN_ON(access->align != PAGE_SIZE || !access->ops->unmap))
		return -EINVAL;
	rc = check_range(iova, length, &last);
	if (rc)
		return rc;

	s = use_begin(access);
	rc = s ? pin_all(s, iova, last, out_pages, flags) : -ENOENT;
	ufd_see_access_op(access, s, IOMMUFD_TRACE_ACCESS_OP_PIN, iova, length, flags, rc);
	use_end(access, s);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_pin_pages, IOMMUFD);

/**
 * iommufd_access_unpin_pages - the end of iommufd_access_pin_pages()
 * @access: the access
 * @iova: the same start
 * @length: the same length
 */
void iommufd_access_unpin_pages(struct iommufd_access *access, unsigned long iova,
				unsigned long length)
{
	struct ufd_space *s;
	unsigned long last;

	if (WARN_ON(check_range(iova, length, &last)))
		return;
	mutex_lock(&access->lock);
	if (WARN_ON(!access->ioas_unpin))
		goto out;
	s = &access->ioas_unpin->space;
	down_read(&s->map_lock);
	WARN_ON(!unpin_all(s, iova, last));
	ufd_see_access_op(access, s, IOMMUFD_TRACE_ACCESS_OP_UNPIN, iova, length, 0, 0);
	up_read(&s->map_lock);
out:
	mutex_unlock(&access->lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_unpin_pages, IOMMUFD);

/* ---- read and write ---- */

static int rw_all(struct ufd_space *s, unsigned long iova, unsigned long last, void *data,
		  unsigned int flags)
{
	struct ufd_walk walk;
	bool more;
	int rc;

	for (more = ufd_walk_start(&walk, s, iova, last); more; more = ufd_walk_step(&walk)) {
		unsigned long n = walk.last - walk.iova + 1;

		rc = check_use(walk.w, flags);
		if (!rc)
			rc = ufd_backing_rw(walk.w->backing, ufd_window_byte(walk.w, walk.iova),
					    data, n, flags);
		if (rc)
			return rc;
		data += n;
	}
	return ufd_walk_complete(&walk) ? 0 : -ENOENT;
}

/**
 * iommufd_access_rw - read or write memory by its IOVA
 * @access: the access
 * @iova: start
 * @data: kernel memory, the other side
 * @length: bytes
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Return: 0, or an error; a part may have been copied then
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova, void *data,
		      size_t length, unsigned int flags)
{
	struct ufd_space *s;
	unsigned long last;
	int rc = check_range(iova, length, &last);

	if (rc)
		return rc;

	s = use_begin(access);
	rc = s ? rw_all(s, iova, last, data, flags) : -ENOENT;
	ufd_see_access_op(access, s, IOMMUFD_TRACE_ACCESS_OP_RW, iova, length, flags, rc);
	use_end(access, s);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_rw, IOMMUFD);
