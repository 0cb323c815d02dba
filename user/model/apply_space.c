// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records about contexts, objects and the IOVA space: who exists, which ranges
 * are areas, which are reserved, which are allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

/* ---- ranges: a handful per IOAS, so a list will do ---- */

void ranges_free(struct m_range **list)
{
	while (*list) {
		struct m_range *r = *list;

		*list = r->next;
		free(r);
	}
}

int range_add(struct m_range **list, uint64_t start, uint64_t last, uint64_t owner)
{
	struct m_range *r = malloc(sizeof(*r));

	if (!r)
		return -1;
	*r = (struct m_range){ start, last, owner, *list };
	*list = r;
	return 0;
}

bool range_del(struct m_range **list, uint64_t start, uint64_t last, uint64_t owner)
{
	for (; *list; list = &(*list)->next) {
		struct m_range *r = *list;

		if (r->start == start && r->last == last && r->owner == owner) {
			*list = r->next;
			free(r);
			return true;
		}
	}
	return false;
}

void range_del_owner(struct m_range **list, uint64_t owner)
{
	while (*list) {
		struct m_range *r = *list;

		if (r->owner == owner) {
			*list = r->next;
			free(r);
		} else {
			list = &r->next;
		}
	}
}

/* ---- areas ---- */

void area_link(struct m_area *a)
{
	struct m_ioas *s = a->ioas;
	uint32_t at;

	if (s->nareas == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 8;
		struct m_area **p = realloc(s->areas, cap * sizeof(*p));

		if (!p)
			return;
		s->areas = p;
		s->cap = cap;
	}
	for (at = s->nareas; at && s->areas[at - 1]->iova > a->iova;)
		at--;
	memmove(s->areas + at + 1, s->areas + at, (s->nareas - at) * sizeof(*s->areas));
	s->areas[at] = a;
	s->nareas++;
}

void area_unlink(struct m_area *a)
{
	struct m_ioas *s = a->ioas;
	uint32_t at = 0;

	model_area_first(s, a->iova, a->last, &at);
	while (at < s->nareas && s->areas[at] != a)
		at++;
	if (at == s->nareas)	/* overlapping areas can hide it from the search */
		for (at = 0; at < s->nareas && s->areas[at] != a;)
			at++;
	if (at == s->nareas)
		return;
	s->nareas--;
	memmove(s->areas + at, s->areas + at + 1, (s->nareas - at) * sizeof(*s->areas));
}

static void area_set_pages(struct m_area *a, struct m_pages *p)
{
	if (a->pprev_of_pages) {
		*a->pprev_of_pages = a->next_of_pages;
		if (a->next_of_pages)
			a->next_of_pages->pprev_of_pages = a->pprev_of_pages;
		a->pprev_of_pages = NULL;
	}
	a->pages = p;
	if (!p)
		return;
	a->next_of_pages = p->areas;
	if (p->areas)
		p->areas->pprev_of_pages = &a->next_of_pages;
	a->pprev_of_pages = &p->areas;
	p->areas = a;
}

void area_free(struct m_area *a)
{
	area_unlink(a);
	area_set_pages(a, NULL);
	table_del(&a->ioas->ctx->areas, a->cookie);
	free(a);
}

static void area_insert(struct model *m, struct m_event *ev)
{
	const struct ims_area *r = &ev->r->p.area;
	struct m_area *a;

	if (ev->area || !ev->ioas || r->last < r->iova) {
		model_contradict(m, ev, "an area was inserted that exists, or into no IOAS");
		return;
	}
	if (!ev->pages || r->start_byte + (r->last - r->iova) < r->start_byte) {
		model_contradict(m, ev, "an area shows a pages object that was never made, or past its end");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a || table_put(&ev->ctx->areas, r->area, a)) {
		free(a);
		model_contradict(m, ev, "out of memory, or an area without address");
		return;
	}
	a->cookie = r->area;
	a->iova = r->iova;
	a->last = r->last;
	a->start_byte = r->start_byte;
	a->prot = r->prot;
	a->ioas = ev->ioas;
	if (ev->op && ev->op->map_len && ev->op->map_ioas == ev->ioas->cookie) {
		ev->op->map_done += r->last - r->iova + 1;
		ev->op->inserted++;
		a->enter = ev->op->enter;
	}
	area_set_pages(a, ev->pages);
	area_link(a);
	ev->area = a;
}

/*
 * All areas of a map are filled before the first one is ready, so the pages of
 * the others were not fit to be judged then.  They are now, unless another
 * thread has begun something with them.
 */
static void area_is_ready(struct model *m, struct m_event *ev)
{
	struct m_pages *p = ev->area->pages;

	ev->area->state = M_LIVE;
	if (p && p->touched_op && p->touched_tid == ev->r->h.tid)
		model_touch(m, ev, p);
}

/* What the thread's map or unmap is judged by. */
static void area_gone(struct m_op *op, const struct m_area *a)
{
	if (a->enter && a->enter == op->enter && op->inserted)
		op->inserted--;
	if (a->state != M_DYING)
		return;
	op->changes.removed++;
	if (!op->removed || a->iova < op->removed_first)
		op->removed_first = a->iova;
	if (!op->removed || a->last > op->removed_last)
		op->removed_last = a->last;
	op->removed += a->last - a->iova + 1;
}

static void space_changed(struct m_event *ev)
{
	struct m_ioas *s = ev->ioas;

	if (s->changed_tid != ev->r->h.tid) {
		s->changed_before = s->changed;
		s->changed_tid = ev->r->h.tid;
	}
	s->changed = ev->number;
}

static void apply_area(struct model *m, struct m_event *ev)
{
	if (ev->ioas)
		space_changed(ev);
	if (ev->r->h.action == IMS_AREA_INSERT) {
		area_insert(m, ev);
		return;
	}
	if (!ev->area && ev->r->h.action == IMS_AREA_PREVENT)
		return;		/* told without the lock, and gone meanwhile */
	if (!ev->area) {
		model_contradict(m, ev, "an area changed that was never inserted");
		return;
	}
	switch (ev->r->h.action) {
	case IMS_AREA_READY:
		area_is_ready(m, ev);
		break;
	case IMS_AREA_DYING:
		ev->area->state = M_DYING;
		break;
	case IMS_AREA_PREVENT:
		ev->area->prevent = true;
		break;
	case IMS_AREA_REMOVE:
		area_unlink(ev->area);
		ev->area->state = M_REMOVED;
		break;
	case IMS_AREA_REINSERT:
		area_unlink(ev->area);
		area_link(ev->area);
		ev->area->state = M_LIVE;
		break;
	case IMS_AREA_FREE:
		if (ev->op)
			area_gone(ev->op, ev->area);
		area_free(ev->area);
		ev->area = NULL;
		break;
	}
}

static void apply_split(struct model *m, struct m_event *ev)
{
	struct m_area *lhs = table_get(&ev->ctx->areas, ev->r->p.split.lhs);
	struct m_area *rhs = table_get(&ev->ctx->areas, ev->r->p.split.rhs);

	if (!ev->area || !lhs || !rhs || lhs == rhs || ev->area == lhs || ev->area == rhs) {
		model_contradict(m, ev, "a split names areas that were never inserted");
		return;
	}
	lhs->state = rhs->state = M_LIVE;
	lhs->storage = rhs->storage = ev->r->p.split.storage;
	area_free(ev->area);
	ev->area = NULL;
}

/* ---- the ranges of an IOAS ---- */

static void apply_reserve(struct model *m, struct m_event *ev)
{
	const struct ims_reserve *r = &ev->r->p.reserve;

	if (!ev->ioas) {
		model_contradict(m, ev, "a range of an unknown IOAS");
		return;
	}
	if (ev->r->h.action == IMS_RESV_ADD && r->rc) {
		range_del_owner(&ev->ioas->regions, r->owner);
	} else if (ev->r->h.action == IMS_RESV_ADD) {
		if (ev->op)
			ev->op->changes.reserved++;
		range_add(&ev->ioas->reserved, r->start, r->last, r->owner);
	} else {
		if (ev->op)
			ev->op->changes.reserved--;
		range_del(&ev->ioas->regions, r->start, r->last, r->owner);
		if (!range_del(&ev->ioas->reserved, r->start, r->last, r->owner))
			model_contradict(m, ev, "a range was released that was never reserved");
	}
	if (ev->ctx->known)
		space_changed(ev);
}

/*
 * Does another thread set with the ioctl @cmd what this one sets, and @set said last? On
 * an unpatched kernel it is told after the locks are released, so that who was told first
 * need not have been first. One that has been told may have left its ioctl meanwhile.
 */
static bool set_at_once(const struct m_event *ev, uint32_t cmd, uint64_t set)
{
	return model_others_in(ev, cmd) || (ev->op && ev->op->enter && set >= ev->op->enter);
}

static void apply_allow(struct model *m, struct m_event *ev)
{
	const struct ims_allow *r = &ev->r->p.allow;

	if (!ev->ioas) {
		model_contradict(m, ev, "a range of an unknown IOAS");
		return;
	}
	if (ev->op && ev->r->h.action != IMS_ALLOW_REFUSED)
		ev->op->changes.allowed++;
	if (ev->r->h.action == IMS_ALLOW_RESET) {
		ranges_free(&ev->ioas->allowed);
		ev->ioas->allow_unsure = set_at_once(ev, M_CMD_ALLOW_IOVAS, ev->ioas->allow_set);
		ev->ioas->allow_set = ev->number;
	} else if (ev->r->h.action == IMS_ALLOW_RANGE) {
		range_add(&ev->ioas->allowed, r->start, r->last, 0);
	}
	space_changed(ev);
}

/* enum iommu_resv_type */
#define RESV_DIRECT_RELAXABLE 1
#define RESV_SW_MSI 4

static void apply_dev_region(struct model *m, struct m_event *ev)
{
	const struct ims_dev_region *r = &ev->r->p.dev_region;

	if (!ev->ioas) {
		model_contradict(m, ev, "a device region of an unknown IOAS");
		return;
	}
	range_del(&ev->ioas->regions, r->start, r->last, r->dev);
	if (r->type != RESV_DIRECT_RELAXABLE)
		range_add(&ev->ioas->regions, r->start, r->last, r->dev);
	if (r->type == RESV_SW_MSI && ev->device) {
		ev->device->sw_msi = true;
		ev->device->sw_msi_base = r->start;
	}
}

static void apply_align(struct model *m, struct m_event *ev)
{
	(void)m;
	if (!ev->ioas)
		return;
	if (ev->op && !ev->op->changes.align_of) {
		ev->op->changes.align_of = ev->ioas->cookie;
		ev->op->changes.align = ev->ioas->align;
	}
	ev->ioas->align = ev->r->p.align.align;
	ev->ioas->large_off = !ev->r->p.align.large;
	space_changed(ev);
}

/* ---- life ---- */

/* The values of @t go with all they own; nobody looks at their links any more. */
static void free_all(struct table *t, void (*disown)(void *v))
{
	uint32_t i;
	void *v;

	table_for_each(t, i, v) {
		if (disown)
			disown(v);
		free(v);
	}
	table_destroy(t);
}

static void ioas_disown(void *v)
{
	struct m_ioas *s = v;

	ranges_free(&s->reserved);
	ranges_free(&s->allowed);
	ranges_free(&s->regions);
	ranges_free(&s->accesses);
	free(s->areas);
}

static void ioas_free(struct m_ioas *s)
{
	table_del(&s->ctx->ioases, s->cookie);
	ioas_disown(s);
	free(s);
}

static void domain_disown(void *v)
{
	struct m_domain *d = v;

	ranges_free(&d->unsynced);
	runmap_destroy(&d->pt);
}

static void op_disown(void *v)
{
	struct m_op *op = v;

	free(op->touched);
	told_free(&op->told);
}

static void pasids_free(struct m_ctx *c)
{
	while (c->pasids) {
		struct m_pasid *x = c->pasids;

		c->pasids = x->next;
		free(x);
	}
}

void ctx_purge(struct m_ctx *c)
{
	free_all(&c->areas, NULL);
	free_all(&c->ioases, ioas_disown);
	free_all(&c->domains, domain_disown);
	free_all(&c->pages, pages_disown);
	free_all(&c->hwpts, NULL);
	free_all(&c->devices, NULL);
	free_all(&c->faults, NULL);
	free_all(&c->objects, NULL);
	free_all(&c->ops, op_disown);
	free_all(&c->claims, NULL);
	free_all(&c->groups, NULL);
	free_all(&c->vdevices, NULL);
	free_all(&c->veventqs, NULL);
	ranges_free(&c->tombs);
	pasids_free(c);
	c->nobjects = 0;
}

void ctx_free(struct model *m, struct m_ctx *c)
{
	ctx_purge(c);
	table_del(&m->ctxs, c->cookie);
	free(c);
}

static void ctx_open(struct model *m, struct m_event *ev)
{
	const struct ims_record *r = ev->r;
	struct m_ctx *c;

	if (ev->ctx) {		/* its end was lost */
		if (ev->ctx->known)
			model_contradict(m, ev, "a ctx was opened twice");
		ctx_free(m, ev->ctx);
		ev->ctx = NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c || table_put(&m->ctxs, r->h.ctx, c)) {
		free(c);
		return;
	}
	c->cookie = r->h.ctx;
	c->tgid = r->h.tgid;
	c->ring = r->h.ring;
	c->known = true;
	c->late = m->telling == c->cookie;
	c->rlimit_mode = -1;
	memcpy(c->comm, r->p.ctx.comm, sizeof(c->comm) - 1);
	m->ctxs_seen++;
	ev->ctx = c;
	if (model_doubts(m, &r->h))
		model_lost(m, c);
}

static void apply_ctx(struct model *m, struct m_event *ev)
{
	if (ev->r->h.action == IMS_CTX_OPEN) {
		ctx_open(m, ev);
	} else if (!ev->ctx) {
		m->unknown_ctx++;
	} else if (ev->r->h.action == IMS_CTX_FREED) {
		ctx_free(m, ev->ctx);
		ev->ctx = NULL;
	}
}

/* An unbind that finds a vDEVICE of the device destroys that first, and leaves a tombstone. */
static void vdevice_destroyed(struct m_event *ev)
{
	const struct m_vdevice *d = table_get(&ev->ctx->vdevices, ev->r->p.object.obj);

	if (!ev->op || !d)
		return;
	ev->op->vdev_of = d->dev_id;
	ev->op->vdev_tomb = false;
}

static void object_tombstone(struct m_event *ev)
{
	const struct ims_object *r = &ev->r->p.object;

	range_add(&ev->ctx->tombs, r->id, r->id, 0);
	if (ev->op)
		ev->op->vdev_tomb = true;
}

/* What was known of the ctx before does not count; nor does who told of it work on it. */
static void apply_snapshot(struct model *m, struct m_event *ev)
{
	struct m_op *op;

	if (ev->r->h.action == IMS_SNAP_MARK)
		return;
	m->telling = ev->r->h.action == IMS_SNAP_BEGIN ? ev->r->h.ctx : 0;
	if (m->telling && ev->ctx) {
		m->ctxs_seen -= ev->ctx->known;	/* else a part of it was not checked */
		ctx_free(m, ev->ctx);
		ev->ctx = NULL;
	} else if (ev->ctx) {
		op = table_del(&ev->ctx->ops, (uint64_t)ev->r->h.tid + 1);
		if (op)
			op_disown(op);
		free(op);
	}
	ev->op = NULL;
}

static void object_record(struct m_event *ev)
{
	const struct ims_object *r = &ev->r->p.object;
	struct m_object *o = table_get(&ev->ctx->objects, r->obj);

	if (ev->r->h.action == IMS_OBJ_DESTROY && r->type == IMS_T_VDEVICE)
		vdevice_destroyed(ev);
	if (ev->r->h.action == IMS_OBJ_ABORT || ev->r->h.action == IMS_OBJ_DESTROY) {
		free(table_del(&ev->ctx->objects, r->obj));
		return;
	}
	if (!o) {
		o = calloc(1, sizeof(*o));
		if (!o || table_put(&ev->ctx->objects, r->obj, o)) {
			free(o);
			return;
		}
	}
	*o = (struct m_object){
		.cookie = r->obj, .id = r->id, .type = r->type,
		.state = ev->r->h.action == IMS_OBJ_ALLOC ? M_OBJ_RESERVED : M_OBJ_VISIBLE,
		.born = ev->r->h.action == IMS_OBJ_ALLOC ? ev->number : o->born,
		.maker = ev->r->h.action == IMS_OBJ_ALLOC ? ev->r->h.tid : o->maker,
		.made_in = ev->r->h.action == IMS_OBJ_ALLOC && ev->op ? ev->op->enter : o->made_in,
	};
}

/* An ioctl that is still under way has undone what it made, whoever tells of the end. */
static void count_object(struct m_event *ev)
{
	const struct m_object *o = table_get(&ev->ctx->objects, ev->r->p.object.obj);
	struct m_op *op = ev->op;

	if (ev->r->h.action == IMS_OBJ_FINALIZE)
		return;
	ev->ctx->nobjects += ev->r->h.action == IMS_OBJ_ALLOC ? 1 : -1;
	if (ev->r->h.action == IMS_OBJ_ALLOC && op)
		op->changes.objects++;
	if (ev->r->h.action == IMS_OBJ_ALLOC)
		return;
	op = o && o->made_in ? table_get(&ev->ctx->ops, (uint64_t)o->maker + 1) : NULL;
	if (!op || op->enter != o->made_in)
		op = ev->op;
	if (op)
		op->changes.objects--;
}

static void apply_iova(struct model *m, struct m_event *ev)
{
	(void)m;
	if (!ev->op)
		return;
	ev->op->map_ioas = ev->r->p.iova.ioas;
	ev->op->map_iova = ev->r->p.iova.iova;
	ev->op->map_len = ev->r->p.iova.length;
	ev->op->map_done = 0;
}

static void apply_map(struct model *m, struct m_event *ev)
{
	(void)m;
	if (ev->op)
		ev->op->map_len = 0;
}

static void apply_storage(struct model *m, struct m_event *ev)
{
	(void)m;
	if (ev->area)
		ev->area->storage = ev->r->p.storage.domain;
}

static void apply_rlimit_mode(struct model *m, struct m_event *ev)
{
	(void)m;
	if (ev->r->p.rlimit_mode.rc)
		return;
	ev->ctx->rlimit_mode = set_at_once(ev, M_CMD_OPTION, ev->ctx->rlimit_set) ? -1 :
			       (int)ev->r->p.rlimit_mode.mode;
	ev->ctx->rlimit_set = ev->number;
	if (ev->op)
		ev->op->changes.mode++;
}

/* VFIO's ioctls have no IOAS when theirs is destroyed. */
static void object_was_compat(struct m_event *ev)
{
	const struct m_ioas *s = table_get(&ev->ctx->ioases, ev->ctx->compat);

	if (s && s->obj == ev->r->p.object.obj)
		model_set_compat(ev, 0);
}

static void apply_object(struct model *m, struct m_event *ev)
{
	struct m_hwpt *h;
	uint32_t i;

	(void)m;
	if (ev->r->h.action == IMS_OBJ_TOMBSTONE) {
		object_tombstone(ev);
		return;
	}
	count_object(ev);
	object_record(ev);
	if (ev->r->h.action == IMS_OBJ_FINALIZE || ev->r->h.action == IMS_OBJ_ALLOC)
		return;
	object_was_compat(ev);
	table_for_each(&ev->ctx->hwpts, i, h)
		if (h->obj == ev->r->p.object.obj) {
			table_del(&ev->ctx->hwpts, h->cookie);
			free(h);
			return;
		}
}

/* Areas that a split took out of the tree count too. */
static bool ioas_in_use(const struct m_ioas *s)
{
	struct m_area *a;
	uint32_t i;

	table_for_each(&s->ctx->areas, i, a)
		if (a->ioas == s)
			return true;
	return s->domains;
}

static void apply_ioas(struct model *m, struct m_event *ev)
{
	const struct ims_ioas *r = &ev->r->p.ioas;
	struct m_ioas *s;

	/*
	 * No record tells when the destroy op of an IOAS is over, so an empty one
	 * stays until its address comes back or its ctx ends.
	 */
	if (ev->ioas) {
		if (ioas_in_use(ev->ioas)) {
			model_contradict(m, ev, "an IOAS was made at the address of a live one");
			return;
		}
		ioas_free(ev->ioas);
	}
	s = calloc(1, sizeof(*s));
	if (!s || table_put(&ev->ctx->ioases, r->ioas, s)) {
		free(s);
		return;
	}
	s->cookie = r->ioas;
	s->obj = r->obj;
	s->id = r->id;
	s->ctx = ev->ctx;
	s->align = 1;
	ev->ioas = s;
}

const apply_fn apply_space[IMS_NR_KINDS] = {
	[IMS_CTX] = apply_ctx,
	[IMS_SNAPSHOT] = apply_snapshot,
	[IMS_OBJECT] = apply_object,
	[IMS_IOAS] = apply_ioas,
	[IMS_IOVA] = apply_iova,
	[IMS_MAP] = apply_map,
	[IMS_STORAGE] = apply_storage,
	[IMS_RLIMIT_MODE] = apply_rlimit_mode,
	[IMS_AREA] = apply_area,
	[IMS_SPLIT] = apply_split,
	[IMS_RESERVE] = apply_reserve,
	[IMS_ALLOW] = apply_allow,
	[IMS_DEV_REGION] = apply_dev_region,
	[IMS_ALIGN] = apply_align,
};
