// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arbitrary bytes become records, and a verifier gets them.
 *
 * Random records die at the first one that contradicts the state: nothing is
 * looked at behind it.  So a byte of the input is rather an operation, the next
 * ones choose its objects from a few, and what iommufd would write about these
 * objects is written: a book is kept of what they look like.  Now and then a bit
 * of the input says that the record lies, and then one field is what the input
 * wants.  An input that begins with 0xff is records as they are in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"
#include "fuzz.h"
#include "rules/verifier.h"

#define PG 4096ULL
#define MAX_RECORDS 1500

/* ---- the input ---- */

static struct {
	const uint8_t *at, *end;
} in;

static uint8_t byte(void)
{
	return in.at < in.end ? *in.at++ : 0;
}

/* Numbers at which something may go wrong, and small ones. */
static uint64_t odd(uint8_t b)
{
	static const uint64_t some[] = {
		UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 0xfff, 1ULL << 63, (1ULL << 63) - 1,
		1ULL << 47, 1ULL << 32, UINT32_MAX, 1ULL << 46, (1ULL << 46) + 1, 1ULL << 45,
		0x100000fff, 1ULL << 20, 0x800, 1, 0,
	};

	return b < 16 ? some[b] : b < 128 ? b - 16 : (b - 128) * PG;
}

/* ---- the book ---- */

enum { NR = 4, NA = 8, MOST = 64 };	/* objects of each kind, areas, pages of an object */

static struct book {
	struct {
		uint64_t npages, pinned, charged, pins, users;
		uint32_t mode;
		bool writable;
	} pages[NR];
	struct {
		uint64_t ioas, pages, first, n, iova;
		uint32_t prot, nacc;
	} area[NA];
	struct {
		uint64_t ioas, start, last;
	} domain[NR];
	struct {
		uint64_t align;
		bool small;
	} ioas[NR];
	uint64_t seq;
	uint32_t tid;
	uint8_t ctx, ring;
	uint16_t lost;
	int64_t lie;		/* field, -1: none */
	uint64_t lie_value;
} k;

#define S(i) (0x5000ULL + (i) % NR * 8)
#define D(i) (0xd000ULL + (i) % NR * 8)
#define A(i) (0xa000ULL + (i) % NA * 8)
#define P(i) (0xb000ULL + (i) % NR * 8)
#define X(i) (0xe000ULL + (i) % NR * 8)
#define OBJ(i) (0xf000ULL + (i) % NR * 8)
#define PFN(p, i) (((p) % NR + 1) * 0x10000ULL + (i))

/* ---- records ---- */

static struct ims_verifier *v;
static unsigned int fed;

static void emit(uint8_t kind, uint8_t action, const void *payload, const struct ims_run *runs,
		 unsigned int nruns)
{
	size_t size = ims_payload_size(kind);
	struct ims_record *r = malloc(sizeof(r->h) + size + nruns * sizeof(*runs));

	if (!r || fed++ >= MAX_RECORDS) {
		free(r);
		return;
	}
	r->h = (struct ims_hdr){ .ktime_ns = ++k.seq, .ctx = 0xc000 + k.ctx, .seq = k.seq,
				 .tgid = 1, .tid = k.tid, .kind = kind, .action = action,
				 .ring = k.ring, .nruns = nruns, .lost = k.lost };
	memcpy((char *)r + sizeof(r->h), payload, size);
	if (nruns)
		memcpy((char *)r + sizeof(r->h) + size, runs, nruns * sizeof(*runs));
	if (k.lie >= 0 && size >= 8)
		memcpy((char *)r + sizeof(r->h) + k.lie % (size / 8) * 8, &k.lie_value, 8);
	k.lie = -1;
	ims_verifier_feed(v, r);
	free(r);
}

#define EMIT(KIND, action, type, ...) emit(KIND, action, &(struct type){ __VA_ARGS__ }, NULL, 0)

static void say_area(int action, unsigned int a)
{
	EMIT(IMS_AREA, action, ims_area, S(k.area[a].ioas), A(a), P(k.area[a].pages),
	     k.area[a].iova, k.area[a].iova + k.area[a].n * PG - 1, k.area[a].first * PG,
	     k.area[a].prot, k.area[a].nacc);
}

static void say_storage(unsigned int a, unsigned int d, bool none)
{
	EMIT(IMS_STORAGE, 0, ims_storage, S(k.area[a].ioas), A(a), P(k.area[a].pages),
	     none ? 0 : D(d));
}

static void say_pages(int action, unsigned int p)
{
	EMIT(IMS_PAGES, action, ims_pages, P(p), (p + 1) * 0x1000000ULL, k.pages[p].npages,
	     k.pages[p].pinned, 1, 2, k.pages[p].mode, k.pages[p].writable);
}

static void say_align(unsigned int s)
{
	EMIT(IMS_ALIGN, 0, ims_align, S(s), k.ioas[s].align, !k.ioas[s].small, 0);
}

static void say_domain(int action, unsigned int d, int rc)
{
	EMIT(IMS_DOMAIN, action, ims_domain, S(k.domain[d].ioas), D(d), k.domain[d].start,
	     k.domain[d].last, 0x40201000, rc, 0);
}

static uint64_t mask(uint64_t first, uint64_t n)
{
	return first >= MOST || !n ? 0 : (n >= 64 ? UINT64_MAX : (1ULL << n) - 1) << first;
}

static void pin(unsigned int p, uint64_t first, uint64_t n)
{
	struct ims_run run = { PFN(p, first), n };

	EMIT(IMS_PIN, IMS_PIN_HELD, ims_pin, P(p), first, n, n, (p + 1) * 0x1000000ULL + first * PG,
	     IMS_PIN_LONGTERM | (k.pages[p].writable ? IMS_PIN_WRITE : 0), 0);
	emit(IMS_PIN_RUNS, 0, &(struct ims_pin_runs){ P(p), first }, &run, 1);
	k.pages[p].pins |= mask(first, n);
	k.pages[p].pinned = __builtin_popcountll(k.pages[p].pins);
}

static void unpin(unsigned int p, uint64_t first, uint64_t n)
{
	struct ims_run run = { PFN(p, first), n };

	emit(IMS_UNPIN, 0, &(struct ims_unpin){ P(p), first,
	     k.pages[p].writable ? IMS_UNPIN_DIRTY : 0, 0 }, &run, 1);
	k.pages[p].pins &= ~mask(first, n);
	k.pages[p].pinned = __builtin_popcountll(k.pages[p].pins);
}

static void charge(unsigned int p)
{
	int64_t delta = k.pages[p].pinned - k.pages[p].charged;

	k.pages[p].charged = k.pages[p].pinned;
	EMIT(IMS_ACCOUNT, 0, ims_account, P(p), delta, k.pages[p].pinned, k.pages[p].charged, 100,
	     1000, 100, k.pages[p].mode, 0);
}

static void dma_map(unsigned int d, unsigned int a)
{
	struct ims_run runs[IMS_MAX_RUNS];
	unsigned int n = 1;

	runs[0] = (struct ims_run){ PFN(k.area[a].pages, k.area[a].first) * PG, k.area[a].n * PG };
	if (k.ioas[k.area[a].ioas].small)
		for (n = 0; n < k.area[a].n && n < IMS_MAX_RUNS; n++)
			runs[n] = (struct ims_run){
				PFN(k.area[a].pages, k.area[a].first + n) * PG, PG };
	emit(IMS_DMA_MAP, 0, &(struct ims_dma_map){ D(d), A(a), k.area[a].iova, k.area[a].prot, 0 },
	     runs, n);
}

static void dma_unmap(unsigned int d, unsigned int a, bool synced)
{
	EMIT(IMS_DMA_UNMAP, 0, ims_dma_unmap, D(d), k.area[a].iova, k.area[a].n * PG,
	     k.area[a].n * PG, synced ? IMS_DMA_SYNCED : 0, 0);
}

/* ---- operations ---- */

static void op_ctx(uint8_t b)
{
	if (b & 0x10)
		k.ctx = b >> 5;
	EMIT(IMS_CTX, b & 0xc ? IMS_CTX_OPEN : b % 4, ims_ctx, .comm = "fuzz");
}

static void op_ioctl(uint8_t b)
{
	k.tid = b >> 4 & 3;
	EMIT(IMS_IOCTL, b & 1 ? IMS_IOCTL_ENTER : IMS_IOCTL_EXIT, ims_ioctl, 0x3b85,
	     b & 8 ? -14 : b & 4 ? -12 : 0);
}

static void op_object(uint8_t b)
{
	EMIT(IMS_OBJECT, 1 + b % 4, ims_object, OBJ(b >> 2), b >> 2 & 7, IMS_T_HWPT_PAGING + (b >> 6));
}

static void op_ioas(uint8_t b)
{
	k.ioas[b % NR].align = 1;
	k.ioas[b % NR].small = false;
	EMIT(IMS_IOAS, 0, ims_ioas, S(b), OBJ(b), b % NR, 0);
}

static void op_hwpt(uint8_t b)
{
	EMIT(IMS_HWPT, 0, ims_hwpt, OBJ(b >> 2), D(b), b & 0x10 ? 0 : S(b >> 2),
	     b & 0x10 ? D(b >> 2) : 0, b % NR, (b >> 4) | IMS_HWPT_PARENT);
}

static void op_pages(uint8_t b)
{
	unsigned int p = b % NR;

	if (b & 0x80) {
		say_pages(IMS_PAGES_FREE, p);
		return;
	}
	memset(&k.pages[p], 0, sizeof(k.pages[p]));
	k.pages[p].npages = 1 + (b >> 2 & 0xf) * 4;
	k.pages[p].mode = IMS_ACCT_USER;
	k.pages[p].writable = b & 0x40;
	say_pages(IMS_PAGES_ALLOC, p);
}

/* Where: area, IOAS, pages object; what of it. */
static void op_area_insert(uint8_t b)
{
	unsigned int a = b % NA, p = b >> 3 & 3;
	uint8_t w = byte();

	k.area[a].ioas = b >> 5 & 3;
	k.area[a].pages = p;
	k.area[a].first = w & 3;
	k.area[a].n = k.pages[p].npages > k.area[a].first ? k.pages[p].npages - k.area[a].first : 1;
	k.area[a].iova = (1 + (w >> 2)) * 0x20000;
	k.area[a].prot = IMS_PROT_READ | IMS_PROT_CACHE | (k.pages[p].writable ? IMS_PROT_WRITE : 0);
	k.area[a].nacc = 0;
	if (b & 0x80)
		EMIT(IMS_IOVA, IMS_IOVA_FIXED + (w & 1), ims_iova, S(k.area[a].ioas), k.area[a].iova,
		     k.area[a].n * PG, (p + 1) * 0x1000000ULL);
	say_area(IMS_AREA_INSERT, a);
}

static void op_area(uint8_t b)
{
	say_area(2 + (b >> 3) % 5, b % NA);
}

static void op_map_end(uint8_t b)
{
	unsigned int a = b % NA;

	EMIT(IMS_MAP, 1 + (b >> 3 & 1), ims_map, S(k.area[a].ioas), S(b >> 4), k.area[a].iova,
	     k.area[a].n * PG, b & 8 ? k.area[byte() % NA].iova : (k.area[a].pages + 1) * 0x1000000ULL,
	     b & 0x40 ? 6 : 7, b & 0x80 ? -28 : 0);
}

static void op_unmap_end(uint8_t b)
{
	unsigned int a = b % NA;

	EMIT(IMS_UNMAP, 1 + (b >> 3 & 1), ims_unmap, S(k.area[a].ioas), k.area[a].iova,
	     k.area[a].iova + k.area[a].n * PG - 1, k.area[a].n * PG, b & 0x10 ? -2 : 0, 0);
}

static void op_split(uint8_t b)
{
	unsigned int a = b % NA, l = (a + 1 + (b >> 6)) % NA, r = (l + 1) % NA;
	uint64_t cut = 1 + (b >> 3 & 7), n = k.area[a].n;

	say_area(IMS_AREA_REMOVE, a);
	k.area[l] = k.area[r] = k.area[a];
	k.area[l].n = cut;
	k.area[r].n = n > cut ? n - cut : 1;
	k.area[r].iova += cut * PG;
	k.area[r].first += cut;
	say_area(IMS_AREA_INSERT, l);
	say_area(IMS_AREA_INSERT, r);
	EMIT(IMS_SPLIT, 0, ims_split, S(k.area[a].ioas), A(a), A(l), A(r), b & 1 ? D(0) : 0, 3, 0);
}

static void op_storage(uint8_t b)
{
	say_storage(b % NA, b >> 3, b & 0x80);
}

static void op_reserve(uint8_t b)
{
	uint64_t start = (b >> 4) * 0x20000ULL;

	EMIT(IMS_RESERVE, 1 + (b & 1), ims_reserve, S(b >> 1), start, start + 0xffff,
	     b & 8 ? X(b >> 1) : 0, b & 0x10 ? -98 : 0, 0);
}

static void op_allow(uint8_t b)
{
	uint64_t start = (b >> 4) * 0x20000ULL;

	EMIT(IMS_ALLOW, 1 + b % 3, ims_allow, S(b >> 2), start, start + 0x1ffff, 0, 0);
}

static void op_region(uint8_t b)
{
	uint64_t start = (b >> 4) * 0x20000ULL;

	EMIT(IMS_DEV_REGION, 0, ims_dev_region, S(b), X(b >> 2), start, start + 0xffff, b & 1, 0);
}

static void op_align(uint8_t b)
{
	k.ioas[b % NR].align = b & 4 ? PG : 1;
	k.ioas[b % NR].small = b & 8;
	say_align(b % NR);
}

static void op_domain(uint8_t b)
{
	unsigned int d = b % NR;

	switch (b >> 6) {
	case 0:
		k.domain[d].ioas = b >> 2 & 3;
		k.domain[d].start = b & 0x10 ? 0x10000 : 0;
		k.domain[d].last = b & 0x20 ? (1ULL << 48) - 1 : UINT64_MAX;
		say_domain(IMS_DOM_ADD_BEGIN, d, 0);
		if (k.domain[d].start)
			EMIT(IMS_RESERVE, IMS_RESV_ADD, ims_reserve, S(k.domain[d].ioas), 0,
			     k.domain[d].start - 1, D(d), 0, 0);
		if (k.domain[d].last != UINT64_MAX)
			EMIT(IMS_RESERVE, IMS_RESV_ADD, ims_reserve, S(k.domain[d].ioas),
			     k.domain[d].last + 1, UINT64_MAX, D(d), 0, 0);
		break;
	case 1:
		k.ioas[k.domain[d].ioas].align = PG;
		say_align(k.domain[d].ioas);
		say_domain(IMS_DOM_ADD_END, d, b & 4 ? -12 : 0);
		break;
	case 2:
		say_domain(IMS_DOM_DEL_BEGIN, d, 0);
		break;
	default:
		if (k.domain[d].last != UINT64_MAX)
			EMIT(IMS_RESERVE, IMS_RESV_DEL, ims_reserve, S(k.domain[d].ioas),
			     k.domain[d].last + 1, UINT64_MAX, D(d), 0, 0);
		if (k.domain[d].start)
			EMIT(IMS_RESERVE, IMS_RESV_DEL, ims_reserve, S(k.domain[d].ioas), 0,
			     k.domain[d].start - 1, D(d), 0, 0);
		say_align(k.domain[d].ioas);
		say_domain(IMS_DOM_DEL_END, d, 0);
	}
}

static void op_dma_map(uint8_t b)
{
	dma_map(b >> 3, b % NA);
}

static void op_dma_unmap(uint8_t b)
{
	dma_unmap(b >> 3, b % NA, b & 0x80);
}

static void op_sync(uint8_t b)
{
	EMIT(IMS_IOTLB_SYNC, 0, ims_iotlb_sync, D(b));
}

static void op_pin(uint8_t b)
{
	pin(b % NR, b >> 2 & 7, 1 + (b >> 5) * 3);
}

static void op_pin_alone(uint8_t b)
{
	EMIT(IMS_PIN, 1 + (b >> 7), ims_pin, P(b), b >> 2 & 7, 1 + (b >> 5 & 3), 1 + (b >> 5 & 3),
	     (b % NR + 1) * 0x1000000ULL + (b >> 2 & 7) * PG, 3, 0);
}

static void op_pin_runs(uint8_t b)
{
	struct ims_run runs[IMS_MAX_RUNS];
	unsigned int n = byte() % (IMS_MAX_RUNS + 1);

	for (unsigned int i = 0; i < n; i++)
		runs[i] = (struct ims_run){ PFN(b, 2 * i), 1 };
	emit(b & 0x80 ? IMS_UNPIN : IMS_PIN_RUNS, 0, &(uint64_t[3]){ P(b), b >> 2 & 7, 1 }, runs, n);
}

static void op_unpin(uint8_t b)
{
	unpin(b % NR, b >> 2 & 7, 1 + (b >> 5) * 3);
}

static void op_xarray(uint8_t b)
{
	EMIT(IMS_XARRAY, 1 + (b & 1), ims_xarray, P(b >> 1), b >> 3 & 7, (b >> 3 & 7) + (b >> 6));
}

static void op_charge(uint8_t b)
{
	charge(b % NR);
}

static void op_rlimit(uint8_t b)
{
	EMIT(IMS_RLIMIT_MODE, 0, ims_rlimit_mode, 1 + (b & 1), b & 2 ? -16 : 0);
}

static void op_device(uint8_t b)
{
	EMIT(IMS_DEVICE, 1 + b % 5, ims_device, .dev = X(b >> 3), .domain = D(b >> 5), .id = b >> 3 & 3,
	     .group = b >> 4 & 1, .rc = b >= 0xf0 ? -16 : 0, .handle = b >> 5 & 3, .name = "mock");
}

static void op_access(uint8_t b)
{
	EMIT(IMS_ACCESS, 1 + (b & 1), ims_access, S(b >> 1), X(b >> 3), b & 0x20 ? PG : 1, 1, 0);
}

static void op_access_range(uint8_t b)
{
	unsigned int a = b % NA, p = k.area[a].pages;
	uint64_t first = k.area[a].first + (b >> 4 & 3), last = first + (b >> 6);
	bool out = b & 8;

	k.area[a].nacc += out ? -1 : 1;
	k.pages[p].users += out ? -1 : 1;
	EMIT(IMS_ACCESS_RANGE, 1 + out, ims_access_range, A(a), P(p), first, last, k.pages[p].users,
	     k.area[a].nacc, 0, 0);
}

static void op_access_op(uint8_t b)
{
	unsigned int a = b % NA;

	EMIT(IMS_ACCESS_OP, 1 + (b >> 3) % 5, ims_access_op, S(k.area[a].ioas), X(b), k.area[a].iova,
	     k.area[a].n * PG, 0, 0);
}

static void op_fault(uint8_t b)
{
	EMIT(IMS_FAULT, 1 + b % 6, ims_fault, 0xfa + (b >> 7), OBJ(b >> 3), b >> 5 & 3, 1, 1);
}

static void op_loss(uint8_t b)
{
	k.ring = b >> 6;
	if (b & 1)
		k.lost += b >> 1 & 1;
	else if (b & 2)
		emit(IMS_LOSS, 0, &(struct ims_loss){ { b & 4, b & 8 } }, NULL, 0);
}

/* What was not guessed above: any kind, fields from a few. */
static void op_any(uint8_t b)
{
	static const uint64_t base[] = { 0x5000, 0xd000, 0xa000, 0xb000, 0xe000, 0xf000 };
	uint64_t field[16];
	uint8_t kind = b % IMS_NR_KINDS, w = byte();

	for (unsigned int i = 0; i < ims_payload_size(kind) / 8; i++) {
		uint8_t c = byte();

		field[i] = c & 0x80 ? base[c % 6] + (c >> 3 & 7) * 8 : odd(c * 2);
	}
	emit(kind, w % 8, field, NULL, 0);
}

/* All of a map that goes well, and of its unmap, in one domain or none. */
static void op_good_map(uint8_t b)
{
	unsigned int a = b % NA, d = b >> 5 & 3, p;

	op_area_insert(b);
	p = k.area[a].pages;
	if (!(b & 0x80) && !k.pages[p].pins) {
		pin(p, k.area[a].first, k.area[a].n);
		dma_map(d, a);
		charge(p);
		say_storage(a, d, false);
	}
	say_area(IMS_AREA_READY, a);
}

static void op_good_unmap(uint8_t b)
{
	unsigned int a = b % NA, d = b >> 5 & 3, p = k.area[a].pages;

	say_area(IMS_AREA_DYING, a);
	if (!(b & 0x80)) {
		say_storage(a, 0, true);
		dma_unmap(d, a, true);
		unpin(p, k.area[a].first, k.area[a].n);
		charge(p);
	}
	say_area(IMS_AREA_FREE, a);
}

static void (*const ops[])(uint8_t b) = {
	op_good_map, op_good_unmap, op_ioctl, op_object, op_ioas, op_hwpt, op_pages, op_area_insert,
	op_area, op_map_end, op_unmap_end, op_split, op_storage, op_reserve, op_allow, op_region,
	op_align, op_domain, op_dma_map, op_dma_unmap, op_sync, op_pin, op_pin_alone, op_pin_runs,
	op_unpin, op_xarray, op_charge, op_rlimit, op_device, op_access, op_access_range,
	op_access_op, op_fault, op_loss, op_any, op_ctx,
};

static void operations(void)
{
	memset(&k, 0, sizeof(k));
	k.lie = -1;
	EMIT(IMS_CTX, IMS_CTX_OPEN, ims_ctx, .comm = "fuzz");
	while (in.at < in.end && fed < MAX_RECORDS) {
		uint8_t op = byte();

		if (op & 0x80) {
			k.lie = byte();
			k.lie_value = odd(byte());
		}
		ops[op % 0x80 % (sizeof(ops) / sizeof(*ops))](byte());
	}
}

/* ---- records as they are ---- */

static void raw_records(void)
{
	while (in.end - in.at >= (ptrdiff_t)sizeof(struct ims_hdr)) {
		struct ims_hdr h;
		size_t size, left = in.end - in.at;
		void *r;

		memcpy(&h, in.at, sizeof(h));
		size = sizeof(h) + ims_payload_size(h.kind) + h.nruns * sizeof(struct ims_run);
		r = calloc(1, size);
		if (!r)
			return;
		memcpy(r, in.at, size < left ? size : left);
		in.at += size < left ? size : left;
		ims_verifier_feed(v, r);
		free(r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	v = fuzz_verifier(0, size && data[size - 1] == 0x7f ?
			     1ULL << IMS_RESERVE | 1ULL << IMS_XARRAY : 0);
	in.at = data;
	in.end = data + size;
	fed = 0;
	if (size && data[0] == 0xff) {
		in.at++;
		raw_records();
	} else {
		operations();
	}
	fuzz_verdict(v);
	return 0;
}
