/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the patches in kernel_patch/core add to mm and to the IOMMU core. Without
 * them the same is done here with what there is, slower.
 */
#ifndef UFD_CORE_H
#define UFD_CORE_H

#include <linux/iommu.h>
#include <linux/mm.h>

#if __has_include("linux/pin_runs.h")
#include <linux/pin_runs.h>
#else
struct pin_run {
	unsigned long pfn;
	unsigned int nr;
	unsigned int at;
};
#endif

#ifdef pin_user_runs_fast
#define UFD_PINS_RUNS 1
#else
#define UFD_PINS_RUNS 0
static inline long pin_user_runs_fast(unsigned long start, unsigned long nr_pages,
				      unsigned int gup_flags, struct pin_run *runs,
				      unsigned int *nr_runs, unsigned int at)
{
	return 0;
}
#endif

#ifndef unpin_user_runs
static inline void unpin_user_runs(const struct pin_run *runs, unsigned int nr_runs,
				   bool make_dirty)
{
	const struct pin_run *end = runs + nr_runs;

	for (; runs != end; runs++)
		unpin_user_page_range_dirty_lock(pfn_to_page(runs->pfn), runs->nr, make_dirty);
}
#endif

#if __has_include("linux/iommu_runs.h")
#include <linux/iommu_runs.h>
#else
static inline int iommu_map_runs(struct iommu_domain *domain, unsigned long iova,
				 const struct pin_run *runs, unsigned int nr, int prot,
				 gfp_t gfp)
{
	const struct pin_run *end = runs + nr;
	unsigned long at = iova;
	int rc = 0;

	while (runs != end && !rc) {
		phys_addr_t phys = PFN_PHYS(runs->pfn), next = phys;

		/* What continues it may be the rest of a larger page. */
		for (; runs != end && PFN_PHYS(runs->pfn) == next; runs++)
			next += PFN_PHYS(runs->nr);
		rc = iommu_map(domain, at, phys, next - phys, prot, gfp);
		if (!rc)
			at += next - phys;
	}
	if (rc && at != iova)
		iommu_unmap(domain, iova, at - iova);
	return rc;
}
#endif

#endif /* UFD_CORE_H */
