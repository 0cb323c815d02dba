/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spans: which pages are used by anybody, out of what each user says it uses.
 *
 * Gather, unite, look, free.  A pages object that was split often is shown by
 * thousands of areas: this costs a sort, and not a search for each of them.
 */
#ifndef IMS_SPANS_H
#define IMS_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	uint64_t first, last;
};

struct spans {
	struct span *span;
	size_t n, cap;
	bool failed;		/* out of memory: some are missing */
};

void spans_add(struct spans *s, uint64_t first, uint64_t last);
/* Sorted from now on, with a hole between any two.  Returns how much they cover. */
uint64_t spans_unite(struct spans *s);
void spans_free(struct spans *s);

#endif
