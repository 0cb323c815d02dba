// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins - map memory of known layout for a real IOMMU, many times, and say what was done
 *
 *   pins [--late] BYTES ROUNDS KIND...
 *
 * KIND is 4k, contiguous, fragmented, scattered (fragmented, of any size), thp,
 * hugetlb or memfd. Each is mapped and
 * unmapped ROUNDS times. With --late memory is not there before it is mapped for the
 * first time: the pin must fault it in (4k and thp). Prints a line of JSON for each:
 * pages, and runs of contiguous PFNs in them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "vfio_dev.h"

#define IOVA (1UL << 32)

static const char *const kinds[] = {
	[MEM_4K] = "4k", [MEM_CONTIG] = "contiguous", [MEM_FRAG] = "fragmented",
	[MEM_THP] = "thp", [MEM_HUGETLB] = "hugetlb", [MEM_MEMFD] = "memfd", [MEM_RUNS3] = "runs3",
};

static int fd;
static uint32_t ioas;
static bool late;

static enum mem_kind kind_by_name(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i], name))
			return i;
	fail("%s is no kind of memory", name);
}

static char *area(size_t length)
{
	char *va = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED)
		fail("cannot allocate %zu bytes", length);
	madvise(va, length, MADV_NOHUGEPAGE);
	return va;
}

/* Two areas that are touched in turn have every other page each. */
static struct mem scattered(size_t length)
{
	char *va = area(length), *other = area(length);

	for (size_t i = 0; i < length; i += PAGE)
		va[i] = other[i] = 1;
	return (struct mem){ .va = (void *)va, .length = length, .base = va, .base_length = length };
}

/* So that stacks show who it was. */
static __attribute__((noinline)) void map_and_unmap(const struct mem *mem)
{
	expect_rc(ioas_map_at(fd, ioas, mem->va, mem->length, IOVA), 0, "IOAS_MAP");
	unmap_exactly(fd, ioas, IOVA, mem->length);
}

static void run(const char *name, size_t length, unsigned long rounds)
{
	struct mem mem = strcmp(name, "scattered") ? mem_alloc(kind_by_name(name), length) :
						     scattered(length);

	if (!mem.va) {
		printf("{\"kind\": \"%s\", \"skip\": true}\n", name);
		return;
	}
	if (late && madvise(mem.va, mem.length, MADV_DONTNEED))
		fail("this kernel has no madvise()");
	for (unsigned long i = 0; i < rounds; i++)
		map_and_unmap(&mem);
	printf("{\"kind\": \"%s\", \"rounds\": %lu, \"pages\": %lu, \"runs\": %zu}\n", name, rounds,
	       mem.length / PAGE, mem_runs(&mem));
	mem_free(&mem);
}

static void attach(void)
{
	const char *edu = pci_find("0x1234", "0x11e8");
	struct vfio_device device;
	uint32_t pt;

	if (!edu)
		fail("no edu device (1234:11e8); add -device edu to QEMU");
	pci_give_to_vfio(edu);
	fd = iommufd_open();
	pt = ioas = ioas_alloc(fd);
	device = vfio_open(edu, fd);
	expect_rc(vfio_attach(&device, &pt), 0, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

int main(int argc, char **argv)
{
	program_start("pins");
	late = argc > 1 && !strcmp(argv[1], "--late");
	argc -= late;
	argv += late;
	if (argc < 4 || strtoul(argv[1], NULL, 0) < PAGE || !atol(argv[2]))
		fail("usage: pins [--late] BYTES ROUNDS KIND...");
	attach();
	for (int i = 3; i < argc; i++)
		run(argv[i], strtoul(argv[1], NULL, 0), atol(argv[2]));
	return 0;
}
