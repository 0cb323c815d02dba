// SPDX-License-Identifier: GPL-2.0-only
/* Good stories: what the kernel does every day breaks no rule. */
#include "stream.c"

TEST(map_and_unmap)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	map(s, S1, A2, P2, 0x200000, 1000);
	unmap(s, A1);
	unmap(s, A2);
	end_with_domain(s);
}

TEST(three_domains)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0x1000, APERTURE_48);
	map(s, S1, A1, P1, 0x100000, 16);
	domain_add(s, S1, D3, 0, 0xffffffff);		/* replay */
	map(s, S1, A2, P2, 0x200000, 16);
	unmap(s, A1);
	domain_del(s, S1, D1);				/* the storage moves on */
	unmap(s, A2);
	domain_del(s, S1, D3);
	domain_del(s, S1, D2);
	end_with_ioas(s);
}

/* Every page is a run: records of 32 runs, in all places that have runs. */
TEST(scattered_pages)
{
	struct stream *s = with_domain();

	s->chunk = 1;
	map(s, S1, A1, P1, 0x100000, 100);
	domain_add(s, S1, D2, 0, APERTURE_48);
	unmap(s, A1);
	domain_del(s, S1, D2);
	end_with_domain(s);
}

TEST(no_domain_then_one)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, 0x100000, 16);		/* pins nothing */
	domain_add(s, S1, D1, 0, APERTURE_48);
	domain_del(s, S1, D1);
	domain_add(s, S1, D2, 0, APERTURE_48);
	unmap(s, A1);
	domain_del(s, S1, D2);
	end_with_ioas(s);
}

/* One pages object in two IOASes: pinned once, unpinned with the last user. */
TEST(copy_shares_pages)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	map(s, S1, A1, P1, 0x100000, 16);
	copy(s, S2, A2, P1, 0x700000, 8 * PG, 4 * PG);
	copy(s, S2, A3, P1, 0x900000, 8 * PG, 4 * PG);	/* the same again */
	unmap(s, A1);
	unmap(s, A2);
	unmap(s, A3);
	domain_del(s, S2, D2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

TEST(copy_from_an_ioas_without_domain)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	map(s, S2, A1, P1, 0x100000, 16);
	copy(s, S1, A2, P1, 0x700000, 8 * PG, 4 * PG);
	unmap(s, A1);
	unmap(s, A2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

/* What a thread leaves pinned for accesses stays when all domains are gone. */
TEST(access_outlives_domain)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	access_pin(s, A1, 4, 7);
	access_pin(s, A1, 6, 9);
	access_pin(s, A1, 4, 7);
	domain_del(s, S1, D1);
	access_unpin(s, A1, 4, 7);
	access_unpin(s, A1, 6, 9);
	domain_add(s, S1, D1, 0, APERTURE_48);
	access_unpin(s, A1, 4, 7);
	unmap(s, A1);
	end_with_domain(s);
}

/* The pages belong to the pages object, not to the area that pinned them. */
TEST(access_outlives_area_of_other_ioas)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	map(s, S1, A1, P1, 0x100000, 16);
	copy(s, S2, A2, P1, 0x700000, 16 * PG, 0);
	access_pin(s, A2, 2, 5);
	unmap(s, A1);
	access_unpin(s, A2, 2, 5);
	unmap(s, A2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

TEST(access_without_domain)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, 0x100000, 16);
	access_pin(s, A1, 0, 3);
	access_rw(s, P1, 2, 8);
	r_pin_transient(s, P1, 5);
	access_unpin(s, A1, 0, 3);
	unmap(s, A1);
	end_with_ioas(s);
}

TEST(split_and_unmap_half)
{
	struct stream *s = with_domain();

	large_pages(s, S1, false);
	map(s, S1, A1, P1, 0x100000, 16);
	split(s, A1, 6, A2, A3);
	unmap(s, A2);
	split(s, A3, 1, A4, A5);
	unmap(s, A4);
	large_pages(s, S1, true);	/* the small entries stay */
	unmap(s, A5);
	end_with_domain(s);
}

TEST(split_without_domain)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, 0x100000, 16);
	split(s, A1, 6, A2, A3);
	domain_add(s, S1, D1, 0, APERTURE_48);
	unmap(s, A2);
	unmap(s, A3);
	end_with_domain(s);
}

TEST(split_that_fails)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	r_area(s, IMS_AREA_REMOVE, S1, A1, P1, 0x100000, 16 * PG, 0, RW);
	r_area(s, IMS_AREA_INSERT, S1, A2, P1, 0x100000, 4 * PG, 0, RW);
	r_area(s, IMS_AREA_FREE, S1, A2, P1, 0x100000, 4 * PG, 0, RW);
	r_area(s, IMS_AREA_REINSERT, S1, A1, P1, 0x100000, 16 * PG, 0, RW);
	unmap(s, A1);
	end_with_domain(s);
}

TEST(map_that_is_refused)
{
	struct stream *s = with_domain();

	map_refused(s, S1, A1, P1, 0x100000, 16);
	domain_add(s, S1, D2, 0, APERTURE_48);
	map_refused(s, S1, A1, P1, 0x100000, 16);	/* same addresses again */
	map(s, S1, A1, P1, 0x100000, 16);
	unmap(s, A1);
	domain_del(s, S1, D2);
	end_with_domain(s);
}

/* The second batch cannot be pinned: the first goes back, page by page. */
TEST(map_that_fails_in_the_second_batch)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, 0x100000, 16);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 8 }));
	r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 8 * PG }));
	r_pin(s, P1, 8, -14);
	r_dma_unmap(s, D1, 0x100000, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 8 }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_map(s, IMS_MAP_USER, S1, 0x100000, 16 * PG, 1ULL << 32, 7, -14);
	r_ioctl(s, IMS_IOCTL_EXIT, -14);
	end_with_domain(s);
}

/* More was pinned than fits the batch; the rest is only known as a list. */
TEST(pending_pins_are_unpinned_as_a_list)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, 0x100000, 16);
	r_pin(s, P1, 0, 16);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 10 }));
	r_dma_map(s, D1, A1, 0x100000, RW, -12, RUNS({ PFN(1) * PG, 10 * PG }));
	r_unpin(s, P1, 10, IMS_UNPIN_LIST, RUNS({ PFN(1) + 10, 6 }));
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 10 }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	end_with_domain(s);
}

/* iommu_map() fails: what this batch mapped before is unmapped at once. */
TEST(map_that_fails_in_the_iommu)
{
	struct stream *s = with_domain();

	s->chunk = 4;
	map_begin(s, S1, A1, P1, 0x100000, 8);
	r_pin(s, P1, 0, 8);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }, { PFN(1) + 0x104, 4 }));
	r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	r_dma_map(s, D1, A1, 0x104000, RW, -12, RUNS({ (PFN(1) + 0x104) * PG, 4 * PG }));
	r_dma_unmap(s, D1, 0x100000, 4 * PG, 4 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 }, { PFN(1) + 0x104, 4 }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	end_with_domain(s);
}

/* The second area cannot be filled: the first is unfilled again. */
TEST(attach_that_fails)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, 0x100000, 4);
	map(s, S1, A2, P2, 0x200000, 4);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_reserve(s, IMS_RESV_ADD, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	r_account(s, P1, IMS_ACCT_USER, 4, 4, 4, 0);
	r_storage(s, S1, A1, P1, D1);
	r_pin(s, P2, 0, -14);
	r_storage(s, S1, A1, P1, 0);
	r_dma_unmap(s, D1, 0x100000, 4 * PG, 4 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 4 }));
	r_account(s, P1, IMS_ACCT_USER, -4, 0, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, APERTURE_48 + 1, UINT64_MAX, D1, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_48, -14);
	unmap(s, A1);
	unmap(s, A2);
	end_with_ioas(s);
}

/* The middle is held: the carry is unmapped early and unpinned late. */
TEST(unmap_around_an_access)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	map(s, S1, A1, P1, 0x100000, 16);
	copy(s, S2, A2, P1, 0x100000, 16 * PG, 0);
	access_pin(s, A2, 6, 8);
	unmap(s, A1);
	access_unpin(s, A2, 6, 8);
	unmap(s, A2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

TEST(pieces_of_pages)
{
	struct stream *s = with_mock_domain();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, 0x100800, 3 * PG, 0x800, RW);
	area_fill(s, A1);
	area_ready(s, A1);
	map_end(s, A1, 0);
	copy(s, S1, A2, P1, 0x200800, 0x800, 0x1800);	/* inside one page */
	domain_add(s, S1, D2, 0, APERTURE_48);
	unmap(s, A1);
	unmap(s, A2);
	domain_del(s, S1, D2);
	end_with_domain(s);
}

TEST(devices_come_and_go)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device_attach(s, X1, S1, D1, 0xfee00000, 0xfeefffff);
	device_attach(s, X2, S1, D1, 0xfee00000, 0xfeefffff);
	/* the whole group moves with the one that is named */
	r_region(s, S2, X1, 0xfee00000, 0xfeefffff, 0);
	r_reserve(s, IMS_RESV_ADD, S2, 0xfee00000, 0xfeefffff, X1, 0);
	r_region(s, S2, X2, 0xfee00000, 0xfeefffff, 0);
	r_reserve(s, IMS_RESV_ADD, S2, 0xfee00000, 0xfeefffff, X2, 0);
	r_device(s, IMS_DEV_REPLACE, X1, 1, D2, D1, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0xfee00000, 0xfeefffff, X1, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0xfee00000, 0xfeefffff, X2, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	device_detach(s, X2, S2, D2, 0xfee00000, 0xfeefffff);
	device_detach(s, X1, S2, D2, 0xfee00000, 0xfeefffff);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	r_device(s, IMS_DEV_UNBIND, X2, 1, 0, 0, 0);
	domain_del(s, S2, D2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

/* The same addresses live in two ctxs, in any order between the two. */
TEST(two_contexts)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, 0x100000, 16);
	r_pin(s, P1, 0, 16);
	s->ctx = C2;
	r_ctx(s, IMS_CTX_OPEN);
	r_ioas(s, S1, 1);
	r_pages(s, IMS_PAGES_ALLOC, P1, 4, 0, IMS_ACCT_MM, false);
	r_area(s, IMS_AREA_INSERT, S1, A1, P1, 0x100000, 4 * PG, 0, RO);
	s->ctx = C1;
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 16 }));
	s->ctx = C2;
	r_area(s, IMS_AREA_READY, S1, A1, P1, 0x100000, 4 * PG, 0, RO);
	s->ctx = C1;
	r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 16 * PG }));
	r_account(s, P1, IMS_ACCT_USER, 16, 16, 16, 0);
	r_storage(s, S1, A1, P1, D1);
	area_ready(s, A1);
	map_end(s, A1, 0);
	stream_end(s);
}

TESTS(T(map_and_unmap), T(three_domains), T(scattered_pages), T(no_domain_then_one),
      T(copy_shares_pages), T(copy_from_an_ioas_without_domain), T(access_outlives_domain),
      T(access_outlives_area_of_other_ioas), T(access_without_domain), T(split_and_unmap_half),
      T(split_without_domain), T(split_that_fails), T(map_that_is_refused),
      T(map_that_fails_in_the_second_batch), T(pending_pins_are_unpinned_as_a_list),
      T(map_that_fails_in_the_iommu), T(attach_that_fails), T(unmap_around_an_access),
      T(pieces_of_pages), T(devices_come_and_go), T(two_contexts))
