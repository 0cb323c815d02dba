/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of memory files are pinned as folios: a list of pointers, each to a power of two
 * of contiguous pages.  Of the first and the last one only a part may be meant.
 */
#ifndef IMS_FOLIO_BPF_H
#define IMS_FOLIO_BPF_H

#include "walk.bpf.h"

/* The flags are its first word, in each version of them. */
static __always_inline __u64 folio_pages(__u64 folio)
{
	__u64 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), (void *)folio);
	if (!(flags >> bpf_core_enum_value(enum pageflags, PG_head) & 1))
		return 1;
	return 1UL << (READ(folio, folio, _flags_1) & 63);	/* the order is in its low byte */
}

struct folio_walk {
	__u64 offset;		/* in the folio that comes next, pages */
	__u64 left;		/* pages */
	__u64 skip;		/* folios that are only counted */
	__u64 index;		/* of the first page of the runs that are being made */
	__u64 next;		/* of the page that comes next */
	__u32 nruns;
	bool unpin, failed;
	struct work *w;
};

static __always_inline void folio_runs_send(struct folio_walk *k)
{
	struct work *w = k->w;
	__u64 a[6] = { w->ctx, w->pages, k->index, (__u64)w->runs, k->nruns, IMS_UNPIN_LIST };

	if (k->nruns && k->unpin)
		on_unpin(a);
	else if (k->nruns)
		on_pin_runs(a);
	k->nruns = 0;
	k->index = k->next;
}

static __always_inline void folio_run(struct folio_walk *k, __u64 pfn, __u64 n)
{
	struct work *w = k->w;
	__u32 last = (k->nruns - 1) & (IMS_MAX_RUNS - 1);

	if (k->nruns && w->runs[last].addr + w->runs[last].len == pfn) {
		w->runs[last].len += n;
		return;
	}
	if (k->nruns == IMS_MAX_RUNS)
		folio_runs_send(k);
	last = k->nruns & (IMS_MAX_RUNS - 1);
	w->runs[last].addr = pfn;
	w->runs[last].len = n;
	k->nruns++;
}

static long folio_step(__u32 i, struct folio_walk *k)
{
	__u64 folio = 0, n;

	if (bpf_probe_read_kernel(&folio, sizeof(folio), (void *)(k->w->folios + i * 8UL))) {
		k->failed = true;
		return 1;
	}
	n = folio_pages(folio) - k->offset;
	if (n > k->left)
		n = k->left;
	if (i >= k->skip)
		folio_run(k, page_pfn(folio) + k->offset, n);
	k->offset = 0;
	k->left -= n;
	k->next += n;
	if (i < k->skip)
		k->index = k->next;
	return 0;
}

/* How many pages the @n folios are that were just pinned, at most @wanted. */
static __noinline __u64 count_folios(struct work *w, __u64 n, __u64 wanted)
{
	struct folio_walk k = { .left = wanted, .skip = n, .w = w };

	if (!w)
		return 0;
	k.offset = w->folio_offset;
	bpf_loop(n, folio_step, &k, 0);
	if (k.failed)
		refuse_runs(w->ctx);
	return k.next;
}

/* Report the PFNs of those that were pinned last, without the first @skip ones. */
static __noinline int send_folios(struct work *w, __u64 skip, bool unpin)
{
	struct folio_walk k = { .skip = skip, .unpin = unpin, .w = w };

	if (!w)
		return 0;
	k.offset = w->folio_offset;
	k.left = w->file_pages;
	k.index = k.next = w->pin_end - w->file_pages;
	bpf_loop(w->nfolios, folio_step, &k, 0);
	folio_runs_send(&k);
	if (k.failed)
		refuse_runs(w->ctx);
	return 0;
}

#endif /* IMS_FOLIO_BPF_H */
