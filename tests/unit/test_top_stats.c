// SPDX-License-Identifier: GPL-2.0-only
/* What top counts, and what it says when records are lost: unknown, and no number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_OWN_FEED
#include "stream.c"

#include "top/rows.h"

#define US 1000ULL
#define START 1000000000ULL

static struct top_stats st;
static uint64_t now, step;	/* ns, and how much later the next record is */

void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns)
{
	size_t size = ims_payload_size(kind);
	struct ims_record *r = malloc(sizeof(r->h) + size + nruns * sizeof(*runs));

	assert_non_null(r);
	now += step;
	r->h = (struct ims_hdr){ .ktime_ns = now, .ctx = s->ctx, .seq = ++s->seq, .tgid = s->tid,
				 .tid = s->tid, .kind = kind, .action = action, .ring = s->ring,
				 .nruns = nruns, .lost = s->lost };
	memcpy((char *)r + sizeof(r->h), payload, size);
	if (nruns)
		memcpy((char *)r + sizeof(r->h) + size, runs, nruns * sizeof(*runs));
	s->fed++;
	ims_verifier_feed(s->v, r);
	top_stats_feed(&st, ims_verifier_model(s->v), r);
	free(r);
}

static void on_count(void *arg, const struct m_event *ev)
{
	(void)arg;
	top_stats_violation(&st, ev);
}

/* A ctx with IOAS S1 and domain D1; no time has passed. */
static struct stream *begin(void)
{
	struct stream *s = stream_new_opts(&(struct ims_verifier_opts){ .on_count = on_count });

	now = START;
	step = 0;
	top_stats_init(&st, now);
	ctx_open(s);
	ioas_new(s, S1, 1);
	domain_add(s, S1, D1, 0, APERTURE_48);
	return s;
}

static struct top_table take(struct stream *s, uint64_t at)
{
	struct top_table t;

	assert_int_equal(top_table_take(&t, &st, ims_verifier_model(s->v), &(struct top_opts){ 0 }, at),
			 0);
	return t;
}

static void over(struct stream *s, struct top_table *t)
{
	top_table_free(t);
	top_stats_destroy(&st);
	ims_verifier_free(s->v);
	free(s);
}

/* ---- the state ---- */

TEST(what_is_mapped_pinned_and_charged)
{
	struct stream *s = begin();
	struct top_table t;

	map(s, S1, A1, P1, 0x100000, 16);
	map(s, S1, A2, P2, 0x200000, 4);
	t = take(s, START + 1000);
	assert_int_equal(t.ioases.n, 1);
	assert_int_equal(t.processes.n, 1);
	assert_int_equal(t.ioases.at[0].id, 1);
	assert_int_equal(t.ioases.at[0].mapped, 20 * PG);
	assert_int_equal(t.ioases.at[0].pinned, 20 * PG);
	assert_int_equal(t.ioases.at[0].charged, 20 * PG);
	assert_int_equal(t.ioases.at[0].modes, 1 << IMS_ACCT_USER);
	assert_true(t.ioases.at[0].known);
	assert_int_equal(t.processes.at[0].charged, 20 * PG);
	assert_int_equal(t.processes.at[0].limit, (1ULL << 20) * PG);
	over(s, &t);
}

/* A copy shows the same pages: each IOAS has them pinned, the process once. */
TEST(pages_of_two_ioases_count_once_for_the_process)
{
	struct stream *s = begin();
	struct top_table t;

	map(s, S1, A1, P1, 0x100000, 16);
	ioas_new(s, S2, 2);
	copy(s, S2, A2, P1, 0x500000, 8 * PG, 0);
	t = take(s, START + 1000);
	assert_int_equal(t.ioases.n, 2);
	assert_int_equal(t.ioases.at[0].pinned, 16 * PG);
	assert_int_equal(t.ioases.at[1].pinned, 16 * PG);
	assert_int_equal(t.ioases.at[1].mapped, 8 * PG);
	assert_int_equal(t.processes.at[0].mapped, 24 * PG);
	assert_int_equal(t.processes.at[0].pinned, 16 * PG);
	over(s, &t);
}

TEST(who_is_not_charged_has_no_charge)
{
	struct stream *s = begin();
	struct top_table t;

	s->mode = IMS_ACCT_NONE;
	map(s, S1, A1, P1, 0x100000, 16);
	t = take(s, START + 1000);
	assert_int_equal(t.ioases.at[0].charged, 0);
	assert_int_equal(t.ioases.at[0].modes, 1 << IMS_ACCT_NONE);
	over(s, &t);
}

TEST(an_ioas_that_was_destroyed_is_not_shown)
{
	struct stream *s = begin();
	struct top_table t;

	ioas_new(s, S2, 2);
	ioas_destroy(s, S2, 2);
	t = take(s, START + 1000);
	assert_int_equal(t.ioases.n, 1);
	assert_int_equal(t.ioases.at[0].id, 1);
	assert_int_equal(t.ioases.at[0].call[TOP_UNMAP].n, 0);
	over(s, &t);
}

TEST(contexts_of_one_process)
{
	struct stream *s = begin();
	struct top_table t;

	s->ctx = C2;
	ctx_open(s);
	t = take(s, START + 1000);
	assert_int_equal(t.contexts, 2);
	assert_int_equal(t.processes.n, 1);
	assert_int_equal(t.processes.at[0].contexts, 2);
	assert_int_equal(t.ioases.at[0].ordinal, 1);
	assert_int_equal(t.ioases.at[1].ordinal, 2);
	assert_int_equal(t.ioases.at[1].id, 0);
	top_table_free(&t);
	ctx_close(s);
	t = take(s, START + 2000);
	assert_int_equal(t.contexts, 1);
	over(s, &t);
}

/* ---- calls ---- */

static void timed_map(struct stream *s, uint64_t A, uint64_t P, uint64_t iova, uint64_t ns, int rc)
{
	map_begin(s, S1, A, P, iova, 1);
	area_fill(s, A);
	area_ready(s, A);
	step = ns;
	r_map(s, IMS_MAP_USER, S1, iova, PG, P << 32, 7, rc);
	step = 0;
	r_ioctl(s, IMS_IOCTL_EXIT, rc);
}

static void near(uint64_t got, uint64_t truth)
{
	assert_true(got >= truth - truth / 16 && got <= truth + truth / 16);
}

TEST(rates_are_of_the_window_latencies_of_all)
{
	struct stream *s = begin();
	struct top_table t;

	timed_map(s, A1, P1, 0x100000, 10 * US, 0);
	timed_map(s, A2, P2, 0x200000, 10 * US, 0);
	timed_map(s, A3, P3, 0x300000, 500 * US, 0);
	t = take(s, START + 2 * START);
	assert_int_equal(t.window_ns, 2 * START);
	assert_int_equal(t.ioases.at[0].call[TOP_MAP].n, 3);
	assert_true(t.ioases.at[0].counted);
	near(t.ioases.at[0].call[TOP_MAP].p50, 10 * US);
	near(t.ioases.at[0].call[TOP_MAP].p99, 500 * US);
	assert_false(t.ioases.at[0].call[TOP_UNMAP].timed);
	near(t.processes.at[0].call[TOP_MAP].p99, 500 * US);
	top_table_free(&t);

	unmap(s, A1);
	t = take(s, START + 3 * START);
	assert_int_equal(t.ioases.at[0].call[TOP_MAP].n, 0);
	near(t.ioases.at[0].call[TOP_MAP].p99, 500 * US);
	assert_int_equal(t.ioases.at[0].call[TOP_UNMAP].n, 1);
	top_table_free(&t);

	top_stats_clear(&st);
	t = take(s, START + 4 * START);
	assert_false(t.ioases.at[0].call[TOP_MAP].timed);
	over(s, &t);
}

TEST(what_fails_is_no_map)
{
	struct stream *s = begin();
	struct top_table t;

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_map(s, IMS_MAP_USER, S1, 0x100000, PG, 0, 7, -14);
	r_ioctl(s, IMS_IOCTL_EXIT, -14);
	t = take(s, START + 1000);
	assert_int_equal(t.ioases.at[0].call[TOP_MAP].n, 0);
	assert_int_equal(t.ioases.at[0].failed, 1);
	assert_false(t.ioases.at[0].call[TOP_MAP].timed);
	over(s, &t);
}

/* Calls of several threads are told apart. */
TEST(threads)
{
	struct stream *s = begin();
	struct top_table t;

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	now += 900 * US;
	thread(s, 2);
	timed_map(s, A1, P1, 0x100000, 20 * US, 0);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	t = take(s, START + START);
	assert_int_equal(t.ioases.at[0].call[TOP_MAP].n, 1);
	near(t.ioases.at[0].call[TOP_MAP].p99, 20 * US);
	over(s, &t);
}

/* ---- losses ---- */

TEST(a_loss_makes_it_unknown)
{
	struct stream *s = begin();
	struct top_table t;

	timed_map(s, A1, P1, 0x100000, 10 * US, 0);
	s->lost++;
	r_sync(s, D1);
	t = take(s, START + START);
	assert_int_equal(t.ioases.n, 1);
	assert_false(t.ioases.at[0].known);
	assert_false(t.ioases.at[0].counted);
	assert_int_equal(t.ioases.at[0].ioas, 0);
	assert_false(t.processes.at[0].known);
	assert_false(t.processes.at[0].counted);
	assert_int_equal(t.processes.at[0].contexts, 1);
	over(s, &t);
}

/* The end of a call is lost: what its thread does next is not measured from its beginning. */
TEST(no_latency_across_a_loss)
{
	struct stream *s = begin();
	struct top_table t;

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	now += 900 * US;
	r_loss(s, C1, IMS_LOSS_RING, 5);
	/* it is read again, and its thread is in another call already */
	r_ctx(s, IMS_CTX_OPEN);
	ioas_new(s, S2, 2);
	r_map(s, IMS_MAP_USER, S2, 0x100000, PG, 0, 7, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	t = take(s, START + START);
	assert_int_equal(t.lost, 5);
	for (size_t i = 0; i < t.ioases.n; i++)
		assert_false(t.ioases.at[i].call[TOP_MAP].timed);
	over(s, &t);
}

/* Another ctx on another ring is not hit. */
TEST(others_stay_known)
{
	struct stream *s = begin();
	struct top_table t;

	timed_map(s, A1, P1, 0x100000, 10 * US, 0);
	s->ctx = C2;
	s->ring = 1;
	ctx_open(s);
	s->lost++;
	r_object(s, IMS_OBJ_ALLOC, 7);
	t = take(s, START + START);
	assert_int_equal(t.ioases.n, 2);
	assert_true(t.ioases.at[0].known && t.ioases.at[0].counted);
	assert_int_equal(t.ioases.at[0].call[TOP_MAP].n, 1);
	assert_false(t.ioases.at[1].known);
	over(s, &t);
}

/* The window in which it is known again is not whole; the next one is. */
TEST(known_again)
{
	struct stream *s = begin();
	struct top_table t;

	r_loss(s, C1, IMS_LOSS_RING, 1);
	s->seq += 10;
	r_ctx(s, IMS_CTX_OPEN);
	ioas_new(s, S1, 1);
	t = take(s, START + START);
	assert_true(t.ioases.at[0].known);
	assert_false(t.ioases.at[0].counted);
	top_table_free(&t);
	t = take(s, START + 2 * START);
	assert_true(t.ioases.at[0].counted);
	over(s, &t);
}

/* A ctx of which only other records come. */
TEST(who_is_not_followed_is_shown)
{
	struct stream *s = begin();
	struct top_table t;

	s->ctx = C2;
	r_account(s, P1, IMS_ACCT_USER, 1, 1, 1, 0);
	t = take(s, START + START);
	assert_int_equal(t.ioases.n, 2);
	assert_false(t.ioases.at[1].known);
	assert_int_equal(t.ioases.at[1].ctx, C2);
	over(s, &t);
}

/* ---- violations ---- */

TEST(violations_belong_to_an_ioas)
{
	struct stream *s = begin();
	struct top_table t;

	s->may_violate = true;
	ioas_new(s, S2, 2);
	map(s, S1, A1, P1, 0x100000, 16);
	for (int i = 0; i < 20; i++)	/* more than are told */
		r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(9) * PG, PG }));
	t = take(s, START + START);
	assert_true(st.violations >= 20);
	assert_int_equal(t.ioases.at[0].violations, st.violations);
	assert_int_equal(t.ioases.at[1].violations, 0);
	assert_int_equal(t.processes.at[0].violations, st.violations);
	over(s, &t);
}

/* ---- filters ---- */

TEST(only_some_rows)
{
	const uint32_t pids[] = { 3, 1 };
	struct top_opts opts = { .pids = pids, .npids = 2, .ioas = 2 };
	struct stream *s = begin();
	struct top_table t;

	ioas_new(s, S2, 2);
	assert_int_equal(top_table_take(&t, &st, ims_verifier_model(s->v), &opts, START + START), 0);
	assert_int_equal(t.ioases.n, 1);
	assert_int_equal(t.ioases.at[0].id, 2);
	top_table_free(&t);
	opts.pids++;
	opts.npids = 1;
	opts.comm = "else";
	assert_int_equal(top_table_take(&t, &st, ims_verifier_model(s->v), &opts, START + START), 0);
	assert_int_equal(t.ioases.n, 0);
	over(s, &t);
}

TESTS(T(what_is_mapped_pinned_and_charged), T(pages_of_two_ioases_count_once_for_the_process),
      T(who_is_not_charged_has_no_charge), T(an_ioas_that_was_destroyed_is_not_shown),
      T(contexts_of_one_process), T(rates_are_of_the_window_latencies_of_all),
      T(what_fails_is_no_map), T(threads), T(a_loss_makes_it_unknown), T(no_latency_across_a_loss),
      T(others_stay_known), T(known_again), T(who_is_not_followed_is_shown),
      T(violations_belong_to_an_ioas), T(only_some_rows))
