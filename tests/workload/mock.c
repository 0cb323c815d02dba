// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock - reach every path of iommufd that the mock IOMMU can reach
 *
 * Each step is the shortest way to one piece of iommufd that is known to have
 * been wrong, or could be: tests/mutants/ has the bugs, mutants.tsv says which
 * step reaches which. A step holds on every correct kernel, and a verifier that
 * watches it on a mutant must report the bug. What the step itself notices is
 * only what the uAPI or the selftest ioctl shows.
 *
 * Needs CONFIG_IOMMUFD_TEST, root, and on 6.12 a kernel without an active IOMMU
 * driver (intel_iommu=off). fail_nth_two_domains also needs fault injection.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mock_steps.h"

/* --- several domains, one IOAS ------------------------------------------ */

static void map_into_all(struct context *c, const uint32_t *hwpts, size_t count, const struct mem *mem)
{
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, mem->length, BASE), 0, "IOAS_MAP");
	for (size_t i = 0; i < count; i++)
		check_map(c->fd, hwpts[i], BASE, mem->length, mem->va);
	check_pins(c->fd, mem->va, mem->length, 1);
	unmap_exactly(c->fd, c->ioas, BASE, mem->length);
	check_pins(c->fd, mem->va, mem->length, 0);
}

/* The second HWPT is filled by IOAS_MAP, the third also by its creation. */
static void two_hwpt_map_unmap(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem frag = mem_alloc(MEM_FRAG, 64 * KIB), contig = mem_alloc(MEM_CONTIG, 64 * KIB);
	uint32_t hwpts[3] = { device.hwpt };

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpts[1]), 0, "HWPT_ALLOC");
	map_into_all(&c, hwpts, 2, &frag);
	expect_rc(ioas_map_at(c.fd, c.ioas, contig.va, contig.length, BASE + MIB), 0, "IOAS_MAP");
	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpts[2]), 0, "HWPT_ALLOC");
	check_map(c.fd, hwpts[2], BASE + MIB, contig.length, contig.va);
	map_into_all(&c, hwpts, 3, &frag);
	destroy_ok(c.fd, hwpts[1], "the second HWPT");
	unmap_exactly(c.fd, c.ioas, BASE + MIB, contig.length);
	destroy_ok(c.fd, hwpts[2], "the third HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&frag);
	mem_free(&contig);
	context_close(&c);
}

/* Which of two domains provides the PFNs ("storage") changes hands. */
static void storage_handover(void)
{
	struct context c = context_open();
	struct mock_device first = mock_device_new(c.fd, c.ioas), second = { 0 };
	struct mem mem = mem_alloc(MEM_FRAG, 64 * KIB);
	uint32_t hwpt;

	expect_rc(hwpt_alloc(c.fd, first.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	second = mock_device_new(c.fd, hwpt);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	destroy_ok(c.fd, first.stdev, "the device of the storage domain");
	check_map(c.fd, hwpt, BASE, mem.length, mem.va);
	check_pins(c.fd, mem.va, mem.length, 1);
	destroy_ok(c.fd, second.stdev, "the second device");
	destroy_ok(c.fd, hwpt, "the last domain");
	check_pins(c.fd, mem.va, mem.length, 0);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	mem_free(&mem);
	context_close(&c);
}

/* --- domains and accesses ----------------------------------------------- */

/*
 * Pages of which an access holds the middle lose their domain: what is unpinned
 * are the pages before and after. One physical run, so that the unmap has to
 * read ahead of the unpin (the "carry" of pages.c).
 */
static void middle_survives_domain(struct context *c, const struct mem *mem)
{
	struct mock_device device = mock_device_new(c->fd, c->ioas);
	int access = access_open(c->fd, c->ioas);
	uint32_t item;

	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, mem->length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c->fd, access, BASE + PAGE, PAGE, mem->va + PAGE, &item), 0, "access pin");
	destroy_ok(c->fd, device.stdev, "the device");
	check_pins(c->fd, mem->va, PAGE, 0);
	check_pins(c->fd, mem->va + PAGE, PAGE, 1);
	check_pins(c->fd, mem->va + 2 * PAGE, mem->length - 2 * PAGE, 0);
	expect_rc(access_unpin(c->fd, access, item), 0, "access unpin");
	check_pins(c->fd, mem->va, mem->length, 0);
	close(access);
	unmap_exactly(c->fd, c->ioas, BASE, mem->length);
}

/* The same when the area in the domain is a copy, and is unmapped. */
static void middle_survives_copy(struct context *c, const struct mem *mem)
{
	uint32_t other = ioas_alloc(c->fd), item;
	struct mock_device device = mock_device_new(c->fd, other);
	int access = access_open(c->fd, c->ioas);

	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, mem->length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c->fd, access, BASE + PAGE, PAGE, mem->va + PAGE, &item), 0, "access pin");
	expect_rc(ioas_copy(c->fd, c->ioas, BASE, other, BASE, mem->length, MAP_AT), 0, "IOAS_COPY");
	check_pins(c->fd, mem->va, mem->length, 1);
	unmap_exactly(c->fd, other, BASE, mem->length);
	check_pins(c->fd, mem->va + PAGE, PAGE, 1);
	expect_rc(access_unpin(c->fd, access, item), 0, "access unpin");
	check_pins(c->fd, mem->va, mem->length, 0);
	close(access);
	unmap_exactly(c->fd, c->ioas, BASE, mem->length);
	destroy_ok(c->fd, device.stdev, "the device");
	destroy_ok(c->fd, other, "the other IOAS");
}

static void access_middle(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_CONTIG, 8 * PAGE);

	middle_survives_domain(&c, &mem);
	middle_survives_copy(&c, &mem);
	mem_free(&mem);
	context_close(&c);
}

/* Areas that an access uses are replayed into a new domain like the others. */
static void access_then_hwpt(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	int access = access_open(c.fd, c.ioas);
	uint32_t item, hwpt;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE + PAGE, 2 * PAGE, mem.va + PAGE, &item), 0, "access pin");
	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	check_map(c.fd, device.hwpt, BASE, mem.length, mem.va);
	check_map(c.fd, hwpt, BASE, mem.length, mem.va);
	expect_rc(access_unpin(c.fd, access, item), 0, "access unpin");
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, hwpt, "the second HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* An access with pins is asked to let go when it moves to another IOAS. */
static void access_moves(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 8 * PAGE);
	uint32_t other = ioas_alloc(c.fd), item;
	int access = access_open(c.fd, c.ioas);
	unsigned char buffer[3 * PAGE];

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, other, 2 * BASE, mem.length, MAP_AT), 0, "IOAS_COPY");
	expect_rc(access_pin(c.fd, access, BASE, mem.length, mem.va, &item), 0, "access pin");
	expect_rc(access_move(c.fd, access, other), 0, "moving the access");
	check_pins(c.fd, mem.va, mem.length, 0);
	expect_rc(access_pin(c.fd, access, BASE, PAGE, NULL, &item), -ENOENT, "pinning in the IOAS that it left");
	expect_rc(access_pin(c.fd, access, 2 * BASE, mem.length, mem.va, &item), 0, "access pin");
	memset(mem.va, 0x5a, mem.length);
	expect_rc(access_rw(c.fd, access, 2 * BASE + 100, buffer, sizeof(buffer), 0), 0, "access read");
	expect(buffer[0] == 0x5a && !memcmp(buffer, buffer + 1, sizeof(buffer) - 1), "an access reads other bytes");
	memset(buffer, 0xa5, sizeof(buffer));
	expect_rc(access_rw(c.fd, access, 2 * BASE, buffer, sizeof(buffer),
			    MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH), 0, "access write");
	expect(!memcmp(mem.va, buffer, sizeof(buffer)), "an access writes other bytes");
	unmap_exactly(c.fd, other, 2 * BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* --- splitting and unmapping -------------------------------------------- */

/*
 * VFIO type 1 lets a mapping be cut. One cut: a kernel that forgets the parts
 * stays on its feet to be looked at.
 */
static void split_type1(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_CONTIG, 16 * PAGE);

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1_IOMMU);
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	vfio_unmap_exactly(c.fd, BASE + 12 * PAGE, 4 * PAGE);
	check_map(c.fd, device.hwpt, BASE, 12 * PAGE, mem.va);
	check_pins(c.fd, mem.va, 12 * PAGE, 1);
	check_pins(c.fd, mem.va + 12 * PAGE, 4 * PAGE, 0);
	vfio_unmap_exactly(c.fd, BASE, 12 * PAGE);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/*
 * Two cuts. The parts share what was pinned: a copy of one into another domain
 * must not pin it again. A kernel that gets this wrong uses freed memory, and
 * hangs or dies.
 */
static void split_copy(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas), second;
	struct mem mem = mem_alloc(MEM_CONTIG, 16 * PAGE);
	uint32_t other = ioas_alloc(c.fd);

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1_IOMMU);
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	vfio_unmap_exactly(c.fd, BASE + 6 * PAGE, 4 * PAGE);
	check_map(c.fd, device.hwpt, BASE, 6 * PAGE, mem.va);
	check_map(c.fd, device.hwpt, BASE + 10 * PAGE, 6 * PAGE, mem.va + 10 * PAGE);
	second = mock_device_new(c.fd, other);
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, other, BASE, 6 * PAGE, MAP_AT), 0, "IOAS_COPY");
	check_pins(c.fd, mem.va, 6 * PAGE, 1);
	vfio_unmap_exactly(c.fd, BASE, 6 * PAGE);
	vfio_unmap_exactly(c.fd, BASE + 10 * PAGE, 6 * PAGE);
	check_pins(c.fd, mem.va, 6 * PAGE, 1);
	unmap_exactly(c.fd, other, BASE, 6 * PAGE);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, second.stdev, "the second device");
	destroy_ok(c.fd, other, "the other IOAS");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* A range may cover several areas, not a part of one; the answer says how much. */
static void unmap_len(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 12 * PAGE);
	uint64_t unmapped;

	for (unsigned int i = 0; i < 3; i++)
		expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + i * 4 * PAGE, 4 * PAGE, BASE + i * 8 * PAGE), 0,
			  "IOAS_MAP");
	expect_rc(ioas_unmap(c.fd, c.ioas, BASE + PAGE, PAGE, NULL), -ENOENT, "unmapping the inside of an area");
	expect_rc(ioas_unmap(c.fd, c.ioas, BASE + 4 * PAGE, 4 * PAGE, NULL), -ENOENT, "unmapping a gap");
	expect_rc(ioas_unmap(c.fd, c.ioas, BASE + 17 * PAGE, 4 * PAGE, NULL), -ENOENT, "unmapping the end of an area");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE + 3 * PAGE), -EEXIST, "mapping what is mapped");
	expect_rc(ioas_unmap(c.fd, c.ioas, BASE, 16 * PAGE, &unmapped), 0, "unmapping two areas");
	expect(unmapped == 8 * PAGE, "unmapping two areas of 4 pages reports %#lx bytes", unmapped);
	unmap_exactly(c.fd, c.ioas, BASE + 16 * PAGE, 4 * PAGE);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* --- which IOVA may be used --------------------------------------------- */

static void aperture_edge(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, PAGE);
	uint64_t end = (uint64_t)MOCK_APERTURE_LAST + 1;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, end - PAGE), 0, "mapping the last page of the aperture");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE), 0, "mapping the first page of the aperture");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, end), -EINVAL, "mapping the page after the aperture");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE - PAGE), -EINVAL,
		  "mapping the page before the aperture");
	unmap_exactly(c.fd, c.ioas, BASE, PAGE);
	/* all, for the page that should not be there */
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* What the user reserved for itself is a promise: who would break it is refused. */
static void allow_then_attach(void)
{
	struct context c = context_open();
	struct mock_device device = { 0 };
	int rc;

	expect_rc(ioas_allow(c.fd, c.ioas, PAGE, 2 * BASE), 0, "IOAS_ALLOW_IOVAS");
	rc = mock_device_attach(c.fd, c.ioas, &device);
	expect_rc(rc, -EADDRINUSE, "attaching a device with a smaller aperture");
	if (!rc)
		destroy_ok(c.fd, device.stdev, "the device");
	expect_rc(ioas_allow(c.fd, c.ioas, BASE, 2 * BASE), 0, "IOAS_ALLOW_IOVAS");
	device = mock_device_new(c.fd, c.ioas);
	expect_rc(ioas_allow(c.fd, c.ioas, 0, BASE), -EADDRINUSE, "allowing what the device cannot reach");
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

/* The IOMMU's page is half of the CPU's: areas may start within a page. */
static void sub_page(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	unsigned char *va = mem.va + MOCK_PAGE;
	uint64_t far = BASE + MIB;

	expect_rc(ioas_map_at(c.fd, c.ioas, va, 3 * PAGE, BASE), 0, "IOAS_MAP");
	check_map(c.fd, device.hwpt, BASE, 3 * PAGE, va);
	expect_rc(ioas_copy(c.fd, c.ioas, BASE + PAGE, c.ioas, far + MOCK_PAGE, PAGE, MAP_AT), 0, "IOAS_COPY");
	check_map(c.fd, device.hwpt, far + MOCK_PAGE, PAGE, va + PAGE);
	unmap_exactly(c.fd, c.ioas, BASE, 3 * PAGE);
	unmap_exactly(c.fd, c.ioas, far + MOCK_PAGE, PAGE);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* Memory pinned for reading stays read-only, whoever copies it. */
static void copy_escalate(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t readable = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE;
	uint64_t iova = BASE;

	expect_rc(ioas_map(c.fd, c.ioas, readable, mem.va, mem.length, &iova), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, c.ioas, 2 * BASE, mem.length, readable), 0, "IOAS_COPY");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, c.ioas, 3 * BASE, mem.length, MAP_AT), -EPERM,
		  "a writable copy of a read-only mapping");
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* --- errors in the middle ----------------------------------------------- */

/*
 * Fail IOAS_MAP at each place where it can fail, with two domains to undo and a
 * batch of two pages, so that all happens in several rounds.
 */
static void fail_nth_two_domains(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	int rc, nth_fd = fail_nth_open();
	unsigned int nth = 1;
	uint32_t hwpt;

	if (nth_fd < 0)
		return skip("no fault injection in this kernel");
	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	set_memory_limit(c.fd, 32);
	do {
		fail_nth_arm(nth_fd, nth);
		rc = ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE);
		if (!fail_nth_hit(nth_fd))
			break;
		/* an allocation that fails may be tried again */
		if (!rc)
			unmap_exactly(c.fd, c.ioas, BASE, mem.length);
		check_pins(c.fd, mem.va, mem.length, 0);
	} while (nth++ < 1000);
	expect_rc(rc, 0, "IOAS_MAP without an injected failure");
	expect(nth > 8, "only %u places where IOAS_MAP can fail", nth - 1);
	check_map(c.fd, device.hwpt, BASE, mem.length, mem.va);
	check_map(c.fd, hwpt, BASE, mem.length, mem.va);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	set_memory_limit(c.fd, 65536);
	close(nth_fd);
	destroy_ok(c.fd, hwpt, "the second HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* --- limits ------------------------------------------------------------- */

#define LIMIT_PAGES 64UL

/* What is unmapped is given back: much more than the limit passes through. */
static void charge_in_a_loop(const struct context *c, const struct mem *mem)
{
	for (unsigned int i = 0; i < 8; i++) {
		if (!expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, LIMIT_PAGES / 2 * PAGE, BASE), 0,
			       "mapping half of RLIMIT_MEMLOCK again"))
			return;
		unmap_exactly(c->fd, c->ioas, BASE, LIMIT_PAGES / 2 * PAGE);
	}
}

/* The limit holds for the sum, though each part is below it. */
static void charge_in_parts(const struct context *c, const struct mem *mem)
{
	size_t part = LIMIT_PAGES * 3 / 8 * PAGE;

	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, part, BASE), 0, "mapping 3/8 of RLIMIT_MEMLOCK");
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va + part, part, BASE + MIB), 0, "mapping 6/8 of RLIMIT_MEMLOCK");
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va + 2 * part, part, BASE + 2 * MIB), -ENOMEM,
		  "mapping 9/8 of RLIMIT_MEMLOCK");
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, mem->length, BASE + 3 * MIB), -ENOMEM,
		  "mapping twice RLIMIT_MEMLOCK");
	expect_rc(ioas_unmap(c->fd, c->ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
}

static void charge(void *argument)
{
	struct mem mem = mem_alloc(MEM_4K, 2 * LIMIT_PAGES * PAGE);

	charge_in_a_loop(argument, &mem);
	charge_in_parts(argument, &mem);
	mem_free(&mem);
}

static void charge_in_mode(uint64_t mode)
{
	struct context c = { .fd = iommufd_open() };
	struct mock_device device;

	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), 0, "OPTION_RLIMIT_MODE");
	c.ioas = ioas_alloc(c.fd);
	device = mock_device_new(c.fd, c.ioas);
	run_unprivileged(LIMIT_PAGES * PAGE, charge, &c);
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

static void unpriv_charge(void)
{
	charge_in_mode(0); /* user->locked_vm */
	charge_in_mode(1); /* mm->locked_vm */
}

/* --- the life of domains and faults ------------------------------------- */

/* The domain that an attach made is gone with the last device. */
static void auto_domain(void)
{
	struct context c = context_open();
	struct mock_device first = mock_device_new(c.fd, c.ioas), second = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);

	expect(first.hwpt == second.hwpt, "two alike devices have two domains, %u and %u", first.hwpt, second.hwpt);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	destroy_ok(c.fd, first.stdev, "the first device");
	check_map(c.fd, first.hwpt, BASE, mem.length, mem.va);
	destroy_ok(c.fd, second.stdev, "the second device");
	check_pins(c.fd, mem.va, mem.length, 0);
	expect_rc(destroy(c.fd, first.hwpt), -ENOENT, "destroying the automatic HWPT");
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	mem_free(&mem);
	context_close(&c);
}

/* A fault that nobody has read when the device leaves for the other queue. */
static void leave_unread(const struct context *c, const struct mock_device *device, struct queue *from,
			 const struct queue *to)
{
	bool stale;

	expect_rc(trigger_fault(c->fd, device->id, 2), 0, "a page fault");
	expect(queue_pending(from), "the fault did not arrive");
	expect_rc(mock_device_replace(c->fd, device, to->hwpt), 0, "replace");
	stale = queue_pending(from);
	/* before anything else: a stale fault is only harmless while the device reports faults */
	queue_destroy(c, from);
	expect(!stale, "a fault is pending in the queue of a HWPT that has no device");
}

/*
 * Faults not answered when the device leaves their HWPT are answered by the
 * kernel, whether somebody has read them or not.
 */
static void iopf_replace(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct queue first, second;
	uint32_t parent;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent), 0, "HWPT_ALLOC");
	first = queue_new(&c, &device, parent);
	second = queue_new(&c, &device, parent);
	expect_rc(mock_device_replace(c.fd, &device, first.hwpt), 0, "replace");
	expect_rc(trigger_fault(c.fd, device.id, 1), 0, "a page fault");
	queue_answer(&first, queue_read(&first).cookie);
	leave_unread(&c, &device, &first, &second);
	expect_rc(trigger_fault(c.fd, device.id, 3), 0, "a page fault");
	queue_read(&second);
	expect_rc(mock_device_replace(c.fd, &device, c.ioas), 0, "replace");
	queue_destroy(&c, &second);
	destroy_ok(c.fd, device.stdev, "the device");
	destroy_ok(c.fd, parent, "the parent HWPT");
	context_close(&c);
}

static const struct step steps[] = {
	{ "two_hwpt_map_unmap", "three HWPTs on one IOAS: map, replay, unmap", two_hwpt_map_unmap },
	{ "storage_handover", "the first of two domains goes, the second keeps the pages", storage_handover },
	{ "access_middle", "an access holds the middle of pages that lose their domain", access_middle },
	{ "access_then_hwpt", "a second HWPT for an area that an access uses", access_then_hwpt },
	{ "access_moves", "an access with pins goes to another IOAS, reads and writes", access_moves },
	{ "split_type1", "VFIO type 1: unmap the end of a mapping", split_type1 },
	{ "split_copy", "VFIO type 1: unmap the middle, copy the start", split_copy },
	{ "unmap_len", "unmap several areas, a part, a gap", unmap_len },
	{ "aperture_edge", "map inside and outside of both ends of the aperture", aperture_edge },
	{ "allow_then_attach", "allowed IOVA ranges refuse a narrower device", allow_then_attach },
	{ "sub_page", "areas that start within a page", sub_page },
	{ "copy_escalate", "a writable copy of a read-only mapping", copy_escalate },
	{ "fail_nth_two_domains", "IOAS_MAP fails at each place, two domains", fail_nth_two_domains },
	{ "unpriv_charge", "RLIMIT_MEMLOCK by user and by process", unpriv_charge },
	{ "auto_domain", "attach makes a domain, detach ends it", auto_domain },
	{ "iopf_replace", "page faults pending when the HWPT is replaced", iopf_replace },
	MOCK_STEPS_SPACE,
	MOCK_STEPS_USERS,
	MOCK_STEPS_VFIO,
	MOCK_STEPS_RACE,
};

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "mock",
		.usage = "Work on the mock IOMMU of the iommufd selftest; boot with intel_iommu=off.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
	};

	return run_program(&program, argc, argv);
}
