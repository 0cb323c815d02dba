// SPDX-License-Identifier: GPL-2.0-only
/* What users and drivers are told and given: RANGES-OUT, PFN-READBACK, ACC-PFN, ACC-RW, DIRTY. */
#include <errno.h>

#include "stream.c"

/* ---- RANGES-OUT ---- */

#define MSI 0xfee00000ULL
#define MSI_LAST 0xfeefffffULL

/* Two holes: below the MSI window, and from there to the end of the aperture. */
static struct stream *two_holes(void)
{
	struct stream *s = with_domain();

	r_reserve(s, IMS_RESV_ADD, S1, MSI, MSI_LAST, 0, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

TEST(range_one_off)
{
	struct stream *s = two_holes();

	expect_violation(s, "RANGES-OUT", "that 0-0xfee00000 is usable, but the next that is is "
			 "0-0xfedfffff", r_iova_range(s, S1, 0, MSI));
	expect_violation(s, "RANGES-OUT", "0xfef00001-0xffffffffffff is usable, but the next",
			 r_iova_range(s, S1, MSI_LAST + 2, APERTURE_48));
	stream_end(s);
}

TEST(range_left_out)
{
	struct stream *s = two_holes();

	expect_violation(s, "RANGES-OUT", "but the next that is is 0-0xfedfffff",
			 r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48));
	stream_end(s);
}

TEST(range_too_many)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	expect_violation(s, "RANGES-OUT", "but nothing more is",
			 r_iova_range(s, S1, APERTURE_48 + 1, UINT64_MAX));
	stream_end(s);
}

TEST(range_twice)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, 0, MSI - 1);	/* the beginning of another answer? */
	expect_violation(s, "RANGES-OUT", "told 1 of 2 usable ranges, and that this is all",
			 r_iova_range_end(s, S1, 2, 0x1000, 0));
	stream_end(s);
}

TEST(ranges_miscounted)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	expect_violation(s, "RANGES-OUT", "that there are 3 usable ranges, there are 2",
			 r_iova_range_end(s, S1, 3, 0x1000, 0));
	stream_end(s);
}

TEST(wrong_alignment)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	expect_violation(s, "RANGES-OUT", "an alignment of 0x800, the IOAS has 0x1000",
			 r_iova_range_end(s, S1, 2, 0x800, 0));
	stream_end(s);
}

TEST(room_that_sufficed)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	expect_violation(s, "RANGES-OUT", "told 2 of 2 usable ranges, and that this is not all",
			 r_iova_range_end(s, S1, 2, 0x1000, -EMSGSIZE));
	stream_end(s);
}

/* Enough room, too little, none, another IOAS, a bad address, and VFIO's way. */
TEST(ranges_that_are_right)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	r_iova_range_end(s, S1, 2, 0x1000, 0);
	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range_end(s, S1, 2, 0x1000, -EMSGSIZE);
	r_iova_range_end(s, S1, 2, 0x1000, -EMSGSIZE);
	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range_end(s, S1, 1, 0x1000, -EFAULT);
	r_iova_range(s, S1, 0, MSI - 1);		/* GET_INFO with a bad address */
	ioas_new(s, S2, 2);
	r_iova_range(s, S2, 0, UINT64_MAX);
	r_iova_range_end(s, S2, 1, 1, 0);
	r_iova_range(s, S1, 0, MSI - 1);
	r_iova_range_end(s, S1, 2, 0, -EMSGSIZE);
	stream_end(s);
}

TEST(nothing_is_usable)
{
	struct stream *s = with_ioas();

	r_reserve(s, IMS_RESV_ADD, S1, 0, 0xffff, 0, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x8000, UINT64_MAX, 0, 0);
	r_iova_range_end(s, S1, 0, 1, 0);
	expect_violation(s, "RANGES-OUT", "nothing more is", r_iova_range(s, S1, 1, 2));
	stream_end(s);
}

/* Threads ask at the same time. */
TEST(ranges_of_two_threads)
{
	struct stream *s = two_holes();

	r_iova_range(s, S1, 0, MSI - 1);
	thread(s, 2);
	r_iova_range(s, S1, 0, MSI - 1);
	thread(s, 1);
	r_iova_range(s, S1, MSI_LAST + 1, APERTURE_48);
	r_iova_range_end(s, S1, 2, 0x1000, 0);
	thread(s, 2);
	r_iova_range_end(s, S1, 2, 0x1000, -EMSGSIZE);
	stream_end(s);
}

/* ---- PFN-READBACK ---- */

/* As the kernel sums it up: page by page. */
static uint64_t slow_hash(struct stream *s, uint64_t P, uint64_t start_byte, uint64_t npages)
{
	uint64_t hash = 0;

	for (uint64_t k = 1; k <= npages; k++)
		hash += k * (pfn_of(s, P, start_byte / PG + k - 1) * PG + (k == 1 ? start_byte % PG : 0));
	return hash;
}

static struct stream *mapped_in(uint64_t chunk, uint64_t npages)
{
	struct stream *s = with_domain();

	s->chunk = chunk;
	map(s, S1, A1, P1, IOVA, npages);
	return s;
}

TEST(readback_of_all_shapes)
{
	static const uint64_t chunks[] = { 0, 1, 3, 64, 7 };

	for (unsigned int i = 0; i < 5; i++) {
		struct stream *s = mapped_in(chunks[i], 200);

		r_readback(s, D1, A1, IOVA, 200, slow_hash(s, P1, 0, 200));
		r_readback(s, D1, A1, IOVA + 5 * PG, 100, slow_hash(s, P1, 5 * PG, 100));
		r_readback(s, D1, A1, IOVA + 199 * PG, 1, slow_hash(s, P1, 199 * PG, 1));
		unmap(s, A1);
		end_with_domain(s);
	}
}

/* An area that begins within a page, on an IOMMU that can do that. */
TEST(readback_within_a_page)
{
	struct stream *s = with_mock_domain();

	s->chunk = 3;
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	pages_new(s, P1, 20);
	r_iova(s, IMS_IOVA_FIXED, S1, IOVA, 19 * PG, ((uint64_t)P1 << 32) + 0x800);
	area_new(s, S1, A1, P1, IOVA, 19 * PG, 0x800, RW);
	area_fill(s, A1);
	area_ready(s, A1);
	r_readback(s, D1, A1, IOVA, 20, slow_hash(s, P1, 0x800, 20));
	r_readback(s, D1, A1, IOVA, 1, slow_hash(s, P1, 0x800, 1));
	r_readback(s, D1, A1, IOVA + 0x800, 5, slow_hash(s, P1, PG, 5));
	expect_violation(s, "PFN-READBACK", "not those that are mapped there",
			 r_readback(s, D1, A1, IOVA, 20, slow_hash(s, P1, 0, 20)));
	stream_end(s);
}

TEST(readback_of_other_pages)
{
	struct stream *s = mapped_in(1, 8);

	expect_violation(s, "PFN-READBACK", "4 pages were read back from IOVA 0x102000 on, but not those "
			 "that are mapped there",
			 r_readback(s, D1, A1, IOVA + 2 * PG, 4, slow_hash(s, P1, 3 * PG, 4)));
	stream_end(s);
}

/* Two pages changed places: the sum without weights would be the same. */
TEST(readback_in_another_order)
{
	struct stream *s = mapped_in(1, 2);
	uint64_t a = pfn_of(s, P1, 0) * PG, b = pfn_of(s, P1, 1) * PG;

	r_readback(s, D1, A1, IOVA, 2, a + 2 * b);
	expect_violation(s, "PFN-READBACK", "not those", r_readback(s, D1, A1, IOVA, 2, b + 2 * a));
	stream_end(s);
}

TEST(readback_after_the_unmap)
{
	struct stream *s = mapped_in(4, 8);
	uint64_t hash = slow_hash(s, P1, 0, 8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA + 4 * PG, 4 * PG, 4 * PG, true);
	r_readback(s, D1, A1, IOVA, 4, slow_hash(s, P1, 0, 4));
	expect_violation(s, "PFN-READBACK", "but the domain does not translate 0x104000",
			 r_readback(s, D1, A1, IOVA, 8, hash));
	stream_end(s);
}

TEST(readback_elsewhere)
{
	struct stream *s = mapped_in(0, 8);

	expect_violation(s, "PFN-READBACK", "IOVA 0x108000 was read back for an area that covers",
			 r_readback(s, D1, A1, IOVA + 8 * PG, 1, 0));
	expect_violation(s, "PFN-READBACK", "9 pages were read back from IOVA 0x100000 on, the area has 8",
			 r_readback(s, D1, A1, IOVA, 9, 0));
	stream_end(s);
}

/* ---- ACC-PFN ---- */

static struct stream *accessed(void)
{
	struct stream *s = mapped_in(2, 8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_xarray(s, IMS_XA_STORE, P1, 2, 5);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 2, 5, 0);
	return s;
}

TEST(another_page_is_given)
{
	struct stream *s = accessed();

	expect_violation(s, "ACC-PFN", "was given PFN 0x100000 for page 2, which is not what is pinned there",
			 r_access_pfns(s, A1, P1, 2, RUNS({ PFN(1), 4 })));
	stream_end(s);
}

TEST(first_pages_are_right)
{
	struct stream *s = accessed();

	expect_violation(s, "ACC-PFN", "for page 4", r_access_pfns(s, A1, P1, 2, RUNS({ pfn_of(s, P1, 2), 4 })));
	stream_end(s);
}

TEST(unpinned_page_is_given)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 4);
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, 0, 0);
	expect_violation(s, "ACC-PFN", "page 0", r_access_pfns(s, A1, P1, 0, RUNS({ PFN(1), 1 })));
	stream_end(s);
}

TEST(too_few_pages_are_given)
{
	struct stream *s = accessed();

	r_access_pfns(s, A1, P1, 2, RUNS({ pfn_of(s, P1, 2), 2 }));
	expect_violation(s, "ACC-PFN", "has pinned 2 pages from page 4 on that it was not given",
			 r_access_op(s, IMS_ACC_PIN, S1, IOVA + 2 * PG, 4 * PG));
	stream_end(s);
}

TEST(too_many_pages_are_given)
{
	struct stream *s = accessed();
	const struct ims_run runs[] = { { pfn_of(s, P1, 2), 2 }, { pfn_of(s, P1, 4), 2 },
					{ pfn_of(s, P1, 6), 1 } };

	expect_violation(s, "ACC-PFN", "given 1 pages from page 6 on, but has pinned 0 of them",
			 r_access_pfns(s, A1, P1, 2, runs, 3));
	stream_end(s);
}

TEST(pages_of_another_place_are_given)
{
	struct stream *s = accessed();

	expect_violation(s, "ACC-PFN", "given 1 pages from page 3 on, but has pinned 0",
			 r_access_pfns(s, A1, P1, 3, RUNS({ pfn_of(s, P1, 3), 1 })));
	stream_end(s);
}

/* In several records, with other threads in between, and a pin that fails later. */
TEST(pages_that_are_right)
{
	struct stream *s = accessed();

	r_access_pfns(s, A1, P1, 2, RUNS({ pfn_of(s, P1, 2), 2 }));
	thread(s, 2);
	access_pin(s, A1, 0, 0);
	thread(s, 1);
	r_access_pfns(s, A1, P1, 4, RUNS({ pfn_of(s, P1, 4), 1 }, { pfn_of(s, P1, 5), 1 }));
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 6, 7, -EINVAL);
	access_unpin(s, A1, 2, 5);
	r_access_op_rc(s, IMS_ACC_PIN, S1, IOVA + 2 * PG, 6 * PG, 0, -EINVAL);
	stream_end(s);
}

/* ---- ACC-RW ---- */

#define COPY(s, index, offset, length)							\
	r_access_copy(s, IMS_COPY_PINNED, P1, index, pfn_of(s, P1, index), offset, length, 0)

TEST(wrong_frame_is_copied)
{
	struct stream *s = mapped_in(1, 4);

	expect_violation(s, "ACC-RW", "copied PFN 0x100000 for page 1, which is not what is pinned there",
			 r_access_copy(s, IMS_COPY_PINNED, P1, 1, PFN(1), 0, PG, 0));
	stream_end(s);
}

TEST(unpinned_frame_is_copied)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 4);
	expect_violation(s, "ACC-RW", "for page 1", COPY(s, 1, 0, PG));
	stream_end(s);
}

TEST(copy_beyond_the_page)
{
	struct stream *s = mapped_in(1, 4);

	expect_violation(s, "ACC-RW", "copied 0x1000 bytes from 0x10 in page 1", COPY(s, 1, 0x10, PG));
	expect_violation(s, "ACC-RW", "from 0 in page 4 on, of 4 pages",
			 r_access_copy(s, IMS_COPY_USER, P1, 4, 0, 0, 1, 0));
	expect_violation(s, "ACC-RW", "0x4001 bytes",
			 r_access_copy(s, IMS_COPY_USER, P1, 0, 0, 0, 4 * PG + 1, 0));
	stream_end(s);
}

TEST(copy_of_another_page)
{
	struct stream *s = mapped_in(1, 4);

	COPY(s, 2, 0, 16);
	expect_violation(s, "ACC-RW", "was to copy IOVA 0x101000-0x10100f, but the copy that came for "
			 "0x101000 is not of that", r_access_op(s, IMS_ACC_RW, S1, IOVA + PG, 16));
	stream_end(s);
}

TEST(copy_at_another_offset)
{
	struct stream *s = mapped_in(1, 4);

	COPY(s, 1, 0x20, PG - 0x20);
	COPY(s, 2, 0x10, 0x20);
	expect_violation(s, "ACC-RW", "the copy that came for 0x102000 is not of that",
			 r_access_op(s, IMS_ACC_RW, S1, IOVA + PG + 0x20, PG));
	stream_end(s);
}

TEST(copy_of_too_little)
{
	struct stream *s = mapped_in(1, 4);

	COPY(s, 1, 0, PG);
	expect_violation(s, "ACC-RW", "was to copy 0x1800 bytes from IOVA 0x101000 on, and copied 0x1000",
			 r_access_op(s, IMS_ACC_RW, S1, IOVA + PG, PG + 0x800));
	expect_violation(s, "ACC-RW", "and copied 0", r_access_op(s, IMS_ACC_RW, S1, IOVA, 1));
	stream_end(s);
}

TEST(copy_of_too_much)
{
	struct stream *s = mapped_in(1, 4);

	COPY(s, 1, 0, 17);
	expect_violation(s, "ACC-RW", "was to copy 0x10 bytes from IOVA 0x101000 on, and copied 0x11",
			 r_access_op_rc(s, IMS_ACC_RW, S1, IOVA + PG, 16, 0, -EFAULT));
	stream_end(s);
}

TEST(copy_in_the_other_direction)
{
	struct stream *s = mapped_in(1, 4);

	COPY(s, 1, 0, 16);
	expect_violation(s, "ACC-RW", "an access read IOVA 0x101000-0x10100f where it was to write",
			 r_access_op_rc(s, IMS_ACC_RW, S1, IOVA + PG, 16, 1, 0));
	stream_end(s);
}

TEST(copy_while_others_unmap)
{
	struct stream *s = mapped_in(1, 4);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_access_copy(s, IMS_COPY_USER, P1, 0, 0, 0, PG, 0);
	thread(s, 2);
	unmap(s, A1);
	thread(s, 1);
	r_access_op(s, IMS_ACC_RW, S1, IOVA, PG);
	stream_end(s);
}

/* Each way, across two areas, and failing in the middle of it. */
TEST(copies_that_are_right)
{
	struct stream *s = mapped_in(1, 4);

	copy(s, S1, A2, P1, IOVA + 4 * PG, 2 * PG, PG);
	r_access_copy(s, IMS_COPY_USER, P1, 0, 0, 0x800, 3 * PG, 0);
	r_access_op(s, IMS_ACC_RW, S1, IOVA + 0x800, 3 * PG);
	r_pin_transient(s, P1, 3);
	r_access_copy(s, IMS_COPY_TRANSIENT, P1, 3, 0xabc, 8, 8, 0);	/* not what is pinned */
	r_access_op(s, IMS_ACC_RW, S1, IOVA + 3 * PG + 8, 8);
	COPY(s, 3, 0, PG);
	COPY(s, 1, 0, PG);
	COPY(s, 2, 0, 1);
	r_access_op(s, IMS_ACC_RW, S1, IOVA + 3 * PG, 2 * PG + 1);
	COPY(s, 3, 0, PG);
	r_access_op_rc(s, IMS_ACC_RW, S1, IOVA + 3 * PG, 9 * PG, 0, -ENOENT);
	r_access_op_rc(s, IMS_ACC_RW, S1, IOVA, PG, 0, -EPERM);
	r_access_op_rc(s, IMS_ACC_RW, 0, IOVA, PG, 0, -ENOENT);
	COPY(s, 0, 0, 4);
	r_access_op(s, IMS_ACC_RW, S1, IOVA, 4);
	stream_end(s);
}

/* ---- DIRTY ---- */

#define READ(s, iova, length, clear) r_dirty(s, IMS_DIRTY_READ, D1, iova, length, clear, 0)
#define SET_ON(s) r_dirty(s, IMS_DIRTY_SET, D1, 0, 0, true, 0)
#define GET(s, iova, length, clear) r_dirty(s, IMS_DIRTY_GET, D1, iova, length, clear, 0)

static struct stream *two_areas(void)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 4);
	map(s, S1, A2, P2, IOVA + 4 * PG, 4);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

TEST(tracking_starts_with_old_bits)
{
	struct stream *s = two_areas();

	READ(s, IOVA, 4 * PG, true);
	r_sync(s, D1);
	expect_violation(s, "DIRTY", "tracking was switched on, but the old dirty bits of IOVA "
			 "0x104000-0x107fff are still there", SET_ON(s));
	stream_end(s);
}

TEST(bits_were_not_read)
{
	struct stream *s = two_areas();

	READ(s, IOVA, 4 * PG, true);
	READ(s, IOVA + 4 * PG, 2 * PG, true);
	r_sync(s, D1);
	GET(s, IOVA, 6 * PG, true);
	expect_violation(s, "DIRTY", "dirty bits of IOVA 0x104000-0x106fff were asked for and not read",
			 GET(s, IOVA + PG, 6 * PG, true));
	stream_end(s);
}

/* Upstream forgets the result: finding. */
TEST(bits_could_not_be_read)
{
	struct stream *s = two_areas();

	r_dirty(s, IMS_DIRTY_READ, D1, IOVA, 4 * PG, true, -EINVAL);
	r_sync(s, D1);
	expect_violation(s, "DIRTY", "0x100000-0x103fff were asked for and not read",
			 GET(s, IOVA, 4 * PG, true));
	stream_end(s);
}

/* Mutant N43 */
TEST(bits_cleared_without_a_sync)
{
	struct stream *s = two_areas();

	r_sync(s, D1);
	READ(s, IOVA, 8 * PG, true);
	expect_violation(s, "DIRTY", "the IOTLB of domain 0xd001 was not synced after that",
			 GET(s, IOVA, 8 * PG, true));
	thread(s, 2);
	r_sync(s, D1);
	r_sync(s, D2);
	thread(s, 1);
	expect_violation(s, "DIRTY", "not synced", SET_ON(s));
	stream_end(s);
}

TEST(bits_cleared_against_the_will)
{
	struct stream *s = two_areas();

	READ(s, IOVA, 8 * PG, true);
	r_sync(s, D1);
	expect_violation(s, "DIRTY", "dirty bits were cleared that should not be",
			 GET(s, IOVA, 8 * PG, false));
	stream_end(s);
}

TEST(bits_kept_against_the_will)
{
	struct stream *s = two_areas();

	READ(s, IOVA, 8 * PG, false);
	r_sync(s, D1);
	expect_violation(s, "DIRTY", "dirty bits were not cleared that should be",
			 GET(s, IOVA, 8 * PG, true));
	stream_end(s);
}

/* Switched off, refused, kept, where nothing is mapped, and without an area. */
TEST(bits_that_are_right)
{
	struct stream *s = two_areas();

	r_dirty(s, IMS_DIRTY_SET, D1, 0, 0, false, 0);
	r_dirty(s, IMS_DIRTY_SET, D1, 0, 0, true, -EINVAL);
	r_dirty(s, IMS_DIRTY_GET, D1, IOVA, 8 * PG, true, -EOPNOTSUPP);
	READ(s, IOVA + PG, PG, false);
	GET(s, IOVA + PG, PG, false);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_sync(s, D1);
	GET(s, IOVA + 8 * PG, MB, true);
	READ(s, IOVA + 4 * PG, 4 * PG, true);
	READ(s, IOVA, 4 * PG, true);
	r_sync(s, D1);
	GET(s, 0, IOVA + 8 * PG, true);
	SET_ON(s);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	unmap(s, A1);
	unmap(s, A2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_sync(s, D1);
	SET_ON(s);
	stream_end(s);
}

/* What is being mapped has no bits yet. */
TEST(bits_of_a_pending_area)
{
	struct stream *s = with_domain();

	thread(s, 2);
	map_begin(s, S1, A1, P1, IOVA, 4);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_sync(s, D1);
	SET_ON(s);
	stream_end(s);
}

/* The record comes when the lock has been dropped. */
TEST(bits_while_others_map)
{
	struct stream *s = with_domain();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_sync(s, D1);
	thread(s, 2);
	map(s, S1, A1, P1, IOVA, 4);
	thread(s, 1);
	SET_ON(s);
	GET(s, IOVA, 4 * PG, true);
	stream_end(s);
}

TESTS(T(range_one_off), T(range_left_out), T(range_too_many), T(range_twice), T(ranges_miscounted),
      T(wrong_alignment), T(room_that_sufficed), T(ranges_that_are_right), T(nothing_is_usable),
      T(ranges_of_two_threads), T(readback_of_all_shapes), T(readback_within_a_page),
      T(readback_of_other_pages), T(readback_in_another_order), T(readback_after_the_unmap),
      T(readback_elsewhere), T(another_page_is_given), T(first_pages_are_right),
      T(unpinned_page_is_given), T(too_few_pages_are_given), T(too_many_pages_are_given),
      T(pages_of_another_place_are_given), T(pages_that_are_right), T(wrong_frame_is_copied),
      T(unpinned_frame_is_copied), T(copy_beyond_the_page), T(copy_of_another_page),
      T(copy_at_another_offset), T(copy_of_too_little), T(copy_of_too_much),
      T(copy_in_the_other_direction), T(copy_while_others_unmap), T(copies_that_are_right),
      T(tracking_starts_with_old_bits), T(bits_were_not_read), T(bits_could_not_be_read),
      T(bits_cleared_without_a_sync), T(bits_cleared_against_the_will),
      T(bits_kept_against_the_will), T(bits_that_are_right), T(bits_of_a_pending_area),
      T(bits_while_others_map))
