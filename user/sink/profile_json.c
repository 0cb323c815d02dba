// SPDX-License-Identifier: GPL-2.0-only
/*
 * A profile as one line of JSON, which --compare reads again.
 */
#include <stdlib.h>
#include <string.h>

#include "sink/members.h"
#include "sink/profile.h"
#include "sink/sink.h"
#include "source/snap.h"

/* ---- numbers ---- */

static void put_phase(struct jm *o, const char *key, enum ims_phase phase)
{
	jm_text(o, key, profile_phase_name(phase), SIZE_MAX);
}

static void put_sum(struct jm *o, const struct ims_sum *s)
{
	jm_number(o, "calls", s->calls);
	jm_number(o, "errors", s->errors);
	jm_number(o, "ns", s->ns);
	jm_number(o, "self_ns", s->self);
	jm_number(o, "pages", s->pages);
	jm_number(o, "bytes", s->bytes);
	jm_number(o, "runs", s->runs);
}

struct bucket {
	uint64_t first, n;
};

static void put_bucket(struct jm *o, const void *item)
{
	const struct bucket *b = item;

	jm_number(o, "from_ns", b->first);
	jm_number(o, "calls", b->n);
}

static void put_hist(struct jm *o, const struct hist *h)
{
	struct bucket full[HIST_BUCKETS];
	size_t n = 0;

	jm_number(o, "p50_ns", hist_quantile(h, 500));
	jm_number(o, "p90_ns", hist_quantile(h, 900));
	jm_number(o, "p99_ns", hist_quantile(h, 990));
	jm_number(o, "max_ns", hist_quantile(h, 1000));
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (h->bucket[i])
			full[n++] = (struct bucket){ hist_first(i), h->bucket[i] };
	jm_array(o, "latencies", put_bucket, full, n, sizeof(*full));
}

static void put_row(struct jm *o, const void *item)
{
	const struct view_row *row = item;

	put_phase(o, "phase", row->phase);
	put_sum(o, &row->sum);
	put_hist(o, &row->hist);
}

/* ---- operations and what they are made of ---- */

static void put_part(struct jm *o, const void *item)
{
	const struct view_row *row = item;

	put_phase(o, "phase", row->phase);
	put_sum(o, &row->sum);
}

struct operation {
	enum ims_phase op;
	struct view_rows rows;
};

static void put_operation(struct jm *o, const void *item)
{
	const struct operation *op = item;

	put_phase(o, "operation", op->op);
	JM_ARRAY(o, "phases", put_part, op->rows);
}

static void put_operations(struct jm *o, const struct profile_report *r)
{
	struct operation list[IMS_PHASES] = {};
	size_t n = 0;

	for (enum ims_phase op = 0; r->profile && op < IMS_PHASES; op++) {
		list[n].op = op;
		if (!view_operation(r->profile, op, &list[n].rows) && list[n].rows.n)
			n++;
	}
	jm_array(o, "operations", put_operation, list, n, sizeof(*list));
	while (n)
		view_free(&list[--n].rows);
}

/* ---- who ---- */

struct one {
	const struct profile_report *report;
	struct view_who who;
};

static void put_rows(struct jm *o, const struct profile_report *r, const struct profile_part *part)
{
	struct view_rows rows = {};

	if (r && r->profile)
		view_phases(r->profile, part, &rows);
	JM_ARRAY(o, "phases", put_row, rows);
	view_free(&rows);
}

static void put_process(struct jm *o, const void *item)
{
	const struct one *one = item;

	jm_number(o, "tgid", one->who.part.tgid);
	jm_text(o, "comm", one->who.who.who.comm, IMS_COMM);
	put_rows(o, one->report, &one->who.part);
}

static void put_ioas(struct jm *o, const void *item)
{
	const struct one *one = item;

	jm_cookie(o, "ctx", one->who.part.ctx);
	jm_number(o, "ioas", one->who.part.ioas);
	put_process(o, item);
}

static void put_device(struct jm *o, const void *item)
{
	const struct one *one = item;

	jm_cookie(o, "ctx", one->who.part.ctx);
	jm_number(o, "device", one->who.part.device);
	jm_text(o, "name", one->who.who.who.device, IMS_NAME);
	put_process(o, item);
}

static void put_whos(struct jm *o, const char *key, const struct profile_report *r,
		     enum view_by by, jm_body_fn body)
{
	struct view_whos whos = {};
	struct one *list;

	if (r->profile)
		view_by(r->profile, by, &whos);
	list = calloc(whos.n + 1, sizeof(*list));
	for (size_t i = 0; list && i < whos.n; i++)
		list[i] = (struct one){ r, whos.at[i] };
	jm_array(o, key, body, list, list ? whos.n : 0, sizeof(*list));
	free(list);
	free(whos.at);
}

/* ---- memory ---- */

struct class {
	uint64_t from, n, pages;
};

static void put_runs(struct jm *o, const void *item)
{
	const struct class *c = item;

	jm_number(o, "from_pages", c->from);
	jm_number(o, "runs", c->n);
	jm_number(o, "pages", c->pages);
}

static void put_pins(struct jm *o, const void *item)
{
	const struct class *c = item;

	jm_number(o, "from_pages", c->from);
	jm_number(o, "calls", c->n);
}

static void put_memory(struct jm *o, const void *item)
{
	const struct ims_shape *s = item;
	struct class runs[IMS_CLASSES], pins[IMS_CLASSES];
	size_t nruns = 0, npins = 0;

	for (int i = 0; i < IMS_CLASSES; i++) {
		if (s->runs[i])
			runs[nruns++] = (struct class){ 1ULL << i, s->runs[i], s->pages[i] };
		if (s->pins[i])
			pins[npins++] = (struct class){ 1ULL << i, s->pins[i], 0 };
	}
	jm_number(o, "huge_pages", s->huge);
	jm_number(o, "huge_mapped_pages", s->huge_mapped);
	jm_array(o, "runs", put_runs, runs, nruns, sizeof(*runs));
	jm_array(o, "pins", put_pins, pins, npins, sizeof(*pins));
}

/* ---- stacks ---- */

static void put_frames(struct jm *o, const struct profile_report *r, uint32_t who, int32_t ustack,
		       int32_t kstack)
{
	struct view_stack *stack = calloc(1, sizeof(*stack));
	const char *names[VIEW_FRAMES];

	if (stack && r && r->profile)
		view_stack(r, who, ustack, kstack, stack);
	for (unsigned int i = 0; stack && i < stack->n; i++)
		names[i] = stack->frame[i];
	jm_texts(o, "frames", names, stack ? stack->n : 0);
	free(stack);
}

struct stacked {
	const struct profile_report *report;
	struct profile_sum sum;
};

static uint32_t tgid_of(const struct profile_report *r, uint32_t who)
{
	const struct profile_who *w = r && r->profile ? profile_who_find(r->profile, who) : NULL;

	return w ? w->key.tgid : 0;
}

static void put_stack(struct jm *o, const void *item)
{
	const struct stacked *s = item;
	const struct ims_sum_key *key = &s->sum.key;

	jm_number(o, "tgid", tgid_of(s->report, key->who));
	put_phase(o, "operation", key->op);
	put_phase(o, "phase", key->phase);
	put_sum(o, &s->sum.sum);
	put_frames(o, s->report, key->who, key->ustack, key->kstack);
}

static void put_stacks(struct jm *o, const struct profile_report *r)
{
	size_t n = r->profile ? r->profile->sums.n : 0;
	struct stacked *list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = (struct stacked){ r, r->profile->sums.at[i] };
	jm_array(o, "stacks", put_stack, list, list ? n : 0, sizeof(*list));
	free(list);
}

/* ---- the slowest ---- */

struct slow {
	const struct profile_report *report;
	const struct ims_slow *slow;
};

static void put_slow_phases(struct jm *o, const struct ims_slow *s)
{
	struct view_row rows[IMS_PHASES] = {};
	size_t n = 0;

	for (enum ims_phase phase = 0; s && phase < IMS_PHASES; phase++)
		if (s->phase[phase].calls)
			rows[n++] = (struct view_row){ s->op, phase, s->phase[phase], {} };
	jm_array(o, "phases", put_part, rows, n, sizeof(*rows));
}

static void put_slow(struct jm *o, const void *item)
{
	static const struct ims_slow none;
	const struct slow *slow = item;
	const struct ims_slow *s = slow->slow ? slow->slow : &none;

	put_phase(o, "operation", s->op);
	jm_number(o, "ns", s->ns);
	jm_number(o, "end_ns", s->end);
	jm_number(o, "tgid", tgid_of(slow->report, s->who));
	jm_number(o, "tid", s->tid);
	jm_integer(o, "result", s->rc);
	put_slow_phases(o, s);
	put_frames(o, slow->report, s->who, s->ustack, s->kstack);
}

static void put_slowest(struct jm *o, const struct profile_report *r)
{
	struct slow list[IMS_SLOWEST];
	size_t n = 0;

	while (r->profile && n < r->profile->nslow) {
		list[n] = (struct slow){ r, &r->profile->slow[n] };
		n++;
	}
	jm_array(o, "slowest", put_slow, list, n, sizeof(*list));
}

/* ---- what is missing ---- */

static void put_absent(struct jm *o, const struct profile *p)
{
	const char *names[IMS_PHASES];
	size_t n = 0;

	for (enum ims_phase phase = 0; p && phase < IMS_PHASES; phase++)
		if (p->absent >> phase & 1)
			names[n++] = profile_phase_name(phase);
	jm_texts(o, "absent", names, n);
}

static void put_lost(struct jm *o, const void *item)
{
	const struct profile *p = item;

	for (enum ims_profile_loss class = 0; class < IMS_PL_CLASSES; class++)
		jm_number(o, profile_lost_name(class), p->lost[class]);
	jm_number(o, "slow", p->slow_missed);
}

static void put_command(struct jm *o, const void *item)
{
	const struct ims_command_result *c = item;
	size_t n = 0;

	while (c->argv && c->argv[n])
		n++;
	jm_texts(o, "argv", (const char **)c->argv, n);
	jm_truth(o, "signaled", c->signaled);
	jm_number(o, "code", c->code);
}

/* ---- all ---- */

static void put_profile(struct jm *o, const void *item)
{
	const struct profile_report *r = item;
	static const struct profile none;
	static const struct ims_command_result no_command;
	const struct profile *p = r->profile ? r->profile : &none;
	const struct profile_part all = {};
	struct ims_shape shape;

	jm_kind(o, "profile");
	jm_number(o, "duration_ns", p->end - p->start);
	put_rows(o, r, &all);
	put_operations(o, r);
	put_whos(o, "processes", r, VIEW_PROCESS, put_process);
	put_whos(o, "ioases", r, VIEW_IOAS, put_ioas);
	put_whos(o, "devices", r, VIEW_DEVICE, put_device);
	profile_shape_total(p, &all, &shape);
	jm_object(o, "memory", put_memory, &shape);
	put_stacks(o, r);
	put_slowest(o, r);
	put_absent(o, r->profile);
	jm_object(o, "lost", put_lost, p);
	if (r->command || o->mode == JM_TYPE)
		jm_object(o, "command", put_command, r->command ? r->command : &no_command);
}

int ims_profile_json(FILE *f, const struct profile_report *r)
{
	struct jm o = { .w = { .f = f } };

	jm_object(&o, NULL, put_profile, r);
	jw_line_end(&o.w);
	return 0;
}

void ims_profile_schema(struct jsonw *w)
{
	static const struct profile_report nothing;
	struct jm o = { .w = *w, .mode = JM_TYPE };

	jm_object(&o, "profile", put_profile, &nothing);
	*w = o.w;
}
