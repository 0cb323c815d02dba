/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In what pieces memory is: the runs of contiguous PFNs that go into domains.
 *
 * iommufd gathers thousands of runs in a batch before it maps them one by one.  So they
 * are looked at there, all at once: some instructions a run, where a hook at iommu_map()
 * would cost hundreds.  Whether a run can be mapped with large IOPTEs depends on where
 * its 2 MiB boundaries are, in physical memory and in the IOVA space.
 */
#ifndef IMS_PROFILE_RUNS_BPF_H
#define IMS_PROFILE_RUNS_BPF_H

#include "profile_op.bpf.h"

#define HUGE_PAGES 512UL
#define MAX_CHUNKS 1024

struct runs {
	__u64 pfns, npfns;	/* arrays in the kernel */
	__u64 iova;		/* of the next run, in pages */
	__u32 n;
	__u32 first;		/* of a chunk */
	__u32 single;		/* runs of one page */
	struct op *op;
};

static __always_inline void run_count(struct ims_shape *s, __u32 class, __u64 runs, __u64 pages)
{
	class &= IMS_CLASSES - 1;
	s->runs[class] += runs;
	s->pages[class] += pages;
}

/* Pages in whole 2 MiB of it. */
static __always_inline __u64 huge_part(__u64 pfn, __u64 pages)
{
	__u64 first = (pfn + HUGE_PAGES - 1) & -HUGE_PAGES, end = (pfn + pages) & -HUGE_PAGES;

	return end > first ? end - first : 0;
}

static __noinline int run_add(struct op *op, __u64 pfn, __u64 iova, __u64 pages)
{
	__u64 huge = huge_part(pfn, pages);

	run_count(&op->shape, hist_log2(pages), 1, pages);
	op->shape.huge += huge;
	if (!((pfn ^ iova) & (HUGE_PAGES - 1)))
		op->shape.huge_mapped += huge;
	return 0;
}

static __noinline int run_long(struct op *op, struct runs *r, __u32 index, __u64 pages)
{
	__u64 pfn = 0;

	if (pages < HUGE_PAGES) {
		run_count(&op->shape, hist_log2(pages), 1, pages);
		return 0;
	}
	bpf_probe_read_kernel(&pfn, sizeof(pfn), (void *)(r->pfns + index * sizeof(pfn)));
	return run_add(op, pfn, r->iova, pages);
}

/* A loop that the verifier walks through once, whatever it does: of others it gives up on some kernels. */
static long run_step(__u32 k, struct runs *r)
{
	__u32 pages = r->op->chunk[k & (CHUNK - 1)];

	if (pages == 1)
		r->single++;
	else
		run_long(r->op, r, r->first + k, pages);
	r->iova += pages;
	return 0;
}

static long runs_step(__u32 i, struct runs *r)
{
	__u32 n;

	r->first = i * CHUNK;
	if (r->first >= r->n)
		return 1;
	n = r->n - r->first;
	if (n > CHUNK)
		n = CHUNK;
	bpf_probe_read_kernel(r->op->chunk, n * sizeof(__u32),
			      (void *)(r->npfns + r->first * sizeof(__u32)));
	bpf_loop(n, run_step, r, 0);
	return 0;
}

static __always_inline void batch_runs(struct op *op, struct pfn_batch *batch, __u64 iova)
{
	struct runs r = { .pfns = (__u64)batch->pfns, .npfns = (__u64)batch->npfns,
			  .iova = iova >> PAGE_SHIFT, .n = batch->end, .op = op };

	op->shaped = 1;
	bpf_loop(MAX_CHUNKS, runs_step, &r, 0);
	run_count(&op->shape, 0, r.single, r.single);
}

#endif /* IMS_PROFILE_RUNS_BPF_H */
