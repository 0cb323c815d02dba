// SPDX-License-Identifier: GPL-2.0-only
/*
 * AREA-DISJOINT, MIR-COMPLETE, MIR-EQUAL, REPLAY, MIR-STRAY, SWEEP, MAP-EXCL,
 * UNMAP-EXACT, UNMAP-CUT, PFN-ID, PIN-COVER, SUBPAGE, UNMAP-LEN, SPLIT.
 */
#include <errno.h>

#include "stream.c"

/* A map of @n pages that are pinned and reported, but not mapped yet. */
static struct stream *pinned(uint64_t n)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, n);
	r_pin(s, P1, 0, n);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), n }));
	return s;
}

/* Mapped, and about to be unmapped. */
static struct stream *leaving(uint64_t n)
{
	struct stream *s = mapped(n);

	area_dying(s, A1);
	return s;
}

static void charge_and_store(struct stream *s, uint64_t n)
{
	r_account(s, P1, IMS_ACCT_USER, n, n, n, 0);
	r_storage(s, S1, A1, P1, D1);
}

/* ---- AREA-DISJOINT ---- */

TEST(areas_side_by_side)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, IOVA - PG, 1);
	map(s, S1, A3, P3, IOVA + 4 * PG, 1);
	unmap(s, A1);
	unmap(s, A2);
	unmap(s, A3);
	end_with_domain(s);
}

TEST(areas_overlap)
{
	struct stream *s = mapped(4);

	pages_new(s, P2, 2);
	expect_violation(s, "AREA-DISJOINT", "area 0x103000-0x104fff was inserted over the area "
			 "0x100000-0x103fff",
			 r_area(s, IMS_AREA_INSERT, S1, A2, P2, IOVA + 3 * PG, 2 * PG, 0, RW));
	stream_end(s);
}

TEST(area_over_a_pending_and_a_dying_one)
{
	struct stream *s = mapped(4);

	area_dying(s, A1);
	pages_new(s, P2, 4);
	expect_violation(s, "AREA-DISJOINT", NULL,
			 r_area(s, IMS_AREA_INSERT, S1, A2, P2, IOVA, PG, 0, RW));
	r_area(s, IMS_AREA_INSERT, S1, A3, P2, 0x900000, PG, 0, RW);
	expect_violation(s, "AREA-DISJOINT", NULL,
			 r_area(s, IMS_AREA_INSERT, S1, A4, P2, 0x900000, PG, 0, RW));
	stream_end(s);
}

/* ---- MIR-COMPLETE ---- */

TEST(a_page_is_not_mapped)
{
	struct stream *s = pinned(4);

	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 3 * PG }));
	charge_and_store(s, 4);
	expect_violation(s, "MIR-COMPLETE", "domain 0xd001 translates only 0x3000 of the 0x4000 "
			 "bytes of area 0x100000-0x103fff", area_ready(s, A1));
	stream_end(s);
}

TEST(one_of_two_domains_is_not_mapped)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_48);
	map_begin(s, S1, A1, P1, IOVA, 4);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	charge_and_store(s, 4);
	also(s, "MIR-EQUAL", "domains 0xd002 and 0xd001 differ at IOVA 0x100000");
	expect_violation(s, "MIR-COMPLETE", "domain 0xd002 translates only 0 of the 0x4000",
			 area_ready(s, A1));
	stream_end(s);
}

TEST(live_area_loses_a_mapping)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, IOVA + 4 * PG, 4);
	area_dying(s, A1);		/* this one may */
	expect_violation(s, "MIR-COMPLETE", "domain 0xd001 unmapped IOVA 0x100000 of area "
			 "0x104000-0x107fff, which is live",
			 r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true));
	stream_end(s);
}

/* ---- MIR-EQUAL ---- */

/* Two domains, and an area that is mapped in the first and only pinned for the second. */
static struct stream *mapped_in_one_of_two(void)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_48);
	map_begin(s, S1, A1, P1, IOVA, 4);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	return s;
}

TEST(two_domains_differ)
{
	struct stream *s = mapped_in_one_of_two();

	expect_violation(s, "PFN-ID", NULL,
			 r_dma_map(s, D2, A1, IOVA, RW, 0,
				   RUNS({ PFN(1) * PG, 3 * PG }, { PFN(1) * PG, PG })));
	charge_and_store(s, 4);
	expect_violation(s, "MIR-EQUAL", "domains 0xd002 and 0xd001 differ at IOVA 0x103000 of area "
			 "0x100000-0x103fff", area_ready(s, A1));
	stream_end(s);
}

TEST(two_domains_are_alike_in_other_pieces)
{
	struct stream *s = mapped_in_one_of_two();

	for (uint64_t i = 0; i < 4; i++)
		r_dma_map(s, D2, A1, IOVA + i * PG, RW, 0, RUNS({ (PFN(1) + i) * PG, PG }));
	charge_and_store(s, 4);
	area_ready(s, A1);
	map_end(s, A1, 0);
	stream_end(s);
}

TEST(domain_that_leaves_is_not_compared)
{
	struct stream *s = mapped_in_one_of_two();

	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D2, 0, APERTURE_48, 0);
	charge_and_store(s, 4);
	area_ready(s, A1);
	map_end(s, A1, 0);
	stream_end(s);
}

TEST(domain_that_joins_differs)
{
	struct stream *s = mapped(4);

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	expect_violation(s, "PFN-ID", NULL,
			 r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(2) * PG, 4 * PG })));
	expect_violation(s, "MIR-EQUAL", "domains 0xd001 and 0xd002 differ at IOVA 0x100000",
			 r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0));
	stream_end(s);
}

/* ---- REPLAY ---- */

TEST(replay_maps_twice)
{
	struct stream *s = mapped(4);

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	for (int i = 0; i < 2; i++) {
		r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
		if (!i)
			r_dma_unmap(s, D2, IOVA, 4 * PG, 4 * PG, true);
	}
	expect_violation(s, "REPLAY", "domain 0xd002 was told to map 0x8000 bytes to join with areas "
			 "of 0x4000", r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0));
	stream_end(s);
}

/* Its own map would fill it a second time. */
TEST(replay_maps_a_pending_area)
{
	struct stream *s = pinned(4);

	thread(s, 2);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	expect_violation(s, "REPLAY", "0x4000 bytes to join with areas of 0",
			 r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0));
	stream_end(s);
}

TEST(replay_leaves_out_a_dying_area)
{
	struct stream *s = mapped(4);

	area_dying(s, A1);
	thread(s, 2);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0);
	stream_end(s);
}

TEST(replay_that_fails)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, 0x200000, 4);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	r_dma_map(s, D2, A2, 0x200000, RW, -12, RUNS({ PFN(2) * PG, 4 * PG }));
	r_dma_unmap(s, D2, IOVA, 4 * PG, 4 * PG, true);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, -12);
	unmap(s, A1);
	unmap(s, A2);
	end_with_domain(s);
}

/* Mutant O17: an area is left out when a second domain is filled. */
TEST(replay_leaves_an_area_out)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, 0x200000, 4);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_dma_map(s, D2, A2, 0x200000, RW, 0, RUNS({ PFN(2) * PG, 4 * PG }));
	also(s, "MIR-EQUAL", "domains 0xd001 and 0xd002 differ at IOVA 0x100000");
	expect_violation(s, "REPLAY", "domain 0xd002 joined with only 0 of the 0x4000 bytes of "
			 "area 0x100000-", r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0));
	stream_end(s);
}

/* Areas of a map in progress are not replayed; they fill the domain themselves. */
TEST(pending_area_while_a_domain_joins)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 4);
	thread(s, 2);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0);
	thread(s, 1);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	charge_and_store(s, 4);
	area_ready(s, A1);
	map_end(s, A1, 0);
	stream_end(s);
}

/* ---- MIR-STRAY, SWEEP ---- */

TEST(area_goes_but_its_mapping_stays)
{
	struct stream *s = mapped(4);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 4 * PG, 4 * PG, true);
	r_dma_map(s, D1, A1, IOVA + PG, RW, 0, RUNS({ (PFN(1) + 1) * PG, PG }));
	expect_violation(s, "MIR-STRAY", "area 0x100000-0x103fff is gone but domain 0xd001 still "
			 "translates 0x101000 to 0x100001000", area_gone(s, A1));
	stream_end(s);
}

/* Mutant O06: only the storage domain is unmapped. */
TEST(second_domain_is_not_unmapped)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_64);
	map(s, S1, A1, P1, IOVA, 4);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 4 * PG, 4 * PG, true);
	expect_violation(s, "UNPIN-AFTER-UNMAP", "domain 0xd002",
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 })));
	r_account(s, P1, IMS_ACCT_USER, -4, 0, 0, 0);
	expect_violation(s, "MIR-STRAY", "domain 0xd002 still translates 0x100000",
			 area_gone(s, A1));
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D2, 0, APERTURE_64, 0);
	expect_violation(s, "SWEEP", "the domain left its IOAS with 0x4000 bytes mapped, the first "
			 "at IOVA 0x100000",
			 r_domain(s, IMS_DOM_DEL_END, S1, D2, 0, APERTURE_64, 0));
	stream_end(s);
}

TEST(domain_that_could_not_join_keeps_a_mapping)
{
	struct stream *s = mapped(4);

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	expect_violation(s, "SWEEP", "0x4000 bytes mapped",
			 r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, -12));
	stream_end(s);
}

/* ---- MAP-EXCL ---- */

TEST(mapped_twice)
{
	struct stream *s = pinned(4);

	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 2 * PG }));
	expect_violation(s, "MAP-EXCL", "IOVA 0x101000-0x102fff was mapped though 0x100000-0x101fff "
			 "already translates to 0x100000000",
			 r_dma_map(s, D1, A1, IOVA + PG, RW, 0, RUNS({ (PFN(1) + 1) * PG, 2 * PG })));
	stream_end(s);
}

TEST(mapped_again_after_unmap_and_in_two_domains)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_64);
	map(s, S1, A1, P1, IOVA, 4);
	unmap(s, A1);
	map(s, S1, A1, P1, IOVA, 4);
	stream_end(s);
}

/* ---- UNMAP-EXACT ---- */

TEST(unmap_of_what_is_not_mapped)
{
	struct stream *s = leaving(4);

	expect_violation(s, "UNMAP-EXACT", "0x5000 bytes were unmapped at IOVA 0x100000, but only "
			 "0x4000 of them were mapped",
			 r_dma_unmap(s, D1, IOVA, 5 * PG, 5 * PG, true));
	expect_violation(s, "UNMAP-EXACT", "but only 0 of them",
			 r_dma_unmap(s, D1, IOVA, 4 * PG, 4 * PG, true));
	stream_end(s);
}

TEST(unmap_that_falls_short)
{
	struct stream *s = leaving(4);

	expect_violation(s, "UNMAP-EXACT", "of 0x4000 bytes at IOVA 0x100000 the IOMMU unmapped "
			 "0x3000", r_dma_unmap(s, D1, IOVA, 4 * PG, 3 * PG, true));
	stream_end(s);
}

TEST(unmap_of_nothing)
{
	struct stream *s = mapped(4);

	r_dma_unmap(s, D1, 0x900000, 0, 0, true);
	r_dma_unmap(s, D1, IOVA, 0, 0, true);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- UNMAP-CUT ---- */

TEST(unmap_cuts_at_its_end)
{
	struct stream *s = leaving(4);

	expect_violation(s, "UNMAP-CUT", "an unmap cut at IOVA 0x103000 through what was mapped as "
			 "0x100000-0x103fff", r_dma_unmap(s, D1, IOVA, 3 * PG, 3 * PG, true));
	stream_end(s);
}

TEST(unmap_cuts_at_its_start)
{
	struct stream *s = leaving(4);

	expect_violation(s, "UNMAP-CUT", "an unmap cut at IOVA 0x101000",
			 r_dma_unmap(s, D1, IOVA + PG, 3 * PG, 3 * PG, true));
	stream_end(s);
}

/* Between two calls a cut is right, though the memory is contiguous. */
TEST(unmap_cuts_between_calls)
{
	struct stream *s = pinned(4);

	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 2 * PG }));
	r_dma_map(s, D1, A1, IOVA + 2 * PG, RW, 0, RUNS({ (PFN(1) + 2) * PG, 2 * PG }));
	charge_and_store(s, 4);
	area_ready(s, A1);
	map_end(s, A1, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 2 * PG, 2 * PG, true);
	r_dma_unmap(s, D1, IOVA + 2 * PG, 2 * PG, 2 * PG, true);
	stream_end(s);
}

TEST(small_entries_can_be_cut_anywhere)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, IOVA, 100);
	split(s, A1, 33, A2, A3);
	unmap(s, A3);
	unmap(s, A2);
	end_with_domain(s);
}

/* ---- PFN-ID ---- */

TEST(wrong_page)
{
	struct stream *s = pinned(4);

	expect_violation(s, "PFN-ID", "IOVA 0x102000 was mapped to 0x900000000, but page 2 behind it "
			 "is pinned at 0x100002000",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 2 * PG },
								{ PFN(9) * PG, 2 * PG })));
	stream_end(s);
}

TEST(run_that_is_too_long)
{
	struct stream *s = with_domain();

	s->chunk = 2;
	map_begin(s, S1, A1, P1, IOVA, 4);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 2 }, { PFN(1) + 0x102, 2 }));
	expect_violation(s, "PFN-ID", "IOVA 0x102000 was mapped to 0x100002000, but page 2 behind it "
			 "is pinned at 0x100102000",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	stream_end(s);
}

TEST(mapped_beyond_its_area)
{
	struct stream *s = pinned(4);

	expect_violation(s, "PFN-ID", "IOVA 0x100000-0x104fff was mapped for an area that covers "
			 "0x100000-0x103fff",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 5 * PG })));
	stream_end(s);
}

/* Upstream F1: the size of the last call has wrapped to 0. */
TEST(mapped_nothing)
{
	struct stream *s = pinned(4);

	s->may_contradict = true;
	expect_violation(s, "PFN-ID", NULL,
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 0 })));
	stream_end(s);
}

/* Mutant O01: after a carry the unpin names the wrong pages. */
TEST(unpin_of_the_wrong_page)
{
	struct stream *s = mapped(4);

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 4 * PG, 4 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 2 }));
	expect_violation(s, "PFN-ID", "page 3 was unpinned as PFN 0x100009, but is pinned at PFN "
			 "0x100003",
			 r_unpin(s, P1, 2, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 2, 1 }, { PFN(1) + 9, 1 })));
	stream_end(s);
}

/* ---- PIN-COVER ---- */

TEST(page_that_is_not_pinned)
{
	struct stream *s = pinned(2);

	r_iova(s, IMS_IOVA_FIXED, S1, 0x200000, 2 * PG, 0);
	r_area(s, IMS_AREA_INSERT, S1, A2, P1, 0x200000, 2 * PG, 0, RW);
	r_unpin(s, P1, 1, IMS_UNPIN_DIRTY, RUNS({ PFN(1) + 1, 1 }));
	expect_violation(s, "PIN-COVER", "IOVA 0x200000 was mapped with 0x2000 bytes, but only 1 of "
			 "the 2 pages behind it are pinned",
			 r_dma_map(s, D1, A2, 0x200000, RW, 0, RUNS({ PFN(1) * PG, 2 * PG })));
	stream_end(s);
}

/* Pinned, but nobody told the PFN: not to be mapped either. */
TEST(page_whose_pfn_is_not_known)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 2);
	r_pin(s, P1, 0, 2);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 1 }));
	expect_violation(s, "PIN-COVER", "only 1 of the 2 pages",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 2 * PG })));
	stream_end(s);
}

/* Nor is one that was pinned for another pages object, though it is the same memory. */
TEST(page_that_is_pinned_for_another_map)
{
	struct stream *s = mapped(4);

	map_begin(s, S1, A2, P2, 0x200000, 4);
	expect_violation(s, "PIN-COVER", "only 0 of the 4 pages",
			 r_dma_map(s, D1, A2, 0x200000, RW, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	stream_end(s);
}

/* MSI pages belong to no area, and a map that failed shows nothing. */
TEST(what_need_not_be_pinned)
{
	struct stream *s = with_domain();

	r_dma_map(s, D1, 0, 0x8000000, RW, 0, RUNS({ 0xfee00000, PG }));
	r_dma_unmap(s, D1, 0x8000000, PG, PG, true);
	map_begin(s, S1, A1, P1, IOVA, 4);
	r_dma_map(s, D1, A1, IOVA, RW, -12, RUNS({ PFN(1) * PG, 4 * PG }));
	stream_end(s);
}

/* ---- SUBPAGE ---- */

/* An area of one page from the middle of a page on, of which both are pinned. */
static struct stream *from_the_middle(void)
{
	struct stream *s = with_mock_domain();

	pages_new(s, P1, 2);
	area_new(s, S1, A1, P1, IOVA + 0x800, PG, 0x800, RW);
	r_pin(s, P1, 0, 2);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 2 }));
	return s;
}

TEST(offset_into_the_first_page)
{
	struct stream *s = from_the_middle();

	r_dma_map(s, D1, A1, IOVA + 0x800, RW, 0, RUNS({ PFN(1) * PG + 0x800, PG }));
	charge_and_store(s, 2);
	area_ready(s, A1);
	stream_end(s);
}

/* Mutant O12: the offset into the first page is lost. */
TEST(offset_into_the_first_page_is_lost)
{
	struct stream *s = from_the_middle();

	expect_violation(s, "SUBPAGE", "IOVA 0x100800 was mapped to 0x100000000, which is 0 into its "
			 "page instead of 0x800",
			 r_dma_map(s, D1, A1, IOVA + 0x800, RW, 0, RUNS({ PFN(1) * PG, PG })));
	stream_end(s);
}

TEST(offset_into_a_later_page)
{
	struct stream *s = from_the_middle();

	expect_violation(s, "SUBPAGE", "IOVA 0x101000 was mapped to 0x100001400, which is 0x400",
			 r_dma_map(s, D1, A1, IOVA + 0x800, RW, 0,
				   RUNS({ PFN(1) * PG + 0x800, 0x800 },
					{ (PFN(1) + 1) * PG + 0x400, 0x800 })));
	stream_end(s);
}

/* ---- UNMAP-LEN ---- */

static void take_away(struct stream *s, uint64_t A)
{
	area_dying(s, A);
	area_unfill(s, A);
	area_gone(s, A);
	pages_put(s, A - A1 + 1);
}

TEST(two_areas_in_one_unmap)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, IOVA + 4 * PG, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	take_away(s, A1);
	thread(s, 2);
	map(s, S1, A3, P3, 0x900000, 1);	/* meanwhile */
	unmap(s, A3);
	thread(s, 1);
	take_away(s, A2);
	r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 6 * PG, 0);
	r_unmap(s, IMS_UNMAP_IOCTL, S1, 0, UINT64_MAX, 6 * PG, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	end_with_domain(s);
}

/* Mutant O13 */
TEST(reported_length_is_short)
{
	struct stream *s = mapped(4);

	take_away(s, A1);
	expect_violation(s, "UNMAP-LEN", "areas of 0x4000 bytes were removed but 0x3fff reported",
			 r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 4 * PG - 1, 0));
	stream_end(s);
}

/* Bug R9: areas went before the error, and nobody was told. */
TEST(length_is_reported_with_an_error_too)
{
	struct stream *s = mapped(4);

	map(s, S1, A2, P2, 0x200000, 1);
	take_away(s, A1);
	r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 4 * PG, -2);
	r_unmap(s, IMS_UNMAP_IOCTL, S1, 0, UINT64_MAX, 0, -2);	/* not copied back */
	take_away(s, A2);
	expect_violation(s, "UNMAP-LEN", "0x1000 bytes were removed but 0 reported",
			 r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 0, -2));
	stream_end(s);
}

/* VFIO's unmap copies the length back with any error but the one of the copy. */
TEST(length_is_told_to_vfio_with_an_error_too)
{
	struct stream *s = mapped(4);

	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_UNMAP_DMA);
	take_away(s, A1);
	r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA, IOVA + 6 * PG - 1, 4 * PG, -ENOENT);
	r_unmap(s, IMS_UNMAP_IOCTL, S1, IOVA, IOVA + 6 * PG - 1, 4 * PG, -ENOENT);
	r_unmap(s, IMS_UNMAP_IOCTL, S1, IOVA, IOVA + 6 * PG - 1, 0, -EFAULT);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_UNMAP_DMA);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_UNMAP_DMA);		/* fails before it unmaps anything */
	r_unmap(s, IMS_UNMAP_IOCTL, S1, IOVA, IOVA + 6 * PG - 1, 0, -EINVAL);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_UNMAP_DMA);
	map(s, S1, A2, P2, IOVA, 4);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_UNMAP_DMA);
	take_away(s, A2);
	r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA, IOVA + 6 * PG - 1, 4 * PG, -ENOENT);
	expect_violation(s, "UNMAP-LEN", "the IOVA space removed 0x4000 bytes but the caller was told 0",
			 r_unmap(s, IMS_UNMAP_IOCTL, S1, IOVA, IOVA + 6 * PG - 1, 0, -ENOENT));
	stream_end(s);
}

TEST(caller_is_told_something_else)
{
	struct stream *s = mapped(4);

	take_away(s, A1);
	r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 4 * PG, 0);
	expect_violation(s, "UNMAP-LEN", "the IOVA space removed 0x4000 bytes but the caller was "
			 "told 0x5000",
			 r_unmap(s, IMS_UNMAP_IOCTL, S1, 0, UINT64_MAX, 5 * PG, 0));
	stream_end(s);
}

/* What a failed map takes out of the tree was never mapped. */
TEST(aborted_areas_do_not_count)
{
	struct stream *s = with_domain();

	map_refused(s, S1, A1, P1, IOVA, 4);
	r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 0, 0);
	end_with_domain(s);
}

/* ---- SPLIT ---- */

static struct stream *halves(uint64_t cut, uint64_t l_byte, uint64_t r_byte, uint32_t r_prot)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, IOVA, 16);
	r_area(s, IMS_AREA_REMOVE, S1, A1, P1, IOVA, 16 * PG, 0, RW);
	r_area(s, IMS_AREA_INSERT, S1, A2, P1, IOVA, 6 * PG, l_byte, RW);
	r_area(s, IMS_AREA_INSERT, S1, A3, P1, IOVA + cut * PG, (16 - cut) * PG, r_byte, r_prot);
	return s;
}

TEST(bad_halves)
{
	struct stream *s = halves(7, 0, 7 * PG, RW);

	expect_violation(s, "SPLIT", "area 0x100000-0x10ffff was split and its halves do not cover "
			 "it exactly", r_split(s, S1, A1, A2, A3, D1, 3));
	stream_end(s);
	s = halves(6, 0, 7 * PG, RW);
	expect_violation(s, "SPLIT", "show other pages", r_split(s, S1, A1, A2, A3, D1, 3));
	stream_end(s);
	s = halves(6, PG, 6 * PG, RW);
	expect_violation(s, "SPLIT", "show other pages", r_split(s, S1, A1, A2, A3, D1, 3));
	stream_end(s);
	s = halves(6, 0, 6 * PG, RO);
	expect_violation(s, "SPLIT", "have other permissions", r_split(s, S1, A1, A2, A3, D1, 3));
	stream_end(s);
}

/* Mutant O02: the pages object still knows the old area. */
TEST(halves_that_are_not_linked)
{
	for (uint32_t flags = 0; flags < 3; flags++) {
		struct stream *s = halves(6, 0, 6 * PG, RW);

		expect_violation(s, "SPLIT", "are not known to their pages, though a domain holds",
				 r_split(s, S1, A1, A2, A3, D1, flags));
		stream_end(s);
	}
}

TEST(good_halves)
{
	struct stream *s = halves(6, 0, 6 * PG, RW);

	r_split(s, S1, A1, A2, A3, D1, 3);
	stream_end(s);
	s = with_ioas();
	map(s, S1, A1, P1, IOVA, 16);
	split(s, A1, 15, A2, A3);		/* no domain: nothing to link */
	unmap(s, A2);
	unmap(s, A3);
	end_with_ioas(s);
}

TESTS(T(areas_side_by_side), T(areas_overlap), T(area_over_a_pending_and_a_dying_one),
      T(a_page_is_not_mapped), T(one_of_two_domains_is_not_mapped), T(live_area_loses_a_mapping),
      T(two_domains_differ), T(two_domains_are_alike_in_other_pieces),
      T(domain_that_leaves_is_not_compared), T(domain_that_joins_differs),
      T(replay_maps_twice), T(replay_maps_a_pending_area), T(replay_leaves_out_a_dying_area),
      T(replay_that_fails),
      T(replay_leaves_an_area_out), T(pending_area_while_a_domain_joins),
      T(area_goes_but_its_mapping_stays), T(second_domain_is_not_unmapped),
      T(domain_that_could_not_join_keeps_a_mapping), T(mapped_twice),
      T(mapped_again_after_unmap_and_in_two_domains), T(unmap_of_what_is_not_mapped),
      T(unmap_that_falls_short), T(unmap_of_nothing), T(unmap_cuts_at_its_end),
      T(unmap_cuts_at_its_start), T(unmap_cuts_between_calls),
      T(small_entries_can_be_cut_anywhere), T(wrong_page), T(run_that_is_too_long),
      T(page_that_is_not_pinned), T(page_whose_pfn_is_not_known), T(page_that_is_pinned_for_another_map),
      T(what_need_not_be_pinned),
      T(offset_into_the_first_page), T(offset_into_the_first_page_is_lost),
      T(offset_into_a_later_page),
      T(mapped_beyond_its_area), T(mapped_nothing), T(unpin_of_the_wrong_page),
      T(two_areas_in_one_unmap), T(reported_length_is_short),
      T(length_is_reported_with_an_error_too), T(length_is_told_to_vfio_with_an_error_too),
      T(caller_is_told_something_else),
      T(aborted_areas_do_not_count), T(bad_halves), T(halves_that_are_not_linked),
      T(good_halves))
