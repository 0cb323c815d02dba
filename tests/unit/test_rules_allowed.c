// SPDX-License-Identifier: GPL-2.0-only
/* ALW-KEEP, ALW-AUTO, ALW-NOAUTO. */
#include <errno.h>

#include "model/model.h"
#include "stream.c"

#define MAP_FLAGS 6		/* readable, writeable, not fixed */

static void allow(struct stream *s, uint64_t start, uint64_t last)
{
	r_allow(s, IMS_ALLOW_RANGE, S1, start, last, 0);
}

static void allow_by_ioctl(struct stream *s, uint64_t start, uint64_t last)
{
	r_ioctl_of(s, IMS_IOCTL_ENTER, M_CMD_ALLOW_IOVAS);
	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	allow(s, start, last);
	r_ioctl_of(s, IMS_IOCTL_EXIT, M_CMD_ALLOW_IOVAS);
}

/* ---- ALW-KEEP ---- */

TEST(allow_what_is_free)
{
	struct stream *s = with_ioas();

	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	allow(s, 0x100000, 0x1fffff);
	domain_add(s, S1, D1, 0, APERTURE_48);
	/* something that is in the way is refused, the old list stays */
	r_allow(s, IMS_ALLOW_REFUSED, S1, APERTURE_48, UINT64_MAX, -EADDRINUSE);
	r_reserve(s, IMS_RESV_ADD, S1, 0x1ff000, 0x1fffff, 0, -EADDRINUSE);
	r_reserve(s, IMS_RESV_ADD, S1, 0x200000, 0x200fff, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0x200000, 0x200fff, 0, 0);
	/* a mapping at a fixed IOVA may be outside */
	map(s, S1, A1, P1, 0x800000, 4);
	unmap(s, A1);
	end_with_domain(s);
}

TEST(reserve_what_is_allowed)
{
	struct stream *s = with_ioas();

	allow(s, 0x100000, 0x1fffff);
	expect_violation(s, "ALW-KEEP", "0x1ff000-0x1fffff was reserved though 0x100000-0x1fffff "
			 "is allowed",
			 r_reserve(s, IMS_RESV_ADD, S1, 0x1ff000, 0x1fffff, 0, 0));
	stream_end(s);
}

TEST(allow_what_is_reserved)
{
	struct stream *s = with_domain();

	expect_violation(s, "ALW-KEEP", "0xffffffffffff-0x1000000000000 was allowed though "
			 "0x1000000000000-0xffffffffffffffff is reserved",
			 allow(s, APERTURE_48, APERTURE_48 + 1));
	stream_end(s);
}

TEST(allowed_before_and_reset)
{
	struct stream *s = with_ioas();

	allow(s, 0x100000, 0x1fffff);
	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x100000, 0x100fff, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0x100000, 0x100fff, 0, 0);
	end_with_ioas(s);
}

/* ---- ALW-AUTO ---- */

static void chosen(struct stream *s, uint64_t iova, uint64_t length, uint64_t uptr)
{
	r_iova(s, IMS_IOVA_AUTO, S1, iova, length, uptr);
}

TEST(good_choices)
{
	struct stream *s = with_domain();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	chosen(s, 0x1000, PG, 0x7f0000001000);
	chosen(s, 2 * MB, 8 * MB, 0x7f0000000000);		/* a huge page is enough */
	chosen(s, 0x3000, 3 * PG, 0x7f0000003000);		/* low bit of the address */
	chosen(s, 0x4000, 3 * PG, 0x7f0000010000);		/* rounded-up length */
	chosen(s, 0x8000, 5 * PG, 0);				/* no address, no limit but that */
	r_iova(s, IMS_IOVA_FIXED, S1, 0x123, 1, 0);		/* the caller's choice */
	map(s, S1, A1, P1, 0x100000, 16);
	chosen(s, 0xff000, PG, 0x7f0000001000);
	unmap(s, A1);
	end_with_domain(s);
}

/* The address inside a page lends its low bits, on top of what the hole has. */
TEST(choices_inside_a_page)
{
	struct stream *s = with_ioas();

	chosen(s, 0x1800, PG, 0x7f0000000800);
	chosen(s, 0x1c00, 0x100, 0x7f0000000c00);
	chosen(s, 0x1c00, 0x100, 0x7f0000000400);	/* hole from 0x1800 */
	expect_violation(s, "ALW-AUTO", "the chosen IOVA 0x1000 for 0x1000 bytes of user address "
			 "0x7f0000000800 is less aligned than the user address",
			 chosen(s, 0x1000, PG, 0x7f0000000800));
	stream_end(s);
}

TEST(bad_choices)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	expect_violation(s, "ALW-AUTO", "the chosen IOVA 0 for 0x1000 bytes of user address "
			 "0x1000 is not between the second and the last but one page",
			 chosen(s, 0, PG, PG));
	expect_violation(s, "ALW-AUTO", "0xfffffffffffff000 for 0x1000",
			 chosen(s, -PG, PG, PG));
	expect_violation(s, "ALW-AUTO", "is not between", chosen(s, -PG, 2 * PG, PG));
	expect_violation(s, "ALW-AUTO", "is in use", chosen(s, 0x10f000, 2 * PG, PG));
	expect_violation(s, "ALW-AUTO", "is reserved", chosen(s, APERTURE_48 + 1, PG, PG));
	expect_violation(s, "ALW-AUTO", "is less aligned than the user address",
			 chosen(s, 0x201000, 2 * PG, 0x7f0000002000));
	expect_violation(s, "ALW-AUTO", "is less aligned than the user address",
			 chosen(s, 0x300000, 4 * MB, 0x7f0000000000));
	expect_violation(s, "ALW-AUTO", "is less aligned than the IOAS asks",
			 chosen(s, 0x1800, 0x100, 0x7f0000000800));
	stream_end(s);
}

TEST(choice_outside_the_allowed_ranges)
{
	struct stream *s = with_ioas();

	allow(s, 0x100000, 0x1fffff);
	allow(s, 0x300000, 0x3fffff);
	chosen(s, 0x100000, MB, 0x7f0000100000);
	chosen(s, 0x3ff000, PG, 0x7f0000001000);
	expect_violation(s, "ALW-AUTO", "is in no allowed range",
			 chosen(s, 0x1ff000, 2 * PG, 0x7f0000001000));
	expect_violation(s, "ALW-AUTO", "is in no allowed range",
			 chosen(s, 0x200000, PG, 0x7f0000001000));
	stream_end(s);
}

/*
 * The last of two lists counts, and an unpatched kernel tells which one that was in the
 * order in which the calls return: the second thread came and went within the call of the first.
 */
TEST(two_lists_at_once)
{
	struct stream *s = with_ioas();

	r_ioctl_of(s, IMS_IOCTL_ENTER, M_CMD_ALLOW_IOVAS);
	thread(s, 2);
	allow_by_ioctl(s, 0x300000, 0x3fffff);
	thread(s, 1);
	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	allow(s, 0x100000, 0x1fffff);
	r_ioctl_of(s, IMS_IOCTL_EXIT, M_CMD_ALLOW_IOVAS);
	chosen(s, 0x300000, PG, 0x7f0000001000);
	allow_by_ioctl(s, 0x100000, 0x1fffff);		/* now it is clear */
	expect_violation(s, "ALW-AUTO", "is in no allowed range",
			 chosen(s, 0x300000, PG, 0x7f0000001000));
	stream_end(s);
}

/* The kernel looks at allowed ranges that touch as at one. */
TEST(choice_across_allowed_ranges_that_touch)
{
	struct stream *s = with_ioas();

	allow(s, 0x200000, 0x2fffff);
	allow(s, 0x100000, 0x1fffff);
	chosen(s, 0x100000, 2 * MB, 0x7f0000100000);
	end_with_ioas(s);
}

/* Longer than any power of two. */
TEST(choice_for_half_of_all_addresses)
{
	struct stream *s = with_ioas();

	chosen(s, 2 * MB, (1ULL << 63) + 1, 0);
	expect_violation(s, "ALW-AUTO", "is less aligned than the user address",
			 chosen(s, MB, (1ULL << 63) + 1, 0));
	stream_end(s);
}

TEST(huge_page_of_the_kernel)
{
	struct stream *s = stream_new_opts(&(struct ims_verifier_opts){ .hpage = PG });

	ctx_open(s);
	ioas_new(s, S1, 1);
	chosen(s, 0x3000, 8 * MB, 0x7f0000000000);	/* a kernel without THP */
	end_with_ioas(s);
}

/* ---- ALW-NOAUTO ---- */

static void map_nospc(struct stream *s, uint64_t length, uint64_t uptr)
{
	r_map(s, IMS_MAP_USER, S1, 0, length, uptr, MAP_FLAGS, -ENOSPC);
}

static struct stream *full_but(uint64_t start, uint64_t last)
{
	struct stream *s = with_ioas();

	allow(s, start, last);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

TEST(nothing_fits)
{
	struct stream *s = full_but(0x101000, 0x102fff);

	map_nospc(s, 3 * PG, 0x7f0000001000);		/* too long */
	map_nospc(s, 2 * PG, 0x7f0000002000);		/* 0x102000 is too late */
	map_nospc(s, MB, 0x7f0000002000);
	r_ioctl(s, IMS_IOCTL_EXIT, -ENOSPC);
	end_with_ioas(s);
}

TEST(a_hole_is_there)
{
	struct stream *s = full_but(0x101000, 0x102fff);

	expect_violation(s, "ALW-NOAUTO", "no IOVA was found for 0x2000 bytes though 0x101000 is "
			 "free and allowed", map_nospc(s, 2 * PG, 0x7f0000001000));
	expect_violation(s, "ALW-NOAUTO", "0x1000 bytes though 0x101000", map_nospc(s, PG, 0));
	stream_end(s);
}

TEST(a_hole_between_areas_and_reserved_ranges)
{
	struct stream *s = with_ioas();

	allow(s, 0x100000, 0x10ffff);
	map(s, S1, A1, P1, 0x100000, 4);
	map(s, S1, A2, P2, 0x108000, 8);
	r_reserve(s, IMS_RESV_ADD, S1, 0x200000, 0x200fff, 0, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	map_nospc(s, 5 * PG, 0x7f0000001000);
	map_nospc(s, 8 * PG, 0);
	expect_violation(s, "ALW-NOAUTO", "though 0x104000 is free",
			 map_nospc(s, 4 * PG, 0x7f0000004000));
	stream_end(s);
}

TEST(a_hole_behind_a_reserved_range)
{
	struct stream *s = with_ioas();

	allow(s, 0x300000, 0x30ffff);
	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0, 0xfffff, 0, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x104000, UINT64_MAX - 16 * PG, 0, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	map_nospc(s, 16 * PG, 0x7f0000001000);
	expect_violation(s, "ALW-NOAUTO", "no IOVA was found for 0x4000 bytes though 0x100000 is free",
			 map_nospc(s, 4 * PG, 0x7f0000004000));
	r_reserve(s, IMS_RESV_DEL, S1, 0, 0xfffff, 0, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	expect_violation(s, "ALW-NOAUTO", "though 0x1000 is free", map_nospc(s, 16 * PG, 0x7f0000001000));
	stream_end(s);
}

/* No more than the alignment of a huge page is asked for, of the largest maps neither. */
TEST(a_hole_for_a_huge_page)
{
	struct stream *s = full_but(6 * MB, 16 * MB - 1);

	expect_violation(s, "ALW-NOAUTO", "no IOVA was found for 0x800000 bytes though 0x600000 is free",
			 map_nospc(s, 8 * MB, 0x7f0000000000));
	map_nospc(s, 16 * MB, 0);
	stream_end(s);
}

/* The exceptions in which -ENOSPC is nobody's fault, or not to be judged. */
TEST(legal_failures)
{
	struct stream *s = full_but(0x101000, 0x102fff);

	r_map(s, IMS_MAP_USER, S1, 0x101000, PG, PG, MAP_FLAGS | 1, -ENOSPC);	/* fixed */
	r_map(s, IMS_MAP_USER, S1, 0, PG, PG, MAP_FLAGS, -ENOMEM);
	r_map(s, IMS_MAP_COPY, S1, 0, PG, PG, MAP_FLAGS, -ENOSPC);
	map_nospc(s, UINT64_MAX / 2, PG);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	map_nospc(s, PG, PG);			/* not in an ioctl */
	end_with_ioas(s);
}

TEST(first_and_last_page_are_never_given)
{
	struct stream *s = full_but(0, PG - 1);

	allow(s, UINT64_MAX - PG + 1, UINT64_MAX);
	map_nospc(s, PG, PG);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	end_with_ioas(s);
}

TEST(hole_of_one_byte)
{
	struct stream *s = full_but(0x101000, 0x101000);

	map_nospc(s, 1, 0x7f0000001000);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	end_with_ioas(s);
}

/* Another thread made room since: the failure may have been right. */
TEST(room_made_by_another_thread)
{
	struct stream *s = with_ioas();

	allow(s, 0x100000, 0x10ffff);
	map(s, S1, A1, P1, 0x100000, 16);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 2);
	unmap(s, A1);
	thread(s, 1);
	map_nospc(s, PG, 0x7f0000001000);
	r_ioctl(s, IMS_IOCTL_EXIT, -ENOSPC);
	end_with_ioas(s);
}

TESTS(T(allow_what_is_free), T(reserve_what_is_allowed), T(allow_what_is_reserved),
      T(allowed_before_and_reset), T(good_choices), T(choices_inside_a_page), T(bad_choices),
      T(choice_outside_the_allowed_ranges), T(two_lists_at_once),
      T(choice_across_allowed_ranges_that_touch),
      T(choice_for_half_of_all_addresses), T(huge_page_of_the_kernel), T(nothing_fits), T(a_hole_is_there),
      T(a_hole_between_areas_and_reserved_ranges), T(a_hole_behind_a_reserved_range),
      T(a_hole_for_a_huge_page), T(legal_failures),
      T(first_and_last_page_are_never_given), T(hole_of_one_byte),
      T(room_made_by_another_thread))
