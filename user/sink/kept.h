/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Violations kept until the end, as text, for formats that are ordered by rule.
 */
#ifndef IMS_KEPT_H
#define IMS_KEPT_H

#include "sink/sink.h"

struct kept {
	struct ims_sink text;	/* writes them */
	struct kept_violation {
		const char *rule;
		uint64_t ctx, ioas;	/* cookies; 0: about none in particular */
		char *said;	/* the sentence */
		char *lines;	/* all of it */
	} *list;
	unsigned int n, cap;
};

struct kept *kept_new(void);
/* ops->violation of a sink that keeps; what does not fit into memory is not kept. */
void kept_violation(struct ims_sink *s, const struct ims_violation *v);
void kept_free(struct kept *k);

#endif
