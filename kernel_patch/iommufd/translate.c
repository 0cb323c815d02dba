// SPDX-License-Identifier: GPL-2.0-only
/*
 * From runs to the page tables of a domain, and back to nothing.
 *
 * These are the only places that change what a domain translates.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

#include "core.h"
#include "observe.h"
#include "space.h"

/**
 * struct filler - where a window is being filled
 * @domain: the domain
 * @w: the window
 * @iova: the first one that is not mapped
 */
struct filler {
	struct iommu_domain *domain;
	struct ufd_window *w;
	unsigned long iova;
};

/* ---- runs as they are stored ---- */

static int map_runs(struct filler *f, const struct pin_run *run, unsigned int nr)
{
	const struct pin_run *last = &run[nr - 1];
	int rc = iommu_map_runs(f->domain, f->iova, run, nr, f->w->prot, GFP_KERNEL_ACCOUNT);

	ufd_see_dma_map(f->domain, f->w, f->iova, run, nr, rc);
	if (!rc)
		f->iova += (unsigned long)(last->at - run->at + last->nr) * PAGE_SIZE;
	return rc;
}

/* How many of the next @nr runs, all of this block, are over before the next block */
static unsigned int over_before(const struct ufd_cursor *c, unsigned int nr, unsigned long last)
{
	const struct pin_run *run = c->run;
	struct ufd_cursor next = *c;
	unsigned long pfn;

	ufd_runs_step(&next, nr);
	if (!ufd_runs_whole(&next, last))
		return nr;
	for (pfn = next.run->pfn; nr && run[nr - 1].pfn + run[nr - 1].nr == pfn; nr--)
		pfn = run[nr - 1].pfn;
	return nr;
}

/*
 * A window is held, and the edges of holds are edges of runs, so these are whole.
 * What is contiguous is mapped at once: iommu_map_runs() joins neighbours.
 */
static int fill(struct filler *f, struct ufd_cursor *c, unsigned long last)
{
	unsigned int nr;
	int rc = 0;

	while (!rc && (nr = ufd_runs_whole(c, last))) {
		nr = over_before(c, nr, last);
		if (nr) {
			rc = map_runs(f, c->run, nr);
			ufd_runs_step(c, nr);
		} else {
			unsigned long index = ufd_cursor_first(c);
			struct pin_run across;

			ufd_runs_read(c, &index, last, &across);
			rc = map_runs(f, &across, 1);
		}
	}
	return rc;
}

/* ---- bytes ---- */

static int map_bytes(struct filler *f, phys_addr_t phys, size_t size)
{
	int rc = iommu_map(f->domain, f->iova, phys, size, f->w->prot, GFP_KERNEL_ACCOUNT);

	ufd_see_dma_map_bytes(f->domain, f->w, f->iova, phys, size, rc);
	if (!rc)
		f->iova += size;
	return rc;
}

/* When the space may be cut anywhere later, no entry may be larger than a page. */
static int map_piece(struct filler *f, phys_addr_t phys, size_t size)
{
	size_t n;
	int rc = 0;

	for (; size && !rc; phys += n, size -= n) {
		n = size;
		if (f->w->space->small_only)
			n = min(n, PAGE_SIZE - offset_in_page(phys));
		rc = map_bytes(f, phys, n);
	}
	return rc;
}

/* Of the first and the last page only what the window shows */
static int fill_bytes(struct filler *f, struct ufd_cursor *c, unsigned long index,
		      unsigned long last)
{
	unsigned long skip = offset_in_page(f->w->start);
	struct pin_run piece;
	int rc = 0;

	while (!rc && ufd_runs_read(c, &index, last, &piece)) {
		size_t size = PFN_PHYS(piece.nr) - skip, left = f->w->iova.last - f->iova + 1;

		rc = map_piece(f, PFN_PHYS(piece.pfn) + skip, min(size, left));
		skip = 0;
	}
	return rc;
}

static bool whole_pages(const struct ufd_window *w)
{
	return PAGE_ALIGNED(w->start | ufd_window_length(w)) && !w->space->small_only;
}

static void undo(struct filler *f)
{
	size_t size = f->iova - f->w->iova.start;

	if (size)
		ufd_see_dma_unmap(f->domain, f->w->iova.start, size,
				  iommu_unmap(f->domain, f->w->iova.start, size), true);
}

/**
 * ufd_translate - let a domain translate a window
 * @domain: the domain
 * @w: the window; its backing is locked, and held for it
 *
 * Return: 0, or an error; then the domain translates nothing of it
 */
int ufd_translate(struct iommu_domain *domain, struct ufd_window *w)
{
	unsigned long index = ufd_window_index(w, w->iova.start);
	unsigned long last = ufd_window_index(w, w->iova.last);
	struct ufd_cursor c;
	struct filler f = { .domain = domain, .w = w, .iova = w->iova.start };
	int rc;

	lockdep_assert_held(&w->backing->lock);
	ufd_runs_seek(&w->backing->runs, index, &c);
	rc = whole_pages(w) ? fill(&f, &c, last) : fill_bytes(&f, &c, index, last);
	if (!rc && WARN_ON(f.iova != w->iova.last + 1))
		rc = -EINVAL;
	if (rc)
		undo(&f);
	return rc;
}

/**
 * ufd_untranslate - let a domain forget a window
 * @domain: the domain
 * @w: the window, all of which it translates
 * @gather: for ufd_sync(), before which devices may still reach the memory
 */
void ufd_untranslate(struct iommu_domain *domain, struct ufd_window *w,
		     struct iommu_iotlb_gather *gather)
{
	unsigned long length = ufd_window_length(w);
	size_t done = iommu_unmap_fast(domain, w->iova.start, length, gather);

	ufd_see_dma_unmap(domain, w->iova.start, length, done, false);
	/* A driver that does not is broken, nothing above it can help. */
	WARN_ON(done != length);
}

/**
 * ufd_sync - no device reaches what was untranslated any more
 * @domain: the domain
 * @gather: what to forget, empty afterwards
 */
void ufd_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	iommu_iotlb_sync(domain, gather);
	ufd_see_sync(domain);
}
