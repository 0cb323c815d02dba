// SPDX-License-Identifier: GPL-2.0-only
/*
 * rules: which invariants check knows, what each needs to see, and whether the
 * iommufd of this kernel shows it.
 *
 * A rule needs record kinds; a kind is there when the running kernel has the
 * tracepoint of that name. Without tracefs nothing can be said about that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "record/desc.h"
#include "rules/rules.h"
#include "rules/verifier.h"
#include "say.h"

#define EVENTS "/sys/kernel/tracing/events"

static const char *severity_name(char severity)
{
	return severity == 'S' ? "security" : severity == 'R' ? "resource" : "semantic";
}

/* The collector makes the others. */
static bool of_kernel(unsigned int kind)
{
	return kind != IMS_LOSS && kind != IMS_END;
}

/* The kinds that this kernel does not give. */
static uint64_t absent_kinds(void)
{
	uint64_t absent = 0;
	char path[128];

	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++) {
		if (!of_kernel(kind))
			continue;
		snprintf(path, sizeof(path), EVENTS "/iommufd/iommufd_%s", ims_desc(kind)->name);
		if (access(path, F_OK))
			absent |= 1ULL << kind;
	}
	return absent;
}

/* "yes", "no", or "?" where the kernel cannot be asked. */
static const char *available(uint64_t needs)
{
	if (access(EVENTS, R_OK | X_OK))
		return "?";
	return needs & absent_kinds() ? "no" : "yes";
}

static void put_text(const struct ims_rule *r, uint64_t needs)
{
	printf("%-18s %-9s %-5s %s\n%18s needs", r->id, severity_name(r->severity),
	       available(needs), r->statement, "");
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (of_kernel(kind) && needs >> kind & 1)
			printf(" %s", ims_desc(kind)->name);
	putchar('\n');
}

static void put_json(const struct ims_rule *r, uint64_t needs)
{
	const char *sep = "";

	printf("{\"type\":\"rule\",\"rule\":\"%s\",\"severity\":\"%s\",\"statement\":\"%s\",\"available\":\"%s\",\"needs\":[",
	       r->id, severity_name(r->severity), r->statement, available(needs));
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (of_kernel(kind) && needs >> kind & 1) {
			printf("%s\"%s\"", sep, ims_desc(kind)->name);
			sep = ",";
		}
	puts("]}");
}

static int rules_run(const struct ims_settings *set)
{
	if (set->output == IMS_OUTPUT_TEXT)
		printf("%-18s %-9s %-5s %s\n", "RULE", "SEVERITY", "HERE", "WHAT MUST HOLD");
	for (unsigned int i = 0; ims_rules[i]; i++)
		(set->output == IMS_OUTPUT_JSON ? put_json : put_text)(
			ims_rules[i], ims_rule_needs(ims_rules[i]));
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
	.text = "HERE tells whether this kernel's iommufd has the tracepoints that the rule needs:\n"
		"yes, no, or ? when tracefs cannot be read.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = rules_opts,
	.no_command = true,
	.run = rules_run,
};
