// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-RANGE, PIN-FLAGS, DIRTY-ON-UNPIN, UNPIN-DOM, ACCT-MODE, OPT-RLIMIT, and what
 * in-kernel accesses may do: PROT-ACC, ACC-NOTIFY, ACC-BAL, ACC-MOVE, ACC-XA,
 * ACC-PREVENT.
 */
#include <errno.h>

#include "model/model.h"
#include "stream.c"

#define IOVA 0x100000ULL
#define UPTR(P) ((uint64_t)(P) << 32)
#define RW_WRITE 1		/* IOMMUFD_ACCESS_RW_WRITE */

static struct stream *mapped(uint64_t n)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, n);
	return s;
}

/* In no domain: nothing is pinned but by accesses. */
static struct stream *only_mapped(uint64_t n)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, n);
	return s;
}

static void pin_as(struct stream *s, int action, uint64_t index, uint64_t wanted, int64_t got,
		   uint64_t uaddr, uint32_t flags)
{
	FEED(s, IMS_PIN, action, ims_pin, P_COOKIE(P1), index, wanted, got, uaddr, flags, 0);
}

#define HELD (IMS_PIN_LONGTERM | IMS_PIN_WRITE)

/* ---- PIN-RANGE ---- */

TEST(pinned_at_another_address)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-RANGE", "4 pages at 0x100003000 were pinned of an object of 8 pages at "
			 "0x100000000", pin_as(s, IMS_PIN_HELD, 2, 4, 4, UPTR(P1) + 3 * PG, HELD));
	stream_end(s);
}

TEST(pinned_before_the_object)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-RANGE", "4 pages at 0xfffff000 were pinned",
			 pin_as(s, IMS_PIN_HELD, 0, 4, 4, UPTR(P1) - PG, HELD));
	stream_end(s);
}

TEST(pins_asked_behind_the_object)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-RANGE", "3 pages at 0x100006000 were pinned",
			 pin_as(s, IMS_PIN_HELD, 6, 3, 2, UPTR(P1) + 6 * PG, HELD));
	stream_end(s);
}

TEST(more_pins_than_asked)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-RANGE", "2 pages at 0x100000000",
			 pin_as(s, IMS_PIN_HELD, 0, 2, 3, UPTR(P1), HELD));
	stream_end(s);
}

TEST(transient_pins_have_an_address_too)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	pin_as(s, IMS_PIN_TRANSIENT, 7, 1, 1, UPTR(P1) + 7 * PG, IMS_PIN_REMOTE);
	pin_as(s, IMS_PIN_HELD, 0, 8, 3, UPTR(P1), HELD);	/* fewer are legal */
	expect_violation(s, "PIN-RANGE", "1 pages at 0x100008000",
			 pin_as(s, IMS_PIN_TRANSIENT, 8, 1, 1, UPTR(P1) + 8 * PG, IMS_PIN_REMOTE));
	stream_end(s);
}

TEST(pins_taken_for_other_pages)
{
	struct stream *s = with_ioas();

	s->may_contradict = true;
	pages_new(s, P1, 8);
	pin_as(s, IMS_PIN_HELD, 2, 4, 4, UPTR(P1) + 2 * PG, HELD);
	r_pin_runs(s, P1, 2, RUNS({ PFN(1) + 2, 1 }));		/* as far as one record goes */
	r_pin_runs(s, P1, 3, RUNS({ PFN(1) + 3, 1 }));
	expect_violation(s, "PIN-RANGE", "what was pinned at the address of page 4 was taken for page 5",
			 r_pin_runs(s, P1, 5, RUNS({ PFN(1) + 4, 2 })));
	stream_end_as(s, IMS_FAIL);
}

/* ---- PIN-FLAGS ---- */

TEST(pin_that_is_not_long_term)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-FLAGS", "pages from 2 on were pinned without FOLL_LONGTERM",
			 pin_as(s, IMS_PIN_HELD, 2, 4, 4, UPTR(P1) + 2 * PG, IMS_PIN_WRITE));
	stream_end(s);
}

TEST(writable_pages_pinned_for_reading)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 8);
	expect_violation(s, "PIN-FLAGS",
			 "pages from 0 on were pinned without FOLL_WRITE, but the object is writable",
			 pin_as(s, IMS_PIN_HELD, 0, 4, 4, UPTR(P1), IMS_PIN_LONGTERM));
	stream_end(s);
}

TEST(read_only_pages_pinned_for_writing)
{
	struct stream *s = with_ioas();

	s->writable = false;
	pages_new(s, P1, 8);
	expect_violation(s, "PIN-FLAGS",
			 "pages from 0 on were pinned with FOLL_WRITE, but the object is read-only",
			 pin_as(s, IMS_PIN_HELD, 0, 4, 4, UPTR(P1), HELD));
	stream_end(s);
}

TEST(flags_as_they_must_be)
{
	struct stream *s = with_domain();

	s->writable = false;
	map(s, S1, A1, P1, IOVA, 8);
	pin_as(s, IMS_PIN_TRANSIENT, 0, 1, 1, UPTR(P1), 0);
	pin_as(s, IMS_PIN_TRANSIENT, 0, 1, 1, UPTR(P1), IMS_PIN_WRITE);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- DIRTY-ON-UNPIN ---- */

static struct stream *to_unpin(bool writable)
{
	struct stream *s = with_domain();

	s->writable = writable;
	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, writable ? IMS_UNPIN_DIRTY : 0, RUNS({ PFN(1), 5 }));
	return s;
}

TEST(written_pages_stay_clean)
{
	struct stream *s = to_unpin(true);

	expect_violation(s, "DIRTY-ON-UNPIN",
			 "writable pages from 5 on were unpinned without being marked dirty",
			 r_unpin(s, P1, 5, 0, RUNS({ PFN(1) + 5, 3 })));
	stream_end(s);
}

TEST(read_only_pages_become_dirty)
{
	struct stream *s = to_unpin(false);

	expect_violation(s, "DIRTY-ON-UNPIN",
			 "read-only pages from 5 on were unpinned and being marked dirty",
			 r_unpin(s, P1, 5, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 5, 3 })));
	stream_end(s);
}

TEST(error_path_gives_pages_back)
{
	for (int writable = 0; writable < 2; writable++) {
		struct stream *s = to_unpin(writable);

		r_unpin(s, P1, 5, IMS_UNPIN_LIST, RUNS({ PFN(1) + 5, 3 }));
		stream_end(s);
	}
}

/* ---- UNPIN-DOM ---- */

/* The access goes, a domain still has the area: here it is not even unmapped. */
TEST(access_unpins_what_a_domain_holds)
{
	struct stream *s = mapped(8);

	access_pin(s, A1, 2, 3);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 2, 3, 0);
	r_xarray(s, IMS_XA_CLEAR, P1, 2, 3);
	also(s, "UNPIN-AFTER-UNMAP", NULL);
	expect_violation(s, "UNPIN-DOM", "pages 2-3 were unpinned while area 0x100000-0x107fff keeps "
			 "them in a domain", r_unpin(s, P1, 2, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 2, 2 })));
	stream_end(s);
}

TEST(unpinned_before_the_area_left)
{
	struct stream *s = mapped(8);

	area_dying(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	expect_violation(s, "UNPIN-DOM", "pages 7-7 were unpinned while area",
			 r_unpin(s, P1, 7, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 7, 1 })));
	r_storage(s, S1, A1, P1, 0);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 7 }));
	stream_end(s);
}

/* What other areas and other pages do does not count. */
TEST(unpinned_beside_an_area)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	copy(s, S1, A2, P1, 0x300000, 2 * PG, 2 * PG);
	access_pin(s, A1, 5, 6);
	unmap(s, A2);
	access_unpin(s, A1, 5, 6);
	copy(s, S1, A2, P1, 0x300000, 2 * PG, 2 * PG);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 2 }));
	r_unpin(s, P1, 7, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 7, 1 }));
	stream_end(s);
}

/* ---- ACCT-MODE ---- */

static void rlimit_mode(struct stream *s, uint32_t mode, int rc)
{
	FEED(s, IMS_RLIMIT_MODE, 0, ims_rlimit_mode, mode, rc);
}

TEST(charged_in_another_mode_than_the_ctx)
{
	struct stream *s = stream_new();

	ctx_open(s);
	rlimit_mode(s, IMS_ACCT_MM, 0);
	ioas_new(s, S1, 1);
	expect_violation(s, "ACCT-MODE", "a pages object is charged in mode 1, the ctx is in mode 2",
			 pages_new(s, P1, 8));
	stream_end(s);
}

/* The second thread sets the mode, and is told of, within the call of the first: nobody knows who was last. */
TEST(two_modes_at_once)
{
	struct stream *s = stream_new();

	ctx_open(s);
	r_ioctl_of(s, IMS_IOCTL_ENTER, M_CMD_OPTION);
	thread(s, 2);
	r_ioctl_of(s, IMS_IOCTL_ENTER, M_CMD_OPTION);
	rlimit_mode(s, IMS_ACCT_USER, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, M_CMD_OPTION);
	thread(s, 1);
	rlimit_mode(s, IMS_ACCT_MM, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, M_CMD_OPTION);
	ioas_new(s, S1, 1);
	s->mode = IMS_ACCT_USER;
	map(s, S1, A1, P1, IOVA, 4);
	s->mode = IMS_ACCT_MM;
	map(s, S1, A2, P2, 0x300000, 4);
	unmap(s, A2);
	unmap(s, A1);
	end_with_ioas(s);
}

TEST(mode_changes_in_the_life_of_pages)
{
	struct stream *s = only_mapped(8);

	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	expect_violation(s, "ACCT-MODE", "a charge in mode 2 of a pages object that was made in mode 1",
			 r_account(s, P1, IMS_ACCT_MM, 4, 4, 4, 0));
	stream_end(s);
}

static void expect_mapper(uint32_t mode, uint16_t wrong, const char *text)
{
	struct stream *s = stream_new();

	ctx_open(s);
	s->mapper_wrong = wrong;
	expect_violation(s, "ACCT-MODE", text, r_pages(s, IMS_PAGES_ALLOC, P1, 4, 0, mode, true));
	stream_end(s);
}

TEST(somebody_else_is_charged)
{
	expect_mapper(IMS_ACCT_USER, IMS_MAPPER_USER,
		      "the user of a pages object is not that of who mapped");
	expect_mapper(IMS_ACCT_MM, IMS_MAPPER_MM,
		      "the mm of a pages object is not that of who mapped");
	expect_mapper(IMS_ACCT_USER, IMS_MAPPER_TASK,
		      "the process of a pages object is not that of who mapped");
	expect_mapper(IMS_ACCT_NONE, IMS_MAPPER_IPC_LOCK,
		      "a pages object is charged to nobody though who mapped has no CAP_IPC_LOCK");
	expect_mapper(IMS_ACCT_USER, IMS_MAPPER_IPC_LOCK,
		      "a pages object is charged though who mapped has CAP_IPC_LOCK");
}

TEST(kernel_that_does_not_tell_who_mapped)
{
	struct stream *s = stream_new();

	ctx_open(s);
	s->mapper_wrong = IMS_MAPPER_USER | IMS_MAPPER_MM | IMS_MAPPER_TASK;
	ioas_new(s, S1, 1);
	map(s, S1, A1, P1, IOVA, 4);
	unmap(s, A1);
	end_with_ioas(s);
}

TEST(modes_that_are_legal)
{
	struct stream *s = stream_new();

	ctx_open(s);
	s->mode = IMS_ACCT_MM;			/* VFIO's default, not told here */
	ioas_new(s, S1, 1);
	map(s, S1, A1, P1, IOVA, 4);
	unmap(s, A1);
	ioas_destroy(s, S1, 1);
	rlimit_mode(s, IMS_ACCT_USER, 0);
	rlimit_mode(s, IMS_ACCT_MM, -EINVAL);	/* refused: as before */
	s->mode = IMS_ACCT_USER;
	ioas_new(s, S1, 1);
	domain_add(s, S1, D1, 0, APERTURE_48);
	map(s, S1, A1, P1, IOVA, 4);
	s->mode = IMS_ACCT_NONE;		/* CAP_IPC_LOCK */
	map(s, S1, A2, P2, 0x300000, 4);
	unmap(s, A2);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- OPT-RLIMIT ---- */

TEST(mode_set_too_late)
{
	struct stream *s = with_ioas();

	r_object(s, IMS_OBJ_ALLOC, 2);
	expect_violation(s, "OPT-RLIMIT", "the accounting mode was set while the ctx has 2 objects",
			 rlimit_mode(s, IMS_ACCT_MM, 0));
	stream_end(s);
}

TEST(mode_set_in_time)
{
	struct stream *s = stream_new();

	ctx_open(s);
	rlimit_mode(s, IMS_ACCT_MM, 0);
	rlimit_mode(s, IMS_ACCT_USER, 0);
	ioas_new(s, S1, 1);
	rlimit_mode(s, IMS_ACCT_MM, -EBUSY);
	ioas_destroy(s, S1, 1);
	r_object(s, IMS_OBJ_ALLOC, 2);
	r_object(s, IMS_OBJ_ABORT, 2);
	rlimit_mode(s, IMS_ACCT_MM, 0);
	ctx_close(s);
	stream_end(s);
}

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

	PIN_RANGE(s, RW_WRITE, -EPERM);
	expect_violation(s, "PROT-ACC", "an access pinned pages 2-3 for writing, the area permits 0x5",
			 PIN_RANGE(s, RW_WRITE, 0));
	stream_end(s);
}

TEST(access_writes_to_read_only_pages)
{
	struct stream *s = with_ioas();

	s->writable = false;
	pages_new(s, P1, 8);
	expect_violation(s, "PROT-PAGES", NULL, area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW));
	area_ready(s, A1);
	expect_violation(s, "PROT-ACC", "for writing, the area permits 0x7", PIN_RANGE(s, RW_WRITE, 0));
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

	PIN_RANGE(s, RW_WRITE, 0);
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

TESTS(T(pinned_at_another_address), T(pinned_before_the_object), T(pins_asked_behind_the_object),
      T(more_pins_than_asked), T(transient_pins_have_an_address_too), T(pins_taken_for_other_pages),
      T(pin_that_is_not_long_term),
      T(writable_pages_pinned_for_reading), T(read_only_pages_pinned_for_writing),
      T(flags_as_they_must_be), T(written_pages_stay_clean), T(read_only_pages_become_dirty),
      T(error_path_gives_pages_back), T(access_unpins_what_a_domain_holds),
      T(unpinned_before_the_area_left), T(unpinned_beside_an_area),
      T(charged_in_another_mode_than_the_ctx), T(two_modes_at_once), T(mode_changes_in_the_life_of_pages),
      T(somebody_else_is_charged),
      T(kernel_that_does_not_tell_who_mapped), T(modes_that_are_legal), T(mode_set_too_late), T(mode_set_in_time),
      T(access_writes_to_a_read_only_area), T(access_writes_to_read_only_pages),
      T(access_reads_what_is_only_for_writing), T(access_does_what_it_may),
      T(area_goes_under_an_access), T(iommufd_knows_of_a_pin), T(area_goes_when_all_let_go),
      T(access_gives_back_what_it_has_not), T(access_gives_back_twice),
      T(access_gives_back_through_another_area), T(counts_of_accesses_differ), T(ranges_are_shared),
      T(pin_that_failed_keeps_a_range), T(pin_that_failed_keeps_nothing),
      T(access_leaves_where_it_is_not), T(access_is_listed_at_the_end), T(access_moves),
      T(access_is_asked_that_has_left), T(access_is_asked_by_its_old_ioas),
      T(access_leaves_while_it_is_asked),
      T(pages_are_not_in_the_xarray), T(pages_stay_in_the_xarray), T(xarray_holds_the_union),
      T(kernel_without_an_xarray), T(pinned_while_it_is_unmapped),
      T(pinned_while_others_are_unmapped), T(late_notice), T(unmap_that_gave_up))
