// SPDX-License-Identifier: GPL-2.0-only
/*
 * See common.h. Sections in the same order: steps and errors, the iommufd uAPI,
 * memory, privileges.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common.h"

/* --- steps and errors --------------------------------------------------- */

static const char *program_name = "workload";
static const char *current_step = "setup";
static const char *skipped;
static bool keep_going;
static unsigned int unexpected;

void program_start(const char *name)
{
	program_name = name;
	current_step = name;
}

void fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

void skip(const char *reason)
{
	skipped = reason;
}

bool expect(bool right, const char *format, ...)
{
	va_list args;

	if (right)
		return true;
	unexpected++;
	printf(keep_going ? "# unexpected: %s: " : "not ok - %s: ", current_step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	if (!keep_going)
		exit(1);
	return false;
}

bool expect_rc(int rc, int wanted, const char *what)
{
	return expect(rc == wanted, "%s gives '%s', not '%s'", what, strerror(-rc), strerror(-wanted));
}

static void run_step(const struct step *step)
{
	unsigned int before = unexpected;

	current_step = step->name;
	skipped = NULL;
	step->run();
	printf("%s - %s%s%s\n", unexpected == before ? "ok" : "not ok", step->name, skipped ? " # SKIP " : "",
	       skipped ? skipped : "");
	fflush(stdout);
}

static const struct step *find_step(const struct program *program, const char *name)
{
	for (size_t i = 0; i < program->nsteps; i++)
		if (!strcmp(program->steps[i].name, name))
			return &program->steps[i];
	fail("no step '%s'; --list shows them", name);
}

static void list_steps(const struct program *program)
{
	for (size_t i = 0; i < program->nsteps; i++)
		printf("%-22s %s\n", program->steps[i].name, program->steps[i].what);
	exit(0);
}

static void usage(const struct program *program, FILE *out)
{
	fprintf(out, "usage: %s [--keep-going] [--list] [all | [--only] STEP...]\n%s", program->name, program->usage);
	exit(out == stdout ? 0 : 2);
}

/* An option is acted on, anything else is the name of a step. */
static bool is_option(const struct program *program, const char *word)
{
	if (!strcmp(word, "--list"))
		list_steps(program);
	if (!strcmp(word, "--help"))
		usage(program, stdout);
	if (!strcmp(word, "--keep-going"))
		keep_going = true;
	else if (strcmp(word, "--only"))
		return false;
	return true;
}

int run_program(const struct program *program, int argc, char **argv)
{
	const struct step *chosen[64];
	size_t count = 0;
	bool all = false;

	program_name = program->name;
	for (int i = 1; i < argc; i++) {
		if (is_option(program, argv[i]))
			continue;
		if (!strcmp(argv[i], "all"))
			all = true;
		else if (count < ARRAY_SIZE(chosen))
			chosen[count++] = find_step(program, argv[i]);
	}
	if (!count && !all && !program->run_all)
		usage(program, stderr);
	if (program->setup)
		program->setup();
	if (!count)
		for (; count < program->nsteps; count++)
			chosen[count] = &program->steps[count];
	for (size_t i = 0; i < count; i++)
		run_step(chosen[i]);
	printf("1..%zu\n", count);
	return 0;
}

/* --- the iommufd uAPI --------------------------------------------------- */

int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("cannot open /dev/iommu: %s", strerror(errno));
	return fd;
}

uint32_t ioas_alloc(int fd)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	expect_rc(call(fd, IOMMU_IOAS_ALLOC, &cmd), 0, "IOAS_ALLOC");
	return cmd.out_ioas_id;
}

int ioas_map(int fd, uint32_t ioas, uint32_t flags, const void *va, size_t length, uint64_t *iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = *iova,
	};
	int rc = call(fd, IOMMU_IOAS_MAP, &cmd);

	*iova = cmd.iova;
	return rc;
}

int ioas_map_at(int fd, uint32_t ioas, const void *va, size_t length, uint64_t iova)
{
	return ioas_map(fd, ioas, MAP_AT, va, length, &iova);
}

int ioas_map_file(int fd, uint32_t ioas, int file, uint64_t start, size_t length, uint64_t iova)
{
	struct {	/* not in the headers of 6.12 */
		uint32_t size, flags, ioas_id;
		int32_t fd;
		uint64_t start, length, iova;
	} map = { .size = sizeof(map), .ioas_id = ioas, .fd = file, .start = start, .length = length,
		  .iova = iova, .flags = MAP_AT };

	return ioctl(fd, _IO(IOMMUFD_TYPE, 0x8f), &map) ? -errno : 0;
}

int ioas_copy(int fd, uint32_t from, uint64_t src, uint32_t to, uint64_t dst, size_t length, uint32_t flags)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = length,
		.dst_iova = dst,
		.src_iova = src,
	};

	return call(fd, IOMMU_IOAS_COPY, &cmd);
}

int ioas_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *unmapped)
{
	struct iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = ioas, .iova = iova, .length = length };
	int rc = call(fd, IOMMU_IOAS_UNMAP, &cmd);

	if (unmapped)
		*unmapped = rc ? 0 : cmd.length;
	return rc;
}

int ioas_allow(int fd, uint32_t ioas, uint64_t start, uint64_t last)
{
	struct iommu_iova_range range = { .start = start, .last = last };
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)&range,
	};

	return call(fd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

int ioas_ranges(int fd, uint32_t ioas, struct iommu_iova_range *ranges, uint32_t *count, uint64_t *alignment)
{
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = *count,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int rc = call(fd, IOMMU_IOAS_IOVA_RANGES, &cmd);

	*count = cmd.num_iovas;
	*alignment = cmd.out_iova_alignment;
	return rc;
}

int hwpt_alloc(int fd, uint32_t device, uint32_t parent, uint32_t flags, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc cmd = { .size = sizeof(cmd), .flags = flags, .dev_id = device, .pt_id = parent };
	int rc = call(fd, IOMMU_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

int option(int fd, uint16_t op, uint32_t id, uint32_t object, uint64_t *value)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = id,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int rc = call(fd, IOMMU_OPTION, &cmd);

	*value = cmd.val64;
	return rc;
}

int destroy(int fd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return call(fd, IOMMU_DESTROY, &cmd);
}

void unmap_exactly(int fd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	uint64_t unmapped;

	expect_rc(ioas_unmap(fd, ioas, iova, length, &unmapped), 0, "IOAS_UNMAP");
	expect(unmapped == length, "IOAS_UNMAP of %#lx bytes reports %#lx", length, unmapped);
}

void destroy_ok(int fd, uint32_t id, const char *what)
{
	int rc = destroy(fd, id);

	expect(!rc, "destroying %s gives '%s'", what, strerror(-rc));
}

void vfio_compat_start(int fd, uint32_t ioas, unsigned long type)
{
	struct iommu_vfio_ioas cmd = { .size = sizeof(cmd), .ioas_id = ioas, .op = IOMMU_VFIO_IOAS_SET };

	expect_rc(call(fd, IOMMU_VFIO_IOAS, &cmd), 0, "VFIO_IOAS_SET");
	expect(ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION, "VFIO_GET_API_VERSION is not 0");
	expect(ioctl(fd, VFIO_CHECK_EXTENSION, type) == 1, "VFIO_CHECK_EXTENSION denies type %lu", type);
	expect_rc(ioctl(fd, VFIO_SET_IOMMU, type) ? -errno : 0, 0, "VFIO_SET_IOMMU");
}

int vfio_map(int fd, const void *va, size_t length, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = length,
	};

	return call(fd, VFIO_IOMMU_MAP_DMA, &cmd);
}

int vfio_unmap(int fd, uint64_t iova, uint64_t length, uint32_t flags, uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
		.iova = iova,
		.size = length,
	};
	int rc = call(fd, VFIO_IOMMU_UNMAP_DMA, &cmd);

	*unmapped = cmd.size;
	return rc;
}

void vfio_unmap_exactly(int fd, uint64_t iova, uint64_t length)
{
	uint64_t unmapped;

	expect_rc(vfio_unmap(fd, iova, length, 0, &unmapped), 0, "VFIO_IOMMU_UNMAP_DMA");
	expect(unmapped == length, "VFIO_IOMMU_UNMAP_DMA of %#lx bytes reports %#lx", length, unmapped);
}

/* --- memory ------------------------------------------------------------- */

#define HUGE (2 * MIB)
#define POOL (16 * MIB) /* MEM_CONTIG and MEM_FRAG are cut out of as much */
#define PFN_MASK ((1ULL << 55) - 1)

static void touch(unsigned char *va, size_t length)
{
	for (size_t offset = 0; offset < length; offset += PAGE)
		((volatile unsigned char *)va)[offset] = 0;
}

/* Length of the physical run that starts at page `first` of `npages`. */
static size_t run_length(const uint64_t *entries, size_t first, size_t npages)
{
	size_t n = 1;

	while (first + n < npages && (entries[first + n] & PFN_MASK) == (entries[first] & PFN_MASK) + n)
		n++;
	return n;
}

static uint64_t *read_pagemap(const void *va, size_t npages)
{
	size_t bytes = npages * sizeof(uint64_t);
	uint64_t *entries = malloc(bytes);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !entries || pread(fd, entries, bytes, (uintptr_t)va / PAGE * 8) != (ssize_t)bytes)
		fail("cannot read /proc/self/pagemap: %s", strerror(errno));
	if (!(entries[0] & PFN_MASK))
		fail("/proc/self/pagemap hides PFNs; run as root");
	close(fd);
	return entries;
}

size_t mem_runs(const struct mem *mem)
{
	size_t npages = mem->length / PAGE, runs = 0;
	uint64_t *entries = read_pagemap(mem->va, npages);

	for (size_t i = 0; i < npages; i += run_length(entries, i, npages))
		runs++;
	free(entries);
	return runs;
}

uint64_t physical_page(const void *va)
{
	uint64_t *entry = read_pagemap(va, 1), pfn = *entry & PFN_MASK;

	free(entry);
	return pfn * PAGE;
}

/* `length` bytes aligned to `align`, nothing populated. */
static struct mem reserve(size_t length, size_t align, int flags, int fd)
{
	size_t base_length = length + (align > PAGE ? align : 0);
	void *base = mmap(NULL, base_length, PROT_READ | PROT_WRITE, flags, fd, 0);
	struct mem mem = { .length = length, .base = base, .base_length = base_length };

	if (base != MAP_FAILED)
		mem.va = (void *)(((uintptr_t)base + align - 1) & ~(align - 1));
	return mem;
}

static struct mem reserve_anonymous(size_t length, size_t align, int advice)
{
	struct mem mem = reserve(length, align, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!mem.va)
		fail("cannot allocate %zu bytes: %s", length, strerror(errno));
	madvise(mem.base, mem.base_length, advice);
	return mem;
}

struct page_at {
	uint64_t pfn;
	unsigned char *va;
};

static int by_pfn(const void *a, const void *b)
{
	const struct page_at *left = a, *right = b;

	return left->pfn < right->pfn ? -1 : left->pfn > right->pfn;
}

/* The pages of a pool in physical order. */
static struct page_at *sort_pages(const struct mem *pool)
{
	size_t npages = pool->length / PAGE;
	uint64_t *entries = read_pagemap(pool->va, npages);
	struct page_at *pages = calloc(npages, sizeof(*pages));

	for (size_t i = 0; i < npages; i++)
		pages[i] = (struct page_at){ entries[i] & PFN_MASK, pool->va + i * PAGE };
	qsort(pages, npages, sizeof(*pages), by_pfn);
	free(entries);
	return pages;
}

/* Where so many start that are physically contiguous; @npages: nowhere. */
static size_t find_run(const struct page_at *pages, size_t npages, size_t wanted)
{
	for (size_t i = 0; i + wanted <= npages; i++)
		if (pages[i + wanted - 1].pfn == pages[i].pfn + wanted - 1)
			return i;
	return npages;
}

/* Which page of the pool, in physical order, becomes page `i` of the memory. */
static size_t arrange(enum mem_kind kind, size_t i)
{
	switch (kind) {
	case MEM_FRAG:
		return 2 * i;
	case MEM_RUNS3:
		return i / 3 * 4 + i % 3;
	default:
		return i;
	}
}

/*
 * Where in the pool to begin. Runs and the gaps between them are as they should be only where
 * every page is in the pool; more than there are in a row have to do without that.
 */
static size_t begin_at(enum mem_kind kind, const struct page_at *pages, size_t npages, size_t wanted)
{
	size_t first;

	if (kind == MEM_FRAG)
		return 0;
	first = find_run(pages, npages, arrange(kind, wanted - 1) + 1);
	if (first == npages && kind == MEM_CONTIG)
		fail("no %zu physically contiguous pages to be found", wanted);
	return first == npages ? 0 : first;
}

/*
 * Nobody can ask for a physical layout, but pages can be moved: take a pool,
 * and put a run of it, or pages with gaps between them, at neighbouring addresses.
 */
static struct mem alloc_arranged(enum mem_kind kind, size_t length)
{
	struct mem pool = reserve_anonymous(POOL, PAGE, MADV_NOHUGEPAGE);
	struct mem mem = reserve_anonymous(length, PAGE, MADV_NOHUGEPAGE);
	size_t first, wanted = length / PAGE;
	struct page_at *pages;

	touch(pool.va, pool.length);
	pages = sort_pages(&pool);
	first = begin_at(kind, pages, POOL / PAGE, wanted);
	for (size_t i = 0; i < wanted; i++) {
		void *from = pages[first + arrange(kind, i)].va;

		if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mem.va + i * PAGE) == MAP_FAILED)
			fail("mremap: %s", strerror(errno));
	}
	free(pages);
	mem_free(&pool);
	return mem;
}

static struct mem alloc_thp(size_t length)
{
	struct mem mem = reserve_anonymous(length, HUGE, MADV_HUGEPAGE);

	touch(mem.va, length);
	if (mem_runs(&mem) > length / HUGE) {
		mem_free(&mem);
		mem.va = NULL;
	}
	return mem;
}

static struct mem alloc_hugetlb(size_t length)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << 26);
	struct mem mem = reserve(length, PAGE, flags, -1);
	char count[32];

	if (!mem.va) {
		snprintf(count, sizeof(count), "%zu", length / HUGE);
		write_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", count);
		mem = reserve(length, PAGE, flags, -1);
	}
	if (mem.va)
		touch(mem.va, length);
	return mem;
}

static struct mem alloc_memfd(size_t length)
{
	int fd = memfd_create("workload", MFD_CLOEXEC);
	struct mem mem = { 0 };

	if (fd < 0 || ftruncate(fd, length))
		fail("cannot create a memfd: %s", strerror(errno));
	mem = reserve(length, PAGE, MAP_SHARED, fd);
	close(fd);
	if (!mem.va)
		fail("cannot map a memfd: %s", strerror(errno));
	touch(mem.va, length);
	return mem;
}

struct mem mem_alloc(enum mem_kind kind, size_t length)
{
	struct mem mem;

	switch (kind) {
	case MEM_CONTIG:
	case MEM_FRAG:
	case MEM_RUNS3:
		return alloc_arranged(kind, length);
	case MEM_THP:
		return alloc_thp(length);
	case MEM_HUGETLB:
		return alloc_hugetlb(length);
	case MEM_MEMFD:
		return alloc_memfd(length);
	case MEM_4K:
		break;
	}
	mem = reserve_anonymous(length, PAGE, MADV_NOHUGEPAGE);
	touch(mem.va, length);
	return mem;
}

void mem_free(struct mem *mem)
{
	munmap(mem->base, mem->base_length);
}

/* --- privileges --------------------------------------------------------- */

#define UNUSED_UID 4242

static bool have_ipc_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		fail("capget: %s", strerror(errno));
	return data[0].effective & (1U << CAP_IPC_LOCK);
}

/* Leaving uid 0 clears the capabilities; the bounding set keeps this one away. */
static void drop_privileges(size_t memlock)
{
	struct rlimit limit = { .rlim_cur = memlock, .rlim_max = memlock };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK) ||
	    setresgid(UNUSED_UID, UNUSED_UID, UNUSED_UID) || setresuid(UNUSED_UID, UNUSED_UID, UNUSED_UID))
		fail("cannot drop privileges: %s", strerror(errno));
	if (have_ipc_lock())
		fail("CAP_IPC_LOCK cannot be dropped");
}

void run_unprivileged(size_t memlock, void (*run)(void *argument), void *argument)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		unexpected = 0;
		drop_privileges(memlock);
		run(argument);
		fflush(stdout);
		_exit(unexpected ? 1 : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		exit(2);
	expect(!status, "the unprivileged child ends with wait status %#x", status);
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
