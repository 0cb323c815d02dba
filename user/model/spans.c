// SPDX-License-Identifier: GPL-2.0-only
/* See spans.h. */
#include <stdlib.h>

#include "model/spans.h"

void spans_add(struct spans *s, uint64_t first, uint64_t last)
{
	if (s->n && first && s->span[s->n - 1].last == first - 1) {
		s->span[s->n - 1].last = last;
		return;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct span *p = realloc(s->span, cap * sizeof(*p));

		if (!p) {
			s->failed = true;
			return;
		}
		s->span = p;
		s->cap = cap;
	}
	s->span[s->n++] = (struct span){ first, last };
}

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

uint64_t spans_unite(struct spans *s)
{
	uint64_t sum = 0;
	size_t k = 0;

	if (!s->n)
		return 0;
	qsort(s->span, s->n, sizeof(*s->span), by_first);
	for (size_t i = 1; i < s->n; i++) {
		struct span *to = &s->span[k], *next = &s->span[i];

		if (next->first > to->last && next->first - to->last > 1)
			s->span[++k] = *next;
		else if (next->last > to->last)
			to->last = next->last;
	}
	s->n = k + 1;
	for (size_t i = 0; i < s->n; i++)
		sum += s->span[i].last - s->span[i].first + 1;
	return sum;
}

void spans_free(struct spans *s)
{
	free(s->span);
	*s = (struct spans){ 0 };
}
