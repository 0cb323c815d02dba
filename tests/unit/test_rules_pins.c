// SPDX-License-Identifier: GPL-2.0-only
/* PIN-ONCE, PIN-USED, PIN-BAL, UNPIN-AFTER-UNMAP, UNPIN-SYNC, UNPIN-ACC. */
#include "stream.c"

/* ---- PIN-ONCE ---- */

TEST(pinned_twice)
{
	struct stream *s = mapped(8);

	expect_violation(s, "PIN-ONCE", "pages 4-7 were pinned though pages 0-7 already are",
			 r_pin(s, P1, 4, 4));
	stream_end(s);
}

TEST(pinned_outside)
{
	struct stream *s = with_domain();

	s->may_contradict = true;
	pages_new(s, P1, 8);
	also(s, "PIN-RANGE", NULL);
	expect_violation(s, "PIN-ONCE", "pages 7-8 were pinned of an object of 8",
			 r_pin(s, P1, 7, 2));
	stream_end(s);
}

TEST(what_is_not_a_second_pin)
{
	struct stream *s = mapped(8);

	r_pin_transient(s, P1, 3);
	r_pin(s, P1, 3, -14);		/* failed */
	map(s, S1, A2, P2, 0x900000, 8);	/* perhaps the same memory, another object */
	unmap(s, A2);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- PIN-USED ---- */

TEST(pin_that_nobody_uses)
{
	struct stream *s = mapped(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 7 }));
	r_account(s, P1, IMS_ACCT_USER, -7, 1, 1, 0);
	expect_violation(s, "PIN-USED", "1 pages are pinned but only 0 are in use",
			 area_gone(s, A1));
	stream_end(s);
}

TEST(use_of_what_is_not_pinned)
{
	struct stream *s = mapped(8);

	copy(s, S1, A2, P1, 0x900000, 4 * PG, 2 * PG);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	also(s, "UNPIN-DOM", "pages 0-2 were unpinned while area 0x900000-0x903fff keeps them");
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL,
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 3 })));
	r_account(s, P1, IMS_ACCT_USER, -3, 5, 5, 0);
	expect_violation(s, "PIN-USED", "pages 2-5 are in use but not all of them are pinned",
			 area_gone(s, A1));
	stream_end(s);
}

/* A thread that is not in an ioctl, a kthread of a driver, say. */
TEST(leak_of_an_access)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 0, 3);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 0, 3, 0);
	r_xarray(s, IMS_XA_CLEAR, P1, 0, 3);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 2 }));
	r_account(s, P1, IMS_ACCT_USER, -2, 2, 2, 0);
	expect_violation(s, "PIN-USED", "2 pages are pinned but only 0 are in use",
			 r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

/* The page stays pinned for nobody, and no pin or charge says so. */
TEST(access_ends_without_an_unpin)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 0, 3);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 0, 3, 0);
	r_xarray(s, IMS_XA_CLEAR, P1, 0, 3);
	expect_violation(s, "PIN-USED", "4 pages are pinned but only 0 are in use",
			 r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

/* A COPY of two pieces: the second is not live yet when the first is. */
TEST(leak_in_the_second_area_of_a_map)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_64);
	map(s, S1, A1, P1, IOVA, 4);
	map(s, S1, A2, P2, IOVA + 4 * PG, 4);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_new(s, S2, A3, P1, IOVA, 4 * PG, 0, RW);
	area_new(s, S2, A4, P2, IOVA + 4 * PG, 2 * PG, 0, RW);
	area_fill(s, A3);
	r_pin(s, P2, 0, 3);		/* one too many */
	r_pin_runs(s, P2, 0, RUNS({ PFN(2), 3 }));
	r_dma_map(s, D2, A4, IOVA + 4 * PG, RW, 0, RUNS({ PFN(2) * PG, 2 * PG }));
	r_account(s, P2, IMS_ACCT_USER, 3, 3, 3, 0);
	r_storage(s, S2, A4, P2, D2);
	area_ready(s, A3);
	expect_violation(s, "PIN-USED", "3 pages are pinned but only 2 are in use",
			 area_ready(s, A4));
	stream_end(s);
}

/* The pages of an area that becomes live are in the hands of another thread. */
TEST(area_ready_while_another_thread_pins)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	area_new(s, S1, A2, P1, 0x900000, 4 * PG, 0, RW);
	thread(s, 2);
	r_pin(s, P1, 0, 2);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 2 }));
	thread(s, 1);
	area_ready(s, A2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 2);
	r_account(s, P1, IMS_ACCT_USER, 2, 2, 2, 0);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, 1, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

/* ---- threads: who touched a pages object last answers for it ---- */

/* Thread 2 finishes while thread 1 is between pin and charge, or unpin and charge. */
TEST(two_threads_on_shared_pages)
{
	struct stream *s = mapped(8);

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_64);
	ioas_new(s, S3, 3);
	copy(s, S3, A3, P1, IOVA, 8 * PG, 0);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	access_pin(s, A3, 0, 1);		/* touches P1 */
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_new(s, S2, A2, P1, IOVA, 8 * PG, 0, RW);
	area_leaves(s, A1);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	access_unpin(s, A3, 0, 1);
	thread(s, 1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);		/* P1 is pinned less than it is charged */
	thread(s, 1);
	r_account(s, P1, IMS_ACCT_USER, -8, 0, 0, 0);
	r_area(s, IMS_AREA_FREE, S1, A1, 0, IOVA, 8 * PG, 0, RW);
	r_pin(s, P1, 0, 8);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D2, A2, IOVA, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_account(s, P1, IMS_ACCT_USER, 8, 8, 8, 0);
	r_storage(s, S2, A2, P1, D2);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	area_ready(s, A2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

/* Thread 2 owes a judgement on P1 while thread 1 lets go of its access. */
TEST(access_ends_between_two_records_of_another_thread)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 0, 3);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	access_pin(s, A1, 2, 5);
	thread(s, 1);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 0, 3, 0);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_xarray(s, IMS_XA_CLEAR, P1, 0, 1);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 2 }));
	r_account(s, P1, IMS_ACCT_USER, -2, 4, 4, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

/* A domain joins or leaves another IOAS that shows the pages too. */
TEST(domain_leaves_between_two_records_of_another_thread)
{
	struct stream *s = mapped(8);

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_64);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	copy(s, S2, A2, P1, IOVA, 4 * PG, 0);
	access_pin(s, A2, 6, 6);
	thread(s, 1);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_storage(s, S1, A1, P1, 0);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_unpin(s, P1, 4, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 4, 2 }));
	r_unpin(s, P1, 7, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 7, 1 }));
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_account(s, P1, IMS_ACCT_USER, -3, 5, 5, 0);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	r_domain(s, IMS_DOM_DEL_END, S1, D1, 0, APERTURE_48, 0);
	stream_end(s);
}

/* ---- PIN-BAL ---- */

TEST(unpinned_twice)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 6 }));
	expect_violation(s, "PIN-BAL", "pages 5-7 were unpinned, but only 2 of these 3 are pinned",
			 r_unpin(s, P1, 5, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 5, 3 })));
	stream_end(s);
}

TEST(freed_with_pins)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 5 }));
	r_account(s, P1, IMS_ACCT_USER, -5, 3, 3, 0);
	expect_violation(s, "PIN-USED", NULL, area_gone(s, A1));
	also(s, "ACCT-RELEASE", NULL);
	expect_violation(s, "PIN-BAL", "the pages object was freed with 3 of 8 pages still pinned",
			 r_pages(s, IMS_PAGES_FREE, P1, 8, 3, IMS_ACCT_USER, true));
	stream_end(s);
}

TEST(freed_while_it_counts_pins)
{
	struct stream *s = with_ioas();

	pages_new(s, P1, 4);
	expect_violation(s, "PIN-BAL", "was freed while it counts 2 pins",
			 r_pages(s, IMS_PAGES_FREE, P1, 4, 2, IMS_ACCT_USER, true));
	stream_end(s);
}

/* Pending pins count: before, across and behind what has a PFN. */
TEST(pending_pins_balance)
{
	for (uint64_t reported = 0; reported <= 8; reported++) {
		struct stream *s = with_ioas();

		pages_new(s, P1, 16);
		r_pin(s, P1, 4, 8);
		if (reported)
			r_pin_runs(s, P1, 4, RUNS({ PFN(1) + 4, reported }));
		expect_violation(s, "PIN-BAL", "pages 2-5 were unpinned, but only 2 of these 4",
				 r_unpin(s, P1, 2, IMS_UNPIN_LIST, RUNS({ PFN(1) + 2, 4 })));
		expect_violation(s, "PIN-BAL", "pages 10-13 were unpinned, but only 2 of these 4",
				 r_unpin(s, P1, 10, IMS_UNPIN_LIST, RUNS({ PFN(1) + 10, 4 })));
		r_unpin(s, P1, 6, IMS_UNPIN_LIST, RUNS({ PFN(1) + 6, 4 }));
		r_pages(s, IMS_PAGES_FREE, P1, 16, 0, IMS_ACCT_USER, true);
		stream_end(s);
	}
}

/* ---- UNPIN-AFTER-UNMAP ---- */

TEST(unpinned_while_mapped)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	expect_violation(s, "UNPIN-AFTER-UNMAP", "pages 2-3 were unpinned while domain 0xd001 still "
			 "translates IOVA 0x102000 to 0x100002000",
			 r_unpin(s, P1, 2, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 2, 2 })));
	stream_end(s);
}

/* A read-ahead unmaps more than it unpins, never less. */
TEST(unpinned_one_page_too_far)
{
	struct stream *s = with_domain();

	s->chunk = 4;
	map(s, S1, A1, P1, IOVA, 8);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 4 * PG, 4 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 3 }));
	expect_violation(s, "UNPIN-AFTER-UNMAP", "still translates IOVA 0x104000 to 0x100104000",
			 r_unpin(s, P1, 3, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 3, 1 }, { PFN(1) + 0x104, 1 })));
	stream_end(s);
}

TEST(unpinned_while_mapped_through_a_copy)
{
	struct stream *s = mapped(8);

	ioas_new(s, S2, 2);
	s->pgsize = 0x800;
	domain_add(s, S2, D2, 0, APERTURE_64);
	copy(s, S2, A2, P1, 0x900800, PG, 4 * PG + 0x800);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	also(s, "UNPIN-DOM", NULL);
	expect_violation(s, "UNPIN-AFTER-UNMAP", "pages 4-7 were unpinned while domain 0xd002 still "
			 "translates IOVA 0x900800 to 0x100004800",
			 r_unpin(s, P1, 4, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 4, 4 })));
	stream_end(s);
}

/* In an error path too, and through a pending area. */
TEST(unpinned_while_mapped_in_an_error_path)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL,
			 r_unpin(s, P1, 0, IMS_UNPIN_LIST, RUNS({ PFN(1), 8 })));
	stream_end(s);
}

/*
 * This is what 6.12 does when iommu_map() fails in the second domain: the batch
 * is unpinned by pfn_reader_release_pins() before the first domain is unmapped.
 * A bug of the kernel, and not to be excused here.
 */
TEST(upstream_map_that_fails_in_the_second_domain)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_64);
	map_begin(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	r_dma_map(s, D2, A1, IOVA, RW, -12, RUNS({ PFN(1) * PG, 8 * PG }));
	expect_violation(s, "UNPIN-AFTER-UNMAP", "domain 0xd001 still translates IOVA 0x100000",
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 })));
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	stream_end(s);
}

/* ---- UNPIN-SYNC ---- */

TEST(unpinned_before_the_sync)
{
	struct stream *s = mapped(8);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, false);
	expect_violation(s, "UNPIN-SYNC", "pages from 0 on were unpinned before the IOTLB of domain "
			 "0xd001 was synchronised", r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 })));
	stream_end(s);
}

TEST(one_sync_for_many_unmaps)
{
	struct stream *s = with_domain();

	s->chunk = 2;
	map(s, S1, A1, P1, IOVA, 4);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 2 * PG, 2 * PG, false);
	r_dma_unmap(s, D1, IOVA + 2 * PG, 2 * PG, 2 * PG, false);
	r_sync(s, D1);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 2 }, { PFN(1) + 0x102, 2 }));
	r_account(s, P1, IMS_ACCT_USER, -4, 0, 0, 0);
	area_gone(s, A1);
	stream_end(s);
}

TEST(sync_of_another_domain)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_64);
	map(s, S1, A1, P1, IOVA, 8);
	area_leaves(s, A1);
	r_dma_unmap(s, D2, IOVA, 8 * PG, 8 * PG, false);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_sync(s, D1);
	expect_violation(s, "UNPIN-SYNC", "domain 0xd002",
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 })));
	stream_end(s);
}

/* What another thread has not synchronised yet are other pages. */
TEST(sync_of_another_thread_to_come)
{
	struct stream *s = mapped(8);

	map(s, S1, A2, P2, 0x900000, 8);
	area_leaves(s, A1);
	thread(s, 2);
	area_leaves(s, A2);
	r_dma_unmap(s, D1, 0x900000, 8 * PG, 8 * PG, false);
	thread(s, 1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	r_account(s, P1, IMS_ACCT_USER, -8, 0, 0, 0);
	area_gone(s, A1);
	thread(s, 2);
	expect_violation(s, "UNPIN-SYNC", NULL, r_unpin(s, P2, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(2), 8 })));
	stream_end(s);
}

/* ---- UNPIN-ACC ---- */

/* Mutant O07 */
TEST(unpinned_under_an_access)
{
	struct stream *s = mapped(8);

	access_pin(s, A1, 2, 3);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_storage(s, S1, A1, P1, 0);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	expect_violation(s, "UNPIN-ACC", "pages 0-7 were unpinned while an access holds pages 2-3",
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 })));
	stream_end(s);
}

/* A range pinned twice is held until the second unpin. */
TEST(second_user_of_a_range)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 2, 3);
	access_pin(s, A1, 2, 3);
	r_access_range(s, IMS_ACC_RANGE_UNPIN, A1, P1, 2, 3, 0);
	expect_violation(s, "UNPIN-ACC", "pages 2-3 were unpinned while an access holds pages 2-3",
			 r_unpin(s, P1, 2, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 2, 2 })));
	stream_end(s);
}

/* An access that could not pin holds nothing. */
TEST(access_that_failed)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_unpin(s, P1, 0, IMS_UNPIN_LIST, RUNS({ PFN(1), 4 }));
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, 3, -14);
	r_ioctl(s, IMS_IOCTL_EXIT, -14);
	unmap(s, A1);
	end_with_ioas(s);
}

TESTS(T(pinned_twice), T(pinned_outside), T(what_is_not_a_second_pin), T(pin_that_nobody_uses),
      T(use_of_what_is_not_pinned), T(leak_of_an_access), T(access_ends_without_an_unpin),
      T(leak_in_the_second_area_of_a_map),
      T(area_ready_while_another_thread_pins), T(two_threads_on_shared_pages),
      T(access_ends_between_two_records_of_another_thread),
      T(domain_leaves_between_two_records_of_another_thread), T(unpinned_twice),
      T(freed_with_pins), T(freed_while_it_counts_pins), T(pending_pins_balance),
      T(unpinned_while_mapped), T(unpinned_one_page_too_far),
      T(unpinned_while_mapped_through_a_copy), T(unpinned_while_mapped_in_an_error_path),
      T(upstream_map_that_fails_in_the_second_domain), T(unpinned_before_the_sync),
      T(one_sync_for_many_unmaps), T(sync_of_another_domain),
      T(sync_of_another_thread_to_come), T(unpinned_under_an_access), T(second_user_of_a_range),
      T(access_that_failed))
