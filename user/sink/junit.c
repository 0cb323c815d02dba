// SPDX-License-Identifier: GPL-2.0-only
/*
 * JUnit XML, which every CI reads: one test case per rule, one for the verdict.
 * A rule that is broken is a failure, a verdict INCONCLUSIVE an error.
 */
#include <inttypes.h>
#include <string.h>

#include "rules/rules.h"
#include "sink/kept.h"

/* Texts are ours or ASCII; control characters are not allowed in XML. */
static void put_xml(FILE *f, const char *text)
{
	for (; text && *text; text++) {
		switch (*text) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		default:
			putc((*text < 0x20 && *text != '\n') || *text == 0x7f ? '?' : *text, f);
		}
	}
}

static void put_case(FILE *f, const char *name)
{
	fprintf(f, "  <testcase classname=\"iommuscope\" name=\"%s\">\n", name);
}

/* <@element message="...">, without its end. */
static void put_message(FILE *f, const char *element, const char *message)
{
	fprintf(f, "    <%s message=\"", element);
	put_xml(f, message);
	fputs("\">", f);
}

static void put_violations(struct ims_sink *s, const struct ims_rule_result *r)
{
	put_message(s->f, "failure", r->rule->statement);
	for (unsigned int i = 0; s->kept && i < s->kept->n; i++)
		if (!strcmp(s->kept->list[i].rule, r->rule->id))
			put_xml(s->f, s->kept->list[i].lines);
	fprintf(s->f, "violated %" PRIu64 " times</failure>\n", r->violations);
}

static void put_rule(struct ims_sink *s, const struct ims_rule_result *r)
{
	put_case(s->f, r->rule->id);
	if (r->violations) {
		put_violations(s, r);
	} else if (r->why_not || !r->checked) {
		put_message(s->f, "skipped", r->why_not ? r->why_not : "nothing to check");
		fputs("</skipped>\n", s->f);
	}
	fputs("  </testcase>\n", s->f);
}

static void put_verdict(FILE *f, const struct ims_summary *sum)
{
	const char *element = sum->verdict == IMS_FAIL ? "failure" : "error";

	put_case(f, "verdict");
	if (sum->verdict != IMS_PASS) {
		put_message(f, element, sum->why);
		fprintf(f, "%s</%s>\n", ims_verdict_name(sum->verdict), element);
	}
	fputs("  </testcase>\n", f);
}

static void put_suite(FILE *f, const struct ims_summary *sum)
{
	unsigned int failures = sum->verdict == IMS_FAIL, skipped = 0;

	for (unsigned int i = 0; i < sum->nrules; i++) {
		failures += !!sum->rule[i].violations;
		skipped += !sum->rule[i].violations &&
			   (sum->rule[i].why_not || !sum->rule[i].checked);
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", f);
	fprintf(f, "<testsuite name=\"iommuscope\" tests=\"%u\" failures=\"%u\" errors=\"%u\" "
		"skipped=\"%u\">\n", sum->nrules + 1, failures,
		sum->verdict == IMS_INCONCLUSIVE, skipped);
}

static void junit_end(struct ims_sink *s, const struct ims_outcome *o)
{
	const struct ims_summary *sum = o->summary;

	if (!sum)
		return;
	put_suite(s->f, sum);
	for (unsigned int i = 0; i < sum->nrules; i++)
		put_rule(s, &sum->rule[i]);
	put_verdict(s->f, sum);
	fputs("</testsuite>\n", s->f);
}

static const struct ims_sink_ops junit_ops = {
	.violation = kept_violation,
	.end = junit_end,
};

void ims_junit_init(struct ims_sink *s, FILE *f)
{
	*s = (struct ims_sink){ .ops = &junit_ops, .f = f, .kept = kept_new() };
}
