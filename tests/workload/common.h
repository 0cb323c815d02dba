/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the workloads share: steps and errors, the iommufd uAPI, memory of known
 * physical layout, and a child without privileges.
 *
 * A workload is a list of steps. A step opens what it needs itself, does
 * something to iommufd, and says with expect() what a correct kernel must
 * answer; it leaves nothing behind. The purpose of the workloads is that a
 * verifier watches them, so --keep-going makes a wrong answer a remark instead
 * of the end: a broken kernel is to be seen doing all of its wrong.
 *
 * Functions named after an ioctl return 0 or a negative errno. Lengths are
 * bytes; an IOVA "last" is inclusive.
 *
 * Exit status of a program: 0 done, 1 the kernel answered wrongly, 2 usage or
 * environment.
 */
#ifndef WORKLOAD_COMMON_H
#define WORKLOAD_COMMON_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096UL
#define KIB 1024UL
#define MIB (1024UL * KIB)

/* Both directions, at the IOVA that is asked for. */
#define MAP_RW (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define MAP_AT (IOMMU_IOAS_MAP_FIXED_IOVA | MAP_RW)

/* --- steps and errors --------------------------------------------------- */

struct step {
	const char *name;
	const char *what; /* for --list */
	void (*run)(void);
};

struct program {
	const char *name;
	const char *usage;
	const struct step *steps;
	size_t nsteps;
	bool run_all; /* no step named on the command line means all */
	void (*setup)(void); /* once before the first step; may be NULL */
};

/* Parse the command line, run the steps, print "ok - STEP" and the plan. */
int run_program(const struct program *program, int argc, char **argv);

/* For a program that is no list of steps: its name in messages. */
void program_start(const char *name);

/* The environment lacks something: one line, exit status 2. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The step cannot run here; it counts as done. Return from it after this. */
void skip(const char *reason);

/* The kernel's answer is right, or else the program ends (see --keep-going). */
bool expect(bool right, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* expect() of an ioctl's result: 0 or -errno. */
bool expect_rc(int rc, int wanted, const char *what);

/* --- the iommufd uAPI --------------------------------------------------- */

int call(int fd, unsigned long request, void *argument);
int iommufd_open(void);
uint32_t ioas_alloc(int fd);
int ioas_map(int fd, uint32_t ioas, uint32_t flags, const void *va, size_t length, uint64_t *iova);
int ioas_map_at(int fd, uint32_t ioas, const void *va, size_t length, uint64_t iova);
/* Of a memory file, from its byte @start on; -ENOTTY before 6.13. */
int ioas_map_file(int fd, uint32_t ioas, int file, uint64_t start, size_t length, uint64_t iova);
int ioas_copy(int fd, uint32_t from, uint64_t src, uint32_t to, uint64_t dst, size_t length, uint32_t flags);
int ioas_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *unmapped);
int ioas_allow(int fd, uint32_t ioas, uint64_t start, uint64_t last);
int ioas_ranges(int fd, uint32_t ioas, struct iommu_iova_range *ranges, uint32_t *count, uint64_t *alignment);
int hwpt_alloc(int fd, uint32_t device, uint32_t parent, uint32_t flags, uint32_t *hwpt);
int option(int fd, uint16_t op, uint32_t id, uint32_t object, uint64_t *value);
int destroy(int fd, uint32_t id);

/* Unmap and expect that exactly `length` bytes were mapped there. */
void unmap_exactly(int fd, uint32_t ioas, uint64_t iova, uint64_t length);

/* destroy() and expect success. */
void destroy_ok(int fd, uint32_t id, const char *what);

/*
 * The VFIO container interface on an iommufd: use this IOAS, with the semantics
 * of `type` (VFIO_TYPE1_IOMMU allows to unmap a part of a mapping).
 */
void vfio_compat_start(int fd, uint32_t ioas, unsigned long type);
int vfio_map(int fd, const void *va, size_t length, uint64_t iova);
int vfio_unmap(int fd, uint64_t iova, uint64_t length, uint32_t flags, uint64_t *unmapped);
void vfio_unmap_exactly(int fd, uint64_t iova, uint64_t length);

/* --- memory ------------------------------------------------------------- */

/*
 * iommufd works on runs of contiguous PFNs, so the physical layout decides
 * which of its paths a mapping takes.
 */
enum mem_kind {
	MEM_4K, /* 4 KiB pages wherever they come from */
	MEM_CONTIG, /* 4 KiB pages that form one physical run */
	MEM_FRAG, /* 4 KiB pages, no two neighbours physically contiguous */
	MEM_RUNS3, /* 4 KiB pages, at most three neighbours physically contiguous */
	MEM_THP, /* transparent 2 MiB pages */
	MEM_HUGETLB, /* 2 MiB pages of hugetlbfs */
	MEM_MEMFD, /* 4 KiB pages of shared memory */
};

struct mem {
	unsigned char *va; /* zeroed and populated; NULL if there is none here */
	size_t length;
	void *base; /* what to munmap */
	size_t base_length;
};

struct mem mem_alloc(enum mem_kind kind, size_t length);
void mem_free(struct mem *mem);

/* Number of physical runs from /proc/self/pagemap. */
size_t mem_runs(const struct mem *mem);

/* Where the page that has @va is in physical memory. */
uint64_t physical_page(const void *va);

/* --- privileges --------------------------------------------------------- */

/*
 * Run in a child that has an unused user id, no CAP_IPC_LOCK, and RLIMIT_MEMLOCK
 * set: then iommufd charges what it pins to that user or process, and the
 * counters start at zero.
 */
void run_unprivileged(size_t memlock, void (*run)(void *argument), void *argument);

/* Write a string to a file of sysfs or procfs: 0 or a negative errno. */
int write_file(const char *path, const char *text);

#endif
