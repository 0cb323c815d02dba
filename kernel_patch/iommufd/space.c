// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an IOVA space is made of: windows, keepouts, allowed ranges. Each of them
 * changes in one function here, which tells the trace.
 */
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "observe.h"
#include "space.h"

void ufd_space_init(struct ufd_space *s, struct iommufd_ctx *ctx)
{
	init_rwsem(&s->set_lock);
	init_rwsem(&s->map_lock);
	s->ctx = ctx;
	INIT_LIST_HEAD(&s->seats);
	xa_init_flags(&s->accesses, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	s->windows = RB_ROOT_CACHED;
	s->keepouts = RB_ROOT_CACHED;
	s->align = 1;
}

/* All users are gone, and all windows were unmapped. */
void ufd_space_destroy(struct ufd_space *s)
{
	/* What the selftest reserved belongs to nobody. */
	down_write(&s->map_lock);
	ufd_keepout_remove(s, NULL);
	up_write(&s->map_lock);

	WARN_ON(!list_empty(&s->seats));
	WARN_ON(!xa_empty(&s->accesses));
	WARN_ON(!RB_EMPTY_ROOT(&s->windows.rb_root));
	WARN_ON(!RB_EMPTY_ROOT(&s->keepouts.rb_root));
	xa_destroy(&s->accesses);
	kvfree(s->allowed);
}

/* ---- windows ---- */

/**
 * ufd_window_new - a window that has no place yet
 * @b: what it shows; takes a reference
 * @start: byte of the backing
 * @length: bytes
 *
 * Return: the window, or NULL
 */
struct ufd_window *ufd_window_new(struct ufd_backing *b, unsigned long start, unsigned long length)
{
	struct ufd_window *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);

	if (!w)
		return NULL;
	ufd_backing_get(b);
	w->backing = b;
	w->start = start;
	w->iova.last = length - 1;
	ufd_hold_init(&w->hold);
	INIT_LIST_HEAD(&w->batch);
	return w;
}

void ufd_window_free(struct ufd_window *w)
{
	ufd_backing_put(w->backing);
	kfree(w);
}

/* The caller has placed it where nothing else is. */
void ufd_window_insert(struct ufd_space *s, struct ufd_window *w)
{
	lockdep_assert_held_write(&s->map_lock);
	w->space = s;
	w->state = UFD_WINDOW_PENDING;
	interval_tree_insert(&w->iova, &s->windows);
	ufd_see_window(w, IOMMUFD_TRACE_AREA_INSERT);
}

void ufd_window_set(struct ufd_window *w, enum ufd_window_state state)
{
	lockdep_assert_held_write(&w->space->map_lock);
	w->state = state;
	ufd_see_window(w, state == UFD_WINDOW_LIVE ? IOMMUFD_TRACE_AREA_READY :
						     IOMMUFD_TRACE_AREA_DYING);
}

void ufd_window_remove(struct ufd_window *w)
{
	lockdep_assert_held_write(&w->space->map_lock);
	interval_tree_remove(&w->iova, &w->space->windows);
	w->state = UFD_WINDOW_NEW;
	ufd_see_window(w, IOMMUFD_TRACE_AREA_FREE);
}

/* ---- walks ---- */

static bool walk_to(struct ufd_walk *walk, unsigned long iova)
{
	struct ufd_window *w = ufd_window_first(walk->space, iova, iova);

	if (w && w->state != UFD_WINDOW_LIVE)
		w = NULL;
	walk->w = w;
	walk->iova = iova;
	if (w)
		walk->last = min(w->iova.last, walk->end);
	return w;
}

bool ufd_walk_start(struct ufd_walk *walk, struct ufd_space *s, unsigned long iova,
		    unsigned long end)
{
	lockdep_assert_held(&s->map_lock);
	walk->space = s;
	walk->end = end;
	return walk_to(walk, iova);
}

/* False at the end, and at a hole */
bool ufd_walk_step(struct ufd_walk *walk)
{
	if (walk->last == walk->end)
		return false;
	return walk_to(walk, walk->last + 1);
}

/* Did it get to the end? */
bool ufd_walk_complete(const struct ufd_walk *walk)
{
	return walk->w && walk->last == walk->end;
}

/* ---- keepouts ---- */

static bool allowed_hit(const struct ufd_space *s, unsigned long first, unsigned long last)
{
	unsigned int i;

	for (i = 0; s->allowed && i < s->allowed->n; i++)
		if (s->allowed->range[i].start <= last && s->allowed->range[i].last >= first)
			return true;
	return false;
}

static int keepout_insert(struct ufd_space *s, unsigned long first, unsigned long last,
			  const void *owner)
{
	struct ufd_keepout *k;

	if (ufd_window_first(s, first, last) || allowed_hit(s, first, last))
		return -EADDRINUSE;
	k = kzalloc(sizeof(*k), GFP_KERNEL_ACCOUNT);
	if (!k)
		return -ENOMEM;
	k->iova.start = first;
	k->iova.last = last;
	k->owner = owner;
	interval_tree_insert(&k->iova, &s->keepouts);
	return 0;
}

/**
 * ufd_keepout_add - no window may be here from now on
 * @s: the space, map_lock is held for writing
 * @first: start
 * @last: end
 * @owner: whom it goes with
 *
 * Return: 0, -ENOMEM, or -EADDRINUSE when there is a window or a promise
 */
int ufd_keepout_add(struct ufd_space *s, unsigned long first, unsigned long last,
		    const void *owner)
{
	int rc;

	lockdep_assert_held_write(&s->map_lock);
	rc = keepout_insert(s, first, last, owner);
	ufd_see_keepout(s, IOMMUFD_TRACE_RESERVE_ADD, first, last, owner, rc);
	return rc;
}

/* The owner leaves. */
void ufd_keepout_remove(struct ufd_space *s, const void *owner)
{
	struct interval_tree_node *node, *next;

	lockdep_assert_held_write(&s->map_lock);
	for (node = interval_tree_iter_first(&s->keepouts, 0, ULONG_MAX); node; node = next) {
		struct ufd_keepout *k = container_of(node, struct ufd_keepout, iova);

		next = interval_tree_iter_next(node, 0, ULONG_MAX);
		if (k->owner != owner)
			continue;
		interval_tree_remove(node, &s->keepouts);
		ufd_see_keepout(s, IOMMUFD_TRACE_RESERVE_DEL, node->start, node->last, owner, 0);
		kfree(k);
	}
}

/* ---- promises ---- */

/**
 * ufd_allowed_set - promise that these ranges stay usable
 * @s: the space
 * @allowed: sorted; replaced by what is to be freed
 *
 * Return: 0, or -EADDRINUSE when one is kept out already; then the old promise
 * stands
 */
int ufd_allowed_set(struct ufd_space *s, struct ufd_allowed **allowed)
{
	struct iommu_iova_range *r;
	unsigned int i;
	int rc = 0;

	down_write(&s->map_lock);
	for (i = 0; *allowed && i < (*allowed)->n && !rc; i++) {
		r = &(*allowed)->range[i];
		if (interval_tree_iter_first(&s->keepouts, r->start, r->last))
			rc = -EADDRINUSE;
	}
	if (rc) {
		ufd_see_allow_refused(s, r->start, r->last, rc);
	} else {
		swap(*allowed, s->allowed);
		ufd_see_allow(s);
	}
	up_write(&s->map_lock);
	return rc;
}
