// SPDX-License-Identifier: GPL-2.0-only
/* The lower layer of stream.h: one record each, of what it is told. Part of stream.c. */

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
	for (unsigned int i = 0; i < B_NAMES; i++)
		if (!s->hwpts[i].name || s->hwpts[i].name == D) {
			s->hwpts[i].name = D;
			s->hwpts[i].flags = flags;
			break;
		}
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

static uint16_t mapper(uint32_t mode)
{
	return IMS_MAPPER_USER | IMS_MAPPER_MM | IMS_MAPPER_TASK |
	       (mode == IMS_ACCT_NONE ? IMS_MAPPER_IPC_LOCK : 0);
}

void r_pages(struct stream *s, int action, uint64_t P, uint64_t npages, uint64_t npinned,
	     uint32_t mode, bool writable)
{
	FEED(s, IMS_PAGES, action, ims_pages, P_COOKIE(P), UPTR(P), npages, npinned, 0x1111,
	     0x2222, mode, writable, action == IMS_PAGES_ALLOC ? mapper(mode) ^ s->mapper_wrong : 0);
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
	     UPTR(P) + index * PG,
	     IMS_PIN_LONGTERM | (is_writable(s, P) ? IMS_PIN_WRITE : 0), 0);
}

void r_pin_transient(struct stream *s, uint64_t P, uint64_t index)
{
	FEED(s, IMS_PIN, IMS_PIN_TRANSIENT, ims_pin, P_COOKIE(P), index, 1, 1,
	     UPTR(P) + index * PG, IMS_PIN_REMOTE, 0);
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

static void say_account(struct stream *s, uint64_t P, uint32_t mode, int64_t delta,
			uint64_t npinned, uint64_t last_npinned, int rc, int64_t moved,
			int64_t pinned_moved)
{
	FEED(s, IMS_ACCOUNT, 0, ims_account, P_COOKIE(P), delta, npinned, last_npinned,
	     s->counter, s->limit, s->counter, mode, rc, moved, pinned_moved);
}

void r_account(struct stream *s, uint64_t P, uint32_t mode, int64_t delta, uint64_t npinned,
	       uint64_t last_npinned, int rc)
{
	say_account(s, P, mode, delta, npinned, last_npinned, rc,
		    rc || mode == IMS_ACCT_NONE ? 0 : delta, rc ? 0 : delta);
}

void r_account_moved(struct stream *s, uint64_t P, uint32_t mode, int64_t delta, int64_t moved,
		     int64_t pinned_moved, int rc)
{
	uint64_t all = delta > 0 ? delta : 0;

	say_account(s, P, mode, delta, all, rc ? 0 : all, rc, moved, pinned_moved);
}

void r_hw(struct stream *s, int action, const struct ims_hw *hw)
{
	feed(s, IMS_HW, action, hw, NULL, 0);
}

void r_hw_claim(struct stream *s, uint64_t X, uint32_t group, uint32_t flags, int rc)
{
	FEED(s, IMS_HW, IMS_HW_CLAIM, ims_hw, .dev = X, .group = group, .now = BLOCKING,
	     .type = IMS_DT_BLOCKED, .flags = flags, .rc = rc);
}

void r_hw_release(struct stream *s, uint64_t X, uint32_t group)
{
	FEED(s, IMS_HW, IMS_HW_RELEASE, ims_hw, .dev = X, .group = group, .type = IMS_DT_DMA_API);
}

void r_hw_domain(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
		 uint64_t now, int type, int rc)
{
	FEED(s, IMS_HW, action, ims_hw, .dev = X, .group = group, .domain = D, .now = now,
	     .type = type, .rc = rc);
}

void r_hw_iopf(struct stream *s, int action, uint64_t X, uint32_t group, int rc)
{
	FEED(s, IMS_HW, action, ims_hw, .dev = X, .group = group, .rc = rc);
}

void r_hw_msi(struct stream *s, uint64_t X, uint32_t group, uint64_t D, uint64_t base, int rc)
{
	FEED(s, IMS_HW, IMS_HW_MSI_COOKIE, ims_hw, .dev = X, .group = group, .domain = D,
	     .base = base, .rc = rc);
}

void r_iova_range(struct stream *s, uint64_t S, uint64_t start, uint64_t last)
{
	FEED(s, IMS_IOVA_RANGE, IMS_RANGE_ONE, ims_iova_range, S, start, last, 0, 0, 0);
}

void r_iova_range_end(struct stream *s, uint64_t S, uint32_t count, uint64_t align, int rc)
{
	FEED(s, IMS_IOVA_RANGE, IMS_RANGE_END, ims_iova_range, S, 0, 0, align, count, rc);
}

void r_readback(struct stream *s, uint64_t D, uint64_t A, uint64_t iova, uint64_t npages,
		uint64_t hash)
{
	FEED(s, IMS_READBACK, 0, ims_readback, D, A, iova, npages, hash);
}

void r_access_pfns(struct stream *s, uint64_t A, uint64_t P, uint64_t index,
		   const struct ims_run *runs, unsigned int nruns)
{
	FEED_RUNS(s, IMS_ACCESS_PFNS, runs, nruns, ims_access_pfns, A, P_COOKIE(P), index);
}

void r_access_copy(struct stream *s, int path, uint64_t P, uint64_t index, uint64_t pfn,
		   uint32_t offset, uint64_t length, uint32_t flags)
{
	FEED(s, IMS_ACCESS_COPY, 0, ims_access_copy, P_COOKIE(P), index, pfn, length, offset,
	     flags, path, 0);
}

void r_vfio(struct stream *s, int action, uint64_t S, uint64_t arg, int rc)
{
	FEED(s, IMS_VFIO, action, ims_vfio, S, arg, rc, 0);
}

void r_dirty(struct stream *s, int action, uint64_t D, uint64_t iova, uint64_t length, bool enable,
	     int rc)
{
	FEED(s, IMS_DIRTY, action, ims_dirty, D, iova, length, enable, rc);
}

/* ---- what the IOMMU core is asked for a device ---- */

static struct b_dev *dev_of(struct stream *s, uint64_t X, bool make)
{
	struct b_dev *none = NULL;

	for (struct b_dev *d = s->devs; d < s->devs + B_NAMES; d++) {
		if (d->name == X)
			return d;
		if (!d->name)
			none = d;
	}
	if (!make || !none)
		return NULL;
	*none = (struct b_dev){ .name = X };
	return none;
}

/* The device whose attachment is that of the group, if there is one. */
static struct b_dev *group_user(struct stream *s, uint32_t group, const struct b_dev *but)
{
	for (struct b_dev *d = s->devs; d < s->devs + B_NAMES; d++)
		if (d != but && d->name && d->group == group && d->domain)
			return d;
	return NULL;
}

static bool has_queue(const struct stream *s, uint64_t D)
{
	for (unsigned int i = 0; i < B_NAMES; i++)
		if (s->hwpts[i].name == D && s->hwpts[i].flags & IMS_HWPT_FAULT)
			return true;
	return false;
}

static void iopf(struct stream *s, struct b_dev *d, bool on)
{
	if (d->iopf == on)
		return;
	r_hw_iopf(s, on ? IMS_HW_IOPF_ENABLE : IMS_HW_IOPF_DISABLE, d->name, d->group, 0);
	d->iopf = on;
}

static void group_moves(struct stream *s, struct b_dev *d, int action, uint64_t D)
{
	for (struct b_dev *o = s->devs; o < s->devs + B_NAMES; o++)
		if (o->group == d->group && o->iopf && !has_queue(s, D))
			d = o;		/* who switched on switches off */
	if (D && has_queue(s, D))
		iopf(s, d, true);
	r_hw_domain(s, action, d->name, d->group, D ? D : d->domain, D ? D : BLOCKING,
		    D ? IMS_DT_PAGING : IMS_DT_BLOCKED, 0);
	if (!D || !has_queue(s, D))
		iopf(s, d, false);
}

static void say_hw(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D)
{
	struct b_dev *d = dev_of(s, X, action == IMS_DEV_BIND);

	if (!d)
		return;
	d->group = group;
	if (action == IMS_DEV_BIND)
		r_hw_claim(s, X, group, s->hw_flags, 0);
	else if (action == IMS_DEV_ATTACH && !group_user(s, group, d))
		group_moves(s, d, IMS_HW_ATTACH, D);
	else if (action == IMS_DEV_REPLACE)
		group_moves(s, d, IMS_HW_REPLACE, D);
	else if (action == IMS_DEV_DETACH && !group_user(s, group, d))
		group_moves(s, d, IMS_HW_DETACH, 0);
	for (struct b_dev *o = s->devs; action == IMS_DEV_REPLACE && o < s->devs + B_NAMES; o++)
		if (o->group == group && o->domain)
			o->domain = D;
	if (action == IMS_DEV_ATTACH || action == IMS_DEV_DETACH)
		d->domain = action == IMS_DEV_ATTACH ? D : 0;
}

void r_device_handle(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
		     uint64_t old, uint64_t handle, int rc)
{
	unsigned int fed = s->fed;

	if (!s->own_hw && !rc)
		say_hw(s, action, X, group, D);
	s->fed = fed;
	FEED(s, IMS_DEVICE, action, ims_device, .dev = X, .domain = D, .old_domain = old,
	     .id = X, .hwpt = D, .group = group, .rc = rc, .handle = handle, .name = "mock0");
	if (s->own_hw || action != IMS_DEV_UNBIND || !dev_of(s, X, false))
		return;
	dev_of(s, X, false)->name = 0;
	r_hw_release(s, X, group);
	s->fed--;
}

void r_device(struct stream *s, int action, uint64_t X, uint32_t group, uint64_t D,
	      uint64_t old, int rc)
{
	r_device_handle(s, action, X, group, D, old, 0, rc);
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

void r_access_op_rc(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length,
		    uint32_t flags, int rc)
{
	FEED(s, IMS_ACCESS_OP, action, ims_access_op, S, 0xacce55, iova, length, flags, rc);
}

void r_access_op(struct stream *s, int action, uint64_t S, uint64_t iova, uint64_t length)
{
	r_access_op_rc(s, action, S, iova, length, 0, 0);
}

void r_ioctl_of(struct stream *s, int action, uint32_t cmd)
{
	FEED(s, IMS_IOCTL, action, ims_ioctl, cmd, 0);
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

void r_loss_ahead(struct stream *s, uint64_t ctx, uint64_t ahead)
{
	uint64_t now = s->seq;

	s->seq += ahead;
	r_loss(s, ctx, IMS_LOSS_RING, 1);
	s->seq = now;
}

void r_end(struct stream *s)
{
	FEED(s, IMS_END, 0, ims_end, s->seq);
}
