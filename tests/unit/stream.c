// SPDX-License-Identifier: GPL-2.0-only
/* See stream.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

/* ---- the frame ---- */

static bool fits(const struct stream *s, unsigned int i, const struct ims_violation *viol)
{
	return !s->expect[i].fired && !strcmp(s->expect[i].rule, viol->rule) &&
	       (!s->expect[i].text || strstr(viol->text, s->expect[i].text));
}

static void on_violation(void *arg, const struct ims_violation *viol)
{
	struct stream *s = arg;

	s->violations++;
	snprintf(s->last, sizeof(s->last), "%s", viol->text);
	snprintf(s->object, sizeof(s->object), "%s", viol->object);
	s->nhistory = viol->nhistory;
	assert_true(viol->seq == s->seq);
	assert_true(viol->nhistory > 0);
	assert_true(viol->history[viol->nhistory - 1]->h.seq == s->seq);
	for (unsigned int i = 0; i < s->nexpect; i++)
		if (fits(s, i, viol)) {
			s->expect[i].fired = true;
			return;
		}
	if (s->may_violate)
		return;
	fail_msg("record %llu broke %s: %s", (unsigned long long)s->seq, viol->rule, viol->text);
}

struct stream *stream_new_opts(const struct ims_verifier_opts *opts)
{
	struct ims_verifier_opts o = *opts;
	struct stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	o.on_violation = on_violation;
	o.arg = s;
	s->v = ims_verifier_new(&o);
	assert_non_null(s->v);
	s->ctx = C1;
	s->tid = 1;
	s->mode = IMS_ACCT_USER;
	s->limit = 1 << 20;
	s->writable = true;
	s->pgsize = 0x40201000;
	return s;
}

struct stream *stream_new(void)
{
	return stream_new_opts(&(struct ims_verifier_opts){ 0 });
}

void stream_end_as(struct stream *s, enum ims_verdict verdict)
{
	struct ims_summary sum;

	ims_verifier_summary(s->v, &sum);
	if (sum.verdict != verdict)
		fail_msg("the verdict is %s: %s", ims_verdict_name(sum.verdict), sum.why);
	assert_int_equal(sum.violations, s->violations);
	ims_verifier_free(s->v);
	free(s);
}

void stream_end(struct stream *s)
{
	stream_end_as(s, s->violations ? IMS_FAIL : IMS_PASS);
}

void thread(struct stream *s, uint32_t tid)
{
	s->tid = tid;
}

void stream_expect(struct stream *s, const char *rule, const char *text)
{
	assert_true(s->nexpect < B_EXPECT);
	if (!s->nexpect)
		s->fed = 0;
	s->expect[s->nexpect].rule = rule;
	s->expect[s->nexpect].text = text;
	s->expect[s->nexpect++].fired = false;
}

void stream_met(struct stream *s)
{
	if (s->fed != 1)
		fail_msg("%u records were fed where one should break a rule", s->fed);
	for (unsigned int i = 0; i < s->nexpect; i++)
		if (!s->expect[i].fired)
			fail_msg("record %llu does not break %s with \"%s\"",
				 (unsigned long long)s->seq, s->expect[i].rule,
				 s->expect[i].text ? s->expect[i].text : "");
	s->nexpect = 0;
}

#ifndef STREAM_OWN_FEED
static void check_sane(struct stream *s)
{
	struct ims_summary sum;

	if (s->may_contradict)
		return;
	ims_verifier_summary(s->v, &sum);
	if (sum.inconsistent)
		fail_msg("record %llu: %s", (unsigned long long)s->seq, sum.why);
}

void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns)
{
	size_t size = ims_payload_size(kind);
	/* no byte more than the record has: reading on is seen by ASan */
	struct ims_record *r = malloc(sizeof(r->h) + size + nruns * sizeof(*runs));

	assert_non_null(r);
	r->h = (struct ims_hdr){ .ktime_ns = ++s->seq, .ctx = s->ctx, .seq = s->seq,
				 .tgid = s->tid, .tid = s->tid, .kind = kind, .action = action,
				 .ring = s->ring, .nruns = nruns, .lost = s->lost };
	memcpy((char *)r + sizeof(r->h), payload, size);
	if (nruns)
		memcpy((char *)r + sizeof(r->h) + size, runs, nruns * sizeof(*runs));
	s->fed++;
	ims_verifier_feed(s->v, r);
	free(r);
	check_sane(s);
}
#endif

#define FEED(s, KIND, action, type, ...) \
	feed(s, KIND, action, &(struct type){ __VA_ARGS__ }, NULL, 0)
#define FEED_RUNS(s, KIND, runs, nruns, type, ...) \
	feed(s, KIND, 0, &(struct type){ __VA_ARGS__ }, runs, nruns)

/* ---- one record each ---- */

#define P_COOKIE(P) ((P) ? 0xb00000 + (uint64_t)(P) : 0)

void r_ctx(struct stream *s, int action)
{
	FEED(s, IMS_CTX, action, ims_ctx, .comm = "story", .mm = 0x1111);
}

void r_object(struct stream *s, int action, uint32_t id)
{
	FEED(s, IMS_OBJECT, action, ims_object, 0x0b1ec7000000 + id, id, IMS_T_SELFTEST);
}

void r_ioas(struct stream *s, uint64_t S, uint32_t id)
{
	FEED(s, IMS_IOAS, 0, ims_ioas, S, 0x0b1ec7000000 + id, id, 0);
}

void r_hwpt(struct stream *s, uint64_t D, uint64_t S, uint64_t parent, uint32_t flags)
{
	FEED(s, IMS_HWPT, 0, ims_hwpt, 0x0b1ec8000000 + D, D, S, parent, (uint32_t)D, flags);
}

void r_map(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
	   uint64_t uptr, uint32_t flags, int rc)
{
	FEED(s, IMS_MAP, action, ims_map, S, 0, iova, length, uptr, flags, rc);
}

void r_unmap(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t last,
	     uint64_t unmapped, int rc)
{
	FEED(s, IMS_UNMAP, action, ims_unmap, S, iova, last, unmapped, rc, 0);
}

void r_iova(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
	    uint64_t hint)
{
	FEED(s, IMS_IOVA, action, ims_iova, S, iova, length, hint);
}

void r_area(struct stream *s, int action, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
	    uint64_t len, uint64_t start_byte, uint32_t prot)
{
	FEED(s, IMS_AREA, action, ims_area, S, A, P_COOKIE(P), iova, iova + len - 1, start_byte,
	     prot, 0);
}

void r_split(struct stream *s, uint64_t S, uint64_t A, uint64_t L, uint64_t R,
	     uint64_t storage, uint32_t flags)
{
	FEED(s, IMS_SPLIT, 0, ims_split, S, A, L, R, storage, flags, 0);
}

void r_storage(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t D)
{
	FEED(s, IMS_STORAGE, 0, ims_storage, S, A, P_COOKIE(P), D);
}

void r_pages(struct stream *s, int action, uint64_t P, uint64_t npages, uint64_t npinned,
	     uint32_t mode, bool writable)
{
	FEED(s, IMS_PAGES, action, ims_pages, P_COOKIE(P), P << 32, npages, npinned, 0x1111,
	     0x2222, mode, writable);
}

void r_reserve(struct stream *s, int action, uint64_t S, uint64_t start, uint64_t last,
	       uint64_t owner, int rc)
{
	FEED(s, IMS_RESERVE, action, ims_reserve, S, start, last, owner, rc, 0);
}

void r_allow(struct stream *s, int action, uint64_t S, uint64_t start, uint64_t last, int rc)
{
	FEED(s, IMS_ALLOW, action, ims_allow, S, start, last, rc, 0);
}

void r_region(struct stream *s, uint64_t S, uint64_t X, uint64_t start, uint64_t last, int type)
{
	FEED(s, IMS_DEV_REGION, 0, ims_dev_region, S, X, start, last, type, 0);
}

void r_align(struct stream *s, uint64_t S, uint64_t align, bool large)
{
	FEED(s, IMS_ALIGN, 0, ims_align, S, align, large, 0);
}

/* What iopt_calculate_iova_alignment() says before the END of @D. */
static void say_align(struct stream *s, uint64_t S, uint64_t D, bool added)
{
	uint64_t low = s->pgsize & -s->pgsize;
	bool small = false;

	for (struct b_ioas *io = s->ioases; io < s->ioases + B_NAMES; io++)
		if (io->name == S) {
			small = io->small;
			for (unsigned int i = 0; i < io->n; i++)
				added |= io->d[i].name != D;
		}
	r_align(s, S, small ? PG : added ? low : 1, !small);
	s->fed--;
}

void r_domain(struct stream *s, int action, uint64_t S, uint64_t D, uint64_t start,
	      uint64_t last, int rc)
{
	if ((action == IMS_DOM_ADD_END && !rc) || action == IMS_DOM_DEL_END)
		say_align(s, S, D, action == IMS_DOM_ADD_END);
	FEED(s, IMS_DOMAIN, action, ims_domain, S, D, start, last, s->pgsize, rc, 0);
}

void r_dma_map(struct stream *s, uint64_t D, uint64_t A, uint64_t iova, uint32_t prot, int rc,
	       const struct ims_run *runs, unsigned int nruns)
{
	FEED_RUNS(s, IMS_DMA_MAP, runs, nruns, ims_dma_map, D, A, iova, prot, rc);
}

void r_dma_unmap(struct stream *s, uint64_t D, uint64_t iova, uint64_t size, uint64_t unmapped,
		 bool synced)
{
	FEED(s, IMS_DMA_UNMAP, 0, ims_dma_unmap, D, iova, size, unmapped,
	     synced ? IMS_DMA_SYNCED : 0, 0);
}

void r_sync(struct stream *s, uint64_t D)
{
	FEED(s, IMS_IOTLB_SYNC, 0, ims_iotlb_sync, D);
}

static bool is_writable(const struct stream *s, uint64_t P)
{
	for (const struct b_pages *p = s->pages; p < s->pages + B_NAMES; p++)
		if (p->name == P)
			return p->writable;
	return true;
}

void r_pin(struct stream *s, uint64_t P, uint64_t index, int64_t got)
{
	FEED(s, IMS_PIN, IMS_PIN_HELD, ims_pin, P_COOKIE(P), index, got > 0 ? got : 1, got,
	     (P << 32) + index * PG,
	     IMS_PIN_LONGTERM | (is_writable(s, P) ? IMS_PIN_WRITE : 0), 0);
}

void r_pin_transient(struct stream *s, uint64_t P, uint64_t index)
{
	FEED(s, IMS_PIN, IMS_PIN_TRANSIENT, ims_pin, P_COOKIE(P), index, 1, 1,
	     (P << 32) + index * PG, IMS_PIN_REMOTE, 0);
}

void r_pin_runs(struct stream *s, uint64_t P, uint64_t index, const struct ims_run *runs,
		unsigned int nruns)
{
	FEED_RUNS(s, IMS_PIN_RUNS, runs, nruns, ims_pin_runs, P_COOKIE(P), index);
}

void r_unpin(struct stream *s, uint64_t P, uint64_t index, uint32_t flags,
	     const struct ims_run *runs, unsigned int nruns)
{
	FEED_RUNS(s, IMS_UNPIN, runs, nruns, ims_unpin, P_COOKIE(P), index, flags, 0);
}

void r_xarray(struct stream *s, int action, uint64_t P, uint64_t index, uint64_t last)
{
	FEED(s, IMS_XARRAY, action, ims_xarray, P_COOKIE(P), index, last);
}

void r_account(struct stream *s, uint64_t P, uint32_t mode, int64_t delta, uint64_t npinned,
	       uint64_t last_npinned, int rc)
{
	FEED(s, IMS_ACCOUNT, 0, ims_account, P_COOKIE(P), delta, npinned, last_npinned,
	     s->counter, s->limit, s->counter, mode, rc);
}

void r_device(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
	      uint64_t old, int rc)
{
	FEED(s, IMS_DEVICE, action, ims_device, .dev = X, .domain = D, .old_domain = old,
	     .id = X, .hwpt = D, .group = group, .rc = rc, .name = "mock0");
}

static uint32_t *acc_users(struct stream *s, uint64_t P, uint64_t index, uint64_t last)
{
	unsigned int i, free = B_NAMES;

	for (i = 0; i < B_NAMES; i++) {
		if (!s->accesses[i].users)
			free = i;
		else if (s->accesses[i].P == P && s->accesses[i].index == index &&
			 s->accesses[i].last == last)
			return &s->accesses[i].users;
	}
	assert_true(free < B_NAMES);
	s->accesses[free].P = P;
	s->accesses[free].index = index;
	s->accesses[free].last = last;
	return &s->accesses[free].users;
}

static uint32_t *acc_of_area(struct stream *s, uint64_t A)
{
	unsigned int i, free = B_NAMES;

	for (i = 0; i < B_NAMES; i++) {
		if (s->nacc[i].name == A)
			return &s->nacc[i].n;
		if (!s->nacc[i].name)
			free = i;
	}
	assert_true(free < B_NAMES);
	s->nacc[free].name = A;
	return &s->nacc[free].n;
}

void r_access_range(struct stream *s, int action, uint64_t A, uint64_t P, uint64_t index,
		    uint64_t last, int rc)
{
	uint32_t *users = acc_users(s, P, index, last), *n = acc_of_area(s, A), after;
	int step = rc ? 0 : action == IMS_ACC_RANGE_PIN ? 1 : -1;

	*n += step;
	*users += step;
	after = rc ? 0 : *users;
	FEED(s, IMS_ACCESS_RANGE, action, ims_access_range, A, P_COOKIE(P), index, last, after, *n,
	     0, rc);
}

void r_access_op(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length)
{
	FEED(s, IMS_ACCESS_OP, action, ims_access_op, S, 0xacce55, iova, length, 0, 0);
}

void r_ioctl(struct stream *s, int action, int rc)
{
	FEED(s, IMS_IOCTL, action, ims_ioctl, 0x3b85, rc);
}

void r_loss(struct stream *s, uint64_t ctx, int class, uint64_t n)
{
	struct ims_loss l = { { 0 } };
	uint64_t own = s->ctx;

	l.lost[class] = n;
	s->ctx = ctx;
	feed(s, IMS_LOSS, 0, &l, NULL, 0);
	s->ctx = own;
}

void r_end(struct stream *s)
{
	FEED(s, IMS_END, 0, ims_end, s->seq);
}

/* ---- names ---- */

#define FIND(array, named) ({						\
		unsigned int i_;					\
		for (i_ = 0; i_ < B_NAMES && (array)[i_].name != (named); i_++)	\
			;						\
		if (i_ == B_NAMES)					\
			fail_msg("the story has no %s %#llx", #array,	\
				 (unsigned long long)(named));		\
		&(array)[i_]; })
#define TAKE(array, n) ({						\
		typeof(&(array)[0]) e_ = FIND(array, 0ULL);		\
		memset(e_, 0, sizeof(*e_));				\
		e_->name = (n);						\
		e_; })

static uint64_t pfn_at(const struct b_pages *p, uint64_t index)
{
	return PFN(p->name) + index + (p->chunk ? index / p->chunk * 0x100 : 0);
}

uint64_t pfn_of(struct stream *s, uint64_t P, uint64_t index)
{
	return pfn_at(FIND(s->pages, P), index);
}

static uint64_t first_index(const struct b_area *a)
{
	return a->start_byte / PG;
}

static uint64_t last_index(const struct b_area *a)
{
	return (a->start_byte + a->len - 1) / PG;
}

static uint64_t iova_of(const struct b_area *a, uint64_t index)
{
	if (index == first_index(a))
		return a->iova;
	return a->iova - a->start_byte % PG + (index - first_index(a)) * PG;
}

static uint64_t iova_end(const struct b_area *a, uint64_t index)
{
	return index == last_index(a) ? a->iova + a->len : iova_of(a, index + 1);
}

/* ---- runs ---- */

/* At most 32 runs from [*index, last]; *index moves behind them. */
static unsigned int take_runs(const struct b_pages *p, uint64_t *index, uint64_t last,
			      bool small, struct ims_run *runs)
{
	unsigned int n = 0;

	for (; *index <= last; ++*index) {
		uint64_t pfn = pfn_at(p, *index);

		if (!small && n && runs[n - 1].addr + runs[n - 1].len == pfn) {
			runs[n - 1].len++;
			continue;
		}
		if (n == IMS_MAX_RUNS)
			break;
		runs[n++] = (struct ims_run){ pfn, 1 };
	}
	return n;
}

static void do_pin(struct stream *s, struct b_pages *p, uint64_t first, uint64_t last)
{
	struct ims_run runs[IMS_MAX_RUNS];

	r_pin(s, p->name, first, last - first + 1);
	for (uint64_t at = first; at <= last;) {
		uint64_t from = at;
		unsigned int n = take_runs(p, &at, last, false, runs);

		r_pin_runs(s, p->name, from, runs, n);
	}
	memset(p->pin + first, 1, last - first + 1);
	p->pinned += last - first + 1;
}

static void do_unpin(struct stream *s, struct b_pages *p, uint64_t first, uint64_t last)
{
	struct ims_run runs[IMS_MAX_RUNS];

	for (uint64_t at = first; at <= last;) {
		uint64_t from = at;
		unsigned int n = take_runs(p, &at, last, false, runs);

		r_unpin(s, p->name, from, p->writable ? IMS_UNPIN_DIRTY : 0, runs, n);
	}
	memset(p->pin + first, 0, last - first + 1);
	p->pinned -= last - first + 1;
}

static void pin_holes(struct stream *s, struct b_pages *p, uint64_t first, uint64_t last)
{
	for (uint64_t i = first, e; i <= last; i = e) {
		for (e = i; e <= last && p->pin[e] == p->pin[i]; e++)
			;
		if (!p->pin[i])
			do_pin(s, p, i, e - 1);
	}
}

static void do_map(struct stream *s, const struct b_area *a, uint64_t D, bool small)
{
	struct ims_run runs[IMS_MAX_RUNS];

	for (uint64_t at = first_index(a); at <= last_index(a);) {
		uint64_t from = at, skip = from == first_index(a) ? a->start_byte % PG : 0;
		unsigned int n = take_runs(a->p, &at, last_index(a), small, runs);

		for (unsigned int i = 0; i < n; i++) {
			runs[i].addr *= PG;
			runs[i].len *= PG;
		}
		runs[0].addr += skip;
		runs[0].len -= skip;
		if (at > last_index(a))
			runs[n - 1].len -= iova_of(a, from) - skip + (at - from) * PG -
					   iova_end(a, at - 1);
		r_dma_map(s, D, a->name, iova_of(a, from), a->prot, 0, runs, n);
	}
}

static void unmap_pages(struct stream *s, const struct b_area *a, uint64_t D, uint64_t first,
			uint64_t last)
{
	uint64_t size = iova_end(a, last) - iova_of(a, first);

	r_dma_unmap(s, D, iova_of(a, first), size, size, true);
}

static bool used(const struct b_pages *p, uint64_t i)
{
	return p->dom[i] || p->acc[i];
}

/* __iopt_area_unfill_domain(): unmap to the next cut, then unpin what nobody uses. */
static void do_unfill(struct stream *s, const struct b_area *a, uint64_t D)
{
	uint64_t last = last_index(a), unmapped = first_index(a), i = unmapped, from, to;
	struct b_pages *p = a->p;

	while (i <= last) {
		if (used(p, i)) {
			i++;
			continue;
		}
		for (from = i; i <= last && !used(p, i); i++)
			;
		for (to = i - 1; to < last && pfn_at(p, to + 1) == pfn_at(p, to) + 1; to++)
			;
		if (unmapped <= i - 1) {
			unmap_pages(s, a, D, unmapped, to);
			unmapped = to + 1;
		}
		do_unpin(s, p, from, i - 1);
	}
	if (unmapped <= last)
		unmap_pages(s, a, D, unmapped, last);
	charge(s, p->name);
}

static void in_domains(struct b_area *a, bool in)
{
	if (a->stored == in)
		return;
	a->stored = in;
	for (uint64_t i = first_index(a); i <= last_index(a); i++)
		a->p->dom[i] += in ? 1 : -1;
}

void charge(struct stream *s, uint64_t P)
{
	struct b_pages *p = FIND(s->pages, P);
	int64_t delta = p->pinned - p->charged;

	if (!delta)
		return;
	if (p->mode != IMS_ACCT_NONE)
		s->counter += delta;
	p->charged = p->pinned;
	r_account(s, P, p->mode, delta, p->pinned, p->charged, 0);
}

/* ---- life ---- */

void ctx_open(struct stream *s)
{
	r_ctx(s, IMS_CTX_OPEN);
}

void ctx_close(struct stream *s)
{
	r_ctx(s, IMS_CTX_RELEASE);
	r_ctx(s, IMS_CTX_FREED);
}

void ioas_new(struct stream *s, uint64_t S, uint32_t id)
{
	TAKE(s->ioases, S);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_ALLOC, id);
	r_ioas(s, S, id);
	r_object(s, IMS_OBJ_FINALIZE, id);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
}

void ioas_destroy(struct stream *s, uint64_t S, uint32_t id)
{
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_object(s, IMS_OBJ_DESTROY, id);
	r_unmap(s, IMS_UNMAP_IOPT, S, 0, UINT64_MAX, 0, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	FIND(s->ioases, S)->name = 0;
}

void large_pages(struct stream *s, uint64_t S, bool on)
{
	struct b_ioas *io = FIND(s->ioases, S);

	io->small = !on;
	r_align(s, S, !on ? PG : io->n ? s->pgsize & -s->pgsize : 1, on);
}

struct stream *with_ioas(void)
{
	struct stream *s = stream_new();

	ctx_open(s);
	ioas_new(s, S1, 1);
	return s;
}

struct stream *with_domain(void)
{
	struct stream *s = with_ioas();

	domain_add(s, S1, D1, 0, APERTURE_48);
	return s;
}

struct stream *with_mock_domain(void)
{
	struct stream *s = with_ioas();

	s->pgsize = 0x800;
	domain_add(s, S1, D1, 0, APERTURE_48);
	return s;
}

void end_with_ioas(struct stream *s)
{
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	stream_end(s);
}

void end_with_domain(struct stream *s)
{
	domain_del(s, S1, D1);
	end_with_ioas(s);
}

/* ---- domains ---- */

static struct b_area *area_next(struct stream *s, uint64_t S, const struct b_area *prev)
{
	struct b_area *next = NULL;

	for (struct b_area *a = s->areas; a < s->areas + B_NAMES; a++)
		if (a->name && a->ioas == S && (!prev || a->iova > prev->iova) &&
		    (!next || a->iova < next->iova))
			next = a;
	return next;
}

void domain_add_begin(struct stream *s, uint64_t S, uint64_t D, uint64_t start, uint64_t last)
{
	struct b_ioas *io = FIND(s->ioases, S);

	io->d[io->n++] = (struct b_domain){ D, start, last };
	r_domain(s, IMS_DOM_ADD_BEGIN, S, D, start, last, 0);
	if (start)
		r_reserve(s, IMS_RESV_ADD, S, 0, start - 1, D, 0);
	if (last != UINT64_MAX)
		r_reserve(s, IMS_RESV_ADD, S, last + 1, UINT64_MAX, D, 0);
	for (struct b_area *a = area_next(s, S, NULL); a; a = area_next(s, S, a)) {
		pin_holes(s, a->p, first_index(a), last_index(a));
		do_map(s, a, D, io->small);
		charge(s, a->p->name);
		if (!a->stored)
			r_storage(s, S, a->name, a->p->name, D);
		in_domains(a, true);
	}
}

void domain_add_end(struct stream *s, uint64_t S, uint64_t D)
{
	struct b_ioas *io = FIND(s->ioases, S);
	struct b_domain *d = &io->d[io->n - 1];

	r_domain(s, IMS_DOM_ADD_END, S, D, d->start, d->last, 0);
}

void domain_add(struct stream *s, uint64_t S, uint64_t D, uint64_t start, uint64_t last)
{
	domain_add_begin(s, S, D, start, last);
	domain_add_end(s, S, D);
}

void domain_del(struct stream *s, uint64_t S, uint64_t D)
{
	struct b_ioas *io = FIND(s->ioases, S);
	unsigned int at;
	struct b_domain d;

	for (at = 0; at < io->n && io->d[at].name != D; at++)
		;
	assert_true(at < io->n);
	d = io->d[at];
	io->d[at] = io->d[--io->n];	/* the last moves into the hole */
	r_domain(s, IMS_DOM_DEL_BEGIN, S, D, d.start, d.last, 0);
	for (struct b_area *a = area_next(s, S, NULL); a; a = area_next(s, S, a)) {
		if (io->n) {
			r_storage(s, S, a->name, a->p->name, io->d[0].name);
			unmap_pages(s, a, D, first_index(a), last_index(a));
			continue;
		}
		in_domains(a, false);
		r_storage(s, S, a->name, a->p->name, 0);
		do_unfill(s, a, D);
	}
	if (d.start)
		r_reserve(s, IMS_RESV_DEL, S, 0, d.start - 1, D, 0);
	if (d.last != UINT64_MAX)
		r_reserve(s, IMS_RESV_DEL, S, d.last + 1, UINT64_MAX, D, 0);
	r_domain(s, IMS_DOM_DEL_END, S, D, d.start, d.last, 0);
}

/* ---- map ---- */

void pages_new(struct stream *s, uint64_t P, uint64_t npages)
{
	struct b_pages *p = TAKE(s->pages, P);

	assert_true(npages <= B_PAGES);
	p->npages = npages;
	p->uptr = P << 32;
	p->mode = s->mode;
	p->writable = s->writable;
	p->chunk = s->chunk;
	r_pages(s, IMS_PAGES_ALLOC, P, npages, 0, p->mode, p->writable);
}

void area_new(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t len,
	      uint64_t start_byte, uint32_t prot)
{
	struct b_area *a = TAKE(s->areas, A);

	*a = (struct b_area){ A, S, iova, len, start_byte, FIND(s->pages, P), prot, false };
	a->p->areas++;
	r_area(s, IMS_AREA_INSERT, S, A, P, iova, len, start_byte, prot);
}

void map_begin(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
	       uint64_t npages)
{
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	pages_new(s, P, npages);
	r_iova(s, IMS_IOVA_FIXED, S, iova, npages * PG, P << 32);
	area_new(s, S, A, P, iova, npages * PG, 0, s->writable ? RW : RO);
}

void area_fill(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);
	struct b_ioas *io = FIND(s->ioases, a->ioas);

	if (!io->n)
		return;
	pin_holes(s, a->p, first_index(a), last_index(a));
	for (unsigned int i = 0; i < io->n; i++)
		do_map(s, a, io->d[i].name, io->small);
	charge(s, a->p->name);
	in_domains(a, true);
	r_storage(s, a->ioas, A, a->p->name, io->d[0].name);
}

void area_ready(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);

	r_area(s, IMS_AREA_READY, a->ioas, A, a->p->name, a->iova, a->len, a->start_byte, a->prot);
}

void map_end(struct stream *s, uint64_t A, int rc)
{
	struct b_area *a = FIND(s->areas, A);

	r_map(s, IMS_MAP_USER, a->ioas, a->iova, a->len, a->p->uptr, 7, rc);
	r_ioctl(s, IMS_IOCTL_EXIT, rc);
}

void map(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t npages)
{
	map_begin(s, S, A, P, iova, npages);
	area_fill(s, A);
	area_ready(s, A);
	map_end(s, A, 0);
}

void copy(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t len,
	  uint64_t start_byte)
{
	struct b_pages *p = FIND(s->pages, P);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	r_iova(s, IMS_IOVA_FIXED, S, iova, len, p->uptr + start_byte);
	area_new(s, S, A, P, iova, len, start_byte, p->writable ? RW : RO);
	area_fill(s, A);
	area_ready(s, A);
	r_map(s, IMS_MAP_COPY, S, iova, len, 0, 7, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
}

void map_refused(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova,
		 uint64_t npages)
{
	struct b_ioas *io = FIND(s->ioases, S);
	struct b_area *a;

	map_begin(s, S, A, P, iova, npages);
	a = FIND(s->areas, A);
	pin_holes(s, a->p, first_index(a), last_index(a));
	for (unsigned int i = 0; i < io->n; i++)
		do_map(s, a, io->d[i].name, io->small);
	r_account(s, P, a->p->mode, a->p->pinned, a->p->pinned, 0, -12);
	for (unsigned int i = 0; i + 1 < io->n; i++)
		unmap_pages(s, a, io->d[i].name, first_index(a), last_index(a));
	do_unfill(s, a, io->d[io->n - 1].name);
	area_gone(s, A);
	pages_put(s, P);
	r_map(s, IMS_MAP_USER, S, iova, npages * PG, P << 32, 7, -12);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
}

/* ---- unmap ---- */

void area_dying(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);

	r_area(s, IMS_AREA_DYING, a->ioas, A, a->p->name, a->iova, a->len, a->start_byte, a->prot);
}

void area_leaves(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);

	area_dying(s, A);
	r_storage(s, a->ioas, A, a->p->name, 0);
}

void area_unfill(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);
	struct b_ioas *io = FIND(s->ioases, a->ioas);

	if (!a->stored)
		return;
	for (unsigned int i = 1; i < io->n; i++)
		unmap_pages(s, a, io->d[i].name, first_index(a), last_index(a));
	in_domains(a, false);
	r_storage(s, a->ioas, A, a->p->name, 0);
	do_unfill(s, a, io->d[0].name);
}

void area_gone(struct stream *s, uint64_t A)
{
	struct b_area *a = FIND(s->areas, A);

	r_area(s, IMS_AREA_FREE, a->ioas, A, 0, a->iova, a->len, a->start_byte, a->prot);
	a->p->areas--;
	a->name = 0;
}

void pages_put(struct stream *s, uint64_t P)
{
	struct b_pages *p = FIND(s->pages, P);

	if (p->areas)
		return;
	r_pages(s, IMS_PAGES_FREE, P, p->npages, p->pinned, p->mode, p->writable);
	p->name = 0;
}

void unmap(struct stream *s, uint64_t A)
{
	struct b_area a = *FIND(s->areas, A);

	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	area_dying(s, A);
	area_unfill(s, A);
	area_gone(s, A);
	pages_put(s, a.p->name);
	r_unmap(s, IMS_UNMAP_IOPT, a.ioas, a.iova, a.iova + a.len - 1, a.len, 0);
	r_unmap(s, IMS_UNMAP_IOCTL, a.ioas, a.iova, a.iova + a.len - 1, a.len, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
}

void split(struct stream *s, uint64_t A, uint64_t at, uint64_t L, uint64_t R)
{
	struct b_area *a = FIND(s->areas, A), *l, *r, old = *a;
	struct b_ioas *io = FIND(s->ioases, a->ioas);
	uint64_t cut = at * PG;

	r_area(s, IMS_AREA_REMOVE, old.ioas, A, old.p->name, old.iova, old.len, old.start_byte,
	       old.prot);
	a->name = 0;
	old.p->areas--;
	area_new(s, old.ioas, L, old.p->name, old.iova, cut, old.start_byte, old.prot);
	area_new(s, old.ioas, R, old.p->name, old.iova + cut, old.len - cut,
		 old.start_byte + cut, old.prot);
	l = FIND(s->areas, L);
	r = FIND(s->areas, R);
	l->stored = r->stored = old.stored;
	r_split(s, old.ioas, A, L, R, old.stored ? io->d[0].name : 0,
		old.stored ? IMS_SPLIT_LHS_LINKED | IMS_SPLIT_RHS_LINKED : 0);
}

/* ---- accesses ---- */

void access_pin(struct stream *s, uint64_t A, uint64_t first, uint64_t last)
{
	struct b_area *a = FIND(s->areas, A);

	pin_holes(s, a->p, first, last);
	r_xarray(s, IMS_XA_STORE, a->p->name, first, last);
	charge(s, a->p->name);
	for (uint64_t i = first; i <= last; i++)
		a->p->acc[i]++;
	r_access_range(s, IMS_ACC_RANGE_PIN, A, a->p->name, first, last, 0);
	r_access_op(s, IMS_ACC_PIN, a->ioas, iova_of(a, first), (last - first + 1) * PG);
}

void access_unpin(struct stream *s, uint64_t A, uint64_t first, uint64_t last)
{
	struct b_area *a = FIND(s->areas, A);
	struct b_pages *p = a->p;

	r_access_range(s, IMS_ACC_RANGE_UNPIN, A, p->name, first, last, 0);
	for (uint64_t i = first; i <= last; i++)
		p->acc[i]--;
	for (uint64_t i = first, e; i <= last; i = e) {
		for (e = i; e <= last && used(p, e) == used(p, i); e++)
			;
		if (p->acc[i])
			continue;
		r_xarray(s, IMS_XA_CLEAR, p->name, i, e - 1);
		if (!used(p, i))
			do_unpin(s, p, i, e - 1);
	}
	charge(s, p->name);
	r_access_op(s, IMS_ACC_UNPIN, a->ioas, iova_of(a, first), (last - first + 1) * PG);
}

void access_rw(struct stream *s, uint64_t P, uint64_t first, uint64_t last)
{
	struct b_pages *p = FIND(s->pages, P);
	uint8_t before[B_PAGES];

	memcpy(before, p->pin, sizeof(before));
	pin_holes(s, p, first, last);
	for (uint64_t i = first, e; i <= last; i = e) {
		for (e = i; e <= last && before[e] == before[i]; e++)
			;
		if (!before[i])
			do_unpin(s, p, i, e - 1);
	}
}

/* ---- devices ---- */

void device_attach(struct stream *s, uint64_t X, uint64_t S, uint64_t D, uint64_t start,
		   uint64_t last)
{
	if (start || last) {
		r_region(s, S, X, start, last, 0);
		r_reserve(s, IMS_RESV_ADD, S, start, last, X, 0);
	}
	r_device(s, IMS_DEV_ATTACH, X, 1, D, 0, 0);
}

void device_detach(struct stream *s, uint64_t X, uint64_t S, uint64_t D, uint64_t start,
		   uint64_t last)
{
	r_device(s, IMS_DEV_DETACH, X, 1, D, 0, 0);
	if (start || last)
		r_reserve(s, IMS_RESV_DEL, S, start, last, X, 0);
}
