// SPDX-License-Identifier: GPL-2.0-only
/* See stream.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

static bool fits(const struct stream *s, unsigned int i, const struct ims_violation *viol)
{
	return !s->expect[i].fired && !strcmp(s->expect[i].rule, viol->rule) &&
	       (!s->expect[i].text || strstr(viol->text, s->expect[i].text));
}

static void on_violation(void *arg, const struct ims_violation *viol)
{
	struct stream *s = arg;

	s->violations++;
	snprintf(s->last, sizeof(s->last), "%s", viol->text);
	snprintf(s->object, sizeof(s->object), "%s", viol->object);
	s->nhistory = viol->nhistory;
	assert_true(viol->seq == s->seq);
	assert_true(viol->nhistory > 0);
	assert_true(viol->history[viol->nhistory - 1]->h.seq == s->seq);
	for (unsigned int i = 0; i < s->nexpect; i++)
		if (fits(s, i, viol)) {
			s->expect[i].fired = true;
			return;
		}
	if (s->may_violate)
		return;
	fail_msg("record %llu broke %s: %s", (unsigned long long)s->seq, viol->rule, viol->text);
}

struct stream *stream_new_opts(const struct ims_verifier_opts *opts)
{
	struct ims_verifier_opts o = *opts;
	struct stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	o.on_violation = on_violation;
	o.arg = s;
	s->v = ims_verifier_new(&o);
	assert_non_null(s->v);
	s->ctx = C1;
	s->tid = 1;
	s->mode = IMS_ACCT_USER;
	s->limit = 1 << 20;
	s->writable = true;
	s->pgsize = 0x40201000;
	s->hw_flags = IMS_HW_COHERENT | IMS_HW_ISOLATED_MSI;
	return s;
}

struct stream *stream_new(void)
{
	return stream_new_opts(&(struct ims_verifier_opts){ 0 });
}

void stream_end_as(struct stream *s, enum ims_verdict verdict)
{
	struct ims_summary sum;

	ims_verifier_summary(s->v, &sum);
	if (sum.verdict != verdict)
		fail_msg("the verdict is %s: %s", ims_verdict_name(sum.verdict), sum.why);
	assert_int_equal(sum.violations, s->violations);
	ims_verifier_free(s->v);
	free(s);
}

void stream_end(struct stream *s)
{
	stream_end_as(s, s->violations ? IMS_FAIL : IMS_PASS);
}

void thread(struct stream *s, uint32_t tid)
{
	s->tid = tid;
}

void stream_expect(struct stream *s, const char *rule, const char *text)
{
	assert_true(s->nexpect < B_EXPECT);
	if (!s->nexpect)
		s->fed = 0;
	s->expect[s->nexpect].rule = rule;
	s->expect[s->nexpect].text = text;
	s->expect[s->nexpect++].fired = false;
}

void stream_met(struct stream *s)
{
	if (s->fed != 1)
		fail_msg("%u records were fed where one should break a rule", s->fed);
	for (unsigned int i = 0; i < s->nexpect; i++)
		if (!s->expect[i].fired)
			fail_msg("record %llu does not break %s with \"%s\"",
				 (unsigned long long)s->seq, s->expect[i].rule,
				 s->expect[i].text ? s->expect[i].text : "");
	s->nexpect = 0;
}

#ifndef STREAM_OWN_FEED
static void check_sane(struct stream *s)
{
	struct ims_summary sum;

	if (s->may_contradict)
		return;
	ims_verifier_summary(s->v, &sum);
	if (sum.inconsistent)
		fail_msg("record %llu: %s", (unsigned long long)s->seq, sum.why);
}

void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns)
{
	size_t size = ims_payload_size(kind);
	/* no byte more than the record has: reading on is seen by ASan */
	struct ims_record *r = malloc(sizeof(r->h) + size + nruns * sizeof(*runs));

	assert_non_null(r);
	r->h = (struct ims_hdr){ .ktime_ns = ++s->seq, .ctx = s->ctx, .seq = s->seq,
				 .tgid = s->tid, .tid = s->tid, .kind = kind, .action = action,
				 .ring = s->ring, .nruns = nruns, .lost = s->lost };
	memcpy((char *)r + sizeof(r->h), payload, size);
	if (nruns)
		memcpy((char *)r + sizeof(r->h) + size, runs, nruns * sizeof(*runs));
	s->fed++;
	ims_verifier_feed(s->v, r);
	free(r);
	check_sane(s);
}
#endif

#define FEED(s, KIND, action, type, ...) \
	feed(s, KIND, action, &(struct type){ __VA_ARGS__ }, NULL, 0)
#define FEED_RUNS(s, KIND, runs, nruns, type, ...) \
	feed(s, KIND, 0, &(struct type){ __VA_ARGS__ }, runs, nruns)

#include "stream_records.c"
#include "stream_kernel.c"
