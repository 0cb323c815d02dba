// SPDX-License-Identifier: GPL-2.0-only
/*
 * A refresh of top as one line of JSON: processes, and in each its IOASes. What is not
 * known is null: no number is a guess.
 */
#include "top/json.h"

#include <stdlib.h>

#include "record/desc.h"
#include "sink/members.h"
#include "top/rows.h"

/* A process, and those rows of the table that are its IOASes. */
struct process {
	struct top_row sum;
	const struct top_row *rows;
	size_t nrows;
};

struct line {
	const struct top_table *table;
	struct process *processes;
};

static const struct ims_name modes[] = {
	{ 1 << IMS_ACCT_NONE, "none" }, { 1 << IMS_ACCT_USER, "user" }, { 1 << IMS_ACCT_MM, "mm" }, {}
};

/* ---- members ---- */

static void put_number_type(struct jm *o, const char *key)
{
	jw_object(&o->w, key);
	jw_array(&o->w, "type");
	jw_text(&o->w, NULL, "integer");
	jw_text(&o->w, NULL, "null");
	jw_array_end(&o->w);
	jw_object_end(&o->w);
}

static void number_or_null(struct jm *o, const char *key, bool known, uint64_t value)
{
	if (o->mode == JM_TYPE)
		put_number_type(o, key);
	else if (o->mode == JM_VALUE && !known)
		jw_text(&o->w, key, NULL);
	else
		jm_number(o, key, value);
}

static void put_calls(struct jm *o, const struct top_row *row, enum top_call what,
		      const char *n, const char *p50, const char *p99)
{
	const struct top_calls *c = &row->call[what];

	number_or_null(o, n, row->counted, c->n);
	number_or_null(o, p50, row->known && c->timed, c->p50);
	number_or_null(o, p99, row->known && c->timed, c->p99);
}

static void put_numbers(struct jm *o, const struct top_row *row)
{
	jm_truth(o, "known", row->known);
	number_or_null(o, "bytes_mapped", row->known, row->mapped);
	number_or_null(o, "bytes_pinned", row->known, row->pinned);
	number_or_null(o, "bytes_charged", row->known, row->charged);
	number_or_null(o, "bytes_limit", row->limited, row->limit);
	jm_flags(o, "accounts", modes, row->modes);
	put_calls(o, row, TOP_MAP, "maps", "map_p50_ns", "map_p99_ns");
	put_calls(o, row, TOP_UNMAP, "unmaps", "unmap_p50_ns", "unmap_p99_ns");
	number_or_null(o, "calls_failed", row->counted, row->failed);
	jm_number(o, "violations", row->violations);
}

/* A ctx without an IOAS, or of which none is known, has one row without an id. */
static void put_ioas(struct jm *o, const void *item)
{
	const struct top_row *row = item;

	jm_cookie(o, "ctx", row->ctx);
	number_or_null(o, "id", row->ioas, row->id);
	put_numbers(o, row);
}

static void put_process(struct jm *o, const void *item)
{
	const struct process *p = item;

	jm_number(o, "tgid", p->sum.tgid);
	jm_text(o, "comm", p->sum.comm, sizeof(p->sum.comm));
	jm_number(o, "contexts", p->sum.contexts);
	put_numbers(o, &p->sum);
	jm_array(o, "ioases", put_ioas, p->rows, p->nrows, sizeof(*p->rows));
}

static void put_line(struct jm *o, const void *item)
{
	const struct line *l = item;
	const struct top_table *t = l->table;

	jm_kind(o, "top");
	jm_number(o, "ktime_ns", t->ktime_ns);
	jm_number(o, "window_ns", t->window_ns);
	jm_number(o, "records", t->records);
	jm_number(o, "lost", t->lost);
	jm_number(o, "violations", t->violations);
	jm_array(o, "processes", put_process, l->processes, t->processes.n, sizeof(*l->processes));
}

/* ---- the line ---- */

/* Until somebody sorts the table, the rows of a process follow one another. */
static void gather(struct process *to, const struct top_table *t)
{
	const struct top_row *row = t->ioases.at, *end = row + t->ioases.n;

	for (size_t i = 0; i < t->processes.n; i++) {
		to[i] = (struct process){ .sum = t->processes.at[i], .rows = row };
		for (; row < end && row->tgid == to[i].sum.tgid; row++)
			to[i].nrows++;
	}
}

int top_json(FILE *f, const struct top_table *t)
{
	struct process *processes = calloc(t->processes.n + 1, sizeof(*processes));
	struct line line = { t, processes };
	struct jm o = { .w = { .f = f } };

	if (!processes)
		return -1;
	gather(processes, t);
	jm_object(&o, NULL, put_line, &line);
	jw_line_end(&o.w);
	free(processes);
	return 0;
}

void top_json_schema(struct jsonw *w)
{
	static const struct top_table nothing;
	const struct line line = { .table = &nothing };
	struct jm o = { .w = *w, .mode = JM_TYPE };

	jm_object(&o, "top", put_line, &line);
	*w = o.w;
}
