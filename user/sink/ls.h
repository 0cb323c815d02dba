/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot, printed: as a tree for people, or as JSON, a line per context and
 * one with the totals. Nothing here changes the snapshot.
 */
#ifndef IMS_LS_SINK_H
#define IMS_LS_SINK_H

#include <stdio.h>

#include "source/snap.h"

struct jsonw;

/* @summary: only who holds how much. 0 or -ENOMEM. */
int ims_ls_text(FILE *f, const struct snapshot *s, bool summary);
int ims_ls_json(FILE *f, const struct snapshot *s, bool summary);
/* The schema of both kinds of lines, as members of "$defs". */
void ims_ls_schema(struct jsonw *w);

#endif
