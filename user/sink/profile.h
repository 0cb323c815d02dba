/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile as text, a line of JSON, folded stacks or a file for pprof.
 */
#ifndef IMS_SINK_PROFILE_H
#define IMS_SINK_PROFILE_H

#include <stdio.h>

#include "profile/view.h"

struct jsonw;

/* What a stack weighs: its own time, or calls and bytes of the operation it asked for. */
enum profile_weight { PROFILE_NS, PROFILE_CALLS, PROFILE_BYTES };

/* All: 0 or -ENOMEM; whether it could be written, only @f knows. */
int ims_profile_text(FILE *f, const struct profile_report *r);
int ims_profile_json(FILE *f, const struct profile_report *r);
void ims_profile_schema(struct jsonw *w);
int ims_profile_folded(FILE *f, const struct profile_report *r, enum profile_weight weight);
int ims_profile_pprof(FILE *f, const struct profile_report *r);

#endif
