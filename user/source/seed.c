// SPDX-License-Identifier: GPL-2.0-only
/* See seed.h. */
#include "source/seed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/spans.h"

#define PAGE_SHIFT 12

/* An area, and the IOAS that it is in: sorted by the pages object it shows. */
struct shown {
	const struct snap_area *area;
	const struct snap_space *space;
};

/* One pages object: the areas that show it, and what accesses hold of it. */
struct group {
	const struct shown *shown;
	size_t nshown;
	const struct snap_pin *pin;
	size_t npin;
};

struct groups {
	struct shown *shown;
	struct snap_pin *pins;
	size_t nshown, npins;
	/* where the next one begins */
	size_t at, pin_at;
};

/* ---- by pages object ---- */

static int by_pages(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	if (x->area->pages != y->area->pages)
		return x->area->pages < y->area->pages ? -1 : 1;
	return (x->area > y->area) - (x->area < y->area);
}

static int pin_by_pages(const void *a, const void *b)
{
	const struct snap_pin *x = a, *y = b;

	return (x->pages > y->pages) - (x->pages < y->pages);
}

static size_t count_areas(const struct snap_context *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->spaces.n; i++)
		n += c->spaces.at[i].areas.n;
	return n;
}

static int groups_init(struct groups *g, const struct snap_context *c)
{
	*g = (struct groups){ .npins = c->pins.n };
	g->shown = calloc(count_areas(c) + 1, sizeof(*g->shown));
	g->pins = calloc(c->pins.n + 1, sizeof(*g->pins));
	if (!g->shown || !g->pins)
		return -ENOMEM;
	for (size_t i = 0; i < c->spaces.n; i++)
		for (size_t k = 0; k < c->spaces.at[i].areas.n; k++)
			g->shown[g->nshown++] = (struct shown){ &c->spaces.at[i].areas.at[k],
								&c->spaces.at[i] };
	if (c->pins.n)
		memcpy(g->pins, c->pins.at, c->pins.n * sizeof(*g->pins));
	qsort(g->shown, g->nshown, sizeof(*g->shown), by_pages);
	qsort(g->pins, g->npins, sizeof(*g->pins), pin_by_pages);
	return 0;
}

static void groups_free(struct groups *g)
{
	free(g->shown);
	free(g->pins);
}

static bool groups_next(struct groups *g, struct group *out)
{
	uint64_t pages;

	if (g->at == g->nshown)
		return false;
	pages = g->shown[g->at].area->pages;
	*out = (struct group){ .shown = g->shown + g->at };
	while (g->at < g->nshown && g->shown[g->at].area->pages == pages) {
		g->at++;
		out->nshown++;
	}
	while (g->pin_at < g->npins && g->pins[g->pin_at].pages < pages)
		g->pin_at++;
	out->pin = g->pins + g->pin_at;
	while (g->pin_at < g->npins && g->pins[g->pin_at].pages == pages) {
		g->pin_at++;
		out->npin++;
	}
	return true;
}

static uint64_t first_index(const struct snap_area *a)
{
	return a->start_byte >> PAGE_SHIFT;
}

static uint64_t last_index(const struct snap_area *a)
{
	return (a->start_byte + (a->last - a->iova)) >> PAGE_SHIFT;
}

static void add_accesses(const struct group *g, struct spans *s)
{
	for (size_t i = 0; i < g->npin; i++)
		spans_add(s, g->pin[i].index, g->pin[i].last);
}

/* What must be pinned: all that a domain or an access shows, but what is of a dma-buf. */
static uint64_t pinned_spans(const struct group *g, struct spans *s)
{
	bool dmabuf = g->shown[0].area->flags & SNAP_AREA_DMABUF;

	for (size_t i = 0; !dmabuf && i < g->nshown; i++)
		if (g->shown[i].space->domains.n)
			spans_add(s, first_index(g->shown[i].area), last_index(g->shown[i].area));
	add_accesses(g, s);
	return spans_unite(s);
}

/* ---- is somebody at work? ---- */

static const char *group_busy(const struct group *g)
{
	const struct snap_area *a = g->shown[0].area;
	uint64_t accesses = 0, users = 0, pinned;
	struct spans s = {};

	for (size_t i = 0; i < g->nshown; i++) {
		if (!(g->shown[i].area->flags & SNAP_AREA_LIVE))
			return "an area is being mapped or unmapped";
		if (g->shown[i].area->flags & SNAP_AREA_BUSY)
			return "pages are being pinned or unpinned";
		accesses += g->shown[i].area->nacc;
	}
	for (size_t i = 0; i < g->npin; i++)
		users += g->pin[i].h.id;
	if (a->refs != g->nshown)
		return "somebody works with a pages object";
	if (users != accesses)
		return "an access is beginning or ending";
	pinned = pinned_spans(g, &s);
	spans_free(&s);
	if (pinned != a->npinned || a->charged != a->npinned)
		return "pins and charges do not agree with what uses them";
	return NULL;
}

static const char *pages_busy(const struct snap_context *c)
{
	const char *why = NULL;
	struct groups all;
	struct group g;

	if (groups_init(&all, c))
		why = "out of memory";
	while (!why && groups_next(&all, &g))
		why = group_busy(&g);
	groups_free(&all);
	return why;
}

static bool has_domain(const struct snap_space *s, uint64_t domain)
{
	for (size_t i = 0; i < s->domains.n; i++)
		if (s->domains.at[i].domain == domain)
			return true;
	return false;
}

/* If it was read under the lock, we were one of its readers ourselves. */
static bool lock_taken(const struct snap_context *c, const struct snap_space *s)
{
	return s->ioas.domains_lock || (c->unlocked && s->ioas.lock);
}

static const char *space_busy(const struct snap_context *c, const struct snap_space *s)
{
	if (lock_taken(c, s))
		return "an IOAS is locked";
	for (size_t i = 0; i < s->domains.n; i++)
		if (!snap_hwpt_of_domain(s, s->domains.at[i].domain))
			return "a HWPT is being made or destroyed";
	for (size_t i = 0; i < s->hwpts.n; i++)
		if (s->hwpts.at[i].ioas && !has_domain(s, s->hwpts.at[i].domain))
			return "a HWPT is being made or destroyed";
	return NULL;
}

static bool has_hwpt(const struct snap_context *c, const struct snap_device *d)
{
	for (size_t i = 0; i < c->spaces.n; i++)
		if (snap_attached(&c->spaces.at[i], d))
			return true;
	return !d->domain;
}

const char *snap_busy(const struct snap_context *c)
{
	const char *why = NULL;

	if (c->changed || c->row.reserved)
		return "objects come and go";
	for (size_t i = 0; i < c->objects.n; i++)
		if (c->objects.at[i].users != 1)
			return "somebody uses an object";
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.at[i].pasids)
			return "a device is attached by PASID";
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.at[i].busy || !has_hwpt(c, &c->devices.at[i]))
			return "a device is being attached or detached";
	for (size_t i = 0; !why && i < c->spaces.n; i++)
		why = space_busy(c, &c->spaces.at[i]);
	return why ? why : pages_busy(c);
}

/* ---- records ---- */

struct seed {
	const struct snap_context *c;
	ims_record_fn fn;
	void *arg;
	int rc;
	/* The record, and room for the one run that any of them has. */
	struct {
		struct ims_record r;
		struct ims_run room;
	} b;
};

/* Empty but for the header. */
static struct ims_record *begin(struct seed *s, uint8_t kind, uint8_t action)
{
	struct ims_record *r = &s->b.r;

	memset(&r->p, 0, sizeof(r->p));
	r->h.kind = kind;
	r->h.action = action;
	r->h.nruns = 0;
	return r;
}

static void send(struct seed *s)
{
	int rc = s->rc ? 0 : s->fn(s->arg, &s->b.r);

	if (rc < 0)
		s->rc = rc;
}

/* With one run, of which only the length is known. */
static void send_run(struct seed *s, uint64_t len)
{
	struct ims_run *run = (struct ims_run *)ims_runs(&s->b.r);

	s->b.r.h.nruns = 1;
	*run = (struct ims_run){ IMS_ADDR_UNKNOWN, len };
	send(s);
}

static void seed_ctx(struct seed *s)
{
	const struct snap_file *f = &s->c->holders.at[0];
	struct ims_record *r = begin(s, IMS_CTX, IMS_CTX_OPEN);

	if (s->c->holders.n) {
		memcpy(r->p.ctx.comm, f->comm, sizeof(r->p.ctx.comm));
		r->p.ctx.uid = f->uid;
	}
	send(s);
	if (s->c->row.mode == IMS_ACCT_NONE)
		return;
	r = begin(s, IMS_RLIMIT_MODE, 0);
	r->p.rlimit_mode.mode = s->c->row.mode;
	send(s);
}

static void seed_object(struct seed *s, const struct snap_object *o)
{
	static const uint8_t actions[] = { IMS_OBJ_ALLOC, IMS_OBJ_FINALIZE };

	for (int i = 0; i < 2; i++) {
		struct ims_record *r = begin(s, IMS_OBJECT, actions[i]);

		r->p.object = (struct ims_object){ o->obj, o->h.id, o->type };
		send(s);
	}
}

static void seed_range(struct seed *s, const struct snap_space *space,
		       const struct snap_range *range)
{
	bool reserved = range->h.kind == SNAP_RESERVED;
	struct ims_record *r = begin(s, reserved ? IMS_RESERVE : IMS_ALLOW,
				     reserved ? IMS_RESV_ADD : IMS_ALLOW_RANGE);

	if (reserved)
		r->p.reserve = (struct ims_reserve){ .ioas = space->ioas.ioas, .start = range->start,
						     .last = range->last, .owner = range->owner };
	else
		r->p.allow = (struct ims_allow){ .ioas = space->ioas.ioas, .start = range->start,
						 .last = range->last };
	send(s);
}

static void seed_hwpt(struct seed *s, const struct snap_hwpt *h)
{
	struct ims_record *r = begin(s, IMS_HWPT, 0);

	r->p.hwpt = (struct ims_hwpt){ .obj = h->obj, .domain = h->domain, .ioas = h->ioas,
				       .parent = h->parent, .id = h->h.id, .flags = h->flags };
	send(s);
}

static void seed_domain(struct seed *s, const struct snap_space *space,
			const struct snap_domain *d)
{
	static const uint8_t actions[] = { IMS_DOM_ADD_BEGIN, IMS_DOM_ADD_END };

	for (int i = 0; i < 2; i++) {
		struct ims_record *r = begin(s, IMS_DOMAIN, actions[i]);

		r->p.domain = (struct ims_domain){
			.ioas = space->ioas.ioas, .domain = d->domain,
			.aperture_start = d->aperture_start, .aperture_last = d->aperture_last,
			.pgsize_bitmap = d->pgsize_bitmap,
		};
		send(s);
	}
}

static void seed_access(struct seed *s, const struct snap_space *space,
			const struct snap_access *a)
{
	struct ims_record *r = begin(s, IMS_ACCESS, IMS_ACC_ADD);

	r->p.access = (struct ims_access){ .ioas = space->ioas.ioas, .access = a->access,
					   .align = a->align, .id = a->h.id };
	send(s);
}

/* All of an IOAS but its areas. */
static void seed_space(struct seed *s, const struct snap_space *space)
{
	struct ims_record *r = begin(s, IMS_IOAS, 0);

	r->p.ioas = (struct ims_ioas){ .ioas = space->ioas.ioas, .obj = space->ioas.obj,
				       .id = space->ioas.h.id };
	send(s);
	r = begin(s, IMS_ALIGN, 0);
	r->p.align = (struct ims_align){ .ioas = space->ioas.ioas, .align = space->ioas.align,
					 .large = !space->ioas.large_off };
	send(s);
	for (size_t i = 0; i < space->reserved.n; i++)
		seed_range(s, space, &space->reserved.at[i]);
	for (size_t i = 0; i < space->allowed.n; i++)
		seed_range(s, space, &space->allowed.at[i]);
	for (size_t i = 0; i < space->hwpts.n; i++)
		seed_hwpt(s, &space->hwpts.at[i]);
	for (size_t i = 0; i < space->domains.n; i++)
		seed_domain(s, space, &space->domains.at[i]);
	for (size_t i = 0; i < space->accesses.n; i++)
		seed_access(s, space, &space->accesses.at[i]);
}

/* What the IOMMU core was asked for the device; what it said of it is not known. */
static void seed_hw(struct seed *s, const struct snap_device *d)
{
	const struct snap_hwpt *h = NULL;
	uint8_t actions[3] = { IMS_HW_CLAIM };
	int n = 1;

	for (size_t i = 0; d->domain && !h && i < s->c->spaces.n; i++)
		h = snap_hwpt_of_domain(&s->c->spaces.at[i], d->domain);
	if (d->domain)
		actions[n++] = IMS_HW_ATTACH;
	if (h && h->flags & IMS_HWPT_FAULT && !(d->flags & IMS_HW_DRIVER_IOPF))
		actions[n++] = IMS_HW_IOPF_ENABLE;
	for (int i = 0; i < n; i++) {
		struct ims_record *r = begin(s, IMS_HW, actions[i]);

		r->p.hw = (struct ims_hw){ .dev = d->dev, .domain = d->domain, .now = d->domain,
					   .base = s->c->row.ctx, .group = d->group,
					   .type = d->domain ? IMS_DT_PAGING : IMS_DT_BLOCKED,
					   .flags = IMS_HW_COHERENT | d->flags };
		send(s);
	}
}

static void seed_device(struct seed *s, const struct snap_device *d)
{
	if (snap_has_group(d))
		seed_hw(s, d);
	for (int i = 0; i < (d->domain ? 2 : 1); i++) {
		struct ims_record *r = begin(s, IMS_DEVICE, i ? IMS_DEV_ATTACH : IMS_DEV_BIND);

		r->p.device = (struct ims_device){ .dev = d->dev, .id = d->h.id, .group = d->group };
		if (i) {
			r->p.device.domain = d->domain;
			r->p.device.hwpt = d->hwpt;
		}
		memcpy(r->p.device.name, d->name, sizeof(d->name));
		send(s);
	}
}

static void seed_pages(struct seed *s, const struct snap_area *a)
{
	struct ims_record *r = begin(s, IMS_PAGES, IMS_PAGES_ALLOC);

	r->p.pages = (struct ims_pages){
		.pages = a->pages, .uptr = a->uptr, .npages = a->npages, .mm = a->mm,
		.user = a->user, .mode = a->mode,
		.writable = !!(a->flags & SNAP_AREA_WRITABLE),
	};
	send(s);
}

/* Its seals, and how it was opened, are not asked for: what maps it is there already. */
static void seed_file(struct seed *s, const struct snap_area *a)
{
	bool memfd = a->flags & SNAP_AREA_FILE;
	struct ims_record *r = begin(s, IMS_FILE, memfd ? IMS_FILE_MEMFD : IMS_FILE_DMABUF);

	r->p.file = (struct ims_file){
		.pages = a->pages, .file = a->file, .phys = a->phys,
		.flags = memfd ? IMS_FILE_WRITE :
			 a->flags & SNAP_AREA_REVOKED ? IMS_FILE_REVOKED : 0,
	};
	send(s);
}

static void seed_mapping(struct seed *s, const struct snap_area *a, uint64_t domain)
{
	struct ims_record *r = begin(s, IMS_DMA_MAP, 0);

	r->p.dma_map = (struct ims_dma_map){ .domain = domain, .area = a->area, .iova = a->iova,
					     .prot = a->prot };
	if (a->flags & SNAP_AREA_DMABUF)
		r->p.dma_map.prot = (a->prot & ~IMS_PROT_CACHE) | IMS_PROT_MMIO;
	send_run(s, a->last - a->iova + 1);
}

static void seed_area(struct seed *s, const struct shown *shown)
{
	static const uint8_t actions[] = { IMS_AREA_INSERT, IMS_AREA_READY };
	const struct snap_space *space = shown->space;
	const struct snap_area *a = shown->area;
	struct ims_record *r;

	for (int i = 0; i < 2; i++) {
		r = begin(s, IMS_AREA, actions[i]);
		r->p.area = (struct ims_area){ .ioas = space->ioas.ioas, .area = a->area,
					       .pages = a->pages, .iova = a->iova, .last = a->last,
					       .start_byte = a->start_byte, .prot = a->prot,
					       .nacc = a->nacc };
		send(s);
	}
	r = begin(s, IMS_STORAGE, 0);
	r->p.storage = (struct ims_storage){ space->ioas.ioas, a->area, a->pages, a->storage };
	send(s);
	for (size_t i = 0; !(a->flags & SNAP_AREA_REVOKED) && i < space->domains.n; i++)
		seed_mapping(s, a, space->domains.at[i].domain);
}

static void seed_pin(struct seed *s, uint64_t pages, const struct span *span)
{
	uint64_t n = span->last - span->first + 1;
	struct ims_record *r = begin(s, IMS_PIN, IMS_PIN_HELD);

	r->p.pin = (struct ims_pin){ .pages = pages, .index = span->first, .wanted = n, .got = n };
	send(s);
	r = begin(s, IMS_PIN_RUNS, 0);
	r->p.pin_runs = (struct ims_pin_runs){ pages, span->first };
	send_run(s, n);
}

/*
 * How many hold each range is known, and how many hold something of each area;
 * which of them holds what is not, and does not matter to anybody.
 */
static void seed_accesses(struct seed *s, const struct group *g)
{
	size_t at = 0;
	uint32_t left = g->shown[0].area->nacc;

	for (size_t i = 0; i < g->npin; i++) {
		const struct snap_pin *p = &g->pin[i];

		for (uint32_t user = 1; user <= p->h.id; user++) {
			struct ims_record *r = begin(s, IMS_ACCESS_RANGE, IMS_ACC_RANGE_PIN);

			while (!left && at + 1 < g->nshown)
				left = g->shown[++at].area->nacc;
			left -= left > 0;
			r->p.access_range = (struct ims_access_range){
				.area = g->shown[at].area->area, .pages = p->pages,
				.index = p->index, .last = p->last, .users = user,
			};
			send(s);
		}
	}
}

static void seed_xarray(struct seed *s, const struct group *g)
{
	struct spans held = {};

	add_accesses(g, &held);
	spans_unite(&held);
	if (held.failed)
		s->rc = -ENOMEM;
	for (size_t i = 0; i < held.n; i++) {
		struct ims_record *r = begin(s, IMS_XARRAY, IMS_XA_STORE);

		r->p.xarray = (struct ims_xarray){ g->pin->pages, held.span[i].first,
						   held.span[i].last };
		send(s);
	}
	spans_free(&held);
}

static void seed_charge(struct seed *s, const struct snap_area *a)
{
	struct ims_record *r = begin(s, IMS_ACCOUNT, 0);

	r->p.account = (struct ims_account){
		.pages = a->pages, .delta = a->charged, .npinned = a->npinned,
		.last_npinned = a->charged, .limit = UINT64_MAX, .mode = a->mode,
		.moved = a->mode == IMS_ACCT_NONE ? 0 : a->charged, .pinned_moved = a->charged,
	};
	send(s);
}

static void seed_group(struct seed *s, const struct group *g)
{
	const struct snap_area *a = g->shown[0].area;
	struct spans pinned = {};

	seed_pages(s, a);
	if (a->flags & (SNAP_AREA_FILE | SNAP_AREA_DMABUF))
		seed_file(s, a);
	for (size_t i = 0; i < g->nshown; i++)
		seed_area(s, &g->shown[i]);
	pinned_spans(g, &pinned);
	if (pinned.failed)
		s->rc = -ENOMEM;
	for (size_t i = 0; i < pinned.n; i++)
		seed_pin(s, a->pages, &pinned.span[i]);
	spans_free(&pinned);
	if (a->flags & SNAP_AREA_XARRAY)
		seed_xarray(s, g);
	seed_accesses(s, g);
	if (a->charged)
		seed_charge(s, a);
}

static void seed_all_pages(struct seed *s)
{
	struct groups all;
	struct group g;

	if (groups_init(&all, s->c))
		s->rc = -ENOMEM;
	while (!s->rc && groups_next(&all, &g))
		seed_group(s, &g);
	groups_free(&all);
}

int snap_seed(const struct snap_context *c, const struct ims_hdr *h, ims_record_fn fn, void *arg)
{
	struct seed s = { .c = c, .fn = fn, .arg = arg, .b.r.h = *h };

	begin(&s, IMS_SNAPSHOT, IMS_SNAP_BEGIN);
	send(&s);
	seed_ctx(&s);
	for (size_t i = 0; i < c->objects.n; i++)
		seed_object(&s, &c->objects.at[i]);
	for (size_t i = 0; i < c->spaces.n; i++)
		seed_space(&s, &c->spaces.at[i]);
	seed_all_pages(&s);
	for (size_t i = 0; i < c->devices.n; i++)
		seed_device(&s, &c->devices.at[i]);
	begin(&s, IMS_SNAPSHOT, IMS_SNAP_END);
	send(&s);
	return s.rc;
}
