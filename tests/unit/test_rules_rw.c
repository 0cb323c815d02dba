// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-CONTIG, and PROT-ACC of reads and writes: what an access did by IOVA, told when
 * the call is over.
 */
#include <errno.h>

#include "model/model.h"
#include "stream.c"

/* Areas A1 and A2 of 8 pages, and A3 of 2 behind a hole of one page. */
static struct stream *three_areas(void)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, IOVA + 8 * PG, 8);
	map(s, S1, A3, P3, IOVA + 17 * PG, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

static void access_op(struct stream *s, int action, uint64_t iova, uint64_t length, uint32_t flags,
		      int rc)
{
	unsigned int fed = s->fed;

	if (action == IMS_ACC_RW && !rc)
		access_copies(s, S1, iova, length, flags);
	s->fed = fed;
	FEED(s, IMS_ACCESS_OP, action, ims_access_op, S1, 0xacce55, iova, length, flags, rc);
}

#define PINNED(s, iova, length, rc) access_op(s, IMS_ACC_PIN, iova, length, 0, rc)

/* ---- ACC-CONTIG ---- */

TEST(pinned_without_a_hole)
{
	struct stream *s = three_areas();

	PINNED(s, IOVA, 1, 0);
	PINNED(s, IOVA, 8 * PG, 0);
	PINNED(s, IOVA + 3 * PG + 5, 6 * PG, 0);	/* from one into the next */
	PINNED(s, IOVA, 16 * PG, 0);
	PINNED(s, IOVA + 17 * PG, 2 * PG, 0);
	stream_end(s);
}

TEST(pinned_over_a_hole)
{
	struct stream *s = three_areas();

	expect_violation(s, "ACC-CONTIG", "an access pinned IOVA 0x100000-0x110000, but nothing is mapped at "
			 "0x110000", PINNED(s, IOVA, 16 * PG + 1, 0));
	expect_violation(s, "ACC-CONTIG", "but nothing is mapped at 0x110000",
			 PINNED(s, IOVA + 4 * PG, 15 * PG, 0));
	stream_end(s);
}

TEST(pinned_before_and_behind_an_area)
{
	struct stream *s = three_areas();

	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0xfffff", PINNED(s, IOVA - 1, 2, 0));
	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0x113000",
			 PINNED(s, IOVA + 18 * PG, PG + 1, 0));
	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0x900000", PINNED(s, 0x900000, PG, 0));
	stream_end(s);
}

/* An area that is not live yet, or no more, is none. */
TEST(pinned_what_is_not_live)
{
	struct stream *s = with_ioas();

	map_begin(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, 0x300000, 8);
	area_dying(s, A2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0x100000", PINNED(s, IOVA, PG, 0));
	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0x300000", PINNED(s, 0x300000, PG, 0));
	stream_end(s);
}

/* Nothing was pinned then, so nothing need be there. */
TEST(pin_by_iova_that_failed)
{
	struct stream *s = three_areas();

	PINNED(s, 0x900000, PG, -ENOENT);
	PINNED(s, IOVA, 0, -EINVAL);
	PINNED(s, UINT64_MAX, PG, -EOVERFLOW);
	access_op(s, IMS_ACC_UNPIN, 0x900000, PG, 0, 0);
	stream_end(s);
}

/* While the call ran another thread unmapped what had been there. */
TEST(pinned_before_another_thread_unmapped)
{
	struct stream *s = three_areas();

	thread(s, 2);
	unmap(s, A2);
	thread(s, 1);
	PINNED(s, IOVA, 16 * PG, 0);
	access_op(s, IMS_ACC_RW, IOVA, 16 * PG, M_RW_WRITE, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	expect_violation(s, "ACC-CONTIG", "nothing is mapped at 0x108000", PINNED(s, IOVA, 16 * PG, 0));
	stream_end(s);
}

/* ---- PROT-ACC ---- */

/* A1 may be read and written, A2 behind it has @prot and pages that are @writable. */
static struct stream *second_area(uint32_t prot, bool writable)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	s->writable = writable;
	pages_new(s, P2, 8);
	if (prot & IMS_PROT_WRITE && !writable)
		stream_expect(s, "PROT-PAGES", NULL);
	s->fed = 0;
	area_new(s, S1, A2, P2, IOVA + 8 * PG, 8 * PG, 0, prot);
	if (prot & IMS_PROT_WRITE && !writable)
		stream_met(s);
	area_ready(s, A2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

TEST(wrote_to_a_read_only_area)
{
	struct stream *s = second_area(RO, true);

	access_op(s, IMS_ACC_RW, IOVA, 8 * PG, M_RW_WRITE, 0);	/* as far as it may */
	access_op(s, IMS_ACC_RW, IOVA, 16 * PG, 0, 0);
	access_op(s, IMS_ACC_RW, IOVA, 9 * PG, M_RW_WRITE, -EPERM);
	expect_violation(s, "PROT-ACC", "an access wrote IOVA 0x100000-0x108000, area 0x108000-0x10ffff "
			 "permits 0x5", access_op(s, IMS_ACC_RW, IOVA, 8 * PG + 1, M_RW_WRITE, 0));
	stream_end(s);
}

TEST(wrote_to_read_only_pages)
{
	struct stream *s = second_area(RW, false);

	access_op(s, IMS_ACC_RW, IOVA, 16 * PG, 0, 0);
	expect_violation(s, "PROT-ACC", "an access wrote IOVA 0x10a000-0x10a000, area 0x108000-0x10ffff "
			 "permits 0x7", access_op(s, IMS_ACC_RW, IOVA + 10 * PG, 1, M_RW_WRITE, 0));
	stream_end(s);
}

TEST(read_what_is_only_for_writing)
{
	struct stream *s = second_area(IMS_PROT_WRITE | IMS_PROT_CACHE, true);

	access_op(s, IMS_ACC_RW, IOVA, 16 * PG, M_RW_WRITE, 0);
	expect_violation(s, "PROT-ACC", "an access read IOVA 0x107fff-0x108000, area 0x108000-0x10ffff "
			 "permits 0x6", access_op(s, IMS_ACC_RW, IOVA + 8 * PG - 1, 2, 0, 0));
	stream_end(s);
}

/* Another thread replaced what had been written: the permissions of then are gone. */
TEST(wrote_before_another_thread_mapped)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 2);
	unmap(s, A1);
	pages_new(s, P2, 8);
	area_new(s, S1, A2, P2, IOVA, 8 * PG, 0, RO);
	area_ready(s, A2);
	thread(s, 1);
	access_op(s, IMS_ACC_RW, IOVA, PG, M_RW_WRITE, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	access_op(s, IMS_ACC_RW, IOVA, PG, M_RW_WRITE, 0);	/* in no ioctl: nobody knows since when */
	stream_end(s);
}

TESTS(T(pinned_without_a_hole), T(pinned_over_a_hole), T(pinned_before_and_behind_an_area),
      T(pinned_what_is_not_live), T(pin_by_iova_that_failed), T(pinned_before_another_thread_unmapped),
      T(wrote_to_a_read_only_area), T(wrote_to_read_only_pages), T(read_what_is_only_for_writing),
      T(wrote_before_another_thread_mapped))
