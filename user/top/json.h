/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IMS_TOP_JSON_H
#define IMS_TOP_JSON_H

#include <stdio.h>

struct jsonw;
struct top_table;

/* The table, not yet sorted, as one line; 0, or -1 out of memory. */
int top_json(FILE *f, const struct top_table *t);
/* Its schema, as a member of "$defs". */
void top_json_schema(struct jsonw *w);

#endif
