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
 * records was lost.  Rules are only asked about known ctxs.  A snapshot tells how a
 * ctx was found, in records that are applied without asking any rule, and makes it
 * known; what it had pinned and mapped then has unknown addresses.
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
#include "model/spans.h"
#include "model/table.h"

#define IMS_PAGE 4096ULL
#define IMS_PAGE_SHIFT 12

struct m_ctx {
	uint64_t cookie;
	char comm[IMS_COMM];
	uint32_t tgid;
	uint8_t ring;
	bool known;
	bool late;		/* known from a snapshot: PFNs and page faults of before are not */
	int64_t nobjects;	/* ids reserved or visible */
	int rlimit_mode;	/* enum ims_account_mode, -1: default of the file, or unsure */
	uint64_t rlimit_set;	/* number of the record that said so */
	/* by cookie; ops by thread id */
	struct table ioases, areas, pages, domains, hwpts, devices, faults, objects, ops;
	struct table claims, groups;	/* by cookie of the device; by group number + 1 */
	uint64_t compat;		/* IOAS of VFIO's ioctls, 0: none */
	uint64_t compat_changed;	/* number of the record that said so */
	uint32_t compat_tid;		/* and its thread */
	struct table vdevices, veventqs;
	struct m_pasid *pasids;		/* attached ones */
	struct m_range *tombs;		/* ids that must not come back, start and last */
};

struct m_range {
	uint64_t start, last;
	uint64_t owner;
	struct m_range *next;
};

struct m_ioas {
	uint64_t cookie;
	uint64_t obj;		/* outlived: see ioas_is_there() */
	uint32_t id;
	struct m_ctx *ctx;
	struct m_area **areas;	/* sorted by iova; overlaps only by violation */
	uint32_t nareas, cap;
	struct m_range *reserved, *allowed;
	struct m_range *accesses;	/* owner: the access, start: its alignment */
	struct m_range *regions;	/* of devices that use it, as the device lists them */
	struct m_domain *domains;
	uint64_t allow_set;	/* number of the record that set the allowed list last */
	bool allow_unsure;	/* two threads set it at once */
	uint64_t align;
	bool large_off;
	uint64_t changed;	/* number of the record that changed areas or ranges last */
	uint64_t changed_before; /* the same, of the last thread that is not changed_tid */
	uint32_t changed_tid;
	uint64_t access_left;	/* number of the record by which an access left last */
	uint32_t access_left_tid;
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
	uint32_t nlocks;	/* those of them that forbid to unmap it */
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
	bool memfd;			/* pages of a file, uptr is an offset */
	bool dmabuf;			/* not pinned, but contiguous from @phys on */
	bool revoked;			/* the dma-buf is gone, its areas are not */
	uint64_t phys;
	uint64_t born;			/* record number */
	struct m_ctx *ctx;
	struct runmap pins;		/* index -> pfn */
	struct runmap xa;		/* indices in the xarray for accesses */
	bool xa_seen;			/* this kernel has such a thing */
	uint64_t pend_index, pend_n;	/* pinned by GUP, PFNs not reported yet */
	uint64_t pinned;		/* pages, pending ones included */
	uint64_t taken;			/* pages that GUP gave less those given back, as told */
	int64_t charged;
	bool charge_refused;		/* an uncharge failed: mm was dead */
	int64_t pinned_vm;		/* by what its charges have changed mm->pinned_vm */
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
	bool leaving;		/* from DEL_BEGIN on */
	uint64_t aperture_start, aperture_last, pgsize_bitmap;
	struct runmap pt;	/* iova -> paddr */
	uint64_t mapped;	/* bytes that were ever mapped, each time anew */
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
	uint32_t msi_cookies;	/* windows of software MSI that were set up */
	uint64_t msi_base;	/* where the last one begins */
};

enum m_object_state { M_OBJ_RESERVED, M_OBJ_VISIBLE };

struct m_object {
	uint64_t cookie;
	uint32_t id, type;	/* enum ims_object_type */
	enum m_object_state state;
	uint64_t born;		/* record number of ALLOC */
	uint32_t maker;		/* thread that made it */
	uint64_t made_in;	/* its ioctl, see struct m_op; 0: none */
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
	bool refused;		/* a replace of its group has failed since it got the domain */
	bool sw_msi;		/* it lists a window of software MSI, which begins at: */
	uint64_t sw_msi_base;
};

/* What an ioctl has changed up to now, as far as it can be undone by the same. */
struct m_changes {
	int64_t objects, domains, reserved;	/* more or fewer */
	uint64_t removed;		/* live areas */
	uint64_t allowed, mode;		/* times that the list, the accounting mode was set */
	uint64_t align_of, align;	/* the IOAS whose alignment it set first, and that before */
};

/* A device whose DMA the ctx owns, bound or not. */
struct m_claim {
	uint64_t cookie;	/* struct device */
	uint32_t group;
	uint32_t claims;	/* that succeeded, less releases */
	uint32_t flags;		/* enum ims_hw_flags, of the last one */
	uint32_t iopf;		/* page faults: enabled, less disabled */
};

/* An IOMMU group, from the first claim to the last release. */
struct m_group {
	uint32_t number;
	uint32_t claims;	/* of all its devices */
	uint64_t now;		/* domain that translates, as the IOMMU core says */
};

/* Bytes of a pages object. */
struct m_slice {
	uint64_t pages, byte, length;
};

/* What a thread has told others in the call it is in; records of it end with a summary. */
struct m_told {
	/* usable IOVAs: so many ranges of this IOAS; the next is looked for from here */
	uint64_t ioas, nranges, next;
	bool all;			/* the last range went to the end */
	/* PFNs for an access: what it has pinned, but was not told yet */
	uint64_t pages, index, left;
	/* copies of an access, neighbours united */
	struct m_slice *copy;
	uint32_t ncopies, cap;
	bool copies_missing, read, wrote;
	bool pinned_to_read;		/* a page, for the time of a copy */
	/* dirty bits of this domain: what was read, and how */
	uint64_t domain;
	struct spans dirty;
	bool cleared, kept, unsynced;
};

/* Does a usable range that begins at @start begin an answer? */
static inline bool told_range_first(const struct m_told *t, uint64_t ioas, uint64_t start)
{
	return t->ioas != ioas || !t->nranges || t->all || start < t->next;
}

/* What a PASID of a device is attached to. */
struct m_pasid {
	uint64_t dev;		/* cookie */
	uint32_t group, pasid;
	uint64_t domain, handle;
	struct m_pasid *next;
};

struct m_vdevice {
	uint64_t cookie, viommu;
	uint64_t virt_id;
	uint32_t id, dev_id;
};

/* The queue of events of a vIOMMU, as user space reads it. */
struct m_veventq {
	uint32_t id;
	uint32_t next;		/* number of the next event */
	bool known;
};

/* What one thread is doing. */
struct m_op {
	uint32_t tid;
	uint64_t number;	/* changes when an operation is over */
	uint64_t enter;		/* record number of the ioctl's enter, 0 outside */
	uint32_t cmd;		/* of that ioctl */
	/* the map under way: where its areas go, how far they got */
	uint64_t map_ioas, map_iova, map_len, map_done;
	uint32_t inserted;	/* areas this ioctl inserted that still exist */
	uint64_t removed_first, removed_last;	/* IOVAs removed since the last unmap report */
	uint64_t removed;	/* bytes of areas removed since the last unmap report */
	uint64_t reported;	/* what the last unmap of the IOVA space reported */
	uint64_t refused;	/* pages object whose charge was refused, 0: none was */
	struct m_changes changes;
	int64_t ranges;		/* pinned by the access that is under way, less given back */
	uint64_t *touched;	/* cookies of pages objects */
	uint32_t ntouched, cap;
	/* what a detach or replace left, judged when the thread goes on */
	uint64_t detached;		/* device, 0: nothing to judge */
	uint64_t detached_from;		/* the IOAS it left */
	uint64_t detached_domain;	/* the domain it left, if it was the last one */
	uint64_t detached_handle;	/* the handle that ended, 0: none */
	/* a change of process: pages charged in advance and not released of the old one yet */
	int64_t taken;
	uint64_t moving;		/* number of the first move, 0: none */
	uint64_t new_mm;
	/* a vDEVICE that this ioctl or call destroyed, for the unbind that may follow */
	uint32_t vdev_of;		/* id of its device, 0: none */
	bool vdev_tomb;			/* its id stays reserved */
	uint64_t start;			/* record number that began this operation */
	uint64_t since;			/* and of the thread's last one before that */
	uint64_t last;			/* number of the thread's last record */
	struct m_told told;
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

/* Contexts that lost records, and the number up to which that may have been. */
struct m_doubts {
	struct m_range *list;	/* owner: the ctx, start: the number */
	uint32_t n;
	uint64_t until, all_until;
};

struct model {
	struct table ctxs;
	uint64_t telling;	/* the ctx whose snapshot is being told, 0: none */
	uint64_t number;
	uint64_t inconsistent;		/* records that contradict the state */
	uint64_t unknown_ctx;		/* records of ctxs whose birth was not seen */
	uint64_t ctxs_seen, ctxs_unknown;
	uint64_t op_numbers;
	uint16_t ring_lost[256];	/* counters start at 0 with the stream */
	bool ring_explained[256];	/* a LOSS record named whose the next loss is */
	struct m_doubts doubts[256];	/* by ring */
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
/*
 * Order.  From a kernel without our tracepoints some records come late: the function that
 * made the change has ended, and its lock is gone.  These are DOMAIN ADD_END (ADD_BEGIN
 * comes early), ALLOW and RLIMIT_MODE.  Until they come a domain is neither added nor
 * leaving, and another thread is inside the ioctl that is told below; what depends on the
 * order is not judged then.
 *
 * The end of an object can be told by another thread, to whom its id was given; that has
 * no thread then (ims_hdr.tid is 0).
 */
#define M_CMD_VFIO_MAP 0x3b71		/* VFIO_IOMMU_MAP_DMA */
#define M_CMD_VFIO_UNMAP 0x3b72		/* VFIO_IOMMU_UNMAP_DMA */
#define M_CMD_ALLOW_IOVAS 0x3b82	/* IOMMU_IOAS_ALLOW_IOVAS */
#define M_CMD_OPTION 0x3b87		/* IOMMU_OPTION */
#define M_RW_WRITE 1			/* IOMMUFD_ACCESS_RW_WRITE, of accesses */
/* Is another thread of the ctx inside the ioctl @cmd? */
bool model_others_in(const struct m_event *ev, uint32_t cmd);
/* The allowed list of @s as the model has it may not be the one that holds. */
bool model_allow_unsure(const struct m_event *ev, const struct m_ioas *s);

/* Forget what the thread touched: its operation is over and was judged. */
void model_op_reset(struct model *m, struct m_ctx *c, struct m_op *op);
/* Records of this ctx were lost (NULL: of any): it is not known from now on. */
void model_lost(struct model *m, struct m_ctx *ctx);

/* ---- questions that several rules ask ---- */

/* First area of @s that touches [start, last]; next by position. */
struct m_area *model_area_first(const struct m_ioas *s, uint64_t start, uint64_t last,
				uint32_t *pos);
/* The live area that an unmap takes a mapping from, in a domain that stays; or NULL. */
struct m_area *model_area_that_loses(const struct m_event *ev);
struct m_range *model_range_hit(struct m_range *list, uint64_t start, uint64_t last);
/* First range from @from on that is not reserved; false: there is none. */
bool ioas_usable(const struct m_ioas *s, uint64_t from, uint64_t *start, uint64_t *last);
/* The model keeps an IOAS that was destroyed until its address comes back. */
bool ioas_is_there(const struct m_ioas *s);
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

/* A COPY from @from has succeeded, and nobody else has changed either IOAS since it began. */
bool copy_is_settled(const struct m_event *ev, const struct m_ioas *from);

/* The IOAS behind a domain, through the parent when it is nested. */
struct m_ioas *model_ioas_of_domain(const struct m_ctx *c, uint64_t cookie);
/* Whether an attached device leaves a domain by @ev, and which, as iommufd says. */
bool device_leaves(const struct m_event *ev, uint64_t *domain);
/* The domain that the attached devices of a group use, 0: none is attached. */
uint64_t model_group_domain(const struct m_ctx *c, uint32_t group);

/* A thread gives the pages it charged in advance to a process that takes over. */
static inline bool op_changes_process(const struct m_op *op)
{
	return op && (op->taken || op->moving);
}

/* NULL: that PASID is not attached. */
struct m_pasid *model_pasid_of(const struct m_ctx *c, uint64_t dev, uint32_t pasid);
/* Whether a device, or a PASID of one, is attached to the domain. */
bool model_domain_in_use(const struct m_ctx *c, uint64_t domain);

struct m_access_range *model_access_find(const struct m_pages *p, uint64_t index,
					 uint64_t last);

/* IOVAs of @a that show the pages [index, last]; false when none does. */
bool area_iova_of(const struct m_area *a, uint64_t index, uint64_t last,
		  uint64_t *iova, uint64_t *iova_last);

#endif
