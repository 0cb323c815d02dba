// SPDX-License-Identifier: GPL-2.0-only
/* Steps of mock about the IOVA space and its domains, see mock_steps.h. */
#include <string.h>
#include <unistd.h>

#include "mock_steps.h"

#define APERTURE_END ((uint64_t)MOCK_APERTURE_LAST + 1)
#define READABLE (IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE)

/* Fail HWPT_ALLOC at each place where it can fail; before and after `pins` hold. */
static void fail_hwpt(const struct context *c, const struct mock_device *device, const struct mem *mem,
		      unsigned int pins, int nth_fd)
{
	unsigned int nth = 1;
	uint32_t hwpt;
	int rc;

	set_memory_limit(c->fd, 32);
	do {
		fail_nth_arm(nth_fd, nth);
		rc = hwpt_alloc(c->fd, device->id, c->ioas, 0, &hwpt);
		if (!fail_nth_hit(nth_fd))
			break;
		if (!rc)
			destroy_ok(c->fd, hwpt, "the HWPT");
		check_pins(c->fd, mem->va, mem->length, pins);
	} while (nth++ < 1000);
	expect_rc(rc, 0, "HWPT_ALLOC without an injected failure");
	expect(nth > 4, "only %u places where HWPT_ALLOC can fail", nth - 1);
	check_map(c->fd, hwpt, BASE, mem->length / 2, mem->va);
	set_memory_limit(c->fd, 65536);
	destroy_ok(c->fd, hwpt, "the HWPT");
}

/* Two areas in several batches, first of pages that nobody has pinned, then of some that a domain has. */
void fail_nth_hwpt(void)
{
	struct context c = context_open();
	uint32_t other = ioas_alloc(c.fd);
	struct mock_device device = mock_device_new(c.fd, other);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	int nth_fd = fail_nth_open();

	if (nth_fd < 0)
		return skip("no fault injection in this kernel");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, 8 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + 8 * PAGE, 8 * PAGE, BASE + MIB), 0, "IOAS_MAP");
	fail_hwpt(&c, &device, &mem, 0, nth_fd);
	expect_rc(mock_device_replace(c.fd, &device, c.ioas), 0, "replace");
	fail_hwpt(&c, &device, &mem, 1, nth_fd);
	close(nth_fd);
	destroy_ok(c.fd, device.stdev, "the device");
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* What may only be read stays so with small pages, and for a second domain. */
void small_read_only(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_CONTIG, 8 * PAGE);
	uint64_t off = 0, iova = BASE;
	uint32_t hwpt;

	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &off), 0, "HUGE_PAGES");
	expect_rc(ioas_map(c.fd, c.ioas, READABLE, mem.va, mem.length, &iova), 0, "IOAS_MAP");
	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	check_map(c.fd, hwpt, BASE, mem.length, mem.va);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, hwpt, "the second HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* Allowed ranges above the aperture: refused after what is below was reserved. */
void attach_refused(void)
{
	struct context c = context_open();
	struct mock_device device = { 0 };
	struct iommu_iova_range ranges[2];
	uint32_t count = ARRAY_SIZE(ranges);
	uint64_t align;

	expect_rc(ioas_allow(c.fd, c.ioas, APERTURE_END, 2 * APERTURE_END), 0, "IOAS_ALLOW_IOVAS");
	expect_rc(mock_device_attach(c.fd, c.ioas, &device), -EADDRINUSE, "attaching a device with a smaller aperture");
	expect_rc(ioas_ranges(c.fd, c.ioas, ranges, &count, &align), 0, "IOAS_IOVA_RANGES");
	expect(count == 1 && !ranges[0].start && ranges[0].last == UINT64_MAX, "a refused attach leaves ranges");
	context_close(&c);
}

static void expect_alignment(const struct context *c, uint64_t wanted, const char *when)
{
	struct iommu_iova_range ranges[4];
	uint32_t count = ARRAY_SIZE(ranges);
	uint64_t align = 0;

	expect_rc(ioas_ranges(c->fd, c->ioas, ranges, &count, &align), 0, "IOAS_IOVA_RANGES");
	expect(align == wanted, "alignment %lu, not %lu, %s", align, wanted, when);
}

void align_follows(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	struct mock_device device;
	uint64_t off = 0, on = 1;
	int access;

	expect_alignment(&c, 1, "with nothing");
	device = mock_device_new(c.fd, c.ioas);
	expect_alignment(&c, MOCK_PAGE, "with a device");
	access = access_open(c.fd, c.ioas);
	expect_alignment(&c, PAGE, "with an access");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, MOCK_PAGE, BASE), -EINVAL, "mapping half a page");
	close(access);
	expect_alignment(&c, MOCK_PAGE, "after the access");
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &off), 0, "HUGE_PAGES");
	expect_alignment(&c, PAGE, "without large pages");
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &on), 0, "HUGE_PAGES");
	destroy_ok(c.fd, device.stdev, "the device");
	expect_alignment(&c, 1, "after the device");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + 1, 100, BASE + 1), 0, "mapping bytes");
	unmap_exactly(c.fd, c.ioas, BASE + 1, 100);
	mem_free(&mem);
	context_close(&c);
}

/* Never the first page; inside the allowed ranges, those that were refused do not count. */
void auto_iova(void)
{
	struct context c = context_open();
	struct mock_device device;
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint64_t iova = 0;

	expect_rc(ioas_map(c.fd, c.ioas, MAP_RW, mem.va, PAGE, &iova), 0, "IOAS_MAP");
	expect(iova >= PAGE, "IOAS_MAP gives IOVA %#lx", iova);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	device = mock_device_new(c.fd, c.ioas);
	expect_rc(ioas_allow(c.fd, c.ioas, 4 * BASE, 4 * BASE + MIB), 0, "IOAS_ALLOW_IOVAS");
	expect_rc(ioas_allow(c.fd, c.ioas, 0, 2 * BASE), -EADDRINUSE, "allowing what the device cannot reach");
	expect_rc(ioas_map(c.fd, c.ioas, MAP_RW, mem.va, mem.length, &iova), 0, "IOAS_MAP");
	expect(iova >= 4 * BASE && iova < 4 * BASE + MIB, "IOAS_MAP gives IOVA %#lx, which is not allowed", iova);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

void area_outside(void)
{
	struct context c = context_open();
	struct mock_device device = { 0 };
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	int rc;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE - 2 * PAGE), 0, "IOAS_MAP");
	rc = mock_device_attach(c.fd, c.ioas, &device);
	expect_rc(rc, -EADDRINUSE, "attaching a device that cannot reach an area");
	check_pins(c.fd, mem.va, mem.length, rc ? 0 : 1);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	if (!rc)
		destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* Without a domain nobody looks at the addresses, and a map may be of almost any length. */
void map_endless(void)
{
	struct context c = context_open();

	expect_rc(ioas_map_at(c.fd, c.ioas, (void *)BASE, 1UL << 62, BASE), 0, "IOAS_MAP");
	unmap_exactly(c.fd, c.ioas, BASE, 1UL << 62);
	context_close(&c);
}

void huge_filled(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_CONTIG, 8 * PAGE);
	uint64_t off = 0, unmapped;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &off), -EINVAL,
		  "HUGE_PAGES=0 for a filled domain");
	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	expect_rc(vfio_unmap(c.fd, BASE + 4 * PAGE, 4 * PAGE, 0, &unmapped), -ENOENT, "cutting a large mapping");
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

void copy_pieces(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	uint64_t part = 2 * BASE, both = 3 * BASE;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, 4 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + 4 * PAGE, 4 * PAGE, BASE + 4 * PAGE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE + PAGE, c.ioas, part, 2 * PAGE, MAP_AT), 0, "IOAS_COPY of a part");
	check_map(c.fd, device.hwpt, part, 2 * PAGE, mem.va + PAGE);
	unmap_exactly(c.fd, c.ioas, part, 2 * PAGE);
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, c.ioas, both, mem.length, MAP_AT), 0, "IOAS_COPY of two areas");
	check_map(c.fd, device.hwpt, both, mem.length, mem.va);
	check_pins(c.fd, mem.va, mem.length, 1);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

void two_batches(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint32_t hwpt;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	set_memory_limit(c.fd, 64);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	check_map(c.fd, device.hwpt, BASE, mem.length, mem.va);
	check_map(c.fd, hwpt, BASE, mem.length, mem.va);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	set_memory_limit(c.fd, 65536);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, hwpt, "the second HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

void dirty_bits(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 32 * PAGE);
	uint64_t made = 0xf0f0, seen = 0, again = 0;
	uint32_t hwpt;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt), 0, "HWPT_ALLOC");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(dirty_tracking(c.fd, hwpt, true), 0, "SET_DIRTY_TRACKING");
	expect_rc(dirty_make(c.fd, hwpt, BASE, 64 * MOCK_PAGE, &made), 0, "writing through the domain");
	expect_rc(dirty_bitmap(c.fd, hwpt, BASE, 64 * MOCK_PAGE, &seen, false), 0, "GET_DIRTY_BITMAP");
	expect(seen == made, "dirty %#lx, written %#lx", seen, made);
	expect_rc(dirty_bitmap(c.fd, hwpt, BASE, 64 * MOCK_PAGE, &again, true), 0, "GET_DIRTY_BITMAP");
	expect(!again, "dirty %#lx after it was cleared", again);
	expect_rc(dirty_make(c.fd, hwpt, BASE, 64 * MOCK_PAGE, &made), 0, "writing through the domain");
	expect_rc(dirty_tracking(c.fd, hwpt, false), 0, "SET_DIRTY_TRACKING");
	expect_rc(dirty_tracking(c.fd, hwpt, true), 0, "SET_DIRTY_TRACKING");
	expect_rc(dirty_bitmap(c.fd, hwpt, BASE, 64 * MOCK_PAGE, &again, true), 0, "GET_DIRTY_BITMAP");
	expect(!again, "dirty %#lx from before the tracking", again);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, hwpt, "the HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}
