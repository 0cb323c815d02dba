// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd - several threads at the same IOAS, each of which knows what must happen
 *
 *   crowd one [SECONDS]    one IOAS: map, unmap, copy, attach, pin, ask at once
 *   crowd each [ROUNDS]    two threads map and unmap, each in an IOAS of its own
 *   crowd both [ROUNDS]    the same two threads in one IOAS
 *
 * The storm draws what it does, and takes any answer that some order explains.
 * Here each thread has IOVA and memory that no other one touches, so that there
 * is one right answer however the others are in its way. "each" and "both" are
 * for who looks at the locks that the two threads ("crowd-job") take.
 *
 * Needs what mock needs.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mock_ops.h"

#define BASE ((uint64_t)MOCK_APERTURE_START)
#define SLOT (2 * MIB)
#define COMMON_PAGES 32UL

struct place {
	int fd;
	uint32_t ioas;
};

/* One thread: what it does again and again, and where. */
struct job {
	const char *name;
	void (*round)(const struct job *job, unsigned int n);
	struct place at;
	uint64_t iova; /* nobody else's */
	struct mem mem; /* likewise */
	unsigned int rounds; /* to do, 0: until the end */
	_Atomic unsigned int done;
};

static struct mem common; /* mapped at BASE all along */
static atomic_bool over;

/* --- what they do ------------------------------------------------------- */

/* From one page to all, at changing places. */
static void map_and_unmap(const struct job *job, unsigned int n)
{
	size_t length = n % 3 ? (1 + n % 16) * PAGE : job->mem.length;
	uint64_t iova = job->iova + n % 5 * PAGE;

	expect_rc(ioas_map_at(job->at.fd, job->at.ioas, job->mem.va, length, iova), 0, "IOAS_MAP");
	unmap_exactly(job->at.fd, job->at.ioas, iova, length);
}

/* Two mappings go with one unmap, after one that would cut. */
static void map_pieces(const struct job *job, unsigned int n)
{
	size_t half = (1 + n % 8) * PAGE;

	expect_rc(ioas_map_at(job->at.fd, job->at.ioas, job->mem.va, half, job->iova), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(job->at.fd, job->at.ioas, job->mem.va + half, half, job->iova + half), 0, "IOAS_MAP");
	expect_rc(ioas_map_at(job->at.fd, job->at.ioas, job->mem.va, PAGE, job->iova + half), -EEXIST,
		  "IOAS_MAP over a mapping");
	expect_rc(ioas_unmap(job->at.fd, job->at.ioas, job->iova, half - 1, NULL), -ENOENT, "an unmap that cuts");
	unmap_exactly(job->at.fd, job->at.ioas, job->iova, 2 * half);
}

/* Everybody's memory once more, some of it. */
static void copy_common(const struct job *job, unsigned int n)
{
	size_t first = n % COMMON_PAGES, length = (1 + n % (COMMON_PAGES - first)) * PAGE;

	expect_rc(ioas_copy(job->at.fd, job->at.ioas, BASE + first * PAGE, job->at.ioas, job->iova, length, MAP_AT),
		  0, "IOAS_COPY");
	unmap_exactly(job->at.fd, job->at.ioas, job->iova, length);
}

/* A domain that comes must have what was there all along; a second one, too. */
static void attach(const struct job *job, unsigned int n)
{
	struct mock_device device = mock_device_new(job->at.fd, job->at.ioas);
	uint32_t hwpt;

	check_map(job->at.fd, device.hwpt, BASE, common.length, common.va);
	expect_rc(hwpt_alloc(job->at.fd, device.id, job->at.ioas, 0, &hwpt), 0, "HWPT_ALLOC");
	check_map(job->at.fd, hwpt, BASE, common.length, common.va);
	if (n % 2) {
		expect_rc(mock_device_replace(job->at.fd, &device, hwpt), 0, "replacing the HWPT of a device");
		expect_rc(destroy(job->at.fd, hwpt), -EBUSY, "destroying a HWPT in use");
	}
	destroy_ok(job->at.fd, device.stdev, "the device");
	destroy_ok(job->at.fd, hwpt, "the HWPT");
}

/* The driver of a device keeps some, looks at it, and is asked to let go of it. */
static void use(const struct job *job, unsigned int n)
{
	size_t first = n % (COMMON_PAGES - 4);
	unsigned char seen[64];
	uint32_t item;
	int access = access_open(job->at.fd, job->at.ioas);

	expect_rc(access_pin(job->at.fd, access, BASE + first * PAGE, 4 * PAGE, common.va + first * PAGE, &item), 0,
		  "pinning common memory");
	expect_rc(access_rw(job->at.fd, access, BASE + first * PAGE, seen, sizeof(seen), n % 2 ? 0 :
			    MOCK_ACCESS_RW_SLOW_PATH), 0, "reading common memory");
	expect(!memcmp(seen, common.va + first * PAGE, sizeof(seen)), "an access reads something else");
	expect_rc(access_unpin(job->at.fd, access, item), 0, "unpinning common memory");
	expect_rc(ioas_map_at(job->at.fd, job->at.ioas, job->mem.va, job->mem.length, job->iova), 0, "IOAS_MAP");
	expect_rc(access_pin(job->at.fd, access, job->iova, PAGE, job->mem.va, &item), 0, "pinning");
	unmap_exactly(job->at.fd, job->at.ioas, job->iova, job->mem.length);
	expect(!close(access), "cannot close an access");
}

static void ask(const struct job *job, unsigned int n)
{
	struct iommu_iova_range ranges[8];
	uint32_t count = ARRAY_SIZE(ranges);
	uint64_t align;

	expect_rc(ioas_ranges(job->at.fd, job->at.ioas, ranges, &count, &align), 0, "IOAS_IOVA_RANGES");
	expect(count == 1 && align <= PAGE, "there are %u ranges, aligned to %lu", count, align);
	if (n % 4)
		return;
	expect_rc(ioas_allow(job->at.fd, job->at.ioas, BASE, BASE + 64 * SLOT), 0, "IOAS_ALLOW_IOVAS");
}

/* --- who does it --------------------------------------------------------- */

static void *work(void *argument)
{
	struct job *job = argument;

	pthread_setname_np(pthread_self(), "crowd-job");
	for (unsigned int n = 0; !atomic_load(&over) && (!job->rounds || n < job->rounds); n++) {
		job->round(job, n);
		job->done++;
	}
	return NULL;
}

static struct place place_new(int fd)
{
	return (struct place){ .fd = fd, .ioas = ioas_alloc(fd) };
}

static void job_prepare(struct job *job, struct place at, unsigned int i)
{
	job->at = at;
	job->iova = BASE + (1 + i) * SLOT;
	job->mem = mem_alloc(i % 2 ? MEM_4K : MEM_FRAG, 64 * PAGE);
}

static void run_jobs(struct job *jobs, size_t count, unsigned int seconds)
{
	struct timespec end = { .tv_sec = seconds };
	pthread_t threads[16];

	for (size_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, work, &jobs[i]))
			fail("cannot create a thread");
	if (seconds) {
		nanosleep(&end, NULL);
		atomic_store(&over, true);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		printf("# %s: %u rounds\n", jobs[i].name, jobs[i].done);
		mem_free(&jobs[i].mem);
	}
}

static void one(unsigned int seconds)
{
	static struct job jobs[] = {
		{ "map", map_and_unmap }, { "map", map_and_unmap }, { "pieces", map_pieces }, { "copy", copy_common },
		{ "copy", copy_common },  { "attach", attach },	    { "use", use },	      { "ask", ask },
	};
	struct place at = place_new(iommufd_open());
	struct mock_device device;

	mock_device_probe(at.fd, at.ioas);
	common = mem_alloc(MEM_FRAG, COMMON_PAGES * PAGE);
	for (size_t i = 0; i < common.length; i++)
		common.va[i] = i / 7;
	expect_rc(ioas_map_at(at.fd, at.ioas, common.va, common.length, BASE), 0, "IOAS_MAP");
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		job_prepare(&jobs[i], at, i);
	device = mock_device_new(at.fd, at.ioas);
	run_jobs(jobs, ARRAY_SIZE(jobs), seconds);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		expect(jobs[i].done, "%s has not done anything", jobs[i].name);
	check_map(at.fd, device.hwpt, BASE, common.length, common.va);
	check_pins(at.fd, common.va, common.length, 1);
	destroy_ok(at.fd, device.stdev, "the device");
	unmap_exactly(at.fd, at.ioas, BASE, common.length);
	check_pins(at.fd, common.va, common.length, 0);
	destroy_ok(at.fd, at.ioas, "the IOAS");
	close(at.fd);
}

static void two(unsigned int rounds, bool apart)
{
	static struct job jobs[2] = { { "map", map_and_unmap }, { "map", map_and_unmap } };
	int fd = iommufd_open();
	struct place at = place_new(fd);
	uint32_t other = apart ? ioas_alloc(fd) : at.ioas;
	struct mock_device devices[2];

	mock_device_probe(fd, at.ioas);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_prepare(&jobs[i], at, i);
		jobs[i].rounds = rounds;
		at.ioas = other;
	}
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		devices[i] = mock_device_new(fd, jobs[i].at.ioas);
	run_jobs(jobs, ARRAY_SIZE(jobs), 0);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		destroy_ok(fd, devices[i].stdev, "a device");
	close(fd);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	unsigned int n = argc > 2 ? atoi(argv[2]) : 5;

	program_start("crowd");
	if (argc > 3 || !n)
		mode = "";
	if (!strcmp(mode, "one"))
		one(n);
	else if (!strcmp(mode, "each") || !strcmp(mode, "both"))
		two(n, mode[0] == 'e');
	else
		fail("usage: crowd one [SECONDS] | each|both [ROUNDS]");
	printf("ok - crowd %s\n1..1\n", mode);
	return 0;
}
