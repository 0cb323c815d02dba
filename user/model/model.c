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
	model_forget_doubts(m);
}

/* ---- losing track ---- */

void model_contradict(struct model *m, struct m_event *ev, const char *why)
{
	m->inconsistent++;
	m->why_inconsistent = why;
	if (!ev->ctx)
		return;
	model_lost(m, ev->ctx);
	ev->op = NULL;
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
	told_free(&op->told);
	free(op);
}

void model_op_reset(struct model *m, struct m_ctx *c, struct m_op *op)
{
	op->ntouched = 0;
	op->start = 0;
	op->refused = 0;
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
	case IMS_HW:
		ev->device = table_get(&ev->ctx->devices, r->p.hw.dev);
		name_domain(ev, r->p.hw.domain);
		break;
	case IMS_IOVA_RANGE: name_ioas(ev, r->p.iova_range.ioas); break;
	case IMS_READBACK:
		name_area(ev, r->p.readback.area);
		name_domain(ev, r->p.readback.domain);
		break;
	case IMS_ACCESS_PFNS:
		name_area(ev, r->p.access_pfns.area);
		name_pages(ev, r->p.access_pfns.pages);
		break;
	case IMS_ACCESS_COPY: name_pages(ev, r->p.access_copy.pages); break;
	case IMS_VFIO: name_ioas(ev, r->p.vfio.ioas); break;
	case IMS_PASID:
		ev->device = table_get(&ev->ctx->devices, r->p.pasid.dev);
		name_domain(ev, r->p.pasid.domain);
		break;
	case IMS_FILE: name_pages(ev, r->p.file.pages); break;
	case IMS_PROCESS: name_pages(ev, r->p.process.pages); break;
	case IMS_VDEVICE: ev->device = table_get(&ev->ctx->devices, r->p.vdevice.dev); break;
	default: break;
	}
}

void model_resolve(struct model *m, const struct ims_record *r, struct m_event *ev)
{
	model_check_loss(m, &r->h);
	*ev = (struct m_event){ .r = r, .runs = ims_runs(r), .number = ++m->number };
	ev->ctx = table_get(&m->ctxs, r->h.ctx);
	if (r->h.kind == IMS_LOSS || r->h.kind == IMS_END)
		return;
	if (!ev->ctx || !ev->ctx->known)
		return;
	ev->op = op_of(m, ev->ctx, r->h.tid);
	if (ev->op) {
		if (!ev->op->start) {
			ev->op->start = ev->number;
			ev->op->since = ev->op->last;
		}
		ev->op->last = ev->number;
	}
	name_objects(ev);
}

/* ---- applying ---- */

static void apply_ioctl(struct m_event *ev)
{
	if (!ev->op)
		return;
	told_ioctl(ev);
	ev->op->cmd = ev->r->p.ioctl.cmd;
	ev->op->enter = ev->r->h.action == IMS_IOCTL_ENTER ? ev->number : 0;
	ev->op->removed = 0;
	ev->op->reported = 0;
	ev->op->inserted = 0;
	ev->op->changes = (struct m_changes){ 0 };
	ev->op->map_len = 0;
	ev->op->taken = 0;
	ev->op->moving = 0;
	ev->op->vdev_of = 0;
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
		model_apply_loss(m, ev);
		return;
	}
	if (kind >= IMS_NR_KINDS || kind == IMS_END)
		return;
	if (kind == IMS_IOCTL)
		apply_ioctl(ev);
	if (kind == IMS_UNMAP)
		apply_unmap(ev);
	if ((!ev->ctx || !ev->ctx->known) && kind != IMS_CTX && kind != IMS_SNAPSHOT) {
		m->unknown_ctx += !ev->ctx;
		return;
	}
	fn = apply_space[kind] ? apply_space[kind] :
	     apply_dma[kind] ? apply_dma[kind] :
	     apply_device[kind] ? apply_device[kind] :
	     apply_told[kind] ? apply_told[kind] : apply_newer[kind];
	if (fn)
		fn(m, ev);
}

/* ---- questions ---- */

bool model_others_in(const struct m_event *ev, uint32_t cmd)
{
	const struct m_op *op;
	uint32_t i;

	table_for_each(&ev->ctx->ops, i, op)
		if (op != ev->op && op->enter && op->cmd == cmd)
			return true;
	return false;
}

bool model_allow_unsure(const struct m_event *ev, const struct m_ioas *s)
{
	return s->allow_unsure || model_others_in(ev, M_CMD_ALLOW_IOVAS);
}

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

/* What shows a dma-buf may lose that at any time. */
struct m_area *model_area_that_loses(const struct m_event *ev)
{
	const struct ims_dma_unmap *r = &ev->r->p.dma_unmap;
	const struct m_domain *d = ev->domain;
	uint64_t last = r->iova + (r->unmapped - 1);
	struct m_area *a = NULL;
	uint32_t at;

	if (!d || !d->added || !d->ioas || !r->unmapped || last < r->iova)
		return NULL;
	if (model_area_first(d->ioas, r->iova, last, &at))
		for (; at < d->ioas->nareas && d->ioas->areas[at]->iova <= last && !a; at++)
			if (d->ioas->areas[at]->state == M_LIVE &&
			    !(d->ioas->areas[at]->pages && d->ioas->areas[at]->pages->dmabuf))
				a = d->ioas->areas[at];
	return a;
}

struct m_range *model_range_hit(struct m_range *list, uint64_t start, uint64_t last)
{
	for (; list; list = list->next)
		if (list->start <= last && list->last >= start)
			return list;
	return NULL;
}

bool copy_is_settled(const struct m_event *ev, const struct m_ioas *from)
{
	const struct m_op *op = ev->op;

	return !ev->r->p.map.rc && ev->r->h.action == IMS_MAP_COPY && from && ev->ioas && op &&
	       op->enter && !ioas_changed_by_others(from, op->enter, op->tid) &&
	       !ioas_changed_by_others(ev->ioas, op->enter, op->tid);
}

struct m_ioas *model_ioas_of_domain(const struct m_ctx *c, uint64_t cookie)
{
	const struct m_domain *d = table_get(&c->domains, cookie);
	const struct m_hwpt *h = table_get(&c->hwpts, cookie);

	if (d && d->ioas)
		return d->ioas;
	if (h && !h->ioas)
		h = table_get(&c->hwpts, h->parent);
	return h ? table_get(&c->ioases, h->ioas) : NULL;
}

bool device_leaves(const struct m_event *ev, uint64_t *domain)
{
	const struct ims_device *r = &ev->r->p.device;

	*domain = ev->r->h.action == IMS_DEV_DETACH ? r->domain : r->old_domain;
	return ev->device && ev->device->domain && !r->rc &&
	       (ev->r->h.action == IMS_DEV_DETACH || ev->r->h.action == IMS_DEV_REPLACE);
}

/* Where the reserved ranges that cover @from, or follow one another from there, end. */
static bool reserved_end(const struct m_ioas *s, uint64_t *from)
{
	const struct m_range *r = s->reserved;

	while (r) {
		if (r->start > *from || r->last < *from) {
			r = r->next;
			continue;
		}
		if (r->last == UINT64_MAX)
			return false;
		*from = r->last + 1;
		r = s->reserved;
	}
	return true;
}

bool ioas_usable(const struct m_ioas *s, uint64_t from, uint64_t *start, uint64_t *last)
{
	if (!reserved_end(s, &from))
		return false;
	*start = from;
	*last = UINT64_MAX;
	for (const struct m_range *r = s->reserved; r; r = r->next)
		if (r->start > from && r->start <= *last)
			*last = r->start - 1;
	return true;
}

bool ioas_is_there(const struct m_ioas *s)
{
	const struct m_object *o = table_get(&s->ctx->objects, s->obj);

	return o && o->type == IMS_T_IOAS && o->id == s->id;
}

uint64_t model_group_domain(const struct m_ctx *c, uint32_t group)
{
	const struct m_device *d;
	uint32_t i;

	table_for_each(&c->devices, i, d)
		if (d->group == group && d->domain)
			return d->domain;
	return 0;
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
