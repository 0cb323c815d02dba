// SPDX-License-Identifier: GPL-2.0-only
#include "view/usage.h"

#include <stdlib.h>
#include <string.h>

#include "record/desc.h"

/* What a recording says may be anything: it wraps. */
static void add(int64_t *to, int64_t pages)
{
	*to = (uint64_t)*to + (uint64_t)pages;
}

/* ---- contexts and processes ---- */

static struct usage_process *process_get(struct usage *u, const struct ims_record *r)
{
	struct usage_process *p = table_get(&u->processes, r->h.tgid);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p || table_put(&u->processes, r->h.tgid, p)) {
		free(p);
		return NULL;
	}
	p->tgid = r->h.tgid;
	memcpy(p->comm, r->p.ctx.comm, sizeof(p->comm));
	return p;
}

static void process_put(struct usage *u, struct usage_process *p)
{
	if (--p->ctxs)
		return;
	if (u->ops && u->ops->process_gone)
		u->ops->process_gone(u->arg, p);
	table_del(&u->processes, p->tgid);
	free(p);
}

static void ioas_drop(struct usage *u, struct usage_ioas *s)
{
	if (u->ops && u->ops->ioas_gone)
		u->ops->ioas_gone(u->arg, s);
	table_del(&u->ioases, usage_key(s->ctx, s->cookie));
	free(s);
}

static struct usage_ioas *ioas_of_ctx(struct usage *u, uint64_t ctx)
{
	void *at;
	uint32_t i;

	table_for_each(&u->ioases, i, at)
		if (((struct usage_ioas *)at)->ctx == ctx)
			return at;
	return NULL;
}

static void ctx_drop(struct usage *u, struct usage_ctx *c)
{
	struct usage_ioas *s;

	while ((s = ioas_of_ctx(u, c->cookie)))
		ioas_drop(u, s);
	add(&u->pinned, -(uint64_t)c->pinned);
	add(&u->charged, -(uint64_t)c->charged);
	add(&c->process->pinned, -(uint64_t)c->pinned);
	add(&c->process->charged, -(uint64_t)c->charged);
	process_put(u, c->process);
	table_del(&u->ctxs, c->cookie);
	free(c);
}

static struct usage_ctx *ctx_new(struct usage *u, const struct ims_record *r)
{
	struct usage_ctx *c = calloc(1, sizeof(*c));

	if (!c || table_put(&u->ctxs, r->h.ctx, c)) {
		free(c);
		return NULL;
	}
	c->cookie = r->h.ctx;
	c->process = process_get(u, r);
	if (!c->process) {
		table_del(&u->ctxs, r->h.ctx);
		free(c);
		return NULL;
	}
	c->process->ctxs++;
	return c;
}

static void feed_ctx(struct usage *u, const struct ims_record *r, struct usage_event *ev)
{
	struct usage_process *p;

	if (r->h.action == IMS_CTX_OPEN) {
		if (ev->ctx)	/* its end was lost */
			ctx_drop(u, ev->ctx);
		ev->ctx = ctx_new(u, r);
		ev->process = ev->ctx ? ev->ctx->process : NULL;
	} else if (r->h.action == IMS_CTX_FREED && ev->ctx) {
		p = ev->ctx->process;
		ev->process = p->ctxs > 1 ? p : NULL;
		ctx_drop(u, ev->ctx);
		ev->ctx = NULL;
	}
}

/* ---- what they hold ---- */

static void pinned(struct usage *u, struct usage_event *ev, int64_t pages)
{
	add(&u->pinned, pages);
	add(&ev->ctx->pinned, pages);
	ev->process = ev->ctx->process;
	add(&ev->process->pinned, pages);
}

static void charged(struct usage *u, struct usage_event *ev, const struct ims_account *a)
{
	struct usage_process *p = ev->ctx->process;

	ev->process = p;
	p->locked = a->counter;
	p->limit = a->limit;
	p->locked_known = a->mode != IMS_ACCT_NONE;
	if (a->rc || a->mode == IMS_ACCT_NONE)
		return;
	add(&u->charged, a->delta);
	add(&ev->ctx->charged, a->delta);
	add(&p->charged, a->delta);
}

static void feed_ioas(struct usage *u, const struct ims_record *r, struct usage_event *ev)
{
	uint64_t key = usage_key(r->h.ctx, r->p.ioas.ioas);
	struct usage_ioas *s = table_get(&u->ioases, key);

	if (s)		/* its end was lost */
		ioas_drop(u, s);
	s = calloc(1, sizeof(*s));
	if (!s || table_put(&u->ioases, key, s)) {
		free(s);
		return;
	}
	s->cookie = r->p.ioas.ioas;
	s->ctx = r->h.ctx;
	s->obj = r->p.ioas.obj;
	s->id = r->p.ioas.id;
	s->process = ev->ctx->process;
	ev->ioas = s;
}

static void feed_object(struct usage *u, const struct ims_record *r)
{
	void *at;
	uint32_t i;

	if (r->p.object.type != IMS_T_IOAS ||
	    (r->h.action != IMS_OBJ_DESTROY && r->h.action != IMS_OBJ_ABORT))
		return;
	table_for_each(&u->ioases, i, at) {
		struct usage_ioas *s = at;

		if (s->ctx != r->h.ctx || s->obj != r->p.object.obj)
			continue;
		s->dying = true;	/* its areas go next */
		if (!s->areas)
			ioas_drop(u, s);
		return;
	}
}

/* Once the caller has seen that its last area went. */
static void reap(struct usage *u)
{
	struct usage_ioas *s = u->dead;

	u->dead = NULL;
	if (s)
		ioas_drop(u, s);
}

static void feed_area(struct usage *u, const struct ims_record *r, struct usage_event *ev)
{
	struct usage_ioas *s = usage_ioas_of(u, r->h.ctx, r->p.area.ioas);
	uint64_t bytes = r->p.area.last - r->p.area.iova + 1;

	if (!s)
		return;
	if (r->h.action == IMS_AREA_INSERT || r->h.action == IMS_AREA_REINSERT) {
		s->areas++;
		s->mapped += bytes;
	} else if ((r->h.action == IMS_AREA_FREE || r->h.action == IMS_AREA_REMOVE) && s->areas) {
		s->areas--;
		s->mapped -= bytes < s->mapped ? bytes : s->mapped;
		if (s->dying && !s->areas)
			u->dead = s;
	} else {
		return;
	}
	ev->ioas = s;
}

void usage_feed(struct usage *u, const struct ims_record *r, struct usage_event *ev)
{
	reap(u);
	*ev = (struct usage_event){ .ctx = table_get(&u->ctxs, r->h.ctx) };
	if (r->h.kind == IMS_CTX)
		feed_ctx(u, r, ev);
	if (!ev->ctx)
		return;
	switch (r->h.kind) {
	case IMS_PIN:
		if (r->h.action == IMS_PIN_HELD && r->p.pin.got > 0)
			pinned(u, ev, r->p.pin.got);
		break;
	case IMS_UNPIN:
		pinned(u, ev, -ims_runs_sum(r));
		break;
	case IMS_ACCOUNT:
		charged(u, ev, &r->p.account);
		break;
	case IMS_IOAS:
		feed_ioas(u, r, ev);
		break;
	case IMS_OBJECT:
		feed_object(u, r);
		break;
	case IMS_AREA:
		feed_area(u, r, ev);
		break;
	}
}

/* ---- the end ---- */

static void free_all(struct table *t)
{
	void *at;
	uint32_t i;

	table_for_each(t, i, at)
		free(at);
	table_destroy(t);
}

void usage_destroy(struct usage *u)
{
	free_all(&u->ctxs);
	free_all(&u->processes);
	free_all(&u->ioases);
}
