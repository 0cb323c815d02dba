// SPDX-License-Identifier: GPL-2.0-only
/* VFIO-COMPAT: what the container of VFIO promises, and what it makes of a map. */
#include <errno.h>

#include "stream.c"

#define CC 4
#define ANSWER(s, arg, rc) r_vfio(s, IMS_VFIO_EXTENSION, S1, arg, rc)
#define SET_TYPE(s, type, rc) r_vfio(s, IMS_VFIO_SET_IOMMU, S1, type, rc)

/* A HWPT that enforces coherency, and one that does not. */
static void hwpt_object(struct stream *s, uint64_t D, int action)
{
	FEED(s, IMS_OBJECT, action, ims_object, 0x0b1ec8000000 + D, D, IMS_T_HWPT_PAGING);
}

static struct stream *vfio_with(uint32_t first, uint32_t second)
{
	struct stream *s = with_ioas();

	r_hwpt(s, D1, S1, 0, first);
	domain_add(s, S1, D1, 0, APERTURE_48);
	hwpt_object(s, D2, IMS_OBJ_ALLOC);
	r_hwpt(s, D2, S1, 0, second);
	domain_add(s, S1, D2, 0, APERTURE_48);
	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	return s;
}

TEST(coherency_is_promised)
{
	struct stream *s = vfio_with(IMS_HWPT_ENFORCE_CC, 0);

	ANSWER(s, CC, 0);
	expect_violation(s, "VFIO-COMPAT", "was told that DMA is always cache coherent, but it is not",
			 ANSWER(s, CC, 1));
	stream_end(s);
}

TEST(coherency_is_denied)
{
	struct stream *s = vfio_with(IMS_HWPT_ENFORCE_CC, IMS_HWPT_ENFORCE_CC);

	ANSWER(s, CC, 1);
	expect_violation(s, "VFIO-COMPAT", "was told that DMA is not always cache coherent, but it is",
			 ANSWER(s, CC, 0));
	stream_end(s);
}

TEST(coherency_without_a_hwpt)
{
	struct stream *s = with_ioas();

	ANSWER(s, CC, -ENODEV);
	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	expect_violation(s, "VFIO-COMPAT", "but it is", ANSWER(s, CC, 0));
	ANSWER(s, CC, 1);
	stream_end(s);
}

/* One HWPT is on its way out, and counts or not. */
TEST(coherency_that_is_uncertain)
{
	struct stream *s = vfio_with(IMS_HWPT_ENFORCE_CC, 0);

	hwpt_object(s, D2, IMS_OBJ_FINALIZE);
	hwpt_object(s, D2, IMS_OBJ_DESTROY);
	ANSWER(s, CC, 0);
	ANSWER(s, CC, 1);
	domain_del(s, S1, D2);
	ANSWER(s, CC, 1);
	stream_end(s);
}

/* Whatever IOAS is asked, it is that one's HWPTs. */
TEST(other_ioas_while_asked)
{
	struct stream *s = vfio_with(IMS_HWPT_ENFORCE_CC, 0);

	ioas_new(s, S2, 2);
	ANSWER(s, CC, 0);
	thread(s, 2);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_VFIO_IOAS);
	r_vfio(s, IMS_VFIO_IOAS, S2, 0, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_VFIO_IOAS);
	thread(s, 1);
	ANSWER(s, CC, 0);	/* the one before */
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_vfio(s, IMS_VFIO_EXTENSION, S2, CC, 1);
	expect_violation(s, "VFIO-COMPAT", "VFIO works on IOAS 0x5001, but 0x5002 was set for it",
			 ANSWER(s, CC, 0));
	stream_end(s);
}

/* The record comes in the lock: of two threads that set one, the later record counts. */
TEST(ioas_that_two_set)
{
	struct stream *s = vfio_with(0, 0);

	ioas_new(s, S2, 2);
	thread(s, 2);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_VFIO_IOAS);
	thread(s, 1);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_VFIO_IOAS);
	r_vfio(s, IMS_VFIO_IOAS, S2, 0, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_VFIO_IOAS);
	r_vfio(s, IMS_VFIO_EXTENSION, S2, CC, 1);
	thread(s, 2);
	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_VFIO_IOAS);
	ANSWER(s, CC, 0);
	expect_violation(s, "VFIO-COMPAT", "VFIO works on IOAS 0x5002, but 0x5001 was set for it",
			 r_vfio(s, IMS_VFIO_EXTENSION, S2, CC, 1));
	stream_end(s);
}

TEST(promises_that_cannot_be_kept)
{
	struct stream *s = with_ioas();

	expect_violation(s, "VFIO-COMPAT", "VFIO was promised extension 6", ANSWER(s, 6, 1));
	expect_violation(s, "VFIO-COMPAT", "VFIO has got IOMMU type 7", SET_TYPE(s, 7, 0));
	for (int type = 1; type < 10; type++)
		ANSWER(s, type, type == 1 || type == 3 || type == CC || type >= 8);
	ANSWER(s, 99, 0);
	SET_TYPE(s, 7, -EINVAL);
	SET_TYPE(s, 1, -ENODEV);
	stream_end(s);
}

TEST(type1_with_large_pages)
{
	struct stream *s = with_ioas();

	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	SET_TYPE(s, 3, 0);
	expect_violation(s, "VFIO-COMPAT", "type 1, which may cut mappings, but they have large pages",
			 SET_TYPE(s, 1, 0));
	large_pages(s, S1, false);
	SET_TYPE(s, 1, 0);
	thread(s, 2);
	large_pages(s, S1, true);
	thread(s, 1);
	SET_TYPE(s, 1, 0);	/* another thread has switched them on again */
	stream_end(s);
}

TEST(vfio_maps_elsewhere)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_MAP_DMA);
	pages_new(s, P1, 4);
	expect_violation(s, "VFIO-COMPAT", "VFIO works on IOAS 0x5002, but 0x5001 was set for it",
			 r_iova(s, IMS_IOVA_FIXED, S2, IOVA, 4 * PG, 0));
	stream_end(s);
}

/* The IOAS was destroyed, and another one has its memory. */
TEST(vfio_maps_after_the_end)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_VFIO_IOAS);
	r_vfio(s, IMS_VFIO_IOAS, S2, 0, 0);
	r_ioctl_of(s, IMS_IOCTL_EXIT, CALL_VFIO_IOAS);
	ioas_destroy(s, S1, 1);			/* of no consequence */
	ioas_destroy(s, S2, 2);
	ioas_new(s, S2, 3);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_MAP_DMA);
	pages_new(s, P1, 4);
	expect_violation(s, "VFIO-COMPAT", "VFIO works on IOAS 0x5002, but none is set for it",
			 r_iova(s, IMS_IOVA_FIXED, S2, IOVA, 4 * PG, 0));
	stream_end(s);
}

/* IOAS_MAP goes anywhere, and another thread may set another one meanwhile. */
TEST(maps_that_are_right)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	r_vfio(s, IMS_VFIO_IOAS, S1, 0, 0);
	map(s, S2, A1, P1, IOVA, 4);
	r_ioctl_of(s, IMS_IOCTL_ENTER, CALL_MAP_DMA);
	pages_new(s, P2, 4);
	r_iova(s, IMS_IOVA_FIXED, S1, IOVA, 4 * PG, 0);
	thread(s, 2);
	r_vfio(s, IMS_VFIO_IOAS, S2, 0, 0);
	thread(s, 1);
	r_iova(s, IMS_IOVA_FIXED, S1, IOVA, 4 * PG, 0);
	stream_end(s);
}

TESTS(T(coherency_is_promised), T(coherency_is_denied), T(coherency_without_a_hwpt),
      T(coherency_that_is_uncertain), T(other_ioas_while_asked), T(ioas_that_two_set),
      T(promises_that_cannot_be_kept), T(type1_with_large_pages), T(vfio_maps_elsewhere),
      T(vfio_maps_after_the_end),
      T(maps_that_are_right))
