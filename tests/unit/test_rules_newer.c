// SPDX-License-Identifier: GPL-2.0-only
/*
 * What 6.12 does not have: CHG-PROC, DMABUF-REVOKE, FILE-SEAL, HWQ-LOCK, PASID, VDEV-TOMB,
 * VEVQ-SEQ, and what these things mean for the rules that there were.
 */
#include "stream.c"

#define PHYS 0xfe000000ULL
#define MM2 0x3333
#define MMIO (IMS_PROT_READ | IMS_PROT_WRITE | IMS_PROT_MMIO)

enum { PASID1 = 100, PASID2, Q1 = 0x91, V1 = 0x71, V2, VD1 = 0x81, VD2 };

static void r_file(struct stream *s, int action, uint64_t P, uint64_t phys, uint32_t flags)
{
	FEED(s, IMS_FILE, action, ims_file, P_COOKIE(P), 0xf11e, phys, flags, 0);
}

static void r_process(struct stream *s, int action, uint64_t P, int64_t npages, int rc)
{
	FEED(s, IMS_PROCESS, action, ims_process, P_COOKIE(P), npages, MM2, 0x4444, rc ? 0 : npages,
	     rc ? 0 : npages, IMS_ACCT_USER, rc);
}

static void r_pasid(struct stream *s, int action, uint64_t X, uint32_t group, uint32_t pasid,
		    uint64_t D, uint64_t old, int rc)
{
	FEED(s, IMS_PASID, action, ims_pasid, X, D, old, 0, X, D, group, pasid, rc, 0);
}

static void r_vdevice(struct stream *s, int action, uint64_t VD, uint64_t V, uint64_t virt_id,
		      uint64_t X)
{
	FEED(s, IMS_VDEVICE, action, ims_vdevice, 0x0b1ec7000000 + VD, V, X, virt_id, VD, X);
}

/* The object of a vDEVICE; r_object() makes others. */
static void r_vdev_object(struct stream *s, int action, uint64_t VD)
{
	FEED(s, IMS_OBJECT, action, ims_object, 0x0b1ec7000000 + VD, VD, IMS_T_VDEVICE);
}

static void r_vevent(struct stream *s, int action, uint32_t sequence, bool lost, uint32_t n)
{
	FEED(s, IMS_VEVENT, action, ims_vevent, Q1, 5, sequence, lost, n, 4, 0);
}

/* IOAS_MAP_FILE of a memfd that was opened for writing, in two domains or one. */
static struct stream *mapped_file(uint64_t n)
{
	struct stream *s = with_domain();

	pages_new(s, P1, n);
	r_file(s, IMS_FILE_MEMFD, P1, 0, IMS_FILE_WRITE);
	area_new(s, S1, A1, P1, IOVA, n * PG, 0, RW);
	area_fill(s, A1);
	area_ready(s, A1);
	return s;
}

/* ---- CHG-PROC ---- */

/* Released are 8 pages of P1, which stay pinned. */
static void release(struct stream *s, uint64_t n)
{
	s->counter -= n;
	r_account(s, P1, IMS_ACCT_USER, -(int64_t)n, n, n, 0);
	s->counter += n;	/* of the new one, for what follows */
}

TEST(process_changes)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, 0);
	release(s, 8);
	r_process(s, IMS_PROC_MOVE, P1, 8, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	unmap(s, A1);
	end_with_domain(s);
}

/* The new process may not pin so much: it is released again, and nothing else happened. */
TEST(process_is_refused)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, -12);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, 0);
	r_process(s, IMS_PROC_TAKE, 0, -8, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	unmap(s, A1);
	end_with_domain(s);
}

TEST(process_released_more_than_charged)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 4, 0);
	expect_violation(s, "CHG-PROC", "8 pages were released, but only 4", release(s, 8));
	stream_end(s);
}

TEST(process_charged_more_than_released)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 9, 0);
	release(s, 8);
	r_process(s, IMS_PROC_MOVE, P1, 8, 0);
	expect_violation(s, "CHG-PROC", "1 pages more", r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

/* No kernel says so, but a damaged recording may. */
TEST(process_charged_beyond_all_numbers)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, INT64_MAX, 0);
	r_process(s, IMS_PROC_TAKE, 0, 16384, 0);
	expect_violation(s, "CHG-PROC", "pages more", r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

TEST(process_with_user_memory)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, 0);
	release(s, 8);
	expect_violation(s, "CHG-PROC", "not of a file", r_process(s, IMS_PROC_MOVE, P1, 8, 0));
	stream_end(s);
}

/* One pages object was forgotten; one that is mapped meanwhile is not. */
TEST(process_leaves_something_behind)
{
	struct stream *s = mapped_file(8);

	pages_new(s, P2, 4);
	r_file(s, IMS_FILE_MEMFD, P2, 0, IMS_FILE_WRITE);
	area_new(s, S1, A2, P2, 2 * IOVA, 4 * PG, 0, RW);
	area_fill(s, A2);
	area_ready(s, A2);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, 0);
	release(s, 8);
	r_process(s, IMS_PROC_MOVE, P1, 8, 0);
	expect_violation(s, "CHG-PROC", "still belong to mm 0x1111", r_ioctl(s, IMS_IOCTL_EXIT, 0));
	stream_end(s);
}

TEST(process_and_a_map_meanwhile)
{
	struct stream *s = mapped_file(8);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_process(s, IMS_PROC_TAKE, 0, 8, 0);
	release(s, 8);
	r_process(s, IMS_PROC_MOVE, P1, 8, 0);
	thread(s, 43);
	map(s, S1, A2, P2, 2 * IOVA, 4);
	thread(s, 42);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	unmap(s, A2);
	unmap(s, A1);
	end_with_domain(s);
}

/* ---- a file ---- */

TEST(file_for_reading_only)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 8);
	expect_violation(s, "FILE-SEAL", "opened for reading only",
			 r_file(s, IMS_FILE_MEMFD, P1, 0, 0));
	stream_end(s);
}

TEST(file_is_sealed)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 8);
	expect_violation(s, "FILE-SEAL", "sealed",
			 r_file(s, IMS_FILE_MEMFD, P1, 0, IMS_FILE_WRITE | IMS_FILE_SEAL_FUTURE));
	stream_end(s);
}

/* To read from it is always fine. */
TEST(file_is_sealed_and_read)
{
	struct stream *s = with_domain();

	s->writable = false;
	pages_new(s, P1, 8);
	r_file(s, IMS_FILE_MEMFD, P1, 0, IMS_FILE_SEAL_WRITE);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RO);
	area_fill(s, A1);
	area_ready(s, A1);
	unmap(s, A1);
	end_with_domain(s);
}

/* memfd_pin_folios() knows no FOLL_WRITE. */
TEST(file_is_pinned_without_flags)
{
	struct stream *s = with_domain();

	pages_new(s, P1, 8);
	r_file(s, IMS_FILE_MEMFD, P1, 0, IMS_FILE_WRITE);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	FEED(s, IMS_PIN, IMS_PIN_HELD, ims_pin, P_COOKIE(P1), 0, 8, 8, (uint64_t)P1 << 32,
	     IMS_PIN_FILE, 0);
	s->may_violate = true;
	stream_end_as(s, IMS_PASS);
}

/* ---- DMABUF-REVOKE, and what a dma-buf means for others ---- */

static struct stream *mapped_dmabuf(void)
{
	struct stream *s = with_domain();

	s->mode = IMS_ACCT_NONE;
	pages_new(s, P1, 8);
	r_file(s, IMS_FILE_DMABUF, P1, PHYS, 0);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	r_dma_map(s, D1, A1, IOVA, MMIO, 0, RUNS({ PHYS, 8 * PG }));
	r_storage(s, S1, A1, P1, D1);
	area_ready(s, A1);
	return s;
}

static void gone(struct stream *s)
{
	area_leaves(s, A1);
	area_gone(s, A1);
	pages_put(s, P1);
	end_with_domain(s);
}

TEST(dmabuf_is_revoked)
{
	struct stream *s = mapped_dmabuf();

	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_file(s, IMS_FILE_REVOKE, P1, 0, IMS_FILE_REVOKED);
	gone(s);
}

TEST(dmabuf_is_unmapped)
{
	struct stream *s = mapped_dmabuf();

	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	area_gone(s, A1);
	pages_put(s, P1);
	end_with_domain(s);
}

TEST(dmabuf_stays_mapped)
{
	struct stream *s = mapped_dmabuf();

	expect_violation(s, "DMABUF-REVOKE", "still translates IOVA 0x100000",
			 r_file(s, IMS_FILE_REVOKE, P1, 0, IMS_FILE_REVOKED));
	stream_end(s);
}

TEST(dmabuf_is_mapped_again)
{
	struct stream *s = mapped_dmabuf();

	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_file(s, IMS_FILE_REVOKE, P1, 0, IMS_FILE_REVOKED);
	expect_violation(s, "DMABUF-REVOKE", "mapped to a dma-buf that is revoked",
			 r_dma_map(s, D1, A1, IOVA, MMIO, 0, RUNS({ PHYS, 8 * PG })));
	stream_end(s);
}

TEST(dmabuf_joins_later)
{
	struct stream *s = mapped_dmabuf();

	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D2, 0, APERTURE_64, 0);
	r_dma_map(s, D2, A1, IOVA, MMIO, 0, RUNS({ PHYS, 8 * PG }));
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_dma_unmap(s, D2, IOVA, 8 * PG, 8 * PG, true);
	r_file(s, IMS_FILE_REVOKE, P1, 0, IMS_FILE_REVOKED);
	r_domain(s, IMS_DOM_ADD_END, S1, D2, 0, APERTURE_64, 0);
	stream_end_as(s, IMS_PASS);
}

TEST(dmabuf_at_the_wrong_address)
{
	struct stream *s = with_domain();

	s->mode = IMS_ACCT_NONE;
	pages_new(s, P1, 8);
	r_file(s, IMS_FILE_DMABUF, P1, PHYS, 0);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	expect_violation(s, "PFN-ID", "mapped to 0xfe001000",
			 r_dma_map(s, D1, A1, IOVA, MMIO, 0, RUNS({ PHYS + PG, 8 * PG })));
	stream_end(s);
}

TEST(dmabuf_as_memory)
{
	struct stream *s = with_domain();

	s->mode = IMS_ACCT_NONE;
	pages_new(s, P1, 8);
	r_file(s, IMS_FILE_DMABUF, P1, PHYS, 0);
	area_new(s, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	expect_violation(s, "PROT-MAP", "mapped with permissions 0x7",
			 r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PHYS, 8 * PG })));
	stream_end(s);
}

/* ---- HWQ-LOCK ---- */

static void lock(struct stream *s, int action, uint32_t users)
{
	FEED(s, IMS_ACCESS_RANGE, action, ims_access_range, A1, P_COOKIE(P1), 0, 3, users, users,
	     IMS_ACC_LOCK, 0);
}

TEST(queue_is_unmapped)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	lock(s, IMS_ACC_RANGE_PIN, 1);
	also(s, "ACC-NOTIFY", NULL);
	expect_violation(s, "HWQ-LOCK", "1 hardware queues are in it", area_dying(s, A1));
	stream_end(s);
}

TEST(queue_goes_first)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, 8);
	lock(s, IMS_ACC_RANGE_PIN, 1);
	lock(s, IMS_ACC_RANGE_UNPIN, 0);
	area_dying(s, A1);
	stream_end_as(s, IMS_PASS);
}

/* ---- PASID ---- */

static struct stream *with_pasid_hwpts(uint32_t flags1, uint32_t flags2)
{
	struct stream *s = with_ioas();

	r_hwpt(s, D1, S1, 0, flags1);
	r_hwpt(s, D2, S1, 0, flags2);
	r_device(s, IMS_DEV_BIND, X1, 7, 0, 0, 0);
	return s;
}

TEST(pasids_come_and_go)
{
	struct stream *s = with_pasid_hwpts(IMS_HWPT_PASID, IMS_HWPT_PASID);

	r_device(s, IMS_DEV_ATTACH, X1, 7, D1, 0, 0);
	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D1, 0, 0);
	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID2, D2, 0, 0);
	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D2, 0, -22);
	r_pasid(s, IMS_DEV_REPLACE, X1, 7, PASID1, D2, D1, 0);
	r_pasid(s, IMS_DEV_DETACH, X1, 7, PASID2, D2, 0, 0);
	r_pasid(s, IMS_DEV_DETACH, X1, 7, PASID1, D2, 0, 0);
	r_device(s, IMS_DEV_DETACH, X1, 7, D1, 0, 0);
	r_device(s, IMS_DEV_UNBIND, X1, 7, 0, 0, 0);
	stream_end_as(s, IMS_PASS);
}

TEST(pasid_of_any_hwpt)
{
	struct stream *s = with_pasid_hwpts(0, IMS_HWPT_PASID);

	expect_violation(s, "PASID", "domain 0xd001, which was not made for PASIDs",
			 r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D1, 0, 0));
	stream_end(s);
}

TEST(pasid_beside_any_hwpt)
{
	struct stream *s = with_pasid_hwpts(0, IMS_HWPT_PASID);

	r_device(s, IMS_DEV_ATTACH, X1, 7, D1, 0, 0);
	expect_violation(s, "PASID", "which cannot go with PASIDs",
			 r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D2, 0, 0));
	stream_end(s);
}

TEST(any_hwpt_beside_pasid)
{
	struct stream *s = with_pasid_hwpts(0, IMS_HWPT_PASID);

	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D2, 0, 0);
	expect_violation(s, "PASID", "cannot go with its PASID 100",
			 r_device(s, IMS_DEV_ATTACH, X1, 7, D1, 0, 0));
	stream_end(s);
}

TEST(pasid_twice)
{
	struct stream *s = with_pasid_hwpts(IMS_HWPT_PASID, IMS_HWPT_PASID);

	r_device(s, IMS_DEV_BIND, X2, 7, 0, 0, 0);
	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D1, 0, 0);
	expect_violation(s, "PASID", "but is attached to domain 0xd001",
			 r_pasid(s, IMS_DEV_ATTACH, X2, 7, PASID1, D2, 0, 0));
	stream_end(s);
}

/* An automatic HWPT stays while a PASID uses it. */
TEST(hwpt_goes_before_its_pasid)
{
	struct stream *s = with_pasid_hwpts(IMS_HWPT_PASID, IMS_HWPT_PASID);

	FEED(s, IMS_OBJECT, IMS_OBJ_ALLOC, ims_object, 0x0b1ec8000000 + D1, D1, IMS_T_HWPT_PAGING);
	FEED(s, IMS_OBJECT, IMS_OBJ_FINALIZE, ims_object, 0x0b1ec8000000 + D1, D1, IMS_T_HWPT_PAGING);
	r_pasid(s, IMS_DEV_ATTACH, X1, 7, PASID1, D1, 0, 0);
	expect_violation(s, "OBJ-REF", "destroyed while a device is attached",
			 FEED(s, IMS_OBJECT, IMS_OBJ_DESTROY, ims_object, 0x0b1ec8000000 + D1, D1,
			      IMS_T_HWPT_PAGING));
	stream_end(s);
}

/* ---- VDEV-TOMB ---- */

static struct stream *with_vdevice(void)
{
	struct stream *s = with_ioas();

	r_device(s, IMS_DEV_BIND, X1, 7, 0, 0, 0);
	r_vdev_object(s, IMS_OBJ_ALLOC, VD1);
	r_vdevice(s, IMS_VDEV_ADD, VD1, V1, 0x10, X1);
	r_vdev_object(s, IMS_OBJ_FINALIZE, VD1);
	return s;
}

static void vdevice_goes(struct stream *s, bool tombstone)
{
	r_vdev_object(s, IMS_OBJ_DESTROY, VD1);
	if (tombstone)
		r_vdev_object(s, IMS_OBJ_TOMBSTONE, VD1);
	r_vdevice(s, IMS_VDEV_DEL, VD1, V1, 0x10, X1);
}

TEST(vdevice_goes_with_its_device)
{
	struct stream *s = with_vdevice();

	vdevice_goes(s, true);
	r_device(s, IMS_DEV_UNBIND, X1, 7, 0, 0, 0);
	expect_violation(s, "VDEV-TOMB", "which is a tombstone",
			 r_object(s, IMS_OBJ_ALLOC, VD1));
	stream_end(s);
}

TEST(vdevice_leaves_no_tombstone)
{
	struct stream *s = with_vdevice();

	vdevice_goes(s, false);
	expect_violation(s, "VDEV-TOMB", "left no tombstone",
			 r_device(s, IMS_DEV_UNBIND, X1, 7, 0, 0, 0));
	stream_end(s);
}

/* User space destroyed it, and later let go of the device. */
TEST(vdevice_is_destroyed)
{
	struct stream *s = with_vdevice();

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	vdevice_goes(s, false);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_device(s, IMS_DEV_UNBIND, X1, 7, 0, 0, 0);
	r_object(s, IMS_OBJ_ALLOC, VD1);
	stream_end_as(s, IMS_PASS);
}

TEST(vdevice_outlives_its_device)
{
	struct stream *s = with_vdevice();

	expect_violation(s, "VDEV-TOMB", "was unbound while vDEVICE 129 uses it",
			 r_device(s, IMS_DEV_UNBIND, X1, 7, 0, 0, 0));
	stream_end(s);
}

TEST(vdevices_of_one_name)
{
	struct stream *s = with_vdevice();

	r_vdevice(s, IMS_VDEV_ADD, VD2, V2, 0x10, X2);
	r_vdevice(s, IMS_VDEV_DEL, VD2, V2, 0x10, X2);
	expect_violation(s, "VDEV-TOMB", "the same name 0x10",
			 r_vdevice(s, IMS_VDEV_ADD, VD2, V1, 0x10, X2));
	stream_end(s);
}

/* ---- VEVQ-SEQ ---- */

TEST(events_in_order)
{
	struct stream *s = with_ioas();

	r_vevent(s, IMS_VEV_FETCH, 7, false, 2);
	r_vevent(s, IMS_VEV_FETCH, 8, false, 1);
	r_vevent(s, IMS_VEV_FETCH, 11, true, 4);
	r_vevent(s, IMS_VEV_FETCH, 12, false, 4);
	r_vevent(s, IMS_VEV_RESTORE, 12, false, 4);
	r_vevent(s, IMS_VEV_FETCH, 12, false, 4);
	end_with_ioas(s);
}

TEST(events_start_again)
{
	struct stream *s = with_ioas();

	r_vevent(s, IMS_VEV_FETCH, INT32_MAX - 3, false, 1);
	r_vevent(s, IMS_VEV_FETCH, INT32_MAX, true, 1);
	r_vevent(s, IMS_VEV_FETCH, 0, false, 1);
	end_with_ioas(s);
}

TEST(event_is_missing)
{
	struct stream *s = with_ioas();

	r_vevent(s, IMS_VEV_FETCH, 7, false, 2);
	expect_violation(s, "VEVQ-SEQ", "gave event 9 where 8 was next",
			 r_vevent(s, IMS_VEV_FETCH, 9, false, 1));
	stream_end(s);
}

TEST(event_comes_again)
{
	struct stream *s = with_ioas();

	r_vevent(s, IMS_VEV_FETCH, 7, false, 2);
	expect_violation(s, "VEVQ-SEQ", "the loss of events up to 7",
			 r_vevent(s, IMS_VEV_FETCH, 7, true, 1));
	stream_end(s);
}

TEST(events_beyond_the_depth)
{
	struct stream *s = with_ioas();

	expect_violation(s, "VEVQ-SEQ", "holds 5 events, its depth is 4",
			 r_vevent(s, IMS_VEV_FETCH, 7, false, 5));
	stream_end(s);
}

TESTS(T(process_changes), T(process_is_refused), T(process_released_more_than_charged),
      T(process_charged_more_than_released), T(process_charged_beyond_all_numbers), T(process_with_user_memory),
      T(process_leaves_something_behind), T(process_and_a_map_meanwhile),
      T(file_for_reading_only), T(file_is_sealed), T(file_is_sealed_and_read),
      T(file_is_pinned_without_flags), T(dmabuf_is_revoked), T(dmabuf_is_unmapped),
      T(dmabuf_stays_mapped), T(dmabuf_is_mapped_again), T(dmabuf_joins_later),
      T(dmabuf_at_the_wrong_address), T(dmabuf_as_memory), T(queue_is_unmapped),
      T(queue_goes_first), T(pasids_come_and_go), T(pasid_of_any_hwpt),
      T(pasid_beside_any_hwpt), T(any_hwpt_beside_pasid), T(pasid_twice),
      T(hwpt_goes_before_its_pasid), T(vdevice_goes_with_its_device),
      T(vdevice_leaves_no_tombstone), T(vdevice_is_destroyed), T(vdevice_outlives_its_device),
      T(vdevices_of_one_name), T(events_in_order), T(events_start_again), T(event_is_missing), T(event_comes_again),
      T(events_beyond_the_depth))
