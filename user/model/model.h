/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what iommufd must believe, rebuilt from its records.
 *
 *	ctx -> ioas -> areas (IOVA intervals) -> slices of a pages object
 *	pages  -> pinned runs by page index, areas that show it, accesses, charge
 *	domain -> mapped runs by IOVA
 *
 * Each ctx has tables of its own: contexts come through different rings, and a
 * freed address may be born again in another ctx before its end is read here.
 *
 * The model only follows; it never judges.  Rules look at it before a record is
 * applied (is the change allowed in this state?) and after (is the result what
 * it must be?).  It survives any sequence of records: what contradicts the
 * state is counted as "inconsistent" and the ctx is no longer known.
 *
 * Known and unknown.  A ctx is known when its birth was seen and none of its
 * records was lost.  Rules are only asked about known ctxs.
 *
 * Operations.  The kernel lets pins run ahead of charges, reserves ranges
 * before it attaches, and so on: those invariants hold when an operation is
 * over.  A thread's operation is the records it writes up to a record that
 * iommufd writes only when a step is complete (see model_op_over()).  What a
 * thread touched is judged then, unless another thread touched it later.
 *
 * Units: IOVA, lengths and physical addresses in bytes; index, npages, charges
 * and counters in pages of 4 KiB.  "last" is inclusive.
 */
#ifndef IMS_MODEL_H
#define IMS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "model/runmap.h"
#include "model/table.h"

#define IMS_PAGE 4096ULL
#define IMS_PAGE_SHIFT 12

struct m_ctx {
	uint64_t cookie;
	char comm[IMS_COMM];
	uint32_t tgid;
	uint8_t ring;
	bool known;
	int64_t nobjects;	/* ids reserved or visible */
	int rlimit_mode;	/* enum ims_account_mode, -1: default of the file */
	/* by cookie; ops by thread id */
	struct table ioases, areas, pages, domains, hwpts, devices, faults, objects, ops;
};

struct m_range {
	uint64_t start, last;
	uint64_t owner;
	struct m_range *next;
};

struct m_ioas {
	uint64_t cookie;
	uint32_t id;
	struct m_ctx *ctx;
	struct m_area **areas;	/* sorted by iova; overlaps only by violation */
	uint32_t nareas, cap;
	struct m_range *reserved, *allowed;
	struct m_range *accesses;	/* owner: the access, start: its alignment */
	struct m_range *regions;	/* of devices that use it, as the device lists them */
	struct m_domain *domains;
	uint64_t align;
	bool large_off;
	uint64_t changed;	/* number of the record that changed areas or ranges last */
	uint64_t changed_before; /* the same, of the last thread that is not changed_tid */
	uint32_t changed_tid;
};

/* Has a thread other than @tid changed areas or ranges since record @since? */
static inline bool ioas_changed_by_others(const struct m_ioas *s, uint64_t since, uint32_t tid)
{
	return (s->changed_tid == tid ? s->changed_before : s->changed) >= since;
}

enum m_area_state { M_PENDING, M_LIVE, M_DYING, M_REMOVED };

struct m_area {
	uint64_t cookie;
	uint64_t iova, last;
	uint64_t start_byte;
	uint32_t prot;
	enum m_area_state state;
	bool prevent;		/* accesses were asked to let go: no new ones */
	uint64_t storage;	/* domain that stores its PFNs, 0: none; linked to pages */
	uint32_t nacc;		/* pins of accesses on it */
	uint64_t enter;		/* the ioctl that inserted it, see struct m_op */
	struct m_ioas *ioas;
	struct m_pages *pages;
	struct m_area *next_of_pages, **pprev_of_pages;
};

struct m_pages {
	uint64_t cookie;
	uint64_t uptr, npages;
	uint64_t mm, user;
	uint32_t mode;
	bool writable;
	struct m_ctx *ctx;
	struct runmap pins;		/* index -> pfn */
	struct runmap xa;		/* indices in the xarray for accesses */
	bool xa_seen;			/* this kernel has such a thing */
	uint64_t pend_index, pend_n;	/* pinned by GUP, PFNs not reported yet */
	uint64_t pinned;		/* pages, pending ones included */
	int64_t charged;
	bool charge_refused;		/* an uncharge failed: mm was dead */
	struct m_area *areas;
	struct m_access_range *accesses;
	uint32_t touched_tid;
	uint64_t touched_op;
};

struct m_access_range {
	uint64_t index, last;
	uint32_t users;
	struct m_access_range *next;
};

struct m_domain {
	uint64_t cookie;
	struct m_ctx *ctx;
	struct m_ioas *ioas;	/* NULL: not added (any more) */
	bool added;		/* between ADD_END and DEL_BEGIN */
	uint64_t aperture_start, aperture_last, pgsize_bitmap;
	struct runmap pt;	/* iova -> paddr */
	struct m_range *unsynced;	/* PTEs that went without an IOTLB sync; owner: thread */
	struct m_domain *next;	/* of the IOAS */
};

/* A HWPT says which IOAS its domain will mirror, before the domain is added. */
struct m_hwpt {
	uint64_t cookie;	/* of the domain */
	uint64_t obj;
	uint64_t ioas;		/* cookie, 0 when nested */
	uint64_t parent;	/* nested only: domain of the parent HWPT */
	uint32_t id, flags;	/* enum ims_hwpt_flags */
	bool is_auto;		/* made by an attach, goes with its last device */
	bool orphan;		/* its last device left, alone: it must go now */
};

enum m_object_state { M_OBJ_RESERVED, M_OBJ_VISIBLE };

struct m_object {
	uint64_t cookie;
	uint32_t id, type;	/* enum ims_object_type */
	enum m_object_state state;
};

/* A group of page faults that user space owes an answer to. */
struct m_fault {
	uint64_t cookie;	/* of the iopf group */
	uint64_t fault;		/* the fault object that holds it */
	uint64_t handle;	/* attach handle it came through */
	bool read;
};

struct m_device {
	uint64_t cookie;	/* struct device */
	char name[IMS_NAME];
	uint32_t id, group;
	uint64_t domain;	/* attached to, 0: detached */
	uint64_t handle;	/* of the attachment */
	uint64_t ioas;		/* cookie of the IOAS its domain belongs to, 0: detached */
};

/* What one thread is doing. */
struct m_op {
	uint32_t tid;
	uint64_t number;	/* changes when an operation is over */
	uint64_t enter;		/* record number of the ioctl's enter, 0 outside */
	/* the map under way: where its areas go, how far they got */
	uint64_t map_ioas, map_iova, map_len, map_done;
	uint32_t inserted;	/* areas this ioctl inserted that still exist */
	uint64_t removed_first, removed_last;	/* IOVAs removed since the last unmap report */
	uint64_t removed;	/* bytes of areas removed since the last unmap report */
	uint64_t reported;	/* what the last unmap of the IOVA space reported */
	uint64_t *touched;	/* cookies of pages objects */
	uint32_t ntouched, cap;
	/* what a detach or replace left, judged when the thread goes on */
	uint64_t detached;		/* device, 0: nothing to judge */
	uint64_t detached_from;		/* the IOAS it left */
	uint64_t detached_domain;	/* the domain it left, if it was the last one */
	uint64_t detached_handle;	/* the handle that ended, 0: none */
	uint64_t start;			/* record number that began this operation */
	uint64_t last;			/* number of the thread's last record */
};

/* A record with the objects it names, looked up once; NULL where unknown. */
struct m_event {
	const struct ims_record *r;
	const struct ims_run *runs;
	uint64_t number;	/* counts records, from 1 */
	struct m_ctx *ctx;
	struct m_op *op;
	struct m_ioas *ioas;
	struct m_area *area;
	struct m_pages *pages;
	struct m_domain *domain;
	struct m_device *device;
};

struct model {
	struct table ctxs;
	uint64_t number;
	uint64_t inconsistent;		/* records that contradict the state */
	uint64_t unknown_ctx;		/* records of ctxs whose birth was not seen */
	uint64_t ctxs_seen, ctxs_unknown;
	uint64_t op_numbers;
	uint16_t ring_lost[256];	/* counters start at 0 with the stream */
	bool ring_explained[256];	/* a LOSS record named whose the next loss is */
	uint64_t gaps;			/* losses that no LOSS record named an owner of */
	const char *why_inconsistent;	/* of the last one */
};

void model_init(struct model *m);
void model_destroy(struct model *m);

/* Look up what @r names; counts it.  The event is valid until it is applied. */
void model_resolve(struct model *m, const struct ims_record *r, struct m_event *ev);
/* Change the state by the event. */
void model_apply(struct model *m, struct m_event *ev);
/* Whether @ev ends the operation of its thread; call after applying it. */
bool model_op_over(const struct m_event *ev);
/* Forget what the thread touched: its operation is over and was judged. */
void model_op_reset(struct model *m, struct m_ctx *c, struct m_op *op);
/* Records of this ctx were lost (NULL: of any): it is not known from now on. */
void model_lost(struct model *m, struct m_ctx *ctx);
void model_lost_ring(struct model *m, uint8_t ring);

/* ---- questions that several rules ask ---- */

/* First area of @s that touches [start, last]; next by position. */
struct m_area *model_area_first(const struct m_ioas *s, uint64_t start, uint64_t last,
				uint32_t *pos);
struct m_range *model_range_hit(struct m_range *list, uint64_t start, uint64_t last);
/* Byte offset of @iova in the pages object of @a. */
static inline uint64_t area_byte(const struct m_area *a, uint64_t iova)
{
	return a->start_byte + (iova - a->iova);
}

static inline uint64_t area_first_index(const struct m_area *a)
{
	return a->start_byte >> IMS_PAGE_SHIFT;
}

static inline uint64_t area_last_index(const struct m_area *a)
{
	return area_byte(a, a->last) >> IMS_PAGE_SHIFT;
}

/* The first half of a split, which goes again since the second could not be made. */
bool area_of_failed_split(const struct m_area *a);

struct m_access_range *model_access_find(const struct m_pages *p, uint64_t index,
					 uint64_t last);

/* IOVAs of @a that show the pages [index, last]; false when none does. */
bool area_iova_of(const struct m_area *a, uint64_t index, uint64_t last,
		  uint64_t *iova, uint64_t *iova_last);

#endif
