// SPDX-License-Identifier: GPL-2.0-only
/* See view.h. */
#include "profile/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/snap.h"

/* ---- rows ---- */

static int by_self(const void *a, const void *b)
{
	const struct view_row *x = a, *y = b;

	return (x->sum.self < y->sum.self) - (x->sum.self > y->sum.self);
}

static void add_up(const struct profile *p, const struct profile_part *part, struct view_row *all)
{
	for (size_t i = 0; i < p->sums.n; i++) {
		const struct profile_sum *s = &p->sums.at[i];

		if (s->key.phase < IMS_PHASES && profile_in_part(p, part, s->key.who))
			ims_sum_add(&all[s->key.phase].sum, &s->sum);
	}
	for (size_t i = 0; i < p->hists.n; i++) {
		const struct profile_hist *h = &p->hists.at[i];

		if (h->key.phase < IMS_PHASES && profile_in_part(p, part, h->key.who))
			hist_merge(&all[h->key.phase].hist, &h->hist);
	}
}

/* In one go over all sums: there may be many, and many parts to be asked for. */
int view_phases(const struct profile *p, const struct profile_part *part, struct view_rows *rows)
{
	struct view_row *all = calloc(IMS_PHASES, sizeof(*all));
	int rc = 0;

	if (!all)
		return -ENOMEM;
	add_up(p, part, all);
	for (enum ims_phase phase = 0; !rc && phase < IMS_PHASES; phase++) {
		all[phase].op = all[phase].phase = phase;
		if (all[phase].sum.calls)
			rc = snap_list_add(*rows, &all[phase]);
	}
	free(all);
	return rc;
}

int view_operation(const struct profile *p, enum ims_phase op, struct view_rows *rows)
{
	const struct profile_part part = { .by_op = true, .op = op };
	int rc = 0;

	for (enum ims_phase phase = 0; !rc && phase < IMS_PHASES; phase++) {
		struct view_row row = { .op = op, .phase = phase };

		profile_total(p, &part, phase, &row.sum, NULL);
		if (row.sum.calls)
			rc = snap_list_add(*rows, &row);
	}
	if (rows->n)
		qsort(rows->at, rows->n, sizeof(*rows->at), by_self);
	return rc;
}

void view_free(struct view_rows *rows)
{
	free(rows->at);
	*rows = (struct view_rows){};
}

/* ---- who ---- */

static bool part_of(const struct profile_who *w, enum view_by by, struct profile_part *part)
{
	*part = (struct profile_part){ .tgid = w->key.tgid };
	if (by == VIEW_PROCESS)
		return true;
	part->ctx = w->key.ctx;
	if (by == VIEW_IOAS)
		part->ioas = w->key.ioas;
	else
		part->device = w->key.device;
	return part->ioas || part->device;
}

static bool same_part(const struct profile_part *a, const struct profile_part *b)
{
	return a->tgid == b->tgid && a->ctx == b->ctx && a->ioas == b->ioas &&
	       a->device == b->device;
}

static int by_key(const void *a, const void *b)
{
	const struct view_who *x = a, *y = b;

	return (x->who.who.id > y->who.who.id) - (x->who.who.id < y->who.who.id);
}

int view_by(const struct profile *p, enum view_by by, struct view_whos *whos)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->who.n; i++) {
		struct view_who new = { .who = p->who.at[i] };
		size_t k = 0;

		if (!part_of(&p->who.at[i], by, &new.part))
			continue;
		while (k < whos->n && !same_part(&whos->at[k].part, &new.part))
			k++;
		if (k == whos->n)
			rc = snap_list_add(*whos, &new);
	}
	if (whos->n)
		qsort(whos->at, whos->n, sizeof(*whos->at), by_key);
	return rc;
}

void view_who_title(const struct view_who *w, enum view_by by, char *text, size_t size)
{
	int comm = strnlen(w->who.who.comm, IMS_COMM);
	int name = strnlen(w->who.who.device, IMS_NAME);

	if (by == VIEW_DEVICE)
		snprintf(text, size, "%.*s of %.*s/%u", name, w->who.who.device, comm,
			 w->who.who.comm, w->part.tgid);
	else if (by == VIEW_IOAS)
		snprintf(text, size, "%.*s/%u IOAS %u", comm, w->who.who.comm, w->part.tgid,
			 w->part.ioas);
	else
		snprintf(text, size, "%.*s/%u", comm, w->who.who.comm, w->part.tgid);
}

/* ---- stacks ---- */

/* The programs that took the stack stand at its end. */
static bool is_ours(const char *name)
{
	return !strncmp(name, "bpf_", 4) || !strncmp(name, "__bpf_", 6);
}

static void add_kernel(const struct profile_report *r, const struct profile_stack *s,
		       struct view_stack *stack)
{
	unsigned int from = 0, n = s ? s->n : 0;
	char name[SYMBOL_MAX];

	for (unsigned int i = 0; i < n; i++) {
		symbols_kernel(r->symbols, s->ip[i], name);
		if (is_ours(name))
			from = i + 1;
	}
	while (n > from && stack->n < VIEW_FRAMES)
		symbols_kernel(r->symbols, s->ip[--n], stack->frame[stack->n++]);
}

void view_stack(const struct profile_report *r, uint32_t who, int32_t ustack, int32_t kstack,
		struct view_stack *stack)
{
	const struct profile_stack *u = profile_stack_find(r->profile, ustack);
	const struct profile_who *w = profile_who_find(r->profile, who);
	uint32_t tgid = w ? w->key.tgid : 0;

	stack->n = 0;
	for (unsigned int i = u ? u->n : 0; i && stack->n < VIEW_FRAMES; i--)
		symbols_user(r->symbols, tgid, u->ip[i - 1], stack->frame[stack->n++]);
	add_kernel(r, profile_stack_find(r->profile, kstack), stack);
}

static int by_ns(const void *a, const void *b)
{
	const struct view_caller *x = a, *y = b;

	return (x->sum.ns < y->sum.ns) - (x->sum.ns > y->sum.ns);
}

int view_callers(const struct profile *p, struct view_callers *callers)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->sums.n; i++) {
		const struct ims_sum_key *key = &p->sums.at[i].key;
		struct view_caller c = {
			.who = key->who, .ustack = key->ustack, .kstack = key->kstack,
			.op = key->op, .sum = p->sums.at[i].sum,
		};

		if (key->op == key->phase)
			rc = snap_list_add(*callers, &c);
	}
	if (callers->n)
		qsort(callers->at, callers->n, sizeof(*callers->at), by_ns);
	return rc;
}
