/* SPDX-License-Identifier: GPL-2.0-only */
/* A set of kinds of records, a bit each, by the names that trace has for them. */
#ifndef IMS_KINDS_H
#define IMS_KINDS_H

#include <stdint.h>
#include <stdio.h>

#include "sink/jsonw.h"

/* A space before each. */
void ims_kinds_text(FILE *f, uint64_t kinds);
/* An array of them. */
void ims_kinds_json(struct jsonw *w, const char *key, uint64_t kinds);

#endif
