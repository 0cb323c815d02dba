// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store of runs: what is pinned of a backing, 16 bytes for each run.
 *
 * Runs are packed into blocks of up to a page. Blocks hang in a tree by their
 * first index and never interleave: all runs of one come before all of the next.
 * Who pins fills new blocks; before, ufd_runs_prepare() parts the block that has
 * runs on both sides.
 *
 * Runs are written where they stay, and mapped and unpinned from there. Neighbours
 * are not joined, even if their PFNs go on: an edge may be there for a hold.
 *
 * Only ufd_block_new(), ufd_runs_prepare() and ufd_runs_cut() need memory.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "backing.h"

/* A block of this many fills a page */
#define MAX_ROOM ((PAGE_SIZE - sizeof(struct ufd_block)) / sizeof(struct pin_run))

#define to_block(rb) rb_entry_safe(rb, struct ufd_block, node)

static unsigned long run_first(const struct ufd_block *k, u32 pos)
{
	return k->first + k->run[pos].at;
}

static unsigned long run_last(const struct ufd_block *k, u32 pos)
{
	return run_first(k, pos) + (k->run[pos].nr - 1);
}

/**
 * ufd_block_new - an empty block
 * @runs: the store it is for
 * @first: index of its first run
 * @room: for how many runs, at most; a page is the limit
 *
 * Return: the block, for ufd_runs_add() or ufd_block_free(), or NULL
 */
struct ufd_block *ufd_block_new(struct ufd_runs *runs, unsigned long first, unsigned long room)
{
	struct ufd_block *k = &runs->own;

	if (ufd_inject())
		return NULL;
	if (room > UFD_OWN_RUNS || k->room) {
		room = min(room, MAX_ROOM);
		k = kmalloc(struct_size(k, run, room), GFP_KERNEL_ACCOUNT);
		if (!k)
			return NULL;
	}
	k->first = first;
	k->room = room;
	k->nr = 0;
	return k;
}

/* It is not, or no longer, in the tree. */
void ufd_block_free(struct ufd_runs *runs, struct ufd_block *k)
{
	if (k == &runs->own)
		k->room = 0;
	else
		kfree(k);
}

static void block_link(struct ufd_runs *runs, struct ufd_block *k)
{
	struct rb_node **link = &runs->blocks.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (k->first < rb_entry(parent, struct ufd_block, node)->first)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&k->node, parent, link);
	rb_insert_color(&k->node, &runs->blocks);
}

static void block_remove(struct ufd_runs *runs, struct ufd_block *k)
{
	rb_erase(&k->node, &runs->blocks);
	ufd_block_free(runs, k);
}

/* The last block that starts at or before @index, else the first one */
static struct ufd_block *block_at(const struct ufd_runs *runs, unsigned long index)
{
	struct rb_node *rb = runs->blocks.rb_node;
	struct ufd_block *best = NULL;

	while (rb) {
		struct ufd_block *k = rb_entry(rb, struct ufd_block, node);

		if (k->first <= index) {
			best = k;
			rb = rb->rb_right;
		} else {
			rb = rb->rb_left;
		}
	}
	return best ?: to_block(rb_first(&runs->blocks));
}

/* The first run of a block that ends at or after @index, or nr */
static u32 run_at(const struct ufd_block *k, unsigned long index)
{
	u32 low = 0, high = k->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (run_last(k, mid) < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void cursor_set(struct ufd_cursor *c, struct ufd_block *k, u32 pos)
{
	if (k && pos >= k->nr) {
		k = to_block(rb_next(&k->node));
		pos = 0;
	}
	c->block = k;
	c->run = k ? k->run + pos : NULL;
}

/**
 * ufd_runs_step - go on
 * @c: a place
 * @n: behind so many runs, all of this block
 */
void ufd_runs_step(struct ufd_cursor *c, unsigned int n)
{
	cursor_set(c, c->block, c->run - c->block->run + n);
}

/**
 * ufd_runs_seek - go to the first run that ends at or after an index
 * @runs: the store
 * @index: the index
 * @c: result
 */
void ufd_runs_seek(const struct ufd_runs *runs, unsigned long index, struct ufd_cursor *c)
{
	struct ufd_block *k = block_at(runs, index);

	cursor_set(c, k, k ? run_at(k, index) : 0);
}

/**
 * ufd_runs_whole - how many runs can be taken as they are stored
 * @c: the first one
 * @last: where to stop, an edge
 *
 * Return: how many of this block end at @last or before; 0 when there is none
 */
unsigned int ufd_runs_whole(const struct ufd_cursor *c, unsigned long last)
{
	const struct ufd_block *k = c->block;
	u32 from, to;

	if (!k)
		return 0;
	from = c->run - k->run;
	/* Mostly the whole block */
	to = run_last(k, k->nr - 1) <= last ? k->nr : run_at(k, last + 1);
	return to > from ? to - from : 0;
}

/**
 * ufd_runs_read - the next piece with contiguous PFNs, wherever runs have edges
 * @c: place of *@index; moves on
 * @index: where to go on; moves on
 * @last: where to stop
 * @piece: result, from the old *@index on
 *
 * Return: false at the end, or when *@index is not pinned
 */
bool ufd_runs_read(struct ufd_cursor *c, unsigned long *index, unsigned long last,
		   struct pin_run *piece)
{
	piece->nr = 0;
	piece->at = 0;
	while (c->block && *index <= last) {
		unsigned long skip = *index - ufd_cursor_first(c);
		unsigned long pfn = c->run->pfn + skip, left = c->run->nr - skip;
		unsigned long n = min(left, last - *index + 1);

		/* A gap: the run begins later. */
		if (skip >= c->run->nr)
			break;
		if (!piece->nr)
			piece->pfn = pfn;
		else if (pfn != piece->pfn + piece->nr || n > U32_MAX - piece->nr)
			break;
		piece->nr += n;
		*index += n;
		if (n == left)
			ufd_runs_step(c, 1);
	}
	return piece->nr;
}

/**
 * ufd_runs_gap - find what is not pinned
 * @runs: the store
 * @first: where to search, becomes the start of the gap
 * @last: where to stop
 * @gap_last: end of the gap
 *
 * Return: false when there is none
 */
bool ufd_runs_gap(const struct ufd_runs *runs, unsigned long *first, unsigned long last,
		  unsigned long *gap_last)
{
	struct ufd_cursor c;

	for (ufd_runs_seek(runs, *first, &c); c.block && *first <= last; ufd_runs_step(&c, 1)) {
		if (ufd_cursor_first(&c) > *first) {
			*gap_last = min(ufd_cursor_first(&c) - 1, last);
			return true;
		}
		*first = ufd_cursor_first(&c) + c.run->nr;
	}
	*gap_last = last;
	return *first <= last;
}

/* Make what comes from @pos on a block of its own. */
static int block_part(struct ufd_runs *runs, struct ufd_block *k, u32 pos)
{
	unsigned long shift = k->run[pos].at;
	struct ufd_block *tail = ufd_block_new(runs, k->first + shift, k->nr - pos);

	if (!tail)
		return -ENOMEM;
	for (; pos + tail->nr < k->nr; tail->nr++) {
		tail->run[tail->nr] = k->run[pos + tail->nr];
		tail->run[tail->nr].at -= shift;
	}
	k->nr = pos;
	block_link(runs, tail);
	return 0;
}

/**
 * ufd_runs_prepare - before something is stored
 * @runs: the store
 * @index: where, nothing is stored there yet
 *
 * No block may have runs on both sides of it.
 *
 * Return: 0 or -ENOMEM
 */
int ufd_runs_prepare(struct ufd_runs *runs, unsigned long index)
{
	struct ufd_block *k = block_at(runs, index);
	u32 pos;

	if (!k || k->first > index)
		return 0;
	pos = run_at(k, index);
	return pos && pos < k->nr ? block_part(runs, k, pos) : 0;
}

/* Half empty blocks would cost more than the runs; but they are better than none. */
static struct ufd_block *block_shrink(struct ufd_runs *runs, struct ufd_block *k)
{
	struct ufd_block *smaller = &runs->own;

	if (k == &runs->own || k->nr > k->room / 2)
		return k;
	if (k->nr > UFD_OWN_RUNS || smaller->room)
		smaller = kmalloc(struct_size(k, run, k->nr), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!smaller)
		return k;
	smaller->first = k->first;
	smaller->room = k->nr;
	smaller->nr = k->nr;
	memcpy(smaller->run, k->run, k->nr * sizeof(k->run[0]));
	ufd_block_free(runs, k);
	return smaller;
}

/**
 * ufd_runs_add - store what was pinned
 * @runs: the store, prepared
 * @block: has at least one run; nothing is stored for its range yet
 */
void ufd_runs_add(struct ufd_runs *runs, struct ufd_block *block)
{
	block_link(runs, block_shrink(runs, block));
}

/* A larger copy of a block, in its place */
static struct ufd_block *block_grow(struct ufd_runs *runs, struct ufd_block *k)
{
	u32 room = min_t(u32, max_t(u32, 4, k->room * 2), MAX_ROOM);
	struct ufd_block *larger = ufd_block_new(runs, k->first, room);

	if (!larger)
		return NULL;
	larger->nr = k->nr;
	memcpy(larger->run, k->run, k->nr * sizeof(k->run[0]));
	rb_replace_node(&k->node, &larger->node, &runs->blocks);
	ufd_block_free(runs, k);
	return larger;
}

/* Make room for one more run, and say in which block and where @pos is then. */
static struct ufd_block *block_widen(struct ufd_runs *runs, struct ufd_block *k, u32 *pos)
{
	if (k->nr < k->room)
		return k;
	if (k->room < MAX_ROOM)
		return block_grow(runs, k);
	if (block_part(runs, k, k->nr / 2))
		return NULL;
	if (*pos >= k->nr) {
		*pos -= k->nr;
		k = to_block(rb_next(&k->node));
		return k->nr < k->room ? k : block_grow(runs, k);
	}
	return k;
}

/**
 * ufd_runs_cut - see to it that no run goes across an edge
 * @runs: the store
 * @index: the first one behind the edge
 *
 * Return: 0 or -ENOMEM; what is stored is the same in both cases
 */
int ufd_runs_cut(struct ufd_runs *runs, unsigned long index)
{
	struct ufd_cursor c;
	struct ufd_block *k;
	unsigned long keep;
	u32 pos;

	ufd_runs_seek(runs, index, &c);
	if (!c.block || ufd_cursor_first(&c) >= index)
		return 0;
	keep = index - ufd_cursor_first(&c);
	pos = c.run - c.block->run;
	k = block_widen(runs, c.block, &pos);
	if (!k)
		return -ENOMEM;

	k->nr++;
	memmove(&k->run[pos + 1], &k->run[pos], (k->nr - 1 - pos) * sizeof(k->run[0]));
	k->run[pos].nr = keep;
	k->run[pos + 1].at += keep;
	k->run[pos + 1].nr -= keep;
	k->run[pos + 1].pfn += keep;
	return 0;
}

/* Forget the first runs of a block: its key is the index of what is left. */
static void block_behead(struct ufd_block *k, u32 n)
{
	u32 i, shift = k->run[n].at;

	k->first += shift;
	k->nr -= n;
	for (i = 0; i < k->nr; i++) {
		k->run[i] = k->run[n + i];
		k->run[i].at -= shift;
	}
}

/**
 * ufd_runs_remove - forget what was pinned
 * @runs: the store
 * @c: place of @first, from ufd_runs_seek(); not valid afterwards
 * @first: an edge of a run, or in a gap
 * @last: likewise
 */
void ufd_runs_remove(struct ufd_runs *runs, struct ufd_cursor *c, unsigned long first,
		     unsigned long last)
{
	unsigned int n;

	while ((n = ufd_runs_whole(c, last))) {
		struct ufd_block *k = c->block;
		u32 from = c->run - k->run, to = from + n;

		if (WARN_ON(run_first(k, from) < first))
			return;
		cursor_set(c, k, to);
		if (to == k->nr && from == 0) {
			block_remove(runs, k);
		} else if (from == 0) {
			block_behead(k, to);
		} else {
			memmove(&k->run[from], &k->run[to], (k->nr - to) * sizeof(k->run[0]));
			k->nr -= to - from;
		}
		/* What is left of this one comes after the range. */
		if (c->block == k)
			break;
	}
}
