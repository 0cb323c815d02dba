// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves of packed entries under a flat index.  A leaf keeps an offset to its
 * first live entry, so that the usual way to empty a map, from the front, moves
 * nothing.  See runmap.h for what the map promises.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"
#include "model/runmap.h"

#define LEAF_MAX 204		/* entries; a full leaf is just under 4 KiB */
#define LEAF_MIN 2

struct entry {
	uint64_t start;
	uint64_t addr;
	uint32_t len;
} __attribute__((packed));

struct runmap_leaf {
	uint16_t off;		/* first live entry */
	uint16_t n;		/* live entries, never 0 in the index */
	uint16_t cap;
	struct entry e[];
};

void runmap_init(struct runmap *rm)
{
	memset(rm, 0, sizeof(*rm));
}

void runmap_destroy(struct runmap *rm)
{
	for (unsigned int i = 0; i < rm->nleaf; i++)
		free(rm->leaf[i]);
	free(rm->leaf);
	runmap_init(rm);
}

static struct entry *entry_at(const struct runmap *rm, unsigned int leaf, unsigned int slot)
{
	return &rm->leaf[leaf]->e[rm->leaf[leaf]->off + slot];
}

static uint64_t leaf_start(const struct runmap *rm, unsigned int i)
{
	return entry_at(rm, i, 0)->start;
}

/* The last leaf that starts at or before @key, or the first one. */
static unsigned int find_leaf(struct runmap *rm, uint64_t key)
{
	unsigned int h = rm->hint, lo = 0, hi = rm->nleaf;

	for (unsigned int i = 0; i < 2 && h < rm->nleaf; i++, h++)
		if (leaf_start(rm, h) <= key &&
		    (h + 1 == rm->nleaf || leaf_start(rm, h + 1) > key))
			return rm->hint = h;
	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (leaf_start(rm, mid) <= key)
			lo = mid;
		else
			hi = mid;
	}
	return rm->hint = lo;
}

/* How many entries of the leaf start at or before @key. */
static unsigned int count_upto(const struct runmap_leaf *l, uint64_t key)
{
	const struct entry *e = l->e + l->off;
	unsigned int lo = 0, hi = l->n;

	if (hi && e[hi - 1].start <= key)
		return hi;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (e[mid].start <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int index_insert(struct runmap *rm, unsigned int at, struct runmap_leaf *l)
{
	if (rm->nleaf == rm->cap) {
		unsigned int cap = rm->cap ? rm->cap * 2 : 1;
		struct runmap_leaf **p = realloc(rm->leaf, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		rm->leaf = p;
		rm->cap = cap;
	}
	memmove(rm->leaf + at + 1, rm->leaf + at, (rm->nleaf - at) * sizeof(*rm->leaf));
	rm->leaf[at] = l;
	rm->nleaf++;
	return 0;
}

static void index_remove(struct runmap *rm, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		free(rm->leaf[i]);
	memmove(rm->leaf + from, rm->leaf + from + n,
		(rm->nleaf - from - n) * sizeof(*rm->leaf));
	rm->nleaf -= n;
}

static struct runmap_leaf *leaf_new(unsigned int cap)
{
	struct runmap_leaf *l = malloc(sizeof(*l) + cap * sizeof(struct entry));

	if (l)
		*l = (struct runmap_leaf){ .cap = cap };
	return l;
}

/* Make room for one more entry behind the live ones. */
static struct runmap_leaf *leaf_grow(struct runmap *rm, unsigned int i)
{
	struct runmap_leaf *l = rm->leaf[i];
	unsigned int cap = l->cap * 2 > LEAF_MAX ? LEAF_MAX : l->cap * 2;

	if (l->off) {
		memmove(l->e, l->e + l->off, l->n * sizeof(*l->e));
		l->off = 0;
		return l;
	}
	l = realloc(l, sizeof(*l) + cap * sizeof(struct entry));
	if (!l)
		return NULL;
	l->cap = cap;
	return rm->leaf[i] = l;
}

/* Full leaf: a new one behind it; appending leaves the old one full. */
static int leaf_split(struct runmap *rm, unsigned int i, unsigned int slot)
{
	struct runmap_leaf *l = rm->leaf[i];
	unsigned int keep = slot == l->n ? l->n : l->n / 2;
	struct runmap_leaf *r = leaf_new(LEAF_MAX);
	int rc = -ENOMEM;

	if (r) {
		r->n = l->n - keep;
		memcpy(r->e, l->e + l->off + keep, r->n * sizeof(*r->e));
		rc = index_insert(rm, i + 1, r);
	}
	if (rc)
		free(r);
	else
		l->n = keep;
	return rc;
}

/* Where an entry that starts at @start belongs, with room for it. */
static int make_room(struct runmap *rm, uint64_t start, struct runmap_pos *pos)
{
	struct runmap_leaf *l;
	int rc;

	if (!rm->nleaf) {
		l = leaf_new(LEAF_MIN);
		if (!l)
			return -ENOMEM;
		rc = index_insert(rm, 0, l);
		if (rc)
			free(l);
		*pos = (struct runmap_pos){ 0, 0 };
		return rc;
	}
	pos->leaf = find_leaf(rm, start);
	l = rm->leaf[pos->leaf];
	pos->slot = count_upto(l, start);
	if (l->off + l->n < l->cap)
		return 0;
	if (l->off || l->cap < LEAF_MAX)
		return leaf_grow(rm, pos->leaf) ? 0 : -ENOMEM;
	rc = leaf_split(rm, pos->leaf, pos->slot);
	if (!rc && pos->slot >= rm->leaf[pos->leaf]->n) {
		pos->slot -= rm->leaf[pos->leaf]->n;
		rm->hint = ++pos->leaf;
	}
	return rc;
}

static int insert(struct runmap *rm, uint64_t start, uint64_t len, uint64_t addr)
{
	struct runmap_pos pos;
	struct runmap_leaf *l;
	struct entry *e;
	int rc = make_room(rm, start, &pos);

	if (rc)
		return rc;
	l = rm->leaf[pos.leaf];
	e = l->e + l->off + pos.slot;
	memmove(e + 1, e, (l->n - pos.slot) * sizeof(*e));
	*e = (struct entry){ start, addr, len };
	l->n++;
	rm->nruns++;
	rm->size += len;
	return 0;
}

/*
 * Maps are filled going up: then a run belongs behind the last one of the leaf
 * where the last one went, and no search is needed.
 */
static bool append(struct runmap *rm, uint64_t start, uint64_t len, uint64_t addr)
{
	unsigned int h = rm->hint;
	struct runmap_leaf *l;
	struct entry *e;

	if (h >= rm->nleaf)
		return false;
	l = rm->leaf[h];
	e = l->e + l->off + l->n;
	if (l->off + l->n == l->cap || start <= e[-1].start || start - e[-1].start < e[-1].len)
		return false;
	if (h + 1 < rm->nleaf && leaf_start(rm, h + 1) <= start + (len - 1))
		return false;
	*e = (struct entry){ start, addr, len };
	l->n++;
	rm->nruns++;
	rm->size += len;
	return true;
}

int runmap_add(struct runmap *rm, uint64_t start, uint64_t len, uint64_t addr)
{
	const uint64_t most = UINT32_MAX & ~0xfffU;
	struct runmap_pos pos;
	struct run r;
	int rc = 0;

	if (!len || start + (len - 1) < start)
		return -EINVAL;
	if (len <= most && append(rm, start, len, addr))
		return 0;
	if (runmap_first(rm, start, start + (len - 1), &pos, &r))
		return -EEXIST;
	while (len && !rc) {
		uint64_t part = len < most ? len : most;

		rc = insert(rm, start, part, addr);
		start += part;
		addr += part;
		len -= part;
	}
	return rc;
}

static struct run run_of(const struct entry *e)
{
	return (struct run){ e->start, e->len, e->addr };
}

bool runmap_first(struct runmap *rm, uint64_t start, uint64_t last,
		  struct runmap_pos *pos, struct run *out)
{
	unsigned int n;

	if (!rm->nleaf)
		return false;
	pos->leaf = find_leaf(rm, start);
	n = count_upto(rm->leaf[pos->leaf], start);
	pos->slot = n;
	if (n) {
		*out = run_of(entry_at(rm, pos->leaf, n - 1));
		if (start - out->start < out->len) {
			pos->slot = n - 1;
			return true;
		}
	}
	if (pos->slot == rm->leaf[pos->leaf]->n) {
		if (++pos->leaf == rm->nleaf)
			return false;
		pos->slot = 0;
	}
	*out = run_of(entry_at(rm, pos->leaf, pos->slot));
	return out->start <= last;
}

/* runmap_next(), where the compiler can see through it. */
static inline bool step(const struct runmap *rm, struct runmap_pos *pos, struct run *out)
{
	if (++pos->slot >= rm->leaf[pos->leaf]->n) {
		if (++pos->leaf >= rm->nleaf)
			return false;
		pos->slot = 0;
	}
	*out = run_of(entry_at(rm, pos->leaf, pos->slot));
	return true;
}

bool runmap_next(const struct runmap *rm, struct runmap_pos *pos, struct run *out)
{
	return step(rm, pos, out);
}

bool runmap_walk(struct runmap *rm, uint64_t key, struct runmap_pos *pos, struct run *r)
{
	if (r->len && key - r->start < r->len)
		return true;
	if (r->len && step(rm, pos, r) && key - r->start < r->len)
		return true;
	if (runmap_first(rm, key, key, pos, r))
		return true;
	r->len = 0;
	return false;
}

uint64_t runmap_covered(struct runmap *rm, uint64_t start, uint64_t last)
{
	struct runmap_pos pos;
	uint64_t sum = 0;
	struct run r;

	for (bool ok = runmap_first(rm, start, last, &pos, &r); ok && r.start <= last;
	     ok = step(rm, &pos, &r)) {
		uint64_t from = r.start > start ? r.start : start;
		uint64_t to = r.start + (r.len - 1);

		sum += (to < last ? to : last) - from + 1;
	}
	return sum;
}

/* What a map says from one key on, run by run. */
struct cursor {
	struct runmap *rm;
	struct runmap_pos pos;
	struct run run;
	uint64_t start;
	bool ok;		/* run is the first one that does not end before the key */
};

static void cursor_open(struct cursor *c, uint64_t len)
{
	c->ok = runmap_first(c->rm, c->start, c->start + (len - 1), &c->pos, &c->run);
}

/* Whether there is an address @at units on, which, and for how many more that goes on. */
static bool cursor_at(struct cursor *c, uint64_t at, uint64_t *addr, uint64_t *more)
{
	uint64_t key = c->start + at;

	while (c->ok && key > c->run.start && key - c->run.start >= c->run.len)
		c->ok = runmap_next(c->rm, &c->pos, &c->run);
	if (!c->ok || key < c->run.start) {
		*more = c->ok ? c->run.start - key : UINT64_MAX;
		return false;
	}
	*addr = c->run.addr + (key - c->run.start);
	*more = c->run.len - (key - c->run.start);
	return true;
}

bool runmap_differ(struct runmap *a, uint64_t start, struct runmap *b, uint64_t other,
		   uint64_t len, uint64_t *at)
{
	struct cursor x = { .rm = a, .start = start }, y = { .rm = b, .start = other };
	uint64_t addr_x = 0, addr_y = 0, more_x, more_y, n;

	if (!len)
		return false;
	cursor_open(&x, len);
	cursor_open(&y, len);
	for (*at = 0; *at < len; *at += n) {
		bool is_x = cursor_at(&x, *at, &addr_x, &more_x);
		bool is_y = cursor_at(&y, *at, &addr_y, &more_y);

		if (is_x != is_y ||
		    (is_x && addr_x != addr_y && !((addr_x | addr_y) & IMS_ADDR_UNKNOWN)))
			return true;
		n = more_x < more_y ? more_x : more_y;
		if (n > len - *at)
			n = len - *at;
	}
	return false;
}

/* Drop up to @n entries of one leaf from @slot on; how many went. */
static unsigned int leaf_drop(struct runmap_leaf *l, unsigned int slot, uint64_t n)
{
	unsigned int part = (uint64_t)(l->n - slot) < n ? l->n - slot : n;
	struct entry *e = l->e + l->off + slot;

	if (slot == 0)
		l->off += part;
	else
		memmove(e, e + part, (l->n - slot - part) * sizeof(*e));
	l->n -= part;
	return part;
}

/* Drop @n entries from @pos on; they may span leaves. */
static void drop_entries(struct runmap *rm, struct runmap_pos pos, uint64_t n)
{
	unsigned int first_empty = pos.slot ? pos.leaf + 1 : pos.leaf, empty = 0;

	rm->nruns -= n;
	for (; n; pos.leaf++, pos.slot = 0) {
		n -= leaf_drop(rm->leaf[pos.leaf], pos.slot, n);
		if (!rm->leaf[pos.leaf]->n)
			empty++;
	}
	if (empty)
		index_remove(rm, first_empty, empty);
	rm->hint = 0;
}

/* Take the middle or an end out of the one run at @pos. */
static uint64_t trim(struct runmap *rm, const struct runmap_pos *pos, uint64_t start,
		     uint64_t last)
{
	struct entry *e = entry_at(rm, pos->leaf, pos->slot);
	uint64_t end = e->start + (e->len - 1), gone, tail_addr;

	if (last > end)
		last = end;
	if (start <= e->start) {		/* the front goes */
		gone = last - e->start + 1;
		e->addr += gone;
		e->start += gone;
		e->len -= gone;
		rm->size -= gone;
		return gone;
	}
	gone = last - start + 1;
	tail_addr = e->addr + (last + 1 - e->start);
	e->len = start - e->start;
	rm->size -= end - start + 1;
	if (last < end && insert(rm, last + 1, end - last, tail_addr))
		return end - start + 1;		/* no memory: more is forgotten than asked */
	return gone;
}

uint64_t runmap_erase(struct runmap *rm, uint64_t start, uint64_t last, bool *cut)
{
	struct runmap_pos pos, from;
	uint64_t sum = 0, whole = 0;
	bool was_cut = false, ok;
	struct run r;

	ok = runmap_first(rm, start, last, &pos, &r);
	if (ok && (r.start < start || r.start + (r.len - 1) > last)) {
		was_cut = true;
		sum += trim(rm, &pos, start, last);
		ok = runmap_first(rm, start, last, &pos, &r);
	}
	from = pos;
	for (; ok && r.start + (r.len - 1) <= last; ok = step(rm, &pos, &r)) {
		sum += r.len;
		rm->size -= r.len;
		whole++;
	}
	if (ok && r.start <= last) {
		was_cut = true;
		sum += trim(rm, &pos, start, last);
	}
	if (whole)
		drop_entries(rm, from, whole);
	if (cut)
		*cut = was_cut;
	return sum;
}

uint64_t runmap_memory(const struct runmap *rm)
{
	uint64_t sum = rm->cap * sizeof(*rm->leaf);

	for (unsigned int i = 0; i < rm->nleaf; i++)
		sum += sizeof(*rm->leaf[i]) + rm->leaf[i]->cap * sizeof(struct entry);
	return sum;
}
