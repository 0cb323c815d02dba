// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON for programs: one object per line, told apart by "type".
 *
 * Cookies are strings ("0x..."): they are names, not quantities.  Flags are
 * lists of names; bits and values without a name appear as numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "record/desc.h"
#include "rules/rules.h"
#include "sink/jsonw.h"
#include "sink/sink.h"
#include "sink/story.h"

/* ---- a record ---- */

static void put_enum(struct jsonw *w, const char *key, const struct ims_name *names, uint64_t v)
{
	const char *name = ims_name_of(names, v);

	if (name)
		jw_text(w, key, name);
	else
		jw_u64(w, key, v);
}

static void put_flags(struct jsonw *w, const char *key, const struct ims_name *names, uint64_t v)
{
	jw_array(w, key);
	for (; names->name; names++) {
		if (!(v & names->value))
			continue;
		jw_text(w, NULL, names->name);
		v &= ~names->value;
	}
	if (v)
		jw_u64(w, NULL, v);
	jw_array_end(w);
}

static void put_field(struct jsonw *w, const struct ims_record *r, const struct ims_field *field)
{
	const char *key = field->name;

	switch (field->show) {
	case IMS_SHOW_COOKIE:
		jw_hex(w, key, ims_field_u64(r, field));
		break;
	case IMS_SHOW_ADDRESS:
	case IMS_SHOW_BYTES:
	case IMS_SHOW_COUNT:
		jw_u64(w, key, ims_field_u64(r, field));
		break;
	case IMS_SHOW_SIGNED:
	case IMS_SHOW_RC:
		jw_s64(w, key, ims_field_s64(r, field));
		break;
	case IMS_SHOW_BOOL:
		jw_bool(w, key, ims_field_u64(r, field));
		break;
	case IMS_SHOW_ENUM:
		put_enum(w, key, field->names, ims_field_u64(r, field));
		break;
	case IMS_SHOW_FLAGS:
		put_flags(w, key, field->names, ims_field_u64(r, field));
		break;
	case IMS_SHOW_TEXT:
		jw_textn(w, key, ims_field_text(r, field), field->width);
		break;
	}
}

static void put_header(struct jsonw *w, const struct ims_record *r)
{
	const char *action = ims_action_name(r);

	if (action)
		jw_text(w, "action", action);
	else if (r->h.action)
		jw_u64(w, "action", r->h.action);
	jw_u64(w, "ktime_ns", r->h.ktime_ns);
	jw_hex(w, "ctx", r->h.ctx);
	jw_u64(w, "seq", r->h.seq);
	jw_u64(w, "tgid", r->h.tgid);
	jw_u64(w, "tid", r->h.tid);
	jw_u64(w, "cpu", r->h.cpu);
	jw_u64(w, "ring", r->h.ring);
}

static void put_runs(struct jsonw *w, const struct ims_record *r)
{
	const struct ims_run *run = ims_runs(r);

	jw_array(w, "runs");
	for (unsigned int i = 0; i < r->h.nruns; i++) {
		jw_array(w, NULL);
		jw_u64(w, NULL, run[i].addr);
		jw_u64(w, NULL, run[i].len);
		jw_array_end(w);
	}
	jw_array_end(w);
}

static void put_record(struct jsonw *w, const struct ims_record *r)
{
	const struct ims_desc *d = ims_desc(r->h.kind);

	jw_object(w, NULL);
	jw_text(w, "type", "record");
	jw_text(w, "kind", d ? d->name : NULL);
	put_header(w, r);
	for (unsigned int i = 0; i < ims_record_nfields(r); i++)
		put_field(w, r, &d->fields[i]);
	if (d && d->run_addr)
		put_runs(w, r);
	jw_object_end(w);
}

static void json_record(struct ims_sink *s, const struct ims_record *r)
{
	struct jsonw w = { .f = s->f };

	put_record(&w, r);
	jw_line_end(&w);
}

/* ---- a violation ---- */

static void put_lines(struct jsonw *w, const char *key, char *lines)
{
	jw_array(w, key);
	for (const char *at = lines; at && *at;) {
		size_t len = strcspn(at, "\n");

		jw_textn(w, NULL, at, len);
		at += len + !!at[len];
	}
	jw_array_end(w);
	free(lines);
}

static void put_explanation(struct jsonw *w, const struct ims_verifier *verifier,
			    const struct ims_violation *v)
{
	struct ims_names names = {};

	put_lines(w, "story", ims_story(verifier, v, &names));
	put_lines(w, "map", ims_iova_map(v, &names));
}

static void json_violation(struct ims_sink *s, const struct ims_violation *v)
{
	struct jsonw w = { .f = s->f };

	jw_object(&w, NULL);
	jw_text(&w, "type", "violation");
	jw_text(&w, "rule", v->rule);
	jw_text(&w, "severity", ims_severity_name(v->severity));
	jw_text(&w, "statement", v->statement);
	jw_text(&w, "text", v->text);
	jw_text(&w, "object", v->object);
	jw_u64(&w, "ktime_ns", v->ktime_ns);
	jw_hex(&w, "ctx", v->ctx);
	jw_u64(&w, "seq", v->seq);
	jw_u64(&w, "tgid", v->tgid);
	jw_u64(&w, "tid", v->tid);
	jw_u64(&w, "ring", v->ring);
	jw_textn(&w, "comm", v->comm, sizeof(v->comm));
	jw_array(&w, "history");
	for (unsigned int i = 0; i < v->nhistory; i++)
		put_record(&w, v->history[i]);
	jw_array_end(&w);
	if (s->explain)
		put_explanation(&w, s->explain, v);
	jw_object_end(&w);
	jw_line_end(&w);
}

/* ---- the end ---- */

static void put_counts(struct jsonw *w, const struct ims_outcome *o)
{
	jw_object(w, "records");
	for (unsigned int kind = 0; kind < IMS_NR_KINDS; kind++)
		if (o->records[kind])
			jw_u64(w, ims_desc(kind)->name, o->records[kind]);
	jw_object_end(w);
	jw_object(w, "lost");
	for (int c = 0; c < IMS_LOSS_CLASSES; c++)
		jw_u64(w, ims_loss_names[c], o->lost[c]);
	jw_object_end(w);
}

static void put_rules(struct jsonw *w, const struct ims_summary *sum)
{
	jw_object(w, "rules");
	jw_array(w, "checked");
	for (unsigned int i = 0; i < sum->nrules; i++)
		if (!sum->rule[i].why_not)
			jw_text(w, NULL, sum->rule[i].rule->id);
	jw_array_end(w);
	jw_array(w, "not_checked");
	for (unsigned int i = 0; i < sum->nrules; i++) {
		if (!sum->rule[i].why_not)
			continue;
		jw_object(w, NULL);
		jw_text(w, "rule", sum->rule[i].rule->id);
		jw_text(w, "why", sum->rule[i].why_not);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void put_violations(struct jsonw *w, const struct ims_summary *sum)
{
	jw_object(w, "violations");
	for (unsigned int i = 0; i < sum->nrules; i++)
		if (sum->rule[i].violations)
			jw_u64(w, sum->rule[i].rule->id, sum->rule[i].violations);
	jw_object_end(w);
}

static void put_contexts(struct jsonw *w, const struct ims_summary *sum)
{
	jw_object(w, "contexts");
	jw_u64(w, "seen", sum->ctxs);
	jw_u64(w, "given_up", sum->ctxs_unknown);
	jw_u64(w, "foreign_records", sum->foreign);
	jw_u64(w, "inconsistent_records", sum->inconsistent);
	jw_object_end(w);
}

static void put_command(struct jsonw *w, const struct ims_command_result *cmd)
{
	jw_object(w, "command");
	jw_array(w, "argv");
	for (char **arg = cmd->argv; *arg; arg++)
		jw_text(w, NULL, *arg);
	jw_array_end(w);
	jw_u64(w, cmd->signaled ? "signal" : "status", cmd->code);
	jw_object_end(w);
}

static void json_end(struct ims_sink *s, const struct ims_outcome *o)
{
	struct jsonw w = { .f = s->f };

	jw_object(&w, NULL);
	jw_text(&w, "type", "summary");
	jw_text(&w, "verdict", o->summary ? ims_verdict_name(o->summary->verdict) : NULL);
	if (o->summary)
		jw_text(&w, "why", o->summary->why);
	put_counts(&w, o);
	if (o->summary) {
		put_contexts(&w, o->summary);
		put_rules(&w, o->summary);
		put_violations(&w, o->summary);
	}
	if (o->command)
		put_command(&w, o->command);
	jw_object_end(&w);
	jw_line_end(&w);
}

static const struct ims_sink_ops json_ops = {
	.record = json_record,
	.violation = json_violation,
	.end = json_end,
};

void ims_json_init(struct ims_sink *s, FILE *f)
{
	*s = (struct ims_sink){ .ops = &json_ops, .f = f };
}
