// SPDX-License-Identifier: GPL-2.0-only
/* The upper layer of stream.h: what the kernel does, in its order. Part of stream.c. */

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

static void ioas_object(struct stream *s, int action, uint32_t id)
{
	FEED(s, IMS_OBJECT, action, ims_object, 0x0b1ec7000000 + id, id, IMS_T_IOAS);
}

void ioas_new(struct stream *s, uint64_t S, uint32_t id)
{
	TAKE(s->ioases, S);
	r_ioctl(s, IMS_IOCTL_ENTER, 0);
	ioas_object(s, IMS_OBJ_ALLOC, id);
	r_ioas(s, S, id);
	ioas_object(s, IMS_OBJ_FINALIZE, id);
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

struct stream *mapped(uint64_t n)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, IOVA, n);
	return s;
}

struct stream *only_mapped(uint64_t n)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, n);
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
	p->uptr = UPTR(P);
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
	r_iova(s, IMS_IOVA_FIXED, S, iova, npages * PG, UPTR(P));
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

/* IOMMU_IOAS_MAP_FIXED_IOVA, READABLE, and WRITEABLE if the area is. */
static uint32_t flags_of(const struct b_pages *p)
{
	return p->writable ? 7 : 5;
}

void map_end(struct stream *s, uint64_t A, int rc)
{
	struct b_area *a = FIND(s->areas, A);

	r_map(s, IMS_MAP_USER, a->ioas, a->iova, a->len, a->p->uptr, flags_of(a->p), rc);
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
	r_map(s, IMS_MAP_COPY, S, iova, len, 0, flags_of(p), 0);
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
	r_map(s, IMS_MAP_USER, S, iova, npages * PG, UPTR(P), 7, -12);
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

static void tell_pfns(struct stream *s, const struct b_area *a, uint64_t first, uint64_t last)
{
	struct ims_run runs[IMS_MAX_RUNS];

	for (uint64_t at = first; at <= last;) {
		uint64_t from = at;
		unsigned int n = take_runs(a->p, &at, last, false, runs);

		r_access_pfns(s, a->name, a->p->name, from, runs, n);
	}
}

void access_pin(struct stream *s, uint64_t A, uint64_t first, uint64_t last)
{
	struct b_area *a = FIND(s->areas, A);

	pin_holes(s, a->p, first, last);
	r_xarray(s, IMS_XA_STORE, a->p->name, first, last);
	charge(s, a->p->name);
	for (uint64_t i = first; i <= last; i++)
		a->p->acc[i]++;
	r_access_range(s, IMS_ACC_RANGE_PIN, A, a->p->name, first, last, 0);
	tell_pfns(s, a, first, last);
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

void access_copies(struct stream *s, uint64_t S, uint64_t iova, uint64_t length, uint32_t flags)
{
	for (const struct b_area *a = area_next(s, S, NULL); a; a = area_next(s, S, a)) {
		uint64_t from = a->iova > iova ? a->iova : iova, byte = a->start_byte + from - a->iova;
		uint64_t end = a->iova + a->len < iova + length ? a->iova + a->len : iova + length;

		if (from < end)
			r_access_copy(s, IMS_COPY_USER, a->p->name, byte / PG, 0, byte % PG,
				      end - from, flags);
	}
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
