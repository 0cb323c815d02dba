/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Violations, kept as text until the page is written: the model that explains them is
 * another one a moment later. The verifier tells a few of each rule, and of these so
 * many are kept that a page stays small.
 */
#ifndef IMS_FOUND_H
#define IMS_FOUND_H

#include "rules/verifier.h"

#define MOST_FOUND 200

struct found {
	const char *rule, *statement;
	char severity;
	char *text, *object;
	char *story, *map, *history;	/* lines; NULL: there was no memory for them */
	uint64_t ktime_ns, seq;
	uint32_t tgid, tid;
	char comm[IMS_COMM];
	unsigned int space;		/* see spaces.h */
	bool about_iova;
	uint64_t start, last;
};

struct founds {
	struct found at[MOST_FOUND];
	unsigned int n;
	uint64_t others;		/* told, but not kept */
};

/* @explain: by which the violation is explained */
void found_add(struct founds *f, const struct ims_violation *v,
	       const struct ims_verifier *explain, unsigned int space);
void found_destroy(struct founds *f);

#endif
