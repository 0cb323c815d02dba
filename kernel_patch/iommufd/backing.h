/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A backing is user memory that IOVA can be made of: a piece of the address
 * space of a process, taken once by IOMMU_IOAS_MAP, and shared by all copies.
 *
 * Its memory is pinned exactly where it is held. A hold is a range of pages that
 * somebody needs: a window whose IOVA space has a domain, or an in-kernel
 * access. Whoever takes a hold gets the pages of it pinned and charged, as far as
 * others have not; who drops a hold has those unpinned that no other hold covers.
 *
 * What is pinned is stored as runs: contiguous indexes with contiguous PFNs. They
 * are the only truth about PFNs; no page table is ever asked.
 *
 * The edges of every hold are edges of runs. They are cut as the hold is taken,
 * when it may still fail. So to unpin means to drop whole runs, needs no memory,
 * and cannot fail.
 *
 * An index counts pages from the start of the backing, "last" is inclusive.
 */
#ifndef UFD_BACKING_H
#define UFD_BACKING_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/rbtree.h>

#include "core.h"
#include "ufd.h"

/**
 * struct ufd_block - runs in the order of their index, packed
 * @node: in ufd_runs.blocks
 * @first: index that pin_run.at counts from
 * @nr: number of runs, at least one
 * @room: how many would fit
 * @run: the runs
 */
struct ufd_block {
	struct rb_node node;
	unsigned long first;
	u32 nr;
	u32 room;
	struct pin_run run[] __counted_by(room);
};

/* Runs that need no memory of their own: most small mappings, and 1 GiB of hugetlb */
#define UFD_OWN_RUNS 2

/**
 * struct ufd_runs - what is pinned of a backing
 * @blocks: struct ufd_block that do not interleave, by their index
 * @own: a block that is always there, with room for UFD_OWN_RUNS; unused when it
 *	has no room
 */
struct ufd_runs {
	struct rb_root blocks;
	struct ufd_block own;
};

/* A place in the runs; no block is the end, else there is a run */
struct ufd_cursor {
	struct ufd_block *block;
	struct pin_run *run;
};

/* runs.c */
void ufd_runs_seek(const struct ufd_runs *runs, unsigned long index, struct ufd_cursor *c);
unsigned int ufd_runs_whole(const struct ufd_cursor *c, unsigned long last);
void ufd_runs_step(struct ufd_cursor *c, unsigned int n);
bool ufd_runs_read(struct ufd_cursor *c, unsigned long *index, unsigned long last,
		   struct pin_run *piece);
bool ufd_runs_gap(const struct ufd_runs *runs, unsigned long *first, unsigned long last,
		  unsigned long *gap_last);
struct ufd_block *ufd_block_new(struct ufd_runs *runs, unsigned long first, unsigned long room);
void ufd_block_free(struct ufd_runs *runs, struct ufd_block *block);
int ufd_runs_prepare(struct ufd_runs *runs, unsigned long index);
void ufd_runs_add(struct ufd_runs *runs, struct ufd_block *block);
int ufd_runs_cut(struct ufd_runs *runs, unsigned long index);
void ufd_runs_remove(struct ufd_runs *runs, struct ufd_cursor *c, unsigned long first,
		     unsigned long last);

static inline unsigned long ufd_cursor_first(const struct ufd_cursor *c)
{
	return c->block->first + c->run->at;
}

/**
 * struct ufd_hold - somebody needs pages
 * @range: indexes, in ufd_backing.holds; not linked when the rb node is clear
 * @users: how often accesses have taken just this range; 0 for a window
 */
struct ufd_hold {
	struct interval_tree_node range;
	unsigned int users;
};

/**
 * struct ufd_backing - a piece of user memory
 * @refs: of windows and of operations
 * @lock: protects the rest, from @holds on
 * @ctx: whose events these are
 * @mm: where the memory is; only its structure is kept alive
 * @task: whose RLIMIT_MEMLOCK applies
 * @user: who is charged for UFD_CHARGE_USER
 * @uptr: address of index 0
 * @npages: size
 * @mode: how pins are charged
 * @writable: pins are for writing
 * @holds: who needs it, overlapping as it comes
 * @pinned: number of pages in @runs
 * @charged: number of pages that were charged
 * @told: value of @charged in the last event
 * @counter: the counter that the last charge changed, after
 * @limit: what it was compared with
 * @moved: what that counter was changed by since the last event
 * @pinned_moved: what pinned_vm of @mm was changed by since the last event
 * @runs: what is pinned; at the end, since a block has no fixed size
 */
struct ufd_backing {
	struct kref refs;
	struct mutex lock;
	struct iommufd_ctx *ctx;
	struct mm_struct *mm;
	struct task_struct *task;
	struct user_struct *user;
	unsigned long uptr;
	unsigned long npages;
	enum ufd_charge mode;
	bool writable;
	struct rb_root_cached holds;
	unsigned long pinned;
	unsigned long charged;
	unsigned long told;
	unsigned long counter;
	unsigned long limit;
	long moved;
	long pinned_moved;
	struct ufd_runs runs;
};

/* backing.c */
struct ufd_backing *ufd_backing_new(struct iommufd_ctx *ctx, unsigned long uptr,
				    unsigned long length, bool writable);
void ufd_backing_release(struct kref *kref);
int ufd_backing_take(struct ufd_backing *b, struct ufd_hold *hold, unsigned long first,
		     unsigned long last);
void ufd_backing_drop(struct ufd_backing *b, struct ufd_hold *hold);
int ufd_backing_cut(struct ufd_backing *b, struct ufd_hold *hold, unsigned long at,
		    struct ufd_hold *low, unsigned long low_last, struct ufd_hold *high);
struct ufd_hold *ufd_backing_find_hold(struct ufd_backing *b, unsigned long first,
				       unsigned long last);
void ufd_backing_list(struct ufd_backing *b, unsigned long first, unsigned long last,
		      struct page **out);
int ufd_backing_rw(struct ufd_backing *b, unsigned long start, void *data, unsigned long length,
		   unsigned int flags);

static inline void ufd_backing_get(struct ufd_backing *b)
{
	kref_get(&b->refs);
}

static inline void ufd_backing_put(struct ufd_backing *b)
{
	kref_put(&b->refs, ufd_backing_release);
}

static inline void ufd_hold_init(struct ufd_hold *hold)
{
	RB_CLEAR_NODE(&hold->range.rb);
}

static inline bool ufd_hold_linked(const struct ufd_hold *hold)
{
	return !RB_EMPTY_NODE(&hold->range.rb);
}

/* account.c */
int ufd_charge(struct ufd_backing *b, unsigned long npages);
void ufd_uncharge(struct ufd_backing *b, unsigned long npages);
void ufd_account_settle(struct ufd_backing *b);

/* pin.c */
int ufd_pin_gap(struct ufd_backing *b, unsigned long first, unsigned long last);
void ufd_unpin_range(struct ufd_backing *b, unsigned long first, unsigned long last, bool used);
void ufd_unpin_all(struct ufd_backing *b, bool used);
int ufd_copy_page(struct ufd_backing *b, unsigned long index, unsigned long offset, void *data,
		  unsigned long length, unsigned int flags);

#endif /* UFD_BACKING_H */
