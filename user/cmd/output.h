/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a command's results go: one sink for the format asked for, and more for
 * --junit and --perfetto.
 */
#ifndef IMS_OUTPUT_H
#define IMS_OUTPUT_H

#include "opts.h"
#include "sink/sink.h"

struct output {
	struct output_file {
		const char *name;
		FILE *f;
		struct ims_sink sink;
		int err;
	} file[3];
	unsigned int n;
};

/* @results: of the command itself, too.  0, or -1 after saying what is wrong. */
int output_open(struct output *o, const struct ims_settings *set, bool results);
void output_begin(struct output *o, const struct ims_origin *origin);
/* Every record; output_record() only those that are results. */
void output_see(struct output *o, const struct ims_record *r);
void output_record(struct output *o, const struct ims_record *r);
void output_violation(struct output *o, const struct ims_violation *v);
void output_end(struct output *o, const struct ims_outcome *outcome);
/* 0, or -EPIPE: what was written did not arrive. */
int output_failed(struct output *o);
int output_flush(struct output *o);
/* 0, or -1 after saying what is wrong. */
int output_close(struct output *o);

#endif
