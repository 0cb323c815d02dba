// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map: new windows on a backing.
 *
 * Three steps, and the reverse of each:
 *   place   find the IOVA, and take it           remove
 *   fill    hold the pages, then translate       untranslate, then drop
 *   show    make the windows LIVE
 * set_lock is read all along, so that the domains which were filled are those of
 * the space when the windows become LIVE.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "observe.h"
#include "space.h"

/* The end of windows that have no place. */
void ufd_free_windows(struct list_head *windows)
{
	struct ufd_window *w, *next;

	list_for_each_entry_safe(w, next, windows, batch) {
		list_del(&w->batch);
		ufd_window_free(w);
	}
}

/* ---- place ---- */

static int check_slices(struct ufd_space *s, struct list_head *windows, int prot)
{
	struct ufd_window *w;

	list_for_each_entry(w, windows, batch) {
		if ((prot & IOMMU_WRITE) && !w->backing->writable)
			return -EPERM;
		if (!IS_ALIGNED(offset_in_page(w->start), s->align))
			return -EINVAL;
	}
	return 0;
}

static int find_place(struct ufd_space *s, struct list_head *windows, unsigned long length,
		      bool choose, unsigned long *iova)
{
	struct ufd_window *w = list_first_entry(windows, struct ufd_window, batch);
	unsigned long hint = w->backing->uptr + w->start;
	int rc;

	if (!length || !IS_ALIGNED(length, s->align))
		return -EINVAL;
	if (choose)
		rc = ufd_iova_choose(s, hint, length, iova);
	else
		rc = ufd_iova_check(s, *iova, length);
	if (!rc)
		ufd_see_iova(s, choose, *iova, length, hint);
	return rc;
}

static int place(struct ufd_space *s, struct list_head *windows, unsigned long length, int prot,
		 bool choose, unsigned long *iova)
{
	unsigned long at;
	struct ufd_window *w;
	int rc;

	down_write(&s->map_lock);
	rc = check_slices(s, windows, prot);
	if (!rc)
		rc = find_place(s, windows, length, choose, iova);
	if (rc)
		goto out;
	at = *iova;
	list_for_each_entry(w, windows, batch) {
		unsigned long size = ufd_window_length(w);

		w->iova.start = at;
		w->iova.last = at + (size - 1);
		w->prot = prot;
		ufd_window_insert(s, w);
		at += size;
	}
out:
	up_write(&s->map_lock);
	return rc;
}

static void remove(struct ufd_space *s, struct list_head *windows)
{
	struct ufd_window *w;

	down_write(&s->map_lock);
	list_for_each_entry(w, windows, batch)
		ufd_window_remove(w);
	up_write(&s->map_lock);
}

/* ---- fill ---- */

static void untranslate_until(struct ufd_window *w, struct ufd_seat *end)
{
	struct iommu_iotlb_gather gather;
	struct ufd_seat *seat;

	list_for_each_entry(seat, &w->space->seats, node) {
		if (seat == end)
			return;
		iommu_iotlb_gather_init(&gather);
		ufd_untranslate(seat->domain, w, &gather);
		ufd_sync(seat->domain, &gather);
	}
}

static int translate_all(struct ufd_window *w)
{
	struct ufd_seat *seat;
	int rc;

	list_for_each_entry(seat, &w->space->seats, node) {
		rc = ufd_translate(seat->domain, w);
		if (rc) {
			untranslate_until(w, seat);
			return rc;
		}
	}
	return 0;
}

static int fill_one(struct ufd_window *w)
{
	struct ufd_backing *b = w->backing;
	int rc;

	mutex_lock(&b->lock);
	rc = ufd_backing_take(b, &w->hold, ufd_window_index(w, w->iova.start),
			      ufd_window_index(w, w->iova.last));
	if (rc)
		goto out;
	rc = translate_all(w);
	if (rc)
		ufd_backing_drop(b, &w->hold);
	else
		ufd_see_storage(w, list_first_entry(&w->space->seats, struct ufd_seat, node));
out:
	mutex_unlock(&b->lock);
	return rc;
}

static void empty_one(struct ufd_window *w)
{
	mutex_lock(&w->backing->lock);
	ufd_see_storage(w, NULL);
	untranslate_until(w, NULL);
	ufd_backing_drop(w->backing, &w->hold);
	mutex_unlock(&w->backing->lock);
}

static int fill(struct ufd_space *s, struct list_head *windows)
{
	struct ufd_window *w;
	int rc;

	if (list_empty(&s->seats))
		return 0;
	list_for_each_entry(w, windows, batch) {
		rc = fill_one(w);
		if (rc)
			goto err;
	}
	return 0;
err:
	list_for_each_entry_continue_reverse(w, windows, batch)
		empty_one(w);
	return rc;
}

/* ---- show ---- */

static void show(struct ufd_space *s, struct list_head *windows)
{
	struct ufd_window *w, *next;

	down_write(&s->map_lock);
	list_for_each_entry_safe(w, next, windows, batch) {
		list_del_init(&w->batch);
		ufd_window_set(w, UFD_WINDOW_LIVE);
	}
	up_write(&s->map_lock);
}

/**
 * ufd_map_copy - give windows a place, and fill them
 * @s: the space
 * @windows: new windows, one behind the other; empty when it worked
 * @length: sum of all
 * @prot: IOMMU_READ and so on
 * @choose: find a place; else it is *@iova
 * @iova: the place
 *
 * Return: 0 or an error; then the windows are the caller's as before
 */
int ufd_map_copy(struct ufd_space *s, struct list_head *windows, unsigned long length, int prot,
		 bool choose, unsigned long *iova)
{
	int rc;

	down_read(&s->set_lock);
	rc = place(s, windows, length, prot, choose, iova);
	if (rc)
		goto out;
	rc = fill(s, windows);
	if (rc)
		remove(s, windows);
	else
		show(s, windows);
out:
	up_read(&s->set_lock);
	return rc;
}

/**
 * ufd_map_user - map memory of the caller
 * @s: the space
 * @uptr: user address
 * @length: bytes
 * @prot: IOMMU_READ and so on
 * @choose: find a place; else it is *@iova
 * @iova: the place
 *
 * Return: 0 or an error
 */
int ufd_map_user(struct ufd_space *s, unsigned long uptr, unsigned long length, int prot,
		 bool choose, unsigned long *iova)
{
	struct ufd_backing *b;
	struct ufd_window *w;
	LIST_HEAD(windows);
	int rc = -ENOMEM;

	b = ufd_backing_new(s->ctx, uptr, length, prot & IOMMU_WRITE);
	if (IS_ERR(b))
		return PTR_ERR(b);
	w = ufd_window_new(b, uptr - b->uptr, length);
	if (w) {
		list_add(&w->batch, &windows);
		rc = ufd_map_copy(s, &windows, length, prot, choose, iova);
		ufd_free_windows(&windows);
	}
	ufd_backing_put(b);
	return rc;
}

/**
 * ufd_copy_windows - new windows on what a range shows
 * @s: the space of the range
 * @iova: its start
 * @length: its length
 * @windows: result, for ufd_map_copy() or ufd_free_windows()
 *
 * Return: 0, -ENOENT when not all of it is mapped, or an error
 */
int ufd_copy_windows(struct ufd_space *s, unsigned long iova, unsigned long length,
		     struct list_head *windows)
{
	struct ufd_walk walk;
	unsigned long last;
	int rc = 0;
	bool more;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;

	down_read(&s->map_lock);
	for (more = ufd_walk_start(&walk, s, iova, last); more; more = ufd_walk_step(&walk)) {
		struct ufd_window *w = ufd_window_new(walk.w->backing,
						      ufd_window_byte(walk.w, walk.iova),
						      walk.last - walk.iova + 1);

		if (!w) {
			rc = -ENOMEM;
			goto out;
		}
		list_add_tail(&w->batch, windows);
	}
	if (!ufd_walk_complete(&walk))
		rc = -ENOENT;
out:
	up_read(&s->map_lock);
	if (rc)
		ufd_free_windows(windows);
	return rc;
}
