// SPDX-License-Identifier: GPL-2.0-only
/*
 * What report counts with: time in buckets that grow, values that hold, latencies,
 * phases of calls, and who uses how much, also where records are missing.
 */
#include "stream.c"

#include "record/desc.h"
#include "report/latency.h"
#include "report/report.h"
#include "report/times.h"
#include "sink/perfetto.h"
#include "view/calls.h"
#include "view/usage.h"

/* ---- time ---- */

TEST(time_goes_on_and_buckets_grow)
{
	struct times t = {};
	unsigned int folds, at = times_at(&t, 5000, &folds);

	assert_int_equal(at, 0);
	assert_int_equal(folds, 0);
	assert_int_equal(times_at(&t, 5000 + 511 * t.width, &folds), 511);
	assert_int_equal(folds, 0);
	at = times_at(&t, 5000 + 512 * t.width, &folds);
	assert_int_equal(folds, 1);
	assert_int_equal(at, 256);
	assert_int_equal(times_used(&t), 257);
	assert_int_equal(times_at(&t, 17, &folds), 0);		/* before the first one */
	at = times_at(&t, UINT64_MAX, &folds);			/* whatever a recording says */
	assert_in_range(at, TIMES / 2 - 1, TIMES - 1);
}

TEST(counts_are_kept_when_folded)
{
	uint64_t counts[TIMES] = { [0] = 1, [1] = 2, [2] = 3, [TIMES - 1] = 4 };

	counts_fold(counts);
	assert_int_equal(counts[0], 3);
	assert_int_equal(counts[1], 3);
	assert_int_equal(counts[TIMES / 2 - 1], 4);
	for (unsigned int i = TIMES / 2; i < TIMES; i++)
		assert_int_equal(counts[i], 0);
}

static struct gauge gauge;

TEST(gauge_shows_the_highest_that_held)
{
	int64_t shown[8];

	memset(&gauge, 0, sizeof(gauge));
	gauge_set(&gauge, 1, 10);
	gauge_set(&gauge, 1, 30);
	gauge_set(&gauge, 1, 20);
	gauge_set(&gauge, 4, 5);
	gauge_set(&gauge, 5, 7);
	gauge_read(&gauge, shown, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(shown[i], ((int64_t[]){ 0, 30, 20, 20, 20, 7, 7, 7 })[i]);
	gauge_fold(&gauge);
	gauge_read(&gauge, shown, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(shown[i], ((int64_t[]){ 30, 20, 20, 7 })[i]);
}

/* ---- latencies ---- */

static struct latency latency;

TEST(quantiles_are_near)
{
	memset(&latency, 0, sizeof(latency));
	assert_int_equal(latency_quantile(&latency, 500), 0);
	for (uint64_t ns = 1; ns <= 1000000; ns++)
		latency_add(&latency, ns);
	for (unsigned int percent = 1; percent < 100; percent++) {
		uint64_t right = percent * 10000, got = latency_quantile(&latency, percent * 10);

		assert_in_range(got, right - right * 33 / 1000, right + right * 33 / 1000);
	}
	assert_int_equal(latency.max, 1000000);
}

TEST(any_latency_is_counted)
{
	static const uint64_t odd[] = { 0, 1, 7, 8, 15, 16, 1ULL << 63, UINT64_MAX };

	for (unsigned int i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		memset(&latency, 0, sizeof(latency));
		latency_add(&latency, odd[i]);
		assert_true(latency_quantile(&latency, 500) <= odd[i]);
		assert_true(latency_quantile(&latency, 500) >= odd[i] - odd[i] / 14);
	}
}

/* ---- calls ---- */

static struct {
	unsigned int begun, spans, ended, untold;
	uint64_t ns, bytes;
} seen;

static void on_begin(void *arg __attribute__((unused)), const struct call *c)
{
	seen.begun++;
	assert_int_equal(c->bytes, 0);
}

static void on_span(void *arg __attribute__((unused)), const struct call *c)
{
	seen.spans++;
	assert_true(c->last_ns >= c->from_ns);
	seen.ns += c->last_ns - c->from_ns;
	seen.bytes += c->span_bytes;
}

static void on_end(void *arg __attribute__((unused)), const struct call *c __attribute__((unused)),
		   uint64_t end_ns __attribute__((unused)), int rc __attribute__((unused)),
		   bool told)
{
	seen.ended++;
	seen.untold += !told;
}

static const struct calls_ops ops = { .begin = on_begin, .span = on_span, .end = on_end };

static void see(struct calls *c, uint32_t tid, uint64_t ns, uint8_t kind, uint8_t action)
{
	struct ims_record r = { .h = { .tid = tid, .tgid = 1, .ktime_ns = ns, .kind = kind,
				       .action = action } };

	if (kind == IMS_PIN)
		r.p.pin.got = 3;
	calls_feed(c, &r);
}

TEST(neighbours_of_a_phase_are_one_span)
{
	struct calls c = { .ops = &ops };

	memset(&seen, 0, sizeof(seen));
	see(&c, 1, 100, IMS_IOCTL, IMS_IOCTL_ENTER);
	see(&c, 1, 110, IMS_PIN, IMS_PIN_HELD);
	see(&c, 2, 111, IMS_IOCTL, IMS_IOCTL_ENTER);
	see(&c, 1, 120, IMS_PIN_RUNS, 0);
	see(&c, 1, 130, IMS_ACCOUNT, 0);
	see(&c, 2, 131, IMS_IOCTL, IMS_IOCTL_EXIT);
	see(&c, 1, 140, IMS_IOCTL, IMS_IOCTL_EXIT);
	assert_int_equal(seen.begun, 2);
	assert_int_equal(seen.ended, 2);
	assert_int_equal(seen.spans, 3 + 1);
	assert_int_equal(seen.ns, 40 + 20);
	assert_int_equal(seen.bytes, 3 * PG);
	calls_destroy(&c);
}

TEST(lost_ends_are_told)
{
	struct calls c = { .ops = &ops };

	memset(&seen, 0, sizeof(seen));
	see(&c, 1, 100, IMS_PIN, IMS_PIN_HELD);			/* of a call that began before */
	see(&c, 1, 101, IMS_IOCTL, IMS_IOCTL_EXIT);
	see(&c, 1, 110, IMS_IOCTL, IMS_IOCTL_ENTER);
	see(&c, 1, 90, IMS_AREA, IMS_AREA_INSERT);		/* time that goes back */
	see(&c, 1, 120, IMS_IOCTL, IMS_IOCTL_ENTER);
	for (uint32_t tid = 2; tid < 100; tid++)
		see(&c, tid, 130, IMS_IOCTL, IMS_IOCTL_ENTER);
	calls_finish(&c);
	assert_int_equal(seen.begun, 100);
	assert_int_equal(seen.ended, 100);
	assert_int_equal(seen.untold, 100);
	calls_destroy(&c);
}

TEST(names_of_calls)
{
	char name[40], small[4];

	ims_call_text(0x3b85, name, sizeof(name));
	assert_string_equal(name, "IOAS_MAP");
	ims_call_text(0x1234, name, sizeof(name));
	assert_string_equal(name, "ioctl 0x1234");
	ims_call_text(0x3b85, small, sizeof(small));
	assert_string_equal(small, "IOA");
}

/* ---- usage ---- */

static unsigned int gone;

static void process_gone(void *arg __attribute__((unused)), struct usage_process *p)
{
	gone++;
	assert_int_equal(p->pinned, 0);
	assert_int_equal(p->charged, 0);
}

static void ioas_gone(void *arg __attribute__((unused)), struct usage_ioas *s __attribute__((unused)))
{
	gone += 100;
}

static const struct usage_ops usage_ops = { .process_gone = process_gone, .ioas_gone = ioas_gone };

static struct usage_event told(struct usage *u, uint64_t ctx, uint8_t kind, uint8_t action,
			       const void *payload)
{
	struct ims_record r = { .h = { .ctx = ctx, .tgid = 7, .kind = kind, .action = action } };
	struct usage_event ev;

	memcpy(&r.p, payload, ims_payload_size(kind));
	usage_feed(u, &r, &ev);
	return ev;
}

#define TOLD(u, ctx, KIND, action, type, ...) \
	told(u, ctx, KIND, action, &(struct type){ __VA_ARGS__ })

TEST(usage_is_that_of_open_contexts)
{
	struct usage u = { .ops = &usage_ops };
	struct usage_event ev;

	gone = 0;
	TOLD(&u, C1, IMS_CTX, IMS_CTX_OPEN, ims_ctx, .comm = "one");
	TOLD(&u, C2, IMS_CTX, IMS_CTX_OPEN, ims_ctx, .comm = "one");
	TOLD(&u, C1, IMS_PIN, IMS_PIN_HELD, ims_pin, .got = 10);
	TOLD(&u, C1, IMS_PIN, IMS_PIN_TRANSIENT, ims_pin, .got = 1);
	TOLD(&u, C1, IMS_PIN, IMS_PIN_HELD, ims_pin, .got = -14);
	ev = TOLD(&u, C2, IMS_PIN, IMS_PIN_HELD, ims_pin, .got = 5);
	assert_int_equal(ev.process->pinned, 15);
	TOLD(&u, C1, IMS_ACCOUNT, 0, ims_account, .delta = 10, .mode = IMS_ACCT_USER, .limit = 16);
	TOLD(&u, C1, IMS_ACCOUNT, 0, ims_account, .delta = 9, .mode = IMS_ACCT_USER, .rc = -12);
	ev = TOLD(&u, C2, IMS_ACCOUNT, 0, ims_account, .delta = 5, .mode = IMS_ACCT_NONE);
	assert_int_equal(ev.process->charged, 10);
	assert_int_equal(u.pinned, 15);
	ev = TOLD(&u, C1, IMS_CTX, IMS_CTX_FREED, ims_ctx, .mm = 1);	/* as when unpins were lost */
	assert_int_equal(ev.process->pinned, 5);
	TOLD(&u, C2, IMS_CTX, IMS_CTX_FREED, ims_ctx, .mm = 1);
	assert_int_equal(u.pinned, 0);
	assert_int_equal(gone, 1);
	ev = TOLD(&u, C2, IMS_PIN, IMS_PIN_HELD, ims_pin, .got = 5);
	assert_null(ev.process);
	usage_destroy(&u);
}

TEST(an_ioas_stays_until_its_last_area)
{
	struct usage u = { .ops = &usage_ops };
	struct usage_event ev;

	gone = 0;
	TOLD(&u, C1, IMS_CTX, IMS_CTX_OPEN, ims_ctx, .comm = "one");
	TOLD(&u, C2, IMS_CTX, IMS_CTX_OPEN, ims_ctx, .comm = "one");
	TOLD(&u, C1, IMS_IOAS, 0, ims_ioas, S1, 77, 1, 0);
	TOLD(&u, C2, IMS_IOAS, 0, ims_ioas, S1, 77, 1, 0);	/* the same cookie, of another ctx */
	TOLD(&u, C1, IMS_AREA, IMS_AREA_INSERT, ims_area, .ioas = S1, .area = A1,
		  .iova = 0, .last = PG - 1);
	ev = TOLD(&u, C1, IMS_AREA, IMS_AREA_INSERT, ims_area, .ioas = S1, .area = A2,
		  .iova = PG, .last = 3 * PG - 1);
	assert_int_equal(ev.ioas->mapped, 3 * PG);
	TOLD(&u, C1, IMS_OBJECT, IMS_OBJ_DESTROY, ims_object, 77, 1, IMS_T_IOAS);
	TOLD(&u, C1, IMS_AREA, IMS_AREA_FREE, ims_area, .ioas = S1, .area = A1,
		  .iova = 0, .last = PG - 1);
	assert_int_equal(gone, 0);
	ev = TOLD(&u, C1, IMS_AREA, IMS_AREA_FREE, ims_area, .ioas = S1, .area = A2,
		  .iova = PG, .last = 3 * PG - 1);
	assert_int_equal(ev.ioas->mapped, 0);
	ev = TOLD(&u, C1, IMS_AREA, IMS_AREA_FREE, ims_area, .ioas = S1, .area = A2,
		  .iova = PG, .last = 3 * PG - 1);
	assert_null(ev.ioas);
	assert_int_equal(gone, 100);
	TOLD(&u, C2, IMS_CTX, IMS_CTX_FREED, ims_ctx, .mm = 1);
	assert_int_equal(gone, 200);
	TOLD(&u, C1, IMS_CTX, IMS_CTX_FREED, ims_ctx, .mm = 1);
	assert_int_equal(gone, 201);
	usage_destroy(&u);
}

/* ---- whatever a recording says ---- */

union any {
	struct ims_record r;
	char bytes[sizeof(struct ims_record) + IMS_MAX_RUNS * sizeof(struct ims_run)];
};

/* About few objects, so that they meet; some numbers are small, some are not. */
static void make_any(union any *a)
{
	for (size_t i = 0; i < sizeof(*a) / 8; i++)
		((uint64_t *)a->bytes)[i] = rand() % 3 ? (uint64_t)rand() % 6 :
					    (uint64_t)rand() << 33 | rand();
	a->r.h.ctx = rand() % 4;
	a->r.h.tid = rand() % 5;
	a->r.h.tgid = rand() % 4;
	a->r.h.kind = 1 + rand() % (IMS_NR_KINDS - 1);
	a->r.h.action = rand() % 8;
	a->r.h.nruns = ims_desc(a->r.h.kind)->run_addr ? rand() % 4 : 0;
	if (a->r.h.kind == IMS_IOCTL)
		a->r.p.ioctl.cmd = 0x3b80 + rand() % 50;
}

static void feed_any(bool (*init)(struct ims_sink *s, FILE *f))
{
	struct ims_outcome outcome = {};
	struct ims_origin origin = {};
	FILE *f = fopen("/dev/null", "w");
	struct ims_sink sink;
	union any a;

	assert_true(f && init(&sink, f));
	sink.ops->begin(&sink, &origin);
	for (unsigned int i = 0; i < 100000; i++) {
		make_any(&a);
		sink.ops->see(&sink, &a.r);
	}
	sink.ops->end(&sink, &outcome);
	ims_sink_destroy(&sink);
	fclose(f);
}

TEST(any_records)
{
	srand(1);
	feed_any(ims_report_json_init);
	feed_any(ims_report_page_init);
	feed_any(ims_perfetto_init);
}

TESTS(T(any_records), T(time_goes_on_and_buckets_grow), T(counts_are_kept_when_folded),
      T(gauge_shows_the_highest_that_held), T(quantiles_are_near), T(any_latency_is_counted),
      T(neighbours_of_a_phase_are_one_span), T(lost_ends_are_told), T(names_of_calls),
      T(usage_is_that_of_open_contexts), T(an_ioas_stays_until_its_last_area))
