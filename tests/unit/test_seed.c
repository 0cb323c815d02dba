// SPDX-License-Identifier: GPL-2.0-only
/* A ctx as it was found: told as records, known from there on, and never while somebody is at work. */
#include <stdlib.h>
#include <string.h>

#include "source/seed.h"
#include "stream.c"

#define ROW(kind_, id_) .h = { .kind = SNAP_##kind_, .id = id_ }

static void add(struct snap_context *c, const void *row)
{
	assert_int_equal(snap_add(c, row), 0);
}

static void add_object(struct snap_context *c, uint32_t id, uint64_t obj, uint32_t type)
{
	struct snap_object o = { ROW(OBJECT, id), .obj = obj, .type = type, .users = 1 };

	add(c, &o);
}

static struct snap_area area_of(uint64_t area, uint64_t iova, uint32_t nacc, uint64_t storage)
{
	return (struct snap_area){
		ROW(AREA, 0), .area = area, .iova = iova, .last = iova + 8 * PG - 1,
		.storage = storage, .pages = P_COOKIE(P1), .uptr = 0x7000000, .npages = 8,
		.npinned = 8, .charged = 8, .prot = RW, .nacc = nacc, .refs = 2,
		.mode = IMS_ACCT_USER,
		.flags = SNAP_AREA_LIVE | SNAP_AREA_WRITABLE | SNAP_AREA_XARRAY,
	};
}

/* IOAS 1 with a domain and a device, IOAS 2 with a copy of its area of which an access holds 2 pages. */
static struct snap_context sample(void)
{
	struct snap_context c = { .row = { ROW(CTX, 0), .ctx = 0xc0de, .nobjects = 4 }, .unlocked = true };
	struct snap_file holder = { ROW(FILE, 3), .ctx = 0xc0de, .tgid = 77, .comm = "vmm" };
	struct snap_device d = { ROW(DEVICE, 3), .obj = 0x33, .dev = X1, .domain = D1, .hwpt = 4,
				 .group = 5, .name = "dev0" };
	struct snap_ioas_row one = { ROW(IOAS, 1), .ioas = S1, .obj = 0x11, .align = PG };
	struct snap_ioas_row two = { ROW(IOAS, 2), .ioas = S2, .obj = 0x22, .align = PG };
	struct snap_domain dom = { ROW(DOMAIN, 0), .domain = D1, .aperture_last = APERTURE_48,
				   .pgsize_bitmap = PG };
	struct snap_hwpt h = { ROW(HWPT, 4), .obj = 0x44, .domain = D1, .ioas = S1 };
	struct snap_range r = { ROW(RESERVED, 0), .start = APERTURE_48 + 1, .last = UINT64_MAX, .owner = D1 };
	struct snap_access access = { ROW(ACCESS, 6), .access = 0x66, .align = PG };
	struct snap_area shown = area_of(A1, IOVA, 0, D1), copy = area_of(A2, 2 * IOVA, 1, 0);
	struct snap_pin pin = { ROW(PIN, 1), .pages = P_COOKIE(P1), .index = 2, .last = 3 };

	add(&c, &holder);
	add_object(&c, 1, 0x11, IMS_T_IOAS);
	add_object(&c, 2, 0x22, IMS_T_IOAS);
	add_object(&c, 3, 0x33, IMS_T_DEVICE);
	add_object(&c, 4, 0x44, IMS_T_HWPT_PAGING);
	add_object(&c, 6, 0x66, IMS_T_ACCESS);
	add(&c, &d);
	add(&c, &one);
	add(&c, &r);
	add(&c, &dom);
	add(&c, &h);
	add(&c, &shown);
	add(&c, &two);
	add(&c, &access);
	add(&c, &copy);
	add(&c, &pin);
	return c;
}

/* ---- somebody at work ---- */

TEST(at_rest)
{
	struct snap_context c = sample();

	assert_null(snap_busy(&c));
	snap_context_free(&c);
}

#define BUSY(change) do {                                                       \
		struct snap_context c = sample();                               \
		change;                                                         \
		if (!snap_busy(&c))                                             \
			fail_msg("not busy with " #change);                     \
		snap_context_free(&c);                                          \
	} while (0)

TEST(at_work)
{
	BUSY(c.changed = true);
	BUSY(c.row.reserved = 1);
	BUSY(c.objects.at[0].users = 2);
	BUSY(c.devices.at[0].busy = 1);
	BUSY(c.devices.at[0].pasids = 1);
	BUSY(c.devices.at[0].domain = D2);
	BUSY(c.spaces.at[0].hwpts.n = 0);
	BUSY(c.spaces.at[0].domains.n = 0);
	BUSY(c.spaces.at[0].ioas.lock = 0x100);
	BUSY(c.spaces.at[1].ioas.domains_lock = 1);
	BUSY(c.spaces.at[0].areas.at[0].flags &= ~SNAP_AREA_LIVE);
	BUSY(c.spaces.at[1].areas.at[0].flags |= SNAP_AREA_BUSY);
	BUSY(c.spaces.at[1].areas.n = 0);
	BUSY(c.spaces.at[1].areas.at[0].nacc = 2);
	BUSY(c.pins.n = 0);
	for (int i = 0; i < 2; i++) {
		BUSY(c.spaces.at[0].areas.at[0].npinned = c.spaces.at[1].areas.at[0].npinned = 7);
		BUSY(c.spaces.at[0].areas.at[0].charged = c.spaces.at[1].areas.at[0].charged = 9);
	}
	BUSY(c.spaces.at[0].areas.at[0].refs = c.spaces.at[1].areas.at[0].refs = 3);
}

TEST(our_own_lock)
{
	struct snap_context c = sample();

	c.unlocked = false;		/* read under it: we are one of the readers */
	c.spaces.at[0].ioas.lock = 0x100;
	assert_null(snap_busy(&c));
	snap_context_free(&c);
}

/* ---- told and followed ---- */

struct told {
	struct stream *s;
	unsigned int n, pins, maps, asked, stored;
	uint8_t first, last;
	int fail_at;
};

static int tell(void *arg, const struct ims_record *r)
{
	struct told *t = arg;

	assert_int_equal(r->h.ctx, t->s->ctx);
	assert_true(ims_record_size(r) > 0);
	t->first = t->n++ ? t->first : r->h.kind;
	t->last = r->h.kind;
	t->pins += r->h.kind == IMS_PIN_RUNS ? ims_runs(r)->len : 0;
	t->maps += r->h.kind == IMS_DMA_MAP;
	t->asked += r->h.kind == IMS_HW;
	t->stored += r->h.kind == IMS_XARRAY;
	if (r->h.kind == IMS_DMA_MAP || r->h.kind == IMS_PIN_RUNS)
		assert_true(ims_runs(r)->addr & IMS_ADDR_UNKNOWN);
	if (t->fail_at && (int)t->n == t->fail_at)
		return -5;
	ims_verifier_feed(t->s->v, r);
	return 0;
}

static struct told told_of(struct stream *s, struct snap_context *c, int fail_at)
{
	struct told t = { .s = s, .fail_at = fail_at };
	struct ims_hdr h = { .ctx = s->ctx, .seq = s->seq, .ring = s->ring, .lost = s->lost };

	assert_int_equal(snap_seed(c, &h, tell, &t), fail_at ? -5 : 0);
	snap_context_free(c);
	return t;
}

static struct told told(struct stream *s, int fail_at)
{
	struct snap_context c = sample();

	return told_of(s, &c, fail_at);
}

static struct ims_summary summary(struct stream *s)
{
	struct ims_summary sum;

	ims_verifier_summary(s->v, &sum);
	return sum;
}

TEST(all_is_told)
{
	struct stream *s = stream_new();
	struct told t = told(s, 0);

	assert_int_equal(t.first, IMS_SNAPSHOT);
	assert_int_equal(t.last, IMS_SNAPSHOT);
	assert_int_equal(t.pins, 8);
	assert_int_equal(t.maps, 1);
	assert_int_equal(t.asked, 2);
	assert_int_equal(t.stored, 1);
	assert_int_equal(summary(s).ctxs, 1);
	assert_int_equal(summary(s).inconsistent, 0);
	assert_int_equal(summary(s).verdict, IMS_PASS);
	stream_end_as(s, IMS_PASS);
}

/* The first half of an unmap of the area with the domain; pages 2 and 3 stay for the access. */
static void unmap_begins(struct stream *s)
{
	r_area(s, IMS_AREA_DYING, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	r_readback(s, D1, A1, IOVA, 8, 0x1234);		/* nobody knows what it must be */
	r_storage(s, S1, A1, P1, 0);
}

TEST(what_was_there_goes_in_order)
{
	struct stream *s = stream_new();

	told(s, 0);
	unmap_begins(s);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ 0x555, 2 }));	/* any PFN will do */
	r_unpin(s, P1, 4, IMS_UNPIN_DIRTY, RUNS({ 0x777, 4 }));
	r_account(s, P1, IMS_ACCT_USER, -6, 2, 2, 0);
	r_area(s, IMS_AREA_FREE, S1, A1, P1, IOVA, 8 * PG, 0, RW);
	assert_int_equal(s->violations, 0);
	assert_int_equal(summary(s).inconsistent, 0);
	stream_end_as(s, IMS_PASS);
}

TEST(pins_made_before_are_known)
{
	struct stream *s = stream_new();

	told(s, 0);
	unmap_begins(s);
	also(s, "UNPIN-ACC", "an access holds pages 2-3");
	expect_violation(s, "UNPIN-AFTER-UNMAP", "pages 0-7 were unpinned while",
			 r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ 0x555, 8 })));
	stream_end_as(s, IMS_FAIL);
}

TEST(more_than_was_pinned)
{
	struct stream *s = stream_new();

	told(s, 0);
	unmap_begins(s);
	r_dma_unmap(s, D1, IOVA, 8 * PG, 8 * PG, true);
	r_unpin(s, P1, 4, IMS_UNPIN_DIRTY, RUNS({ 0x777, 4 }));
	expect_violation(s, "PIN-BAL", "only 0 of these 4",
			 r_unpin(s, P1, 4, IMS_UNPIN_DIRTY, RUNS({ 0x777, 4 })));
	stream_end_as(s, IMS_FAIL);
}

/* Our own iommufd: nothing to take out of an xarray when the access goes. */
TEST(pins_of_accesses_are_not_apart)
{
	struct snap_context c = sample();
	struct stream *s = stream_new();
	struct told t;

	for (int i = 0; i < 2; i++)
		c.spaces.at[i].areas.at[0].flags &= ~SNAP_AREA_XARRAY;
	t = told_of(s, &c, 0);
	assert_int_equal(t.stored, 0);
	assert_int_equal(t.pins, 8);
	stream_end_as(s, IMS_PASS);
}

TEST(told_again)
{
	struct stream *s = stream_new();

	told(s, 0);
	told(s, 0);
	assert_int_equal(summary(s).ctxs, 1);
	assert_int_equal(summary(s).inconsistent, 0);
	stream_end_as(s, IMS_PASS);
}

TEST(half_told)
{
	struct stream *s = stream_new();

	told(s, 20);
	assert_int_equal(summary(s).verdict, IMS_INCONCLUSIVE);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

/* The pages of a dma-buf are not pinned, not charged, and mapped as MMIO, until it is revoked. */
static struct told dmabuf_told(struct stream *s, uint32_t flags)
{
	struct snap_context c = sample();

	for (int i = 0; i < 2; i++) {
		struct snap_area *a = &c.spaces.at[i].areas.at[0];

		a->flags |= SNAP_AREA_DMABUF | flags;
		a->file = 0x99;
		a->phys = 0x40000000;
		a->npinned = a->charged = a->nacc = 0;
		a->mode = IMS_ACCT_NONE;
	}
	c.pins.n = 0;
	assert_null(snap_busy(&c));
	return told_of(s, &c, 0);
}

TEST(dmabufs)
{
	for (int revoked = 0; revoked < 2; revoked++) {
		struct stream *s = stream_new();
		struct told t = dmabuf_told(s, revoked ? SNAP_AREA_REVOKED : 0);

		assert_int_equal(t.pins, 0);
		assert_int_equal(t.maps, !revoked);
		assert_int_equal(summary(s).inconsistent, 0);
		stream_end_as(s, IMS_PASS);
	}
}

TEST(files)
{
	struct stream *s = stream_new();
	struct snap_context c = sample();
	struct told t;

	for (int i = 0; i < 2; i++) {
		c.spaces.at[i].areas.at[0].flags |= SNAP_AREA_FILE;
		c.spaces.at[i].areas.at[0].file = 0x99;
	}
	t = told_of(s, &c, 0);
	assert_int_equal(t.pins, 8);
	assert_int_equal(summary(s).inconsistent, 0);
	stream_end_as(s, IMS_PASS);
}

/* A page fault may have been waiting; from a ctx known from birth that would be wrong. */
TEST(faults_of_before)
{
	struct stream *s = stream_new();
	struct ims_fault f = { .fault = 1, .group = 2 };

	told(s, 0);
	feed(s, IMS_FAULT, IMS_FLT_ANSWER, &f, NULL, 0);
	assert_int_equal(s->violations, 0);
	stream_end_as(s, IMS_PASS);
}

/* Domain D2, made later, has a fault queue; 7.3 leaves page faults to its driver, 6.12 does not. */
static void told_of_device(struct stream *s, uint64_t flags, uint32_t hwpt_flags)
{
	struct snap_context c = sample();

	c.devices.at[0].flags = flags;
	c.spaces.at[0].hwpts.at[0].flags = hwpt_flags;
	told_of(s, &c, 0);
	s->own_hw = true;
	r_hwpt(s, D2, S1, 0, IMS_HWPT_FAULT);
}

static void moved(struct stream *s, uint64_t D)
{
	r_hw_domain(s, IMS_HW_REPLACE, X1, 5, D, D, IMS_DT_PAGING, 0);
}

static void replaced(struct stream *s, uint64_t from, uint64_t to)
{
	r_device(s, IMS_DEV_REPLACE, X1, 5, to, from, 0);
}

TEST(page_faults_of_before)
{
	struct stream *s = stream_new();

	told_of_device(s, 0, IMS_HWPT_FAULT);
	moved(s, D2);
	replaced(s, D1, D2);
	r_hw_iopf(s, IMS_HW_IOPF_DISABLE, X1, 5, 0);
	moved(s, D1);
	expect_violation(s, "IOPF-BAL", "has a fault queue, but reports no page faults", replaced(s, D2, D1));
	stream_end_as(s, IMS_FAIL);
}

TEST(page_faults_left_to_the_driver)
{
	struct stream *s = stream_new();

	told_of_device(s, IMS_HW_DRIVER_IOPF, 0);
	moved(s, D2);
	replaced(s, D1, D2);
	moved(s, D1);
	replaced(s, D2, D1);
	stream_end_as(s, IMS_PASS);
}

/* Nobody was asked for the DMA of a device that no IOMMU translates for. */
TEST(of_no_group)
{
	struct stream *s = stream_new();
	struct snap_context c = sample();
	struct told t;

	c.devices.at[0].group = ~c.devices.at[0].h.id;
	t = told_of(s, &c, 0);
	assert_int_equal(t.asked, 0);
	assert_int_equal(s->violations, 0);
	stream_end_as(s, IMS_PASS);
}

TESTS(T(at_rest), T(at_work), T(our_own_lock), T(all_is_told), T(what_was_there_goes_in_order),
      T(pins_made_before_are_known), T(more_than_was_pinned), T(pins_of_accesses_are_not_apart),
      T(told_again), T(half_told), T(dmabufs), T(files), T(faults_of_before), T(page_faults_of_before),
      T(page_faults_left_to_the_driver), T(of_no_group))
