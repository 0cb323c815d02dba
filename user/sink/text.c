// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text for people: one line per record.
 *
 *	 812.034511  vfio-test/712         ctx1   dma_map         domain=0x... iova=0x100000 ...
 *
 * A ctx gets a small number in the order of appearance; the comm is that of its
 * opener, the only one that is recorded.
 */
#define _GNU_SOURCE		/* strerrorname_np() */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/desc.h"
#include "rules/rules.h"
#include "sink/show.h"
#include "sink/sink.h"
#include "sink/story.h"

/* ---- names of contexts ---- */

struct ctx_name {
	unsigned int number;
	uint32_t tgid;
	char comm[IMS_COMM + 1];
};

static struct ctx_name *ctx_name(struct ims_sink *s, uint64_t cookie)
{
	struct ctx_name *n = cookie ? table_get(&s->ctxs, cookie) : NULL;

	if (n || !cookie)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n || table_put(&s->ctxs, cookie, n)) {
		free(n);
		return NULL;
	}
	n->number = ++s->named;
	return n;
}

static void note_birth(struct ims_sink *s, const struct ims_record *r)
{
	struct ctx_name *n;

	if (r->h.kind != IMS_CTX || r->h.action != IMS_CTX_OPEN)
		return;
	n = ctx_name(s, r->h.ctx);
	if (!n)
		return;
	n->tgid = r->h.tgid;
	memcpy(n->comm, r->p.ctx.comm, IMS_COMM);
}

static void note_death(struct ims_sink *s, const struct ims_record *r)
{
	if (r->h.kind == IMS_CTX && r->h.action == IMS_CTX_FREED)
		free(table_del(&s->ctxs, r->h.ctx));
}

/* ---- values ---- */

static void put_rc(FILE *f, int64_t rc)
{
	const char *name = rc < 0 && rc > -4096 ? strerrorname_np(-rc) : NULL;

	if (name)
		fprintf(f, "-%s", name);
	else
		fprintf(f, "%" PRId64, rc);
}

static void put_enum(FILE *f, const struct ims_name *names, uint64_t value)
{
	const char *name = ims_name_of(names, value);

	if (name)
		fputs(name, f);
	else
		fprintf(f, "%#" PRIx64, value);
}

static void put_field(FILE *f, const struct ims_record *r, const struct ims_field *field)
{
	uint64_t value = field->show == IMS_SHOW_TEXT ? 0 : ims_field_u64(r, field);

	fprintf(f, " %s=", field->name);
	switch (field->show) {
	case IMS_SHOW_COOKIE:
	case IMS_SHOW_ADDRESS:
		fprintf(f, "%#" PRIx64, value);
		break;
	case IMS_SHOW_BYTES:
		show_bytes(f, value);
		break;
	case IMS_SHOW_COUNT:
		fprintf(f, "%" PRIu64, value);
		break;
	case IMS_SHOW_SIGNED:
		fprintf(f, "%" PRId64, ims_field_s64(r, field));
		break;
	case IMS_SHOW_RC:
		put_rc(f, ims_field_s64(r, field));
		break;
	case IMS_SHOW_BOOL:
		fputs(value ? "yes" : "no", f);
		break;
	case IMS_SHOW_ENUM:
		put_enum(f, field->names, value);
		break;
	case IMS_SHOW_FLAGS:
		show_flags(f, field->names, value);
		break;
	case IMS_SHOW_TEXT:
		show_text(f, ims_field_text(r, field), field->width);
		break;
	}
}

static void put_runs(FILE *f, const struct ims_desc *d, const struct ims_record *r)
{
	const struct ims_run *run = ims_runs(r);
	bool bytes = d->run_len && !strcmp(d->run_len, "bytes");

	if (!d->run_addr || !r->h.nruns)
		return;
	fprintf(f, " %s=", d->run_addr);
	for (unsigned int i = 0; i < r->h.nruns; i++) {
		fprintf(f, "%s%#llx+", i ? "," : "", run[i].addr);
		if (bytes)
			show_bytes(f, run[i].len);
		else
			fprintf(f, "%llu", run[i].len);
	}
}

/* ---- a record ---- */

static void put_who(struct ims_sink *s, const struct ims_record *r)
{
	const struct ctx_name *n = ctx_name(s, r->h.ctx);
	int width = 0;

	if (n && n->tgid == r->h.tgid && n->comm[0]) {
		show_text(s->f, n->comm, IMS_COMM);
		width = strlen(n->comm);
	} else {
		width = fprintf(s->f, "-");
	}
	width += fprintf(s->f, "/%u", r->h.tid);
	fprintf(s->f, "%*s", width < 22 ? 22 - width : 1, "");
	if (n)
		fprintf(s->f, "ctx%-4u ", n->number);
	else
		fputs("-       ", s->f);
}

static void put_record(struct ims_sink *s, const struct ims_record *r, const char *indent)
{
	const struct ims_desc *d = ims_desc(r->h.kind);
	const char *action = ims_action_name(r);
	char what[40];

	fprintf(s->f, "%s%5llu.%06llu  ", indent, r->h.ktime_ns / 1000000000,
		r->h.ktime_ns / 1000 % 1000000);
	put_who(s, r);
	snprintf(what, sizeof(what), "%s%s%s", d ? d->name : "?", action ? "." : "",
		 action ? action : "");
	fprintf(s->f, "%-17s", what);
	for (unsigned int i = 0; i < ims_record_nfields(r); i++)
		put_field(s->f, r, &d->fields[i]);
	if (d)
		put_runs(s->f, d, r);
	putc('\n', s->f);
}

static void text_record(struct ims_sink *s, const struct ims_record *r)
{
	note_birth(s, r);
	put_record(s, r, "");
	note_death(s, r);
}

/* ---- a violation ---- */

static void put_lines(FILE *f, const char *lines)
{
	while (lines && *lines) {
		int len = strcspn(lines, "\n");

		fprintf(f, "  %.*s\n", len, lines);
		lines += len + !!lines[len];
	}
}

static void put_explanation(struct ims_sink *s, const struct ims_violation *v)
{
	struct ims_names names = {};
	char *story = ims_story(s->explain, v, &names);
	char *map = ims_iova_map(v, &names);

	putc('\n', s->f);
	put_lines(s->f, story);
	if (map && *map)
		putc('\n', s->f);
	put_lines(s->f, map);
	free(story);
	free(map);
}

static void text_violation(struct ims_sink *s, const struct ims_violation *v)
{
	const struct ctx_name *n = ctx_name(s, v->ctx);

	fprintf(s->f, "\nVIOLATION %s (%s): %s\n", v->rule, ims_severity_name(v->severity), v->text);
	fprintf(s->f, "  rule     %s\n  process  ", v->statement);
	show_text(s->f, v->comm, sizeof(v->comm));
	fprintf(s->f, "/%u thread %u, ctx%u\n", v->tgid, v->tid, n ? n->number : 0);
	fprintf(s->f, "  object   %s\n", v->object);
	fprintf(s->f, "  record   ring %u, number %" PRIu64 "; the last ones, oldest first:\n",
		v->ring, v->seq);
	for (unsigned int i = 0; i < v->nhistory; i++)
		put_record(s, v->history[i], "   ");
	if (s->explain)
		put_explanation(s, v);
	putc('\n', s->f);
}

/* ---- the end ---- */

static void put_rules(FILE *f, const struct ims_summary *sum)
{
	unsigned int not_checked = 0, idle = 0;

	for (unsigned int i = 0; i < sum->nrules; i++) {
		const struct ims_rule_result *r = &sum->rule[i];

		not_checked += !!r->why_not;
		idle += !r->why_not && !r->checked;
		if (r->violations)
			fprintf(f, "  %s violated %" PRIu64 " times: %s\n", r->rule->id,
				r->violations, r->rule->statement);
		if (r->why_not)
			fprintf(f, "  %s not checked: %s\n", r->rule->id, r->why_not);
	}
	fprintf(f, "  %u rules checked", sum->nrules - not_checked);
	if (idle)
		fprintf(f, " (%u had nothing to check)", idle);
	fprintf(f, ", %u not\n", not_checked);
}

static void put_counts(FILE *f, const struct ims_outcome *o)
{
	fprintf(f, "  %" PRIu64 " records, %" PRIu64 " lost", ims_outcome_records(o),
		ims_outcome_lost(o));
	for (int c = 0; c < IMS_LOSS_CLASSES; c++)
		if (o->lost[c])
			fprintf(f, ", %s %" PRIu64, ims_loss_names[c], o->lost[c]);
	putc('\n', f);
}

static void put_command(FILE *f, const struct ims_command_result *cmd)
{
	if (cmd->signaled || cmd->code)
		fprintf(f, "  %s %s %d\n", cmd->argv[0],
			cmd->signaled ? "was killed by signal" : "exited with status", cmd->code);
}

static void text_end(struct ims_sink *s, const struct ims_outcome *o)
{
	if (o->summary)
		fprintf(s->f, "%s: %s\n", ims_verdict_name(o->summary->verdict), o->summary->why);
	put_counts(s->f, o);
	if (o->summary)
		put_rules(s->f, o->summary);
	if (o->command)
		put_command(s->f, o->command);
}

static const struct ims_sink_ops text_ops = {
	.record = text_record,
	.violation = text_violation,
	.end = text_end,
};

void ims_text_init(struct ims_sink *s, FILE *f)
{
	*s = (struct ims_sink){ .ops = &text_ops, .f = f };
}
