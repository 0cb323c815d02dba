// SPDX-License-Identifier: GPL-2.0-only
/*
 * How pages are pinned, unpinned and charged: PIN-RANGE, PIN-FLAGS, DIRTY-ON-UNPIN, UNPIN-DOM,
 * ACCT-MODE, OPT-RLIMIT.
 */
#include <errno.h>

#include "model/model.h"
#include "stream.c"

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

/* One access: a page that is pinned for the time of a copy. */
static void copied_page(struct stream *s, uint32_t pin, uint32_t flags)
{
	pin_as(s, IMS_PIN_TRANSIENT, 0, 1, 1, UPTR(P1), pin);
	access_copies(s, S1, IOVA, 8, flags);
}

#define COPIED(s, flags) r_access_op_rc(s, IMS_ACC_RW, S1, IOVA, 8, flags, 0)

TEST(access_writes_to_a_page_pinned_for_reading)
{
	struct stream *s = only_mapped(8);

	copied_page(s, IMS_PIN_WRITE, 1);
	COPIED(s, 1);
	copied_page(s, 0, 0);
	COPIED(s, 0);
	copied_page(s, IMS_PIN_WRITE, 1);	/* the one before is over */
	COPIED(s, 1);
	copied_page(s, 0, 1);
	expect_violation(s, "PIN-FLAGS", "an access wrote to IOVA 0x100000-0x100007, to a page that was "
			 "pinned without FOLL_WRITE", COPIED(s, 1));
	stream_end(s);
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

/* Who opens /dev/vfio/vfio may have no right to set it; an old recording does not tell. */
TEST(mode_set_without_the_right)
{
	struct stream *s = stream_new();

	ctx_open(s);
	FEED(s, IMS_RLIMIT_MODE, IMS_RLIMIT_UNPRIVILEGED, ims_rlimit_mode, IMS_ACCT_MM, 0);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_OPTION);
	rlimit_mode(s, IMS_ACCT_USER, 0);
	FEED(s, IMS_RLIMIT_MODE, IMS_RLIMIT_PRIVILEGED, ims_rlimit_mode, IMS_ACCT_MM, 0);
	FEED(s, IMS_RLIMIT_MODE, IMS_RLIMIT_UNPRIVILEGED, ims_rlimit_mode, IMS_ACCT_USER, -EPERM);
	expect_violation(s, "OPT-RLIMIT", "the accounting mode was set by a thread without CAP_SYS_RESOURCE",
			 FEED(s, IMS_RLIMIT_MODE, IMS_RLIMIT_UNPRIVILEGED, ims_rlimit_mode, IMS_ACCT_USER, 0));
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

TESTS(T(pinned_at_another_address), T(pinned_before_the_object), T(pins_asked_behind_the_object),
      T(more_pins_than_asked), T(transient_pins_have_an_address_too),
      T(pins_taken_for_other_pages), T(pin_that_is_not_long_term),
      T(writable_pages_pinned_for_reading), T(read_only_pages_pinned_for_writing),
      T(flags_as_they_must_be), T(access_writes_to_a_page_pinned_for_reading),
      T(written_pages_stay_clean), T(read_only_pages_become_dirty),
      T(error_path_gives_pages_back), T(access_unpins_what_a_domain_holds),
      T(unpinned_before_the_area_left), T(unpinned_beside_an_area),
      T(charged_in_another_mode_than_the_ctx), T(two_modes_at_once),
      T(mode_changes_in_the_life_of_pages), T(somebody_else_is_charged),
      T(kernel_that_does_not_tell_who_mapped), T(modes_that_are_legal), T(mode_set_too_late),
      T(mode_set_without_the_right),
      T(mode_set_in_time))
