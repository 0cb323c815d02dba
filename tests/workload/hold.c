// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold - map known things, say what they are, and hold them
 *
 *   hold mock        two IOASes on the mock IOMMU: a device, a copy, an access
 *   hold file        the same with 64 pages of a memory file, of which half a page is not mapped
 *   hold many N      one IOAS with N areas of one page each
 *   hold churn N     the same, and then unmap and map again until the end
 *
 * Prints one line of JSON when all is in place; ends when its input does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "mock_ops.h"

#define BASE ((uint64_t)MOCK_APERTURE_START)

static bool over(int timeout_ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	return poll(&in, 1, timeout_ms) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

static void wait_for_end(void)
{
	fflush(stdout);
	while (!over(-1))
		;
}

static void hold_mock(void)
{
	struct mem mem = mem_alloc(MEM_4K, 24 * PAGE);
	uint32_t a, b, pins;
	struct mock_device device;
	int fd = iommufd_open(), access;

	a = ioas_alloc(fd);
	b = ioas_alloc(fd);
	mock_device_probe(fd, a);
	device = mock_device_new(fd, a);
	expect_rc(ioas_map_at(fd, a, mem.va, 16 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map(fd, a, IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE, mem.va + 16 * PAGE, 8 * PAGE,
			   &(uint64_t){ BASE + MIB }), 0, "IOAS_MAP");
	expect_rc(ioas_copy(fd, a, BASE, b, 2 * BASE, 16 * PAGE, MAP_AT), 0, "IOAS_COPY");
	expect_rc(add_reserved(fd, b, 64 * MIB, MIB), 0, "a reserved range");
	expect_rc(ioas_allow(fd, b, BASE, 4 * BASE - 1), 0, "IOAS_ALLOW_IOVAS");
	access = access_open(fd, b);
	expect_rc(access_pin(fd, access, 2 * BASE + 2 * PAGE, 4 * PAGE, mem.va + 2 * PAGE, &pins), 0, "a pin");
	printf("{\"pid\": %d, \"fd\": %d, \"a\": %u, \"b\": %u, \"device\": %u, \"hwpt\": %u, \"va\": %lu}\n",
	       getpid(), fd, a, b, device.id, device.hwpt, (unsigned long)mem.va);
	wait_for_end();
}

static void hold_file(void)
{
	int fd = iommufd_open(), file = memfd_create("held", MFD_CLOEXEC), access;
	uint32_t a = ioas_alloc(fd), b = ioas_alloc(fd), pins;
	struct mock_device device;
	void *va;

	expect(file >= 0 && !ftruncate(file, 64 * PAGE), "no memfd: %s", strerror(errno));
	va = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	expect(va != MAP_FAILED, "cannot map a memfd: %s", strerror(errno));
	device = mock_device_new(fd, a);
	expect_rc(ioas_map_file(fd, a, file, 0, 32 * PAGE, BASE), 0, "IOAS_MAP_FILE");
	expect_rc(ioas_map_file(fd, a, file, 32 * PAGE + PAGE / 2, 32 * PAGE - PAGE / 2, BASE + MIB + PAGE / 2), 0,
		  "IOAS_MAP_FILE");
	expect_rc(ioas_copy(fd, a, BASE, b, 2 * BASE, 16 * PAGE, MAP_AT), 0, "IOAS_COPY");
	access = access_open(fd, b);
	expect_rc(access_pin(fd, access, 2 * BASE + 2 * PAGE, 4 * PAGE, va + 2 * PAGE, &pins), 0, "a pin");
	printf("{\"pid\": %d, \"fd\": %d, \"a\": %u, \"b\": %u, \"device\": %u}\n", getpid(), fd, a, b, device.id);
	wait_for_end();
}

static void hold_many(uint64_t n, bool churn)
{
	struct mem mem = mem_alloc(MEM_4K, PAGE);
	int fd = iommufd_open();
	uint32_t ioas = ioas_alloc(fd);
	uint64_t at;

	for (at = 0; at < n; at++)
		expect_rc(ioas_map_at(fd, ioas, mem.va, PAGE, BASE + 2 * at * PAGE), 0, "IOAS_MAP");
	printf("{\"pid\": %d, \"fd\": %d, \"a\": %u, \"areas\": %lu, \"va\": %lu}\n", getpid(), fd, ioas, n,
	       (unsigned long)mem.va);
	fflush(stdout);
	for (at = 0; churn && !over(0); at = (at + 7) % n) {
		unmap_exactly(fd, ioas, BASE + 2 * at * PAGE, PAGE);
		expect_rc(ioas_map_at(fd, ioas, mem.va, PAGE, BASE + 2 * at * PAGE), 0, "IOAS_MAP");
	}
	if (!churn)
		wait_for_end();
}

int main(int argc, char **argv)
{
	program_start("hold");
	if (argc == 2 && !strcmp(argv[1], "mock"))
		hold_mock();
	else if (argc == 2 && !strcmp(argv[1], "file"))
		hold_file();
	else if (argc == 3 && (!strcmp(argv[1], "many") || !strcmp(argv[1], "churn")) && atol(argv[2]) > 0)
		hold_many(atol(argv[2]), argv[1][0] == 'c');
	else
		fail("usage: hold mock|file|many N|churn N");
	return 0;
}
