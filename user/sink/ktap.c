// SPDX-License-Identifier: GPL-2.0-only
/*
 * KTAP, the kernel's test protocol: one test per rule, and one for the verdict.
 *
 *	KTAP version 1
 *	1..57
 *	ok 1 APT-MAP
 *	# VIOLATION PFN-ID (security): ...
 *	not ok 2 PFN-ID
 *	ok 3 FLT-DRAIN # SKIP nothing to check
 *	...
 *	# FAIL: 3 violations
 *	not ok 57 verdict
 *
 * INCONCLUSIVE is "not ok": nothing that was not shown to be right may pass.
 */
#include <inttypes.h>
#include <string.h>

#include "rules/rules.h"
#include "sink/kept.h"

static void put_diagnostics(FILE *f, const char *lines)
{
	while (lines && *lines) {
		int len = strcspn(lines, "\n");

		if (len)
			fprintf(f, "# %.*s\n", len, lines);
		lines += len + !!lines[len];
	}
}

static void put_rule(struct ims_sink *s, unsigned int number, const struct ims_rule_result *r)
{
	for (unsigned int i = 0; s->kept && i < s->kept->n; i++)
		if (!strcmp(s->kept->list[i].rule, r->rule->id))
			put_diagnostics(s->f, s->kept->list[i].lines);
	if (r->violations)
		fprintf(s->f, "# violated %" PRIu64 " times: %s\n", r->violations,
			r->rule->statement);
	fprintf(s->f, "%s %u %s", r->violations ? "not ok" : "ok", number, r->rule->id);
	if (r->why_not)
		fprintf(s->f, " # SKIP not checked: %s", r->why_not);
	else if (!r->checked)
		fputs(" # SKIP nothing to check", s->f);
	putc('\n', s->f);
}

static void ktap_end(struct ims_sink *s, const struct ims_outcome *o)
{
	const struct ims_summary *sum = o->summary;
	unsigned int n = sum ? sum->nrules : 0;

	if (!sum)
		return;
	fprintf(s->f, "KTAP version 1\n1..%u\n", n + 1);
	for (unsigned int i = 0; i < n; i++)
		put_rule(s, i + 1, &sum->rule[i]);
	fprintf(s->f, "# %s: %s\n", ims_verdict_name(sum->verdict), sum->why);
	fprintf(s->f, "# %" PRIu64 " records, %" PRIu64 " lost\n", ims_outcome_records(o),
		ims_outcome_lost(o));
	fprintf(s->f, "%s %u verdict\n", sum->verdict == IMS_PASS ? "ok" : "not ok", n + 1);
}

static const struct ims_sink_ops ktap_ops = {
	.violation = kept_violation,
	.end = ktap_end,
};

void ims_ktap_init(struct ims_sink *s, FILE *f)
{
	*s = (struct ims_sink){ .ops = &ktap_ops, .f = f, .kept = kept_new() };
}
