// SPDX-License-Identifier: GPL-2.0-only
#include "report/spaces.h"

#include <stdlib.h>
#include <string.h>

const struct ims_name rect_kinds[] = {
	{ RECT_AREA, "area" }, { RECT_RESERVED, "reserved" }, { RECT_ALLOWED, "allowed" },
	{ RECT_APERTURE, "aperture" }, {}
};

const struct ims_name rect_ends[] = {
	{ RECT_STILL, "still there" }, { RECT_UNMAPPED, "unmapped" }, { RECT_SPLIT, "split" },
	{ RECT_CLOSED, "closed" }, {}
};

/* ---- lists of what is over ---- */

static double weight(const struct rect *r)
{
	return ((double)(r->last - r->start) + 1) * ((double)(r->to - r->from) + 1);
}

static int heavier(const void *a, const void *b)
{
	double x = weight(a), y = weight(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static void left_out(struct spaces *s, const struct rect *r)
{
	if (r->kind == RECT_AREA)
		s->at[r->space].left_out++;
}

static void shorten(struct spaces *s, struct rects *list)
{
	if (list->n <= list->most)
		return;
	qsort(list->at, list->n, sizeof(*list->at), heavier);
	while (list->n > list->most)
		left_out(s, &list->at[--list->n]);
}

static void push(struct spaces *s, const struct rect *r)
{
	struct rects *list = r->kind == RECT_AREA ? &s->areas : &s->ranges;

	if (!list->at)
		list->at = malloc(2 * list->most * sizeof(*list->at));
	if (!list->at) {
		left_out(s, r);
		return;
	}
	list->at[list->n++] = *r;
	if (list->n == 2 * list->most)
		shorten(s, list);
}

static void forget(struct rects *list, unsigned int space)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].space != space)
			list->at[kept++] = list->at[i];
	list->n = kept;
}

/* ---- spaces ---- */

/* How far in time the neighbours of @x are apart. */
static uint64_t room_around(const struct spaces *s, const struct space *x)
{
	uint64_t before = 0, after = times_since(s->times, s->times->last);

	for (const struct space *y = s->at; y < s->at + SPACES; y++) {
		if (y == x)
			continue;
		if (y->born <= x->born && y->born > before)
			before = y->born;
		if (y->born > x->born && y->born < after)
			after = y->born;
	}
	return after - before;
}

/* Of those that are gone who is missed least: with few areas, where there are many others. */
static struct space *least_missed(struct spaces *s)
{
	struct space *least = NULL;
	double value, smallest = 0;

	for (struct space *x = s->at; x < s->at + SPACES; x++) {
		if (!x->gone || x->keep)
			continue;
		value = (double)(x->areas + 1) * room_around(s, x);
		if (!least || value < smallest) {
			least = x;
			smallest = value;
		}
	}
	return least;
}

/* A free place, or that of another one. */
static struct space *place(struct spaces *s)
{
	struct space *least;

	if (s->n < SPACES)
		return &s->at[s->n++];
	least = least_missed(s);
	if (!least)
		return NULL;
	forget(&s->areas, least - s->at);
	forget(&s->ranges, least - s->at);
	return least;
}

static void add_space(struct spaces *s, struct usage_ioas *u, uint64_t ns)
{
	struct space *x = place(s);

	s->others += !x || x->gone;	/* this one, or the one whose place it takes */
	if (!x)
		return;
	*x = (struct space){ .ctx = u->ctx, .cookie = u->cookie, .id = u->id,
			     .tgid = u->process->tgid, .born = times_since(s->times, ns) };
	memcpy(x->comm, u->process->comm, sizeof(x->comm));
	u->of_sink = x;
}

unsigned int spaces_keep(struct spaces *s, const struct usage_ioas *ioas)
{
	struct space *x = ioas ? ioas->of_sink : NULL;

	if (!x)
		return NO_SPACE;
	x->keep = true;
	return x - s->at;
}

/* ---- areas ---- */

static void end_area(struct spaces *s, struct rect *r, uint64_t ns, enum rect_end how)
{
	r->to = times_since(s->times, ns);
	if (r->to < r->from)
		r->to = r->from;
	r->end = how;
	s->at[r->space].alive--;
	push(s, r);
	free(r);
}

static void begin_area(struct spaces *s, struct space *x, const struct ims_record *r)
{
	const struct ims_area *a = &r->p.area;
	struct rect *rect = calloc(1, sizeof(*rect));

	x->areas++;
	if (!rect || table_put(&s->live, usage_key(r->h.ctx, a->area), rect)) {
		x->left_out++;
		free(rect);
		return;
	}
	x->alive++;
	*rect = (struct rect){ .from = times_since(s->times, r->h.ktime_ns), .start = a->iova,
			       .last = a->last, .cookie = a->area, .pages = a->pages,
			       .prot = a->prot, .space = x - s->at, .kind = RECT_AREA };
}

static void feed_area(struct spaces *s, struct space *x, const struct ims_record *r)
{
	struct rect *old;

	switch (r->h.action) {
	case IMS_AREA_INSERT:
	case IMS_AREA_REINSERT:
	case IMS_AREA_FREE:
	case IMS_AREA_REMOVE:
		break;
	default:
		return;
	}
	old = table_del(&s->live, usage_key(r->h.ctx, r->p.area.area));
	if (old)
		end_area(s, old, r->h.ktime_ns,
			 r->h.action == IMS_AREA_REMOVE ? RECT_SPLIT : RECT_UNMAPPED);
	if (x && (r->h.action == IMS_AREA_INSERT || r->h.action == IMS_AREA_REINSERT))
		begin_area(s, x, r);
}

static struct rect *any_area_of(struct spaces *s, unsigned int space, uint64_t *key)
{
	void *at;
	uint32_t i;

	table_for_each(&s->live, i, at) {
		if (((struct rect *)at)->space != space)
			continue;
		*key = s->live.slot[i].key;
		return at;
	}
	return NULL;
}

/* ---- ranges ---- */

static void hold(struct spaces *s, struct space *x, enum rect_kind kind, uint64_t ns,
		 uint64_t start, uint64_t last, uint64_t owner)
{
	struct rect *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	*r = (struct rect){ .from = times_since(s->times, ns), .start = start, .last = last,
			    .cookie = owner, .space = x - s->at, .kind = kind, .next = s->held };
	s->held = r;
}

/* All of the space of that kind; of @owner, with @exact also these IOVAs, only the first. */
static void release(struct spaces *s, struct space *x, int kind, uint64_t ns, uint64_t owner,
		    const struct ims_reserve *exact, enum rect_end how)
{
	struct rect **at = &s->held, *r;

	while ((r = *at)) {
		if (r->space != x - s->at || (kind >= 0 && r->kind != kind) ||
		    (owner && r->cookie != owner) ||
		    (exact && (r->start != exact->start || r->last != exact->last))) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->to = times_since(s->times, ns);
		r->end = how;
		push(s, r);
		free(r);
		if (exact)
			return;
	}
}

static void feed_reserve(struct spaces *s, struct space *x, const struct ims_record *r)
{
	const struct ims_reserve *p = &r->p.reserve;

	if (r->h.action == IMS_RESV_ADD && !p->rc)
		hold(s, x, RECT_RESERVED, r->h.ktime_ns, p->start, p->last, p->owner);
	else if (r->h.action == IMS_RESV_DEL)
		release(s, x, RECT_RESERVED, r->h.ktime_ns, p->owner, p, RECT_UNMAPPED);
}

static void feed_allow(struct spaces *s, struct space *x, const struct ims_record *r)
{
	if (r->h.action == IMS_ALLOW_RESET)
		release(s, x, RECT_ALLOWED, r->h.ktime_ns, 0, NULL, RECT_UNMAPPED);
	else if (r->h.action == IMS_ALLOW_RANGE)
		hold(s, x, RECT_ALLOWED, r->h.ktime_ns, r->p.allow.start, r->p.allow.last, 0);
}

static void feed_domain(struct spaces *s, struct space *x, const struct ims_record *r)
{
	const struct ims_domain *p = &r->p.domain;

	if (r->h.action == IMS_DOM_ADD_END && !p->rc)
		hold(s, x, RECT_APERTURE, r->h.ktime_ns, p->aperture_start, p->aperture_last,
		     p->domain);
	else if (r->h.action == IMS_DOM_DEL_END)
		release(s, x, RECT_APERTURE, r->h.ktime_ns, p->domain, NULL, RECT_UNMAPPED);
}

/* ---- the stream ---- */

void spaces_init(struct spaces *s, const struct times *t)
{
	*s = (struct spaces){ .times = t, .areas.most = MOST_AREAS, .ranges.most = MOST_RANGES };
}

static uint64_t ioas_of(const struct ims_record *r)
{
	switch (r->h.kind) {
	case IMS_IOAS: return r->p.ioas.ioas;
	case IMS_AREA: return r->p.area.ioas;
	case IMS_RESERVE: return r->p.reserve.ioas;
	case IMS_ALLOW: return r->p.allow.ioas;
	case IMS_DOMAIN: return r->p.domain.ioas;
	default: return 0;
	}
}

void spaces_feed(struct spaces *s, const struct usage *u, const struct ims_record *r)
{
	uint64_t cookie = ioas_of(r);
	struct usage_ioas *ioas = cookie ? usage_ioas_of(u, r->h.ctx, cookie) : NULL;
	struct space *x = ioas ? ioas->of_sink : NULL;

	if (r->h.kind == IMS_IOAS && ioas)
		add_space(s, ioas, r->h.ktime_ns);
	else if (r->h.kind == IMS_AREA)
		feed_area(s, x, r);
	else if (x && r->h.kind == IMS_RESERVE)
		feed_reserve(s, x, r);
	else if (x && r->h.kind == IMS_ALLOW)
		feed_allow(s, x, r);
	else if (x && r->h.kind == IMS_DOMAIN)
		feed_domain(s, x, r);
}

void spaces_gone(struct spaces *s, struct usage_ioas *ioas, uint64_t ns)
{
	struct space *x = ioas->of_sink;
	struct rect *r;
	uint64_t key;

	if (!x)
		return;
	while (x->alive && (r = any_area_of(s, x - s->at, &key))) {
		table_del(&s->live, key);
		end_area(s, r, ns, RECT_CLOSED);
	}
	release(s, x, -1, ns, 0, NULL, RECT_CLOSED);
	x->gone = true;
	ioas->of_sink = NULL;
}

void spaces_finish(struct spaces *s)
{
	void *at;
	uint32_t i;

	table_for_each(&s->live, i, at)
		end_area(s, at, s->times->last, RECT_STILL);
	table_destroy(&s->live);
	for (unsigned int k = 0; k < s->n; k++)
		release(s, &s->at[k], -1, s->times->last, 0, NULL, RECT_STILL);
	shorten(s, &s->areas);
	shorten(s, &s->ranges);
}

void spaces_destroy(struct spaces *s)
{
	struct rect *r;
	void *at;
	uint32_t i;

	table_for_each(&s->live, i, at)
		free(at);
	table_destroy(&s->live);
	while ((r = s->held)) {
		s->held = r->next;
		free(r);
	}
	free(s->areas.at);
	free(s->ranges.at);
}
