/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier: feeds records to the rules and the model, and gives a verdict.
 *
 * The same verifier runs on a live kernel, on a recording and in a unit test.
 * Records of one ctx must come in the order in which they were written; nothing
 * is assumed about the order between ctxs.
 */
#ifndef IMS_VERIFIER_H
#define IMS_VERIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

#define IMS_HISTORY 12		/* records shown with a violation */

struct ims_rule;
struct ims_verifier;
struct m_event;
struct model;

enum ims_verdict { IMS_PASS, IMS_FAIL, IMS_INCONCLUSIVE };

struct ims_violation {
	const char *rule;
	char severity;			/* S, R or M, see rules.h */
	const char *statement;
	char text[512];			/* what went wrong, with the numbers */
	uint64_t seq, ktime_ns, ctx;	/* of the offending record */
	uint8_t ring;
	uint32_t tgid, tid;
	char comm[IMS_COMM];		/* of the ctx's opener */
	char object[128];		/* "IOAS 2, area 0x1000-0x1fff" */
	/* the last records that touched the object, oldest first; the offender ends it */
	const struct ims_record *history[IMS_HISTORY];
	unsigned int nhistory;
	/* the offender and the model at that moment, for the length of the callback */
	const struct m_event *event;
};

struct ims_verifier_opts {
	void (*on_violation)(void *arg, const struct ims_violation *viol);
	/* each one, also those that are counted only; may be NULL */
	void (*on_count)(void *arg, const struct m_event *ev);
	void *arg;
	uint64_t reports;	/* violations told per rule, the rest is counted; 0: 8 */
	uint64_t hpage;		/* huge page size of the kernel, bytes; 0: 2 MiB */
	uint64_t kinds_absent;	/* bit per record kind this source cannot give */
	const char *absent_why;	/* why, for the summary */
};

struct ims_rule_result {
	const struct ims_rule *rule;
	uint64_t checked;	/* how often it was asked */
	uint64_t violations;
	const char *why_not;	/* not NULL: could not be checked, and why */
};

struct ims_summary {
	enum ims_verdict verdict;
	char why[256];				/* one sentence */
	uint64_t records[IMS_NR_KINDS];
	uint64_t total;
	uint64_t lost[IMS_LOSS_CLASSES];
	uint64_t ctxs, ctxs_unknown;		/* seen from birth; of these given up */
	uint64_t foreign;			/* records of ctxs whose birth was not seen */
	uint64_t inconsistent;
	uint64_t violations;
	const struct ims_rule_result *rule;	/* nrules of them */
	unsigned int nrules;
};

/* NULL: out of memory. */
struct ims_verifier *ims_verifier_new(const struct ims_verifier_opts *opts);
void ims_verifier_free(struct ims_verifier *v);
void ims_verifier_feed(struct ims_verifier *v, const struct ims_record *r);
void ims_verifier_summary(struct ims_verifier *v, struct ims_summary *s);
/* What is true after the last record, for who shows it. */
const struct model *ims_verifier_model(const struct ims_verifier *v);

/*
 * More of the history than comes with the violation: the last records about the
 * objects and all domains of their IOAS, back to the births, as far as they are
 * kept.  Only in the callback.
 */
unsigned int ims_verifier_life(const struct ims_verifier *v, const struct ims_violation *viol,
			       const struct ims_record **out, unsigned int max);

/* The record kinds that @rule cannot do without, a bit each. */
uint64_t ims_rule_needs(const struct ims_rule *rule);

const char *ims_verdict_name(enum ims_verdict verdict);

#endif
