// SPDX-License-Identifier: GPL-2.0-only
/*
 * AUTO-HWPT, FLT-ONCE, FLT-DRAIN, FLT-OWNER, GRP-COHERENT, REPLACE-ATOMIC,
 * NESTED-PARENT, NESTED-NOMAP, OBJ-LIFE, OBJ-REF.
 */
#include <errno.h>

#include "stream.c"

#define OBJ(D) (0x0b1ec8000000ULL + (D))	/* of the HWPT of D, as in r_hwpt() */

static void object(struct stream *s, int action, uint64_t obj, uint32_t id, int type)
{
	FEED(s, IMS_OBJECT, action, ims_object, obj, id, type);
}

static void born(struct stream *s, uint64_t obj, uint32_t id, int type)
{
	object(s, IMS_OBJ_ALLOC, obj, id, type);
	object(s, IMS_OBJ_FINALIZE, obj, id, type);
}

static void hwpt_destroyed(struct stream *s, uint64_t D)
{
	object(s, IMS_OBJ_DESTROY, OBJ(D), D, IMS_T_HWPT_PAGING);
}

/* A HWPT with a domain that is in no IOAS, for the sake of the test. */
static void hwpt(struct stream *s, uint64_t D, uint32_t flags)
{
	born(s, OBJ(D), D, IMS_T_HWPT_PAGING);
	r_hwpt(s, D, S1, 0, flags);
}

/* A replace is from what the last attach or replace of the group gave it. */
static void device(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
		   uint64_t handle, int rc)
{
	static uint64_t now[4];
	uint64_t old = action == IMS_DEV_REPLACE ? now[group] : 0;

	if (!rc && (action == IMS_DEV_ATTACH || action == IMS_DEV_REPLACE))
		now[group] = D;
	r_device_handle(s, action, X, group, D, old, handle, rc);
}

static void next(struct stream *s)
{
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
}

/* ---- AUTO-HWPT ---- */

static struct stream *auto_attached(void)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, IMS_HWPT_AUTO);
	device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);
	return s;
}

TEST(automatic_hwpt_stays)
{
	struct stream *s = auto_attached();

	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	expect_violation(s, "AUTO-HWPT", "automatic HWPT 53249 (domain 0xd001) is still there though "
			 "its last device has left", next(s));
	next(s);		/* told once */
	stream_end(s);
}

TEST(automatic_hwpt_stays_after_a_replace)
{
	struct stream *s = auto_attached();

	hwpt(s, D2, 0);
	device(s, IMS_DEV_REPLACE, X1, 1, D2, 0, 0);
	expect_violation(s, "AUTO-HWPT", "automatic HWPT 53249", next(s));
	stream_end(s);
}

TEST(automatic_hwpt_goes)
{
	struct stream *s = auto_attached();

	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	hwpt_destroyed(s, D1);
	next(s);
	stream_end(s);
}

TEST(hwpt_that_may_stay)
{
	struct stream *s = auto_attached();

	hwpt(s, D2, 0);				/* made by the user */
	device(s, IMS_DEV_BIND, X2, 2, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X2, 2, D2, 0, 0);
	device(s, IMS_DEV_DETACH, X2, 2, D2, 0, 0);
	next(s);
	device(s, IMS_DEV_ATTACH, X2, 2, D1, 0, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);	/* X2 is there */
	next(s);
	device(s, IMS_DEV_DETACH, X2, 2, D1, 0, -EINVAL);
	next(s);
	stream_end(s);
}

/* With several threads the verdict is spoken at the end. */
TEST(automatic_hwpt_stays_until_the_end)
{
	struct stream *s = auto_attached();

	next(s);
	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	next(s);
	expect_violation(s, "AUTO-HWPT", "automatic HWPT 53249", r_ctx(s, IMS_CTX_RELEASE));
	stream_end(s);
}

TEST(automatic_hwpt_is_used_again)
{
	struct stream *s = auto_attached();

	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	next(s);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);
	r_ctx(s, IMS_CTX_RELEASE);
	stream_end(s);
}

/* The other thread may hold a short reference. */
TEST(automatic_hwpt_that_another_may_hold)
{
	struct stream *s = auto_attached();

	thread(s, 2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	thread(s, 1);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	next(s);
	r_ctx(s, IMS_CTX_RELEASE);
	stream_end(s);
}

/* ---- FLT-ONCE, FLT-OWNER ---- */

enum { Q1 = 0xfa1, Q2, G1 = 0x6001, G2, H1 = 0x4001, H2 };

static void fault(struct stream *s, int action, uint64_t group, uint64_t queue, uint64_t handle)
{
	FEED(s, IMS_FAULT, action, ims_fault, queue, group, handle, 5, 3);
}

TEST(fault_answered_twice)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	fault(s, IMS_FLT_READ, G1, Q1, H1);
	fault(s, IMS_FLT_ANSWER, G1, Q1, H1);
	expect_violation(s, "FLT-ONCE", "fault group 0x6001 was answered that is not waiting",
			 fault(s, IMS_FLT_ANSWER, G1, Q1, H1));
	expect_violation(s, "FLT-ONCE", "fault group 0x6001 was answered by the kernel but is not waiting",
			 fault(s, IMS_FLT_AUTO, G1, Q1, H1));
	expect_violation(s, "FLT-ONCE", "fault group 0x6001 was answered by the kernel",
			 fault(s, IMS_FLT_DESTROY, G1, Q1, H1));
	stream_end(s);
}

TEST(fault_answered_unread)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	fault(s, IMS_FLT_QUEUE, G2, Q1, H1);
	expect_violation(s, "FLT-ONCE", "fault group 0x6001 was answered that was never read",
			 fault(s, IMS_FLT_ANSWER, G1, Q1, H1));
	fault(s, IMS_FLT_READ, G2, Q1, H1);
	fault(s, IMS_FLT_RESTORE, G2, Q1, H1);		/* user space did not get it */
	expect_violation(s, "FLT-ONCE", "fault group 0x6002 was answered that was never read",
			 fault(s, IMS_FLT_ANSWER, G2, Q1, H1));
	stream_end(s);
}

TEST(fault_queued_twice)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	expect_violation(s, "FLT-ONCE", "fault group 0x6001 was queued again unanswered",
			 fault(s, IMS_FLT_QUEUE, G1, Q1, H1));
	stream_end(s);
}

TEST(faults_answered_once)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	fault(s, IMS_FLT_READ, G1, Q1, H1);
	fault(s, IMS_FLT_RESTORE, G1, Q1, H1);
	fault(s, IMS_FLT_READ, G1, Q1, H1);
	fault(s, IMS_FLT_ANSWER, G1, Q1, H1);
	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);		/* the address is free again */
	fault(s, IMS_FLT_AUTO, G1, Q1, H1);
	fault(s, IMS_FLT_QUEUE, G1, Q2, H2);
	fault(s, IMS_FLT_READ, G1, Q2, H2);
	fault(s, IMS_FLT_DESTROY, G1, Q2, H2);
	end_with_ioas(s);
}

TEST(fault_of_another_queue)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	expect_violation(s, "FLT-OWNER", "fault group 0x6001 of queue 0xfa1 was handled in queue 0xfa2",
			 fault(s, IMS_FLT_AUTO, G1, Q2, H1));
	stream_end(s);
}

TEST(fault_of_another_attachment)
{
	struct stream *s = with_ioas();

	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	expect_violation(s, "FLT-OWNER", "fault group 0x6001", fault(s, IMS_FLT_READ, G1, Q1, H2));
	fault(s, IMS_FLT_ANSWER, G1, Q1, H1);
	stream_end(s);
}

/* ---- FLT-DRAIN ---- */

static struct stream *faulting(void)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, 0);
	device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, H1, 0);
	fault(s, IMS_FLT_QUEUE, G1, Q1, H1);
	return s;
}

TEST(fault_waits_for_a_device_that_left)
{
	struct stream *s = faulting();

	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	expect_violation(s, "FLT-DRAIN", "fault group 0x6001 of the attachment that ended still waits in "
			 "fault queue 0xfa1", next(s));
	stream_end(s);
}

TEST(fault_waits_for_a_device_that_moved)
{
	struct stream *s = faulting();

	hwpt(s, D2, 0);
	fault(s, IMS_FLT_READ, G1, Q1, H1);
	device(s, IMS_DEV_REPLACE, X1, 1, D2, H2, 0);
	expect_violation(s, "FLT-DRAIN", "fault group 0x6001", next(s));
	stream_end(s);
}

TEST(faults_are_drained)
{
	struct stream *s = faulting();

	hwpt(s, D2, 0);
	fault(s, IMS_FLT_AUTO, G1, Q1, H1);		/* before the record of the move */
	device(s, IMS_DEV_REPLACE, X1, 1, D2, H2, 0);
	fault(s, IMS_FLT_QUEUE, G1, Q2, H2);		/* of the new one: stays */
	next(s);
	fault(s, IMS_FLT_READ, G1, Q2, H2);
	fault(s, IMS_FLT_ANSWER, G1, Q2, H2);
	device(s, IMS_DEV_DETACH, X1, 1, D2, 0, 0);
	next(s);
	stream_end(s);
}

/* The attachment is the group's: another device of it still uses it. */
TEST(attachment_that_goes_on)
{
	struct stream *s = faulting();

	device(s, IMS_DEV_ATTACH, X2, 1, D1, H1, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, H1, 0);
	next(s);
	device(s, IMS_DEV_DETACH, X2, 1, D1, 0, 0);
	expect_violation(s, "FLT-DRAIN", NULL, next(s));
	stream_end(s);
}

/* ---- GRP-COHERENT ---- */

TEST(group_with_two_domains)
{
	struct stream *s = faulting();

	device(s, IMS_DEV_ATTACH, X2, 1, D2, 0, -EINVAL);
	expect_violation(s, "GRP-COHERENT", "mock0 was attached to domain 0xd002 while mock0 of its group "
			 "uses domain 0xd001", device(s, IMS_DEV_ATTACH, X2, 1, D2, 0, 0));
	stream_end(s);
}

TEST(groups_with_their_domains)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, 0);
	hwpt(s, D2, 0);
	device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device(s, IMS_DEV_BIND, X1 + 9, 2, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);
	device(s, IMS_DEV_ATTACH, X1 + 9, 2, D2, 0, 0);	/* another group */
	device(s, IMS_DEV_ATTACH, X2, 1, D1, 0, 0);
	device(s, IMS_DEV_REPLACE, X1, 1, D2, 0, 0);	/* and X2 with it */
	device(s, IMS_DEV_DETACH, X1, 1, D2, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D2, 0, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D2, 0, 0);
	device(s, IMS_DEV_DETACH, X2, 1, D2, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);	/* the group is empty */
	stream_end(s);
}

/* X1 and X2 are one group, at D1 of S1; D2 is of S2, D3 of S1 too. */
static struct stream *two_of_a_group(void)
{
	struct stream *s = with_ioas();

	ioas_new(s, S2, 2);
	hwpt(s, D1, 0);
	born(s, OBJ(D2), D2, IMS_T_HWPT_PAGING);
	r_hwpt(s, D2, S2, 0, 0);
	hwpt(s, D3, 0);
	device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device(s, IMS_DEV_BIND, X2, 1, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);
	device(s, IMS_DEV_ATTACH, X2, 1, D1, 0, 0);
	return s;
}

TEST(device_leaves_another_domain)
{
	struct stream *s = two_of_a_group();

	expect_violation(s, "GRP-COHERENT", "mock0 left domain 0xd002, but its group uses domain 0xd001",
			 r_device_handle(s, IMS_DEV_REPLACE, X1, 1, D2, D2, 0, 0));
	expect_violation(s, "GRP-COHERENT", "left domain 0xd001, but its group uses domain 0xd002",
			 r_device_handle(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0, 0));
	stream_end(s);
}

/* ---- REPLACE-ATOMIC ---- */

/* Mutant N45 */
TEST(failed_replace_moves_the_group)
{
	struct stream *s = two_of_a_group();

	expect_violation(s, "REPLACE-ATOMIC", "the replace failed (-12) but group 1 has moved from "
			 "domain 0xd001 to 0xd002",
			 r_device_handle(s, IMS_DEV_REPLACE, X1, 1, D2, D2, 0, -ENOMEM));
	expect_violation(s, "REPLACE-ATOMIC", "mock0 left domain 0xd002, but since a replace failed it "
			 "should be in 0xd001", r_device_handle(s, IMS_DEV_DETACH, X2, 1, D2, 0, 0, 0));
	stream_end(s);
}

TEST(failed_replace_is_forgotten)
{
	struct stream *s = two_of_a_group();

	device(s, IMS_DEV_REPLACE, X1, 1, D2, 0, -ENOMEM);
	device(s, IMS_DEV_REPLACE, X1, 1, D3, 0, 0);
	expect_violation(s, "GRP-COHERENT", NULL,
			 r_device_handle(s, IMS_DEV_REPLACE, X1, 1, D2, D2, 0, 0));
	stream_end(s);
}

TEST(failed_replace_leaves_ranges)
{
	struct stream *s = two_of_a_group();

	r_region(s, S2, X2, 0xfee00000, 0xfeefffff, 0);
	r_reserve(s, IMS_RESV_ADD, S2, 0xfee00000, 0xfeefffff, X2, 0);
	expect_violation(s, "REPLACE-ATOMIC", "the replace failed (-12) but 0xfee00000-0xfeefffff of "
			 "IOAS 2 is still reserved for mock0",
			 device(s, IMS_DEV_REPLACE, X1, 1, D2, 0, -ENOMEM));
	stream_end(s);
}

TEST(failed_replace_leaves_nothing)
{
	struct stream *s = two_of_a_group();

	r_region(s, S1, X1, 0xfee00000, 0xfeefffff, 0);
	r_reserve(s, IMS_RESV_ADD, S1, 0xfee00000, 0xfeefffff, X1, 0);
	r_region(s, S2, X1, 0xfee00000, 0xfeefffff, 0);
	r_reserve(s, IMS_RESV_ADD, S2, 0xfee00000, 0xfeefffff, X1, 0);
	r_reserve(s, IMS_RESV_ADD, S2, 0x1000, 0x1fff, 0, 0);		/* of the selftest */
	r_reserve(s, IMS_RESV_DEL, S2, 0xfee00000, 0xfeefffff, X1, 0);
	device(s, IMS_DEV_REPLACE, X1, 1, D2, 0, -ENOMEM);
	device(s, IMS_DEV_REPLACE, X2, 1, D3, 0, -ENOMEM);	/* the IOAS it is in */
	device(s, IMS_DEV_DETACH, X2, 1, D1, 0, 0);
	device(s, IMS_DEV_REPLACE, X1, 1, D3, 0, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D3, 0, 0);
	r_reserve(s, IMS_RESV_DEL, S1, 0xfee00000, 0xfeefffff, X1, 0);
	stream_end(s);
}

/* Asked for a device that is not attached, of a group that is, and of one that is not. */
TEST(replace_of_what_is_not_attached)
{
	struct stream *s = two_of_a_group();

	device(s, IMS_DEV_DETACH, X2, 1, D1, 0, 0);
	device(s, IMS_DEV_REPLACE, X2, 1, D2, 0, -EINVAL);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	r_device_handle(s, IMS_DEV_REPLACE, X1, 1, D2, 0, 0, -EINVAL);
	device(s, IMS_DEV_ATTACH, X1, 1, D2, 0, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D2, 0, 0);
	stream_end(s);
}

/* ---- NESTED-PARENT ---- */

static void nested(struct stream *s, uint64_t D, uint64_t parent)
{
	born(s, OBJ(D), D, IMS_T_HWPT_NESTED);
	r_hwpt(s, D, 0, parent, IMS_HWPT_NESTED);
}

TEST(nested_on_what_is_no_parent)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, 0);
	born(s, OBJ(D2), D2, IMS_T_HWPT_NESTED);
	expect_violation(s, "NESTED-PARENT", "nested HWPT 53250 was made on domain 0xd001, which is no "
			 "parent", r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED));
	stream_end(s);
}

TEST(nested_on_bad_parents)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, IMS_HWPT_PARENT | IMS_HWPT_AUTO);
	expect_violation(s, "NESTED-PARENT", NULL, r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED));
	expect_violation(s, "NESTED-PARENT", "on domain 0xd999",
			 r_hwpt(s, D2, 0, 0xd999, IMS_HWPT_NESTED));
	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	nested(s, D2, D1);
	expect_violation(s, "NESTED-PARENT", "on domain 0xd002",
			 r_hwpt(s, D3, 0, D2, IMS_HWPT_NESTED | IMS_HWPT_PARENT));
	stream_end(s);
}

TEST(parent_dies_first)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, IMS_HWPT_PARENT);
	nested(s, D2, D1);
	expect_violation(s, "NESTED-PARENT", "HWPT 53249 is destroyed before its nested HWPT 53250",
			 hwpt_destroyed(s, D1));
	stream_end(s);
}

TEST(nested_as_it_should_be)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, IMS_HWPT_PARENT);
	hwpt(s, D3, IMS_HWPT_PARENT);
	nested(s, D2, D1);
	hwpt_destroyed(s, D3);			/* not its parent */
	hwpt_destroyed(s, D2);
	hwpt_destroyed(s, D1);
	end_with_ioas(s);
}

/* ---- NESTED-NOMAP ---- */

TEST(nested_domain_in_an_ioas)
{
	struct stream *s = with_ioas();

	s->may_contradict = true;
	hwpt(s, D1, IMS_HWPT_PARENT);
	nested(s, D2, D1);
	domain_add(s, S1, D1, 0, APERTURE_48);
	map(s, S1, A1, P1, IOVA, 4);
	expect_violation(s, "NESTED-NOMAP", "iommufd changed the translation of nested HWPT 53250",
			 r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_48, 0));
	expect_violation(s, "NESTED-NOMAP", NULL,
			 r_dma_map(s, D2, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, 4 * PG })));
	expect_violation(s, "NESTED-NOMAP", NULL, r_dma_unmap(s, D2, IOVA, 4 * PG, 4 * PG, true));
	stream_end(s);
}

/* ---- OBJ-LIFE ---- */

#define IOAS_OBJ 0x0b1ec7000001ULL	/* of with_ioas() */

TEST(object_lives_wrongly)
{
	struct stream *s = with_ioas();

	expect_violation(s, "OBJ-LIFE", "object 1 was made where a living one is",
			 object(s, IMS_OBJ_ALLOC, IOAS_OBJ, 1, IMS_T_IOAS));
	expect_violation(s, "OBJ-LIFE", "object 2 changed that does not live",
			 object(s, IMS_OBJ_FINALIZE, 0x77, 2, IMS_T_IOAS));
	expect_violation(s, "OBJ-LIFE", "object 3 changed that does not live",
			 object(s, IMS_OBJ_DESTROY, 0x88, 3, IMS_T_IOAS));
	stream_end(s);
}

TEST(object_becomes_visible_twice)
{
	struct stream *s = with_ioas();

	expect_violation(s, "OBJ-LIFE", "object 1 became visible twice",
			 object(s, IMS_OBJ_FINALIZE, IOAS_OBJ, 1, IMS_T_IOAS));
	expect_violation(s, "OBJ-LIFE", "object 1 was aborted though it is visible",
			 object(s, IMS_OBJ_ABORT, IOAS_OBJ, 1, IMS_T_IOAS));
	stream_end(s);
}

TEST(object_destroyed_unseen)
{
	struct stream *s = with_ioas();

	object(s, IMS_OBJ_ALLOC, 0x77, 2, IMS_T_ACCESS);
	expect_violation(s, "OBJ-LIFE", "object 2 was destroyed before it was visible",
			 object(s, IMS_OBJ_DESTROY, 0x77, 2, IMS_T_ACCESS));
	expect_violation(s, "OBJ-LIFE", "object 2 changed that does not live",
			 object(s, IMS_OBJ_ABORT, 0x77, 2, IMS_T_ACCESS));
	stream_end(s);
}

TEST(id_given_twice)
{
	struct stream *s = with_ioas();

	expect_violation(s, "OBJ-LIFE", "id 1 was given to two living objects",
			 object(s, IMS_OBJ_ALLOC, 0x77, 1, IMS_T_ACCESS));
	stream_end(s);
}

TEST(ids_and_addresses_come_back)
{
	struct stream *s = with_ioas();

	for (int i = 0; i < 3; i++) {
		born(s, 0x77, 2, IMS_T_ACCESS);
		object(s, IMS_OBJ_DESTROY, 0x77, 2, IMS_T_ACCESS);
		object(s, IMS_OBJ_ALLOC, 0x88, 2, IMS_T_ACCESS);
		object(s, IMS_OBJ_ABORT, 0x88, 2, IMS_T_ACCESS);
	}
	end_with_ioas(s);
}

TEST(pages_freed_under_an_area)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 4);
	expect_violation(s, "OBJ-LIFE",
			 "the pages object was freed while area 0x100000-0x103fff shows it",
			 r_pages(s, IMS_PAGES_FREE, P1, 4, 0, IMS_ACCT_USER, true));
	stream_end(s);
}

/* One reference too few: the copy goes, and takes the pages of the first with it. */
TEST(pages_freed_with_the_first_of_two_areas)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, 4);
	copy(s, S1, A2, P1, 0x300000, PG, PG);
	area_dying(s, A2);
	area_gone(s, A2);
	expect_violation(s, "OBJ-LIFE", "while area 0x100000-0x103fff shows it",
			 r_pages(s, IMS_PAGES_FREE, P1, 4, 0, IMS_ACCT_USER, true));
	stream_end(s);
}

/* ---- OBJ-REF ---- */

static void ioas_destroyed(struct stream *s)
{
	object(s, IMS_OBJ_DESTROY, IOAS_OBJ, 1, IMS_T_IOAS);
}

TEST(ioas_destroyed_with_a_domain)
{
	struct stream *s = with_domain();

	expect_violation(s, "OBJ-REF", "IOAS 1 is destroyed while a domain uses it", ioas_destroyed(s));
	stream_end(s);
}

TEST(ioas_destroyed_with_an_access)
{
	struct stream *s = with_ioas();

	FEED(s, IMS_ACCESS, IMS_ACC_ADD, ims_access, S1, 0xacce55, 1, 7, 0);
	expect_violation(s, "OBJ-REF", "IOAS 1 is destroyed while an access uses it", ioas_destroyed(s));
	stream_end(s);
}

/* Nothing says that an IOAS is gone: dead ones with the id are no excuse. */
TEST(ioas_with_the_id_of_dead_ones)
{
	struct stream *s = with_ioas();

	for (uint64_t S = 0x5100; S < 0x5140; S += 8) {
		ioas_destroy(s, S == 0x5100 ? S1 : S - 8, 1);
		ioas_new(s, S, 1);
	}
	domain_add(s, 0x5138, D1, 0, APERTURE_48);
	expect_violation(s, "OBJ-REF", "IOAS 1 is destroyed while a domain uses it", ioas_destroyed(s));
	stream_end(s);
}

#define QUEUE 0xfa017ULL

/* A HWPT with a fault queue, as far as the ioctl that makes it has come. */
static struct stream *with_queue(bool done)
{
	struct stream *s = with_ioas();

	r_hwpt(s, D1, S1, 0, IMS_HWPT_PARENT);
	domain_add(s, S1, D1, 0, APERTURE_48);
	born(s, QUEUE, 9, IMS_T_FAULT);
	object(s, IMS_OBJ_ALLOC, OBJ(D2), 10, IMS_T_HWPT_NESTED);
	r_hwpt(s, D2, 0, D1, IMS_HWPT_NESTED | IMS_HWPT_FAULT);
	if (done)
		object(s, IMS_OBJ_FINALIZE, OBJ(D2), 10, IMS_T_HWPT_NESTED);
	return s;
}

TEST(fault_queue_destroyed_with_a_hwpt)
{
	struct stream *s = with_queue(true);

	born(s, QUEUE + 8, 11, IMS_T_FAULT);
	object(s, IMS_OBJ_DESTROY, QUEUE + 8, 11, IMS_T_FAULT);	/* it may be the other's */
	expect_violation(s, "OBJ-REF", "fault queue 9 is destroyed while HWPT",
			 object(s, IMS_OBJ_DESTROY, QUEUE, 9, IMS_T_FAULT));
	stream_end(s);
}

TEST(fault_queue_destroyed_in_time)
{
	struct stream *s = with_queue(false);	/* the queue was not found: the HWPT goes */

	object(s, IMS_OBJ_DESTROY, QUEUE, 9, IMS_T_FAULT);
	object(s, IMS_OBJ_ABORT, OBJ(D2), 10, IMS_T_HWPT_NESTED);
	stream_end(s);
	s = with_queue(true);
	object(s, IMS_OBJ_DESTROY, OBJ(D2), 10, IMS_T_HWPT_NESTED);
	object(s, IMS_OBJ_DESTROY, QUEUE, 9, IMS_T_FAULT);
	stream_end(s);
}

TEST(hwpt_destroyed_with_a_device)
{
	struct stream *s = faulting();

	expect_violation(s, "OBJ-REF", "HWPT 53249 is destroyed while a device is attached to it",
			 hwpt_destroyed(s, D1));
	stream_end(s);
}

TEST(users_go_first)
{
	struct stream *s = with_ioas();

	hwpt(s, D1, 0);
	domain_add(s, S1, D1, 0, APERTURE_48);
	device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device(s, IMS_DEV_ATTACH, X1, 1, D1, 0, 0);
	FEED(s, IMS_ACCESS, IMS_ACC_ADD, ims_access, S1, 0xacce55, 1, 7, 0);
	device(s, IMS_DEV_DETACH, X1, 1, D1, 0, 0);
	device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	hwpt_destroyed(s, D1);
	domain_del(s, S1, D1);
	FEED(s, IMS_ACCESS, IMS_ACC_REMOVE, ims_access, S1, 0xacce55, 1, 7, 0);
	ioas_destroyed(s);
	ctx_close(s);
	stream_end(s);
}

TESTS(T(automatic_hwpt_stays), T(automatic_hwpt_stays_after_a_replace), T(automatic_hwpt_goes),
      T(hwpt_that_may_stay), T(automatic_hwpt_stays_until_the_end), T(automatic_hwpt_is_used_again),
      T(automatic_hwpt_that_another_may_hold), T(fault_answered_twice), T(fault_answered_unread),
      T(fault_queued_twice), T(faults_answered_once), T(fault_of_another_queue),
      T(fault_of_another_attachment), T(fault_waits_for_a_device_that_left),
      T(fault_waits_for_a_device_that_moved), T(faults_are_drained), T(attachment_that_goes_on),
      T(group_with_two_domains), T(groups_with_their_domains), T(device_leaves_another_domain),
      T(failed_replace_moves_the_group), T(failed_replace_is_forgotten),
      T(failed_replace_leaves_ranges), T(failed_replace_leaves_nothing),
      T(replace_of_what_is_not_attached), T(nested_on_what_is_no_parent),
      T(nested_on_bad_parents), T(parent_dies_first), T(nested_as_it_should_be),
      T(nested_domain_in_an_ioas), T(object_lives_wrongly), T(object_becomes_visible_twice),
      T(object_destroyed_unseen), T(id_given_twice), T(ids_and_addresses_come_back),
      T(pages_freed_under_an_area), T(pages_freed_with_the_first_of_two_areas),
      T(ioas_destroyed_with_a_domain), T(ioas_destroyed_with_an_access),
      T(ioas_with_the_id_of_dead_ones), T(fault_queue_destroyed_with_a_hwpt), T(fault_queue_destroyed_in_time),
      T(hwpt_destroyed_with_a_device), T(users_go_first))
