/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream: record streams that read like a story, told to a verifier.
 *
 *	struct stream *s = stream_new();
 *
 *	ctx_open(s);
 *	ioas_new(s, S1, 1);
 *	domain_add(s, S1, D1, 0, APERTURE_64);
 *	map(s, S1, A1, P1, 0x100000, 16);
 *	expect_violation(s, "UNPIN-AFTER-UNMAP", "pages 0-15",
 *			 r_unpin(s, P1, 0, 0, RUNS({ PFN1, 16 })));
 *	stream_end(s);
 *
 * Two layers.  The r_*() functions feed one record each and believe what they
 * are told.  The others are what the kernel does: whole sequences in the order
 * in which iommufd of 6.12 with our tracepoints writes them.  For these the
 * stream knows, like the kernel, what is pinned, charged, and shown where.
 *
 * After each record a violation that was not announced by expect_violation()
 * fails the test, and so does a stream that contradicts itself.
 *
 * Names: S an IOAS, D a domain, A an area, P a pages object, X a device.  They
 * are cookies: any number but 0 will do.  P n has its pages at PFN n << 20.
 *
 * A test is one file for the Makefile, so stream.c is included and not linked, and includes
 * the layers: stream_records.c, stream_kernel.c.
 */
#ifndef STREAM_H
#define STREAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bpf/record.h"
#include "rules/verifier.h"

enum {
	S1 = 0x5001, S2, S3,
	D1 = 0xd001, D2, D3,
	A1 = 0xa001, A2, A3, A4, A5,
	X1 = 0xe001, X2,
	P1 = 1, P2, P3,
	C1 = 0xc001, C2,
};

#define BLOCKING 0xb10cULL	/* the domain of a group that is not attached */
#define PG 4096ULL
#define IOVA 0x100000ULL			/* where most stories map */
#define UPTR(P) ((uint64_t)(P) << 32)	/* user address of a pages object */
#define MB (1ULL << 20)
#define APERTURE_64 UINT64_MAX
#define APERTURE_48 ((1ULL << 48) - 1)
#define PFN(p) ((uint64_t)(p) << 20)
#define RW (IMS_PROT_READ | IMS_PROT_WRITE | IMS_PROT_CACHE)
#define RO (IMS_PROT_READ | IMS_PROT_CACHE)

/* The runs of a record and their number, as two arguments. */
#define RUNS(...) ((const struct ims_run[]){ __VA_ARGS__ }), \
	(sizeof((const struct ims_run[]){ __VA_ARGS__ }) / sizeof(struct ims_run))

#define B_PAGES 1024
#define B_NAMES 16
#define B_EXPECT 6

/* What the stream believes, to tell what the kernel would do next. */
struct b_pages {
	uint64_t name, uptr, npages, pinned, charged;
	uint64_t chunk;			/* pages that are contiguous, 0: all */
	uint32_t mode;
	bool writable;
	unsigned int areas;
	uint8_t pin[B_PAGES], acc[B_PAGES], dom[B_PAGES];
};

struct b_area {
	uint64_t name, ioas, iova, len, start_byte;
	struct b_pages *p;
	uint32_t prot;
	bool stored;			/* in the domains_itree */
};

struct b_domain {
	uint64_t name, start, last;
};

struct b_ioas {
	uint64_t name;
	struct b_domain d[8];		/* the first is the storage of new areas */
	unsigned int n;
	bool small;			/* large pages disabled */
};

struct stream {
	struct ims_verifier *v;
	uint64_t seq, ctx, counter, limit;
	uint32_t tid, mode;
	uint16_t lost;
	uint8_t ring;
	bool writable;			/* of pages objects to come */
	uint16_t mapper_wrong;		/* what is not so of their mapper, enum ims_mapper */
	uint64_t chunk;			/* dito */
	uint64_t pgsize;		/* of domains: their page sizes */
	bool may_contradict;
	bool may_violate;		/* any rule, anywhere: not what the test is about */
	struct b_pages pages[B_NAMES];
	struct b_area areas[B_NAMES];
	struct b_ioas ioases[B_NAMES];
	struct {
		uint64_t P, index, last;
		uint32_t users;
	} accesses[B_NAMES];
	struct {
		uint64_t name;
		uint32_t n;
	} nacc[B_NAMES];		/* pins by accesses, by area */
	struct {
		const char *rule, *text;
		bool fired;
	} expect[B_EXPECT];
	bool own_hw;			/* the test says itself what the IOMMU core was asked */
	uint32_t hw_flags;		/* of devices to come */
	struct b_dev {
		uint64_t name, domain;
		uint32_t group;
		bool iopf;
	} devs[B_NAMES];
	struct {
		uint64_t name;
		uint32_t flags;
	} hwpts[B_NAMES];
	unsigned int nexpect, fed, violations;
	char last[512], object[128];	/* of the last violation */
	unsigned int nhistory;
};

/* ---- the frame ---- */

struct stream *stream_new(void);
struct stream *stream_new_opts(const struct ims_verifier_opts *opts);
/* Checks that the verdict fits what was expected. */
void stream_end(struct stream *s);
/* Ends with this verdict, whatever was expected. */
void stream_end_as(struct stream *s, enum ims_verdict verdict);
void thread(struct stream *s, uint32_t tid);
void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns);

/* The one record that is fed by @record breaks @rule, and says @text. */
#define expect_violation(s, rule, text, record) do {			\
		stream_expect(s, rule, text);				\
		record;							\
		stream_met(s);						\
	} while (0)
/* The next expect_violation() breaks this rule too. */
void stream_expect(struct stream *s, const char *rule, const char *text);
#define also(s, rule, text) stream_expect(s, rule, text)
void stream_met(struct stream *s);

/* How most stories begin: a ctx, IOAS S1 and, in the second, domain D1. */
struct stream *with_ioas(void);
struct stream *with_domain(void);
struct stream *with_mock_domain(void);		/* whose pages are half as large */
/* The same with @n pages of P1 mapped at IOVA as A1; without a domain accesses alone pin. */
struct stream *mapped(uint64_t n);
struct stream *only_mapped(uint64_t n);
/* Undo what with_ioas() and with_domain() did, and stream_end(). */
void end_with_ioas(struct stream *s);
void end_with_domain(struct stream *s);

#define TESTS(...)								\
	int main(void)								\
	{									\
		const struct CMUnitTest tests[] = { __VA_ARGS__ };		\
		return cmocka_run_group_tests(tests, NULL, NULL);		\
	}
#define T(name) cmocka_unit_test(name)
#define TEST(name) static void name(void **state __attribute__((unused)))

/*
 * ---- one record each ----
 *
 * r_domain() also says the alignment, as the kernel does before each END,
 * r_access_range() counts, and r_device() says what the IOMMU core was asked for it.
 */

void r_ctx(struct stream *s, int action);
void r_object(struct stream *s, int action, uint32_t id);
void r_ioas(struct stream *s, uint64_t S, uint32_t id);
void r_hwpt(struct stream *s, uint64_t D, uint64_t S, uint64_t parent, uint32_t flags);
void r_map(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
	   uint64_t uptr, uint32_t flags, int rc);
void r_unmap(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t last,
	     uint64_t unmapped, int rc);
void r_iova(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
	    uint64_t hint);
void r_area(struct stream *s, int action, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
	    uint64_t len, uint64_t start_byte, uint32_t prot);
void r_split(struct stream *s, uint64_t S, uint64_t A, uint64_t L, uint64_t R,
	     uint64_t storage, uint32_t flags);
void r_storage(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t D);
void r_pages(struct stream *s, int action, uint64_t P, uint64_t npages, uint64_t npinned,
	     uint32_t mode, bool writable);
void r_reserve(struct stream *s, int action, uint64_t S, uint64_t start, uint64_t last,
	       uint64_t owner, int rc);
void r_allow(struct stream *s, int action, uint64_t S, uint64_t start, uint64_t last, int rc);
void r_region(struct stream *s, uint64_t S, uint64_t X, uint64_t start, uint64_t last, int type);
void r_align(struct stream *s, uint64_t S, uint64_t align, bool large);
void r_domain(struct stream *s, int action, uint64_t S, uint64_t D, uint64_t start,
	      uint64_t last, int rc);
void r_dma_map(struct stream *s, uint64_t D, uint64_t A, uint64_t iova, uint32_t prot, int rc,
	       const struct ims_run *runs, unsigned int nruns);
void r_dma_unmap(struct stream *s, uint64_t D, uint64_t iova, uint64_t size, uint64_t unmapped,
		 bool synced);
void r_sync(struct stream *s, uint64_t D);
void r_pin(struct stream *s, uint64_t P, uint64_t index, int64_t got);
void r_pin_transient(struct stream *s, uint64_t P, uint64_t index);
void r_pin_runs(struct stream *s, uint64_t P, uint64_t index, const struct ims_run *runs,
		unsigned int nruns);
void r_unpin(struct stream *s, uint64_t P, uint64_t index, uint32_t flags,
	     const struct ims_run *runs, unsigned int nruns);
void r_xarray(struct stream *s, int action, uint64_t P, uint64_t index, uint64_t last);
void r_account(struct stream *s, uint64_t P, uint32_t mode, int64_t delta, uint64_t npinned,
	       uint64_t last_npinned, int rc);
/* The first or last charge of P, and what it changed of the counter and of mm->pinned_vm. */
void r_account_moved(struct stream *s, uint64_t P, uint32_t mode, int64_t delta, int64_t moved,
		     int64_t pinned_moved, int rc);
void r_device(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
	      uint64_t old, int rc);
/* All of what r_device() takes, and the handle. */
void r_device_handle(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
		     uint64_t old, uint64_t handle, int rc);
void r_hw(struct stream *s, int action, const struct ims_hw *hw);
void r_hw_claim(struct stream *s, uint64_t X, uint32_t group, uint32_t flags, int rc);
void r_hw_release(struct stream *s, uint64_t X, uint32_t group);
/* ATTACH, REPLACE, DETACH: what translates after it is of that type. */
void r_hw_domain(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
		 uint64_t now, int type, int rc);
void r_hw_iopf(struct stream *s, int action, uint64_t X, uint32_t group, int rc);
void r_hw_msi(struct stream *s, uint64_t X, uint32_t group, uint64_t D, uint64_t base, int rc);
void r_iova_range(struct stream *s, uint64_t S, uint64_t start, uint64_t last);
void r_iova_range_end(struct stream *s, uint64_t S, uint32_t count, uint64_t align, int rc);
void r_readback(struct stream *s, uint64_t D, uint64_t A, uint64_t iova, uint64_t npages,
		uint64_t hash);
void r_access_pfns(struct stream *s, uint64_t A, uint64_t P, uint64_t index,
		   const struct ims_run *runs, unsigned int nruns);
void r_access_copy(struct stream *s, int path, uint64_t P, uint64_t index, uint64_t pfn,
		   uint32_t offset, uint64_t length, uint32_t flags);
void r_vfio(struct stream *s, int action, uint64_t S, uint64_t arg, int rc);
void r_dirty(struct stream *s, int action, uint64_t D, uint64_t iova, uint64_t length, bool enable,
	     int rc);
void r_access_range(struct stream *s, int action, uint64_t A, uint64_t P, uint64_t index,
		    uint64_t last, int rc);
void r_access_op(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length);
void r_access_op_rc(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
		    uint32_t flags, int rc);
void r_ioctl(struct stream *s, int action, int rc);
/* Of the user ABI: VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, IOMMU_OPTION, IOMMU_VFIO_IOAS */
enum { CALL_MAP_DMA = 0x3b71, CALL_UNMAP_DMA = 0x3b72, CALL_OPTION = 0x3b87, CALL_VFIO_IOAS = 0x3b88 };
void r_ioctl_of(struct stream *s, int action, uint32_t cmd);
void r_loss(struct stream *s, uint64_t ctx, int class, uint64_t n);
/* The same, told while up to @ahead records before the loss are still to come. */
void r_loss_ahead(struct stream *s, uint64_t ctx, uint64_t ahead);
void r_end(struct stream *s);

/* ---- what the kernel does ---- */

void ctx_open(struct stream *s);
/* The file is closed; the ctx must be empty. */
void ctx_close(struct stream *s);
void ioas_new(struct stream *s, uint64_t S, uint32_t id);
void ioas_destroy(struct stream *s, uint64_t S, uint32_t id);
/* HUGE_PAGES option. */
void large_pages(struct stream *s, uint64_t S, bool on);

/* iopt_table_add_domain(), iopt_table_remove_domain() */
void domain_add(struct stream *s, uint64_t S, uint64_t D, uint64_t start, uint64_t last);
void domain_del(struct stream *s, uint64_t S, uint64_t D);
/* The steps of the first, to stop in between. */
void domain_add_begin(struct stream *s, uint64_t S, uint64_t D, uint64_t start, uint64_t last);
void domain_add_end(struct stream *s, uint64_t S, uint64_t D);

/* IOAS_MAP of @npages whole pages at a fixed IOVA; makes P and A. */
void map(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t npages);
/* The steps of it. */
void map_begin(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
	       uint64_t npages);
void pages_new(struct stream *s, uint64_t P, uint64_t npages);
void area_new(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t len,
	      uint64_t start_byte, uint32_t prot);
void area_fill(struct stream *s, uint64_t A);	/* pin, map into all domains, charge */
void area_ready(struct stream *s, uint64_t A);
void map_end(struct stream *s, uint64_t A, int rc);
/* IOAS_COPY of a piece of the pages object P. */
void copy(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t len,
	  uint64_t start_byte);
/* A map whose charge is refused: everything is unwound. */
void map_refused(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
		 uint64_t npages);

/* IOAS_UNMAP of one whole area; P goes with its last area. */
void unmap(struct stream *s, uint64_t A);
void area_dying(struct stream *s, uint64_t A);
void area_leaves(struct stream *s, uint64_t A);	/* dying, and stored nowhere */
void area_unfill(struct stream *s, uint64_t A);
void area_gone(struct stream *s, uint64_t A);
void pages_put(struct stream *s, uint64_t P);

/* Cut A before its page @at into L and R. */
void split(struct stream *s, uint64_t A, uint64_t at, uint64_t L, uint64_t R);

/* An in-kernel access pins pages [first, last] of the area. */
void access_pin(struct stream *s, uint64_t A, uint64_t first, uint64_t last);
void access_unpin(struct stream *s, uint64_t A, uint64_t first, uint64_t last);
/* What of these IOVAs is mapped is copied, through user addresses. */
void access_copies(struct stream *s, uint64_t S, uint64_t iova, uint64_t length, uint32_t flags);
/* iopt_pages_rw_slow(): pins what is not, and lets it go. */
void access_rw(struct stream *s, uint64_t P, uint64_t first, uint64_t last);

/* A device with one reserved region, 0 and 0: none. */
void device_attach(struct stream *s, uint64_t X, uint64_t S, uint64_t D, uint64_t start,
		   uint64_t last);
void device_detach(struct stream *s, uint64_t X, uint64_t S, uint64_t D, uint64_t start,
		   uint64_t last);

/* What ACCOUNT says when P has @n pinned now and is charged for that. */
void charge(struct stream *s, uint64_t P);
uint64_t pfn_of(struct stream *s, uint64_t P, uint64_t index);

#endif
