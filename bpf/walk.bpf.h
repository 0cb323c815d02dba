/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the kernel's trees and lists, where a hook stands under the lock of them
 * or where they still belong to the thread alone.
 *
 * One step of a walk is one pointer, so bpf_loop() bounds it.
 */
#ifndef IMS_WALK_BPF_H
#define IMS_WALK_BPF_H

#include "work.bpf.h"

#define MAX_NODES (1 << 20)
#define MAX_DEPTH 64

/* What the range trees are walked for. */
enum walk_what {
	WALK_NOTE_OWNED,	/* note the ranges of the owner */
	WALK_KEEP_OWNED,	/* strike those that are still there */
	WALK_NOTE_ALL
};

struct walk {
	__u64 node;
	__u32 mode;		/* 0: go left, 1: go right, 2: go up */
	__u32 what;
	__u64 owner;
	struct work *w;
};

#define NODE(p, field) READ(rb_node, p, field)
#define RANGE_OF(p) ((struct interval_tree_node *)((p) - \
		     bpf_core_field_offset(struct interval_tree_node, rb)))

static __always_inline void note_range(struct work *w, __u64 start, __u64 last)
{
	__u32 n = w->nranges++;

	if (n < MAX_NOTED) {
		w->ranges[n].start = start;
		w->ranges[n].last = last;
	}
}

struct strike {
	__u64 start, last;
	struct work *w;
};

static long strike_step(__u32 i, struct strike *s)
{
	struct range *r;

	if (i >= MAX_NOTED)
		return 1;
	r = &s->w->ranges[i];
	if (r->start != s->start || r->last != s->last)
		return 0;
	r->start = 1;
	r->last = 0;
	return 1;
}

/* A range that is still there was not removed. */
static __always_inline void strike_range(struct work *w, __u64 start, __u64 last)
{
	struct strike s = { start, last, w };

	bpf_loop(w->nranges, strike_step, &s, 0);
}

static __always_inline void visit(struct walk *k)
{
	struct interval_tree_node *n = RANGE_OF(k->node);
	__u64 start = BPF_CORE_READ(n, start), last = BPF_CORE_READ(n, last);

	if (k->what != WALK_NOTE_ALL &&
	    (__u64)READ(iopt_reserved, n, owner) != k->owner)
		return;
	if (k->what == WALK_KEEP_OWNED)
		strike_range(k->w, start, last);
	else
		note_range(k->w, start, last);
}

static long walk_up(struct walk *k)
{
	__u64 parent = NODE(k->node, __rb_parent_color) & ~3UL, left;

	if (!parent) {
		k->node = 0;
		return 1;
	}
	left = (__u64)NODE(parent, rb_left);
	if (left == k->node)
		k->mode = 1;
	k->node = parent;
	if (k->mode == 1)
		visit(k);
	return 0;
}

static long walk_step(__u32 i, struct walk *k)
{
	__u64 child;

	if (!k->node)
		return 1;
	if (k->mode == 2)
		return walk_up(k);
	child = (__u64)(k->mode ? NODE(k->node, rb_right) : NODE(k->node, rb_left));
	if (child) {
		k->node = child;
		k->mode = 0;
	} else if (k->mode) {
		k->mode = 2;
	} else {
		visit(k);
		k->mode = 1;
	}
	return 0;
}

/* In order of the tree at @root (the address of a struct rb_root_cached). */
static __noinline int walk_ranges(struct work *w, __u64 root, __u32 what, __u64 owner)
{
	struct walk k = { .what = what, .owner = owner, .w = w };

	if (!w)
		return 0;
	k.node = (__u64)READ(rb_root_cached, root, rb_root.rb_node);
	bpf_loop(3 * MAX_NODES, walk_step, &k, 0);
	return 0;
}

/* ---- which interval covers a point ---- */

struct stab {
	__u64 node;
	__u64 point;
	__u64 last;		/* of the interval that was found */
	bool found;
};

#define SUBTREE_LAST(rb) BPF_CORE_READ(RANGE_OF(rb), __subtree_last)

static long stab_step(__u32 i, struct stab *s)
{
	struct interval_tree_node *n = RANGE_OF(s->node);
	__u64 left = (__u64)NODE(s->node, rb_left), right;

	if (left && SUBTREE_LAST(left) >= s->point) {
		s->node = left;
		return 0;
	}
	if (BPF_CORE_READ(n, start) > s->point)
		return 1;
	s->last = BPF_CORE_READ(n, last);
	if (s->last >= s->point) {
		s->found = true;
		return 1;
	}
	right = (__u64)NODE(s->node, rb_right);
	if (!right || SUBTREE_LAST(right) < s->point)
		return 1;
	s->node = right;
	return 0;
}

/* The leftmost interval of the tree at @root with @s->point in it. */
static __noinline int stab(struct stab *s, __u64 root)
{
	if (!s)
		return 0;
	s->found = false;
	s->node = (__u64)READ(rb_root_cached, root, rb_root.rb_node);
	if (s->node)
		bpf_loop(MAX_DEPTH, stab_step, s, 0);
	return s->found;
}

struct hole {
	struct stab s;
	__u64 trees[2];
};

static long hole_step(__u32 i, struct hole *h)
{
	if (!stab(&h->s, h->trees[0]) && !stab(&h->s, h->trees[1]))
		return 1;
	h->s.point = h->s.last + 1;
	return 0;
}

/* The first index from @index on that no area in a domain and no access of @pages covers. */
static __noinline __u64 first_unused(__u64 pages, __u64 index)
{
	struct hole h = { .s.point = index };

	h.trees[0] = pages + bpf_core_field_offset(struct iopt_pages, access_itree);
	h.trees[1] = pages + bpf_core_field_offset(struct iopt_pages, domains_itree);
	bpf_loop(MAX_NODES, hole_step, &h, 0);
	return h.s.point;
}

/* ---- struct page pointers, as runs of PFNs ---- */

struct page_list {
	__u64 list;		/* address of the pointers */
	__u64 n;
	__u64 index;		/* of the first page of the runs that are being made */
	__u64 next;		/* of the page that comes next */
	__u64 vmemmap;
	__u32 nruns;
	bool unpin;		/* these are unpinned, else they were pinned */
	bool failed;
	struct work *w;
};

static __always_inline void page_runs_send(struct page_list *l)
{
	struct work *w = l->w;
	__u64 a[6] = { w->ctx, w->pages, l->index, (__u64)w->runs, l->nruns, IMS_UNPIN_LIST };

	if (l->nruns && l->unpin) {
		on_unpin(a);
	} else if (l->nruns) {
		on_pin_runs(a);
	}
	l->nruns = 0;
	l->index = l->next;
}

static long page_step(__u32 i, struct page_list *l)
{
	struct work *w = l->w;
	__u32 slot = i & (PAGE_CHUNK - 1), last;
	__u64 left = l->n - i, pfn;

	if (left > PAGE_CHUNK)
		left = PAGE_CHUNK;
	if (!slot && bpf_probe_read_kernel(w->chunk, left * 8, (void *)(l->list + i * 8UL))) {
		l->failed = true;
		return 1;
	}
	pfn = (w->chunk[slot] - l->vmemmap) / bpf_core_type_size(struct page);
	last = (l->nruns - 1) & (IMS_MAX_RUNS - 1);
	if (l->nruns && w->runs[last].addr + w->runs[last].len == pfn) {
		w->runs[last].len++;
	} else {
		if (l->nruns == IMS_MAX_RUNS)
			page_runs_send(l);
		last = l->nruns & (IMS_MAX_RUNS - 1);
		w->runs[last].addr = pfn;
		w->runs[last].len = 1;
		l->nruns++;
	}
	l->next++;
	return 0;
}

/* Report the PFNs behind @n pointers at @list, the pages from @index on. */
static __noinline int send_page_list(struct work *w, __u64 list, __u64 n, __u64 index, bool unpin)
{
	struct page_list l = {
		.list = list, .n = n, .index = index, .next = index, .unpin = unpin, .w = w,
		.vmemmap = vmemmap_start(),
	};

	if (!w)
		return 0;
	bpf_loop(n, page_step, &l, 0);
	page_runs_send(&l);
	if (l.failed)
		refuse_runs(w->ctx);
	return 0;
}

#endif /* IMS_WALK_BPF_H */
