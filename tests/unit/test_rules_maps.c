// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps, copies and cuts: MAP-FIXED, BATCH-GRAN, STORAGE, COPY-SHARE, MAP-ROLLBACK,
 * UNMAP-NOSPLIT, HUGE-OPT, SPLIT while it is not allowed.
 */
#include <errno.h>

#include "stream.c"

/* ---- MAP-FIXED ---- */

static struct stream *asked(uint64_t n)
{
	struct stream *s = with_ioas();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	pages_new(s, P1, 16);
	r_iova(s, IMS_IOVA_FIXED, S1, IOVA, n * PG, UPTR(P1));
	return s;
}

TEST(mapped_elsewhere)
{
	struct stream *s = asked(4);

	expect_violation(s, "MAP-FIXED", "area 0x101000-0x104fff was inserted where a map of 0x4000 "
			 "bytes at 0x100000 has come to 0x100000",
			 area_new(s, S1, A1, P1, IOVA + PG, 4 * PG, 0, RW));
	stream_end(s);
}

TEST(mapped_more)
{
	struct stream *s = asked(4);

	expect_violation(s, "MAP-FIXED", "area 0x100000-0x104fff was inserted where a map of 0x4000",
			 area_new(s, S1, A1, P1, IOVA, 5 * PG, 0, RW));
	stream_end(s);
}

TEST(mapped_less)
{
	struct stream *s = asked(4);

	area_new(s, S1, A1, P1, IOVA, 3 * PG, 0, RW);
	area_ready(s, A1);
	expect_violation(s, "MAP-FIXED", "0x3000 bytes were mapped at 0x100000, the answer says "
			 "0x4000 bytes at 0x100000",
			 r_map(s, IMS_MAP_USER, S1, IOVA, 4 * PG, UPTR(P1), 7, 0));
	stream_end(s);
}

TEST(answer_of_another_place)
{
	struct stream *s = asked(4);

	area_new(s, S1, A1, P1, IOVA, 4 * PG, 0, RW);
	area_ready(s, A1);
	expect_violation(s, "MAP-FIXED", "0x4000 bytes were mapped at 0x100000, the answer says "
			 "0x4000 bytes at 0x200000",
			 r_map(s, IMS_MAP_USER, S1, 0x200000, 4 * PG, UPTR(P1), 7, 0));
	stream_end(s);
}

TEST(areas_of_a_copy_follow_one_another)
{
	struct stream *s = asked(8);

	area_new(s, S1, A1, P1, IOVA, 3 * PG, 0, RW);
	area_new(s, S1, A2, P1, IOVA + 3 * PG, 5 * PG, 3 * PG, RW);
	area_ready(s, A1);
	area_ready(s, A2);
	r_map(s, IMS_MAP_COPY, S1, IOVA, 8 * PG, 0, 7, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	/* and with a hole in between */
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_iova(s, IMS_IOVA_AUTO, S1, 0x200000, 8 * PG, 0);
	area_new(s, S1, A3, P1, 0x200000, 3 * PG, 0, RW);
	expect_violation(s, "MAP-FIXED", "has come to 0x203000",
			 area_new(s, S1, A4, P1, 0x204000, 5 * PG, 0, RW));
	stream_end(s);
}

TEST(map_that_failed_covers_nothing)
{
	struct stream *s = asked(4);

	area_new(s, S1, A1, P1, IOVA, 3 * PG, 0, RW);
	area_gone(s, A1);
	r_map(s, IMS_MAP_USER, S1, IOVA, 4 * PG, UPTR(P1), 7, -ENOMEM);
	r_ioctl(s, IMS_IOCTL_EXIT, -ENOMEM);
	area_new(s, S1, A2, P1, 0x900000, 3 * PG, 0, RW);	/* no map: a split, say */
	stream_end(s);
}

/* ---- BATCH-GRAN ---- */

static struct stream *pinned(bool large)
{
	struct stream *s = with_domain();

	if (!large)
		large_pages(s, S1, false);
	map_begin(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	return s;
}

TEST(contiguous_pages_in_two_calls)
{
	struct stream *s = pinned(true);

	expect_violation(s, "BATCH-GRAN",
			 "0x5000 and 0x3000 bytes from address 0x100000000 on were mapped in two calls",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 5 * PG },
								{ (PFN(1) + 5) * PG, 3 * PG })));
	stream_end(s);
}

/* Each batch has records of its own. */
TEST(contiguous_pages_in_two_batches)
{
	struct stream *s = pinned(true);

	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 5 * PG }));
	r_dma_map(s, D1, A1, IOVA + 5 * PG, RW, 0, RUNS({ (PFN(1) + 5) * PG, 3 * PG }));
	stream_end(s);
}

TEST(large_call_without_large_pages)
{
	struct stream *s = pinned(false);

	expect_violation(s, "BATCH-GRAN", "0x2000 bytes were mapped in one call though large pages "
			 "are off", r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, PG },
							{ (PFN(1) + 1) * PG, 2 * PG })));
	stream_end(s);
}

TEST(pages_one_by_one)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, IOVA, 70);
	copy(s, S1, A2, P1, 0x200000, 3 * PG, PG);
	unmap(s, A2);
	unmap(s, A1);
	end_with_domain(s);
}

TEST(pieces_of_pages)
{
	struct stream *s = with_mock_domain();

	map(s, S1, A1, P1, IOVA, 8);
	copy(s, S1, A2, P1, 0x200800, 2 * PG, PG + 0x800);
	s->chunk = 3;
	map(s, S1, A3, P2, 0x300000, 8);	/* not contiguous */
	unmap(s, A3);
	unmap(s, A2);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- STORAGE ---- */

static struct stream *filled(uint64_t storage)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	r_account(s, P1, IMS_ACCT_USER, 8, 8, 8, 0);
	if (storage)
		r_storage(s, S1, A1, P1, storage);
	return s;
}

TEST(stored_nowhere)
{
	struct stream *s = filled(0);

	expect_violation(s, "STORAGE", "the PFNs of area 0x100000-0x107fff are stored in domain 0,",
			 area_ready(s, A1));
	stream_end(s);
}

TEST(stored_in_a_foreign_domain)
{
	struct stream *s = filled(D2);

	expect_violation(s, "STORAGE", "are stored in domain 0xd002, which is not one of the IOAS",
			 area_ready(s, A1));
	stream_end(s);
}

/* The first domain leaves, the second does not take over. */
TEST(stored_in_a_domain_that_left)
{
	struct stream *s = mapped(8);

	domain_add(s, S1, D2, 0, APERTURE_48);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	expect_violation(s, "STORAGE", "are stored in domain 0xd001",
			 r_domain(s, IMS_DOM_DEL_END, S1, D1, 0, APERTURE_48, 0));
	stream_end(s);
}

TEST(stored_though_no_domain_is_left)
{
	struct stream *s = mapped(8);

	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	expect_violation(s, "UNPIN-DOM", NULL,
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 })));
	r_account(s, P1, IMS_ACCT_USER, -8, 0, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	expect_violation(s, "STORAGE", "are stored in domain 0xd001",
			 r_domain(s, IMS_DOM_DEL_END, S1, D1, 0, APERTURE_48, 0));
	stream_end(s);
}

TEST(stored_in_a_domain_that_could_not_be_added)
{
	for (int clean = 0; clean < 2; clean++) {
		struct stream *s = with_ioas();

		map(s, S1, A1, P1, IOVA, 8);
		r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_64, 0);
		r_storage(s, S1, A1, P1, D1);
		if (clean) {
			r_storage(s, S1, A1, P1, 0);
			r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_64, -ENOMEM);
		} else {
			expect_violation(s, "STORAGE", "are stored in domain 0xd001",
					 r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_64,
						  -ENOMEM));
		}
		stream_end(s);
	}
}

TEST(storage_is_handed_over)
{
	struct stream *s = mapped(8);

	domain_add(s, S1, D2, 0, APERTURE_48);
	domain_add(s, S1, D3, 0x1000, APERTURE_48);
	map(s, S1, A2, P2, 0x300000, 8);
	domain_del(s, S1, D1);
	domain_del(s, S1, D3);
	unmap(s, A2);
	domain_del(s, S1, D2);
	unmap(s, A1);
	end_with_ioas(s);
}

/* ---- COPY-SHARE ---- */

/* IOVA of S1 to 0x700000 of S2, by areas that the test makes. */
static struct stream *copying(void)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	map(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, IOVA + 8 * PG, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

static void copied(struct stream *s, uint64_t from, uint64_t npages, int rc)
{
	FEED(s, IMS_MAP, IMS_MAP_COPY, ims_map, S2, S1, 0x700000, npages * PG, from, 7, rc);
}

TEST(copy_of_two_areas)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P1, 0x700000, 6 * PG, 2 * PG, RW);
	area_new(s, S2, A4, P2, 0x706000, 5 * PG, 0, RW);
	area_ready(s, A3);
	area_ready(s, A4);
	copied(s, IOVA + 2 * PG, 11, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

TEST(copy_of_other_pages)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P2, 0x700000, 4 * PG, 0, RW);
	area_ready(s, A3);
	expect_violation(s, "COPY-SHARE", "the copy of IOVA 0x100000 at IOVA 0x700000 shows something "
			 "else", copied(s, IOVA, 4, 0));
	stream_end(s);
}

TEST(copy_at_another_offset)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P1, 0x700000, 6 * PG, 2 * PG, RW);
	area_new(s, S2, A4, P2, 0x706000, 5 * PG, PG, RW);
	area_ready(s, A3);
	area_ready(s, A4);
	expect_violation(s, "COPY-SHARE", "the copy of IOVA 0x108000 at IOVA 0x706000",
			 copied(s, IOVA + 2 * PG, 11, 0));
	stream_end(s);
}

TEST(copy_of_nothing)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P1, 0x700000, 4 * PG, 0, RW);
	area_ready(s, A3);
	expect_violation(s, "COPY-SHARE", "the copy of IOVA 0x900000", copied(s, 0x900000, 4, 0));
	copied(s, 0x900000, 4, -ENOENT);		/* and it failed */
	stream_end(s);
}

TEST(copy_whose_source_changed)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P1, 0x700000, 4 * PG, 0, RW);
	area_ready(s, A3);
	thread(s, 2);
	unmap(s, A1);
	map(s, S1, A1, P3, IOVA, 8);
	thread(s, 1);
	copied(s, IOVA, 4, 0);
	stream_end(s);
}

/* Within one IOAS the COPY changes its own source: that neither excuses nor hides anything. */
TEST(copy_within_an_ioas)
{
	for (int other = 0; other < 2; other++) {
		struct stream *s = copying();

		if (other) {
			thread(s, 2);
			unmap(s, A1);
			map(s, S1, A1, P3, IOVA, 8);
			thread(s, 1);
		}
		area_new(s, S1, A3, P2, 0x700000, 4 * PG, 0, RW);
		area_ready(s, A3);
		if (other)
			FEED(s, IMS_MAP, IMS_MAP_COPY, ims_map, S1, S1, 0x700000, 4 * PG, IOVA, 7, 0);
		else
			expect_violation(s, "COPY-SHARE", "the copy of IOVA 0x100000 at IOVA 0x700000",
					 FEED(s, IMS_MAP, IMS_MAP_COPY, ims_map, S1, S1, 0x700000, 4 * PG,
					      IOVA, 7, 0));
		stream_end(s);
	}
}

/* What others did before the COPY began is no excuse. */
TEST(copy_whose_source_had_changed)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	thread(s, 2);
	map(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, IOVA + 8 * PG, 8);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_new(s, S2, A3, P2, 0x700000, 4 * PG, 0, RW);
	area_ready(s, A3);
	expect_violation(s, "COPY-SHARE", "the copy of IOVA 0x100000 at IOVA 0x700000",
			 copied(s, IOVA, 4, 0));
	stream_end(s);
}

/* Another thread unmapped what had been copied. */
TEST(copy_whose_target_changed)
{
	struct stream *s = copying();

	area_new(s, S2, A3, P1, 0x700000, 4 * PG, 0, RW);
	area_ready(s, A3);
	thread(s, 2);
	unmap(s, A3);
	thread(s, 1);
	copied(s, IOVA, 4, 0);
	stream_end(s);
}

/* An area of all addresses has a length of 0: this was an endless loop. */
TEST(copy_over_all_addresses)
{
	struct stream *s = copying();

	FEED(s, IMS_AREA, IMS_AREA_INSERT, ims_area, S2, A3, P_COOKIE(P1), 0, UINT64_MAX, 0, RW, 0);
	FEED(s, IMS_MAP, IMS_MAP_COPY, ims_map, S2, S1, 0, 4 * PG, IOVA, 7, 0);
	stream_end(s);
}

/* ---- MAP-ROLLBACK ---- */

TEST(failed_map_is_still_translated)
{
	struct stream *s = filled(0);

	also(s, "MIR-STRAY", NULL);
	also(s, "PIN-USED", NULL);
	expect_violation(s, "MAP-ROLLBACK", "the map of area 0x100000-0x107fff failed but domain "
			 "0xd001 translates 0x100000 to 0x100000000", area_gone(s, A1));
	stream_end(s);
}

TEST(area_of_a_failed_map_stays)
{
	struct stream *s = with_ioas();

	map_begin(s, S1, A1, P1, IOVA, 8);
	area_ready(s, A1);
	r_map(s, IMS_MAP_USER, S1, IOVA, 8 * PG, UPTR(P1), 7, -ENOMEM);
	expect_violation(s, "MAP-ROLLBACK", "the call failed (-12) but 1 areas of it stay",
			 r_ioctl(s, IMS_IOCTL_EXIT, -ENOMEM));
	stream_end(s);
}

/* Done, but the caller cannot be told. */
TEST(answer_cannot_be_copied)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 8);
	area_fill(s, A1);
	area_ready(s, A1);
	r_map(s, IMS_MAP_USER, S1, IOVA, 8 * PG, UPTR(P1), 7, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, -EFAULT);
	unmap(s, A1);
	end_with_domain(s);
}

TEST(failed_map_leaves_nothing)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_48);
	map_refused(s, S1, A1, P1, IOVA, 8);
	domain_del(s, S1, D2);
	end_with_domain(s);
}

/* The call fails for another reason, another thread's map stays. */
TEST(failed_call_that_mapped_nothing)
{
	struct stream *s = with_ioas();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 2);
	map(s, S1, A1, P1, IOVA, 8);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_EXIT, -EBUSY);
	stream_end(s);
}

TEST(failed_split_is_no_failed_map)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, IOVA, 8);
	r_area(s, IMS_AREA_REMOVE, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	r_area(s, IMS_AREA_INSERT, S1, A2, P1, IOVA, 4 * PG, 0, RW);
	r_area(s, IMS_AREA_FREE, S1, A2, P1, IOVA, 4 * PG, 0, RW);
	r_area(s, IMS_AREA_REINSERT, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- UNMAP-NOSPLIT ---- */

TEST(unmap_takes_more_than_its_range)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	map(s, S1, A2, P2, IOVA + 8 * PG, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_dying(s, A1);
	area_gone(s, A1);
	area_dying(s, A2);
	area_gone(s, A2);
	expect_violation(s, "UNMAP-NOSPLIT", "an unmap of 0x101000-0x10ffff removed areas from "
			 "0x100000 to 0x10ffff",
			 r_unmap(s, IMS_UNMAP_IOPT, S1, 0x101000, 0x10ffff, 16 * PG, 0));
	stream_end(s);
}

TEST(unmap_ends_inside_an_area)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	area_dying(s, A1);
	area_gone(s, A1);
	expect_violation(s, "UNMAP-NOSPLIT", "an unmap of 0x100000-0x106fff removed areas from",
			 r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA, 0x106fff, 8 * PG, 0));
	stream_end(s);
}

TEST(unmap_after_a_cut)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, IOVA, 8);
	split(s, A1, 3, A2, A3);
	unmap(s, A2);
	r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA + 4 * PG, IOVA + 5 * PG, 0, -ENOENT);
	unmap(s, A3);
	end_with_domain(s);
}

/* ---- HUGE-OPT ---- */

TEST(large_pages_off_while_filled)
{
	struct stream *s = mapped(8);

	expect_violation(s, "HUGE-OPT", "large pages were switched off while 1 areas are in a domain",
			 large_pages(s, S1, false));
	stream_end(s);
}

TEST(large_pages_off_while_nothing_is_large)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	large_pages(s, S1, false);		/* no domain */
	domain_add(s, S1, D1, 0, APERTURE_48);
	r_align(s, S1, PG, false);		/* and so it was */
	large_pages(s, S1, true);
	unmap(s, A1);
	large_pages(s, S1, false);		/* no area */
	end_with_domain(s);
}

/* ---- SPLIT ---- */

TEST(split_of_what_may_be_large)
{
	struct stream *s = mapped(8);

	expect_violation(s, "SPLIT", "area 0x100000-0x107fff was split and its halves may cut a large "
			 "page", (split(s, A1, 3, A2, A3), s->fed = 1));
	stream_end(s);
}

TEST(split_with_an_access)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 0, 1);
	expect_violation(s, "SPLIT", "do not know the pins that accesses hold in it",
			 (split(s, A1, 3, A2, A3), s->fed = 1));
	stream_end(s);
}

/* Nothing is large without a domain, but nobody has said that areas may be cut. */
TEST(split_that_nobody_permits)
{
	struct stream *s = only_mapped(8);

	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_UNMAP_DMA);
	expect_violation(s, "SPLIT", "area 0x100000-0x107fff was split and its halves were asked of an IOAS "
			 "that has large pages", (split(s, A1, 3, A2, A3), s->fed = 1));
	stream_end(s);
}

/* Another thread may have permitted it, and forbidden it since. */
TEST(split_that_may_have_been_permitted)
{
	struct stream *s = only_mapped(8);

	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_UNMAP_DMA);
	thread(s, 2);
	r_align(s, S1, PG, true);
	thread(s, 1);
	split(s, A1, 3, A2, A3);
	stream_end(s);
}

TEST(split_without_a_domain)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 8);
	access_pin(s, A1, 0, 1);
	access_unpin(s, A1, 0, 1);
	split(s, A1, 3, A2, A3);
	unmap(s, A2);
	unmap(s, A3);
	end_with_ioas(s);
}

TESTS(T(mapped_elsewhere), T(mapped_more), T(mapped_less), T(answer_of_another_place),
      T(areas_of_a_copy_follow_one_another), T(map_that_failed_covers_nothing),
      T(contiguous_pages_in_two_calls), T(contiguous_pages_in_two_batches),
      T(large_call_without_large_pages), T(pages_one_by_one), T(pieces_of_pages),
      T(stored_nowhere), T(stored_in_a_foreign_domain), T(stored_in_a_domain_that_left),
      T(stored_though_no_domain_is_left), T(stored_in_a_domain_that_could_not_be_added),
      T(storage_is_handed_over), T(copy_of_two_areas), T(copy_of_other_pages),
      T(copy_at_another_offset), T(copy_of_nothing), T(copy_whose_source_changed),
      T(copy_within_an_ioas), T(copy_whose_source_had_changed), T(copy_whose_target_changed),
      T(copy_over_all_addresses), T(failed_map_is_still_translated), T(area_of_a_failed_map_stays),
      T(answer_cannot_be_copied), T(failed_map_leaves_nothing), T(failed_call_that_mapped_nothing),
      T(failed_split_is_no_failed_map), T(unmap_takes_more_than_its_range),
      T(unmap_ends_inside_an_area), T(unmap_after_a_cut), T(large_pages_off_while_filled),
      T(large_pages_off_while_nothing_is_large), T(split_of_what_may_be_large),
      T(split_with_an_access), T(split_that_nobody_permits), T(split_that_may_have_been_permitted),
      T(split_without_a_domain))
