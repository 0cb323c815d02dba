// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_container - DMA by the ioctls of VFIO type 1, served by iommufd
 *
 * Programs older than iommufd open a container, put groups into it, and map with
 * VFIO_IOMMU_MAP_DMA. iommufd has these ioctls, too. It is /dev/vfio/vfio itself
 * where the kernel has no other container (CONFIG_IOMMUFD_VFIO_CONTAINER); else
 * /dev/iommu can be put in its place. Which one it was is the first line.
 *
 * The devices and the proof are those of vfio_dma: what edu reads and writes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "vfio_dev.h"

#define BASE (32 * MIB)
#define FAR (128 * MIB)
#define MSI_START 0xfee00000UL
#define LIMIT_PAGES 64UL

static const char *edu_address, *nvme_address;

struct container {
	int fd, group;
	struct vfio_device edu;
};

/* --- the container ------------------------------------------------------ */

/* /dev/vfio/vfio if iommufd made it: only iommufd has IOASes. */
static int container_file(void)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && !call(fd, IOMMU_IOAS_ALLOC, &cmd)) {
		destroy_ok(fd, cmd.out_ioas_id, "an IOAS of the container");
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return iommufd_open();
}

static bool container_is_vfio(int fd)
{
	char link[64], path[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		fail("cannot read %s: %s", link, strerror(errno));
	return !strcmp(path, "/dev/vfio/vfio");
}

static int set_iommu(int fd, unsigned long type)
{
	return ioctl(fd, VFIO_SET_IOMMU, type) ? -errno : 0;
}

/* A group first, then the type, then the device: as every program does it. */
static struct container container_open(unsigned long type)
{
	struct container c = { .fd = container_file() };

	expect(ioctl(c.fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION, "VFIO_GET_API_VERSION is not 0");
	expect_rc(set_iommu(c.fd, type), -ENODEV, "VFIO_SET_IOMMU before there is a group");
	expect_rc(vfio_group_join(edu_address, c.fd, &c.group), 0, "VFIO_GROUP_SET_CONTAINER");
	expect_rc(set_iommu(c.fd, type), 0, "VFIO_SET_IOMMU");
	c.edu = vfio_group_device(edu_address, c.group);
	edu_start(&c.edu);
	return c;
}

static void container_close(struct container *c)
{
	vfio_close(&c->edu);
	close(c->group);
	close(c->fd);
}

static void unmap_everything(const struct container *c, uint64_t length)
{
	uint64_t unmapped;

	expect_rc(vfio_unmap(c->fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &unmapped), 0, "VFIO_DMA_UNMAP_FLAG_ALL");
	expect(unmapped == length, "VFIO_DMA_UNMAP_FLAG_ALL of %#lx bytes reports %#lx", length, unmapped);
}

/* --- kinds of memory ---------------------------------------------------- */

static void dma(struct mem *mem)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	size_t last = mem->length - PAGE;

	expect_rc(vfio_map(c.fd, mem->va, mem->length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(vfio_map(c.fd, mem->va, mem->length, BASE + last), -EEXIST, "VFIO_IOMMU_MAP_DMA over a mapping");
	edu_round_trips(&c.edu, BASE, mem);
	vfio_unmap_exactly(c.fd, BASE, mem->length);
	edu_keeps_out(&c.edu, BASE + last, mem->va + last);
	container_close(&c);
}

static void anon_contiguous(void)
{
	with_memory(MEM_CONTIG, 64 * KIB, "", dma);
}

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

/* --- unmapping ---------------------------------------------------------- */

/* Type 1 can unmap the middle of a mapping. */
static void type1_cuts(void)
{
	struct container c = container_open(VFIO_TYPE1_IOMMU);
	struct mem mem = mem_alloc(MEM_CONTIG, 16 * PAGE);

	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	vfio_unmap_exactly(c.fd, BASE + 4 * PAGE, 4 * PAGE);
	edu_round_trip(&c.edu, BASE + 3 * PAGE, mem.va + 3 * PAGE);
	edu_round_trip(&c.edu, BASE + 8 * PAGE, mem.va + 8 * PAGE);
	edu_keeps_out(&c.edu, BASE + 4 * PAGE, mem.va + 4 * PAGE);
	expect_rc(vfio_map(c.fd, mem.va, PAGE, BASE + 5 * PAGE), 0, "VFIO_IOMMU_MAP_DMA into the gap");
	edu_round_trip(&c.edu, BASE + 5 * PAGE, mem.va);
	unmap_everything(&c, 13 * PAGE);
	mem_free(&mem);
	container_close(&c);
}

/* Version 2 cannot; it goes through several mappings, and over gaps. */
static void type1v2_does_not_cut(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint64_t unmapped;

	for (unsigned int i = 0; i < 4; i++)
		expect_rc(vfio_map(c.fd, mem.va + i * 4 * PAGE, 4 * PAGE, BASE + i * 8 * PAGE), 0,
			  "VFIO_IOMMU_MAP_DMA");
	vfio_unmap(c.fd, BASE + PAGE, PAGE, 0, &unmapped);
	expect(!unmapped, "type 1 version 2 unmaps %#lx bytes of the inside", unmapped);
	expect_rc(vfio_unmap(c.fd, BASE + 8 * PAGE, 16 * PAGE, 0, &unmapped), 0, "VFIO_IOMMU_UNMAP_DMA");
	expect(unmapped == 8 * PAGE, "VFIO_IOMMU_UNMAP_DMA of two mappings reports %#lx bytes", unmapped);
	edu_keeps_out(&c.edu, BASE + 8 * PAGE, mem.va + 4 * PAGE);
	edu_round_trip(&c.edu, BASE + 3 * PAGE, mem.va + 3 * PAGE);
	edu_round_trip(&c.edu, BASE + 24 * PAGE, mem.va + 12 * PAGE);
	unmap_everything(&c, 8 * PAGE);
	edu_keeps_out(&c.edu, BASE, mem.va);
	mem_free(&mem);
	container_close(&c);
}

static void unmap_all(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint64_t unmapped;

	unmap_everything(&c, 0);
	for (unsigned int i = 0; i < 16; i++)
		expect_rc(vfio_map(c.fd, mem.va + i * PAGE, PAGE, BASE + 2 * i * PAGE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(vfio_unmap(c.fd, BASE, PAGE, VFIO_DMA_UNMAP_FLAG_ALL, &unmapped), -EINVAL,
		  "VFIO_DMA_UNMAP_FLAG_ALL with a range");
	edu_round_trip(&c.edu, BASE + 30 * PAGE, mem.va + 15 * PAGE);
	unmap_everything(&c, mem.length);
	edu_keeps_out(&c.edu, BASE + 30 * PAGE, mem.va + 15 * PAGE);
	mem_free(&mem);
	container_close(&c);
}

/* --- protection, limits ------------------------------------------------- */

static void read_only(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_4K, 2 * PAGE);
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (uintptr_t)mem.va,
		.iova = BASE,
		.size = PAGE,
	};

	expect_rc(call(c.fd, VFIO_IOMMU_MAP_DMA, &cmd), 0, "VFIO_IOMMU_MAP_DMA for reading");
	expect_rc(vfio_map(c.fd, mem.va + PAGE, PAGE, FAR), 0, "VFIO_IOMMU_MAP_DMA");
	pattern_fill(mem.va, EDU_SPAN, 42);
	edu_read(&c.edu, BASE, EDU_SPAN);
	edu_write(&c.edu, FAR, EDU_SPAN);
	expect(pattern_differs(mem.va + PAGE, EDU_SPAN, 42) == EDU_SPAN, "a read-only mapping cannot be read");
	edu_keeps_out(&c.edu, BASE, mem.va);
	unmap_everything(&c, 2 * PAGE);
	mem_free(&mem);
	container_close(&c);
}

static void charge(void *argument)
{
	const struct container *c = argument;
	struct mem mem = mem_alloc(MEM_4K, LIMIT_PAGES * PAGE);
	size_t part = LIMIT_PAGES * 3 / 4 * PAGE;

	expect_rc(vfio_map(c->fd, mem.va, part, BASE), 0, "mapping 3/4 of RLIMIT_MEMLOCK");
	expect_rc(vfio_map(c->fd, mem.va, part, FAR), -ENOMEM, "mapping 6/4 of RLIMIT_MEMLOCK");
	vfio_unmap_exactly(c->fd, BASE, part);
	expect_rc(vfio_map(c->fd, mem.va, mem.length, BASE), 0, "mapping all of RLIMIT_MEMLOCK");
	vfio_unmap_exactly(c->fd, BASE, mem.length);
	mem_free(&mem);
}

static void rlimit(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	uint64_t by_mm = 2;

	/* Who opens /dev/vfio/vfio expects to be charged as VFIO does it. */
	expect_rc(option(c.fd, IOMMU_OPTION_OP_GET, IOMMU_OPTION_RLIMIT_MODE, 0, &by_mm), 0, "OPTION_RLIMIT_MODE");
	expect(by_mm == container_is_vfio(c.fd), "RLIMIT_MODE is %lu", by_mm);
	run_unprivileged(LIMIT_PAGES * PAGE, charge, &c);
	container_close(&c);
}

/* --- what the container says -------------------------------------------- */

static void extensions(void)
{
	static const unsigned long there[] = { VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_UNMAP_ALL };
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
	};

	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		expect(ioctl(c.fd, VFIO_CHECK_EXTENSION, there[i]) == 1, "extension %lu is denied", there[i]);
	/* Whether DMA is forced to be coherent is up to the IOMMU. */
	expect(ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) >= 0, "VFIO_DMA_CC_IOMMU has no answer");
	expect(!ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_SPAPR_TCE_IOMMU), "there is another architecture's IOMMU");
	expect_rc(set_iommu(c.fd, VFIO_SPAPR_TCE_IOMMU), -EINVAL, "VFIO_SET_IOMMU of another architecture");
	/* Dirty pages are found by IOMMU_HWPT_GET_DIRTY_BITMAP only. */
	expect_rc(call(c.fd, VFIO_IOMMU_DIRTY_PAGES, &dirty), -ENOTTY, "VFIO_IOMMU_DIRTY_PAGES");
	container_close(&c);
}

/* The capability in the answer to VFIO_IOMMU_GET_INFO, or NULL. */
static const void *capability(const struct vfio_iommu_type1_info *info, uint16_t id)
{
	const struct vfio_info_cap_header *header;

	for (uint32_t at = info->cap_offset; at; at = header->next) {
		header = (const void *)((const char *)info + at);
		if (header->id == id)
			return header;
	}
	return NULL;
}

static void check_ranges(const struct vfio_iommu_type1_info_cap_iova_range *ranges)
{
	if (!expect(ranges && ranges->nr_iovas, "VFIO_IOMMU_GET_INFO has no IOVA ranges"))
		return;
	for (uint32_t i = 0; i < ranges->nr_iovas; i++) {
		uint64_t start = ranges->iova_ranges[i].start, end = ranges->iova_ranges[i].end;

		expect(end < MSI_START || start > MSI_START, "the MSI window is within range %#lx-%#lx", start, end);
	}
}

static void info(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info small = { .argsz = sizeof(small) }, *whole;

	expect_rc(call(c.fd, VFIO_IOMMU_GET_INFO, &small), 0, "VFIO_IOMMU_GET_INFO");
	expect(small.argsz > sizeof(small) && !small.cap_offset, "VFIO_IOMMU_GET_INFO does not ask for more room");
	expect(small.iova_pgsizes & PAGE, "the page sizes are %#llx", small.iova_pgsizes);
	whole = calloc(1, small.argsz);
	if (!whole)
		fail("no memory");
	whole->argsz = small.argsz;
	expect_rc(call(c.fd, VFIO_IOMMU_GET_INFO, whole), 0, "VFIO_IOMMU_GET_INFO");
	check_ranges(capability(whole, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE));
	expect(capability(whole, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL), "VFIO_IOMMU_GET_INFO has no limit of mappings");
	expect(!capability(whole, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION), "dirty pages are offered by VFIO's ioctls");
	free(whole);
	container_close(&c);
}

/* --- groups, and iommufd's own ioctls ------------------------------------ */

/* A second group shares all mappings, and the memory outlives the first. */
static void two_groups(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	struct vfio_device nvme;
	int group;

	if (!nvme_address)
		return skip("no nvme device (1b36:0010)");
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(vfio_group_join(nvme_address, c.fd, &group), 0, "VFIO_GROUP_SET_CONTAINER of a second group");
	nvme = vfio_group_device(nvme_address, group);
	edu_round_trip(&c.edu, BASE + PAGE, mem.va + PAGE);
	vfio_close(&c.edu);
	expect_rc(vfio_map(c.fd, mem.va, PAGE, FAR), 0, "VFIO_IOMMU_MAP_DMA without the first device");
	c.edu = vfio_group_device(edu_address, c.group);
	edu_start(&c.edu);
	edu_round_trip(&c.edu, FAR, mem.va);
	vfio_close(&nvme);
	close(group);
	edu_round_trip(&c.edu, BASE + 2 * PAGE, mem.va + 2 * PAGE);
	unmap_everything(&c, mem.length + PAGE);
	mem_free(&mem);
	container_close(&c);
}

/* What one interface maps the other one sees: both mean the same IOAS. */
static void both_interfaces(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	struct iommu_vfio_ioas get = { .size = sizeof(get), .op = IOMMU_VFIO_IOAS_GET };
	uint32_t other = ioas_alloc(c.fd);

	expect_rc(call(c.fd, IOMMU_VFIO_IOAS, &get), 0, "VFIO_IOAS_GET");
	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	expect_rc(ioas_copy(c.fd, get.ioas_id, BASE, other, BASE, mem.length, MAP_AT), 0, "IOAS_COPY");
	expect_rc(ioas_copy(c.fd, other, BASE + 4 * PAGE, get.ioas_id, FAR, 4 * PAGE, MAP_AT), 0, "IOAS_COPY back");
	edu_round_trip(&c.edu, FAR + PAGE, mem.va + 5 * PAGE);
	unmap_exactly(c.fd, get.ioas_id, BASE, mem.length);
	edu_keeps_out(&c.edu, BASE, mem.va);
	edu_round_trip(&c.edu, FAR, mem.va + 4 * PAGE);
	unmap_everything(&c, 4 * PAGE);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	container_close(&c);
}

/* Everything closed while it is mapped: nothing may stay. */
static void close_while_mapped(void)
{
	struct container c = container_open(VFIO_TYPE1v2_IOMMU);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);

	expect_rc(vfio_map(c.fd, mem.va, mem.length, BASE), 0, "VFIO_IOMMU_MAP_DMA");
	edu_round_trip(&c.edu, BASE, mem.va);
	container_close(&c);
	mem_free(&mem);
}

static const struct step steps[] = {
	{ "extensions", "what the container can do, and says it cannot", extensions },
	{ "info", "VFIO_IOMMU_GET_INFO and its capabilities", info },
	{ "anon_contiguous", "DMA with 4 KiB pages in one physical run", anon_contiguous },
	{ "anon_fragmented", "DMA with scattered 4 KiB pages", anon_fragmented },
	{ "thp", "DMA with transparent 2 MiB pages", thp },
	{ "hugetlb", "DMA with 2 MiB pages of hugetlbfs", hugetlb },
	{ "memfd", "DMA with shared memory", memfd },
	{ "type1_cuts", "type 1 unmaps the middle of a mapping", type1_cuts },
	{ "type1v2_does_not_cut", "type 1 version 2 unmaps whole mappings", type1v2_does_not_cut },
	{ "unmap_all", "VFIO_DMA_UNMAP_FLAG_ALL", unmap_all },
	{ "read_only", "DMA cannot write where it may only read", read_only },
	{ "rlimit", "RLIMIT_MEMLOCK, by user or by process", rlimit },
	{ "two_groups", "nvme joins, edu leaves and comes back", two_groups },
	{ "both_interfaces", "IOAS ioctls on the IOAS of the container", both_interfaces },
	{ "close_while_mapped", "all files closed while memory is mapped", close_while_mapped },
};

static void setup(void)
{
	int fd;

	edu_address = pci_find("0x1234", "0x11e8");
	nvme_address = pci_find("0x1b36", "0x0010");
	if (!edu_address)
		fail("no edu device (1234:11e8); add -device edu to QEMU");
	pci_give_to_vfio(edu_address);
	if (nvme_address)
		pci_give_to_vfio(nvme_address);
	fd = container_file();
	printf("# the container is %s\n", container_is_vfio(fd) ? "/dev/vfio/vfio" : "/dev/iommu");
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "vfio_container",
		.usage = "Do DMA with the QEMU device edu through iommufd's VFIO container.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
		.run_all = true,
		.setup = setup,
	};

	return run_program(&program, argc, argv);
}
