// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the storm, see storm.h. Each draws what it needs, does one
 * thing (or a short sequence that makes no sense in pieces), and returns what the
 * kernel said.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "storm.h"

#define BASE ((uint64_t)MOCK_APERTURE_START)
#define SLOT (16 * PAGE)
#define NSLOTS 24
#define SOFT_LENGTH (64 * PAGE)

uint64_t draw(struct weather *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t below(struct weather *w, uint64_t limit)
{
	return draw(w) % limit;
}

bool one_in(struct weather *w, unsigned int n)
{
	return !below(w, n);
}

static uint32_t pick(struct weather *w, const id_t32 *table, size_t count)
{
	return atomic_load(&table[below(w, count)]);
}

/* Any of them may be named where an IOAS or HWPT is asked for. */
static uint32_t pick_ioas(struct weather *w, const struct world_ctx *c)
{
	return one_in(w, 64) ? below(w, 64) : pick(w, c->ioas, NIOAS);
}

static uint32_t pick_hwpt(struct weather *w, const struct world_ctx *c)
{
	return pick(w, c->hwpt, NHWPT);
}

static uint32_t pick_pt(struct weather *w, const struct world_ctx *c)
{
	switch (below(w, 4)) {
	case 0:
		return pick_hwpt(w, c);
	case 1:
		return pick(w, c->nested, NHWPT);
	default:
		return pick_ioas(w, c);
	}
}

/* Put `id` where there is room; false: there is none. */
static bool put(id_t32 *table, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t none = 0;

		if (atomic_compare_exchange_strong(&table[i], &none, id))
			return true;
	}
	return false;
}

static int put_or_destroy(struct world_ctx *c, id_t32 *table, size_t count, uint32_t id)
{
	return put(table, count, id) ? 0 : destroy(c->fd, id);
}

static void drop(id_t32 *table, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t expected = id;

		atomic_compare_exchange_strong(&table[i], &expected, 0);
	}
}

static int destroy_from(struct world_ctx *c, id_t32 *table, size_t count, uint32_t id)
{
	int rc = id ? destroy(c->fd, id) : -ENOENT;

	if (!rc || rc == -ENOENT)
		drop(table, count, id);
	return rc;
}

/* --- memory and IOVA ---------------------------------------------------- */

struct span {
	uint64_t iova;
	size_t length;
	unsigned char *va;
};

/* In `c`; memory that may have long runs is used in short pieces where they matter. */
static const struct mem *pick_memory(struct weather *w, const struct world_ctx *c, size_t *length)
{
	unsigned int i = c->runs ? below(w, NARENA) : below(w, SHORT_RUNS);
	const struct mem *mem = one_in(w, 4) || !w->arena[i].va ? &w->soft : &w->arena[i];

	if (mem == &w->soft && !c->runs && *length > 3 * PAGE)
		*length = (1 + *length % 3) * PAGE;
	if (*length > mem->length)
		*length = mem->length;
	return mem;
}

/* What need not be whole pages. */
static void refine(struct weather *w, struct span *span)
{
	size_t rest;

	if (one_in(w, 2)) { /* what an IOMMU with half pages can do */
		span->length -= MOCK_PAGE;
		span->va += one_in(w, 2) ? MOCK_PAGE : 0;
	} else { /* what only an IOAS without domains can do */
		rest = below(w, PAGE - 1);
		span->length -= rest;
		span->va += below(w, rest + 1);
	}
}

/* One area per slot, which starts with the slot: a copy is one piece, from the start. */
static bool gridded(const struct world_ctx *c)
{
	return c->fine || c->runs;
}

static struct span pick_span(struct weather *w, const struct world_ctx *c)
{
	struct span span = { .iova = BASE + below(w, NSLOTS) * SLOT, .length = (1 + below(w, 16)) * PAGE };
	const struct mem *mem;

	if (!gridded(c)) {
		span.iova += one_in(w, 2) ? 0 : below(w, 16) * PAGE;
		if (one_in(w, 32))
			span.length = 128 * PAGE;
	}
	mem = pick_memory(w, c, &span.length);
	span.va = mem->va + below(w, (mem->length - span.length) / PAGE + 1) * PAGE;
	if (c->fine && one_in(w, 2))
		refine(w, &span);
	return span;
}

static uint32_t pick_prot(struct weather *w)
{
	static const uint32_t prots[] = { MAP_RW, MAP_RW, MAP_RW, MAP_RW, IOMMU_IOAS_MAP_READABLE,
					  IOMMU_IOAS_MAP_WRITEABLE };

	return prots[below(w, ARRAY_SIZE(prots))];
}

static int op_map(struct weather *w, struct world_ctx *c)
{
	struct span span = pick_span(w, c);
	uint32_t flags = pick_prot(w);

	if (c->runs || span.length % PAGE || (uintptr_t)span.va % PAGE || !one_in(w, 4))
		flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	return ioas_map(c->fd, pick_ioas(w, c), flags, span.va, span.length, &span.iova);
}

static int op_copy(struct weather *w, struct world_ctx *c)
{
	struct span from = pick_span(w, c), to = pick_span(w, c);
	uint32_t flags = pick_prot(w);

	if (gridded(c) || !one_in(w, 4))
		flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	return ioas_copy(c->fd, pick_ioas(w, c), from.iova, pick_ioas(w, c), to.iova, from.length, flags);
}

static int op_unmap(struct weather *w, struct world_ctx *c)
{
	struct span span = pick_span(w, c);
	uint64_t unmapped = 0, length = (1 + below(w, 4)) * SLOT;
	int rc;

	if (one_in(w, 24))
		return ioas_unmap(c->fd, pick_ioas(w, c), 0, UINT64_MAX, NULL);
	rc = ioas_unmap(c->fd, pick_ioas(w, c), span.iova, length, &unmapped);
	expect(rc || (unmapped && unmapped <= length), "IOAS_UNMAP of %#lx bytes reports %#lx", length, unmapped);
	return rc;
}

static int op_allow(struct weather *w, struct world_ctx *c)
{
	uint64_t start = one_in(w, 8) ? 0 : BASE + below(w, NSLOTS) * SLOT;
	struct iommu_ioas_allow_iovas none = { .size = sizeof(none), .ioas_id = pick_ioas(w, c) };

	if (one_in(w, 2))
		return call(c->fd, IOMMU_IOAS_ALLOW_IOVAS, &none);
	return ioas_allow(c->fd, none.ioas_id, start, start + (1 + below(w, 64)) * SLOT - 1);
}

static int op_ranges(struct weather *w, struct world_ctx *c)
{
	struct iommu_iova_range ranges[8] = { 0 };
	uint32_t count = below(w, ARRAY_SIZE(ranges) + 1);
	uint64_t align = 0;
	int rc = ioas_ranges(c->fd, pick_ioas(w, c), ranges, &count, &align);

	expect(rc || (count && ranges[0].start < ranges[0].last && align && align <= PAGE),
	       "IOAS_IOVA_RANGES gives %u ranges, %#llx-%#llx, alignment %lu", count, ranges[0].start,
	       ranges[0].last, align);
	return rc;
}

static int op_reserve(struct weather *w, struct world_ctx *c)
{
	return add_reserved(c->fd, pick_ioas(w, c), BASE + (NSLOTS + below(w, 64)) * SLOT, PAGE);
}

static int op_option(struct weather *w, struct world_ctx *c)
{
	uint64_t value = gridded(c) || one_in(w, 2);
	uint32_t id = one_in(w, 8) ? IOMMU_OPTION_RLIMIT_MODE : IOMMU_OPTION_HUGE_PAGES;
	uint16_t op = one_in(w, 3) ? IOMMU_OPTION_OP_GET : IOMMU_OPTION_OP_SET;

	return option(c->fd, op, id, id == IOMMU_OPTION_HUGE_PAGES ? pick_ioas(w, c) : 0, &value);
}

static int op_ioas(struct weather *w, struct world_ctx *c)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	uint32_t id = pick(w, c->ioas, NIOAS);
	int rc;

	if (c->private && id && one_in(w, 2))
		return destroy_from(c, c->ioas, NIOAS, id);
	for (unsigned int i = 0; i < NIOAS; i++)
		if (!atomic_load(&c->ioas[i])) {
			rc = call(c->fd, IOMMU_IOAS_ALLOC, &cmd);
			return rc ? rc : put_or_destroy(c, c->ioas, NIOAS, cmd.out_ioas_id);
		}
	return -ENOENT;
}

/* --- VFIO --------------------------------------------------------------- */

static int op_vfio(struct weather *w, struct world_ctx *c)
{
	struct iommu_vfio_ioas cmd = { .size = sizeof(cmd), .ioas_id = pick_ioas(w, c) };
	struct { struct vfio_iommu_type1_info info; unsigned char caps[512]; } info = { 0 };
	struct span span = pick_span(w, c);
	uint64_t unmapped = 0;

	switch (below(w, 16)) {
	case 0:
		cmd.op = one_in(w, 8) ? IOMMU_VFIO_IOAS_CLEAR : IOMMU_VFIO_IOAS_SET;
		return call(c->fd, IOMMU_VFIO_IOAS, &cmd);
	case 1:
		return ioctl(c->fd, VFIO_SET_IOMMU, gridded(c) ? VFIO_TYPE1v2_IOMMU : VFIO_TYPE1_IOMMU) ? -errno : 0;
	case 2:
		info.info.argsz = one_in(w, 2) ? sizeof(info) : sizeof(info.info);
		return call(c->fd, VFIO_IOMMU_GET_INFO, &info);
	case 3:
		return ioctl(c->fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) < 0 ? -errno : 0;
	case 4:
		return vfio_unmap(c->fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &unmapped);
	case 5 ... 10:
		return vfio_map(c->fd, span.va, span.length, span.iova);
	default:
		return vfio_unmap(c->fd, span.iova, span.length, 0, &unmapped);
	}
}

/* --- domains and devices ------------------------------------------------ */

static int op_hwpt(struct weather *w, struct world_ctx *c)
{
	uint32_t flags = below(w, 4), id = 0;
	int rc;

	if (one_in(w, 2))
		return destroy_from(c, c->hwpt, NHWPT, pick_hwpt(w, c));
	rc = hwpt_alloc(c->fd, pick(w, c->device, NDEVICE), pick_ioas(w, c), flags, &id);
	return rc ? rc : put_or_destroy(c, c->hwpt, NHWPT, id);
}

static int op_nested(struct weather *w, struct world_ctx *c)
{
	uint32_t queue = one_in(w, 3) ? 0 : pick(w, c->queue, NQUEUE), id = 0;
	int rc;

	if (one_in(w, 3))
		return destroy_from(c, c->nested, NHWPT, pick(w, c->nested, NHWPT));
	if (one_in(w, 4))
		return invalidate(c->fd, pick(w, c->nested, NHWPT));
	rc = hwpt_alloc_nested(c->fd, pick(w, c->device, NDEVICE), pick_pt(w, c), queue, &id);
	return rc ? rc : put_or_destroy(c, c->nested, NHWPT, id);
}

static int device_new(struct weather *w, struct world_ctx *c, unsigned int i)
{
	uint32_t flags = one_in(w, 3) ? 1 + below(w, 3) : 0;
	struct mock_device device = { 0 };
	uint32_t none = 0;
	int rc = mock_device_attach_flags(c->fd, pick_pt(w, c), flags, &device);

	if (rc)
		return rc;
	if (!atomic_compare_exchange_strong(&c->stdev[i], &none, device.stdev))
		return destroy(c->fd, device.stdev);
	atomic_store(&c->device[i], device.id);
	return 0;
}

static int op_device(struct weather *w, struct world_ctx *c)
{
	unsigned int i = below(w, NDEVICE);
	struct mock_device device = { .stdev = atomic_load(&c->stdev[i]) };

	if (!device.stdev)
		return device_new(w, c, i);
	if (c->private && one_in(w, 5))
		return destroy_from(c, c->stdev, NDEVICE, device.stdev);
	return mock_device_replace(c->fd, &device, pick_pt(w, c));
}

/* --- dirty tracking ----------------------------------------------------- */

static int op_dirty(struct weather *w, struct world_ctx *c)
{
	static _Thread_local uint64_t bitmap[64];
	struct span span = pick_span(w, c);
	uint32_t hwpt = pick_hwpt(w, c);
	/* what lies behind a hole is forgotten, which is another finding: this can have none */
	size_t length = c->runs ? SLOT : c->fine ? MOCK_PAGE : PAGE;

	if (!c->private && (w->process || c->number % w->threads != w->thread))
		return -ENOENT;
	switch (below(w, 3)) {
	case 0:
		return dirty_tracking(c->fd, hwpt, !one_in(w, 3));
	case 1:
		if (c->private) {
			memset(bitmap, 0x55, sizeof(bitmap));
			return dirty_make(c->fd, hwpt, span.iova, SLOT, bitmap);
		}
		/* fall through */
	default:
		return dirty_bitmap(c->fd, hwpt, span.iova, length, bitmap, one_in(w, 3));
	}
}

/* --- accesses ----------------------------------------------------------- */

static int access_new(struct weather *w, struct world_ctx *c, struct world_access *a)
{
	int fd, rc = access_open_flags(c->fd, pick_ioas(w, c), !c->runs && !one_in(w, 4), &fd);

	if (!rc)
		*a = (struct world_access){ .fd = fd, .ctx = c };
	return rc;
}

static int access_copy(struct weather *w, const struct world_access *a, const struct span *span)
{
	static _Thread_local unsigned char buffer[4 * PAGE];
	uint32_t flags = below(w, 2) | (one_in(w, 2) ? MOCK_ACCESS_RW_SLOW_PATH : 0);

	return access_rw(a->ctx->fd, a->fd, span->iova + below(w, PAGE), buffer, 1 + below(w, sizeof(buffer)), flags);
}

static int op_access(struct weather *w, struct world_ctx *c)
{
	struct world_access *a = &w->access[below(w, NACCESS)];
	uint32_t *item = &a->item[below(w, NITEM)], new_item;
	struct span span;
	int rc;

	if (!a->fd)
		return c->shared ? -ENOENT : access_new(w, c, a);
	span = pick_span(w, a->ctx);
	switch (below(w, 16)) {
	case 0:
		if (!a->ctx->private)
			return -ENOENT;
		rc = close(a->fd) ? -errno : 0;
		a->fd = 0;
		return rc;
	case 1:
		return access_move(a->ctx->fd, a->fd, pick_ioas(w, a->ctx));
	case 2 ... 5:
		return access_copy(w, a, &span);
	case 6 ... 8:
		return access_unpin(a->ctx->fd, a->fd, *item);
	default:
		rc = access_pin_flags(a->ctx->fd, a->fd, span.iova + below(w, 4) * PAGE, (1 + below(w, 6)) * PAGE,
				      one_in(w, 4) ? 0 : MOCK_FLAGS_ACCESS_WRITE, &new_item);
		if (!rc)
			*item = new_item;
		return rc;
	}
}

/* --- page faults -------------------------------------------------------- */

static int queue_new(struct world_ctx *c, struct world_queue *q)
{
	uint32_t id = 0;
	int fd, rc = fault_alloc(c->fd, &id, &fd);

	if (rc)
		return rc;
	if (!put(c->queue, NQUEUE, id)) {
		close(fd);
		return destroy(c->fd, id);
	}
	q->fd = fd;
	return 0;
}

static int queue_take(struct weather *w, struct world_queue *q)
{
	struct iommu_hwpt_pgfault fault = { 0 };
	struct iommu_hwpt_page_response answer = { .cookie = q->cookie };
	ssize_t got;

	if (q->cookie && one_in(w, 2)) {
		q->cookie = 0;
		return write(q->fd, &answer, sizeof(answer)) < 0 ? -errno : 0;
	}
	got = read(q->fd, one_in(w, 8) ? NULL : &fault, sizeof(fault));
	if (got == sizeof(fault))
		q->cookie = fault.cookie;
	return got < 0 ? -errno : 0;
}

static int op_fault(struct weather *w, struct world_ctx *c)
{
	struct world_queue *q = &w->queue[below(w, NQUEUE)];

	if (!q->fd)
		return queue_new(c, q);
	switch (below(w, 8)) {
	case 0:
		close(q->fd);
		*q = (struct world_queue){ 0 };
		return 0;
	case 1:
		return destroy_from(c, c->queue, NQUEUE, pick(w, c->queue, NQUEUE));
	case 2 ... 4:
		return trigger_fault(c->fd, pick(w, c->device, NDEVICE), below(w, 8));
	default:
		return queue_take(w, q);
	}
}

/* --- processes and memory ----------------------------------------------- */

void soft_open(struct weather *w)
{
	w->soft = mem_alloc(MEM_4K, SOFT_LENGTH);
}

/* Take pages away from under mappings, or give them other pages. */
static int op_memory(struct weather *w, struct world_ctx *c)
{
	unsigned char *va = w->soft.va + below(w, SOFT_LENGTH / PAGE) * PAGE;
	size_t length = (1 + below(w, 4)) * PAGE;
	void *moved;

	(void)c;
	if (va + length > w->soft.va + SOFT_LENGTH)
		length = PAGE;
	switch (below(w, 5)) {
	case 0:
		return munmap(va, length) ? -errno : 0;
	case 1:
		return mprotect(va, length, PROT_READ) ? -errno : 0;
	case 2:
		return madvise(va, length, MADV_DONTNEED) ? -errno : 0;
	case 3:
		moved = mremap(va, length, length, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
		return moved == MAP_FAILED ? -errno : munmap(moved, length);
	default:
		moved = mmap(w->soft.va, SOFT_LENGTH, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
		return moved == MAP_FAILED ? -errno : 0;
	}
}

static int op_rlimit(struct weather *w, struct world_ctx *c)
{
	struct rlimit limit;

	(void)c;
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	limit.rlim_cur = below(w, 4096) * PAGE;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

static int op_batch(struct weather *w, struct world_ctx *c)
{
	static const uint32_t limits[] = { 32, 48, 128, 4096, 65536, 65536 };

	return memory_limit(c->fd, limits[below(w, ARRAY_SIZE(limits))]);
}

/* A user without privileges, in a process of its own, who is charged. */
static void unprivileged(struct weather *w, struct world_ctx *c)
{
	static int (*const ops[])(struct weather *, struct world_ctx *) = { op_map, op_map, op_copy, op_unmap,
									     op_access, op_memory, op_rlimit };
	struct world_ctx own = { .fd = -1, .private = true };
	struct rlimit limit = { below(w, 512) * PAGE, 1024 * PAGE };
	unsigned int steps = 8 + below(w, 64);
	uid_t uid = 10000 + below(w, 3);

	if (c->by_mm || one_in(w, 2)) {
		world_open(c = &own, one_in(w, 2));
		device_new(w, c, 0);
	}
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(2);
	while (steps--) {
		ops[below(w, ARRAY_SIZE(ops))](w, c);
		if (one_in(w, 200))
			raise(SIGKILL);
	}
	if (c == &own && one_in(w, 2))
		world_close(c);
	_exit(0);
}

static int op_child(struct weather *w, struct world_ctx *c)
{
	uint64_t what = draw(w);
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		w->random = what;
		for (unsigned int i = 0; i < SHORT_RUNS; i++)
			w->arena[i].va = NULL; /* not inherited */
		if (one_in(w, 4))
			_exit(0); /* its memory was shared for a moment */
		unprivileged(w, c);
	}
	if (one_in(w, 4))
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	expect(!WIFEXITED(status) || !WEXITSTATUS(status), "a child ends with status %#x", status);
	return 0;
}

void world_open(struct world_ctx *c, bool by_mm)
{
	int fd = iommufd_open();
	uint64_t mode = 1;

	if (by_mm)
		option(fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode);
	for (unsigned int i = 0; i < NIOAS; i++)
		atomic_store(&c->ioas[i], i < 2 ? ioas_alloc(fd) : 0);
	for (unsigned int i = 0; i < NHWPT; i++) {
		atomic_store(&c->hwpt[i], 0);
		atomic_store(&c->nested[i], 0);
	}
	for (unsigned int i = 0; i < NDEVICE; i++)
		atomic_store(&c->stdev[i], 0);
	for (unsigned int i = 0; i < NQUEUE; i++)
		atomic_store(&c->queue[i], 0);
	c->by_mm = by_mm;
	atomic_store(&c->fd, fd);
}

void world_close(struct world_ctx *c)
{
	close(atomic_exchange(&c->fd, -1));
}

static int op_reopen(struct weather *w, struct world_ctx *c)
{
	if (!c->private)
		return -ENOENT;
	world_close(c);
	world_open(c, one_in(w, 2));
	return 0;
}

const struct storm_op storm_ops[] = {
	{ "map", 220, op_map },	    { "unmap", 160, op_unmap },	  { "copy", 120, op_copy },
	{ "vfio", 100, op_vfio },   { "access", 200, op_access }, { "hwpt", 30, op_hwpt },
	{ "device", 24, op_device }, { "nested", 12, op_nested }, { "fault", 24, op_fault },
	{ "dirty", 30, op_dirty },  { "allow", 12, op_allow },	  { "ranges", 10, op_ranges },
	{ "reserve", 1, op_reserve }, { "option", 12, op_option }, { "ioas", 12, op_ioas },
	{ "memory", 20, op_memory }, { "rlimit", 2, op_rlimit },  { "batch", 3, op_batch },
	{ "child", 2, op_child },   { "reopen", 2, op_reopen },
};
const unsigned int storm_nops = ARRAY_SIZE(storm_ops);
