// SPDX-License-Identifier: GPL-2.0-only
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* ---- time ---- */

static void fold(struct report *r)
{
	memory_fold(&r->memory);
	work_fold(&r->work);
	counts_fold(r->records);
	counts_fold(r->lost);
}

static unsigned int at(struct report *r, uint64_t ns)
{
	unsigned int folds, bucket = times_at(&r->times, ns, &folds);

	while (folds--)
		fold(r);
	return bucket;
}

/* ---- ioctls ---- */

/* Who opened the ctx; who forked and uses it is shown with that one. */
static void comm_of(const struct report *r, const struct call *c, char comm[IMS_COMM])
{
	const struct usage_ctx *ctx = table_get(&r->usage.ctxs, c->ctx);

	memset(comm, 0, IMS_COMM);
	memcpy(comm, ctx ? ctx->process->comm : "unknown", ctx ? IMS_COMM : sizeof("unknown"));
}

static void on_span(void *arg, const struct call *c)
{
	struct report *r = arg;
	char comm[IMS_COMM];

	comm_of(r, c, comm);
	work_span(&r->work, c, comm);
}

/* One whose end was not seen took nobody knows how long. */
static void on_end(void *arg, const struct call *c, uint64_t end_ns, int rc, bool told)
{
	struct report *r = arg;
	char comm[IMS_COMM];

	if (!told)
		return;
	comm_of(r, c, comm);
	work_count(&r->work, c, comm);
	work_call(&r->work, c, r->now, end_ns - c->enter_ns, rc);
}

static const struct calls_ops calls_ops = { .span = on_span, .end = on_end };

/* ---- what is gone ---- */

static void process_gone(void *arg, struct usage_process *p)
{
	struct report *r = arg;

	memory_gone(p, r->now);
}

static void ioas_gone(void *arg, struct usage_ioas *s)
{
	struct report *r = arg;

	spaces_gone(&r->spaces, s, r->times.last);
}

static const struct usage_ops usage_ops = {
	.process_gone = process_gone, .ioas_gone = ioas_gone,
};

/* ---- runs ---- */

static void add_length(struct lengths *l, uint64_t pages)
{
	unsigned int log = 63 - __builtin_clzll(pages | 1);

	if (log >= LENGTHS)
		log = LENGTHS - 1;
	l->runs[log]++;
	l->pages[log] += pages;
}

static void add_lengths(struct report *r, const struct ims_record *rec)
{
	const struct ims_run *run = ims_runs(rec);

	for (unsigned int i = 0; i < rec->h.nruns; i++) {
		if (rec->h.kind == IMS_PIN_RUNS)
			add_length(&r->pinned, run[i].len);
		else if (rec->h.kind == IMS_DMA_MAP && !rec->p.dma_map.rc)
			add_length(&r->mapped, run[i].len >> IMS_PAGE_SHIFT);
	}
}

/* ---- the stream ---- */

static void report_begin(struct ims_sink *s, const struct ims_origin *o)
{
	struct report *r = s->state;

	r->origin = o;
}

static void count_lost(struct report *r, const struct ims_record *rec)
{
	for (int c = 0; c < IMS_LOSS_CLASSES; c++)
		r->lost[r->now] += rec->p.loss.lost[c];
}

static void report_see(struct ims_sink *s, const struct ims_record *rec)
{
	struct report *r = s->state;
	struct usage_event ev;

	if (rec->h.kind == IMS_END)
		return;		/* its time is that of the reader */
	r->now = at(r, rec->h.ktime_ns);
	if (rec->h.kind == IMS_LOSS)
		count_lost(r, rec);
	else
		r->records[r->now]++;
	usage_feed(&r->usage, rec, &ev);
	calls_feed(&r->calls, rec);
	spaces_feed(&r->spaces, &r->usage, rec);
	if (ev.process)
		memory_feed(&r->memory, ev.process, r->now);
	if (ev.process || rec->h.kind == IMS_CTX)
		memory_all(&r->memory, &r->usage, r->now);
	add_lengths(r, rec);
}

static void report_violation(struct ims_sink *s, const struct ims_violation *v)
{
	const struct m_ioas *ioas = v->event->ioas;
	struct report *r = s->state;
	struct usage_ioas *u;

	if (!ioas && v->event->area)
		ioas = v->event->area->ioas;
	if (!ioas && v->event->domain)
		ioas = v->event->domain->ioas;
	if (!ioas && v->event->pages && v->event->pages->areas)
		ioas = v->event->pages->areas->ioas;
	u = ioas ? usage_ioas_of(&r->usage, v->ctx, ioas->cookie) : NULL;
	found_add(&r->founds, v, s->explain, spaces_keep(&r->spaces, u));
}

static void json_end(struct ims_sink *s, const struct ims_outcome *o)
{
	struct report *r = s->state;

	calls_finish(&r->calls);
	spaces_finish(&r->spaces);
	report_json(r, o, s->f);
	putc('\n', s->f);
}

static void page_end(struct ims_sink *s, const struct ims_outcome *o)
{
	struct report *r = s->state;

	calls_finish(&r->calls);
	spaces_finish(&r->spaces);
	report_page(r, o, s->f);
}

static void report_destroy(struct ims_sink *s)
{
	struct report *r = s->state;

	calls_destroy(&r->calls);
	spaces_destroy(&r->spaces);
	usage_destroy(&r->usage);
	found_destroy(&r->founds);
	free(r);
}

static const struct ims_sink_ops json_ops = {
	.begin = report_begin, .see = report_see, .violation = report_violation,
	.end = json_end, .destroy = report_destroy,
};

static const struct ims_sink_ops page_ops = {
	.begin = report_begin, .see = report_see, .violation = report_violation,
	.end = page_end, .destroy = report_destroy,
};

static bool init(struct ims_sink *s, FILE *f, const struct ims_sink_ops *ops)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	spaces_init(&r->spaces, &r->times);
	r->calls.ops = &calls_ops;
	r->usage.ops = &usage_ops;
	r->calls.arg = r->usage.arg = r;
	*s = (struct ims_sink){ .ops = ops, .f = f, .state = r };
	return true;
}

bool ims_report_json_init(struct ims_sink *s, FILE *f)
{
	return init(s, f, &json_ops);
}

bool ims_report_page_init(struct ims_sink *s, FILE *f)
{
	return init(s, f, &page_ops);
}
