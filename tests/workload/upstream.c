// SPDX-License-Identifier: GPL-2.0-only
/*
 * upstream - what an unmodified 6.12 does wrong, one step for each
 *
 * The other workloads keep away from this, so that a verifier has nothing to say
 * about them. Here it has, or the kernel warns, or something never comes back:
 * each step says what to look for. They are not part of any list of tests that
 * pass; run one at a time, in a guest that may be lost.
 *
 * Needs what mock needs; replace_within needs what vfio_dma does, and failslab.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "mock_steps.h"
#include "vfio_dev.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * iopt_area_unpin_domain(): an access holds page 1, another one page 3 of one
 * physical run. Unpinning page 0 unmaps all of the run; for page 2 it looks for
 * the end of the run again, at page 3, which is not mapped any more.
 * Look for: WARNING in mock_domain_iova_to_phys().
 */
static void read_back(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_CONTIG, 8 * PAGE);
	int access = access_open(c.fd, c.ioas);
	uint32_t item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE + PAGE, PAGE, mem.va + PAGE, &item), 0, "access pin");
	expect_rc(access_pin(c.fd, access, BASE + 3 * PAGE, PAGE, mem.va + 3 * PAGE, &item), 0, "access pin");
	destroy_ok(c.fd, device.stdev, "the device");
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	check_pins(c.fd, mem.va, mem.length, 0);
	mem_free(&mem);
	context_close(&c);
}

/*
 * batch_skip_carry() leaves an empty entry in front, and a batch of one entry
 * looks full: what is unmapped next ends inside a run. Only with the selftest's
 * memory limit has a batch one entry.
 * Look for: UNMAP-CUT, WARNING in mock_domain_unmap_pages().
 */
static void cut_after_skip(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_RUNS3, 24 * PAGE);
	int access = access_open(c.fd, c.ioas);
	uint32_t item;

	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(access_pin(c.fd, access, BASE + PAGE, 4 * PAGE, mem.va + PAGE, &item), 0, "access pin");
	set_memory_limit(c.fd, 12);
	destroy_ok(c.fd, device.stdev, "the device");
	set_memory_limit(c.fd, 65536);
	close(access);
	unmap_exactly(c.fd, c.ioas, BASE, mem.length);
	mem_free(&mem);
	context_close(&c);
}

/* Two areas of half a page each, at the start of two pages. */
static void map_halves(const struct context *c, const struct mem *mem)
{
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va, MOCK_PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c->fd, c->ioas, mem->va + PAGE, MOCK_PAGE, BASE + MOCK_PAGE), 0, "IOAS_MAP");
}

/*
 * iopt_alloc_area_pages() checks IOVA and length of a copy as a whole, not of
 * each area that it becomes.
 * Look for: ALIGN, an area that starts in the middle of a page in an IOAS whose
 * alignment is a page.
 */
static void copy_unaligned(void)
{
	struct context c = context_open();
	uint32_t other = ioas_alloc(c.fd);
	struct mem mem = mem_alloc(MEM_FRAG, 2 * PAGE);
	int access = access_open(c.fd, other);

	map_halves(&c, &mem);
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, other, BASE, PAGE, MAP_AT), -EINVAL, "a copy to unaligned areas");
	expect_rc(ioas_unmap(c.fd, other, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	close(access);
	expect_rc(ioas_unmap(c.fd, c.ioas, 0, UINT64_MAX, NULL), 0, "IOAS_UNMAP of all");
	destroy_ok(c.fd, other, "the other IOAS");
	mem_free(&mem);
	context_close(&c);
}

/*
 * The same into an IOAS with HUGE_PAGES=0 and a domain: batch_iommu_map_small()
 * counts down from half a page in steps of a page, and maps whatever physical
 * memory follows until something stops it.
 * Look for: PFN-ID and others, a task that never returns.
 */
static void copy_unbounded(void)
{
	struct context c = context_open();
	uint32_t other = ioas_alloc(c.fd);
	struct mem mem = mem_alloc(MEM_FRAG, 2 * PAGE);
	struct mock_device device = mock_device_new(c.fd, other);
	uint64_t off = 0;

	expect_rc(option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, other, &off), 0, "HUGE_PAGES");
	map_halves(&c, &mem);
	expect_rc(ioas_copy(c.fd, c.ioas, BASE, other, BASE, PAGE, MAP_AT), -EINVAL, "a copy to unaligned areas");
	destroy_ok(c.fd, device.stdev, "the device");
}

/* --- a process that is charged, and ends -------------------------------- */

struct dead {
	struct context c;
	uint32_t other;
};

static void map_and_die(void *argument)
{
	struct dead *dead = argument;
	struct mem mem = mem_alloc(MEM_4K, 4 * PAGE);

	expect_rc(ioas_map_at(dead->c.fd, dead->c.ioas, mem.va, mem.length, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(dead->c.fd, dead->c.ioas, BASE, dead->other, BASE, 2 * PAGE, MAP_AT), 0, "IOAS_COPY");
}

/* Is it still there after five seconds? */
static bool hangs(pid_t pid)
{
	for (unsigned int i = 0; i < 50; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return false;
		usleep(100000);
	}
	kill(pid, SIGKILL);
	usleep(500000);
	return !waitpid(pid, NULL, WNOHANG);
}

/*
 * do_update_pinned() in mode MM: the charge of a dead mm is not given back, so
 * npinned stays below last_npinned. The next attach takes that for pages of its
 * own reader to be given back, and update_mm_locked_vm() takes "not locked" (-1)
 * for "locked": it releases the mmap lock of the dead mm, which nobody holds, and
 * then waits for it, with the locks of the IOAS held.
 * Look for: a task in state D that does not die of SIGKILL.
 */
static void dead_mm(void)
{
	struct dead dead = { .c.fd = iommufd_open() };
	struct mock_device device, second;
	uint64_t mode = 1;
	uint32_t hwpt;
	pid_t pid;

	expect_rc(option(dead.c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_RLIMIT_MODE, 0, &mode), 0, "RLIMIT_MODE");
	dead.c.ioas = ioas_alloc(dead.c.fd);
	dead.other = ioas_alloc(dead.c.fd);
	device = mock_device_new(dead.c.fd, dead.c.ioas);
	second = mock_device_new(dead.c.fd, dead.other);
	run_unprivileged(64 * PAGE, map_and_die, &dead);
	unmap_exactly(dead.c.fd, dead.c.ioas, BASE, 4 * PAGE);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(hwpt_alloc(dead.c.fd, second.id, dead.other, 0, &hwpt) ? 1 : 0);
	if (!expect(!hangs(pid), "HWPT_ALLOC hangs, and SIGKILL does not end it"))
		_exit(1); /* what is left cannot be cleaned up */
	destroy_ok(dead.c.fd, device.stdev, "the device");
}

/* --- races -------------------------------------------------------------- */

struct hammer {
	int fd;
	uint32_t from, to, device;
	atomic_bool stop;
};

static void *hammer_hwpt(void *argument)
{
	struct hammer *h = argument;
	uint32_t hwpt;

	while (!atomic_load(&h->stop))
		if (!hwpt_alloc(h->fd, atomic_load((_Atomic uint32_t *)&h->device), h->from, 0, &hwpt))
			destroy(h->fd, hwpt);
	return NULL;
}

/*
 * iommufd_put_object() wakes interruptible waiters of the object, and
 * iommufd_object_dec_wait_shortterm() waits uninterruptibly: it is not woken, and
 * looks again after 60 seconds.
 * Look for: how long the destroy takes.
 */
static void destroy_waits(void)
{
	struct context c = context_open();
	struct hammer h = { .fd = c.fd, .from = c.ioas };
	double worst = 0, start, end = now() + 20;
	pthread_t thread;

	if (pthread_create(&thread, NULL, hammer_hwpt, &h))
		fail("cannot create a thread");
	while (now() < end && worst < 1) {
		struct mock_device device = mock_device_new(c.fd, c.ioas);

		atomic_store((_Atomic uint32_t *)&h.device, device.id);
		usleep(1000);
		start = now();
		destroy_ok(c.fd, device.stdev, "the device");
		if (now() - start > worst)
			worst = now() - start;
	}
	atomic_store(&h.stop, true);
	pthread_join(thread, NULL);
	expect(worst < 1, "destroying a device that another thread looks at takes %.1f s", worst);
	close(c.fd);
}

static void *hammer_copy(void *argument)
{
	struct hammer *h = argument;

	while (!atomic_load(&h->stop))
		ioas_copy(h->fd, h->from, BASE, atomic_load((_Atomic uint32_t *)&h->to), BASE, 2 * PAGE, MAP_AT);
	return NULL;
}

/*
 * iommufd_ioas_copy() gives up the target IOAS before it takes back the areas of
 * a copy that failed: if that IOAS is destroyed now, they are in freed memory.
 * Look for: WARNING in iommufd_ioas_destroy() or iopt_destroy_table(), use after free.
 */
static void copy_destroy(void)
{
	struct context c = context_open();
	struct mem mem = mem_alloc(MEM_FRAG, 4 * PAGE);
	struct hammer h = { .fd = c.fd, .from = c.ioas };
	double end = now() + 20;
	pthread_t threads[3];
	uint64_t off = 0;

	/* the second piece cannot go where the alignment is a page */
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + PAGE + 8, PAGE, BASE + PAGE), 0, "IOAS_MAP");
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, hammer_copy, &h))
			fail("cannot create a thread");
	while (now() < end) {
		uint32_t to = ioas_alloc(c.fd);

		option(c.fd, IOMMU_OPTION_OP_SET, IOMMU_OPTION_HUGE_PAGES, to, &off);
		atomic_store((_Atomic uint32_t *)&h.to, to);
		while (destroy(c.fd, to) == -EBUSY)
			;
	}
	atomic_store(&h.stop, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	close(c.fd);
}

/*
 * iommu_read_and_clear_dirty() does not look at what iova_bitmap_for_each() returns:
 * the bits behind a hole in the range are not read, and the answer is success.
 * Look for: DIRTY.
 */
static void dirty_hole(void)
{
	struct context c = context_open();
	struct mock_device device = mock_device_new(c.fd, c.ioas);
	struct mem mem = mem_alloc(MEM_4K, 2 * PAGE);
	uint64_t made = 0x33, seen = 0;
	uint32_t hwpt;
	int rc;

	expect_rc(hwpt_alloc(c.fd, device.id, c.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt), 0, "HWPT_ALLOC");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va, PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(c.fd, c.ioas, mem.va + PAGE, PAGE, BASE + 2 * PAGE), 0, "IOAS_MAP");
	expect_rc(dirty_tracking(c.fd, hwpt, true), 0, "SET_DIRTY_TRACKING");
	expect_rc(dirty_make(c.fd, hwpt, BASE, 4 * PAGE, &made), 0, "writing through the domain");
	rc = dirty_bitmap(c.fd, hwpt, BASE, 4 * PAGE, &seen, false);
	expect(rc || seen == made, "dirty %#lx, written %#lx, and success", seen, made);
	close(c.fd);
}

/*
 * iopt_map_file_pages(), from 6.13 on: nobody asks whether the file may be written to.
 * mmap() and udmabuf refuse this.
 * Look for: FILE-SEAL.
 */
static void file_sealed(void)
{
	struct context c = context_open();
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	int rc;

	expect(fd >= 0 && !ftruncate(fd, 4 * PAGE) && !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE),
	       "no memfd: %s", strerror(errno));
	rc = ioas_map_file(c.fd, c.ioas, fd, 0, 4 * PAGE, BASE);
	expect(rc != -ENOTTY, "this kernel has no IOAS_MAP_FILE");
	expect(rc, "a file that is sealed against writing is mapped for writing");
	close(fd);
	context_close(&c);
}

/* --- a real IOMMU ---------------------------------------------------------- */

#define MSI_WINDOW 0xfee00000UL

static bool msi_reserved(int fd, uint32_t ioas)
{
	struct iommu_iova_range usable[16];
	uint32_t n = ARRAY_SIZE(usable);
	uint64_t alignment;

	expect_rc(ioas_ranges(fd, ioas, usable, &n, &alignment), 0, "IOAS_IOVA_RANGES");
	for (uint32_t i = 0; i < n; i++)
		if (usable[i].start <= MSI_WINDOW && usable[i].last >= MSI_WINDOW)
			return false;
	return true;
}

/* Replace, and let it fail at each allocation in turn; then it stays attached to what it was. */
static void replace_at_each_failure(const struct vfio_device *device, int fd, uint32_t ioas, uint32_t hwpt)
{
	int nth_fd = fail_nth_open(), rc = -1;

	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	for (unsigned int nth = 1; rc; nth++) {
		uint32_t pt = hwpt;

		fail_nth_arm(nth_fd, nth);
		rc = vfio_attach(device, &pt);
		if (!fail_nth_hit(nth_fd))
			break;
		expect(!rc || msi_reserved(fd, ioas), "a replace failed, and the MSI window is not reserved any more");
	}
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "Y");
	close(nth_fd);
}

/*
 * iommufd_device_do_replace(): from one HWPT to another one of the same IOAS, so the reserved
 * regions of the device are not added again; but when it fails, they are removed.
 * Look for: RSV-DEV.
 */
static void replace_within(void)
{
	const char *edu = pci_find("0x1234", "0x11e8");
	struct vfio_device device;
	int fd = iommufd_open();
	uint32_t ioas = ioas_alloc(fd), hwpt, pt = ioas;

	expect(edu, "there is no edu device");
	pci_give_to_vfio(edu);
	device = vfio_open(edu, fd);
	expect_rc(vfio_attach(&device, &pt), 0, "attaching the device");
	expect_rc(hwpt_alloc(fd, device.id, ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	expect(msi_reserved(fd, ioas), "the MSI window of a device is not reserved");
	replace_at_each_failure(&device, fd, ioas, hwpt);
	vfio_close(&device);
	close(fd);
}

static const struct step steps[] = {
	{ "dirty_hole", "dirty bits of a range with a hole", dirty_hole },
	{ "read_back", "two accesses hold parts of a run that loses its domain", read_back },
	{ "cut_after_skip", "an access starts inside a run, batches of one entry", cut_after_skip },
	{ "copy_unaligned", "a copy of pieces that are not aligned", copy_unaligned },
	{ "copy_unbounded", "the same into a domain with small pages", copy_unbounded },
	{ "dead_mm", "attach after the charged process is gone", dead_mm },
	{ "destroy_waits", "destroy what another thread looks at", destroy_waits },
	{ "copy_destroy", "destroy the target of a copy that fails", copy_destroy },
	{ "replace_within", "a replace within an IOAS fails; boot without intel_iommu=off", replace_within },
	{ "file_sealed", "map a sealed file for writing; 6.13 and later", file_sealed },
};

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "upstream",
		.usage = "What an unmodified 6.12 does wrong, on the mock IOMMU; boot with intel_iommu=off.\n",
		.steps = steps,
		.nsteps = ARRAY_SIZE(steps),
	};

	return run_program(&program, argc, argv);
}
