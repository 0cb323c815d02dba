/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot: what iommufd holds at a moment, as plain structures.
 *
 *	snapshot -> contexts -> spaces (IOASes) -> areas, ranges, domains, HWPTs
 *
 * Within a space all rows were true at the same instant, unless "sections" says
 * that it was read in several: then no two rows overlap, but an area may have
 * moved between them. Between spaces of a context the objects are compared
 * before and after: "changed" tells that they never stood still.
 *
 * The rows are those of bpf/snap.h; they are put together here and nothing of
 * this needs a kernel.
 */
#ifndef IMS_SNAPSHOT_ROWS_H
#define IMS_SNAPSHOT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/snap.h"

#define SNAP_LIST(type)         \
	struct {                \
		struct type *at; \
		size_t n, cap;  \
	}

struct snap_space {
	struct snap_ioas_row ioas;
	unsigned int sections;		/* times the lock was taken */
	SNAP_LIST(snap_area) areas;	/* by IOVA */
	SNAP_LIST(snap_range) reserved;
	SNAP_LIST(snap_range) allowed;
	SNAP_LIST(snap_domain) domains;
	SNAP_LIST(snap_hwpt) hwpts;	/* nested ones too */
	SNAP_LIST(snap_access) accesses;
};

struct snap_context {
	struct snap_ctx_row row;
	bool changed;			/* objects came or went while it was read */
	bool unlocked;			/* nothing held it still */
	SNAP_LIST(snap_file) holders;
	SNAP_LIST(snap_object) objects;
	SNAP_LIST(snap_device) devices;
	SNAP_LIST(snap_space) spaces;
	SNAP_LIST(snap_pin) pins;	/* only for who asked */
};

struct snapshot {
	SNAP_LIST(snap_context) contexts;
};

struct snap_threads {
	SNAP_LIST(snap_thread) list;
};

/* What somebody holds. A pages object counts once, however many areas show it. */
struct snap_totals {
	uint64_t contexts, spaces, areas, devices;
	uint64_t mapped;		/* bytes of IOVA */
	uint64_t pinned, charged;	/* pages */
};

/* Append a copy of *@item; 0 or -ENOMEM. */
#define snap_list_add(list, item) \
	snap_list_add_item((void **)&(list).at, &(list).n, &(list).cap, sizeof(*(list).at), item)
int snap_list_add_item(void **at, size_t *n, size_t *cap, size_t size, const void *item);

/* Bytes of a row of this kind; 0: no such kind. */
size_t snap_row_size(uint32_t kind);
/* Add a row to @c; 0, -ENOMEM, or -EINVAL when it belongs to nothing. */
int snap_add(struct snap_context *c, const struct snap_row *r);
/* Forget all but who holds it. */
void snap_forget(struct snap_context *c);
/* Are the objects and devices of both the same? */
bool snap_same_objects(const struct snap_context *a, const struct snap_context *b);
void snap_space_free(struct snap_space *s);
void snap_context_free(struct snap_context *c);
void snap_free(struct snapshot *s);

/* Of one context, added to @t. 0 or -ENOMEM. */
int snap_count(const struct snap_context *c, struct snap_totals *t);

/* Of one space: NULL when there is none. */
const struct snap_hwpt *snap_hwpt_of_domain(const struct snap_space *s, uint64_t domain);
const struct snap_device *snap_device_of_owner(const struct snap_context *c, uint64_t dev);

/* Does an IOMMU translate for it? */
bool snap_has_group(const struct snap_device *d);
/* Is the domain of @d one of @s, itself or as the parent of a nested one? */
bool snap_attached(const struct snap_space *s, const struct snap_device *d);

#endif
