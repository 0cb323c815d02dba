/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOVA space says what each IOVA means: a byte of a backing, or nothing.
 *
 * A window is a range of IOVA that shows a slice of a backing. Windows never
 * overlap each other nor a keepout. The domains of a space all translate all of
 * its live windows, to the same memory.
 *
 * Locks, in this order:
 *  - set_lock protects who is in the space: domains, accesses, alignment. Map and
 *    unmap read it, all along. So windows that are not LIVE exist only under its
 *    read side, and who changes the set sees nothing but LIVE windows.
 *  - map_lock protects what is in the space: windows, keepouts, allowed ranges.
 *    It is not held while pages are pinned and translations are written.
 *  - ufd_backing.lock: what is pinned, and for whom.
 *
 * A window that is PENDING or DYING belongs to the thread that made it so.
 */
#ifndef UFD_SPACE_H
#define UFD_SPACE_H

#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include "backing.h"

struct iommufd_access;
struct ufd_space;

/* The place of a domain in a space; part of a HWPT */
struct ufd_seat {
	struct list_head node;
	struct iommu_domain *domain;
};

struct ufd_allowed {
	unsigned int n;
	struct iommu_iova_range range[] __counted_by(n);
};

/**
 * struct ufd_space - an IOVA space
 * @set_lock: see above
 * @map_lock: see above
 * @ctx: the context
 * @seats: struct ufd_seat of the domains; changes under both locks
 * @accesses: struct iommufd_access; changes under both locks
 * @align: of all windows, power of two; changes under both locks
 * @small_only: windows may be cut later, so every page is mapped for itself;
 *	changes under both locks
 * @windows: struct ufd_window by IOVA
 * @keepouts: struct ufd_keepout by IOVA, overlapping as it comes
 * @allowed: what may not become a keepout, sorted; NULL: nobody asked
 */
struct ufd_space {
	struct rw_semaphore set_lock;
	struct rw_semaphore map_lock;
	struct iommufd_ctx *ctx;
	struct list_head seats;
	struct xarray accesses;
	unsigned long align;
	bool small_only;
	struct rb_root_cached windows;
	struct rb_root_cached keepouts;
	struct ufd_allowed *allowed;
};

enum ufd_window_state {
	UFD_WINDOW_NEW,		/* not in the space */
	UFD_WINDOW_PENDING,	/* takes its place, and is being filled */
	UFD_WINDOW_LIVE,
	UFD_WINDOW_DYING,	/* still takes its place, and is being emptied */
};

/**
 * struct ufd_window - IOVA that shows a slice of a backing
 * @iova: in ufd_space.windows
 * @space: its space
 * @backing: what it shows, with a reference
 * @start: the byte of the backing that the first IOVA shows
 * @prot: IOMMU_READ and so on
 * @state: under the write side of map_lock
 * @closed: accesses may not pin any more
 * @pins: number of ranges that accesses hold; changes under the read side of
 *	map_lock and ufd_backing.lock, so the write side of map_lock reads it
 * @hold: on the slice; linked while the space has a domain
 * @batch: for the thread that this window belongs to
 */
struct ufd_window {
	struct interval_tree_node iova;
	struct ufd_space *space;
	struct ufd_backing *backing;
	unsigned long start;
	int prot;
	enum ufd_window_state state;
	bool closed;
	unsigned int pins;
	struct ufd_hold hold;
	struct list_head batch;
};

struct ufd_keepout {
	struct interval_tree_node iova;
	const void *owner;
};

static inline unsigned long ufd_window_length(const struct ufd_window *w)
{
	return w->iova.last - w->iova.start + 1;
}

static inline unsigned long ufd_window_byte(const struct ufd_window *w, unsigned long iova)
{
	return w->start + (iova - w->iova.start);
}

static inline unsigned long ufd_window_index(const struct ufd_window *w, unsigned long iova)
{
	return ufd_window_byte(w, iova) / PAGE_SIZE;
}

static inline struct ufd_window *ufd_window_first(struct ufd_space *s, unsigned long first,
						  unsigned long last)
{
	struct interval_tree_node *node = interval_tree_iter_first(&s->windows, first, last);

	return node ? container_of(node, struct ufd_window, iova) : NULL;
}

static inline struct ufd_window *ufd_window_next(struct ufd_window *w, unsigned long first,
						 unsigned long last)
{
	struct interval_tree_node *node = interval_tree_iter_next(&w->iova, first, last);

	return node ? container_of(node, struct ufd_window, iova) : NULL;
}

#define ufd_for_each_window(w, s)				\
	for (w = ufd_window_first(s, 0, ULONG_MAX); w;		\
	     w = ufd_window_next(w, 0, ULONG_MAX))

/**
 * struct ufd_walk - a walk over live windows without a hole between them
 * @space: the space, map_lock is held
 * @w: the window now, NULL at the end
 * @iova: first IOVA of it that is asked for
 * @last: last one of it
 * @end: last one of all
 */
struct ufd_walk {
	struct ufd_space *space;
	struct ufd_window *w;
	unsigned long iova;
	unsigned long last;
	unsigned long end;
};

/* space.c */
void ufd_space_init(struct ufd_space *s, struct iommufd_ctx *ctx);
void ufd_space_destroy(struct ufd_space *s);
struct ufd_window *ufd_window_new(struct ufd_backing *b, unsigned long start,
				  unsigned long length);
void ufd_window_free(struct ufd_window *w);
void ufd_window_insert(struct ufd_space *s, struct ufd_window *w);
void ufd_window_set(struct ufd_window *w, enum ufd_window_state state);
void ufd_window_remove(struct ufd_window *w);
bool ufd_walk_start(struct ufd_walk *walk, struct ufd_space *s, unsigned long iova,
		    unsigned long end);
bool ufd_walk_step(struct ufd_walk *walk);
bool ufd_walk_complete(const struct ufd_walk *walk);
int ufd_keepout_add(struct ufd_space *s, unsigned long first, unsigned long last,
		    const void *owner);
void ufd_keepout_remove(struct ufd_space *s, const void *owner);
int ufd_allowed_set(struct ufd_space *s, struct ufd_allowed **allowed);

/* iova.c */
int ufd_iova_choose(struct ufd_space *s, unsigned long hint, unsigned long length,
		    unsigned long *iova);
int ufd_iova_check(struct ufd_space *s, unsigned long iova, unsigned long length);

/* translate.c */
int ufd_translate(struct iommu_domain *domain, struct ufd_window *w);
void ufd_untranslate(struct iommu_domain *domain, struct ufd_window *w,
		     struct iommu_iotlb_gather *gather);
void ufd_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather);

/* mapping.c */
int ufd_map_user(struct ufd_space *s, unsigned long uptr, unsigned long length, int prot,
		 bool choose, unsigned long *iova);
int ufd_map_copy(struct ufd_space *s, struct list_head *windows, unsigned long length, int prot,
		 bool choose, unsigned long *iova);
int ufd_copy_windows(struct ufd_space *s, unsigned long iova, unsigned long length,
		     struct list_head *windows);
void ufd_free_windows(struct list_head *windows);

/* unmapping.c */
int ufd_unmap(struct ufd_space *s, unsigned long first, unsigned long last,
	      unsigned long *unmapped);
int ufd_cut(struct ufd_space *s, unsigned long last);

/* membership.c */
int ufd_domain_join(struct ufd_space *s, struct ufd_seat *seat);
void ufd_domain_leave(struct ufd_space *s, struct ufd_seat *seat);
int ufd_access_join(struct ufd_space *s, struct iommufd_access *access, u32 *seat);
void ufd_access_leave(struct ufd_space *s, struct iommufd_access *access, u32 seat);
int ufd_device_keepouts(struct ufd_space *s, struct device *dev, phys_addr_t *sw_msi);
void ufd_device_release(struct ufd_space *s, struct device *dev);
int ufd_small_only(struct ufd_space *s, bool on);

/* access.c */
void ufd_access_notify(struct ufd_space *s, unsigned long iova, unsigned long length);

#endif /* UFD_SPACE_H */
