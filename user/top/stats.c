// SPDX-License-Identifier: GPL-2.0-only
#include "top/stats.h"

#include <stdlib.h>

#include "sink/story.h"

#define CMD_DESTROY 0x3b80	/* IOMMU_DESTROY: empties an IOAS, which is no call to unmap */
#define MOST_CALLS 4096		/* threads that are remembered between their calls */

struct call {
	uint64_t enter;		/* ns, 0: none is under way */
	uint64_t ctx, ioas;
	uint32_t cmd;
	enum top_call what;
	bool failed;
};

/* ---- the tables ---- */

static void ioas_free(struct top_ioas *s)
{
	if (!s)
		return;
	for (int i = 0; i < TOP_CALLS; i++)
		free(s->latency[i]);
	free(s);
}

static void forget_ioases(struct top_ctx *c)
{
	struct top_ioas *s;
	uint32_t i;

	table_for_each(&c->ioases, i, s)
		ioas_free(s);
	table_destroy(&c->ioases);
}

static void ctx_free(struct top_ctx *c)
{
	if (!c)
		return;
	forget_ioases(c);
	free(c);
}

static struct top_ctx *ctx_of(struct top_stats *st, uint64_t ctx, uint32_t tgid)
{
	struct top_ctx *c = table_get(&st->ctxs, ctx);

	if (c || !ctx)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c || table_put(&st->ctxs, ctx, c)) {
		free(c);
		return NULL;
	}
	c->cookie = ctx;
	c->tgid = tgid;
	c->number = ++st->numbers;
	return c;
}

static struct top_ioas *ioas_of(struct top_ctx *c, uint64_t ioas)
{
	struct top_ioas *s = table_get(&c->ioases, ioas);

	if (s || !ioas)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s || table_put(&c->ioases, ioas, s)) {
		free(s);
		return NULL;
	}
	s->cookie = ioas;
	return s;
}

struct top_ctx *top_stats_ctx(const struct top_stats *st, uint64_t ctx)
{
	return table_get(&st->ctxs, ctx);
}

struct top_ioas *top_stats_ioas(const struct top_ctx *c, uint64_t ioas)
{
	return table_get(&c->ioases, ioas);
}

void top_stats_init(struct top_stats *st, uint64_t now)
{
	*st = (struct top_stats){ .window_end = now };
}

void top_stats_destroy(struct top_stats *st)
{
	struct top_ctx *c;
	struct call *call;
	uint32_t i;

	table_for_each(&st->ctxs, i, c)
		ctx_free(c);
	table_for_each(&st->calls, i, call)
		free(call);
	table_destroy(&st->ctxs);
	table_destroy(&st->calls);
}

/* ---- calls ---- */

static struct call *call_of(struct top_stats *st, uint32_t tid)
{
	struct call *call = table_get(&st->calls, (uint64_t)tid + 1);

	if (call)
		return call;
	call = calloc(1, sizeof(*call));
	if (call && table_put(&st->calls, (uint64_t)tid + 1, call)) {
		free(call);
		return NULL;
	}
	return call;
}

static void add_latency(struct top_ioas *s, enum top_call what, uint64_t ns)
{
	if (!s->latency[what])
		s->latency[what] = calloc(1, sizeof(*s->latency[what]));
	if (s->latency[what])
		hist_add(s->latency[what], ns);
}

static void call_ends(struct top_stats *st, struct top_ctx *c, const struct ims_record *r)
{
	struct call *call = table_get(&st->calls, (uint64_t)r->h.tid + 1);
	struct top_ioas *s;

	if (!call)
		return;
	if (call->enter && call->ctx == c->cookie && call->ioas) {
		s = ioas_of(c, call->ioas);
		if (s && (call->failed || r->p.ioctl.rc)) {
			s->failed_now++;
		} else if (s) {
			s->now[call->what]++;
			add_latency(s, call->what, r->h.ktime_ns - call->enter);
		}
	}
	call->enter = 0;
	if (st->calls.n > MOST_CALLS)
		free(table_del(&st->calls, (uint64_t)r->h.tid + 1));
}

static void note_ioctl(struct top_stats *st, struct top_ctx *c, const struct ims_record *r)
{
	struct call *call;

	if (r->h.action == IMS_IOCTL_EXIT) {
		call_ends(st, c, r);
		return;
	}
	call = call_of(st, r->h.tid);
	if (call)
		*call = (struct call){ .enter = r->h.ktime_ns, .ctx = c->cookie,
				       .cmd = r->p.ioctl.cmd };
}

/* A map that fails may unmap what it had mapped: it stays a map. */
static void note_call(struct top_stats *st, const struct ims_record *r, enum top_call what,
		      uint64_t ioas, bool failed)
{
	struct call *call = table_get(&st->calls, (uint64_t)r->h.tid + 1);

	if (!call || !call->enter || call->cmd == CMD_DESTROY)
		return;
	if (what == TOP_UNMAP && call->ioas && call->what == TOP_MAP)
		return;
	call->ioas = ioas;
	call->what = what;
	call->failed = failed;
}

/* ---- losses ---- */

static void forget_calls(struct top_stats *st, uint64_t ctx)
{
	struct call *call;
	uint32_t i;

	table_for_each(&st->calls, i, call)
		if (call->ctx == ctx)
			call->enter = 0;
}

static void forget_unknown(struct top_stats *st, const struct model *m)
{
	const struct m_ctx *known;
	struct top_ctx *c;
	uint32_t i;

	table_for_each(&st->ctxs, i, c) {
		known = table_get(&m->ctxs, c->cookie);
		if (known && known->known)
			continue;
		c->incomplete_now = true;
		forget_ioases(c);
		forget_calls(st, c->cookie);
	}
}

/* ---- feeding ---- */

/* Who only looks, as we do ourselves to find out what a ctx holds, does nothing with it. */
static bool looks(const struct ims_record *r)
{
	return r->h.kind == IMS_SNAPSHOT || r->h.kind == IMS_IOCTL || r->h.kind == IMS_IOVA_RANGE;
}

/* The ctx that @r is of, if its state is known; it is not before a snapshot is told. */
static struct top_ctx *known_ctx(struct top_stats *st, const struct model *m,
				 const struct ims_record *r)
{
	const struct m_ctx *known = table_get(&m->ctxs, r->h.ctx);
	struct top_ctx *c = top_stats_ctx(st, r->h.ctx);

	if (!c && (known || !looks(r)))
		c = ctx_of(st, r->h.ctx, r->h.tgid);
	if (c && (!known || !known->known || m->telling == r->h.ctx))
		c->incomplete_now = true;
	return c && known && known->known && m->telling != r->h.ctx ? c : NULL;
}

static void note_limit(struct top_ctx *c, const struct ims_record *r)
{
	c->limited = true;
	c->limit = r->p.account.limit >= UINT64_MAX / IMS_PAGE ? UINT64_MAX :
		   r->p.account.limit * IMS_PAGE;
}

static void note(struct top_stats *st, struct top_ctx *c, const struct ims_record *r)
{
	switch (r->h.kind) {
	case IMS_IOCTL:
		note_ioctl(st, c, r);
		break;
	case IMS_MAP:
		note_call(st, r, TOP_MAP, r->p.map.ioas, r->p.map.rc);
		break;
	case IMS_UNMAP:
		note_call(st, r, TOP_UNMAP, r->p.unmap.ioas, r->p.unmap.rc);
		break;
	case IMS_ACCOUNT:
		note_limit(c, r);
		break;
	case IMS_IOAS:		/* another one, at this address */
		ioas_free(table_del(&c->ioases, r->p.ioas.ioas));
		break;
	}
}

static void count(struct top_stats *st, const struct ims_record *r)
{
	if (r->h.kind == IMS_LOSS)
		for (int i = 0; i < IMS_LOSS_CLASSES; i++)
			st->lost += r->p.loss.lost[i];
	if (r->h.kind == IMS_LOSS || r->h.kind == IMS_END)
		return;		/* of the collector, whose time is later */
	st->records++;
	if (r->h.ktime_ns > st->ktime_ns)
		st->ktime_ns = r->h.ktime_ns;
}

void top_stats_feed(struct top_stats *st, const struct model *m, const struct ims_record *r)
{
	struct top_ctx *c;

	count(st, r);
	if (m->ctxs_unknown != st->unknown_seen) {
		st->unknown_seen = m->ctxs_unknown;
		forget_unknown(st, m);
	}
	if (!r->h.ctx || r->h.kind == IMS_LOSS)
		return;
	if (r->h.kind == IMS_CTX && r->h.action == IMS_CTX_FREED) {
		ctx_free(table_del(&st->ctxs, r->h.ctx));
		return;
	}
	c = known_ctx(st, m, r);
	if (c)
		note(st, c, r);
}

void top_stats_violation(struct top_stats *st, const struct m_event *ev)
{
	const struct m_ioas *in = ims_event_ioas(ev);
	struct top_ctx *c = ctx_of(st, ev->r->h.ctx, ev->r->h.tgid);
	struct top_ioas *s = c && in ? ioas_of(c, in->cookie) : NULL;

	st->violations++;
	if (c)
		c->violations++;
	if (s)
		s->violations++;
}

/* ---- windows ---- */

static void ioas_turn(struct top_ioas *s)
{
	for (int i = 0; i < TOP_CALLS; i++) {
		s->window[i] = s->now[i];
		s->now[i] = 0;
	}
	s->failed = s->failed_now;
	s->failed_now = 0;
}

void top_stats_turn(struct top_stats *st, const struct model *m, uint64_t now)
{
	struct top_ioas *s;
	struct top_ctx *c;
	uint32_t i, k;

	table_for_each(&st->ctxs, i, c) {
		const struct m_ctx *known = table_get(&m->ctxs, c->cookie);

		c->incomplete = c->incomplete_now;
		c->incomplete_now = !known || !known->known || m->telling == c->cookie;
		table_for_each(&c->ioases, k, s)
			ioas_turn(s);
	}
	st->window_ns = now > st->window_end ? now - st->window_end : 1;
	st->window_end = now;
	st->records_before = st->records;
}

void top_stats_clear(struct top_stats *st)
{
	struct top_ioas *s;
	struct top_ctx *c;
	uint32_t i, k;

	table_for_each(&st->ctxs, i, c)
		table_for_each(&c->ioases, k, s)
			for (int what = 0; what < TOP_CALLS; what++) {
				free(s->latency[what]);
				s->latency[what] = NULL;
			}
}
