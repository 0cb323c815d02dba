// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records about memory: pages objects, pins, charges, and what the domains
 * translate.  After a violation the kernel's word is taken, so that one bug is
 * reported once and not with everything that follows from it.
 */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

/* ---- pages ---- */

void pages_disown(void *pages)
{
	struct m_pages *p = pages;
	struct m_access_range *x;

	while ((x = p->accesses)) {
		p->accesses = x->next;
		free(x);
	}
	runmap_destroy(&p->pins);
	runmap_destroy(&p->xa);
}

static void pages_free(struct m_pages *p)
{
	while (p->areas) {
		struct m_area *a = p->areas;

		p->areas = a->next_of_pages;
		a->pages = NULL;
		a->pprev_of_pages = NULL;
	}
	pages_disown(p);
	table_del(&p->ctx->pages, p->cookie);
	free(p);
}

/* What fits no address space would only fill our memory. */
#define MOST_PAGES (1ULL << 52)		/* a map without a domain looks at no address */
#define MOST_BYTES (1ULL << 46)		/* one run; a batch counts pages in 32 bits */

static void pages_alloc(struct model *m, struct m_event *ev)
{
	const struct ims_pages *r = &ev->r->p.pages;
	struct m_pages *p;

	if (ev->pages) {
		model_contradict(m, ev, "a pages object was made at the address of a live one");
		return;
	}
	if (r->npages > MOST_PAGES) {
		model_contradict(m, ev, "a pages object of more than an address space");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p || table_put(&ev->ctx->pages, r->pages, p)) {
		free(p);
		return;
	}
	p->cookie = r->pages;
	p->uptr = r->uptr;
	p->npages = r->npages;
	p->mm = r->mm;
	p->user = r->user;
	p->mode = r->mode;
	p->writable = r->writable;
	p->born = ev->number;
	p->ctx = ev->ctx;
	runmap_init(&p->pins);
	runmap_init(&p->xa);
	ev->pages = p;
}

static void apply_pages(struct model *m, struct m_event *ev)
{
	if (ev->r->h.action == IMS_PAGES_ALLOC) {
		pages_alloc(m, ev);
		return;
	}
	if (!ev->pages) {
		model_contradict(m, ev, "a pages object ended that never began");
		return;
	}
	pages_free(ev->pages);
	ev->pages = NULL;
}

/* ---- pins ---- */

/* Take [index, index + n) as not pinned, whatever the model thought. */
static void forget_pins(struct m_pages *p, uint64_t index, uint64_t n)
{
	uint64_t pend_end = p->pend_index + p->pend_n, end = index + n;

	p->pinned -= runmap_erase(&p->pins, index, end - 1, NULL);
	if (!p->pend_n || index >= pend_end || end <= p->pend_index)
		return;
	if (index <= p->pend_index) {		/* the front, or all */
		uint64_t gone = (end < pend_end ? end : pend_end) - p->pend_index;

		p->pend_index += gone;
		p->pend_n -= gone;
		p->pinned -= gone;
	} else {				/* the tail; a hole in the middle takes it too */
		p->pinned -= pend_end - index;
		p->pend_n = index - p->pend_index;
	}
}

static bool index_range_ok(const struct m_pages *p, uint64_t index, uint64_t n)
{
	return n && index < p->npages && n <= p->npages - index;
}

static void apply_pin(struct model *m, struct m_event *ev)
{
	const struct ims_pin *r = &ev->r->p.pin;
	struct m_pages *p = ev->pages;

	if (!p) {
		model_contradict(m, ev, "a pin of an unknown pages object");
		return;
	}
	told_pin(ev);
	if (ev->r->h.action != IMS_PIN_HELD || r->got <= 0)
		return;
	if (!index_range_ok(p, r->index, r->got)) {
		model_contradict(m, ev, "a pin outside its pages object");
		return;
	}
	if (p->pend_n) {
		model_contradict(m, ev, "pages were pinned but their PFNs never reported");
		return;
	}
	forget_pins(p, r->index, r->got);
	p->pend_index = r->index;
	p->pend_n = r->got;
	p->pinned += r->got;
	p->taken += r->got;
	model_touch(m, ev, p);
}

static void apply_pin_runs(struct model *m, struct m_event *ev)
{
	struct m_pages *p = ev->pages;
	uint64_t index = ev->r->p.pin_runs.index;

	if (!p) {
		model_contradict(m, ev, "PFNs of an unknown pages object");
		return;
	}
	for (unsigned int i = 0; i < ev->r->h.nruns; i++) {
		const struct ims_run *run = &ev->runs[i];

		if (!index_range_ok(p, index, run->len) || index != p->pend_index ||
		    run->len > p->pend_n || runmap_add(&p->pins, index, run->len, run->addr)) {
			model_contradict(m, ev, "PFNs of pages that were not pinned");
			return;
		}
		p->pend_index += run->len;
		p->pend_n -= run->len;
		index += run->len;
	}
	model_touch(m, ev, p);
}

static void apply_unpin(struct model *m, struct m_event *ev)
{
	struct m_pages *p = ev->pages;
	uint64_t index = ev->r->p.unpin.index, n = 0;

	if (!p) {
		model_contradict(m, ev, "an unpin of an unknown pages object");
		return;
	}
	for (unsigned int i = 0; i < ev->r->h.nruns; i++) {
		n += ev->runs[i].len < p->npages ? ev->runs[i].len : p->npages;
		p->taken -= ev->runs[i].len;
	}
	if (index < p->npages && n) {
		forget_pins(p, index, n < p->npages - index ? n : p->npages - index);
		model_touch(m, ev, p);
	}
}

static void apply_xarray(struct model *m, struct m_event *ev)
{
	const struct ims_xarray *r = &ev->r->p.xarray;

	if (!ev->pages || r->last < r->index)
		return;
	if (r->last >= ev->pages->npages) {
		model_contradict(m, ev, "an xarray entry outside its pages object");
		return;
	}
	ev->pages->xa_seen = true;
	runmap_erase(&ev->pages->xa, r->index, r->last, NULL);
	if (ev->r->h.action == IMS_XA_STORE)
		runmap_add(&ev->pages->xa, r->index, r->last - r->index + 1, r->index);
	model_touch(m, ev, ev->pages);
}

/* The old process is released; what the new one was charged in advance is for this. */
static bool charge_moved(struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;

	if (!op_changes_process(ev->op) || r->delta >= 0 || r->rc)
		return false;
	ev->op->taken = (uint64_t)ev->op->taken + r->delta;
	return true;
}

static void apply_account(struct model *m, struct m_event *ev)
{
	if (!ev->pages) {
		model_contradict(m, ev, "a charge of an unknown pages object");
		return;
	}
	model_touch(m, ev, ev->pages);
	if (charge_moved(ev))
		return;
	if (!ev->r->p.account.rc)
		ev->pages->charged = (uint64_t)ev->pages->charged + ev->r->p.account.delta;
	else if (ev->r->p.account.delta < 0)
		ev->pages->charge_refused = true;
	else if (ev->op)
		ev->op->refused = ev->pages->cookie;
	ev->pages->pinned_vm = (uint64_t)ev->pages->pinned_vm + ev->r->p.account.pinned_moved;
}

/* ---- domains ---- */

static void domain_unlink(struct m_domain *d)
{
	struct m_domain **p;

	if (!d->ioas)
		return;
	for (p = &d->ioas->domains; *p && *p != d;)
		p = &(*p)->next;
	if (*p)
		*p = d->next;
	d->ioas = NULL;
}

static void domain_free(struct m_domain *d)
{
	domain_unlink(d);
	ranges_free(&d->unsynced);
	runmap_destroy(&d->pt);
	table_del(&d->ctx->domains, d->cookie);
	free(d);
}

static struct m_domain *domain_new(struct m_event *ev, uint64_t cookie)
{
	struct m_domain *d = calloc(1, sizeof(*d));

	if (!d || table_put(&ev->ctx->domains, cookie, d)) {
		free(d);
		return NULL;
	}
	d->cookie = cookie;
	d->ctx = ev->ctx;
	runmap_init(&d->pt);
	return ev->domain = d;
}

static void domain_add(struct model *m, struct m_event *ev)
{
	const struct ims_domain *r = &ev->r->p.domain;
	struct m_ioas *s = table_get(&ev->ctx->ioases, r->ioas);
	struct m_domain *d;

	if (ev->domain || !s) {
		model_contradict(m, ev, "a domain was added that is there, or to no IOAS");
		return;
	}
	d = domain_new(ev, r->domain);
	if (!d)
		return;
	d->ioas = ev->ioas = s;
	d->aperture_start = r->aperture_start;
	d->aperture_last = r->aperture_last;
	d->pgsize_bitmap = r->pgsize_bitmap;
	d->next = s->domains;
	s->domains = d;
}

static void apply_domain(struct model *m, struct m_event *ev)
{
	const struct ims_domain *r = &ev->r->p.domain;

	if (ev->r->h.action == IMS_DOM_ADD_BEGIN) {
		domain_add(m, ev);
		return;
	}
	if (!ev->domain) {
		model_contradict(m, ev, "a domain changed that was never added");
		return;
	}
	if (ev->op && r->rc == 0 && ev->r->h.action != IMS_DOM_DEL_BEGIN)
		ev->op->changes.domains += ev->r->h.action == IMS_DOM_ADD_END ? 1 : -1;
	if (ev->r->h.action == IMS_DOM_ADD_END && !r->rc)
		ev->domain->added = true;
	else if (ev->r->h.action == IMS_DOM_DEL_BEGIN)
		ev->domain->added = false, ev->domain->leaving = true;
	else
		domain_free(ev->domain), ev->domain = NULL;
}

static void apply_dma_map(struct model *m, struct m_event *ev)
{
	const struct ims_dma_map *r = &ev->r->p.dma_map;
	uint64_t iova = r->iova;

	if (!ev->domain) {
		model_contradict(m, ev, "a mapping in an unknown domain");
		return;
	}
	for (unsigned int i = 0; !r->rc && i < ev->r->h.nruns; i++) {
		const struct ims_run *run = &ev->runs[i];

		if (!run->len || run->len > MOST_BYTES || iova + (run->len - 1) < iova) {
			model_contradict(m, ev, "a mapping of no bytes, too many, or past the end");
			return;
		}
		if (runmap_add(&ev->domain->pt, iova, run->len, run->addr)) {
			runmap_erase(&ev->domain->pt, iova, iova + (run->len - 1), NULL);
			runmap_add(&ev->domain->pt, iova, run->len, run->addr);
		}
		ev->domain->mapped += run->len;
		iova += run->len;
	}
}

/* A thread gathers what it unmaps, usually going up, until it syncs that. */
static void note_unsynced(struct m_domain *d, uint64_t start, uint64_t last, uint32_t tid)
{
	struct m_range *r = d->unsynced;

	if (r && r->owner == tid && r->last + 1 == start && last >= start)
		r->last = last;
	else if (last >= start)
		range_add(&d->unsynced, start, last, tid);
}

static void apply_dma_unmap(struct model *m, struct m_event *ev)
{
	const struct ims_dma_unmap *r = &ev->r->p.dma_unmap;

	if (!ev->domain) {
		model_contradict(m, ev, "an unmap in an unknown domain");
		return;
	}
	if (r->unmapped && r->iova + (r->unmapped - 1) >= r->iova)
		runmap_erase(&ev->domain->pt, r->iova, r->iova + (r->unmapped - 1), NULL);
	if (r->unmapped && !(r->flags & IMS_DMA_SYNCED))
		note_unsynced(ev->domain, r->iova, r->iova + (r->unmapped - 1), ev->r->h.tid);
}

static void apply_iotlb_sync(struct model *m, struct m_event *ev)
{
	(void)m;
	if (ev->domain)
		range_del_owner(&ev->domain->unsynced, ev->r->h.tid);
	told_synced(ev);
}

const apply_fn apply_dma[IMS_NR_KINDS] = {
	[IMS_PAGES] = apply_pages,
	[IMS_PIN] = apply_pin,
	[IMS_PIN_RUNS] = apply_pin_runs,
	[IMS_UNPIN] = apply_unpin,
	[IMS_XARRAY] = apply_xarray,
	[IMS_ACCOUNT] = apply_account,
	[IMS_DOMAIN] = apply_domain,
	[IMS_DMA_MAP] = apply_dma_map,
	[IMS_DMA_UNMAP] = apply_dma_unmap,
	[IMS_IOTLB_SYNC] = apply_iotlb_sync,
};
