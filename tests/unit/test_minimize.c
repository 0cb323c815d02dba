// SPDX-License-Identifier: GPL-2.0-only
/*
 * Minimising, and the formats that tell of violations, on a small broken stream.
 */
#define STREAM_OWN_FEED
#include "stream.c"

#include <errno.h>

#include "minimize/impl.h"
#include "minimize/minimize.h"
#include "sink/sink.h"
#include "sink/story.h"

/* ---- a stream kept in memory ---- */

#define MAX 4096

static const struct ims_record *records[MAX];
static size_t nrecords;

void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns)
{
	size_t size = ims_payload_size(kind);
	struct ims_record *r = malloc(sizeof(r->h) + size + nruns * sizeof(*runs));

	assert_non_null(r);
	r->h = (struct ims_hdr){ .ktime_ns = ++s->seq, .ctx = s->ctx, .seq = s->seq,
				 .tgid = s->tid, .tid = s->tid, .kind = kind, .action = action,
				 .ring = s->ring, .nruns = nruns, .lost = s->lost };
	memcpy((char *)r + sizeof(r->h), payload, size);
	if (nruns)
		memcpy((char *)r + sizeof(r->h) + size, runs, nruns * sizeof(*runs));
	assert_true(nrecords < MAX);
	records[nrecords++] = r;
}

static void forget(struct stream *s)
{
	while (nrecords)
		free((void *)records[--nrecords]);
	ims_verifier_free(s->v);
	free(s);
}

/* Twenty maps that are all right, and one page that is unpinned while it is mapped. */
static struct stream *broken(void)
{
	struct stream *s = with_domain();

	for (unsigned int i = 0; i < 20; i++) {
		map(s, S1, A2, P2, 0x1000000, 16);
		unmap(s, A2);
	}
	map(s, S1, A1, P1, 0x100000, 4);
	r_unpin(s, P1, 1, 0, RUNS({ PFN(P1) + 1, 1 }));
	map(s, S1, A3, P3, 0x2000000, 4);
	unmap(s, A3);
	return s;
}

static struct ims_target target;

static int shrink(void)
{
	struct ims_verifier_opts opts = {};

	return ims_minimize(records, &nrecords, &opts, &target);
}

TEST(passes)
{
	struct stream *s = with_domain();
	const struct ims_record *copy[MAX];
	size_t n;

	map(s, S1, A1, P1, 0x100000, 4);
	n = nrecords;
	memcpy(copy, records, sizeof(copy));
	assert_int_equal(shrink(), -ENOENT);
	assert_true(nrecords == n);
	assert_memory_equal(copy, records, n * sizeof(*copy));
	forget(s);
}

TEST(shrinks)
{
	struct stream *s = broken();
	struct ims_record *all[MAX];
	size_t n = nrecords;

	memcpy(all, records, sizeof(all));
	assert_true(n > 200);
	assert_int_equal(shrink(), 0);
	assert_string_equal(target.rule, "UNPIN-AFTER-UNMAP");
	assert_true(nrecords >= 5 && nrecords <= 10);
	assert_true(records[nrecords - 1]->h.kind == IMS_UNPIN);
	assert_true(records[nrecords - 1]->h.seq == target.seq);
	for (size_t i = 1; i < nrecords; i++)
		assert_true(records[i - 1]->h.seq < records[i]->h.seq);
	/* once more changes nothing */
	size_t small = nrecords;

	assert_int_equal(shrink(), 0);
	assert_true(nrecords == small);
	memcpy(records, all, sizeof(all));
	nrecords = n;
	forget(s);
}

TEST(other_contexts_go)
{
	struct stream *s = with_domain();
	struct ims_record *all[MAX];
	size_t n;

	s->ctx = C2;
	ctx_open(s);
	s->ctx = C1;
	map(s, S1, A1, P1, 0x100000, 4);
	s->ctx = C2;
	r_ioas(s, S3, 3);
	s->ctx = C1;
	r_unpin(s, P1, 1, 0, RUNS({ PFN(P1) + 1, 1 }));
	n = nrecords;
	memcpy(all, records, sizeof(all));
	assert_int_equal(shrink(), 0);
	for (size_t i = 0; i < nrecords; i++)
		assert_true(records[i]->h.ctx == C1);
	memcpy(records, all, sizeof(all));
	nrecords = n;
	forget(s);
}

/* ---- groups ---- */

TEST(operations_by_thread)
{
	struct stream *s = stream_new();
	uint32_t group[16];

	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 1);
	r_end(s);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_end(s);
	assert_int_equal(group_by_operation(records, nrecords, group), 3);
	assert_memory_equal(group, ((uint32_t[]){ 0, 1, 0, 0, 1, 2 }), 6 * sizeof(*group));
	forget(s);
}

TEST(pages_have_lives)
{
	struct stream *s = with_domain();
	size_t before = nrecords, n;
	uint32_t group[MAX];

	map(s, S1, A1, P1, 0x100000, 4);
	unmap(s, A1);
	n = nrecords;
	map(s, S1, A1, P1, 0x100000, 4);	/* the same address, another life */
	assert_int_equal(group_by_pages(records, nrecords, group), 2);
	for (size_t i = 0; i < nrecords; i++) {
		if (records[i]->h.kind == IMS_DMA_MAP || records[i]->h.kind == IMS_DMA_UNMAP ||
		    records[i]->h.kind == IMS_AREA || records[i]->h.kind == IMS_PAGES)
			assert_int_equal(group[i], i < n ? 0 : 1);
		if (i < before)
			assert_int_equal(group[i], NO_GROUP);
	}
	forget(s);
}

/* ---- what is said about it ---- */

struct result {
	struct ims_verifier *v;
	struct ims_sink sink;
	unsigned int violations;
};

static void on_result(void *arg, const struct ims_violation *v)
{
	struct result *res = arg;

	res->violations++;
	res->sink.explain = res->v;
	res->sink.ops->violation(&res->sink, v);
}

/* The output of a sink about a stream of @n records. */
static char *judge(void (*init)(struct ims_sink *s, FILE *f), size_t n)
{
	struct result res = {};
	struct ims_verifier_opts opts = { .on_violation = on_result, .arg = &res };
	struct ims_summary sum;
	struct ims_outcome outcome = { .summary = &sum };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	res.v = ims_verifier_new(&opts);
	init(&res.sink, f);
	for (size_t i = 0; i < n; i++)
		ims_verifier_feed(res.v, records[i]);
	ims_verifier_summary(res.v, &sum);
	res.sink.ops->end(&res.sink, &outcome);
	ims_sink_destroy(&res.sink);
	ims_verifier_free(res.v);
	fclose(f);
	return text;
}

#define HAS(text, what) do {							\
		if (!strstr(text, what))					\
			fail_msg("no '%s' in:\n%s", what, text);		\
	} while (0)

TEST(stories)
{
	struct stream *s = broken();
	char *text = judge(ims_text_init, nrecords);

	HAS(text, "makes pages P1 (");
	HAS(text, ": 4 pages of user memory at 0x100000000, writable");
	HAS(text, "of area A1 in domain D1");
	HAS(text, "unpins pages 1-1 of P1: PFN 0x100001+1");
	HAS(text, "IOVA map of IOAS 1, ");
	HAS(text, "areas    ..........AAAA....");
	HAS(text, "D1       ..........####....");
	assert_null(strstr(text, "0x1000000-"));	/* of others */
	free(text);
	text = judge(ims_json_init, nrecords);
	HAS(text, "\"story\":[\"The story (");
	HAS(text, "\"map\":[\"IOVA map of IOAS 1");
	free(text);
	forget(s);
}

TEST(ktap)
{
	struct stream *s = broken();
	char *text = judge(ims_ktap_init, nrecords);

	assert_int_equal(strncmp(text, "KTAP version 1\n1..", 18), 0);
	HAS(text, "# VIOLATION UNPIN-AFTER-UNMAP (security): ");
	HAS(text, "\nnot ok ");
	HAS(text, " UNPIN-AFTER-UNMAP\n");
	HAS(text, " FLT-DRAIN # SKIP nothing to check\n");
	HAS(text, " verdict\n");
	free(text);
	text = judge(ims_ktap_init, 0);		/* INCONCLUSIVE */
	HAS(text, "\n# INCONCLUSIVE: ");
	HAS(text, "\nnot ok ");
	assert_null(strstr(text, "\nok 1 APT-MAP\n"));
	free(text);
	forget(s);
}

TEST(junit)
{
	struct stream *s = broken();
	char *text = judge(ims_junit_init, nrecords);

	HAS(text, "<testcase classname=\"iommuscope\" name=\"UNPIN-AFTER-UNMAP\">\n    <failure");
	HAS(text, "VIOLATION UNPIN-AFTER-UNMAP");
	HAS(text, "&gt;");	/* of the story's "=>" */
	HAS(text, "errors=\"0\"");
	free(text);
	text = judge(ims_junit_init, 0);
	HAS(text, "<error message=\"no ctx was seen");
	HAS(text, "errors=\"1\"");
	free(text);
	forget(s);
}

/* ---- streams that no kernel writes ---- */

static uint64_t some_cookie(void)
{
	static const uint64_t cookies[] = { S1, D1, A1, A2, A3, 0xb00001, 0xb00002, 0, UINT64_MAX,
					    0x100000, 0x1000000, 1, PFN(P1), 1ULL << 63 };

	return cookies[rand() % (sizeof(cookies) / sizeof(cookies[0]))];
}

/* A copy of record @i in which up to four fields are something else. */
static struct ims_record *spoiled(size_t i)
{
	size_t size = ims_record_size(records[i]);
	struct ims_record *r = malloc(size);

	memcpy(r, records[i], size);
	for (int n = rand() % 4; n >= 0; n--) {
		size_t at = sizeof(r->h) + rand() % ((size - sizeof(r->h)) / 8) * 8;
		uint64_t v = some_cookie();

		memcpy((char *)r + at, &v, sizeof(v));
	}
	if (rand() % 4 == 0)
		r->h.action = rand() % 8;
	return r;
}

/* Whatever comes: no crash, and what is found can be explained and minimised. */
TEST(spoiled_streams)
{
	struct stream *s = broken();
	const struct ims_record *all[MAX];
	size_t n = nrecords;

	memcpy(all, records, sizeof(all));
	srand(1);
	for (unsigned int i = 0; i < 500; i++) {
		struct ims_record *bad[8];
		unsigned int nbad = 1 + rand() % 8, k = 0;

		for (; k < nbad; k++) {
			size_t at = rand() % n;

			bad[k] = spoiled(at);
			records[at] = bad[k];
		}
		free(judge(ims_text_init, n));
		if (i % 8 == 0)
			shrink();
		memcpy(records, all, sizeof(all));
		nrecords = n;
		while (k--)
			free(bad[k]);
	}
	forget(s);
}

TESTS(T(passes), T(shrinks), T(other_contexts_go), T(operations_by_thread), T(pages_have_lives),
      T(stories), T(ktap), T(junit), T(spoiled_streams))
