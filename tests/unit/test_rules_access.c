// SPDX-License-Identifier: GPL-2.0-only
/* What in-kernel accesses may do: PROT-ACC, ACC-NOTIFY, ACC-BAL, ACC-MOVE, ACC-XA, ACC-PREVENT. */
#include <errno.h>

#include "model/model.h"
#include "stream.c"

/* ---- PROT-ACC ---- */

static void acc_range(struct stream *s, int action, uint64_t A, uint64_t index, uint64_t last,
		      uint32_t users, uint32_t nacc, uint32_t flags, int rc)
{
	FEED(s, IMS_ACCESS_RANGE, action, ims_access_range, A, P_COOKIE(P1), index, last, users, nacc,
	     flags, rc);
}

#define PIN_RANGE(s, flags, rc) acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 3, 1, 1, flags, rc)

static struct stream *area_with(uint32_t prot, bool writable)
{
	struct stream *s = with_ioas();

	s->writable = writable;
	pages_new(s, P1, 8);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, prot);
	area_ready(s, A1);
	return s;
}

TEST(access_writes_to_a_read_only_area)
{
	struct stream *s = area_with(RO, true);

	PIN_RANGE(s, M_RW_WRITE, -EPERM);
	expect_violation(s, "PROT-ACC", "an access pinned pages 2-3 for writing, the area permits 0x5",
			 PIN_RANGE(s, M_RW_WRITE, 0));
	stream_end(s);
}

TEST(access_writes_to_read_only_pages)
{
	struct stream *s = with_ioas();

	s->writable = false;
	pages_new(s, P1, 8);
	expect_violation(s, "PROT-PAGES", NULL, area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW));
	area_ready(s, A1);
	expect_violation(s, "PROT-ACC", "for writing, the area permits 0x7", PIN_RANGE(s, M_RW_WRITE, 0));
	stream_end(s);
}

TEST(access_reads_what_is_only_for_writing)
{
	struct stream *s = area_with(IMS_PROT_WRITE | IMS_PROT_CACHE, true);

	expect_violation(s, "PROT-ACC", "for reading, the area permits 0x6", PIN_RANGE(s, 0, 0));
	stream_end(s);
}

TEST(access_does_what_it_may)
{
	struct stream *s = area_with(RW, true);

	PIN_RANGE(s, M_RW_WRITE, 0);
	thread(s, 2);
	acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 3, 2, 2, 0, 0);
	stream_end(s);
	s = area_with(RO, false);
	PIN_RANGE(s, 0, 0);
	stream_end(s);
}

/* ---- ACC-NOTIFY ---- */

TEST(area_goes_under_an_access)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 2, 3);
	access_pin(s, A1, 4, 4);
	expect_violation(s, "ACC-NOTIFY", "area 0x100000-0x107fff is being removed while accesses hold 2 "
			 "pins in it (iommufd counts 0)", area_dying(s, A1));
	stream_end(s);
}

TEST(iommufd_knows_of_a_pin)
{
	struct stream *s = only_mapped(8);

	expect_violation(s, "ACC-NOTIFY", "hold 0 pins in it (iommufd counts 1)",
			 FEED(s, IMS_AREA, IMS_AREA_DYING, ims_area, S1, A1, P_COOKIE(P1), IOVA,
			      IOVA + 8 * PG - 1, 0, RW, 1));
	stream_end(s);
}

TEST(area_goes_when_all_let_go)
{
	struct stream *s = only_mapped(8);

	copy(s, S1, A2, P1, 0x300000, 8 * PG, 0);
	access_pin(s, A1, 2, 3);
	access_pin(s, A2, 2, 3);		/* the other one stays */
	access_unpin(s, A1, 2, 3);
	unmap(s, A1);
	access_unpin(s, A2, 2, 3);
	unmap(s, A2);
	end_with_ioas(s);
}

/* ---- ACC-BAL ---- */

TEST(access_gives_back_what_it_has_not)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 2, 5);
	expect_violation(s, "ACC-BAL", "an access gave back pages 2-3, which it does not hold",
			 acc_range(s, IMS_ACC_RANGE_UNPIN, A1, 2, 3, 0, 0, 0, 0));
	stream_end(s);
}

TEST(access_gives_back_twice)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 2, 5);
	access_unpin(s, A1, 2, 5);
	expect_violation(s, "ACC-BAL", "an access gave back pages 2-5, which it does not hold",
			 acc_range(s, IMS_ACC_RANGE_UNPIN, A1, 2, 5, 0, 0, 0, 0));
	stream_end(s);
}

/* The range is the other area's. */
TEST(access_gives_back_through_another_area)
{
	struct stream *s = only_mapped(8);

	copy(s, S1, A2, P1, 0x300000, 8 * PG, 0);
	access_pin(s, A1, 2, 5);
	expect_violation(s, "ACC-BAL", "an access gave back pages 2-5, which it does not hold",
			 acc_range(s, IMS_ACC_RANGE_UNPIN, A2, 2, 5, 0, 0, 0, 0));
	stream_end(s);
}

TEST(counts_of_accesses_differ)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 2, 5);
	expect_violation(s, "ACC-BAL",
			 "pages 2-5 have 2 users and the area 2, iommufd counts 1 and 2",
			 acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 5, 1, 2, 0, 0));
	expect_violation(s, "ACC-BAL",
			 "pages 2-5 have 1 users and the area 1, iommufd counts 1 and 0",
			 acc_range(s, IMS_ACC_RANGE_UNPIN, A1, 2, 5, 1, 0, 0, 0));
	stream_end(s);
}

TEST(ranges_are_shared)
{
	struct stream *s = only_mapped(8);

	copy(s, S1, A2, P1, 0x300000, 8 * PG, 0);
	access_pin(s, A1, 2, 5);
	access_pin(s, A2, 2, 5);
	access_pin(s, A1, 3, 4);		/* inside, but another range */
	acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 5, 0, 2, 0, -ENOMEM);
	access_unpin(s, A1, 2, 5);
	access_unpin(s, A1, 3, 4);
	access_unpin(s, A2, 2, 5);
	unmap(s, A1);
	unmap(s, A2);
	end_with_ioas(s);
}

static void pin_ends(struct stream *s, int rc)
{
	FEED(s, IMS_ACCESS_OP, IMS_ACC_PIN, ims_access_op, S1, 0xacce55, IOVA, 8 * PG, 0, rc);
}

/* Mutant N29: of several areas, the ones before the one that failed. */
TEST(pin_that_failed_keeps_a_range)
{
	struct stream *s = only_mapped(8);

	acc_range(s, IMS_ACC_RANGE_PIN, A1, 0, 3, 1, 1, 0, 0);
	acc_range(s, IMS_ACC_RANGE_PIN, A1, 4, 7, 0, 1, 0, -ENOMEM);
	expect_violation(s, "ACC-BAL", "a pin of IOVA 0x100000-0x107fff failed (-12) but keeps 1 ranges "
			 "pinned", pin_ends(s, -ENOMEM));
	stream_end(s);
}

TEST(pin_that_failed_keeps_nothing)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 6, 7);		/* an earlier one */
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, 3, 0);
	thread(s, 2);
	access_pin(s, A1, 4, 5);		/* somebody else's */
	thread(s, 1);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 4, 7, -ENOMEM);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 0, 3, 0);
	pin_ends(s, -ENOMEM);
	pin_ends(s, -ENOENT);			/* not even one */
	stream_end(s);
}

/* ---- ACC-MOVE ---- */

static void access_record(struct stream *s, int action, uint64_t S, int rc)
{
	FEED(s, IMS_ACCESS, action, ims_access, S, 0xacce55, 1, 7, rc);
}

TEST(access_leaves_where_it_is_not)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	access_record(s, IMS_ACC_ADD, S1, 0);
	expect_violation(s, "ACC-MOVE", "access 7 left IOAS 2, which does not list it",
			 access_record(s, IMS_ACC_REMOVE, S2, 0));
	access_record(s, IMS_ACC_ADD, S2, -ENOMEM);
	expect_violation(s, "ACC-MOVE", "access 7 left IOAS 2, which does not list it",
			 access_record(s, IMS_ACC_REMOVE, S2, 0));
	stream_end(s);
}

TEST(access_is_listed_at_the_end)
{
	struct stream *s = with_ioas();

	access_record(s, IMS_ACC_ADD, S1, 0);
	ioas_destroy(s, S1, 1);
	expect_violation(s, "ACC-MOVE", "IOAS 1 still lists access 0xacce55 at the end",
			 r_ctx(s, IMS_CTX_FREED));
	stream_end(s);
}

TEST(access_moves)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	access_record(s, IMS_ACC_ADD, S1, 0);
	access_record(s, IMS_ACC_ADD, S2, 0);	/* the new one first */
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	access_record(s, IMS_ACC_REMOVE, S2, 0);
	ioas_destroy(s, S2, 2);
	end_with_ioas(s);
}

/* One that has left, in the middle of an unmap. */
TEST(access_is_asked_that_has_left)
{
	struct stream *s = only_mapped(8);

	access_record(s, IMS_ACC_ADD, S1, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG);
	r_access_op(s, IMS_ACC_NOTIFY_END, S1, IOVA, 8 * PG);
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	expect_violation(s, "ACC-MOVE", "access 0xacce55 is asked to let go of IOVA 0x100000 of IOAS 1, "
			 "which does not list it",
			 r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG));
	stream_end(s);
}

/* Mutant N18: it left the one IOAS, and is on the list of the other still. */
TEST(access_is_asked_by_its_old_ioas)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	access_record(s, IMS_ACC_ADD, S1, 0);
	access_record(s, IMS_ACC_ADD, S2, 0);
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	thread(s, 2);				/* later */
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	expect_violation(s, "ACC-MOVE", "of IOAS 1, which does not list it",
			 r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, 0, PG));
	stream_end(s);
}

/* Another thread takes it off while this one is about to ask, in and out of an ioctl. */
TEST(access_leaves_while_it_is_asked)
{
	for (int in = 0; in < 2; in++) {
		struct stream *s = with_ioas();

		access_record(s, IMS_ACC_ADD, S1, 0);
		if (in)
			r_ioctl(s, IMS_IOCTL_ENTER, 0);
		thread(s, 2);
		access_record(s, IMS_ACC_REMOVE, S1, 0);
		thread(s, 1);
		r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG);
		r_access_op(s, IMS_ACC_NOTIFY_END, S1, IOVA, 8 * PG);
		if (in)
			r_ioctl(s, IMS_IOCTL_EXIT, -ENOENT);
		end_with_ioas(s);
	}
}

/* ---- ACC-XA ---- */

TEST(pages_are_not_in_the_xarray)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 0, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_pin(s, P1, 2, 4);
	r_pin_runs(s, P1, 2, RUNS({ PFN(1) + 2, 4 }));
	r_xarray(s, IMS_XA_STORE, P1, 2, 4);
	r_account(s, P1, IMS_ACCT_USER, 4, 6, 6, 0);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 2, 5, 0);
	expect_violation(s, "ACC-XA", "accesses use pages 0-5, the xarray does not hold all of them",
			 r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

TEST(pages_stay_in_the_xarray)
{
	struct stream *s = only_mapped(8);

	access_pin(s, A1, 0, 3);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 0, 3, 0);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 }));
	r_account(s, P1, IMS_ACCT_USER, -4, 0, 0, 0);
	expect_violation(s, "ACC-XA", "the xarray holds 4 pages, accesses use 0",
			 r_ioctl(s, IMS_IOCTL_EXIT, 0));
	area_dying(s, A1);
	area_gone(s, A1);
	expect_violation(s, "ACC-XA", "the pages object was freed with 4 pages in its xarray",
			 r_pages(s, IMS_PAGES_FREE, P1, 8, 0, IMS_ACCT_USER, true));
	stream_end(s);
}

/* Two use the same pages: these are there once, until the last of both goes. */
TEST(xarray_holds_the_union)
{
	struct stream *s = only_mapped(16);

	access_pin(s, A1, 8, 9);
	access_pin(s, A1, 0, 3);
	access_pin(s, A1, 2, 5);
	access_pin(s, A1, 6, 6);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	access_unpin(s, A1, 0, 3);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	access_unpin(s, A1, 2, 5);
	access_unpin(s, A1, 8, 9);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	access_unpin(s, A1, 6, 6);
	unmap(s, A1);
	end_with_ioas(s);
}

TEST(kernel_without_an_xarray)
{
	struct stream *s = only_mapped(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_account(s, P1, IMS_ACCT_USER, 4, 4, 4, 0);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, 3, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

/* ---- ACC-PREVENT ---- */

TEST(pinned_while_it_is_unmapped)
{
	struct stream *s = only_mapped(8);

	access_record(s, IMS_ACC_ADD, S1, 0);
	access_pin(s, A1, 0, 1);
	r_area(s, IMS_AREA_PREVENT, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG);
	acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 3, 0, 1, 0, -EINVAL);	/* as it must be */
	expect_violation(s, "ACC-PREVENT", "an access pinned pages 2-3 of area 0x100000-0x107fff while "
			 "it is being unmapped", acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 3, 1, 2, 0, 0));
	stream_end(s);
}

/* Another area, or the farewell of one access, which concerns all addresses. */
TEST(pinned_while_others_are_unmapped)
{
	struct stream *s = only_mapped(8);

	access_record(s, IMS_ACC_ADD, S1, 0);
	map(s, S1, A2, P2, 0x300000, 8);
	r_area(s, IMS_AREA_PREVENT, S1, A2, P2, 0x300000, 8 * PG, 0, RW);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, 0x300000, 8 * PG);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, 0, UINT64_MAX);
	access_pin(s, A1, 2, 3);
	r_access_op(s, IMS_ACC_NOTIFY_END, S1, 0x300000, 8 * PG);
	access_unpin(s, A1, 2, 3);
	unmap(s, A2);
	unmap(s, A1);
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	end_with_ioas(s);
}

/* The drivers are told without a lock, when another area may have taken the place. */
TEST(late_notice)
{
	struct stream *s = only_mapped(8);

	access_record(s, IMS_ACC_ADD, S1, 0);
	r_area(s, IMS_AREA_PREVENT, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	unmap(s, A1);
	map(s, S1, A2, P2, IOVA, 8);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG);
	access_pin(s, A2, 0, 1);
	access_unpin(s, A2, 0, 1);
	unmap(s, A2);
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	end_with_ioas(s);
}

/* -EDEADLOCK: the area lives on, closed, and can be unmapped later. */
TEST(unmap_that_gave_up)
{
	struct stream *s = only_mapped(8);

	access_record(s, IMS_ACC_ADD, S1, 0);
	access_pin(s, A1, 0, 1);
	r_area(s, IMS_AREA_PREVENT, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	r_access_op(s, IMS_ACC_NOTIFY_BEGIN, S1, IOVA, 8 * PG);
	r_access_op(s, IMS_ACC_NOTIFY_END, S1, IOVA, 8 * PG);
	r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA, IOVA + 8 * PG - 1, 0, -EDEADLOCK);
	acc_range(s, IMS_ACC_RANGE_PIN, A1, 2, 3, 0, 1, 0, -EINVAL);
	access_unpin(s, A1, 0, 1);
	unmap(s, A1);
	access_record(s, IMS_ACC_REMOVE, S1, 0);
	end_with_ioas(s);
}

TESTS(T(access_writes_to_a_read_only_area), T(access_writes_to_read_only_pages),
      T(access_reads_what_is_only_for_writing), T(access_does_what_it_may),
      T(area_goes_under_an_access), T(iommufd_knows_of_a_pin), T(area_goes_when_all_let_go),
      T(access_gives_back_what_it_has_not), T(access_gives_back_twice),
      T(access_gives_back_through_another_area), T(counts_of_accesses_differ),
      T(ranges_are_shared), T(pin_that_failed_keeps_a_range), T(pin_that_failed_keeps_nothing),
      T(access_leaves_where_it_is_not), T(access_is_listed_at_the_end), T(access_moves),
      T(access_is_asked_that_has_left), T(access_is_asked_by_its_old_ioas),
      T(access_leaves_while_it_is_asked), T(pages_are_not_in_the_xarray),
      T(pages_stay_in_the_xarray), T(xarray_holds_the_union), T(kernel_without_an_xarray),
      T(pinned_while_it_is_unmapped), T(pinned_while_others_are_unmapped), T(late_notice),
      T(unmap_that_gave_up))
