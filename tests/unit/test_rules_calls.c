// SPDX-License-Identifier: GPL-2.0-only
/* COPY-SEM, ERRNO-CLEAN: what a call leaves behind. */
#include <errno.h>
#include <linux/ioctl.h>

#include "stream.c"

#define DST 0x700000ULL

/* ---- COPY-SEM ---- */

/* P1 at IOVA of S1; both S1 and S2 have a domain; a COPY to DST of S2 has begun. */
static struct stream *copying(void)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0, APERTURE_48);
	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_iova(s, IMS_IOVA_FIXED, S2, DST, 4 * PG, ((uint64_t)P1 << 32) + 2 * PG);
	area_new(s, S2, A2, P1, DST, 4 * PG, 2 * PG, RW);
	return s;
}

/* Of the pages from the third on. */
static void copied(struct stream *s, int rc)
{
	FEED(s, IMS_MAP, IMS_MAP_COPY, ims_map, S2, S1, DST, 4 * PG, IOVA + 2 * PG, 7, rc);
}

TEST(copy_translates_alike)
{
	struct stream *s = copying();

	area_fill(s, A2);
	area_ready(s, A2);
	copied(s, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	unmap(s, A1);			/* the copy lives on */
	unmap(s, A2);
	domain_del(s, S2, D2);
	ioas_destroy(s, S2, 2);
	end_with_domain(s);
}

TEST(copy_translates_otherwise)
{
	struct stream *s = copying();

	expect_violation(s, "PFN-ID", NULL,
			 r_dma_map(s, D2, A2, DST, RW, 0, RUNS({ (PFN(1) + 2) * PG, 2 * PG },
							       { PFN(2) * PG, 2 * PG })));
	r_storage(s, S2, A2, P1, D2);
	area_ready(s, A2);
	expect_violation(s, "COPY-SEM", "IOVA 0x702000 in domain 0xd002 does not translate as IOVA "
			 "0x104000 in domain 0xd001, of which it is a copy", copied(s, 0));
	stream_end(s);
}

TEST(copy_that_failed)
{
	struct stream *s = copying();

	area_gone(s, A2);
	copied(s, -ENOMEM);
	r_ioctl(s, IMS_IOCTL_EXIT, -ENOMEM);
	unmap(s, A1);
	stream_end(s);
}

/* The source has a domain, the copy has none; and the other way round. */
TEST(copy_without_a_domain)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_new(s, S2, A2, P1, DST, 4 * PG, 2 * PG, RW);
	area_ready(s, A2);
	copied(s, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	domain_del(s, S1, D1);
	domain_add(s, S2, D2, 0, APERTURE_48);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	copied(s, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	unmap(s, A1);
	unmap(s, A2);
	stream_end(s);
}

TEST(copy_whose_source_goes_meanwhile)
{
	struct stream *s = copying();

	area_fill(s, A2);
	area_ready(s, A2);
	thread(s, 2);
	unmap(s, A1);
	map(s, S1, A1, P2, IOVA, 8);
	thread(s, 1);
	copied(s, 0);
	stream_end(s);
}

TEST(copy_while_a_domain_leaves)
{
	struct stream *s = copying();

	area_fill(s, A2);
	area_ready(s, A2);
	thread(s, 2);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_storage(s, S1, A1, P1, 0);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	thread(s, 1);
	copied(s, 0);
	stream_end(s);
}

TEST(unmap_takes_from_the_copy)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	copy(s, S1, A2, P1, DST, 8 * PG, 0);
	area_leaves(s, A1);
	also(s, "MIR-COMPLETE", NULL);
	expect_violation(s, "COPY-SEM", "domain 0xd001 lost IOVA 0x700000-0x707fff when IOVA "
			 "0x100000-0x107fff, a copy, was unmapped",
			 r_dma_unmap(s, D1, DST, 8 * PG, 8 * PG, true));
	stream_end(s);
}

/* ---- ERRNO-CLEAN ---- */

enum { DESTROY = 0x80, ALLOC, ALLOW, COPY, RANGES, MAP, UNMAP, OPTION, VFIO_IOAS, HWPT_ALLOC,
       TEST_CMD = 0xa0, VFIO_UNMAP = 0x72 };

static void exits(struct stream *s, uint32_t nr, int rc)
{
	FEED(s, IMS_IOCTL, IMS_IOCTL_EXIT, ims_ioctl, _IO(';', nr), rc);
}

static struct stream *called(void)
{
	struct stream *s = with_domain();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	return s;
}

TEST(failed_call_leaves_an_object)
{
	struct stream *s = called();

	r_object(s, IMS_OBJ_ALLOC, 9);
	expect_violation(s, "ERRNO-CLEAN", "ioctl 0x3b81 failed (-12), but: +1 objects more than before",
			 exits(s, ALLOC, -ENOMEM));
	stream_end(s);
}

TEST(failed_call_destroys_an_object)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_DESTROY, 2);
	expect_violation(s, "ERRNO-CLEAN", "ioctl 0x3b80 failed (-16), but: -1 objects",
			 exits(s, DESTROY, -EBUSY));
	stream_end(s);
}

static void r_object_at(struct stream *s, int action, uint64_t obj, uint32_t id)
{
	FEED(s, IMS_OBJECT, action, ims_object, obj, id, IMS_T_SELFTEST);
}

/* Who was given the id has told of the end before, which is not its own doing. */
TEST(end_is_told_by_the_next)
{
	struct stream *s = with_domain();

	r_object(s, IMS_OBJ_ALLOC, 9);
	r_object(s, IMS_OBJ_FINALIZE, 9);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 0);
	r_object(s, IMS_OBJ_DESTROY, 9);
	thread(s, 1);
	r_object_at(s, IMS_OBJ_ALLOC, X2, 9);
	r_object_at(s, IMS_OBJ_ABORT, X2, 9);
	exits(s, TEST_CMD, -ENOENT);
	end_with_domain(s);
}

/* It was made in the same call, which has undone that. */
TEST(own_end_is_told_by_the_next)
{
	struct stream *s = called();

	r_object(s, IMS_OBJ_ALLOC, 9);
	r_object(s, IMS_OBJ_FINALIZE, 9);
	thread(s, 0);
	r_object(s, IMS_OBJ_DESTROY, 9);
	thread(s, 1);
	exits(s, TEST_CMD, -ENOENT);
	end_with_domain(s);
}

TEST(failed_call_leaves_a_domain)
{
	struct stream *s = called();

	domain_add(s, S1, D2, 0, APERTURE_64);
	expect_violation(s, "ERRNO-CLEAN", "+1 domains more", exits(s, HWPT_ALLOC, -EINVAL));
	stream_end(s);
}

TEST(failed_call_takes_a_domain)
{
	struct stream *s = with_domain();

	domain_add(s, S1, D2, 0, APERTURE_64);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	domain_del(s, S1, D2);
	expect_violation(s, "ERRNO-CLEAN", "-1 domains more", exits(s, HWPT_ALLOC, -EINVAL));
	stream_end(s);
}

TEST(failed_call_leaves_a_range)
{
	struct stream *s = called();

	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, 0, 0);
	expect_violation(s, "ERRNO-CLEAN", "+1 reserved ranges more", exits(s, TEST_CMD, -EINVAL));
	stream_end(s);
}

TEST(failed_call_removes_an_area)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_dying(s, A1);
	area_unfill(s, A1);
	area_gone(s, A1);
	pages_put(s, P1);
	expect_violation(s, "ERRNO-CLEAN", "+1 areas were removed", exits(s, MAP, -EADDRINUSE));
	stream_end(s);
}

TEST(failed_call_allows)
{
	struct stream *s = called();

	r_allow(s, IMS_ALLOW_RESET, S1, 0, UINT64_MAX, 0);
	expect_violation(s, "ERRNO-CLEAN", "+1 changes of the allowed ranges",
			 exits(s, ALLOW, -EADDRINUSE));
	stream_end(s);
}

TEST(failed_call_sets_the_mode)
{
	struct stream *s = stream_new();

	ctx_open(s);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	FEED(s, IMS_RLIMIT_MODE, 0, ims_rlimit_mode, IMS_ACCT_MM, 0);
	expect_violation(s, "ERRNO-CLEAN", "+1 changes of the accounting mode",
			 exits(s, OPTION, -EPERM));
	stream_end(s);
}

TEST(failed_call_aligns)
{
	struct stream *s = with_mock_domain();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	large_pages(s, S1, false);
	expect_violation(s, "ERRNO-CLEAN", "+2048 bytes more to align to", exits(s, OPTION, -EINVAL));
	stream_end(s);
}

/* Everything that was done is undone. */
TEST(failed_call_is_clean)
{
	struct stream *s = called();

	r_object(s, IMS_OBJ_ALLOC, 9);
	domain_add(s, S1, D2, 0x1000, APERTURE_48);
	r_reserve(s, IMS_RESV_ADD, S1, 0x1000, 0x1fff, X1, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0x3000, 0x3fff, X1, -ENOMEM);
	r_reserve(s, IMS_RESV_DEL, S1, 0x1000, 0x1fff, X1, 0);
	domain_del(s, S1, D2);
	r_object(s, IMS_OBJ_ABORT, 9);
	exits(s, HWPT_ALLOC, -ENOMEM);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_allow(s, IMS_ALLOW_REFUSED, S1, 0x1000, 0x1fff, -EADDRINUSE);
	exits(s, ALLOW, -EADDRINUSE);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, -EADDRINUSE);
	exits(s, HWPT_ALLOC, -EADDRINUSE);
	end_with_domain(s);
}

/* An unmap stops at an area that it may not cut, and what was before is gone. */
TEST(failed_unmap)
{
	static const uint32_t nr[] = { UNMAP, VFIO_UNMAP };

	for (int i = 0; i < 2; i++) {
		struct stream *s = with_domain();

		map(s, S1, A1, P1, IOVA, 8);
		r_ioctl(s, IMS_IOCTL_ENTER, 0);
		area_dying(s, A1);
		area_unfill(s, A1);
		area_gone(s, A1);
		pages_put(s, P1);
		r_unmap(s, IMS_UNMAP_IOPT, S1, IOVA, IOVA + 16 * PG - 1, 8 * PG, -ENOENT);
		exits(s, nr[i], -ENOENT);
		end_with_domain(s);
	}
}

/* What cannot be answered is not undone, where that is not tried. */
TEST(answer_is_lost)
{
	struct stream *s = stream_new();

	ctx_open(s);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	FEED(s, IMS_RLIMIT_MODE, 0, ims_rlimit_mode, IMS_ACCT_USER, 0);
	exits(s, OPTION, -EFAULT);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_ALLOC, 9);
	r_object(s, IMS_OBJ_FINALIZE, 9);
	exits(s, TEST_CMD, -EFAULT);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_ALLOC, 10);
	expect_violation(s, "ERRNO-CLEAN", "+1 objects", exits(s, ALLOC, -EFAULT));
	stream_end(s);
}

TEST(answer_of_a_map_is_lost)
{
	struct stream *s = with_domain();

	map_begin(s, S1, A1, P1, IOVA, 8);
	area_fill(s, A1);
	area_ready(s, A1);
	map_end(s, A1, -EFAULT);
	unmap(s, A1);
	end_with_domain(s);
}

/* It had been too high: a domain that joined keeps what was before. */
TEST(alignment_becomes_smaller)
{
	struct stream *s = with_mock_domain();

	r_align(s, S1, PG, true);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	domain_add(s, S1, D2, 0, APERTURE_64);
	domain_del(s, S1, D2);
	exits(s, HWPT_ALLOC, -ENOMEM);
	stream_end(s);
}

TEST(what_others_do_meanwhile)
{
	struct stream *s = with_ioas();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_align(s, S1, 1, true);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_ALLOC, 9);
	domain_add(s, S1, D1, 0x1000, APERTURE_48);
	r_object(s, IMS_OBJ_FINALIZE, 9);
	exits(s, HWPT_ALLOC, 0);
	thread(s, 1);
	exits(s, HWPT_ALLOC, -ENOMEM);
	stream_end(s);
}

/* VFIO attaches a device without an ioctl of ours, and the next one has no part in it. */
TEST(what_was_done_outside)
{
	struct stream *s = with_domain();

	r_object(s, IMS_OBJ_ALLOC, 9);
	r_object(s, IMS_OBJ_FINALIZE, 9);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	exits(s, HWPT_ALLOC, -ENOMEM);
	stream_end(s);
}

TESTS(T(copy_translates_alike), T(copy_translates_otherwise), T(copy_that_failed),
      T(copy_without_a_domain), T(copy_whose_source_goes_meanwhile), T(copy_while_a_domain_leaves),
      T(unmap_takes_from_the_copy), T(failed_call_leaves_an_object),
      T(failed_call_destroys_an_object), T(end_is_told_by_the_next),
      T(own_end_is_told_by_the_next), T(failed_call_leaves_a_domain),
      T(failed_call_takes_a_domain), T(failed_call_leaves_a_range), T(failed_call_removes_an_area),
      T(failed_call_allows), T(failed_call_sets_the_mode), T(failed_call_aligns),
      T(failed_call_is_clean), T(failed_unmap), T(answer_is_lost), T(answer_of_a_map_is_lost),
      T(alignment_becomes_smaller), T(what_others_do_meanwhile), T(what_was_done_outside))
