// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_dma - iommufd with a real IOMMU and a device that does DMA
 *
 * The steps use the QEMU devices edu (1234:11e8, which copies memory) and nvme
 * (1b36:0010, which only has to be there) through VFIO's character devices on an
 * emulated Intel IOMMU. What the IOMMU has been told is checked by the only means
 * that cannot be wrong: the device reads and writes through the IOVA, and the
 * bytes are, or are not, in memory afterwards.
 *
 * Needs root, vfio-pci, and a kernel booted with intel_iommu=on, as scripts/vm
 * does. The first step that fails ends the run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio_dev.h"

/* Below the 256 MiB that edu can address, above what a PC reserves. */
#define BASE (32 * MIB)
#define FAR (128 * MIB)
#define MSI_START 0xfee00000UL /* reserved on every x86 */

static const char *edu_address, *nvme_address;

/* An iommufd, an IOAS, and edu bound to it; attached to `pt` if that is not 0. */
struct context {
	int fd;
	uint32_t ioas, pt;
	struct vfio_device edu;
};

static void context_attach(struct context *c, uint32_t pt)
{
	c->pt = pt;
	expect_rc(vfio_attach(&c->edu, &c->pt), 0, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

static struct context context_bound(uint64_t rlimit_mode)
{
	struct context c = { .fd = iommufd_open() };

	if (rlimit_mode)
		expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &rlimit_mode), 0,
			  "OPTION_RLIMIT_MODE");
	c.ioas = ioas_alloc(c.fd);
	c.edu = vfio_open(edu_address, c.fd);
	return c;
}

/* The usual: edu attached to the IOAS, ready for DMA. */
static struct context context_open(void)
{
	struct context c = context_bound(0);

	context_attach(&c, c.ioas);
	edu_start(&c.edu);
	return c;
}

static void context_close(struct context *c)
{
	vfio_close(&c->edu);
	destroy_ok(c->fd, c->ioas, "the IOAS");
	close(c->fd);
}

/* Map, DMA at both ends and across a page boundary, unmap, DMA no more. */
static void map_and_dma(struct context *c, struct mem *mem)
{
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, mem->length, BASE), 0, "IOAS_MAP");
	edu_round_trips(&c->edu, BASE, mem);
	unmap_exactly(c->fd, c->ioas, BASE, mem->length);
}

/* --- kinds of memory ---------------------------------------------------- */

static void dma(struct mem *mem)
{
	struct context c = context_open();

	map_and_dma(&c, mem);
	context_close(&c);
}

static void anon_contiguous(void)
{
	with_memory(MEM_CONTIG, 64 * KIB, "", dma);
}

/* An odd number of pages: the DMA in the middle crosses a page boundary. */
static void anon_fragmented(void)
{
	with_memory(MEM_FRAG, 64 * PAGE, "", dma);
}

static void thp(void)
{
	with_memory(MEM_THP, 4 * MIB, "no transparent huge pages", dma);
}

static void hugetlb(void)
{
	with_memory(MEM_HUGETLB, 4 * MIB, "no huge pages of 2 MiB", dma);
}

static void memfd(void)
{
	with_memory(MEM_MEMFD, 256 * KIB, "", dma);
}

/* --- domains ------------------------------------------------------------ */

/* Two page tables for one IOAS; the device changes from one to the other. */
static void two_hwpts(void)
{
	struct context c = context_bound(0);
	struct mem before = mem_alloc(MEM_FRAG, 16 * PAGE), after = mem_alloc(MEM_CONTIG, 16 * PAGE);
	uint32_t first, second;

	expect_rc(ioas_map_at(c.fd, c.ioas, before.va, before.length, BASE), 0, "IOAS_MAP");
	expect_rc(hwpt_alloc(c.fd, c.edu.id, c.ioas, 0, &first), 0, "HWPT_ALLOC");
	expect_rc(hwpt_alloc(c.fd, c.edu.id, c.ioas, 0, &second), 0, "HWPT_ALLOC");
	context_attach(&c, first);
	edu_start(&c.edu);
	expect_rc(ioas_map_at(c.fd, c.ioas, after.va, after.length, FAR), 0, "IOAS_MAP");
	edu_round_trip(&c.edu, BASE + PAGE, before.va + PAGE);
	edu_round_trip(&c.edu, FAR, after.va);
	context_attach(&c, second);
	edu_round_trip(&c.edu, BASE + 3 * PAGE, before.va + 3 * PAGE);
	edu_round_trip(&c.edu, FAR + PAGE, after.va + PAGE);
	destroy_ok(c.fd, first, "the HWPT that the device left");
	edu_round_trip(&c.edu, BASE, before.va);
	unmap_exactly(c.fd, c.ioas, BASE, before.length);
	edu_keeps_out(&c.edu, BASE, before.va);
	unmap_exactly(c.fd, c.ioas, FAR, after.length);
	expect_rc(vfio_detach(&c.edu), 0, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	destroy_ok(c.fd, second, "the second HWPT");
	mem_free(&before);
	mem_free(&after);
	context_close(&c);
}

/* The same IOVA means other memory once the device has another IOAS. */
static void replace_ioas(void)
{
	struct context c = context_open();
	struct mem one = mem_alloc(MEM_4K, PAGE), two = mem_alloc(MEM_4K, PAGE);
	uint32_t other = ioas_alloc(c.fd);

	expect_rc(ioas_map_at(c.fd, c.ioas, one.va, PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, other, two.va, PAGE, BASE), 0, "IOAS_MAP");
	edu_round_trip(&c.edu, BASE, one.va);
	memset(one.va, 0x11, PAGE);
	context_attach(&c, other);
	edu_round_trip(&c.edu, BASE, two.va);
	expect(one.va[0] == 0x11 && one.va[PAGE - 1] == 0x11, "DMA went to the IOAS that the device left");
	context_attach(&c, c.ioas);
	edu_round_trip(&c.edu, BASE, one.va);
	unmap_exactly(c.fd, c.ioas, BASE, PAGE);
	unmap_exactly(c.fd, other, BASE, PAGE);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&one);
	mem_free(&two);
	context_close(&c);
}

/* A second group with the same memory, in an automatic domain of its own, then none. */
static void second_device(void)
{
	struct context c;
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	struct vfio_device nvme;
	uint32_t hwpt, pt;

	if (!nvme_address)
		return skip("no nvme device (1b36:0010)");
	c = context_bound(0);
	nvme = vfio_open(nvme_address, c.fd);
	expect_rc(hwpt_alloc(c.fd, c.edu.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	context_attach(&c, hwpt);
	edu_start(&c.edu);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	pt = c.ioas;
	expect_rc(vfio_attach(&nvme, &pt), 0, "attaching nvme");
	expect(pt != hwpt && pt != c.ioas, "nvme has no automatic HWPT");
	edu_round_trip(&c.edu, BASE, mem.va);
	expect_rc(vfio_detach(&nvme), 0, "detaching nvme");
	expect_rc(destroy(c.fd, pt), -ENOENT, "destroying the automatic HWPT of nvme");
	edu_round_trip(&c.edu, BASE + PAGE, mem.va + PAGE);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	vfio_close(&nvme);
	expect_rc(vfio_detach(&c.edu), 0, "detaching edu");
	destroy_ok(c.fd, hwpt, "the HWPT");
	mem_free(&mem);
	context_close(&c);
}

static void hw_info(void)
{
	struct context c = context_bound(0);
	unsigned char data[64];
	struct iommu_hw_info cmd = {
		.size = sizeof(cmd),
		.dev_id = c.edu.id,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};

	expect_rc(call(c.fd, IOMMU_GET_HW_INFO, &cmd), 0, "GET_HW_INFO");
	expect(cmd.out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD, "the IOMMU has type %u", cmd.out_data_type);
	context_close(&c);
}

/* Was the kernel told not to remap interrupts? */
static bool interrupts_are_shared(void)
{
	char words[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");

	if (!f || !fgets(words, sizeof(words), f))
		fail("cannot read /proc/cmdline");
	fclose(f);
	return strstr(words, "intremap=off");
}

/* A device whose interrupts cannot be kept apart from those of others is not for users. */
static void interrupts(void)
{
	int fd = iommufd_open();
	struct vfio_device edu;

	expect_rc(vfio_bind(edu_address, fd, &edu), interrupts_are_shared() ? -EPERM : 0,
		  "VFIO_DEVICE_BIND_IOMMUFD");
	vfio_close(&edu);
	close(fd);
}

/* Nothing can be destroyed that something else uses, and everything in this order. */
static void destroy_order(void)
{
	struct context c = context_bound(0);
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t hwpt;

	expect_rc(hwpt_alloc(c.fd, c.edu.id, c.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	context_attach(&c, hwpt);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(destroy(c.fd, c.ioas), -EBUSY, "destroying an IOAS that has a HWPT");
	expect_rc(destroy(c.fd, hwpt), -EBUSY, "destroying a HWPT that has a device");
	expect_rc(destroy(c.fd, c.edu.id), -EBUSY, "destroying a device that VFIO has");
	expect_rc(vfio_detach(&c.edu), 0, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	destroy_ok(c.fd, hwpt, "the HWPT");
	vfio_close(&c.edu);
	expect_rc(destroy(c.fd, c.edu.id), -ENOENT, "destroying the device after its end");
	destroy_ok(c.fd, c.ioas, "the IOAS with its mapping");
	close(c.fd);
	mem_free(&mem);
}

/* --- mapping and unmapping ---------------------------------------------- */

/* Shared, not mapped twice: the copy outlives the original. */
static void copy(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint32_t other = ioas_alloc(c.fd);

	expect_rc(ioas_map_at(c.fd, other, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, other, BASE, c.ioas, FAR, mem.length, MAP_AT), 0, "IOAS_COPY");
	expect_rc(ioas_copy(c.fd, other, BASE + 2 * PAGE, c.ioas, BASE, 3 * PAGE, MAP_AT), 0, "IOAS_COPY of a part");
	edu_round_trip(&c.edu, FAR + PAGE, mem.va + PAGE);
	edu_round_trip(&c.edu, BASE, mem.va + 2 * PAGE);
	unmap_exactly(c.fd, other, BASE, mem.length);
	edu_round_trip(&c.edu, FAR, mem.va);
	unmap_exactly(c.fd, c.ioas, FAR, mem.length);
	edu_round_trip(&c.edu, BASE + 2 * PAGE, mem.va + 4 * PAGE);
	unmap_exactly(c.fd, c.ioas, BASE, 3 * PAGE);
	edu_keeps_out(&c.edu, BASE, mem.va + 2 * PAGE);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* Some of several areas go; the others keep working. */
static void unmap_partial(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);

	for (unsigned int i = 0; i < 4; i++)
		expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + i * 4 * PAGE, 4 * PAGE, BASE + i * 4 * PAGE), 0,
			  "IOAS_MAP");
	expect_rc(ioas_unmap(c.fd, c.ioas, BASE + PAGE, PAGE, NULL), -ENOENT, "unmapping the inside of an area");
	unmap_exactly(c.fd, c.ioas, BASE + 4 * PAGE, 8 * PAGE);
	edu_round_trip(&c.edu, BASE + 3 * PAGE, mem.va + 3 * PAGE);
	edu_round_trip(&c.edu, BASE + 12 * PAGE, mem.va + 12 * PAGE);
	edu_keeps_out(&c.edu, BASE + 4 * PAGE, mem.va + 4 * PAGE);
	unmap_exactly(c.fd, c.ioas, BASE, 4 * PAGE);
	unmap_exactly(c.fd, c.ioas, BASE + 12 * PAGE, 4 * PAGE);
	mem_free(&mem);
	context_close(&c);
}

static void unmap_all(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint64_t unmapped;

	for (unsigned int i = 0; i < 16; i++)
		expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + i * PAGE, PAGE, BASE + 2 * i * PAGE), 0, "IOAS_MAP");
	edu_round_trip(&c.edu, BASE + 30 * PAGE, mem.va + 15 * PAGE);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, &unmapped), 0, "IOAS_UNMAP of all");
	expect(unmapped == mem.length, "IOAS_UNMAP of all reports %#lx bytes", unmapped);
	edu_keeps_out(&c.edu, BASE + 30 * PAGE, mem.va + 15 * PAGE);
	mem_free(&mem);
	context_close(&c);
}

/* Pages of 4 KiB in the IOMMU even where memory is contiguous. */
static void huge_pages_off(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_THP, 2 * MIB);
	uint64_t value = 0;

	if (!mem.va)
		mem = mem_alloc(MEM_CONTIG, 16 * PAGE);
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &value), 0, "HUGE_PAGES=0");
	expect_rc(option(c.fd, IOMMU_OPTION_OP_GET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &value), 0, "HUGE_PAGES");
	expect(value == 0, "HUGE_PAGES is %lu after it was set to 0", value);
	map_and_dma(&c, &mem);
	value = 1;
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, c.ioas, &value), 0, "HUGE_PAGES=1");
	map_and_dma(&c, &mem);
	mem_free(&mem);
	context_close(&c);
}

/* VFIO type 1 can unmap the middle of a mapping, version 2 cannot. */
static void vfio_compat(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_CONTIG, 16 * PAGE);
	uint64_t unmapped;

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	vfio_unmap(c.fd, BASE + 4 * PAGE, 4 * PAGE, 0, &unmapped);
	expect(!unmapped, "type 1 version 2 unmaps %#lx bytes of the middle", unmapped);
	vfio_unmap_exactly(c.fd, BASE, mem.length);
	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1_IOMMU);
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	vfio_unmap_exactly(c.fd, BASE + 4 * PAGE, 4 * PAGE);
	edu_round_trip(&c.edu, BASE + 3 * PAGE, mem.va + 3 * PAGE);
	edu_round_trip(&c.edu, BASE + 8 * PAGE, mem.va + 8 * PAGE);
	edu_keeps_out(&c.edu, BASE + 4 * PAGE, mem.va + 4 * PAGE);
	expect_rc(vfio_unmap(c.fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &unmapped), 0, "VFIO_DMA_UNMAP_FLAG_ALL");
	expect(unmapped == 12 * PAGE, "VFIO_DMA_UNMAP_FLAG_ALL reports %#lx bytes", unmapped);
	mem_free(&mem);
	context_close(&c);
}

/* --- protection --------------------------------------------------------- */

static void read_only(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 2 * PAGE);
	uint64_t iova = BASE;

	expect_rc(ioas_map(c.fd, c.ioas, IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE, mem.va, PAGE, &iova), 0,
		  "IOAS_MAP for reading");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + PAGE, PAGE, FAR), 0, "IOAS_MAP");
	pattern_fill(mem.va, EDU_SPAN, 42);
	edu_read(&c.edu, BASE, EDU_SPAN);
	edu_write(&c.edu, FAR, EDU_SPAN);
	expect(pattern_differs(mem.va + PAGE, EDU_SPAN, 42) == EDU_SPAN, "a read-only mapping cannot be read");
	pattern_fill(mem.va + PAGE, EDU_SPAN, 43);
	edu_read(&c.edu, FAR, EDU_SPAN);
	edu_keeps_out(&c.edu, BASE, mem.va);
	unmap_exactly(c.fd, c.ioas, BASE, PAGE);
	unmap_exactly(c.fd, c.ioas, FAR, PAGE);
	mem_free(&mem);
	context_close(&c);
}

static void after_unmap(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, PAGE), spare = mem_alloc(MEM_4K, PAGE);

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, spare.va, PAGE, FAR), 0, "IOAS_MAP");
	edu_round_trip(&c.edu, BASE, mem.va);
	unmap_exactly(c.fd, c.ioas, BASE, PAGE);
	edu_keeps_out(&c.edu, BASE, mem.va);
	/* what a refused read brings is not the memory */
	pattern_fill(mem.va, EDU_SPAN, 77);
	edu_read_refused(&c.edu, BASE, EDU_SPAN);
	edu_write(&c.edu, FAR, EDU_SPAN);
	expect(pattern_differs(spare.va, EDU_SPAN, 77) < EDU_SPAN, "DMA reads memory that is not mapped any more");
	unmap_exactly(c.fd, c.ioas, FAR, PAGE);
	mem_free(&mem);
	mem_free(&spare);
	context_close(&c);
}

/* --- which IOVA may be used --------------------------------------------- */

/* Is the MSI window kept out of what the IOAS offers? */
static bool msi_reserved(const struct context *c)
{
	struct iommu_iova_range ranges[16];
	uint32_t count = ARRAY_SIZE(ranges);
	uint64_t alignment;

	expect_rc(ioas_ranges(c->fd, c->ioas, ranges, &count, &alignment), 0, "IOAS_IOVA_RANGES");
	for (uint32_t i = 0; i < count; i++)
		if (ranges[i].start <= MSI_START && MSI_START <= ranges[i].last)
			return false;
	return true;
}

/* An IOAS that maps what the device reserves: the device stays where it is, all of it. */
static void replace_refused(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, PAGE);
	uint32_t other = ioas_alloc(c.fd), pt = other;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, other, mem.va, PAGE, MSI_START), 0, "IOAS_MAP at the MSI window");
	expect_rc(vfio_attach(&c.edu, &pt), -EADDRINUSE, "replace by an IOAS that uses the MSI window");
	expect(msi_reserved(&c), "a refused replace takes the MSI window from the old IOAS");
	edu_round_trip(&c.edu, BASE, mem.va);
	unmap_exactly(c.fd, other, MSI_START, PAGE);
	unmap_exactly(c.fd, c.ioas, BASE, PAGE);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* Before: everything. Attached: without the MSI window, up to the aperture. */
static void iova_ranges(void)
{
	struct context c = context_bound(0);
	struct iommu_iova_range ranges[16];
	uint32_t count = ARRAY_SIZE(ranges), none = 0;
	uint64_t alignment;

	expect_rc(ioas_ranges(c.fd, c.ioas, ranges, &count, &alignment), 0, "IOAS_IOVA_RANGES");
	expect(count == 1 && !ranges[0].start && ranges[0].last == UINT64_MAX && alignment == 1,
	       "a new IOAS has %u ranges, alignment %lu", count, alignment);
	context_attach(&c, c.ioas);
	count = ARRAY_SIZE(ranges);
	expect_rc(ioas_ranges(c.fd, c.ioas, ranges, &count, &alignment), 0, "IOAS_IOVA_RANGES");
	expect(count >= 2 && alignment == PAGE, "an attached IOAS has %u ranges, alignment %lu", count, alignment);
	for (uint32_t i = 0; i < count; i++)
		expect(ranges[i].last < MSI_START || ranges[i].start > MSI_START,
		       "the MSI window is within range %#llx-%#llx", ranges[i].start, ranges[i].last);
	expect_rc(ioas_ranges(c.fd, c.ioas, ranges, &none, &alignment), -EMSGSIZE, "IOAS_IOVA_RANGES without space");
	expect(none == count, "IOAS_IOVA_RANGES reports %u ranges, then %u", count, none);
	context_close(&c);
}

/* The kernel chooses within what is allowed, and nobody may narrow that. */
static void allow_iovas(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t strict = ioas_alloc(c.fd), pt = strict;
	uint64_t iova = 0;

	expect_rc(ioas_allow(c.fd, c.ioas, BASE, BASE + MIB - 1), 0, "IOAS_ALLOW_IOVAS");
	expect_rc(ioas_map(c.fd, c.ioas, MAP_RW, mem.va, mem.length, &iova), 0, "IOAS_MAP at any IOVA");
	expect(iova >= BASE && iova + mem.length <= BASE + MIB, "IOAS_MAP chooses %#lx, which is not allowed", iova);
	edu_round_trip(&c.edu, iova + PAGE, mem.va + PAGE);
	expect_rc(ioas_allow(c.fd, c.ioas, MSI_START - MIB, MSI_START + MIB), -EADDRINUSE,
		  "allowing what is reserved");
	unmap_exactly(c.fd, c.ioas, iova, mem.length);
	expect_rc(ioas_allow(c.fd, strict, MSI_START - MIB, MSI_START + MIB), 0, "IOAS_ALLOW_IOVAS");
	expect_rc(vfio_attach(&c.edu, &pt), -EADDRINUSE, "attaching a device that reserves what is allowed");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, FAR), 0, "IOAS_MAP");
	edu_round_trip(&c.edu, FAR, mem.va);
	unmap_exactly(c.fd, c.ioas, FAR, mem.length);
	destroy_ok(c.fd, strict, "the IOAS that refused");
	mem_free(&mem);
	context_close(&c);
}

/* --- limits ------------------------------------------------------------- */

#define LIMIT_PAGES 64UL

static void charge(void *argument)
{
	const struct context *c = argument;
	struct mem mem = mem_alloc(MEM_4K, LIMIT_PAGES * PAGE);
	size_t part = LIMIT_PAGES * 3 / 4 * PAGE;

	expect_rc(ioas_map_at(c->fd, c->ioas, mem.va, part, BASE), 0, "mapping 3/4 of RLIMIT_MEMLOCK");
	expect_rc(ioas_map_at(c->fd, c->ioas, mem.va, part, FAR), -ENOMEM, "mapping 6/4 of RLIMIT_MEMLOCK");
	unmap_exactly(c->fd, c->ioas, BASE, part);
	expect_rc(ioas_map_at(c->fd, c->ioas, mem.va, mem.length, BASE), 0, "mapping all of RLIMIT_MEMLOCK");
	unmap_exactly(c->fd, c->ioas, BASE, mem.length);
	mem_free(&mem);
}

static void charge_in_mode(uint64_t mode)
{
	struct context c = context_bound(mode);

	context_attach(&c, c.ioas);
	run_unprivileged(LIMIT_PAGES * PAGE, charge, &c);
	context_close(&c);
}

static void rlimit_user(void)
{
	charge_in_mode(0);
}

static void rlimit_mm(void)
{
	charge_in_mode(1);
}

static const struct step steps[] = {
	{ "hw_info", "the type of the IOMMU", hw_info },
	{ "interrupts", "a device is bound only if its interrupts are isolated (intremap=off: they are not)",
	  interrupts },
	{ "anon_contiguous", "DMA with 4 KiB pages in one physical run", anon_contiguous },
	{ "anon_fragmented", "DMA with scattered 4 KiB pages", anon_fragmented },
	{ "thp", "DMA with transparent 2 MiB pages", thp },
	{ "hugetlb", "DMA with 2 MiB pages of hugetlbfs", hugetlb },
	{ "memfd", "DMA with shared memory", memfd },
	{ "two_hwpts", "two HWPTs on one IOAS, attach and replace", two_hwpts },
	{ "replace_ioas", "from one IOAS to another and back", replace_ioas },
	{ "replace_refused", "an IOAS that the device cannot have", replace_refused },
	{ "second_device", "nvme shares the IOAS for a while", second_device },
	{ "copy", "IOAS_COPY of all and of a part", copy },
	{ "unmap_partial", "unmap some of several areas", unmap_partial },
	{ "unmap_all", "unmap everything", unmap_all },
	{ "huge_pages_off", "OPTION_HUGE_PAGES=0", huge_pages_off },
	{ "vfio_compat", "VFIO container ioctls, cutting a mapping", vfio_compat },
	{ "read_only", "DMA cannot write where it may only read", read_only },
	{ "after_unmap", "DMA cannot reach what was unmapped", after_unmap },
	{ "iova_ranges", "IOAS_IOVA_RANGES before and after an attach", iova_ranges },
	{ "allow_iovas", "allowed ranges, automatic IOVA, refused narrowing", allow_iovas },
	{ "rlimit_user", "RLIMIT_MEMLOCK by user", rlimit_user },
	{ "rlimit_mm", "RLIMIT_MEMLOCK by process", rlimit_mm },
	{ "destroy_order", "what is used cannot be destroyed", destroy_order },
};

static void setup(void)
{
	edu_address = pci_find("0x1234", "0x11e8");
	nvme_address = pci_find("0x1b36", "0x0010");
	if (!edu_address)
		fail("no edu device (1234:11e8); add -device edu to QEMU");
	pci_give_to_vfio(edu_address);
	if (nvme_address)
		pci_give_to_vfio(nvme_address);
}

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "vfio_dma",
		.usage = "Do DMA with the QEMU device edu through vfio-pci and iommufd.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
		.run_all = true,
		.setup = setup,
	};

	return run_program(&program, argc, argv);
}
