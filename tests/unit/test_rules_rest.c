// SPDX-License-Identifier: GPL-2.0-only
/* ACCT-EQ, ACCT-STEP, RLIMIT, PROT-MAP, PROT-PAGES, CLOSE-EMPTY. */
#include "stream.c"

/* Pinned and mapped, but not charged yet. */
static struct stream *uncharged(uint64_t n)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, n);
	r_pin(s, P1, 0, n);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), n }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, n * PG }));
	return s;
}

/* ---- ACCT-EQ ---- */

TEST(never_charged)
{
	struct stream *s = uncharged(8);

	r_storage(s, S1, A1, P1, D1);
	expect_violation(s, "ACCT-EQ", "after the operation, 8 pages are pinned but 0 are charged",
			 area_ready(s, A1));
	stream_end(s);
}

/* Mutant O09 */
TEST(never_released)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	expect_violation(s, "ACCT-EQ", "0 pages are pinned but 8 are charged", area_gone(s, A1));
	expect_violation(s, "ACCT-RELEASE", "freed while 8 pages are charged",
			 r_pages(s, IMS_PAGES_FREE, P1, 8, 0, IMS_ACCT_USER, true));
	stream_end(s);
}

/* With CAP_IPC_LOCK nobody is charged, but the numbers must be right too. */
TEST(mode_none_balances)
{
	struct stream *s = with_domain();

	s->mode = IMS_ACCT_NONE;
	s->limit = 0;
	map(s, S1, A1, P1, IOVA, 8);
	unmap(s, A1);
	map_begin(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	r_storage(s, S1, A1, P1, D1);
	expect_violation(s, "ACCT-EQ", NULL, area_ready(s, A1));
	stream_end(s);
}

/* The mm is dead: the charge cannot be given back, and that is known. */
TEST(dead_mm)
{
	struct stream *s = with_domain();

	s->mode = IMS_ACCT_MM;
	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	r_account(s, P1, IMS_ACCT_MM, -8, 0, 8, -22);
	area_gone(s, A1);
	r_pages(s, IMS_PAGES_FREE, P1, 8, 0, IMS_ACCT_MM, true);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	end_with_domain(s);
}

/* One charge for several batches of pins, at the end. */
TEST(deferred_charge)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 8);
	for (uint64_t i = 0; i < 8; i += 2) {
		r_pin(s, P1, i, 2);
		r_pin_runs(s, P1, i, RUNS({ PFN(1) + i, 2 }));
		r_dma_map(s, D1, A1, IOVA + i * PG, RW, 0, RUNS({ (PFN(1) + i) * PG, 2 * PG }));
	}
	r_account(s, P1, IMS_ACCT_USER, 8, 8, 8, 0);
	r_storage(s, S1, A1, P1, D1);
	area_ready(s, A1);
	map_end(s, A1, 0);
	stream_end(s);
}

/* ---- PIN-LEVELS ---- */

TEST(own_count_of_pins_is_wrong)
{
	struct stream *s = uncharged(8);

	expect_violation(s, "PIN-LEVELS", "iommufd counts 7 pinned pages, but has taken 8 more than "
			 "it gave back", r_account(s, P1, IMS_ACCT_USER, 8, 7, 7, 0));
	stream_end(s);
}

/* Also when the charge is refused: mutant N03 pins in vain, and does not count down. */
TEST(own_count_of_a_refused_charge)
{
	struct stream *s = uncharged(8);

	expect_violation(s, "PIN-LEVELS", "iommufd counts 12",
			 r_account(s, P1, IMS_ACCT_USER, 12, 12, 0, -12));
	stream_end(s);
}

/* Given back once too often is counted so: wrong, but not here. */
TEST(levels_agree_on_a_second_unpin)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 }));
	expect_violation(s, "PIN-BAL", NULL,
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 })));
	expect_violation(s, "ACCT-STEP", NULL, r_account(s, P1, IMS_ACCT_USER, -8, 0, 0, 0));
	stream_end(s);
}

TEST(levels_of_a_copy_of_contents)
{
	struct stream *s = uncharged(8);

	r_pin_transient(s, P1, 3);
	r_account(s, P1, IMS_ACCT_USER, 8, 8, 8, 0);
	stream_end(s);
}

/* ---- ACCT-STEP ---- */

TEST(charge_of_another_number)
{
	struct stream *s = uncharged(8);

	expect_violation(s, "ACCT-STEP", "+7 pages were charged on top of 0, but 8 are pinned",
			 r_account(s, P1, IMS_ACCT_USER, 7, 8, 8, 0));
	stream_end(s);
}

TEST(charge_that_is_not_remembered)
{
	struct stream *s = uncharged(8);

	expect_violation(s, "ACCT-STEP", "after the charge 0 pages count as charged and 8 as pinned",
			 r_account(s, P1, IMS_ACCT_USER, 8, 8, 0, 0));
	stream_end(s);
}

TEST(charge_that_failed)
{
	struct stream *s = uncharged(8);

	r_account(s, P1, IMS_ACCT_USER, 8, 8, 0, -12);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	end_with_domain(s);
}

/* ---- RLIMIT ---- */

TEST(up_to_the_limit)
{
	struct stream *s = with_domain();

	s->limit = 16;
	map(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, 0x200000, 8);
	s->limit = 4;			/* lowered later: legal, giving back too */
	unmap(s, A1);
	s->counter += 100;		/* others use the counter */
	unmap(s, A2);
	end_with_domain(s);
}

/* Mutant O10 */
TEST(over_the_limit)
{
	struct stream *s = mapped(8);

	s->limit = 15;
	expect_violation(s, "RLIMIT", "a charge of 8 pages was granted that brought the counter to "
			 "16, over the limit of 15",
			 (map_begin(s, S1, A2, P2, 0x200000, 8), r_pin(s, P2, 0, 8),
			  r_pin_runs(s, P2, 0, RUNS({ PFN(2), 8 })),
			  s->counter = 16, s->fed = 0,
			  r_account(s, P2, IMS_ACCT_USER, 8, 8, 8, 0)));
	stream_end(s);
}

TEST(limits_that_do_not_count)
{
	struct stream *s = uncharged(8);

	s->limit = 4;
	s->counter = 8;
	r_account(s, P1, IMS_ACCT_USER, 8, 8, 0, -12);	/* refused, as it should */
	s->mode = IMS_ACCT_NONE;			/* nobody is charged */
	pages_new(s, P2, 8);
	r_pin(s, P2, 0, 8);
	r_account(s, P2, IMS_ACCT_NONE, 8, 8, 8, 0);
	stream_end(s);
}

/* ---- PROT-MAP ---- */

TEST(more_than_the_area_permits)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, IOVA, 4 * PG, 0, RO);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	expect_violation(s, "PROT-MAP", "IOVA 0x100000 was mapped with permissions 0x7, its area has "
			 "0x5",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	stream_end(s);
}

TEST(not_coherent)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, IOVA, 4 * PG, 0, IMS_PROT_READ);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	expect_violation(s, "PROT-MAP", "IOVA 0x100000 was mapped without cache coherency",
			 r_dma_map(s, D1, A1, IOVA, IMS_PROT_READ, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	stream_end(s);
}

/* Mutant O11: a COPY makes read-only memory writeable. */
TEST(writeable_copy_of_read_only_pages)
{
	struct stream *s = with_domain();

	s->writable = false;
	map(s, S1, A1, P1, IOVA, 4);
	expect_violation(s, "PROT-PAGES", "area 0x200000-0x203fff is writeable, its pages were given "
			 "for reading",
			 r_area(s, IMS_AREA_INSERT, S1, A2, P1, 0x200000, 4 * PG, 0, RW));
	expect_violation(s, "PROT-MAP", "IOVA 0x200000 was mapped writeable, its pages were pinned "
			 "for reading",
			 r_dma_map(s, D1, A2, 0x200000, RW, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	stream_end(s);
}

/* Pages of P1 for reading and writing, in an area that may be read only; the ioctl is not over. */
static struct stream *less_than_asked(void)
{
	struct stream *s = with_ioas();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	pages_new(s, P1, 4);
	r_iova(s, IMS_IOVA_FIXED, S1, IOVA, 4 * PG, UPTR(P1));
	area_new(s, S1, A1, P1, IOVA, 4 * PG, 0, RO);
	area_ready(s, A1);
	return s;
}

#define MAPPED(s, flags) r_map(s, IMS_MAP_USER, S1, IOVA, 4 * PG, UPTR(P1), flags, 0)

TEST(area_permits_something_else)
{
	for (uint32_t flags = 1; flags <= 7; flags += 2) {
		struct stream *s = less_than_asked();

		if (flags == 5)			/* READABLE, as it is */
			MAPPED(s, flags);
		else
			expect_violation(s, "PROT-MAP", "area 0x100000-0x103fff has permissions 0x1, "
					 "its map asked for", MAPPED(s, flags));
		stream_end(s);
	}
}

/* What is there now may be of others. */
TEST(area_of_somebody_else)
{
	struct stream *s = less_than_asked();

	thread(s, 2);
	area_new(s, S1, A2, P1, 2 * IOVA, 4 * PG, 0, RO);
	thread(s, 1);
	MAPPED(s, 7);
	stream_end(s);
}

/* VFIO's MAP_DMA may ask for neither; read-only memory may be mapped to read. */
TEST(less_is_legal)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, IOVA, 2 * PG, 0, IMS_PROT_CACHE);
	area_fill(s, A1);
	area_ready(s, A1);
	copy(s, S1, A2, P1, 0x200000, PG, 0);
	s->writable = false;
	map(s, S1, A3, P2, 0x300000, 2);
	copy(s, S1, A4, P2, 0x400000, PG, 0);
	unmap(s, A1);
	unmap(s, A2);
	unmap(s, A3);
	unmap(s, A4);
	end_with_domain(s);
}

/* ---- CLOSE-EMPTY ---- */

static void freed(struct stream *s)
{
	r_ctx(s, IMS_CTX_FREED);
}

TEST(area_is_left)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 4);
	r_object(s, IMS_OBJ_DESTROY, 1);
	expect_violation(s, "CLOSE-EMPTY", "the ctx was freed with 1 areas, 1 pages objects, 0 "
			 "devices and 0 objects left", freed(s));
	stream_end(s);
}

TEST(pages_are_left)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 4);
	r_object(s, IMS_OBJ_DESTROY, 1);
	expect_violation(s, "CLOSE-EMPTY", "0 areas, 1 pages objects", freed(s));
	stream_end(s);
}

TEST(object_is_left)
{
	struct stream *s = with_ioas();

	r_object(s, IMS_OBJ_ALLOC, 2);
	r_object(s, IMS_OBJ_ABORT, 2);
	expect_violation(s, "CLOSE-EMPTY", "0 devices and 1 objects left", freed(s));
	stream_end(s);
}

TEST(device_is_left)
{
	struct stream *s = with_ioas();

	r_object(s, IMS_OBJ_DESTROY, 1);
	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	also(s, "DEV-OWN", NULL);
	expect_violation(s, "CLOSE-EMPTY", "1 devices and 0 objects", freed(s));
	stream_end(s);
}

/* Mutant O15: an automatic domain outlives its last device. */
TEST(domain_is_left)
{
	struct stream *s = with_domain();

	r_object(s, IMS_OBJ_DESTROY, 1);
	expect_violation(s, "CLOSE-EMPTY", NULL, freed(s));
	stream_end(s);
}

TEST(reserved_range_is_left)
{
	struct stream *s = with_ioas();

	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, X1, 0);
	r_object(s, IMS_OBJ_DESTROY, 1);
	expect_violation(s, "CLOSE-EMPTY", NULL, freed(s));
	stream_end(s);
}

/* What was allowed goes with the IOAS, without a record; so do nested domains. */
TEST(what_needs_no_end)
{
	struct stream *s = with_ioas();

	r_allow(s, IMS_ALLOW_RANGE, S1, 0x1000, 0x1fff, 0);
	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED);
	end_with_ioas(s);
}

TESTS(T(never_charged), T(never_released), T(mode_none_balances), T(dead_mm), T(deferred_charge),
      T(own_count_of_pins_is_wrong), T(own_count_of_a_refused_charge),
      T(levels_agree_on_a_second_unpin), T(levels_of_a_copy_of_contents), T(charge_of_another_number),
      T(charge_that_is_not_remembered), T(charge_that_failed), T(up_to_the_limit),
      T(over_the_limit), T(limits_that_do_not_count), T(more_than_the_area_permits),
      T(not_coherent), T(area_permits_something_else), T(area_of_somebody_else),
      T(writeable_copy_of_read_only_pages), T(less_is_legal), T(area_is_left),
      T(pages_are_left), T(object_is_left), T(device_is_left), T(domain_is_left),
      T(reserved_range_is_left), T(what_needs_no_end))
