// SPDX-License-Identifier: GPL-2.0-only
/* See observe.h: the events that take more than a line. */
#include <linux/mm.h>

#include "../iommu-priv.h"
#include "observe.h"

#define CREATE_TRACE_POINTS
#include <trace/events/iommufd.h>

static_assert((int)UFD_DEVICE == (int)IOMMUFD_TRACE_TYPE_DEVICE);
static_assert((int)UFD_HWPT_PAGING == (int)IOMMUFD_TRACE_TYPE_HWPT_PAGING);
static_assert((int)UFD_HWPT_NESTED == (int)IOMMUFD_TRACE_TYPE_HWPT_NESTED);
static_assert((int)UFD_IOAS == (int)IOMMUFD_TRACE_TYPE_IOAS);
static_assert((int)UFD_ACCESS == (int)IOMMUFD_TRACE_TYPE_ACCESS);
static_assert((int)UFD_FAULT == (int)IOMMUFD_TRACE_TYPE_FAULT);
static_assert((int)UFD_SELFTEST == (int)IOMMUFD_TRACE_TYPE_SELFTEST);
static_assert((int)UFD_CHARGE_NONE == (int)IOMMUFD_TRACE_ACCOUNT_NONE);
static_assert((int)UFD_CHARGE_USER == (int)IOMMUFD_TRACE_ACCOUNT_USER);
static_assert((int)UFD_CHARGE_MM == (int)IOMMUFD_TRACE_ACCOUNT_MM);

void __ufd_see_hwpt(struct iommufd_ctx *ctx, struct ufd_hwpt *hwpt, u32 alloc)
{
	unsigned int flags = 0;

	if (hwpt->parent)
		flags |= IOMMUFD_TRACE_HWPT_NESTED;
	if (hwpt->automatic)
		flags |= IOMMUFD_TRACE_HWPT_AUTO;
	if (hwpt->nest_parent)
		flags |= IOMMUFD_TRACE_HWPT_PARENT;
	if (hwpt->enforce_cc)
		flags |= IOMMUFD_TRACE_HWPT_ENFORCE_CC;
	if (alloc & IOMMU_HWPT_FAULT_ID_VALID)
		flags |= IOMMUFD_TRACE_HWPT_FAULT;
	if (alloc & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		flags |= IOMMUFD_TRACE_HWPT_DIRTY;
	trace_iommufd_hwpt(ctx, &hwpt->obj, hwpt->domain, hwpt->ioas ? &hwpt->ioas->space : NULL,
			   hwpt->parent ? hwpt->parent->domain : NULL, hwpt->obj.id, flags);
}

/* What page faults of the group carry now. */
static const void *handle_of(struct ufd_group *group)
{
	struct iommu_attach_handle *h = iommu_attach_handle_get(group->group, IOMMU_NO_PASID, 0);

	return IS_ERR(h) ? NULL : h;
}

void __ufd_see_device(struct iommufd_device *idev, unsigned int what, struct ufd_hwpt *hwpt,
		      struct ufd_hwpt *old, int rc)
{
	trace_iommufd_device(idev->ctx, idev->dev, dev_name(idev->dev), idev->obj.id,
			     iommu_group_id(idev->group->group), what, hwpt ? hwpt->domain : NULL,
			     old ? old->domain : NULL, hwpt ? hwpt->obj.id : 0, rc,
			     hwpt ? handle_of(idev->group) : NULL);
}

/* What of a new backing is the caller's own. */
static unsigned int mapper_flags(struct ufd_backing *b)
{
	unsigned int flags = 0;

	if (ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK))
		flags |= IOMMUFD_TRACE_MAPPER_IPC_LOCK;
	if (b->user == current_user())
		flags |= IOMMUFD_TRACE_MAPPER_USER;
	if (b->mm == current->mm)
		flags |= IOMMUFD_TRACE_MAPPER_MM;
	if (b->task == current->group_leader)
		flags |= IOMMUFD_TRACE_MAPPER_TASK;
	return flags;
}

void __ufd_see_backing(struct ufd_backing *b, unsigned int what)
{
	trace_iommufd_pages(b->ctx, b, what, b->uptr, b->npages, b->pinned, b->mm, b->user,
			    b->mode, b->writable,
			    what == IOMMUFD_TRACE_PAGES_ALLOC ? mapper_flags(b) : 0);
}

static unsigned int domain_type(const struct iommu_domain *domain)
{
	switch (domain ? domain->type : 0) {
	case IOMMU_DOMAIN_BLOCKED:
		return domain ? IOMMUFD_TRACE_DOMAIN_BLOCKED : IOMMUFD_TRACE_DOMAIN_NONE;
	case IOMMU_DOMAIN_UNMANAGED:
		return IOMMUFD_TRACE_DOMAIN_PAGING;
	case IOMMU_DOMAIN_NESTED:
		return IOMMUFD_TRACE_DOMAIN_NESTED;
	case IOMMU_DOMAIN_DMA:
	case IOMMU_DOMAIN_DMA_FQ:
		return IOMMUFD_TRACE_DOMAIN_DMA_API;
	case IOMMU_DOMAIN_IDENTITY:
		return IOMMUFD_TRACE_DOMAIN_IDENTITY;
	default:
		return IOMMUFD_TRACE_DOMAIN_OTHER;
	}
}

void __ufd_see_hw(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group,
		  unsigned int what, struct iommu_domain *domain, u64 base, unsigned int flags,
		  int rc)
{
	struct iommu_domain *now = dev ? iommu_get_domain_for_dev(dev) : NULL;

	static_assert(IOMMU_DOMAIN_BLOCKED == 0);
	trace_iommufd_hw(ctx, dev, iommu_group_id(group->group), what, domain, now,
			 domain_type(now), base, flags, rc);
}

void __ufd_see_claim(struct iommufd_ctx *ctx, struct device *dev, struct ufd_group *group,
		     bool unsafe, int rc)
{
	unsigned int flags = 0;

	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		flags |= IOMMUFD_TRACE_HW_COHERENT;
	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		flags |= IOMMUFD_TRACE_HW_ENFORCE_CC;
	if (iommu_group_has_isolated_msi(group->group))
		flags |= IOMMUFD_TRACE_HW_ISOLATED_MSI;
	if (unsafe)
		flags |= IOMMUFD_TRACE_HW_UNSAFE_MSI_OK;
	if (ufd_is_mock(dev))
		flags |= IOMMUFD_TRACE_HW_MOCK;
	__ufd_see_hw(ctx, dev, group, IOMMUFD_TRACE_HW_CLAIM, NULL, (uintptr_t)ctx, flags, rc);
}

/* A release tells the counter after the fact, and the limit of now. */
void __ufd_see_account(struct ufd_backing *b, long delta, int rc)
{
	bool none = b->mode == UFD_CHARGE_NONE;

	trace_iommufd_account(b->ctx, b, b->mode, delta, b->pinned, b->charged,
			      none ? 0 : b->counter, none ? 0 : b->limit,
			      atomic64_read(&b->mm->pinned_vm), rc, b->moved, b->pinned_moved);
}

/* Runs that one event has room for */
struct seen_runs {
	unsigned int nr;
	struct iommufd_trace_run run[UFD_SEEN_RUNS];
};

/* The first runs, as many as have no gap between them. */
static void see_runs(struct seen_runs *seen, const struct pin_run *run, unsigned int nr)
{
	unsigned int next = run->at;

	nr = min(nr, UFD_SEEN_RUNS);
	for (seen->nr = 0; seen->nr < nr && run->at == next; seen->nr++, run++) {
		seen->run[seen->nr] = (struct iommufd_trace_run){ .addr = run->pfn,
								  .len = run->nr };
		next += run->nr;
	}
}

/* The runs at the start of a list of pages; returns how many pages they are. */
static long list_to_runs(struct seen_runs *seen, struct page **list, long n)
{
	struct iommufd_trace_run *run = seen->run - 1;
	long i;

	seen->nr = 0;
	for (i = 0; i < n; i++) {
		unsigned long pfn = page_to_pfn(list[i]);

		if (seen->nr && run->addr + run->len == pfn) {
			run->len++;
			continue;
		}
		if (seen->nr == UFD_SEEN_RUNS)
			break;
		seen->nr++;
		*++run = (struct iommufd_trace_run){ .addr = pfn, .len = 1 };
	}
	return i;
}

void __ufd_see_pin_list(struct ufd_backing *b, unsigned long index, struct page **list, long n)
{
	struct seen_runs seen;
	long done;

	for (; n > 0; index += done, list += done, n -= done) {
		done = list_to_runs(&seen, list, n);
		trace_iommufd_pin_runs(b->ctx, b, index, seen.run, seen.nr);
	}
}

void __ufd_see_pin_runs(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
			unsigned int nr)
{
	const struct pin_run *end = run + nr;
	struct seen_runs seen;

	for (; run != end; run += seen.nr) {
		see_runs(&seen, run, end - run);
		trace_iommufd_pin_runs(b->ctx, b, base + run->at, seen.run, seen.nr);
	}
}

void __ufd_see_access_pfns(struct ufd_window *w, unsigned long first, unsigned long last,
			   struct page **list)
{
	struct seen_runs seen;
	long done, n = last - first + 1;

	for (; n > 0; first += done, list += done, n -= done) {
		done = list_to_runs(&seen, list, n);
		trace_iommufd_access_pfns(w->space->ctx, w, w->backing, first, seen.run, seen.nr);
	}
}

void __ufd_see_pin(struct ufd_backing *b, unsigned int what, unsigned long uaddr,
		   unsigned long n, long got, unsigned int gup_flags, bool remote)
{
	unsigned int flags = remote ? IOMMUFD_TRACE_PIN_REMOTE : 0;

	if (gup_flags & FOLL_WRITE)
		flags |= IOMMUFD_TRACE_PIN_WRITE;
	if (gup_flags & FOLL_LONGTERM)
		flags |= IOMMUFD_TRACE_PIN_LONGTERM;
	trace_iommufd_pin(b->ctx, b, what, uaddr, (uaddr - b->uptr) / PAGE_SIZE, n, got, flags);
}

void __ufd_see_unpin(struct ufd_backing *b, unsigned long base, const struct pin_run *run,
		     unsigned int nr, unsigned int flags)
{
	const struct pin_run *end = run + nr;
	struct seen_runs seen;

	for (; run != end; run += seen.nr) {
		see_runs(&seen, run, end - run);
		trace_iommufd_unpin(b->ctx, b, base + run->at, seen.run, seen.nr, flags);
	}
}

/* What iommu_map_runs() makes of the first runs; returns the first of the others. */
static const struct pin_run *see_joined(struct seen_runs *seen, const struct pin_run *run,
					const struct pin_run *end)
{
	struct iommufd_trace_run *to = seen->run - 1;

	for (seen->nr = 0; run != end; run++) {
		if (seen->nr && to->addr + to->len == PFN_PHYS(run->pfn)) {
			to->len += PFN_PHYS(run->nr);
			continue;
		}
		if (seen->nr == UFD_SEEN_RUNS)
			break;
		seen->nr++;
		*++to = (struct iommufd_trace_run){ .addr = PFN_PHYS(run->pfn),
						    .len = PFN_PHYS(run->nr) };
	}
	return run;
}

/* When it fails nothing of it stays, so that the first run is said for all. */
void __ufd_see_dma_map(struct iommu_domain *domain, struct ufd_window *w, unsigned long iova,
		       const struct pin_run *run, unsigned int nr, int rc)
{
	const struct pin_run *end = run + (rc ? 1 : nr), *next;
	struct seen_runs seen;

	for (; run != end; run = next) {
		next = see_joined(&seen, run, end);
		trace_iommufd_dma_map(w->space->ctx, domain, w, iova, seen.run, seen.nr, w->prot,
				      rc);
		iova += PFN_PHYS(next[-1].at - run->at + next[-1].nr);
	}
}

void __ufd_see_window(struct ufd_window *w, unsigned int what)
{
	trace_iommufd_area(w->space->ctx, w->space, w, w->backing, what, w->iova.start,
			   w->iova.last, w->start, w->prot, w->pins);
}

void ufd_see_cut(struct ufd_window *w, struct ufd_window *low, struct ufd_window *high)
{
	struct ufd_space *s = w->space;
	const struct iommu_domain *domain = NULL;
	unsigned int flags = 0;

	if (!trace_iommufd_split_enabled())
		return;
	if (ufd_hold_linked(&low->hold)) {
		domain = list_first_entry(&s->seats, struct ufd_seat, node)->domain;
		flags |= IOMMUFD_TRACE_SPLIT_LHS_LINKED;
	}
	if (ufd_hold_linked(&high->hold))
		flags |= IOMMUFD_TRACE_SPLIT_RHS_LINKED;
	trace_iommufd_split(s->ctx, s, w, low, high, domain, flags);
}

void ufd_see_allow(struct ufd_space *s)
{
	unsigned int i;

	if (!trace_iommufd_allow_enabled())
		return;
	trace_iommufd_allow(s->ctx, s, IOMMUFD_TRACE_ALLOW_RESET, 0, ULONG_MAX, 0);
	for (i = 0; s->allowed && i < s->allowed->n; i++)
		trace_iommufd_allow(s->ctx, s, IOMMUFD_TRACE_ALLOW_RANGE,
				    s->allowed->range[i].start, s->allowed->range[i].last, 0);
}
