// SPDX-License-Identifier: GPL-2.0-only
#include "report/memory.h"

#include <string.h>

#define UNLIMITED_PAGES (1ULL << 40)	/* RLIM_INFINITY, in pages, is beyond any memory */

/* One that comes back, when it had closed everything for a while, goes on. */
static struct line *known(struct memory *m, const struct usage_process *p)
{
	for (struct line *l = m->line; l < m->line + m->n; l++)
		if (l->gone && l->tgid == p->tgid && !memcmp(l->comm, p->comm, sizeof(l->comm)))
			return l;
	return NULL;
}

static struct line *place(struct memory *m)
{
	struct line *least = NULL;

	if (m->n < LINES)
		return &m->line[m->n++];
	for (struct line *l = m->line; l < m->line + LINES; l++)
		if (l->gone && (!least || l->most < least->most))
			least = l;
	return least;
}

static struct line *line_of(struct memory *m, struct usage_process *p)
{
	struct line *l = p->of_sink ? p->of_sink : known(m, p);

	if (l) {
		l->gone = false;
		p->of_sink = l;
		return l;
	}
	l = place(m);
	m->crowded |= !l || l->gone;
	if (!l)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->limit.now = l->limit.before = NO_LIMIT;
	l->tgid = p->tgid;
	memcpy(l->comm, p->comm, sizeof(l->comm));
	p->of_sink = l;
	return l;
}

void memory_all(struct memory *m, const struct usage *u, unsigned int at)
{
	gauge_set(&m->pinned, at, u->pinned);
	gauge_set(&m->charged, at, u->charged);
}

void memory_feed(struct memory *m, struct usage_process *p, unsigned int at)
{
	int64_t most = p->pinned > p->charged ? p->pinned : p->charged;
	struct line *l;

	if (!most && !p->of_sink)
		return;		/* not worth a line yet */
	l = line_of(m, p);
	if (!l)
		return;
	if (most > l->most)
		l->most = most;
	gauge_set(&l->pinned, at, p->pinned);
	gauge_set(&l->charged, at, p->charged);
	if (!p->locked_known)
		return;
	gauge_set(&l->locked, at, p->locked);
	gauge_set(&l->limit, at, p->limit < UNLIMITED_PAGES ? (int64_t)p->limit : NO_LIMIT);
}

void memory_gone(struct usage_process *p, unsigned int at)
{
	struct line *l = p->of_sink;

	if (!l)
		return;
	gauge_set(&l->pinned, at, 0);
	gauge_set(&l->charged, at, 0);
	gauge_set(&l->locked, at, 0);
	gauge_set(&l->limit, at, NO_LIMIT);
	l->gone = true;
	p->of_sink = NULL;
}

void memory_fold(struct memory *m)
{
	gauge_fold(&m->pinned);
	gauge_fold(&m->charged);
	for (unsigned int i = 0; i < m->n; i++) {
		gauge_fold(&m->line[i].pinned);
		gauge_fold(&m->line[i].charged);
		gauge_fold(&m->line[i].locked);
		gauge_fold(&m->line[i].limit);
	}
}
