/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording, aggregated: what the page shows, and what report --format json prints.
 *
 * A sink that sees all records and writes at the end. Its memory depends on what is
 * open at the same time and on the limits in the headers here, not on how many
 * records there are.
 */
#ifndef IMS_REPORT_H
#define IMS_REPORT_H

#include "report/found.h"
#include "report/memory.h"
#include "report/spaces.h"
#include "report/times.h"
#include "report/work.h"
#include "sink/sink.h"
#include "view/calls.h"
#include "view/usage.h"

#define LENGTHS 40		/* of runs: 1, 2, 4, ... pages */

struct lengths {
	uint64_t runs[LENGTHS], pages[LENGTHS];
};

struct report {
	const struct ims_origin *origin;
	struct times times;
	unsigned int now;	/* the bucket of the record that is being looked at */
	struct calls calls;
	struct usage usage;
	struct work work;
	struct memory memory;
	struct spaces spaces;
	struct founds founds;
	struct lengths pinned, mapped;
	uint64_t records[TIMES], lost[TIMES];
};

/* As JSON, or as a page; false: out of memory. */
bool ims_report_json_init(struct ims_sink *s, FILE *f);
bool ims_report_page_init(struct ims_sink *s, FILE *f);

struct jsonw;
void report_json(const struct report *r, const struct ims_outcome *o, FILE *f);
void report_page(const struct report *r, const struct ims_outcome *o, FILE *f);
/* A member of "$defs". */
void ims_report_schema(struct jsonw *w);

#endif
