// SPDX-License-Identifier: GPL-2.0-only
/* Steps of mock about accesses, limits, devices and faults, see mock_steps.h. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mock_steps.h"

/* --- accesses ----------------------------------------------------------- */

/* The memory is writable, but not through this area. */
void access_prot(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t read_only = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE, item;
	int access = access_open(c.fd, c.ioas);
	unsigned char byte = 1;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, c.ioas, 2 * BASE, mem.length, read_only), 0, "IOAS_COPY");
	expect_rc(access_pin_flags(c.fd, access, 2 * BASE, PAGE, MOCK_FLAGS_ACCESS_WRITE, &item), -EPERM,
		  "pinning for writing where one may read");
	expect_rc(access_pin_flags(c.fd, access, 2 * BASE, PAGE, 0, &item), 0, "pinning for reading");
	expect_rc(access_rw(c.fd, access, 2 * BASE, &byte, 1, MOCK_ACCESS_RW_WRITE), -EPERM,
		  "writing where one may read");
	expect_rc(access_rw(c.fd, access, 2 * BASE, &byte, 1, 0), 0, "reading");
	close(access);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	check_pins(c.fd, mem.va, mem.length, 0);
	mem_free(&mem);
	context_close(&c);
}

/* The one that stays is asked to let go, the one that left is not. */
void access_two(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t other = ioas_alloc(c.fd), item;
	int stays = access_open(c.fd, c.ioas), leaves = access_open(c.fd, c.ioas);

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, leaves, BASE, PAGE, mem.va, &item), 0, "access pin");
	expect_rc(access_move(c.fd, leaves, other), 0, "moving the access");
	expect_rc(access_pin(c.fd, stays, BASE, mem.length, mem.va, &item), 0, "access pin");
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	close(leaves);
	close(stays);
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

void access_twice(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	int first = access_open(c.fd, c.ioas), second = access_open(c.fd, c.ioas);
	uint32_t first_item, second_item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, first, BASE, 2 * PAGE, mem.va, &first_item), 0, "access pin");
	expect_rc(access_pin(c.fd, second, BASE, 2 * PAGE, mem.va, &second_item), 0, "access pin");
	check_pins(c.fd, mem.va, 2 * PAGE, 1);
	expect_rc(access_unpin(c.fd, first, first_item), 0, "access unpin");
	check_pins(c.fd, mem.va, 2 * PAGE, 1);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length); /* takes the second pin */
	check_pins(c.fd, mem.va, mem.length, 0);
	close(first);
	close(second);
	mem_free(&mem);
	context_close(&c);
}

void access_hole(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 8 * PAGE);
	int access = access_open(c.fd, c.ioas);
	uint32_t item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, 2 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + 2 * PAGE, 2 * PAGE, BASE + 4 * PAGE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE, 4 * PAGE, NULL, &item), -ENOENT, "pinning across a hole");
	check_pins(c.fd, mem.va, 2 * PAGE, 0);
	expect_rc(access_pin(c.fd, access, BASE, 2 * PAGE, mem.va, &item), 0, "access pin");
	close(access);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	check_pins(c.fd, mem.va, mem.length, 0);
	mem_free(&mem);
	context_close(&c);
}

void access_tail(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	int access = access_open(c.fd, c.ioas);
	uint32_t item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE + 5 * PAGE, 3 * PAGE, mem.va + 5 * PAGE, &item), 0, "access pin");
	destroy_ok(c.fd, device.stdev, "the device");
	check_pins(c.fd, mem.va, 5 * PAGE, 0);
	check_pins(c.fd, mem.va + 5 * PAGE, 3 * PAGE, 1);
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	mem_free(&mem);
	context_close(&c);
}

void access_sparse(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	int access = access_open(c.fd, c.ioas);
	struct mock_device device;
	uint32_t item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE + 3 * PAGE, 2 * PAGE, mem.va + 3 * PAGE, &item), 0, "access pin");
	device = mock_device_new(c.fd, c.ioas);
	check_map(c.fd, device.hwpt, BASE, mem.length, mem.va);
	check_pins(c.fd, mem.va, mem.length, 1);
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* Of pages that one access has, and then of pages that a domain has, too. */
static void overlap(const struct context *c, const struct mem *mem)
{
	int first = access_open(c->fd, c->ioas), second = access_open(c->fd, c->ioas);
	unsigned char data[2 * PAGE] = { 1 };
	uint32_t item;

	expect_rc(access_pin(c->fd, first, BASE + 2 * PAGE, 2 * PAGE, mem->va + 2 * PAGE, &item), 0, "access pin");
	expect_rc(access_pin(c->fd, second, BASE + PAGE, 5 * PAGE, mem->va + PAGE, &item), 0, "overlapping access pin");
	expect_rc(access_rw(c->fd, first, BASE + 100, data, sizeof(data),
			    MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH), 0, "writing");
	expect_rc(access_rw(c->fd, first, BASE + 5 * PAGE, data, 8, MOCK_ACCESS_RW_SLOW_PATH), 0, "reading");
	close(second);
	close(first);
}

void access_overlap(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 8 * PAGE);
	struct mock_device device;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	overlap(&c, &mem);
	check_pins(c.fd, mem.va, mem.length, 0);
	device = mock_device_new(c.fd, c.ioas);
	overlap(&c, &mem);
	check_pins(c.fd, mem.va, mem.length, 1);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

/* --- limits ------------------------------------------------------------- */

struct as_user {
	struct context *c;
	const struct mem *mem;
};

/* Credentials belong to the thread, as long as libc is not asked. */
static void *map_as_user(void *argument)
{
	struct as_user *as = argument;

	if (syscall(SYS_setresuid, 4243, 4243, 4243))
		fail("cannot change the user of a thread");
	expect_rc(ioas_map_at(as->c->fd, as->c->ioas, as->mem->va, as->mem->length, BASE), 0, "IOAS_MAP");
	return NULL;
}

/* The charge is the mapper's, and goes back there, whoever unmaps. */
static void charge_in_mode(uint64_t mode)
{
	struct context c = { .fd = iommufd_open() };
	struct mem mem = mem_alloc(MEM_4K, 8 * PAGE);
	struct as_user as = { &c, &mem };
	struct mock_device device;
	pthread_t thread;

	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), 0, "OPTION_RLIMIT_MODE");
	c.ioas = ioas_alloc(c.fd);
	if (pthread_create(&thread, NULL, map_as_user, &as))
		fail("cannot create a thread");
	pthread_join(thread, NULL);
	device = mock_device_new(c.fd, c.ioas);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, device.stdev, "the device");
	mem_free(&mem);
	context_close(&c);
}

void charge_handover(void)
{
	charge_in_mode(0);
	charge_in_mode(1);
}

static void limit_memlock(size_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		fail("setrlimit: %s", strerror(errno));
}

/* In a process of its own, which has no limit: what is mapped is pinned for it. */
static void attach_in_child(const struct context *c)
{
	struct mock_device device;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		limit_memlock(1UL << 30);
		_exit(mock_device_attach(c->fd, c->ioas, &device) == -ENOMEM ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	expect(!status, "an attach that pins above the limit of who mapped ended with status %#x", status);
}

/* The limit is the mapper's, whoever makes it pin. */
void charge_limit(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 8 * PAGE);
	struct as_user as = { &c, &mem };
	struct rlimit before;
	pthread_t thread;

	if (getrlimit(RLIMIT_MEMLOCK, &before))
		fail("getrlimit: %s", strerror(errno));
	if (pthread_create(&thread, NULL, map_as_user, &as))
		fail("cannot create a thread");
	pthread_join(thread, NULL);
	limit_memlock(4 * PAGE);
	attach_in_child(&c);
	if (setrlimit(RLIMIT_MEMLOCK, &before))
		fail("setrlimit: %s", strerror(errno));
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	mem_free(&mem);
	context_close(&c);
}

void option_rlimit(void)
{
	struct context c = { .fd = iommufd_open() };
	uint64_t mode = 1;

	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), 0, "RLIMIT_MODE");
	mode = 2;
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), -EINVAL, "RLIMIT_MODE 2");
	c.ioas = ioas_alloc(c.fd);
	mode = 0;
	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), -EBUSY,
		  "RLIMIT_MODE of a context in use");
	expect_rc(option(c.fd, IOMMU_OPTION_OP_GET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), 0, "RLIMIT_MODE");
	expect(mode == 1, "RLIMIT_MODE became %lu", mode);
	context_close(&c);
}

static void set_without_right(void *fd)
{
	uint64_t mode = 1;

	expect_rc(option(*(int *)fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), -EPERM,
		  "RLIMIT_MODE by somebody unprivileged");
}

void option_right(void)
{
	int fd = iommufd_open();

	run_unprivileged(64 * PAGE, set_without_right, &fd);
	close(fd);
}

/*
 * Pages are pinned for the time of each copy only. They are private copies of a file's that
 * nobody has made yet: what is written must not come to the file.
 */
void access_page(void)
{
	const uint32_t page_by_page = MOCK_ACCESS_RW_SLOW_PATH;
	int file = memfd_create("shared", MFD_CLOEXEC), access;
	struct context c = context_open();
	unsigned char bytes[64] = { 7 }, *va, shared;

	expect(file >= 0 && !ftruncate(file, 2 * PAGE), "no memfd: %s", strerror(errno));
	va = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	expect(va != MAP_FAILED, "mmap: %s", strerror(errno));
	access = access_open(c.fd, c.ioas);
	expect_rc(ioas_map_at(c.fd, c.ioas, va, 2 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(access_rw(c.fd, access, BASE + 8, bytes, sizeof(bytes), page_by_page | MOCK_ACCESS_RW_WRITE), 0, "a write");
	expect_rc(access_rw(c.fd, access, BASE + PAGE, bytes, sizeof(bytes), page_by_page), 0, "a read");
	expect(va[8] == 7, "nothing was written");
	expect(pread(file, &shared, 1, 8) == 1 && !shared, "the file was written");
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, 2 * PAGE);
	munmap(va, 2 * PAGE);
	close(file);
	context_close(&c);
}

/* --- nested HWPTs, faults, replace -------------------------------------- */

void queue_held(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct queue queue;
	uint32_t parent;
	int rc;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent), 0, "HWPT_ALLOC");
	queue = queue_new(&c, &device, parent);
	close(queue.fd);
	rc = destroy(c.fd, queue.id);
	expect_rc(rc, -EBUSY, "destroying the queue of a HWPT");
	destroy_ok(c.fd, queue.hwpt, "the nested HWPT");
	if (rc)
		destroy_ok(c.fd, queue.id, "the queue");
	destroy_ok(c.fd, device.stdev, "the device");
	destroy_ok(c.fd, parent, "the parent");
	context_close(&c);
}

void nested_parent(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	uint32_t parent, plain, nested, wrong;
	int rc;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent), 0, "HWPT_ALLOC");
	expect_rc(hwpt_alloc_nested(c.fd, device.id, parent, 0, &nested), 0, "HWPT_ALLOC (nested)");
	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, 0, &plain), 0, "HWPT_ALLOC");
	rc = hwpt_alloc_nested(c.fd, device.id, plain, 0, &wrong);
	expect_rc(rc, -EINVAL, "nesting in a HWPT that was not made for it");
	if (!rc)
		destroy_ok(c.fd, wrong, "the wrong nested HWPT");
	rc = hwpt_alloc_nested(c.fd, device.id, device.hwpt, 0, &wrong);
	expect_rc(rc, -EINVAL, "nesting in an automatic HWPT");
	if (!rc)
		destroy_ok(c.fd, wrong, "the wrong nested HWPT");
	rc = destroy(c.fd, parent);
	expect_rc(rc, -EBUSY, "destroying the parent of a nested HWPT");
	destroy_ok(c.fd, nested, "the nested HWPT");
	if (rc)
		destroy_ok(c.fd, parent, "the parent HWPT");
	destroy_ok(c.fd, plain, "the other HWPT");
	destroy_ok(c.fd, device.stdev, "the device");
	context_close(&c);
}

/* It stays in the queue, to be read again or answered by the kernel. */
void fault_lost(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	void *nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct queue queue;
	uint32_t parent;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent), 0, "HWPT_ALLOC");
	queue = queue_new(&c, &device, parent);
	expect_rc(mock_device_replace(c.fd, &device, queue.hwpt), 0, "replace");
	expect_rc(trigger_fault(c.fd, device.id, 1), 0, "a page fault");
	expect(read(queue.fd, nowhere, sizeof(struct iommu_hwpt_pgfault)) < 0 && errno == EFAULT, "read to nowhere");
	expect(queue_pending(&queue), "a page fault is lost");
	expect_rc(mock_device_replace(c.fd, &device, c.ioas), 0, "replace");
	expect(!queue_pending(&queue), "a fault is pending in the queue of a HWPT that has no device");
	queue_destroy(&c, &queue);
	munmap(nowhere, PAGE);
	destroy_ok(c.fd, device.stdev, "the device");
	destroy_ok(c.fd, parent, "the parent HWPT");
	context_close(&c);
}

/* A device that cannot track dirty pages does not get a domain that must. */
void replace_refused(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);
	uint32_t other = ioas_alloc(c.fd), hwpt;
	struct mock_device able = mock_device_new(c.fd, c.ioas), device = { 0 };

	expect_rc(mock_device_attach_flags(c.fd, c.ioas, MOCK_FLAGS_DEVICE_NO_DIRTY, &device), 0, "attach");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(hwpt_alloc(c.fd, able.id, other, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt), 0, "HWPT_ALLOC");
	expect_rc(mock_device_replace(c.fd, &device, hwpt), -EINVAL, "a domain that the device cannot have");
	check_map(c.fd, device.hwpt, BASE, mem.length, mem.va);
	destroy_ok(c.fd, device.stdev, "the device");
	destroy_ok(c.fd, hwpt, "the refused HWPT");
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	destroy_ok(c.fd, able.stdev, "the first device");
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/* What was asked of the IOMMU core before the failure is taken back. */
void fail_nth_attach(void)
{
	struct context c = context_open();
	struct mock_device device = { 0 };
	int nth_fd = fail_nth_open(), rc;
	unsigned int nth = 1;

	if (nth_fd < 0 || write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		return skip("no fault injection in this kernel");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	do {
		fail_nth_arm(nth_fd, nth);
		rc = mock_device_attach(c.fd, c.ioas, &device);
		if (!fail_nth_hit(nth_fd))
			break;
		if (!rc)
			destroy_ok(c.fd, device.stdev, "the device");
	} while (nth++ < 1000);
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "Y");
	expect_rc(rc, 0, "attaching without an injected failure");
	expect(nth > 16, "only %u places where attaching can fail", nth - 1);
	destroy_ok(c.fd, device.stdev, "the device");
	close(nth_fd);
	context_close(&c);
}
