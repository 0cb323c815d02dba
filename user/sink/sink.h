/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where results go: records, violations and the end, as text or JSON lines.
 */
#ifndef IMS_SINK_H
#define IMS_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/record.h"
#include "model/table.h"
#include "record/origin.h"
#include "rules/verifier.h"

/* What became of the command behind "--". */
struct ims_command_result {
	char **argv;
	int code;		/* exit status, or the signal */
	bool signaled;
};

/* All that is known when the stream is over. */
struct ims_outcome {
	const struct ims_summary *summary;		/* NULL: nothing was judged */
	const struct ims_command_result *command;	/* NULL: none was run */
	uint64_t records[IMS_NR_KINDS];			/* that came in */
	uint64_t lost[IMS_LOSS_CLASSES];
};

struct ims_sink;
struct kept;

/* Whoever has nothing to say to an event leaves it away; violation and end must be there. */
struct ims_sink_ops {
	void (*begin)(struct ims_sink *s, const struct ims_origin *o);
	void (*see)(struct ims_sink *s, const struct ims_record *r);	/* all of them */
	/* those that are wanted, where single records are the result */
	void (*record)(struct ims_sink *s, const struct ims_record *r);
	void (*violation)(struct ims_sink *s, const struct ims_violation *v);
	void (*end)(struct ims_sink *s, const struct ims_outcome *o);
	void (*destroy)(struct ims_sink *s);
};

struct ims_sink {
	const struct ims_sink_ops *ops;
	FILE *f;
	const struct ims_verifier *explain;	/* not NULL: violations are, from this one */
	/* text only: names instead of cookies */
	struct table ctxs;
	unsigned int named;
	/* KTAP and JUnit only: violations until the end */
	struct kept *kept;
	void *state;		/* of those that see all records */
};

void ims_text_init(struct ims_sink *s, FILE *f);
void ims_json_init(struct ims_sink *s, FILE *f);
/* Both tell results per rule, so they write everything at the end. */
void ims_ktap_init(struct ims_sink *s, FILE *f);
void ims_junit_init(struct ims_sink *s, FILE *f);
void ims_sink_destroy(struct ims_sink *s);

uint64_t ims_outcome_records(const struct ims_outcome *o);
uint64_t ims_outcome_lost(const struct ims_outcome *o);
const char *ims_severity_name(char severity);
extern const char *const ims_loss_names[IMS_LOSS_CLASSES];

#endif
