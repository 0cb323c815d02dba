// SPDX-License-Identifier: GPL-2.0-only
/*
 * noiommu - iommufd without an IOMMU: devices whose page table only iommufd reads
 *
 * In 7.3 VFIO gives devices that no IOMMU translates for to iommufd, too, for
 * whoever may use CAP_SYS_RAWIO. They have no group and nobody to claim their DMA
 * from; an IOAS that they are attached to pins as any other, and
 * IOMMU_IOAS_NOIOMMU_GET_PA tells what the device must be told instead of an IOVA.
 *
 * Needs root, vfio-pci of a kernel with CONFIG_VFIO_NOIOMMU, intel_iommu=off, and the
 * edu and nvme devices of scripts/vm.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfio_dev.h"

#define BASE (32 * MIB)
#define FAR (128 * MIB)
#define UNSAFE "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

/* linux/iommufd.h of kernels that have it */
struct noiommu_get_pa {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t iova, length, out_phys;
};

#define NOIOMMU_GET_PA _IO(IOMMUFD_TYPE, 0x95)

static const char *edu_address, *nvme_address;

struct context {
	int fd;
	uint32_t ioas;
	struct vfio_device edu;
};

static struct context context_open(void)
{
	struct context c = { .fd = iommufd_open() };

	c.ioas = ioas_alloc(c.fd);
	c.edu = vfio_open(edu_address, c.fd);
	return c;
}

static void context_close(struct context *c)
{
	vfio_close(&c->edu);
	destroy_ok(c->fd, c->ioas, "the IOAS");
	close(c->fd);
}

static void attach(const struct vfio_device *device, uint32_t pt)
{
	expect_rc(vfio_attach(device, &pt), 0, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

static int get_pa(const struct context *c, uint64_t iova, uint64_t *phys)
{
	struct noiommu_get_pa cmd = { .size = sizeof(cmd), .ioas_id = c->ioas, .iova = iova, .length = PAGE };
	int rc = call(c->fd, NOIOMMU_GET_PA, &cmd);

	*phys = cmd.out_phys;
	return rc;
}

static void expect_pages(const struct context *c, uint64_t iova, const struct mem *mem)
{
	for (size_t at = 0; at < mem->length; at += PAGE) {
		uint64_t phys;

		expect_rc(get_pa(c, iova + at, &phys), 0, "IOAS_NOIOMMU_GET_PA");
		expect(phys == physical_page(mem->va + at), "IOVA %#lx is %#lx, not where the page is", iova + at, phys);
	}
}

/* Mapped before and while there is a device; told as long as it is mapped. */
static void addresses(void)
{
	struct context c = context_open();
	struct mem before = mem_alloc(MEM_FRAG, 16 * PAGE), after = mem_alloc(MEM_CONTIG, 16 * PAGE);
	uint64_t phys;

	expect_rc(ioas_map_at(c.fd, c.ioas, before.va, before.length, BASE), 0, "IOAS_MAP");
	attach(&c.edu, c.ioas);
	expect_rc(ioas_map_at(c.fd, c.ioas, after.va, after.length, FAR), 0, "IOAS_MAP");
	expect_pages(&c, BASE, &before);
	expect_pages(&c, FAR, &after);
	unmap_exactly(c.fd, c.ioas, BASE, before.length);
	expect(get_pa(&c, BASE, &phys) < 0, "the address of what is not mapped any more is told");
	expect_rc(vfio_detach(&c.edu), 0, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	unmap_exactly(c.fd, c.ioas, FAR, after.length);
	context_close(&c);
	mem_free(&before);
	mem_free(&after);
}

/* Two devices of no group, and page tables that they change. */
static void two_devices(void)
{
	struct context c = context_open();
	struct vfio_device nvme = vfio_open(nvme_address, c.fd);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	uint32_t first, second;

	expect_rc(hwpt_alloc(c.fd, c.edu.id, c.ioas, 0, &first), 0, "HWPT_ALLOC");
	expect_rc(hwpt_alloc(c.fd, nvme.id, c.ioas, 0, &second), 0, "HWPT_ALLOC");
	attach(&c.edu, first);
	attach(&nvme, second);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	attach(&nvme, first);
	destroy_ok(c.fd, second, "the HWPT that nobody uses");
	expect_pages(&c, BASE, &mem);
	vfio_close(&nvme);
	expect_pages(&c, BASE, &mem);
	expect_rc(vfio_detach(&c.edu), 0, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
	destroy_ok(c.fd, first, "the HWPT");
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	context_close(&c);
	mem_free(&mem);
}

static void map_and_ask(struct mem *mem)
{
	struct context c = context_open();

	attach(&c.edu, c.ioas);
	expect_rc(ioas_map_at(c.fd, c.ioas, mem->va, mem->length, BASE), 0, "IOAS_MAP");
	expect_pages(&c, BASE, mem);
	context_close(&c);
}

static void thp(void)
{
	with_memory(MEM_THP, 4 * MIB, "no transparent huge pages", map_and_ask);
}

/* Both devices attached and something mapped, until the input ends. */
static void hold(void)
{
	struct context c = context_open();
	struct vfio_device nvme = vfio_open(nvme_address, c.fd);
	struct mem mem = mem_alloc(MEM_FRAG, 16 * PAGE);
	char byte;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	attach(&c.edu, c.ioas);
	attach(&nvme, c.ioas);
	puts("# held");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	vfio_close(&nvme);
	context_close(&c);
	mem_free(&mem);
}

static void setup(void)
{
	edu_address = pci_find("0x1234", "0x11e8");
	nvme_address = pci_find("0x1b36", "0x0010");
	if (!edu_address || !nvme_address)
		fail("no edu or no nvme device; boot with scripts/vm");
	if (write_file(UNSAFE, "1"))
		fail("%s cannot be set; is CONFIG_VFIO_NOIOMMU on, and vfio loaded?", UNSAFE);
	pci_give_to_vfio(edu_address);
	pci_give_to_vfio(nvme_address);
}

static const struct step steps[] = {
	{ "addresses", "what is mapped before and after the attach has the addresses of its pages", addresses },
	{ "thp", "2 MiB pages", thp },
	{ "two_devices", "attach, replace and detach devices that have no group", two_devices },
	{ "hold", "two devices, until the input ends", hold },
};

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "noiommu",
		.usage = "Map for devices that no IOMMU translates for, through vfio-pci and iommufd.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
		.run_all = true,
		.setup = setup,
	};

	return run_program(&program, argc, argv);
}
