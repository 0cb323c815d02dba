// SPDX-License-Identifier: GPL-2.0-only
/*
 * The aggregated recording as one JSON object, and its schema. docs/report.md explains
 * it. Times are ns since the first record; IOVAs are strings, as they do not fit into
 * the numbers of JavaScript.
 */
#define _GNU_SOURCE		/* strerrorname_np() */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "report/report.h"
#include "rules/rules.h"
#include "sink/members.h"

/* What is written is of; not there while the schema is. */
struct view {
	const struct report *r;
	const struct ims_outcome *o;
};

static const struct view *view_of(const struct jm *o)
{
	return o->of;
}

/* ---- numbers over time ---- */

static void put_gauge(struct jm *o, const char *key, const struct gauge *g)
{
	unsigned int n = view_of(o) ? times_used(&view_of(o)->r->times) : 0;
	int64_t shown[TIMES];

	if (n)
		gauge_read(g, shown, n);
	jm_integers(o, key, shown, n);
}

static void put_counts(struct jm *o, const char *key, const uint64_t *counts, size_t n)
{
	jm_integers(o, key, (const int64_t *)counts, n);
}

static void put_times(struct jm *o, const void *item)
{
	const struct report *r = item;
	unsigned int n = times_used(&r->times);

	jm_number(o, "bucket_ns", r->times.width);
	put_counts(o, "records", r->records, n);
	put_counts(o, "lost", r->lost, n);
}

/* ---- what it is ---- */

static void put_arg(struct jm *o, const void *item)
{
	jm_text(o, "word", item ? *(char *const *)item : NULL, SIZE_MAX);
}

static size_t count_args(char *const *argv)
{
	size_t n = 0;

	while (argv && argv[n])
		n++;
	return n;
}

static const char *text_of(const char *s)
{
	return s ? s : "";
}

static void put_origin(struct jm *o, const void *item)
{
	static const struct ims_origin none;
	const struct report *r = item;
	const struct ims_origin *from = r->origin ? r->origin : &none;

	jm_text(o, "program", text_of(from->program), SIZE_MAX);
	jm_text(o, "kernel", text_of(from->kernel), SIZE_MAX);
	jm_text(o, "machine", text_of(from->machine), SIZE_MAX);
	jm_text(o, "kernel_cmdline", text_of(from->cmdline), SIZE_MAX);
	jm_text(o, "note", text_of(from->note), SIZE_MAX);
	jm_text(o, "absent_why", text_of(from->absent_why), SIZE_MAX);
	jm_array(o, "command", put_arg, from->argv, count_args(from->argv), sizeof(*from->argv));
	jm_number(o, "began_ms", r->times.begun ?
		  (r->times.origin + from->clock_offset) / 1000000 : 0);
	jm_number(o, "duration_ns", times_since(&r->times, r->times.last));
}

/* ---- the verdict ---- */

static void put_broken(struct jm *o, const void *item)
{
	const struct ims_rule_result *res = item;
	const struct ims_rule *rule = res->rule;

	jm_text(o, "rule", rule ? rule->id : NULL, SIZE_MAX);
	jm_text(o, "severity", ims_severity_name(rule ? rule->severity : 0), SIZE_MAX);
	jm_text(o, "statement", rule ? rule->statement : NULL, SIZE_MAX);
	jm_number(o, "violations", res->violations);
}

static void put_unchecked(struct jm *o, const void *item)
{
	const struct ims_rule_result *res = item;

	jm_text(o, "rule", res->rule ? res->rule->id : NULL, SIZE_MAX);
	jm_text(o, "why", res->why_not, SIZE_MAX);
}

/* Those of the rules that are broken, or that could not be checked. */
static void put_rules(struct jm *o, const char *key, jm_body_fn body, bool broken)
{
	const struct ims_summary *sum = view_of(o) ? view_of(o)->o->summary : NULL;
	unsigned int nrules = sum ? sum->nrules : 0;
	struct ims_rule_result list[nrules + 1];
	size_t n = 0;

	for (unsigned int i = 0; i < nrules; i++)
		if (broken ? sum->rule[i].violations > 0 : sum->rule[i].why_not != NULL)
			list[n++] = sum->rule[i];
	jm_array(o, key, body, list, n, sizeof(*list));
}

static void put_verdict(struct jm *o, const void *item)
{
	static const struct ims_summary none;
	const struct ims_summary *sum = item ? item : &none;

	jm_text(o, "verdict", ims_verdict_name(sum->verdict), SIZE_MAX);
	jm_text(o, "why", sum->why, sizeof(sum->why));
	jm_number(o, "contexts", sum->ctxs);
	jm_number(o, "contexts_given_up", sum->ctxs_unknown);
	jm_number(o, "rules", sum->nrules);
	put_rules(o, "broken", put_broken, true);
	put_rules(o, "not_checked", put_unchecked, false);
}

/* ---- memory ---- */

static void put_line(struct jm *o, const void *item)
{
	const struct line *l = item;

	jm_number(o, "tgid", l->tgid);
	jm_text(o, "comm", l->comm, sizeof(l->comm));
	put_gauge(o, "pinned", &l->pinned);
	put_gauge(o, "charged", &l->charged);
	put_gauge(o, "locked", &l->locked);
	put_gauge(o, "limit", &l->limit);
}

static void put_memory(struct jm *o, const void *item)
{
	const struct memory *m = item;

	put_gauge(o, "pinned", &m->pinned);
	put_gauge(o, "charged", &m->charged);
	jm_array(o, "processes", put_line, m->line, m->n, sizeof(*m->line));
	jm_truth(o, "more_processes", m->crowded);
}

/* ---- IOVA spaces ---- */

static void put_space(struct jm *o, const void *item)
{
	const struct space *s = item;

	jm_number(o, "id", s->id);
	jm_cookie(o, "ctx", s->ctx);
	jm_number(o, "tgid", s->tgid);
	jm_text(o, "comm", s->comm, sizeof(s->comm));
	jm_number(o, "areas", s->areas);
	jm_number(o, "areas_left_out", s->left_out);
}

static void put_rect(struct jm *o, const struct rect *r)
{
	jm_number(o, "space", r->space);
	jm_number(o, "from_ns", r->from);
	jm_number(o, "to_ns", r->to);
	jm_cookie(o, "start", r->start);
	jm_cookie(o, "last", r->last);
	jm_named(o, "end", rect_ends, r->end);
}

static void put_area(struct jm *o, const void *item)
{
	const struct rect *r = item;

	put_rect(o, r);
	jm_cookie(o, "area", r->cookie);
	jm_cookie(o, "pages", r->pages);
	jm_flags(o, "prot", ims_dma_prot, r->prot);
}

static void put_range(struct jm *o, const void *item)
{
	const struct rect *r = item;

	put_rect(o, r);
	jm_named(o, "kind", rect_kinds, r->kind);
	jm_cookie(o, "owner", r->cookie);
}

/* ---- ioctls ---- */

static void put_call_name(struct jm *o, uint32_t cmd)
{
	char name[40];

	ims_call_text(cmd, name, sizeof(name));
	jm_text(o, "name", name, sizeof(name));
}

static void put_errno(struct jm *o, const void *item)
{
	const struct errno_count *e = item;

	jm_integer(o, "rc", e->rc);
	jm_text(o, "name", text_of(e->rc > -4096 ? strerrorname_np(-e->rc) : NULL), SIZE_MAX);
	jm_number(o, "count", e->n);
}

static void put_errnos(struct jm *o, const struct command *c)
{
	size_t n = 0;

	while (n < ERRNOS && c->errnos[n].n)
		n++;
	jm_array(o, "errnos", put_errno, c->errnos, n, sizeof(*c->errnos));
}

static void put_command(struct jm *o, const void *item)
{
	const struct command *c = item;

	put_call_name(o, c->cmd);
	jm_number(o, "calls", c->latency.hist.n);
	jm_number(o, "errors", c->errors);
	jm_number(o, "bytes", c->bytes);
	jm_number(o, "total_ns", c->latency.total);
	jm_number(o, "p50_ns", latency_quantile(&c->latency, 500));
	jm_number(o, "p99_ns", latency_quantile(&c->latency, 990));
	jm_number(o, "max_ns", c->latency.max);
	put_errnos(o, c);
}

/* Triples: bucket of time, row, how many; all others are 0. */
static void put_heat(struct jm *o, const void *item)
{
	const struct work *w = item;
	int64_t *cells = view_of(o) ? malloc(sizeof(*cells) * 3 * TIMES * ROWS) : NULL;
	size_t n = 0;

	for (unsigned int i = 0; cells && i < TIMES; i++)
		for (unsigned int row = 0; row < ROWS; row++) {
			if (!w->heat[i][row])
				continue;
			cells[n++] = i;
			cells[n++] = row;
			cells[n++] = w->heat[i][row];
		}
	jm_number(o, "first_row_ns", 1U << FIRST_ROW_LOG);
	jm_number(o, "rows_per_doubling", 2);
	jm_integers(o, "cells", cells, n);
	free(cells);
}

struct named_phase {
	enum ims_stage phase;
	struct flame_phase sum;
};

static void put_phase(struct jm *o, const void *item)
{
	const struct named_phase *p = item;

	jm_text(o, "name", ims_stage_name(p->phase), SIZE_MAX);
	jm_number(o, "ns", p->sum.ns);
	jm_number(o, "bytes", p->sum.bytes);
	jm_number(o, "spans", p->sum.spans);
}

static void put_flame_call(struct jm *o, const void *item)
{
	const struct flame_call *c = item;
	struct named_phase list[IMS_NR_STAGES];
	size_t n = 0;

	for (unsigned int i = 0; i < IMS_NR_STAGES; i++)
		if (c->phase[i].spans)
			list[n++] = (struct named_phase){ i, c->phase[i] };
	put_call_name(o, c->cmd);
	jm_number(o, "calls", c->n);
	jm_array(o, "phases", put_phase, list, n, sizeof(*list));
}

static void put_flame(struct jm *o, const void *item)
{
	const struct flame *f = item;

	jm_text(o, "comm", f->comm, sizeof(f->comm));
	jm_array(o, "ioctls", put_flame_call, f->call, f->ncalls, sizeof(*f->call));
}

/* ---- runs ---- */

/* By size: the first is one page, each further one twice as large. */
static void put_lengths(struct jm *o, const void *item)
{
	const struct lengths *l = item;
	size_t n = LENGTHS;

	while (n && !l->runs[n - 1])
		n--;
	put_counts(o, "runs", l->runs, n);
	put_counts(o, "pages", l->pages, n);
}

static void put_runs(struct jm *o, const void *item)
{
	const struct report *r = item;

	jm_object(o, "pinned", put_lengths, &r->pinned);
	jm_object(o, "mapped", put_lengths, &r->mapped);
}

/* ---- violations ---- */

static void put_found(struct jm *o, const void *item)
{
	const struct found *x = item;

	jm_text(o, "rule", x->rule, SIZE_MAX);
	jm_text(o, "severity", ims_severity_name(x->severity), SIZE_MAX);
	jm_text(o, "statement", x->statement, SIZE_MAX);
	jm_text(o, "text", text_of(x->text), SIZE_MAX);
	jm_text(o, "object", text_of(x->object), SIZE_MAX);
	jm_number(o, "at_ns", view_of(o) ? times_since(&view_of(o)->r->times, x->ktime_ns) : 0);
	jm_number(o, "seq", x->seq);
	jm_number(o, "tgid", x->tgid);
	jm_number(o, "tid", x->tid);
	jm_text(o, "comm", x->comm, sizeof(x->comm));
	jm_integer(o, "space", x->space == NO_SPACE ? -1 : (int64_t)x->space);
	jm_truth(o, "about_iova", x->about_iova);
	jm_cookie(o, "start", x->start);
	jm_cookie(o, "last", x->last);
	jm_lines(o, "story", x->story);
	jm_lines(o, "map", x->map);
	jm_lines(o, "history", x->history);
}

/* ---- all ---- */

static void put_report(struct jm *o, const void *item)
{
	const struct report *r = item;
	const struct ims_outcome *out = view_of(o) ? view_of(o)->o : NULL;

	jm_kind(o, "report");
	jm_object(o, "origin", put_origin, r);
	jm_object(o, "summary", put_verdict, out ? out->summary : NULL);
	jm_number(o, "records", out ? ims_outcome_records(out) : 0);
	jm_number(o, "lost", out ? ims_outcome_lost(out) : 0);
	jm_number(o, "page_bytes", IMS_PAGE);
	jm_object(o, "times", put_times, r);
	jm_object(o, "memory", put_memory, &r->memory);
	jm_array(o, "spaces", put_space, r->spaces.at, r->spaces.n, sizeof(*r->spaces.at));
	jm_number(o, "more_spaces", r->spaces.others);
	JM_ARRAY(o, "areas", put_area, r->spaces.areas);
	JM_ARRAY(o, "ranges", put_range, r->spaces.ranges);
	jm_object(o, "latency", put_heat, &r->work);
	jm_array(o, "ioctls", put_command, r->work.command, r->work.ncommands,
		 sizeof(*r->work.command));
	jm_array(o, "flame", put_flame, r->work.flame, r->work.nflames, sizeof(*r->work.flame));
	jm_object(o, "runs", put_runs, r);
	jm_array(o, "violations", put_found, r->founds.at, r->founds.n, sizeof(*r->founds.at));
	jm_number(o, "more_violations", r->founds.others);
}

void report_json(const struct report *r, const struct ims_outcome *o, FILE *f)
{
	struct view view = { r, o };
	struct jm out = { .w = { .f = f }, .of = &view };

	jm_object(&out, NULL, put_report, r);
}

void ims_report_schema(struct jsonw *w)
{
	struct report *none = calloc(1, sizeof(*none));
	struct jm o = { .w = *w, .mode = JM_TYPE };

	if (none)
		jm_object(&o, "report", put_report, none);
	free(none);
	*w = o.w;
}
