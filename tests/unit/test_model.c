// SPDX-License-Identifier: GPL-2.0-only
/* The model on its own: who is known, what is forgotten, what cannot be. */
#include <string.h>

#include "model/model.h"
#include "model/spans.h"
#include "stream.c"

static struct ims_summary summary(struct stream *s)
{
	struct ims_summary sum;

	ims_verifier_summary(s->v, &sum);
	return sum;
}

/* ---- known and unknown ---- */

TEST(born_before_us)
{
	struct stream *s = stream_new();

	r_ioas(s, S1, 1);			/* no OPEN was seen */
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_pages(s, IMS_PAGES_FREE, P1, 4, 4, IMS_ACCT_USER, true);
	r_ctx(s, IMS_CTX_RELEASE);
	r_ctx(s, IMS_CTX_FREED);
	assert_int_equal(summary(s).foreign, 5);
	assert_int_equal(summary(s).ctxs, 0);
	ctx_open(s);				/* the same address, from birth */
	ioas_new(s, S1, 1);
	assert_int_equal(summary(s).ctxs, 1);
	end_with_ioas(s);
}

TEST(opened_twice)
{
	struct stream *s = with_domain();

	s->may_contradict = true;
	map(s, S1, A1, P1, IOVA, 4);
	r_ctx(s, IMS_CTX_OPEN);
	assert_int_equal(summary(s).ctxs, 2);
	assert_int_equal(summary(s).ctxs_unknown, 1);
	assert_int_equal(summary(s).inconsistent, 1);
	memset(s->ioases, 0, sizeof(s->ioases));
	ioas_new(s, S1, 1);
	r_object(s, IMS_OBJ_ALLOC, 2);
	expect_violation(s, "CLOSE-EMPTY", "2 objects left", r_ctx(s, IMS_CTX_FREED));
	stream_end(s);
}

TEST(addresses_come_back)
{
	struct stream *s = with_domain();

	for (int i = 0; i < 100; i++) {
		map(s, S1, A1, P1, IOVA + i * PG, 4);
		unmap(s, A1);
		ioas_new(s, S2, 2);
		domain_add(s, S2, D2, 0, APERTURE_64);
		map(s, S2, A1, P1, IOVA, 8);
		unmap(s, A1);
		domain_del(s, S2, D2);
		ioas_destroy(s, S2, 2);
	}
	end_with_domain(s);
}

/* Everything a ctx can have goes with it; LeakSanitizer looks. */
static struct stream *rich(void)
{
	struct stream *s = with_domain();

	s->chunk = 1;
	map(s, S1, A1, P1, IOVA, 300);
	access_pin(s, A1, 3, 70);
	access_pin(s, A1, 5, 5);
	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, 0, 0);
	r_allow(s, IMS_ALLOW_RANGE, S1, 0x900000, 0x9fffff, 0);
	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED);
	device_attach(s, X1, S1, D1, 0xfee00000, 0xfeefffff);
	r_area(s, IMS_AREA_REMOVE, S1, A1, P1, IOVA, 300 * PG, 0, RW);
	r_dma_unmap(s, D1, IOVA, PG, PG, false);
	thread(s, 7);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	map_begin(s, S1, A2, P2, 0x900000, 4);
	r_pin(s, P2, 0, 4);
	return s;
}

TEST(purged_at_the_end)
{
	stream_end(rich());
}

TEST(purged_by_a_loss)
{
	struct stream *s = rich();

	r_loss(s, C1, IMS_LOSS_RING, 1);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(purged_by_a_contradiction)
{
	struct stream *s = rich();

	s->may_contradict = true;
	r_pages(s, IMS_PAGES_ALLOC, P1, 4, 0, IMS_ACCT_USER, true);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(purged_when_freed)
{
	struct stream *s = rich();

	also(s, "DEV-OWN", NULL);
	expect_violation(s, "CLOSE-EMPTY", NULL, r_ctx(s, IMS_CTX_FREED));
	stream_end(s);
}

/* ---- what cannot be ---- */

#define CONTRADICTS(record, because) do {						\
		struct stream *s = with_domain();				\
										\
		s->may_contradict = s->may_violate = true;			\
		map(s, S1, A1, P1, IOVA, 4);					\
		record;								\
		if (summary(s).inconsistent != 1)				\
			fail_msg("believed: %s", #record);			\
		if (!s->violations && !strstr(summary(s).why, because))		\
			fail_msg("%s: %s", #record, summary(s).why);		\
		r_area(s, IMS_AREA_DYING, S1, A1, P1, IOVA, 4 * PG, 0, RW);	\
		r_ctx(s, IMS_CTX_FREED);					\
		stream_end_as(s, summary(s).verdict);				\
	} while (0)

TEST(contradictions)
{
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S1, A1, P1, 0x900000, PG, 0, RW), "an area was inserted");
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S2, A2, P1, 0x900000, PG, 0, RW), "an area was inserted");
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S1, A2, P1, 0x900000, 0, 0, RW), "an area was inserted");
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S1, A2, P2, 0x900000, PG, 0, RW), "a pages object that was never made");
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S1, A2, 0, 0x900000, PG, 0, RW), "a pages object that was never made");
	CONTRADICTS(r_area(s, IMS_AREA_INSERT, S1, A2, P1, 0x900000, 2 * PG, UINT64_MAX - PG, RW), "or past its end");
	CONTRADICTS(r_xarray(s, IMS_XA_STORE, P1, 2, 4), "an xarray entry outside");
	CONTRADICTS(r_area(s, IMS_AREA_READY, S1, A2, P1, IOVA, PG, 0, RW), "never inserted");
	CONTRADICTS(r_split(s, S1, A1, A2, A3, 0, 0), "a split names areas");
	CONTRADICTS(r_pages(s, IMS_PAGES_ALLOC, P1, 4, 0, 0, 1), "at the address of a live one");
	CONTRADICTS(r_pages(s, IMS_PAGES_FREE, P2, 4, 0, 0, 1), "a pages object ended");
	CONTRADICTS(r_pin(s, P2, 0, 1), "a pin of an unknown");
	CONTRADICTS(r_pin_runs(s, P2, 0, RUNS({ 1, 1 })), "PFNs of an unknown");
	CONTRADICTS(r_pin_runs(s, P1, 0, RUNS({ 1, 1 })), "PFNs of pages that were not pinned");
	CONTRADICTS(r_unpin(s, P2, 0, IMS_UNPIN_DIRTY, RUNS({ 1, 1 })), "an unpin of an unknown");
	CONTRADICTS(r_account(s, P2, 0, 1, 1, 1, 0), "a charge of an unknown");
	CONTRADICTS(r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, 1, 0), "a domain was added that is there");
	CONTRADICTS(r_domain(s, IMS_DOM_ADD_BEGIN, S2, D2, 0, 1, 0), "or to no IOAS");
	CONTRADICTS(r_domain(s, IMS_DOM_DEL_BEGIN, S1, D2, 0, 1, 0), "a domain changed that was never");
	CONTRADICTS(r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, PG })), "a mapping in an unknown domain");
	CONTRADICTS(r_dma_unmap(s, D2, IOVA, PG, PG, true), "an unmap in an unknown domain");
	CONTRADICTS(r_reserve(s, IMS_RESV_DEL, S1, 1, 2, 3, 0), "released that was never reserved");
	CONTRADICTS(r_reserve(s, IMS_RESV_ADD, S2, 1, 2, 3, 0), "a range of an unknown IOAS");
	CONTRADICTS(r_allow(s, IMS_ALLOW_RANGE, S2, 1, 2, 0), "a range of an unknown IOAS");
	CONTRADICTS(r_region(s, S2, X1, 1, 2, 0), "a device region of an unknown IOAS");
	CONTRADICTS(r_ioas(s, S1, 9), "an IOAS was made at the address of a live one");
	CONTRADICTS(r_device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0), "never bound");
	CONTRADICTS(r_access_range(s, IMS_ACC_RANGE_PIN, A1, P2, 0, 1, 0), "an access to an unknown");
	CONTRADICTS(r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 1, 0, 0), "outside its pages object");
	CONTRADICTS(r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, UINT64_MAX, 0), "outside its pages");
	/* numbers that would fill the memory */
	CONTRADICTS(r_pages(s, IMS_PAGES_ALLOC, P2, (1ULL << 52) + 1, 0, 0, 1), "more than an address space");
	CONTRADICTS(r_pages(s, IMS_PAGES_ALLOC, P2, UINT64_MAX, 0, 0, 1), "more than an address space");
	CONTRADICTS(r_xarray(s, IMS_XA_STORE, P1, 0, UINT64_MAX - 1), "an xarray entry outside");
}

/* An area that a split took out is the IOAS's, though not in its tree. */
TEST(ioas_made_over_one_with_a_removed_area)
{
	CONTRADICTS((unmap(s, A1), domain_del(s, S1, D1), map(s, S1, A1, P1, IOVA, 4),
		     r_area(s, IMS_AREA_REMOVE, S1, A1, P1, IOVA, 4 * PG, 0, RW), r_ioas(s, S1, 9)),
		    "an IOAS was made at the address of a live one");
}

/* One run of half the address space must not cost a record for each 4 GiB. */
TEST(mapping_longer_than_memory_can_be)
{
	struct stream *s = with_ioas();

	s->may_contradict = true;
	domain_add(s, S1, D1, 0, APERTURE_64);
	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, 0, 4 * PG, 0, RW);
	expect_violation(s, "PFN-ID", NULL,
			 r_dma_map(s, D1, A1, 0, RW, 0, RUNS({ 0, 1ULL << 63 })));
	assert_non_null(strstr(summary(s).why, "violation"));
	assert_int_equal(summary(s).inconsistent, 1);
	stream_end(s);
}

/* Numbers that cannot be true, but must not be computed with carelessly either. */
TEST(numbers_at_the_edge)
{
	struct stream *s = with_ioas();

	s->may_violate = true;
	pages_new(s, P1, 8);
	r_pin(s, P1, 0, INT64_MIN);
	r_account(s, P1, IMS_ACCT_USER, INT64_MAX, 0, 0, 0);
	r_account(s, P1, IMS_ACCT_USER, INT64_MAX, 0, 0, 0);
	r_account(s, P1, IMS_ACCT_USER, INT64_MIN, 0, 0, 0);
	stream_end(s);
}

/* Thousands of areas of one pages object, as after many splits: judged at each end. */
TEST(many_areas_of_one_pages_object)
{
	enum { N = 1500 };
	struct stream *s = with_ioas();

	r_pages(s, IMS_PAGES_ALLOC, P1, N, 0, IMS_ACCT_USER, true);
	for (uint64_t i = 0; i < N; i++)
		r_area(s, IMS_AREA_INSERT, S1, 0x10000 + i, P1, IOVA + i * PG, PG, i * PG, RW);
	for (uint64_t i = 0; i < N; i++)
		r_area(s, IMS_AREA_READY, S1, 0x10000 + i, P1, IOVA + i * PG, PG, i * PG, RW);
	domain_add_begin(s, S1, D1, 0, APERTURE_48);
	r_pin(s, P1, 0, N);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), N }));
	r_account(s, P1, IMS_ACCT_USER, N, N, N, 0);
	for (uint64_t i = 0; i < N; i++) {
		r_dma_map(s, D1, 0x10000 + i, IOVA + i * PG, RW, 0, RUNS({ (PFN(1) + i) * PG, PG }));
		r_storage(s, S1, 0x10000 + i, P1, D1);
	}
	domain_add_end(s, S1, D1);
	for (uint64_t i = 0; i < N; i++) {
		r_area(s, IMS_AREA_DYING, S1, 0x10000 + i, P1, IOVA + i * PG, PG, i * PG, RW);
		r_storage(s, S1, 0x10000 + i, P1, 0);
		r_dma_unmap(s, D1, IOVA + i * PG, PG, PG, true);
		r_unpin(s, P1, i, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + i, 1 }));
		r_account(s, P1, IMS_ACCT_USER, -1, N - 1 - i, N - 1 - i, 0);
		r_area(s, IMS_AREA_FREE, S1, 0x10000 + i, 0, IOVA + i * PG, PG, i * PG, RW);
	}
	r_pages(s, IMS_PAGES_FREE, P1, N, 0, IMS_ACCT_USER, true);
	stream_end(s);
}

TEST(unions_of_spans)
{
	struct spans s = { 0 };

	assert_int_equal(spans_unite(&s), 0);
	spans_add(&s, 8, 9);
	spans_add(&s, 0, 3);
	spans_add(&s, 2, 5);
	spans_add(&s, 6, 6);		/* touches */
	spans_add(&s, 1, 1);		/* inside */
	for (int i = 0; i < 40; i++)
		spans_add(&s, UINT64_MAX - 1, UINT64_MAX);
	assert_int_equal(spans_unite(&s), 7 + 2 + 2);
	assert_int_equal(s.n, 3);
	assert_true(s.span[0].first == 0 && s.span[0].last == 6);
	assert_true(s.span[1].first == 8 && s.span[1].last == 9);
	assert_true(s.span[2].last == UINT64_MAX);
	spans_free(&s);
	assert_true(!s.n && !s.span);
}

/* ---- loss and interleaving ---- */

TEST(ops_of_many_threads)
{
	struct stream *s = with_domain();

	for (uint32_t tid = 1; tid < 10000; tid++) {
		thread(s, tid);
		r_ioctl(s, IMS_IOCTL_ENTER, 0);
		r_ioctl(s, IMS_IOCTL_EXIT, 0);
	}
	map(s, S1, A1, P1, IOVA, 4);
	unmap(s, A1);
	end_with_domain(s);
}

/* Areas of one IOAS in any order; the questions are answered by a search. */
TEST(many_areas)
{
	struct m_ioas s = { 0 };
	struct m_area a[64], *list[64];
	uint32_t pos;

	s.areas = list;
	s.nareas = 64;
	for (unsigned int i = 0; i < 64; i++) {
		a[i] = (struct m_area){ .iova = i * 2 * PG, .last = i * 2 * PG + PG - 1 };
		list[i] = &a[i];
	}
	for (unsigned int i = 0; i < 63; i++) {
		assert_ptr_equal(model_area_first(&s, a[i].iova, a[i].iova, &pos), &a[i]);
		assert_int_equal(pos, i);
		assert_ptr_equal(model_area_first(&s, a[i].last, a[i].last + 1, NULL), &a[i]);
		assert_null(model_area_first(&s, a[i].last + 1, a[i].last + PG, NULL));
		assert_ptr_equal(model_area_first(&s, a[i].last + 1, a[i].last + PG + 1, NULL),
				 &a[i + 1]);
	}
	assert_null(model_area_first(&s, a[63].last + 1, UINT64_MAX, NULL));
}

TEST(iovas_of_pages)
{
	/* pages 2 (from 0x800) to 5 (to 0x7ff) */
	struct m_area a = { .iova = 0x100800, .last = 0x1037ff, .start_byte = 2 * PG + 0x800 };
	uint64_t from, to;

	assert_false(area_iova_of(&a, 0, 1, &from, &to));
	assert_false(area_iova_of(&a, 6, 9, &from, &to));
	assert_true(area_iova_of(&a, 0, 2, &from, &to));
	assert_true(from == 0x100800 && to == 0x100fff);
	assert_true(area_iova_of(&a, 3, 4, &from, &to));
	assert_true(from == 0x101000 && to == 0x102fff);
	assert_true(area_iova_of(&a, 5, 5, &from, &to));
	assert_true(from == 0x103000 && to == 0x1037ff);
	assert_true(area_iova_of(&a, 0, 100, &from, &to));
	assert_true(from == 0x100800 && to == 0x1037ff);
}

TESTS(T(born_before_us), T(opened_twice), T(addresses_come_back), T(purged_at_the_end),
      T(purged_by_a_loss), T(purged_by_a_contradiction), T(purged_when_freed),
      T(contradictions), T(ioas_made_over_one_with_a_removed_area),
      T(mapping_longer_than_memory_can_be), T(numbers_at_the_edge),
      T(many_areas_of_one_pages_object), T(unions_of_spans), T(ops_of_many_threads), T(many_areas),
      T(iovas_of_pages))
