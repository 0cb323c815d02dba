// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor: what this kernel, this user and this build can do, what each rule needs, and
 * what to do about what is missing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/doctor.h"
#include "record/desc.h"
#include "rules/rules.h"
#include "rules/verifier.h"
#include "say.h"
#include "sink/jsonw.h"
#include "sink/kinds.h"
#include "source/changes.h"
#include "source/facts.h"

static const char *const states[] = { "ok", "limited", "lack" };

/* How check would get its records now. */
static const char *source_name(const struct ims_facts *f)
{
	const struct ims_trial *best = ims_facts_best(f);

	return !best ? "none" : best == &f->tracepoints ? "tracepoints" : "functions";
}

/* The kinds that @rule needs and @best does not give; all without any. */
static uint64_t lacks(const struct ims_trial *best, const struct ims_rule *rule)
{
	return ims_rule_needs(rule) & (best ? best->absent : UINT64_MAX);
}

/* ---- text ---- */

static void text_facts(FILE *f, const struct ims_facts *facts)
{
	for (unsigned int i = 0; i < facts->n; i++) {
		const struct ims_fact *fact = &facts->fact[i];

		fprintf(f, "%-8s %-13s %s\n", states[fact->state], fact->name, fact->found);
		if (fact->remedy[0])
			fprintf(f, "%-8s %-13s -> %s\n", "", "", fact->remedy);
	}
}

static void text_hooks(FILE *f, const struct ims_trial *best)
{
	for (unsigned int i = 0; best && i < best->nhooks; i++) {
		const struct ims_hook *h = &best->hook[i];

		if (h->attached)
			continue;
		fprintf(f, "no hook at %s", h->function);
		if (h->kinds)
			fputs(", so not known:", f);
		ims_kinds_text(f, h->kinds);
		if (ims_change_of_function(h->function))
			fprintf(f, ": gone with %s", ims_change_of_function(h->function));
		fputc('\n', f);
	}
}

static void text_rules(FILE *f, const struct ims_trial *best)
{
	unsigned int checked = 0, n = 0;

	for (; ims_rules[n]; n++) {
		uint64_t lack = lacks(best, ims_rules[n]);

		checked += !lack;
		if (!lack || !best)
			continue;
		fprintf(f, "%-18s is not checked: there is no", ims_rules[n]->id);
		ims_kinds_text(f, lack);
		fputc('\n', f);
	}
	fprintf(f, "%u of %u rules can be checked\n", checked, n);
}

/* What there is not because the kernel is too old. */
static bool too_new(const struct ims_trial *best, unsigned int kind)
{
	return best && (best->absent & ~best->never) >> kind & 1 && ims_change_of_kind(kind);
}

static void text_changes(FILE *f, const struct ims_trial *best)
{
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (too_new(best, kind))
			fprintf(f, "%-18s came with %s\n", ims_desc(kind)->name,
				ims_change_of_kind(kind));
}

static void put_text(FILE *f, const struct ims_facts *facts)
{
	const struct ims_trial *best = ims_facts_best(facts);

	text_facts(f, facts);
	doctor_rights_text(f);
	text_hooks(f, best);
	text_rules(f, best);
	text_changes(f, best);
	if (best)
		fprintf(f, "check can run here, on %s\n", source_name(facts));
	else
		fputs("check cannot run here\n", f);
}

/* ---- JSON ---- */

static void json_facts(struct jsonw *w, const struct ims_facts *facts)
{
	jw_array(w, "facts");
	for (unsigned int i = 0; i < facts->n; i++) {
		const struct ims_fact *fact = &facts->fact[i];

		jw_object(w, NULL);
		jw_text(w, "name", fact->name);
		jw_text(w, "state", states[fact->state]);
		jw_text(w, "found", fact->found);
		if (fact->remedy[0])
			jw_text(w, "remedy", fact->remedy);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void json_hooks(struct jsonw *w, const char *key, const struct ims_trial *t)
{
	jw_array(w, key);
	for (unsigned int i = 0; i < t->nhooks; i++) {
		jw_object(w, NULL);
		jw_text(w, "at", t->hook[i].function);
		jw_bool(w, "attached", t->hook[i].attached);
		ims_kinds_json(w, "kinds", t->hook[i].kinds);
		if (!t->hook[i].attached && ims_change_of_function(t->hook[i].function))
			jw_text(w, "gone_with", ims_change_of_function(t->hook[i].function));
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void json_rules(struct jsonw *w, const struct ims_trial *best)
{
	jw_array(w, "rules");
	for (unsigned int i = 0; ims_rules[i]; i++) {
		uint64_t lack = lacks(best, ims_rules[i]);

		jw_object(w, NULL);
		jw_text(w, "rule", ims_rules[i]->id);
		jw_bool(w, "checked", !lack);
		ims_kinds_json(w, "needs", ims_rule_needs(ims_rules[i]));
		ims_kinds_json(w, "lacks", lack);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void json_changes(struct jsonw *w, const struct ims_trial *best)
{
	jw_array(w, "changes");
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++) {
		if (!too_new(best, kind))
			continue;
		jw_object(w, NULL);
		jw_text(w, "kind", ims_desc(kind)->name);
		jw_text(w, "came_with", ims_change_of_kind(kind));
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_json(FILE *f, const struct ims_facts *facts)
{
	const struct ims_trial *best = ims_facts_best(facts);
	struct jsonw w = { .f = f };

	jw_object(&w, NULL);
	jw_text(&w, "type", "doctor");
	jw_bool(&w, "can_check", best);
	jw_text(&w, "source", source_name(facts));
	json_facts(&w, facts);
	doctor_rights_json(&w);
	json_hooks(&w, "tracepoints", &facts->tracepoints);
	json_hooks(&w, "functions", &facts->functions);
	json_rules(&w, best);
	json_changes(&w, best);
	jw_object_end(&w);
	jw_line_end(&w);
}

static int doctor_run(const struct ims_settings *set)
{
	struct ims_facts facts;
	bool can_check;

	if (ims_facts_gather(&facts, IMS_TRY_BOTH)) {
		ims_error("out of memory");
		return IMS_EXIT_USAGE;
	}
	(set->output == IMS_OUTPUT_JSON ? put_json : put_text)(stdout, &facts);
	can_check = ims_facts_best(&facts);
	ims_facts_free(&facts);
	if (fflush(stdout) || ferror(stdout)) {
		ims_error("cannot write to standard output: %s", strerror(errno));
		return IMS_EXIT_USAGE;
	}
	return can_check ? IMS_EXIT_OK : IMS_EXIT_USAGE;
}

static const struct ims_opt doctor_opts[] = {
	{ "format", 'f', IMS_OPT_OUTPUT, IMS_SET(output), 0, 0, "FORMAT", "text or json" },
	IMS_OPTS_SAYING,
	{}
};

const struct ims_command ims_doctor = {
	.name = "doctor",
	.usage = "[OPTION]...",
	.summary = "tell what this kernel and this user can do, and what to do about the rest",
	.text = "Each fact is found by looking or trying: all programs are loaded and attached, and\n"
		"taken away again. 'lack' is what check cannot run without, 'limited' what leaves\n"
		"something out; '->' says what to do. 'rights' is which command needs which\n"
		"capability, and when it gives it up.\n\n"
		"Exit status: 0 if check can run, 2 if not.\n",
	.opts = doctor_opts,
	.no_command = true,
	.run = doctor_run,
};
