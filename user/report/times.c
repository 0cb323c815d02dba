// SPDX-License-Identifier: GPL-2.0-only
#include "report/times.h"

#include <string.h>

#define FIRST_WIDTH 1000	/* ns */

unsigned int times_at(struct times *t, uint64_t ns, unsigned int *folds)
{
	*folds = 0;
	if (!t->begun)
		*t = (struct times){ .origin = ns, .width = FIRST_WIDTH, .last = ns, .begun = true };
	if (ns > t->last)
		t->last = ns;
	while (times_since(t, ns) / t->width >= TIMES) {
		t->width *= 2;
		(*folds)++;
	}
	return times_since(t, ns) / t->width;
}

unsigned int times_used(const struct times *t)
{
	return t->begun ? times_since(t, t->last) / t->width + 1 : 0;
}

/* Contexts are not in order among each other: one may begin before the first record. */
uint64_t times_since(const struct times *t, uint64_t ns)
{
	return ns > t->origin ? ns - t->origin : 0;
}

void gauge_set(struct gauge *g, unsigned int at, int64_t value)
{
	int64_t high = g->set[at] ? g->highest[at] : g->now;

	g->highest[at] = value > high ? value : high;
	g->last[at] = g->now = value;
	g->set[at] = true;
}

void gauge_fold(struct gauge *g)
{
	for (unsigned int i = 0; i < TIMES / 2; i++) {
		unsigned int a = 2 * i, b = a + 1, later = g->set[b] ? b : a;
		bool higher = g->set[b] && (!g->set[a] || g->highest[b] > g->highest[a]);

		g->highest[i] = g->highest[higher ? b : a];
		g->last[i] = g->last[later];
		g->set[i] = g->set[a] || g->set[b];
	}
	memset(g->set + TIMES / 2, 0, sizeof(g->set) / 2);
}

void gauge_read(const struct gauge *g, int64_t *to, unsigned int n)
{
	int64_t held = g->before;

	for (unsigned int i = 0; i < n; i++) {
		to[i] = g->set[i] ? g->highest[i] : held;
		if (g->set[i])
			held = g->last[i];
	}
}

void counts_fold(uint64_t counts[TIMES])
{
	for (unsigned int i = 0; i < TIMES / 2; i++)
		counts[i] = counts[2 * i] + counts[2 * i + 1];
	memset(counts + TIMES / 2, 0, TIMES / 2 * sizeof(*counts));
}
