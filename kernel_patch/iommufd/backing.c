// SPDX-License-Identifier: GPL-2.0-only
/* See backing.h: the life of user memory that IOVA is made of, and who holds it. */
#include <linux/interval_tree.h>
#include <linux/kthread.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "backing.h"
#include "observe.h"

static enum ufd_charge charge_mode(struct iommufd_ctx *ctx)
{
	if (capable(CAP_IPC_LOCK))
		return UFD_CHARGE_NONE;
	return ctx->charge == UFD_CHARGE_MM ? UFD_CHARGE_MM : UFD_CHARGE_USER;
}

/**
 * ufd_backing_new - a piece of the caller's memory
 * @ctx: the context
 * @uptr: its start, any byte
 * @length: its length
 * @writable: pin it for writing
 *
 * Nothing is pinned, nor looked at, before somebody takes a hold.
 *
 * Return: the backing, with one reference, or an error
 */
struct ufd_backing *ufd_backing_new(struct iommufd_ctx *ctx, unsigned long uptr,
				    unsigned long length, bool writable)
{
	unsigned long skip = offset_in_page(uptr), end;
	struct ufd_backing *b;

	if (!length || length > SIZE_MAX - PAGE_SIZE)
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(uptr, length, &end))
		return ERR_PTR(-EOVERFLOW);

	b = kzalloc(struct_size(b, runs.own.run, UFD_OWN_RUNS), GFP_KERNEL_ACCOUNT);
	if (!b)
		return ERR_PTR(-ENOMEM);
	kref_init(&b->refs);
	mutex_init(&b->lock);
	b->ctx = ctx;
	b->uptr = uptr - skip;
	b->npages = DIV_ROUND_UP(skip + length, PAGE_SIZE);
	b->writable = writable;
	b->mode = charge_mode(ctx);
	b->holds = RB_ROOT_CACHED;
	b->runs.blocks = RB_ROOT;
	b->mm = current->mm;
	mmgrab(b->mm);
	b->task = get_task_struct(current->group_leader);
	b->user = get_uid(current_user());
	ufd_see_backing(b, IOMMUFD_TRACE_PAGES_ALLOC);
	return b;
}

void ufd_backing_release(struct kref *kref)
{
	struct ufd_backing *b = container_of(kref, struct ufd_backing, refs);

	ufd_see_backing(b, IOMMUFD_TRACE_PAGES_FREE);
	WARN_ON(b->pinned || b->charged);
	WARN_ON(!RB_EMPTY_ROOT(&b->holds.rb_root));
	WARN_ON(!RB_EMPTY_ROOT(&b->runs.blocks));
	mmdrop(b->mm);
	put_task_struct(b->task);
	free_uid(b->user);
	mutex_destroy(&b->lock);
	kfree(b);
}

/* Whatever of a range nobody holds is unpinned, then uncharged. */
static void release_unheld(struct ufd_backing *b, unsigned long first, unsigned long last,
			   bool used)
{
	struct interval_tree_span_iter span;

	if (RB_EMPTY_ROOT(&b->holds.rb_root)) {
		ufd_unpin_all(b, used);
	} else {
		interval_tree_for_each_span(&span, &b->holds, first, last)
			if (span.is_hole)
				ufd_unpin_range(b, span.start_hole, span.last_hole, used);
	}
	ufd_uncharge(b, b->charged - b->pinned);
	ufd_account_settle(b);
}

static unsigned long count_missing(struct ufd_backing *b, unsigned long first, unsigned long last)
{
	unsigned long gap_last, missing = 0;

	for (; ufd_runs_gap(&b->runs, &first, last, &gap_last); first = gap_last + 1)
		missing += gap_last - first + 1;
	return missing;
}

static int pin_missing(struct ufd_backing *b, unsigned long first, unsigned long last)
{
	unsigned long at = first, gap_last;
	int rc;

	for (; ufd_runs_gap(&b->runs, &at, last, &gap_last); at = gap_last + 1) {
		rc = ufd_pin_gap(b, at, gap_last);
		if (rc)
			return rc;
	}
	rc = ufd_runs_cut(&b->runs, first);
	return rc ?: ufd_runs_cut(&b->runs, last + 1);
}

/**
 * ufd_backing_take - take a hold: from now on these pages are pinned
 * @b: the backing, locked
 * @hold: the hold, not linked
 * @first: first index
 * @last: last index
 *
 * Return: 0, or an error; then all is as it was
 */
int ufd_backing_take(struct ufd_backing *b, struct ufd_hold *hold, unsigned long first,
		     unsigned long last)
{
	bool fresh;
	int rc;

	lockdep_assert_held(&b->lock);
	fresh = RB_EMPTY_ROOT(&b->runs.blocks);
	rc = ufd_charge(b, fresh ? last - first + 1 : count_missing(b, first, last));
	if (rc)
		return rc;
	/* The runs of a first hold have its edges. */
	rc = fresh ? ufd_pin_gap(b, first, last) : pin_missing(b, first, last);
	if (rc) {
		release_unheld(b, first, last, false);
		return rc;
	}
	hold->range.start = first;
	hold->range.last = last;
	interval_tree_insert(&hold->range, &b->holds);
	ufd_account_settle(b);
	return 0;
}

/**
 * ufd_backing_drop - drop a hold: what nobody else holds is unpinned
 * @b: the backing, locked
 * @hold: the hold
 *
 * No device may be able to reach the pages through this hold any more.
 */
void ufd_backing_drop(struct ufd_backing *b, struct ufd_hold *hold)
{
	lockdep_assert_held(&b->lock);
	interval_tree_remove(&hold->range, &b->holds);
	ufd_hold_init(hold);
	release_unheld(b, hold->range.start, hold->range.last, true);
}

/**
 * ufd_backing_cut - replace a hold by two that cover the same
 * @b: the backing, locked
 * @hold: the old one
 * @at: first index of the upper one
 * @low: the lower one
 * @low_last: its last index; @at when the cut is within a page
 * @high: the upper one
 *
 * Return: 0 or -ENOMEM, then nothing has changed
 */
int ufd_backing_cut(struct ufd_backing *b, struct ufd_hold *hold, unsigned long at,
		    struct ufd_hold *low, unsigned long low_last, struct ufd_hold *high)
{
	int rc = ufd_runs_cut(&b->runs, at);

	if (!rc)
		rc = ufd_runs_cut(&b->runs, low_last + 1);
	if (rc)
		return rc;
	*low = *hold;
	low->range.last = low_last;
	*high = *hold;
	high->range.start = at;
	interval_tree_insert(&low->range, &b->holds);
	interval_tree_insert(&high->range, &b->holds);
	interval_tree_remove(&hold->range, &b->holds);
	ufd_hold_init(hold);
	return 0;
}

/* The hold of accesses on just this range, or NULL. Those of windows have no users. */
struct ufd_hold *ufd_backing_find_hold(struct ufd_backing *b, unsigned long first,
				       unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&b->lock);
	for (node = interval_tree_iter_first(&b->holds, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct ufd_hold *hold = container_of(node, struct ufd_hold, range);

		if (node->start == first && node->last == last && hold->users)
			return hold;
	}
	return NULL;
}

/**
 * ufd_backing_list - the pages of a range that the caller holds
 * @b: the backing, locked
 * @first: first index
 * @last: last index
 * @out: room for them
 */
void ufd_backing_list(struct ufd_backing *b, unsigned long first, unsigned long last,
		      struct page **out)
{
	struct ufd_cursor c;
	struct pin_run run;
	unsigned int i;

	ufd_runs_seek(&b->runs, first, &c);
	while (ufd_runs_read(&c, &first, last, &run))
		for (i = 0; i < run.nr; i++)
			*out++ = pfn_to_page(run.pfn + i);
	WARN_ON(first != last + 1);
}

/* The process itself can copy, if it is us, or if we may become it. */
static int rw_user(struct ufd_backing *b, unsigned long start, void *data, unsigned long length,
		   unsigned int flags)
{
	void __user *uaddr = (void __user *)(b->uptr + start);
	bool borrow = current->mm != b->mm;
	unsigned long left;

	if (borrow) {
		if (!mmget_not_zero(b->mm))
			return -ESRCH;
		kthread_use_mm(b->mm);
	}
	if (flags & IOMMUFD_ACCESS_RW_WRITE)
		left = copy_to_user(uaddr, data, length);
	else
		left = copy_from_user(data, uaddr, length);
	ufd_see_copy(b, start, 0, length, flags & IOMMUFD_ACCESS_RW_WRITE,
		     IOMMUFD_TRACE_COPY_USER, left ? -EFAULT : 0);
	if (borrow) {
		kthread_unuse_mm(b->mm);
		mmput(b->mm);
	}
	return left ? -EFAULT : 0;
}

static int rw_pages(struct ufd_backing *b, unsigned long start, void *data, unsigned long length,
		    unsigned int flags)
{
	int rc = 0;

	mutex_lock(&b->lock);
	while (length && !rc) {
		unsigned long offset = offset_in_page(start);
		unsigned long n = min(length, PAGE_SIZE - offset);

		rc = ufd_copy_page(b, start / PAGE_SIZE, offset, data, n, flags);
		start += n;
		data += n;
		length -= n;
	}
	mutex_unlock(&b->lock);
	return rc;
}

/**
 * ufd_backing_rw - copy between kernel memory and a backing
 * @b: the backing
 * @start: byte in the backing
 * @data: kernel memory
 * @length: bytes
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Return: 0 or an error; a part may have been copied then
 */
int ufd_backing_rw(struct ufd_backing *b, unsigned long start, void *data, unsigned long length,
		   unsigned int flags)
{
	bool may_borrow = flags & IOMMUFD_ACCESS_RW_KTHREAD;
	bool own = current->mm == b->mm;
	int rc = -ESRCH;

	if ((flags & IOMMUFD_ACCESS_RW_WRITE) && !b->writable)
		return -EPERM;
	if (IS_ENABLED(CONFIG_IOMMUFD_TEST) && (flags & __IOMMUFD_ACCESS_RW_SLOW_PATH))
		own = false;
	if (own || may_borrow)
		rc = rw_user(b, start, data, length, flags);
	return rc == -ESRCH ? rw_pages(b, start, data, length, flags) : rc;
}
