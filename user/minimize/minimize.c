// SPDX-License-Identifier: GPL-2.0-only
#include "minimize/minimize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "minimize/impl.h"
#include "record/desc.h"

#define BUDGET 400000000ULL	/* records verified in all: a minute or two */
#define ROUNDS 6
#define MAX_COOKIES 4096

struct job {
	const struct ims_record **list;
	size_t n;
	const struct ims_verifier_opts *opts;
	struct ims_target *target;
	uint64_t fed;
	/* scratch */
	const struct ims_record **candidate;
	uint32_t *group;
	bool known;		/* the target is known: it must be met */
	uint64_t before, after;	/* contradictions before the target's record, and with it */
	struct ims_verifier *v;	/* that tries now */
	bool seen, met;		/* a violation was; the right one */
};

/* ---- trying ---- */

static void learn(struct ims_target *t, const struct ims_violation *v)
{
	t->rule = v->rule;
	t->seq = v->seq;
	t->ring = v->ring;
	t->ctx = v->ctx;
	memcpy(t->text, v->text, sizeof(t->text));
}

static uint64_t contradictions(struct ims_verifier *v)
{
	struct ims_summary sum;

	ims_verifier_summary(v, &sum);
	return sum.inconsistent;
}

static void on_violation(void *arg, const struct ims_violation *v)
{
	struct job *job = arg;
	struct ims_target *t = job->target;

	if (job->seen)
		return;
	job->seen = true;
	if (!job->known) {
		learn(t, v);
		job->before = contradictions(job->v);
	}
	job->met = !strcmp(t->rule, v->rule) && t->seq == v->seq && t->ring == v->ring &&
		   !strcmp(t->text, v->text) && contradictions(job->v) <= job->before;
}

/*
 * Whether list[n] breaks the target rule at the target record before anything
 * else goes wrong, and contradicts itself no more than the original did; *used is
 * how many records that took.
 */
static bool holds(struct job *job, const struct ims_record *const *list, size_t n, size_t *used)
{
	struct ims_verifier_opts opts = *job->opts;
	size_t i;

	opts.on_violation = on_violation;
	opts.arg = job;
	job->seen = job->met = false;
	job->v = ims_verifier_new(&opts);
	if (!job->v)
		return false;
	for (i = 0; i < n && !job->seen; i++)
		ims_verifier_feed(job->v, list[i]);
	if (!job->known)
		job->after = contradictions(job->v);
	job->met &= contradictions(job->v) <= job->after;
	ims_verifier_free(job->v);
	job->fed += i;
	*used = i;
	return job->met;
}

static bool out_of_budget(struct job *job)
{
	if (job->target->tried)
		job->target->tried(job->target->arg, job->n, job->fed * 1000 / BUDGET);
	if (job->fed > BUDGET)
		job->target->gave_up = true;
	return job->target->gave_up;
}

/* The @n first records of the candidate hold: they are what is left. */
static bool keep_if(struct job *job, size_t n)
{
	size_t used;

	if (n == job->n || !holds(job, job->candidate, n, &used))
		return false;
	memcpy(job->list, job->candidate, used * sizeof(*job->list));
	job->n = used;
	return true;
}

/* ---- what is tried ---- */

/* Without groups [first, first + count).  The records' groups move with them. */
static bool try_without(struct job *job, uint32_t first, uint32_t count)
{
	size_t k = 0, g = 0;
	size_t before = job->n;

	for (size_t i = 0; i < job->n; i++)
		if (job->group[i] == NO_GROUP || job->group[i] - first >= count)
			job->candidate[k++] = job->list[i];
	if (!keep_if(job, k))
		return false;
	for (size_t i = 0; i < before; i++)
		if (job->group[i] == NO_GROUP || job->group[i] - first >= count)
			job->group[g++] = job->group[i];
	return true;
}

/* Delta debugging over @groups: halves, quarters, ... single ones; the last ones first. */
static bool reduce(struct job *job, uint32_t groups)
{
	bool less = false;

	for (uint32_t size = groups > 1 ? groups / 2 : 1; size && groups; size /= 2)
		for (uint32_t at = (groups - 1) / size + 1; at-- && !out_of_budget(job);)
			less |= try_without(job, at * size, size);
	return less;
}

static bool drop_other_ctxs(struct job *job)
{
	size_t k = 0;

	for (size_t i = 0; i < job->n; i++)
		if (job->list[i]->h.ctx == job->target->ctx)
			job->candidate[k++] = job->list[i];
	return keep_if(job, k);
}

static bool drop_cookie(struct job *job, uint64_t cookie)
{
	size_t k = 0;

	for (size_t i = 0; i < job->n; i++)
		if (!record_names(job->list[i], cookie))
			job->candidate[k++] = job->list[i];
	return keep_if(job, k);
}

static unsigned int add_cookies(const struct ims_record *r, uint64_t *list, unsigned int n)
{
	const struct ims_desc *d = ims_desc(r->h.kind);

	for (unsigned int i = 0; i < ims_record_nfields(r) && n < MAX_COOKIES; i++) {
		uint64_t cookie = d->fields[i].show == IMS_SHOW_COOKIE ?
				  ims_field_u64(r, &d->fields[i]) : 0;
		unsigned int k = 0;

		while (k < n && list[k] != cookie)
			k++;
		if (cookie && k == n)
			list[n++] = cookie;
	}
	return n;
}

static bool drop_objects(struct job *job)
{
	static uint64_t cookies[MAX_COOKIES];
	unsigned int n = 0;
	bool less = false;

	for (size_t i = 0; i < job->n && n < MAX_COOKIES; i++)
		n = add_cookies(job->list[i], cookies, n);
	while (n-- && !out_of_budget(job))
		less |= drop_cookie(job, cookies[n]);
	return less;
}

static bool round_of_all(struct job *job)
{
	const struct ims_record *const *list = job->list;
	bool less = reduce(job, group_by_pages(list, job->n, job->group));

	less |= reduce(job, group_by_operation(list, job->n, job->group));
	less |= drop_objects(job);
	less |= reduce(job, group_by_record(list, job->n, job->group));
	return less;
}

int ims_minimize(const struct ims_record **list, size_t *n, const struct ims_verifier_opts *opts,
		 struct ims_target *target)
{
	struct job job = { .list = list, .n = *n, .opts = opts, .target = target };
	int rc = 0;

	*target = (struct ims_target){ .tried = target->tried, .arg = target->arg };
	job.candidate = calloc(*n + 1, sizeof(*job.candidate));
	job.group = calloc(*n + 1, sizeof(*job.group));
	if (!job.candidate || !job.group)
		rc = -ENOMEM;
	else if (!holds(&job, list, *n, &job.n))
		rc = -ENOENT;
	job.known = true;
	if (!rc) {
		drop_other_ctxs(&job);
		for (int i = 0; i < ROUNDS && round_of_all(&job); i++)
			;
		*n = job.n;
	}
	free(job.candidate);
	free(job.group);
	return rc;
}
