// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmap: the end of windows, in the order that makes it safe.
 *
 *   doom    LIVE windows become DYING, so that nobody else can use them
 *   empty   each domain forgets all of them, and is synchronised once; only
 *           then the pages are dropped
 *   remove  they give up their place
 *
 * Windows in which an in-kernel access has pinned pages are closed first, and its
 * driver is asked to unpin. No lock is held meanwhile.
 */
#include <linux/mm.h>
#include <linux/overflow.h>

#include "observe.h"
#include "space.h"

#define ASK_AT_MOST 100	/* times, before a driver counts as dead */

/* ---- doom ---- */

/* The range must not cut a window, neither the first one @w nor the last one. */
static bool cuts(struct ufd_space *s, struct ufd_window *w, unsigned long first,
		 unsigned long last)
{
	if (w->iova.start < first)
		return true;
	if (w->iova.last < last)
		w = ufd_window_first(s, last, last);
	return w && w->iova.last > last;
}

/*
 * Take windows up to the first one that has pins; that one is closed.
 */
static int doom(struct ufd_space *s, unsigned long first, unsigned long last,
		struct list_head *doomed, struct ufd_window **pinned)
{
	struct ufd_window *w = ufd_window_first(s, first, last);

	*pinned = NULL;
	if (w && cuts(s, w, first, last))
		return -ENOENT;
	for (; w; w = w->iova.last < last ? ufd_window_next(w, first, last) : NULL) {
		/* Another thread maps or unmaps it. */
		if (w->state != UFD_WINDOW_LIVE)
			return -EBUSY;
		if (w->pins) {
			w->closed = true;
			ufd_see_window(w, IOMMUFD_TRACE_AREA_PREVENT);
			*pinned = w;
			return 0;
		}
		ufd_window_set(w, UFD_WINDOW_DYING);
		list_add_tail(&w->batch, doomed);
	}
	return 0;
}

/* ---- empty ---- */

/* Whoever pins for another window of a backing does not count on this one. */
static void disown(struct list_head *doomed)
{
	struct ufd_window *w;

	/* This is about the order of events. */
	if (!ufd_sees_storage())
		return;
	list_for_each_entry(w, doomed, batch) {
		mutex_lock(&w->backing->lock);
		ufd_see_storage(w, NULL);
		mutex_unlock(&w->backing->lock);
	}
}

static void untranslate(struct ufd_space *s, struct list_head *doomed)
{
	struct iommu_iotlb_gather gather;
	struct ufd_window *w;
	struct ufd_seat *seat;

	list_for_each_entry(seat, &s->seats, node) {
		iommu_iotlb_gather_init(&gather);
		list_for_each_entry(w, doomed, batch)
			ufd_untranslate(seat->domain, w, &gather);
		ufd_sync(seat->domain, &gather);
	}
}

static void empty(struct ufd_space *s, struct list_head *doomed)
{
	struct ufd_window *w;

	if (list_empty(doomed) || list_empty(&s->seats))
		return;
	disown(doomed);
	untranslate(s, doomed);
	list_for_each_entry(w, doomed, batch) {
		mutex_lock(&w->backing->lock);
		ufd_backing_drop(w->backing, &w->hold);
		mutex_unlock(&w->backing->lock);
	}
}

/* ---- remove ---- */

/* Returns how many bytes were mapped. */
static unsigned long bury(struct ufd_space *s, struct list_head *doomed)
{
	struct ufd_window *w, *next;
	unsigned long bytes = 0;

	if (list_empty(doomed))
		return 0;
	down_write(&s->map_lock);
	list_for_each_entry(w, doomed, batch) {
		ufd_window_remove(w);
		bytes += ufd_window_length(w);
	}
	up_write(&s->map_lock);
	list_for_each_entry_safe(w, next, doomed, batch)
		ufd_window_free(w);
	return bytes;
}

/**
 * struct unmapper - an unmap that may be interrupted by drivers who must unpin
 * @first: where it goes on; what is before is done, or new
 * @last: where it ends
 * @asked: how often drivers were asked since there was progress
 * @length: of the window that has pins, 0: none
 * @bytes: what was unmapped
 */
struct unmapper {
	unsigned long first;
	unsigned long last;
	unsigned int asked;
	unsigned long length;
	unsigned long bytes;
};

static int unmap_round(struct ufd_space *s, struct unmapper *u)
{
	struct ufd_window *pinned;
	unsigned long start = u->first;
	LIST_HEAD(doomed);
	int rc;

	down_read(&s->set_lock);
	down_write(&s->map_lock);
	rc = doom(s, u->first, u->last, &doomed, &pinned);
	u->length = 0;
	if (pinned) {
		start = pinned->iova.start;
		u->length = ufd_window_length(pinned);
	}
	up_write(&s->map_lock);
	empty(s, &doomed);
	u->bytes += bury(s, &doomed);
	up_read(&s->set_lock);

	if (start != u->first)
		u->asked = 0;
	u->first = start;
	return rc;
}

/**
 * ufd_unmap - remove all windows of a range
 * @s: the space
 * @first: start
 * @last: end
 * @unmapped: bytes, also when it fails
 *
 * Return: 0, even if there was nothing; -ENOENT when the range cuts a window;
 * -EBUSY when another thread maps or unmaps there; -EDEADLOCK when a driver does
 * not unpin
 */
int ufd_unmap(struct ufd_space *s, unsigned long first, unsigned long last,
	      unsigned long *unmapped)
{
	struct unmapper u = { .first = first, .last = last };
	int rc;

	for (;;) {
		rc = unmap_round(s, &u);
		if (rc || !u.length)
			break;
		ufd_access_notify(s, u.first, u.length);
		if (WARN_ON(++u.asked > ASK_AT_MOST)) {
			rc = -EDEADLOCK;
			break;
		}
	}
	*unmapped = u.bytes;
	ufd_see_unmap(s, first, last, u.bytes, rc);
	return rc;
}

/* ---- cut ---- */

static int may_cut(struct ufd_space *s, struct ufd_window *w, unsigned long iova)
{
	if (w->state != UFD_WINDOW_LIVE || w->closed)
		return -EBUSY;
	if (!IS_ALIGNED(iova, s->align) || !IS_ALIGNED(ufd_window_byte(w, iova), s->align))
		return -EINVAL;
	/* Nobody knows which half a pin belongs to, nor how large an entry is. */
	if (w->pins || (ufd_hold_linked(&w->hold) && !s->small_only))
		return -EINVAL;
	return 0;
}

static int cut_hold(struct ufd_window *w, unsigned long iova, struct ufd_window *low,
		    struct ufd_window *high)
{
	if (!ufd_hold_linked(&w->hold))
		return 0;
	return ufd_backing_cut(w->backing, &w->hold, ufd_window_index(w, iova), &low->hold,
			       ufd_window_index(w, iova - 1), &high->hold);
}

static void replace(struct ufd_window *w, unsigned long iova, struct ufd_window *low,
		    struct ufd_window *high)
{
	struct ufd_space *s = w->space;

	interval_tree_remove(&w->iova, &s->windows);
	ufd_see_window(w, IOMMUFD_TRACE_AREA_REMOVE);
	low->prot = w->prot;
	high->prot = w->prot;
	low->iova.start = w->iova.start;
	low->iova.last = iova - 1;
	high->iova.start = iova;
	high->iova.last = w->iova.last;
	ufd_window_insert(s, low);
	ufd_window_insert(s, high);
	low->state = UFD_WINDOW_LIVE;
	high->state = UFD_WINDOW_LIVE;
	ufd_see_cut(w, low, high);
}

static int cut_window(struct ufd_space *s, struct ufd_window *w, unsigned long iova)
{
	struct ufd_window *low, *high;
	int rc = may_cut(s, w, iova);

	if (rc)
		return rc;
	low = ufd_window_new(w->backing, w->start, iova - w->iova.start);
	if (!low)
		return -ENOMEM;
	high = ufd_window_new(w->backing, ufd_window_byte(w, iova), w->iova.last - iova + 1);
	if (!high) {
		ufd_window_free(low);
		return -ENOMEM;
	}

	mutex_lock(&w->backing->lock);
	rc = cut_hold(w, iova, low, high);
	if (!rc)
		replace(w, iova, low, high);
	mutex_unlock(&w->backing->lock);
	if (rc) {
		ufd_window_free(low);
		ufd_window_free(high);
		return rc;
	}
	ufd_window_free(w);
	return 0;
}

/**
 * ufd_cut - see to it that a window ends here, if there is one
 * @s: the space
 * @last: where it shall end
 *
 * Domains and pins stay as they are.
 *
 * Return: 0 or an error
 */
int ufd_cut(struct ufd_space *s, unsigned long last)
{
	struct ufd_window *w;
	int rc = 0;

	down_write(&s->map_lock);
	w = ufd_window_first(s, last, last);
	if (w && w->iova.last != last)
		rc = cut_window(s, w, last + 1);
	up_write(&s->map_lock);
	return rc;
}
