// SPDX-License-Identifier: GPL-2.0-only
/* Steps of mock by the ioctls of VFIO's container: which IOAS they work on, and what they answer. */
#include <string.h>
#include <sys/ioctl.h>

#include "mock_steps.h"

static int vfio_map_for(int fd, const void *va, size_t length, uint64_t iova, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .vaddr = (uintptr_t)va, .iova = iova, .size = length,
	};

	return call(fd, VFIO_IOMMU_MAP_DMA, &map);
}

/* DMA is always coherent if every HWPT sees to that: the mock IOMMU cannot. */
void vfio_promises(void)
{
	struct context c = context_open();
	struct mock_device device;

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	expect(ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) == 1, "DMA is not coherent without a HWPT");
	device = mock_device_new(c.fd, c.ioas);
	expect(ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) == 0, "DMA of the mock IOMMU is coherent");
	expect(ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR) == 0, "VFIO_UPDATE_VADDR is there");
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

/* What is asked for is what is permitted: both, or one of them. */
void one_way(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	static const uint32_t asked[] = { VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE };
	const uint32_t write_only = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE;
	uint64_t iova = BASE;

	expect_rc(ioas_map(c.fd, c.ioas, write_only, mem.va, mem.length, &iova), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, c.ioas, 2 * BASE, mem.length, write_only), 0, "IOAS_COPY");
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		expect_rc(vfio_map_for(c.fd, mem.va, mem.length, BASE, asked[i]), 0, "VFIO_IOMMU_MAP_DMA");
		vfio_unmap_exactly(c.fd, BASE, mem.length);
	}
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* Another IOAS is set, and gets the map. */
void vfio_moves(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t other = ioas_alloc(c.fd);
	struct iommu_vfio_ioas set = { .size = sizeof(set), .op = IOMMU_VFIO_IOAS_SET, .ioas_id = other };

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	expect_rc(call(c.fd, IOMMU_VFIO_IOAS, &set), 0, "VFIO_IOAS");
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(ioas_unmap(c.fd, other, BASE, mem.length, NULL), 0, "IOAS_UNMAP of the IOAS that was set");
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* Its IOAS is gone; the next one has the same memory, but nobody has set it. */
void vfio_ends(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t compat = ioas_alloc(c.fd), next;

	vfio_compat_start(c.fd, compat, VFIO_TYPE1v2_IOMMU);
	destroy_ok(c.fd, compat, "the IOAS of VFIO");
	next = ioas_alloc(c.fd);
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), -ENODEV, "VFIO_IOMMU_MAP_DMA without an IOAS");
	expect_rc(ioas_unmap(c.fd, next, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	destroy_ok(c.fd, next, "the next IOAS");
	mem_free(&mem);
	context_close(&c);
}

/*
 * Type 1v2 does not cut: one and a half mappings fail at the second one, and the answer says
 * what became of the first.
 */
void vfio_uncut(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 8 * PAGE);
	uint64_t unmapped;

	vfio_compat_start(c.fd, c.ioas, VFIO_TYPE1v2_IOMMU);
	expect_rc(vfio_map(c.fd, mem.va, 4 * PAGE, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(vfio_map(c.fd, mem.va + 4 * PAGE, 4 * PAGE, BASE + 4 * PAGE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(vfio_unmap(c.fd, BASE, 6 * PAGE, 0, &unmapped), -ENOENT, "unmapping one and a half");
	expect(unmapped == 4 * PAGE || !unmapped, "unmapped %#lx of two mappings", unmapped);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	mem_free(&mem);
	context_close(&c);
}
