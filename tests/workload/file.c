// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOAS_MAP_FILE does, on the mock IOMMU; 6.13 and later. Boot with intel_iommu=off.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mock_steps.h"

static int huge_file(size_t length)
{
	int fd = memfd_create("file", MFD_CLOEXEC | MFD_HUGETLB);

	expect(fd >= 0 && !ftruncate(fd, length), "no memfd of huge pages: %s", strerror(errno));
	return fd;
}

static int map_huge(struct context *c, size_t length)
{
	int fd = huge_file(length), rc;

	write_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2");
	rc = ioas_map_file(c->fd, c->ioas, fd, 0, length, BASE);
	close(fd);
	return rc;
}

/* Nobody has allocated the pages of the file: pinning does. */
static void whole(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);

	expect_rc(map_huge(&c, 4 * MIB), 0, "IOAS_MAP_FILE");
	unmap_exactly(c.fd, c.ioas, BASE, 4 * MIB);
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

/* There are two huge pages, and none for the rest: what was pinned of it is given back within the call. */
static void half(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);

	expect_rc(map_huge(&c, 8 * MIB), -ENOMEM, "IOAS_MAP_FILE");
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

static const struct step steps[] = {
	{ "whole", "a file of huge pages that nobody has touched", whole },
	{ "half", "a file with more huge pages than there are", half },
};

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "file",
		.usage = "What IOAS_MAP_FILE does, on the mock IOMMU; 6.13 and later. Boot with intel_iommu=off.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
		.run_all = true,
	};

	return run_program(&program, argc, argv);
}
