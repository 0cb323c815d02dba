// SPDX-License-Identifier: GPL-2.0-only
/*
 * rules: which invariants check knows, what each needs to see, and whether this
 * kernel shows it.
 *
 * A rule needs kinds of records. Which of them there are is found as check would find
 * it, by trying; who may not try learns nothing about that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "rules/rules.h"
#include "rules/verifier.h"
#include "say.h"
#include "sink/kinds.h"
#include "source/facts.h"

static const char *severity_name(char severity)
{
	return severity == 'S' ? "security" : severity == 'R' ? "resource" : "semantic";
}

/* @best: NULL where nothing could be tried */
static const char *available(const struct ims_trial *best, uint64_t needs)
{
	return !best ? "?" : needs & best->absent ? "no" : "yes";
}

static void put_text(const struct ims_rule *r, uint64_t needs, const char *here)
{
	printf("%-18s %-9s %-5s %s\n%18s needs", r->id, severity_name(r->severity),
	       here, r->statement, "");
	ims_kinds_text(stdout, needs);
	putchar('\n');
}

static void put_json(const struct ims_rule *r, uint64_t needs, const char *here)
{
	struct jsonw w = { .f = stdout };

	jw_object(&w, NULL);
	jw_text(&w, "type", "rule");
	jw_text(&w, "rule", r->id);
	jw_text(&w, "severity", severity_name(r->severity));
	jw_text(&w, "statement", r->statement);
	jw_text(&w, "available", here);
	ims_kinds_json(&w, "needs", needs);
	jw_object_end(&w);
	jw_line_end(&w);
}

static void put_all(const struct ims_settings *set, const struct ims_trial *best)
{
	if (set->output == IMS_OUTPUT_TEXT)
		printf("%-18s %-9s %-5s %s\n", "RULE", "SEVERITY", "HERE", "WHAT MUST HOLD");
	for (unsigned int i = 0; ims_rules[i]; i++) {
		uint64_t needs = ims_rule_needs(ims_rules[i]);

		(set->output == IMS_OUTPUT_JSON ? put_json : put_text)(ims_rules[i], needs,
								       available(best, needs));
	}
}

static int rules_run(const struct ims_settings *set)
{
	struct ims_facts facts;

	if (ims_facts_gather(&facts, IMS_TRY_UNTIL_ONE)) {
		ims_error("out of memory");
		return IMS_EXIT_USAGE;
	}
	put_all(set, ims_facts_best(&facts));
	ims_facts_free(&facts);
	if (!fflush(stdout) && !ferror(stdout))
		return IMS_EXIT_OK;
	ims_error("cannot write to standard output: %s", strerror(errno));
	return IMS_EXIT_USAGE;
}

static const struct ims_opt rules_opts[] = {
	{ "format", 'f', IMS_OPT_OUTPUT, IMS_SET(output), 0, 0, "text|json", "how to print" },
	IMS_OPTS_SAYING,
	{}
};

const struct ims_command ims_rules_command = {
	.name = "rules",
	.usage = "[OPTION]...",
	.summary = "list the rules that check applies, and what each needs",
	.text = "HERE tells whether check can apply the rule on this kernel, which is found by loading\n"
		"and attaching what check would: yes, no, or ? when that cannot be tried; 'iommuscope\n"
		"doctor' says why not, and which kinds of records there are not.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = rules_opts,
	.no_command = true,
	.run = rules_run,
};
