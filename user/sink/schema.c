// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON schema of what json.c writes, made from the same descriptor table.
 *
 * A line is a record, a violation, a summary, a rule, or one of ls or top.  Nothing is allowed that
 * is not listed, so that a test against the schema finds what only one of the two
 * has.
 */
#include <stdarg.h>
#include <string.h>

#include "record/desc.h"
#include "report/report.h"
#include "rules/rules.h"
#include "sink/jsonw.h"
#include "sink/ls.h"
#include "sink/profile.h"
#include "sink/schema.h"
#include "sink/sink.h"
#include "top/json.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

/* ---- types ---- */

/* "key": {"type": "name"} */
static void put_type(struct jsonw *w, const char *key, const char *type)
{
	jw_object(w, key);
	jw_text(w, "type", type);
	jw_object_end(w);
}

static void put_natural(struct jsonw *w, const char *key)
{
	jw_object(w, key);
	jw_text(w, "type", "integer");
	jw_u64(w, "minimum", 0);
	jw_object_end(w);
}

static void put_ref(struct jsonw *w, const char *key, const char *def)
{
	char ref[64];

	snprintf(ref, sizeof(ref), "#/$defs/%s", def);
	jw_object(w, key);
	jw_text(w, "$ref", ref);
	jw_object_end(w);
}

static void put_const(struct jsonw *w, const char *key, const char *value)
{
	jw_object(w, key);
	jw_text(w, "const", value);
	jw_object_end(w);
}

static void put_names(struct jsonw *w, const char *key, const struct ims_name *names)
{
	jw_object(w, key);
	jw_array(w, "enum");
	for (; names->name; names++)
		jw_text(w, NULL, names->name);
	jw_array_end(w);
	jw_object_end(w);
}

/* One of the names, or the number of a value that has none. */
static void put_named(struct jsonw *w, const char *key, const struct ims_name *names)
{
	jw_object(w, key);
	jw_array(w, "anyOf");
	put_names(w, NULL, names);
	put_natural(w, NULL);
	jw_array_end(w);
	jw_object_end(w);
}

static void put_flags(struct jsonw *w, const char *key, const struct ims_name *names)
{
	jw_object(w, key);
	jw_text(w, "type", "array");
	put_named(w, "items", names);
	jw_object_end(w);
}

static void put_array(struct jsonw *w, const char *key, const char *item)
{
	jw_object(w, key);
	jw_text(w, "type", "array");
	put_type(w, "items", item);
	jw_object_end(w);
}

static void begin_object(struct jsonw *w, const char *key, const char *about)
{
	jw_object(w, key);
	jw_text(w, "type", "object");
	if (about)
		jw_text(w, "description", about);
	jw_bool(w, "additionalProperties", false);
	jw_object(w, "properties");
}

/* The properties are over; @... are the names of those that must be, up to NULL. */
static void end_object(struct jsonw *w, ...)
{
	const char *name;
	va_list args;

	jw_object_end(w);
	jw_array(w, "required");
	va_start(args, w);
	while ((name = va_arg(args, const char *)))
		jw_text(w, NULL, name);
	va_end(args);
	jw_array_end(w);
	jw_object_end(w);
}

/* ---- records ---- */

static void put_field(struct jsonw *w, const struct ims_field *f)
{
	switch (f->show) {
	case IMS_SHOW_COOKIE:
		put_ref(w, f->name, "cookie");
		break;
	case IMS_SHOW_ADDRESS:
	case IMS_SHOW_BYTES:
	case IMS_SHOW_COUNT:
		put_natural(w, f->name);
		break;
	case IMS_SHOW_SIGNED:
	case IMS_SHOW_RC:
		put_type(w, f->name, "integer");
		break;
	case IMS_SHOW_BOOL:
		put_type(w, f->name, "boolean");
		break;
	case IMS_SHOW_ENUM:
		put_named(w, f->name, f->names);
		break;
	case IMS_SHOW_FLAGS:
		put_flags(w, f->name, f->names);
		break;
	case IMS_SHOW_TEXT:
		put_type(w, f->name, "string");
		break;
	}
}

static void put_runs(struct jsonw *w, const struct ims_desc *d)
{
	char about[64];

	snprintf(about, sizeof(about), "pairs of %s and %s", d->run_addr, d->run_len);
	jw_object(w, "runs");
	jw_text(w, "type", "array");
	jw_text(w, "description", about);
	put_ref(w, "items", "run");
	jw_object_end(w);
}

static void put_header(struct jsonw *w, const struct ims_desc *d)
{
	static const char *const numbers[] = { "ktime_ns", "seq", "tgid", "tid", "cpu", "ring" };

	put_const(w, "type", "record");
	put_const(w, "kind", d->name);
	if (d->actions)
		put_named(w, "action", d->actions);
	else
		put_natural(w, "action");
	put_ref(w, "ctx", "cookie");
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_natural(w, numbers[i]);
}

/* All fields must be there, but those of a ctx that is not just opened. */
static void put_required(struct jsonw *w, unsigned int kind, const struct ims_desc *d)
{
	static const char *const always[] = { "type", "kind", "ktime_ns", "ctx", "seq", "tgid",
					      "tid", "cpu", "ring" };

	jw_array(w, "required");
	for (unsigned int i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		jw_text(w, NULL, always[i]);
	for (unsigned int i = 0; kind != IMS_CTX && i < d->nfields; i++)
		jw_text(w, NULL, d->fields[i].name);
	if (d->run_addr)
		jw_text(w, NULL, "runs");
	jw_array_end(w);
}

static void put_kind(struct jsonw *w, unsigned int kind)
{
	const struct ims_desc *d = ims_desc(kind);

	begin_object(w, d->name, d->about);
	put_header(w, d);
	for (unsigned int i = 0; i < d->nfields; i++)
		put_field(w, &d->fields[i]);
	if (d->run_addr)
		put_runs(w, d);
	jw_object_end(w);
	put_required(w, kind, d);
	jw_object_end(w);
}

/* ---- violations ---- */

static const struct ims_name sources[] = {
	{ 0, "tracepoints" }, { 1, "functions" }, { 2, "none" }, {}
};

static const struct ims_name states[] = {
	{ 0, "ok" }, { 1, "limited" }, { 2, "lack" }, {}
};

static const struct ims_name needs[] = {
	{ 0, "have" }, { 1, "lack" }, { 2, "optional" }, { 3, "not here" }, {}
};

static const struct ims_name severities[] = {
	{ 'S', "security" }, { 'R', "resource" }, { 'M', "semantic" }, {}
};

static void put_violation(struct jsonw *w)
{
	static const char *const texts[] = { "rule", "statement", "text", "object", "comm" };
	static const char *const numbers[] = { "ktime_ns", "seq", "tgid", "tid", "ring" };

	begin_object(w, "violation", "a rule was broken");
	put_const(w, "type", "violation");
	put_names(w, "severity", severities);
	put_ref(w, "ctx", "cookie");
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_type(w, texts[i], "string");
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_natural(w, numbers[i]);
	jw_object(w, "history");
	jw_text(w, "type", "array");
	jw_text(w, "description", "the last records about the object; the offender ends it");
	put_ref(w, "items", "record");
	jw_object_end(w);
	put_array(w, "story", "string");
	put_array(w, "map", "string");
	end_object(w, "type", "rule", "severity", "statement", "text", "object", "ktime_ns",
		   "ctx", "seq", "tgid", "tid", "ring", "comm", "history", NULL);
}

/* ---- the summary ---- */

/* Numbers by kind, class or rule. */
static void put_records(struct jsonw *w)
{
	begin_object(w, "records", "by kind");
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (kind != IMS_LOSS && kind != IMS_END)
			put_natural(w, ims_desc(kind)->name);
	end_object(w, NULL);
}

static void put_lost(struct jsonw *w)
{
	begin_object(w, "lost", "records that did not arrive, by reason");
	for (int c = 0; c < IMS_LOSS_CLASSES; c++)
		put_natural(w, ims_loss_names[c]);
	end_object(w, ims_loss_names[0], ims_loss_names[1], ims_loss_names[2], NULL);
}

static void put_rules(struct jsonw *w)
{
	begin_object(w, "rules", NULL);
	put_array(w, "checked", "string");
	jw_object(w, "not_checked");
	jw_text(w, "type", "array");
	begin_object(w, "items", NULL);
	put_type(w, "rule", "string");
	put_type(w, "why", "string");
	end_object(w, "rule", "why", NULL);
	jw_object_end(w);
	end_object(w, "checked", "not_checked", NULL);
}

/* A line of "iommuscope rules". */
static void put_rule(struct jsonw *w)
{
	begin_object(w, "rule", "a rule that check applies");
	put_const(w, "type", "rule");
	put_type(w, "rule", "string");
	put_names(w, "severity", severities);
	put_type(w, "statement", "string");
	put_type(w, "available", "string");
	put_array(w, "needs", "string");
	end_object(w, "type", "rule", "severity", "statement", "available", "needs", NULL);
}

/* An array of objects, which the caller describes before end_items(). */
static void begin_items(struct jsonw *w, const char *key)
{
	jw_object(w, key);
	jw_text(w, "type", "array");
	begin_object(w, "items", NULL);
}

static void put_hooks(struct jsonw *w, const char *key)
{
	begin_items(w, key);
	put_type(w, "at", "string");
	put_type(w, "attached", "boolean");
	put_array(w, "kinds", "string");
	put_type(w, "gone_with", "string");
	end_object(w, "at", "attached", "kinds", NULL);
	jw_object_end(w);
}

static void put_rights(struct jsonw *w)
{
	begin_items(w, "rights");
	put_type(w, "commands", "string");
	begin_items(w, "needs");
	put_type(w, "capability", "string");
	put_names(w, "state", needs);
	put_type(w, "must", "boolean");
	put_type(w, "why", "string");
	put_type(w, "if", "string");
	end_object(w, "capability", "state", "must", "why", NULL);
	jw_object_end(w);
	end_object(w, "commands", "needs", NULL);
	jw_object_end(w);
	put_array(w, "given_up", "string");
}

static void put_doctor(struct jsonw *w)
{
	begin_object(w, "doctor", "what could be done here");
	put_const(w, "type", "doctor");
	put_type(w, "can_check", "boolean");
	put_names(w, "source", sources);
	begin_items(w, "facts");
	put_type(w, "name", "string");
	put_names(w, "state", states);
	put_type(w, "found", "string");
	put_type(w, "remedy", "string");
	end_object(w, "name", "state", "found", NULL);
	jw_object_end(w);
	put_rights(w);
	put_hooks(w, "tracepoints");
	put_hooks(w, "functions");
	begin_items(w, "rules");
	put_type(w, "rule", "string");
	put_type(w, "checked", "boolean");
	put_array(w, "needs", "string");
	put_array(w, "lacks", "string");
	end_object(w, "rule", "checked", "needs", "lacks", NULL);
	jw_object_end(w);
	begin_items(w, "changes");
	put_type(w, "kind", "string");
	put_type(w, "came_with", "string");
	end_object(w, "kind", "came_with", NULL);
	jw_object_end(w);
	end_object(w, "type", "can_check", "source", "facts", "rights", "given_up", "tracepoints",
		   "functions", "rules", "changes", NULL);
}

static void put_violations(struct jsonw *w)
{
	begin_object(w, "violations", "how many, by rule");
	for (unsigned int i = 0; ims_rules[i]; i++)
		put_natural(w, ims_rules[i]->id);
	end_object(w, NULL);
}

static void put_contexts(struct jsonw *w)
{
	begin_object(w, "contexts", NULL);
	put_natural(w, "seen");
	put_natural(w, "given_up");
	put_natural(w, "foreign_records");
	put_natural(w, "inconsistent_records");
	end_object(w, "seen", "given_up", "foreign_records", "inconsistent_records", NULL);
}

static void put_command(struct jsonw *w)
{
	begin_object(w, "command", "what became of the command behind --");
	put_array(w, "argv", "string");
	put_natural(w, "status");
	put_natural(w, "signal");
	end_object(w, "argv", NULL);
}

static void put_verdicts(struct jsonw *w)
{
	jw_object(w, "verdict");
	jw_array(w, "enum");
	for (int v = IMS_PASS; v <= IMS_INCONCLUSIVE; v++)
		jw_text(w, NULL, ims_verdict_name(v));
	jw_text(w, NULL, NULL);	/* of trace, which does not judge */
	jw_array_end(w);
	jw_object_end(w);
}

static void put_summary(struct jsonw *w)
{
	begin_object(w, "summary", "the last line");
	put_const(w, "type", "summary");
	put_verdicts(w);
	put_type(w, "why", "string");
	put_records(w);
	put_lost(w);
	put_contexts(w);
	put_rules(w);
	put_violations(w);
	put_command(w);
	end_object(w, "type", "verdict", "records", "lost", NULL);
}

/* ---- all ---- */

static void put_cookie_and_run(struct jsonw *w)
{
	jw_object(w, "cookie");
	jw_text(w, "type", "string");
	jw_text(w, "description", "names an object between its birth and its death");
	jw_text(w, "pattern", "^0x[0-9a-f]{1,16}$");
	jw_object_end(w);
	jw_object(w, "run");
	jw_text(w, "type", "array");
	jw_array(w, "prefixItems");
	put_natural(w, NULL);
	put_natural(w, NULL);
	jw_array_end(w);
	jw_u64(w, "minItems", 2);
	jw_bool(w, "items", false);
	jw_object_end(w);
}

/* One of the kinds, told apart by "kind". */
static void put_record(struct jsonw *w)
{
	jw_object(w, "record");
	jw_text(w, "type", "object");
	jw_array(w, "required");
	jw_text(w, NULL, "kind");
	jw_array_end(w);
	jw_array(w, "oneOf");
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		put_ref(w, NULL, ims_desc(kind)->name);
	jw_array_end(w);
	jw_object_end(w);
}

void ims_schema_put(FILE *f)
{
	struct jsonw w = { .f = f };

	jw_object(&w, NULL);
	jw_text(&w, "$schema", DIALECT);
	jw_text(&w, "title", "a line of iommuscope --format json");
	jw_array(&w, "oneOf");
	put_ref(&w, NULL, "record");
	put_ref(&w, NULL, "violation");
	put_ref(&w, NULL, "summary");
	put_ref(&w, NULL, "rule");
	put_ref(&w, NULL, "context");
	put_ref(&w, NULL, "totals");
	put_ref(&w, NULL, "doctor");
	put_ref(&w, NULL, "profile");
	put_ref(&w, NULL, "report");
	put_ref(&w, NULL, "top");
	jw_array_end(&w);
	jw_object(&w, "$defs");
	put_cookie_and_run(&w);
	put_record(&w);
	put_violation(&w);
	put_summary(&w);
	put_rule(&w);
	put_doctor(&w);
	ims_ls_schema(&w);
	ims_profile_schema(&w);
	ims_report_schema(&w);
	top_json_schema(&w);
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		put_kind(&w, kind);
	jw_object_end(&w);
	jw_object_end(&w);
	jw_line_end(&w);
}
