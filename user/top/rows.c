// SPDX-License-Identifier: GPL-2.0-only
#include "top/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct top_row *add(struct top_list *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct top_row *at = realloc(l->at, cap * sizeof(*at));

		if (!at)
			return NULL;
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n] = (struct top_row){ 0 };
	return &l->at[l->n++];
}

void top_table_free(struct top_table *t)
{
	free(t->ioases.at);
	free(t->processes.at);
	*t = (struct top_table){ 0 };
}

/* ---- one IOAS ---- */

static void put_calls(struct top_row *row, const struct top_ctx *c, const struct top_ioas *s)
{
	row->counted = !c->incomplete;
	if (!s)
		return;
	for (int i = 0; i < TOP_CALLS; i++) {
		const struct hist *h = s->latency[i];

		row->call[i].n = s->window[i];
		row->call[i].timed = h;
		row->call[i].p50 = h ? hist_quantile(h, 500) : 0;
		row->call[i].p99 = h ? hist_quantile(h, 990) : 0;
	}
	row->failed = s->failed;
	row->violations = s->violations;
}

static struct top_row *add_row(struct top_table *t, const struct top_ctx *c, const struct m_ctx *m)
{
	struct top_row *row = add(&t->ioases);

	if (!row)
		return NULL;
	row->ctx = c->cookie;
	row->tgid = m ? m->tgid : c->tgid;
	if (m)
		memcpy(row->comm, m->comm, sizeof(row->comm));
	row->contexts = 1;
	row->limited = c->limited;
	row->limit = c->limit;
	row->ordinal = c->number;	/* until all of the process are there */
	return row;
}

static int add_ioas(struct top_table *t, const struct top_ctx *c, const struct m_ctx *m,
		    const struct m_ioas *s)
{
	struct top_row *row = add_row(t, c, m);

	if (!row)
		return -ENOMEM;
	row->known = true;
	row->ioas = s->cookie;
	row->id = s->id;
	row->ioases = 1;
	for (uint32_t i = 0; i < s->nareas; i++)
		row->mapped += s->areas[i]->last - s->areas[i]->iova + 1;
	put_calls(row, c, top_stats_ioas(c, s->cookie));
	return 0;
}

/* No IOAS, or nobody knows. */
static int add_bare(struct top_table *t, const struct top_ctx *c, const struct m_ctx *m)
{
	struct top_row *row = add_row(t, c, m);

	if (!row)
		return -ENOMEM;
	row->known = m && m->known;
	row->counted = row->known && !c->incomplete;
	row->violations = c->violations;
	return 0;
}

/* ---- what is pinned, once for each IOAS that shows it ---- */

static void charge(struct top_row *row, const struct m_pages *p)
{
	row->pinned += p->pinned * IMS_PAGE;
	if (p->pinned)
		row->modes |= 1U << p->mode;
	if (p->mode != IMS_ACCT_NONE && p->charged > 0)
		row->charged += p->charged * IMS_PAGE;
}

/* @rows: by cookie of the IOAS; the values are numbers of rows from 1. */
static void add_pages(struct top_list *l, const struct table *rows, const struct m_ctx *m,
		      const struct m_pages **seen)
{
	const struct m_pages *p;
	uint32_t i;

	table_for_each(&m->pages, i, p)
		for (const struct m_area *a = p->areas; a; a = a->next_of_pages) {
			size_t row = a->ioas ? (size_t)table_get(rows, a->ioas->cookie) : 0;

			if (!row || seen[row - 1] == p)
				continue;
			seen[row - 1] = p;
			charge(&l->at[row - 1], p);
		}
}

static int add_all_pages(struct top_list *l, size_t first, const struct m_ctx *m)
{
	const struct m_pages **seen = calloc(l->n + 1, sizeof(*seen));
	struct table rows = {};
	int rc = seen ? 0 : -ENOMEM;

	for (size_t i = first; !rc && i < l->n; i++)
		rc = table_put(&rows, l->at[i].ioas, (void *)(i + 1));
	if (!rc)
		add_pages(l, &rows, m, seen);
	table_destroy(&rows);
	free(seen);
	return rc;
}

static int add_ctx(struct top_table *t, const struct top_ctx *c, const struct m_ctx *m)
{
	size_t first = t->ioases.n;
	struct m_ioas *s;
	uint32_t i;
	int rc = 0;

	if (m && m->known)
		table_for_each(&m->ioases, i, s)
			if (!rc && ioas_is_there(s))
				rc = add_ioas(t, c, m, s);
	if (rc)
		return rc;
	return t->ioases.n == first ? add_bare(t, c, m) : add_all_pages(&t->ioases, first, m);
}

/* ---- processes ---- */

static int by_process(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->ordinal != y->ordinal)
		return x->ordinal < y->ordinal ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* What several IOASes of a ctx show is one pages object. */
static void add_ctx_sums(struct top_row *sum, const struct m_ctx *m, const struct top_ctx *c)
{
	const struct m_pages *p;
	uint32_t i;

	sum->contexts++;
	sum->known &= m && m->known;
	sum->violations += c->violations;
	if (m && m->known)
		table_for_each(&m->pages, i, p)
			charge(sum, p);
}

static void add_row_sums(struct top_row *sum, const struct top_row *row)
{
	sum->ioases += row->ioases;
	sum->mapped += row->mapped;
	sum->counted &= row->counted;
	sum->failed += row->failed;
	for (int i = 0; i < TOP_CALLS; i++)
		sum->call[i].n += row->call[i].n;
	if (row->limited && !sum->limited) {
		sum->limited = true;
		sum->limit = row->limit;
	}
	if (row->comm[0])
		memcpy(sum->comm, row->comm, sizeof(sum->comm));
}

/* Of all IOASes together. */
static void put_latencies(struct top_row *sum, const struct top_stats *st,
			  const struct top_row *rows, size_t n)
{
	for (int i = 0; i < TOP_CALLS; i++) {
		struct hist h = {};

		for (size_t k = 0; k < n; k++) {
			const struct top_ctx *c = top_stats_ctx(st, rows[k].ctx);
			const struct top_ioas *s = top_stats_ioas(c, rows[k].ioas);

			if (s && s->latency[i])
				hist_merge(&h, s->latency[i]);
		}
		sum->call[i].timed = h.n;
		sum->call[i].p50 = hist_quantile(&h, 500);
		sum->call[i].p99 = hist_quantile(&h, 990);
	}
}

/* @rows are the @n rows of one process. */
static int add_process(struct top_table *t, const struct top_stats *st, const struct model *m,
		       const struct top_opts *opts, struct top_row *rows, size_t n)
{
	struct top_row *sum = add(&t->processes);
	uint32_t ordinal = 0;
	uint64_t before = 0;

	if (!sum)
		return -ENOMEM;
	sum->tgid = rows->tgid;
	sum->known = sum->counted = true;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].ctx != before) {
			add_ctx_sums(sum, table_get(&m->ctxs, rows[i].ctx),
				     top_stats_ctx(st, rows[i].ctx));
			ordinal++;
		}
		before = rows[i].ctx;
		rows[i].ordinal = ordinal;
		add_row_sums(sum, &rows[i]);
	}
	put_latencies(sum, st, rows, n);
	if (opts->limit_of && !opts->limit_of(sum->tgid, &sum->limit))
		sum->limited = true;
	for (size_t i = 0; sum->limited && i < n; i++) {
		rows[i].limited = true;
		rows[i].limit = sum->limit;
	}
	t->contexts += ordinal;
	return 0;
}

static int add_processes(struct top_table *t, const struct top_stats *st, const struct model *m,
			 const struct top_opts *opts)
{
	struct top_list *l = &t->ioases;
	size_t from = 0, to;
	int rc = 0;

	for (; !rc && from < l->n; from = to) {
		for (to = from; to < l->n && l->at[to].tgid == l->at[from].tgid; to++)
			;
		rc = add_process(t, st, m, opts, &l->at[from], to - from);
	}
	return rc;
}

/* ---- which ---- */

static bool wanted(const struct top_opts *opts, const struct top_row *row)
{
	bool pid = !opts->npids;

	for (uint32_t i = 0; i < opts->npids; i++)
		pid |= opts->pids[i] == row->tgid;
	return pid && (!opts->comm || !strncmp(opts->comm, row->comm, sizeof(row->comm))) &&
	       (!opts->ioas || opts->ioas == row->id);
}

/* Its end was lost, too. */
static bool gone(const struct top_opts *opts, const struct top_row *row)
{
	uint64_t limit;

	return !row->known && opts->limit_of &&
	       opts->limit_of(row->tgid, &limit) == -ESRCH;
}

static void choose(struct top_list *l, const struct top_opts *opts)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (wanted(opts, &l->at[i]) && !gone(opts, &l->at[i]))
			l->at[n++] = l->at[i];
	l->n = n;
}

int top_table_take(struct top_table *t, struct top_stats *st, const struct model *m,
		   const struct top_opts *opts, uint64_t now)
{
	struct top_ctx *c;
	uint32_t i;
	int rc = 0;

	*t = (struct top_table){ .records_window = st->records - st->records_before };
	top_stats_turn(st, m, now);
	table_for_each(&st->ctxs, i, c)
		if (!rc)
			rc = add_ctx(t, c, table_get(&m->ctxs, c->cookie));
	choose(&t->ioases, opts);
	if (t->ioases.n)
		qsort(t->ioases.at, t->ioases.n, sizeof(*t->ioases.at), by_process);
	if (!rc)
		rc = add_processes(t, st, m, opts);
	t->ktime_ns = now;
	t->window_ns = st->window_ns;
	t->records = st->records;
	t->lost = st->lost;
	t->violations = st->violations;
	return rc;
}
