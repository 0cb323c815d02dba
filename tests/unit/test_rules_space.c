// SPDX-License-Identifier: GPL-2.0-only
/* What is true of an IOAS as a whole: ALIGN, APT-IMMUT, DUP-DOM. */
#include <errno.h>

#include "stream.c"

/* The end of an addition or removal, without the record about the alignment. */
static void domain_end(struct stream *s, int action, uint64_t D, int rc)
{
	FEED(s, IMS_DOMAIN, action, ims_domain, S1, D, 0, APERTURE_48, s->pgsize, rc, 0);
}

static void access_record(struct stream *s, int action, uint64_t S, uint64_t align, int rc)
{
	FEED(s, IMS_ACCESS, action, ims_access, S, 0xacce55, align, 7, rc);
}

/* ---- ALIGN ---- */

TEST(area_at_half_a_page)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 8);
	expect_violation(s, "ALIGN", "area 0x100800-0x1047ff at offset 0 of its pages is not "
			 "aligned to 0x1000", area_new(s, S1, A1, P1, IOVA + 0x800, 4 * PG, 0, RW));
	expect_violation(s, "ALIGN", "area 0x200000-0x2017ff at offset 0 of its pages",
			 area_new(s, S1, A2, P1, 0x200000, 0x1800, 0, RW));
	expect_violation(s, "ALIGN", "area 0x300000-0x300fff at offset 0x1400 of its pages",
			 area_new(s, S1, A3, P1, 0x300000, PG, PG + 0x400, RW));
	stream_end(s);
}

TEST(area_as_aligned_as_asked)
{
	struct stream *s = with_mock_domain();

	pages_new(s, P1, 8);
	area_new(s, S1, A1, P1, IOVA + 0x800, 0x1800, PG + 0x800, RW);
	expect_violation(s, "ALIGN", "is not aligned to 0x800",
			 area_new(s, S1, A2, P1, 0x200000, 0x1400, 0, RW));
	stream_end(s);
}

/* Nobody asks for anything, and what is there stays. */
TEST(area_before_any_domain)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	area_new(s, S1, A1, P1, IOVA + 1, 0x123, 17, RW);
	area_ready(s, A1);
	r_align(s, S1, PG, true);
	access_record(s, IMS_ACC_ADD, S1, PG, 0);
	stream_end(s);
}

TEST(alignment_too_low_for_a_domain)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_reserve(s, IMS_RESV_ADD, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	r_align(s, S1, 0x800, true);
	expect_violation(s, "ALIGN", "the IOAS is aligned to 0x800, its users need 0x1000",
			 domain_end(s, IMS_DOM_ADD_END, D1, 0));
	stream_end(s);
}

TEST(alignment_that_is_none)
{
	static const uint64_t none[] = { 0x2000, 0x1800, 0 };

	for (unsigned int i = 0; i < 3; i++) {
		struct stream *s = with_ioas();

		r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
		r_reserve(s, IMS_RESV_ADD, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
		r_align(s, S1, none[i], true);
		expect_violation(s, "ALIGN", NULL, domain_end(s, IMS_DOM_ADD_END, D1, 0));
		stream_end(s);
	}
}

/* The second domain asks for less: the alignment may stay, until one leaves. */
TEST(alignment_higher_than_needed)
{
	struct stream *s = with_domain();

	s->pgsize = 0x800;
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_48, 0);
	r_reserve(s, IMS_RESV_ADD, S1, APERTURE_48 + 1, UINT64_MAX, D2, 0);
	r_align(s, S1, PG, true);
	domain_end(s, IMS_DOM_ADD_END, D2, 0);
	s->pgsize = 0x40201000;
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	expect_violation(s, "ALIGN", "the IOAS is aligned to 0x1000, its users need 0x800",
			 domain_end(s, IMS_DOM_DEL_END, D1, 0));
	stream_end(s);
}

TEST(alignment_stays_when_a_domain_could_not_be_added)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_48, -EADDRINUSE);
	end_with_ioas(s);
}

TEST(alignment_for_an_access)
{
	struct stream *s = with_ioas();

	access_record(s, IMS_ACC_ADD, S1, PG, -EADDRINUSE);	/* refused: as it was */
	r_align(s, S1, PG, true);
	access_record(s, IMS_ACC_ADD, S1, PG, 0);
	expect_violation(s, "ALIGN", "the IOAS is aligned to 0x1000, its users need 0x1",
			 access_record(s, IMS_ACC_REMOVE, S1, PG, 0));
	r_align(s, S1, 1, true);
	expect_violation(s, "ALIGN", "the IOAS is aligned to 0x1, its users need 0x1000",
			 access_record(s, IMS_ACC_ADD, S1, PG, 0));
	stream_end(s);
}

TEST(alignment_without_large_pages)
{
	struct stream *s = with_mock_domain();

	large_pages(s, S1, false);
	domain_add(s, S1, D2, 0, APERTURE_48);
	r_align(s, S1, 0x800, false);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D2, 0, APERTURE_48, 0);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D2, 0);
	expect_violation(s, "ALIGN", "the IOAS is aligned to 0x800, its users need 0x1000",
			 domain_end(s, IMS_DOM_DEL_END, D2, 0));
	stream_end(s);
}

/* ---- APT-IMMUT ---- */

TEST(aperture_moves_inside_an_ioas)
{
	struct stream *s = with_domain();

	expect_violation(s, "APT-IMMUT", "the domain was added with aperture 0-0xffffffffffff and has "
			 "0-0xffffffff now", r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, 0xffffffff, 0));
	stream_end(s);
}

TEST(aperture_moves_while_it_is_added)
{
	struct stream *s = with_ioas();

	domain_add_begin(s, S1, D1, 0, APERTURE_48);
	expect_violation(s, "APT-IMMUT", "and has 0x1000-0xffffffffffff now",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, 0x1000, APERTURE_48, 0));
	stream_end(s);
}

TEST(page_sizes_change)
{
	struct stream *s = with_domain();

	s->pgsize = 0x1000;
	expect_violation(s, "APT-IMMUT", NULL,
			 r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0));
	stream_end(s);
}

TEST(another_aperture_in_the_next_life)
{
	struct stream *s = with_domain();

	domain_del(s, S1, D1);
	domain_add(s, S1, D1, 0x10000, 0xffffffff);
	domain_del(s, S1, D1);
	end_with_ioas(s);
}

/* ---- DUP-DOM ---- */

TEST(domain_in_two_ioas)
{
	struct stream *s = with_domain();

	s->may_contradict = true;
	ioas_new(s, S2, 2);
	expect_violation(s, "DUP-DOM", "domain 0xd001 was added to IOAS 1 again",
			 r_domain(s, IMS_DOM_ADD_BEGIN, S2, D1, 0, APERTURE_48, 0));
	stream_end(s);
}

TEST(domain_added_while_it_leaves)
{
	struct stream *s = with_domain();

	s->may_contradict = true;
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	expect_violation(s, "DUP-DOM", "domain 0xd001 was added to IOAS 1 again",
			 r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0));
	stream_end(s);
}

TEST(domain_moves)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	domain_del(s, S1, D1);
	domain_add(s, S2, D1, 0, APERTURE_48);
	domain_add(s, S1, D2, 0, APERTURE_48);
	domain_del(s, S2, D1);
	domain_del(s, S1, D2);
	ioas_destroy(s, S2, 2);
	end_with_ioas(s);
}

TESTS(T(area_at_half_a_page), T(area_as_aligned_as_asked), T(area_before_any_domain),
      T(alignment_too_low_for_a_domain), T(alignment_that_is_none),
      T(alignment_higher_than_needed), T(alignment_stays_when_a_domain_could_not_be_added),
      T(alignment_for_an_access), T(alignment_without_large_pages),
      T(aperture_moves_inside_an_ioas), T(aperture_moves_while_it_is_added), T(page_sizes_change),
      T(another_aperture_in_the_next_life), T(domain_in_two_ioas), T(domain_added_while_it_leaves),
      T(domain_moves))
