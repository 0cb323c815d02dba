// SPDX-License-Identifier: GPL-2.0-only
/* APT-MAP, APT-AREA, APT-ATTACH, APT-NARROW, RSV-DEV. */
#include "stream.c"

#define MSI 0xfee00000ULL
#define MSI_LAST 0xfeefffffULL

/* A ctx with D1, whose aperture is [1 MiB, 4 GiB). */
static struct stream *narrow(void)
{
	struct stream *s = with_ioas();

	domain_add(s, S1, D1, MB, 0xffffffff);
	return s;
}

/* ---- APT-MAP, APT-AREA ---- */

TEST(map_up_to_both_ends)
{
	struct stream *s = narrow();

	map(s, S1, A1, P1, MB, 1);
	map(s, S1, A2, P2, 0xfffff000, 1);
	unmap(s, A1);
	unmap(s, A2);
	end_with_domain(s);
}

/* Mutant O03: one page behind the aperture was not reserved. */
TEST(map_behind_the_aperture)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, MB, 0xffffffff, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0, MB - 1, D1, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x100001000, UINT64_MAX, D1, 0);
	expect_violation(s, "APT-ATTACH", "0x100000000-0xffffffffffffffff, outside its aperture "
			 "0x100000-0xffffffff, is not reserved",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, MB, 0xffffffff, 0));
	map_begin(s, S1, A1, P1, 0xfffff000, 2);
	r_pin(s, P1, 0, 2);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 2 }));
	expect_violation(s, "APT-MAP", "IOVA 0xfffff000-0x100000fff was mapped outside the aperture "
			 "0x100000-0xffffffff",
			 r_dma_map(s, D1, A1, 0xfffff000, RW, 0, RUNS({ PFN(1) * PG, 2 * PG })));
	stream_end(s);
}

TEST(map_before_the_aperture)
{
	struct stream *s = narrow();

	map_begin(s, S1, A1, P1, MB, 1);
	r_pin(s, P1, 0, 1);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 1 }));
	also(s, "PFN-ID", "0xff000-0xfffff was mapped for an area that covers 0x100000-0x100fff");
	expect_violation(s, "APT-MAP", "IOVA 0xff000-0xfffff was mapped outside",
			 r_dma_map(s, D1, A1, 0xff000, RW, 0, RUNS({ PFN(1) * PG, PG })));
	stream_end(s);
}

TEST(a_map_that_failed_maps_nothing)
{
	struct stream *s = narrow();

	map_begin(s, S1, A1, P1, MB, 1);
	r_pin(s, P1, 0, 1);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 1 }));
	r_dma_map(s, D1, A1, 0xff000, RW, -22, RUNS({ PFN(1) * PG, PG }));
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 1 }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -22);
	end_with_domain(s);
}

TEST(area_over_a_reserved_range)
{
	struct stream *s = narrow();

	pages_new(s, P1, 2);
	expect_violation(s, "APT-AREA", "area 0xff000-0x100fff was inserted over the reserved range "
			 "0-0xfffff",
			 r_area(s, IMS_AREA_INSERT, S1, A1, P1, 0xff000, 2 * PG, 0, RW));
	stream_end(s);
}

TEST(range_reserved_over_an_area)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	r_reserve(s, IMS_RESV_ADD, S1, 0xf0000, 0x100000, 0, -98);	/* refused */
	r_reserve(s, IMS_RESV_ADD, S1, 0xf0000, 0xfffff, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0xf0000, 0xfffff, 0, 0);
	expect_violation(s, "APT-AREA", "range 0xf0000-0x100000 was reserved over the area "
			 "0x100000-0x10ffff",
			 r_reserve(s, IMS_RESV_ADD, S1, 0xf0000, 0x100000, 0, 0));
	stream_end(s);
}

/* Pending and dying areas are in the tree. */
TEST(range_reserved_over_a_dying_area)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	area_dying(s, A1);
	expect_violation(s, "APT-AREA", NULL,
			 r_reserve(s, IMS_RESV_ADD, S1, 0x100000, 0x100fff, 0, 0));
	stream_end(s);
}

/* ---- APT-ATTACH ---- */

TEST(whole_address_space)
{
	struct stream *s = with_ioas();

	domain_add(s, S1, D1, 0, APERTURE_64);		/* reserves nothing */
	end_with_domain(s);
}

TEST(aperture_of_one_byte)
{
	struct stream *s = with_ioas();

	domain_add(s, S1, D1, 0, 0);			/* the geometry was never filled in */
	end_with_domain(s);
}

TEST(nothing_reserved)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, MB, 0xffffffff, 0);
	also(s, "APT-ATTACH", "0-0xfffff, outside");
	expect_violation(s, "APT-ATTACH", "0x100000000-0xffffffffffffffff, outside",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, MB, 0xffffffff, 0));
	stream_end(s);
}

TEST(reserved_inside_the_own_aperture)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, 0xffffffff, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x100000000, UINT64_MAX, D1, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0xfffff000, 0xffffffff, D1, 0);
	expect_violation(s, "APT-ATTACH", "the domain reserved 0xfffff000-0xffffffff inside its own "
			 "aperture 0-0xffffffff",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, 0xffffffff, 0));
	stream_end(s);
}

/* What others reserve inside is their business; a failed add is not judged. */
TEST(other_owners_and_failed_adds)
{
	struct stream *s = with_ioas();

	r_reserve(s, IMS_RESV_ADD, S1, MSI, MSI_LAST, 0, 0);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, MB, 0xffffffff, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, MB, 0xffffffff, -22);
	domain_add(s, S1, D1, MB, 0xffffffff);
	r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, 0, 0);
	end_with_domain(s);
}

/* ---- APT-NARROW ---- */

TEST(range_left_by_a_domain)
{
	struct stream *s = narrow();

	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, MB, 0xffffffff, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0, MB - 1, D1, 0);
	expect_violation(s, "APT-NARROW", "0x100000000-0xffffffffffffffff is still reserved for a "
			 "domain that has left",
			 r_domain(s, IMS_DOM_DEL_END, S1, D1, MB, 0xffffffff, 0));
	stream_end(s);
}

TEST(range_left_by_a_domain_that_could_not_join)
{
	struct stream *s = with_ioas();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, MB, 0xffffffff, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0, MB - 1, D1, 0);
	expect_violation(s, "APT-NARROW", "0-0xfffff is still reserved for a domain",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, MB, 0xffffffff, -12));
	stream_end(s);
}

static struct stream *attached(void)
{
	struct stream *s = with_domain();

	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device_attach(s, X1, S1, D1, MSI, MSI_LAST);
	return s;
}

TEST(device_gives_its_ranges_back)
{
	struct stream *s = attached();

	device_detach(s, X1, S1, D1, MSI, MSI_LAST);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	end_with_domain(s);
}

TEST(range_left_by_a_device)
{
	struct stream *s = attached();

	r_device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);		/* not the thread that detached it */
	thread(s, 1);
	expect_violation(s, "APT-NARROW", "0xfee00000-0xfeefffff is still reserved for a device",
			 r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

/* The same thread works on another ctx, whose records are read first. */
TEST(other_ctx_between_detach_and_release)
{
	struct stream *s = attached();

	s->ctx = C2;
	r_ctx(s, IMS_CTX_OPEN);
	s->ctx = C1;
	r_device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	s->ctx = C2;
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	s->ctx = C1;
	r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, X1, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	stream_end(s);
}

/* IOMMU_TEST_OP_ADD_RESERVED reserves for nobody; it goes with the IOAS. */
TEST(selftest_reserves_for_nobody)
{
	struct stream *s = with_domain();

	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, 0, 0);
	domain_del(s, S1, D1);
	r_reserve(s, IMS_RESV_DEL, S1, 0x1000, 0x1fff, 0, 0);
	end_with_ioas(s);
}

/* Two owners of the same range: one goes, the other stays. */
TEST(same_range_twice)
{
	struct stream *s = attached();

	r_device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device_attach(s, X2, S1, D1, MSI, MSI_LAST);
	device_detach(s, X1, S1, D1, MSI, MSI_LAST);
	device_detach(s, X2, S1, D1, MSI, MSI_LAST);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	r_device(s, IMS_DEV_UNBIND, X2, 1, 0, 0, 0);
	end_with_domain(s);
}

/* ---- RSV-DEV ---- */

TEST(region_not_reserved)
{
	struct stream *s = with_domain();

	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_region(s, S1, X1, MSI, MSI_LAST, 3);
	expect_violation(s, "RSV-DEV", "device mock0 is attached but its region "
			 "0xfee00000-0xfeefffff is not reserved",
			 r_device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0));
	stream_end(s);
}

TEST(relaxable_region_is_not_reserved)
{
	struct stream *s = with_domain();

	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_region(s, S1, X1, 0x1000, 0x1fff, 1);
	device_attach(s, X1, S1, D1, 0, 0);
	device_detach(s, X1, S1, D1, 0, 0);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	end_with_domain(s);
}

TEST(range_taken_from_an_attached_device)
{
	struct stream *s = attached();

	expect_violation(s, "RSV-DEV", "0xfee00000-0xfeefffff is no longer reserved though its "
			 "device still uses",
			 r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, X1, 0));
	stream_end(s);
}

TEST(range_taken_from_an_added_domain)
{
	struct stream *s = narrow();

	expect_violation(s, "RSV-DEV", "0-0xfffff is no longer reserved though its domain",
			 r_reserve(s, IMS_RESV_DEL, S1, 0, MB - 1, D1, 0));
	stream_end(s);
}

/* The first attach to an IOAS: the domain is added after the device came. */
TEST(attach_before_the_domain_is_added)
{
	struct stream *s = with_ioas();

	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_hwpt(s, D1, S1, 0, 0);
	device_attach(s, X1, S1, D1, MSI, MSI_LAST);
	domain_add(s, S1, D1, 0, APERTURE_48);
	r_hwpt(s, D1, S1, 0, IMS_HWPT_AUTO);
	expect_violation(s, "RSV-DEV", "its device still uses",
			 r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, X1, 0));
	stream_end(s);
}

TEST(attach_through_a_nested_domain)
{
	struct stream *s = with_ioas();

	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	domain_add(s, S1, D1, 0, APERTURE_48);
	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED);
	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_region(s, S1, X1, MSI, MSI_LAST, 3);
	expect_violation(s, "RSV-DEV", "is not reserved",
			 r_device(s, IMS_DEV_ATTACH, X1, 1, D2, 0, 0));
	stream_end(s);
}

/* A refused attach: what was reserved goes before the record that says so. */
TEST(attach_that_fails)
{
	struct stream *s = with_domain();

	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	r_region(s, S1, X1, MSI, MSI_LAST, 3);
	r_reserve(s, IMS_RESV_ADD, S1, MSI, MSI_LAST, X1, 0);
	r_region(s, S1, X1, 0x1000, 0x1fff, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, X1, -98);
	r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, X1, 0);
	r_device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, -98);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	end_with_domain(s);
}

/* Bug R27: a failed replace takes the ranges of the old IOAS away. */
TEST(replace_that_fails)
{
	struct stream *s = attached();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	r_region(s, S2, X1, MSI, MSI_LAST, 3);
	r_reserve(s, IMS_RESV_ADD, S2, MSI, MSI_LAST, X1, 0);
	r_reserve(s, IMS_RESV_DEL, S2, MSI, MSI_LAST, X1, 0);	/* so it should be */
	expect_violation(s, "RSV-DEV", "no longer reserved",
			 r_reserve(s, IMS_RESV_DEL, S1, MSI, MSI_LAST, X1, 0));
	r_device(s, IMS_DEV_REPLACE, X1, 1, D2, D1, -22);
	stream_end(s);
}

TEST(replace_without_the_ranges)
{
	struct stream *s = attached();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	r_region(s, S2, X1, MSI, MSI_LAST, 3);
	expect_violation(s, "RSV-DEV", "is not reserved",
			 r_device(s, IMS_DEV_REPLACE, X1, 1, D2, D1, 0));
	stream_end(s);
}

/* A replace of one device moves its group: all of them need their ranges. */
TEST(replace_without_the_ranges_of_a_neighbour)
{
	struct stream *s = attached();

	r_device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device_attach(s, X2, S1, D1, 0x1000, 0x1fff);
	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	r_region(s, S2, X1, MSI, MSI_LAST, 3);
	r_reserve(s, IMS_RESV_ADD, S2, MSI, MSI_LAST, X1, 0);
	r_region(s, S2, X2, 0x1000, 0x1fff, 0);
	expect_violation(s, "RSV-DEV", "0x1000-0x1fff is not reserved",
			 r_device(s, IMS_DEV_REPLACE, X1, 1, D2, D1, 0));
	stream_end(s);
}

TESTS(T(map_up_to_both_ends), T(map_behind_the_aperture), T(map_before_the_aperture),
      T(a_map_that_failed_maps_nothing), T(area_over_a_reserved_range),
      T(range_reserved_over_an_area), T(range_reserved_over_a_dying_area),
      T(whole_address_space), T(aperture_of_one_byte), T(nothing_reserved),
      T(reserved_inside_the_own_aperture), T(other_owners_and_failed_adds),
      T(range_left_by_a_domain), T(range_left_by_a_domain_that_could_not_join),
      T(device_gives_its_ranges_back), T(range_left_by_a_device),
      T(other_ctx_between_detach_and_release), T(selftest_reserves_for_nobody),
      T(same_range_twice), T(region_not_reserved), T(relaxable_region_is_not_reserved),
      T(range_taken_from_an_attached_device), T(range_taken_from_an_added_domain),
      T(attach_before_the_domain_is_added), T(attach_through_a_nested_domain),
      T(attach_that_fails), T(replace_that_fails), T(replace_without_the_ranges),
      T(replace_without_the_ranges_of_a_neighbour))
