// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between user memory and the runs: pin and unpin.
 *
 * Where the kernel can say what is contiguous (see core.h) it writes runs to where
 * they stay. Else, and for what it does not find at once, get_user_pages() writes a
 * list of pages, which is turned into runs. A run grows over the end of both, so that
 * its length is only limited by the memory itself. Unpinning goes by run, and thus by
 * folio.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "core.h"
#include "observe.h"

#define SMALL 16U	/* pages that need no memory for the list of pages */
#define LIST 2048	/* length of a list of pages */

#ifdef CONFIG_IOMMUFD_TEST
unsigned int ufd_test_pin_batch = LIST;
#define batch_limit() READ_ONCE(ufd_test_pin_batch)
#else
#define batch_limit() ((unsigned int)LIST)
#endif

/**
 * struct pinner - pinning a gap in the runs
 * @b: the backing
 * @next: index that comes next
 * @last: end of the gap
 * @list: room for pages; NULL until it is needed
 * @room: how many
 * @block: runs that are not stored yet, up to @next; NULL: none
 */
struct pinner {
	struct ufd_backing *b;
	unsigned long next;
	unsigned long last;
	struct page **list;
	unsigned int room;
	struct ufd_block *block;
};

static unsigned int gup_flags(const struct ufd_backing *b)
{
	return FOLL_LONGTERM | (b->writable ? FOLL_WRITE : 0);
}

static unsigned long next_address(const struct pinner *p)
{
	return p->b->uptr + p->next * PAGE_SIZE;
}

static void store(struct pinner *p)
{
	if (p->block)
		ufd_runs_add(&p->b->runs, p->block);
	p->block = NULL;
}

static void unpin_unused(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
			 unsigned int nr)
{
	ufd_see_unpin(b, base, run, nr, false, true);
	unpin_user_runs(run, nr, false);
}

/* Unpin what was not stored. */
static void give_back(struct pinner *p)
{
	struct ufd_block *k = p->block;

	if (!k)
		return;
	unpin_unused(p->b, k->first, k->run, k->nr);
	p->b->pinned -= p->next - k->first;
	ufd_block_free(&p->b->runs, k);
	p->block = NULL;
}

/* The block, or a new one if there is no room for another run. */
static struct ufd_block *roomy_block(struct pinner *p)
{
	struct ufd_block *k = p->block;

	/* What is pinned at once is far less than what is left of 32 bits then. */
	if (k && (k->nr == k->room || p->next - k->first > S32_MAX))
		store(p);
	if (!p->block)
		p->block = ufd_block_new(&p->b->runs, p->next, p->last - p->next + 1);
	return p->block;
}

/* The run that @pfn continues, if there is room for @n more. */
static struct pin_run *last_run(struct ufd_block *k, unsigned long pfn, unsigned long n)
{
	struct pin_run *run;

	if (!k || !k->nr)
		return NULL;
	run = &k->run[k->nr - 1];
	return run->pfn + run->nr == pfn && run->nr <= U32_MAX - n ? run : NULL;
}

static void advance(struct pinner *p, unsigned long n)
{
	p->next += n;
	p->b->pinned += n;
}

/* ---- by run ---- */

/* Returns the number of pages, 0 if this does not go without a list, or an error. */
static long pin_runs(struct pinner *p)
{
	unsigned long uaddr = next_address(p), n = p->last - p->next + 1;
	struct pin_run *run, *before;
	struct ufd_block *k;
	unsigned int nr;
	long got;

	if (!UFD_PINS_RUNS || p->b->mm != current->mm)
		return 0;
	k = roomy_block(p);
	if (!k)
		return -ENOMEM;
	run = k->run + k->nr;
	nr = min(k->room - k->nr, batch_limit());
	got = pin_user_runs_fast(uaddr, n, gup_flags(p->b), run, &nr, p->next - k->first);
	if (got <= 0)
		return 0;
	ufd_see_pin(p->b, uaddr, n, got, gup_flags(p->b), false);
	ufd_see_pin_runs(p->b, k->first, run, nr);

	/* Only the first of them may continue what there is. */
	before = last_run(k, run->pfn, run->nr);
	if (before) {
		before->nr += run->nr;
		memmove(run, run + 1, --nr * sizeof(*run));
	}
	k->nr += nr;
	advance(p, got);
	return got;
}

/* ---- by list ---- */

static long pin_remote(struct ufd_backing *b, unsigned long uaddr, unsigned long n,
		       struct page **list)
{
	int locked = 1;
	long got;

	if (!mmget_not_zero(b->mm))
		return -EFAULT;
	mmap_read_lock(b->mm);
	got = pin_user_pages_remote(b->mm, uaddr, n, gup_flags(b), list, &locked);
	if (locked)
		mmap_read_unlock(b->mm);
	mmput(b->mm);
	return got;
}

/* Beyond the end of a table of PTEs runs may do better. */
static unsigned long list_length(const struct pinner *p, unsigned long uaddr)
{
	unsigned long n = min_t(unsigned long, p->last - p->next + 1, p->room);

	if (UFD_PINS_RUNS)
		n = min(n, (PMD_SIZE - (uaddr & ~PMD_MASK)) / PAGE_SIZE);
	return n;
}

static int need_list(struct pinner *p)
{
	unsigned long npages = p->last - p->next + 1;

	if (p->list)
		return 0;
	p->room = min(min_t(unsigned long, npages, LIST), batch_limit());
	p->list = kmalloc_array(p->room, sizeof(*p->list), GFP_KERNEL);
	return p->list ? 0 : -ENOMEM;
}

static long pin_list(struct pinner *p)
{
	unsigned long uaddr = next_address(p), n = list_length(p, uaddr);
	bool remote = p->b->mm != current->mm;
	long got;

	if (remote)
		got = pin_remote(p->b, uaddr, n, p->list);
	else
		got = pin_user_pages_fast(uaddr, n, gup_flags(p->b), p->list);
	if (WARN_ON(!got))
		got = -EFAULT;
	ufd_see_pin(p->b, uaddr, n, got, gup_flags(p->b), remote);
	if (got > 0)
		ufd_see_pin_list(p->b, p->next, p->list, got);
	return got;
}

/* @n pages from @pfn on become a part of the runs, or are unpinned. */
static int take_piece(struct pinner *p, unsigned long pfn, unsigned long n)
{
	struct pin_run piece = { .pfn = pfn, .nr = n }, *run = last_run(p->block, pfn, n);
	struct ufd_block *k;

	if (run) {
		run->nr += n;
		advance(p, n);
		return 0;
	}
	k = roomy_block(p);
	if (!k) {
		unpin_unused(p->b, p->next, &piece, 1);
		p->next += n;
		return -ENOMEM;
	}
	piece.at = p->next - k->first;
	k->run[k->nr++] = piece;
	advance(p, n);
	return 0;
}

/* Turn the list into runs. This is what a page costs, beside to pin it. */
static int take_list(struct pinner *p, unsigned long got)
{
	struct page **list = p->list, **end = list + got;
	int rc = 0;

	while (list != end) {
		struct page **start = list, *next = *list;
		int failed;

		do {
			list++;
			next = nth_page(next, 1);
		} while (list != end && *list == next);
		failed = take_piece(p, page_to_pfn(*start), list - start);
		rc = rc ?: failed;
	}
	return rc;
}

/* Where pages of a backing are pinned to stay. */
static int pin_next(struct pinner *p)
{
	long got;

	if (ufd_inject())
		return -EFAULT;
	got = pin_runs(p);
	if (got)
		return got < 0 ? got : 0;
	got = need_list(p) ?: pin_list(p);
	return got < 0 ? got : take_list(p, got);
}

static int pin_all(struct pinner *p)
{
	int rc = 0;

	while (!rc && p->next <= p->last) {
		rc = pin_next(p);
		cond_resched();
	}
	if (rc)
		give_back(p);
	else
		store(p);
	return rc;
}

/**
 * ufd_pin_gap - pin what is not pinned yet, and store the runs
 * @b: the backing, locked, charged for it
 * @first: start of a gap
 * @last: end of the gap
 *
 * When this fails, a part may be pinned and stored.
 *
 * Return: 0 or an error
 */
int ufd_pin_gap(struct ufd_backing *b, unsigned long first, unsigned long last)
{
	struct page *small[SMALL] __uninitialized;
	struct pinner p = { .b = b, .next = first, .last = last };
	int rc = ufd_runs_prepare(&b->runs, first);

	if (rc)
		return rc;
	if (last - first < SMALL) {
		p.list = small;
		p.room = min(SMALL, batch_limit());
	}
	rc = pin_all(&p);
	if (p.list != small)
		kfree(p.list);
	return rc;
}

/* The one place where pages that were stored are unpinned. */
static void unpin_runs(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
		       unsigned int nr, bool used)
{
	bool dirty = used && b->writable;
	unsigned int i;

	ufd_see_unpin(b, base, run, nr, dirty, !used);
	unpin_user_runs(run, nr, dirty);
	for (i = 0; i < nr; i++)
		b->pinned -= run[i].nr;
}

/**
 * ufd_unpin_range - unpin pages and forget their runs
 * @b: the backing, locked
 * @first: an edge
 * @last: an edge; not all of the range needs to be pinned
 * @used: false when no device or driver has seen the pages
 */
void ufd_unpin_range(struct ufd_backing *b, unsigned long first, unsigned long last, bool used)
{
	struct ufd_cursor start, c;
	unsigned int nr;

	ufd_runs_seek(&b->runs, first, &c);
	start = c;
	while ((nr = ufd_runs_whole(&c, last))) {
		unpin_runs(b, c.block->first, c.run, nr, used);
		ufd_runs_step(&c, nr);
	}
	ufd_runs_remove(&b->runs, &start, first, last);
}

/**
 * ufd_unpin_all - unpin all pages and forget all runs
 * @b: the backing, locked; nobody holds anything of it
 * @used: false when no device or driver has seen the pages
 */
void ufd_unpin_all(struct ufd_backing *b, bool used)
{
	struct ufd_block *k, *next;

	rbtree_postorder_for_each_entry_safe(k, next, &b->runs.blocks, node) {
		unpin_runs(b, k->first, k->run, k->nr, used);
		ufd_block_free(&b->runs, k);
	}
	b->runs.blocks = RB_ROOT;
}

static void copy_memory(struct page *page, unsigned long offset, void *data,
			unsigned long length, bool write)
{
	if (!write) {
		memcpy_from_page(data, page, offset, length);
		return;
	}
	memcpy_to_page(page, offset, data, length);
	set_page_dirty_lock(page);
}

/* Not pinned by anybody: pin it just for the copy, at nobody's charge. */
static int copy_transient(struct ufd_backing *b, unsigned long index, unsigned long offset,
			  void *data, unsigned long length, unsigned int flags)
{
	bool write = flags & IOMMUFD_ACCESS_RW_WRITE;
	unsigned int gup_flags = write ? FOLL_WRITE : 0;
	unsigned long uaddr = b->uptr + index * PAGE_SIZE;
	struct page *page;
	long got;

	if (ufd_inject())
		return -EINVAL;
	if (!mmget_not_zero(b->mm))
		return -EFAULT;
	mmap_read_lock(b->mm);
	got = pin_user_pages_remote(b->mm, uaddr, 1, gup_flags, &page, NULL);
	mmap_read_unlock(b->mm);
	ufd_see_pin_transient(b, uaddr, got, gup_flags);
	if (got == 1) {
		ufd_see_copy(b, index * PAGE_SIZE + offset, page_to_pfn(page), length, flags,
			     IOMMUFD_TRACE_COPY_TRANSIENT, 0);
		copy_memory(page, offset, data, length, write);
		unpin_user_page(page);
	}
	mmput(b->mm);
	return got == 1 ? 0 : got ?: -EFAULT;
}

/**
 * ufd_copy_page - copy from or to a piece of one page
 * @b: the backing, locked
 * @index: of the page
 * @offset: in the page
 * @data: the other side
 * @length: bytes
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * A pinned page is what devices see, even if the process has another one there
 * by now.
 *
 * Return: 0 or an error
 */
int ufd_copy_page(struct ufd_backing *b, unsigned long index, unsigned long offset, void *data,
		  unsigned long length, unsigned int flags)
{
	bool write = flags & IOMMUFD_ACCESS_RW_WRITE;
	unsigned long next = index;
	struct ufd_cursor c;
	struct pin_run run;

	ufd_runs_seek(&b->runs, index, &c);
	if (!ufd_runs_read(&c, &next, index, &run))
		return copy_transient(b, index, offset, data, length, flags);
	ufd_see_copy(b, index * PAGE_SIZE + offset, run.pfn, length, flags,
		     IOMMUFD_TRACE_COPY_PINNED, 0);
	copy_memory(pfn_to_page(run.pfn), offset, data, length, write);
	return 0;
}
