// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model's frame: resolving a record to objects, losing track of a ctx,
 * operations of threads, and dispatch to the files that change the state.
 */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
}

void model_destroy(struct model *m)
{
	struct m_ctx *c;
	uint32_t i;

	table_for_each(&m->ctxs, i, c) {
		ctx_purge(c);
		free(c);
	}
	table_destroy(&m->ctxs);
}

/* ---- losing track ---- */

void model_lost(struct model *m, struct m_ctx *ctx)
{
	struct m_ctx *c;
	uint32_t i;

	if (!ctx) {
		table_for_each(&m->ctxs, i, c)
			model_lost(m, c);
		return;
	}
	if (!ctx->known)
		return;
	ctx->known = false;
	m->ctxs_unknown++;
	ctx_purge(ctx);
}

void model_lost_ring(struct model *m, uint8_t ring)
{
	struct m_ctx *c;
	uint32_t i;

	table_for_each(&m->ctxs, i, c)
		if (c->ring == ring)
			model_lost(m, c);
}

void model_contradict(struct model *m, struct m_event *ev, const char *why)
{
	m->inconsistent++;
	m->why_inconsistent = why;
	if (!ev->ctx)
		return;
	model_lost(m, ev->ctx);
	ev->op = NULL;
}

/* A record of @ring says how many of the ring were lost before it. */
static void check_loss(struct model *m, const struct ims_hdr *h)
{
	if (h->kind == IMS_LOSS || h->kind == IMS_END)
		return;
	if (m->ring_lost[h->ring] != h->lost && !m->ring_explained[h->ring]) {
		m->gaps++;
		model_lost_ring(m, h->ring);
	}
	if (m->ring_lost[h->ring] != h->lost)
		m->ring_explained[h->ring] = false;
	m->ring_lost[h->ring] = h->lost;
}

/* ---- operations ---- */

static struct m_op *op_of(struct model *m, struct m_ctx *c, uint32_t tid)
{
	struct m_op *op = table_get(&c->ops, (uint64_t)tid + 1);

	if (op)
		return op;
	op = calloc(1, sizeof(*op));
	if (!op)
		return NULL;
	op->tid = tid;
	op->number = ++m->op_numbers;
	if (table_put(&c->ops, (uint64_t)tid + 1, op)) {
		free(op);
		return NULL;
	}
	return op;
}

void model_touch(struct model *m, struct m_event *ev, struct m_pages *p)
{
	struct m_op *op = ev->op;

	(void)m;
	if (!op || (p->touched_op == op->number && p->touched_tid == op->tid))
		return;
	if (op->ntouched == op->cap) {
		uint32_t cap = op->cap ? op->cap * 2 : 8;
		uint64_t *t = realloc(op->touched, cap * sizeof(*t));

		if (!t)
			return;
		op->touched = t;
		op->cap = cap;
	}
	op->touched[op->ntouched++] = p->cookie;
	p->touched_op = op->number;
	p->touched_tid = op->tid;
}

bool model_op_over(const struct m_event *ev)
{
	const struct ims_record *r = ev->r;

	switch (r->h.kind) {
	case IMS_AREA:
		return r->h.action == IMS_AREA_READY || r->h.action == IMS_AREA_FREE;
	case IMS_DOMAIN:
		return r->h.action == IMS_DOM_ADD_END || r->h.action == IMS_DOM_DEL_END;
	case IMS_IOCTL:
		return r->h.action == IMS_IOCTL_EXIT;
	case IMS_CTX:
		return true;
	default:
		return false;
	}
}

/* Threads come and go; one that is between ioctls and owes nothing is forgotten. */
static void op_retire(struct m_ctx *c, struct m_op *op)
{
	if (op->enter || op->detached || op->removed || c->ops.n < 4096)
		return;
	table_del(&c->ops, (uint64_t)op->tid + 1);
	free(op->touched);
	free(op);
}

void model_op_reset(struct model *m, struct m_ctx *c, struct m_op *op)
{
	op->ntouched = 0;
	op->start = 0;
	op->number = ++m->op_numbers;
	op_retire(c, op);
}

/* ---- resolving ---- */

static void name_ioas(struct m_event *ev, uint64_t cookie)
{
	ev->ioas = table_get(&ev->ctx->ioases, cookie);
}

static void name_area(struct m_event *ev, uint64_t cookie)
{
	ev->area = table_get(&ev->ctx->areas, cookie);
	if (!ev->area)
		return;
	ev->ioas = ev->area->ioas;
	ev->pages = ev->area->pages;
}

static void name_pages(struct m_event *ev, uint64_t cookie)
{
	ev->pages = table_get(&ev->ctx->pages, cookie);
}

static void name_domain(struct m_event *ev, uint64_t cookie)
{
	ev->domain = table_get(&ev->ctx->domains, cookie);
	if (ev->domain && !ev->ioas)
		ev->ioas = ev->domain->ioas;
}

static void name_objects(struct m_event *ev)
{
	const struct ims_record *r = ev->r;

	switch (r->h.kind) {
	case IMS_IOAS: name_ioas(ev, r->p.ioas.ioas); break;
	case IMS_HWPT:
		name_ioas(ev, r->p.hwpt.ioas);
		name_domain(ev, r->p.hwpt.domain);
		break;
	case IMS_MAP: name_ioas(ev, r->p.map.ioas); break;
	case IMS_UNMAP: name_ioas(ev, r->p.unmap.ioas); break;
	case IMS_IOVA: name_ioas(ev, r->p.iova.ioas); break;
	case IMS_AREA:
		name_area(ev, r->p.area.area);
		if (!ev->area) {
			name_ioas(ev, r->p.area.ioas);
			name_pages(ev, r->p.area.pages);
		}
		break;
	case IMS_SPLIT: name_area(ev, r->p.split.area); break;
	case IMS_STORAGE: name_area(ev, r->p.storage.area); break;
	case IMS_PAGES: name_pages(ev, r->p.pages.pages); break;
	case IMS_RESERVE: name_ioas(ev, r->p.reserve.ioas); break;
	case IMS_ALLOW: name_ioas(ev, r->p.allow.ioas); break;
	case IMS_DEV_REGION:
		name_ioas(ev, r->p.dev_region.ioas);
		ev->device = table_get(&ev->ctx->devices, r->p.dev_region.dev);
		break;
	case IMS_ALIGN: name_ioas(ev, r->p.align.ioas); break;
	case IMS_DOMAIN:
		name_ioas(ev, r->p.domain.ioas);
		name_domain(ev, r->p.domain.domain);
		break;
	case IMS_DMA_MAP:
		name_area(ev, r->p.dma_map.area);
		name_domain(ev, r->p.dma_map.domain);
		break;
	case IMS_DMA_UNMAP: name_domain(ev, r->p.dma_unmap.domain); break;
	case IMS_IOTLB_SYNC: name_domain(ev, r->p.iotlb_sync.domain); break;
	case IMS_PIN: name_pages(ev, r->p.pin.pages); break;
	case IMS_PIN_RUNS: name_pages(ev, r->p.pin_runs.pages); break;
	case IMS_UNPIN: name_pages(ev, r->p.unpin.pages); break;
	case IMS_XARRAY: name_pages(ev, r->p.xarray.pages); break;
	case IMS_ACCOUNT: name_pages(ev, r->p.account.pages); break;
	case IMS_DEVICE:
		ev->device = table_get(&ev->ctx->devices, r->p.device.dev);
		name_domain(ev, r->p.device.domain);
		break;
	case IMS_ACCESS: name_ioas(ev, r->p.access.ioas); break;
	case IMS_ACCESS_RANGE:
		name_area(ev, r->p.access_range.area);
		name_pages(ev, r->p.access_range.pages);
		break;
	case IMS_ACCESS_OP: name_ioas(ev, r->p.access_op.ioas); break;
	case IMS_DIRTY: name_domain(ev, r->p.dirty.domain); break;
	default: break;
	}
}

void model_resolve(struct model *m, const struct ims_record *r, struct m_event *ev)
{
	check_loss(m, &r->h);
	*ev = (struct m_event){ .r = r, .runs = ims_runs(r), .number = ++m->number };
	ev->ctx = table_get(&m->ctxs, r->h.ctx);
	if (r->h.kind == IMS_LOSS || r->h.kind == IMS_END)
		return;
	if (!ev->ctx || !ev->ctx->known)
		return;
	ev->op = op_of(m, ev->ctx, r->h.tid);
	if (ev->op) {
		if (!ev->op->start)
			ev->op->start = ev->number;
		ev->op->last = ev->number;
	}
	name_objects(ev);
}

/* ---- applying ---- */

static void apply_loss(struct model *m, const struct m_event *ev)
{
	m->ring_explained[ev->r->h.ring] = ev->r->h.ctx;
	if (ev->ctx)
		model_lost(m, ev->ctx);
	else if (!ev->r->h.ctx)
		model_lost_ring(m, ev->r->h.ring);
}

static void apply_ioctl(struct m_event *ev)
{
	if (!ev->op)
		return;
	ev->op->enter = ev->r->h.action == IMS_IOCTL_ENTER ? ev->number : 0;
	ev->op->removed = 0;
	ev->op->inserted = 0;
	ev->op->map_len = 0;
}

static void apply_unmap(struct m_event *ev)
{
	if (!ev->op || ev->r->h.action != IMS_UNMAP_IOPT)
		return;
	ev->op->reported = ev->r->p.unmap.unmapped;
	ev->op->removed = 0;
}

void model_apply(struct model *m, struct m_event *ev)
{
	uint8_t kind = ev->r->h.kind;
	apply_fn fn;

	if (kind == IMS_LOSS) {
		apply_loss(m, ev);
		return;
	}
	if (kind >= IMS_NR_KINDS || kind == IMS_END)
		return;
	if (kind == IMS_IOCTL)
		apply_ioctl(ev);
	if (kind == IMS_UNMAP)
		apply_unmap(ev);
	if ((!ev->ctx || !ev->ctx->known) && kind != IMS_CTX) {
		m->unknown_ctx += !ev->ctx;
		return;
	}
	fn = apply_space[kind] ? apply_space[kind] :
	     apply_dma[kind] ? apply_dma[kind] : apply_device[kind];
	if (fn)
		fn(m, ev);
}

/* ---- questions ---- */

struct m_area *model_area_first(const struct m_ioas *s, uint64_t start, uint64_t last,
				uint32_t *pos)
{
	uint32_t lo = 0, hi = s->nareas;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->areas[mid]->last < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (pos)
		*pos = lo;
	return lo < s->nareas && s->areas[lo]->iova <= last ? s->areas[lo] : NULL;
}

struct m_range *model_range_hit(struct m_range *list, uint64_t start, uint64_t last)
{
	for (; list; list = list->next)
		if (list->start <= last && list->last >= start)
			return list;
	return NULL;
}

struct m_access_range *model_access_find(const struct m_pages *p, uint64_t index, uint64_t last)
{
	for (struct m_access_range *x = p->accesses; x; x = x->next)
		if (x->index <= last && x->last >= index)
			return x;
	return NULL;
}

bool area_of_failed_split(const struct m_area *a)
{
	const struct m_area *old = a->state == M_PENDING && a->pages ? a->pages->areas : NULL;

	for (; old; old = old->next_of_pages)
		if (old->state == M_REMOVED && old->ioas == a->ioas && old->iova <= a->iova &&
		    old->last >= a->last)
			return true;
	return false;
}

bool area_iova_of(const struct m_area *a, uint64_t index, uint64_t last,
		  uint64_t *iova, uint64_t *iova_last)
{
	uint64_t first = area_first_index(a), end = area_last_index(a);
	uint64_t offset = a->start_byte & (IMS_PAGE - 1);

	if (index > end || last < first)
		return false;
	*iova = index <= first ? a->iova : a->iova - offset + (index - first) * IMS_PAGE;
	*iova_last = last >= end ? a->last :
		     a->iova - offset + (last - first + 1) * IMS_PAGE - 1;
	return true;
}
