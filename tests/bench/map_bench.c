// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to map user memory for a device, and to unmap it, per 4 KiB page.
 *
 *	map_bench [--memory] MIB [BACKEND]...
 *
 * for several kinds of memory, each with every BACKEND (see backends[]; iommufd
 * if none is named). The emulated edu device is attached through VFIO, so every
 * map fills a real VT-d page table.
 *
 * The unit is ticks of the time stamp counter. In a guest under QEMU's icount
 * (scripts/vm run --icount) it counts instructions: exact and repeatable, and
 * nothing is said about cache misses. Else it is time.
 *
 * The process runs with real-time priority: a tracer that shares the vCPU gets
 * the CPU between the measured calls, never inside one. So the numbers are what
 * the mapping process pays; what the tracer itself pays is its own CPU time.
 *
 * Prints one JSON line per kind and backend: the least of several rounds, and the
 * number of physically contiguous runs of the memory. With --memory also how much
 * the memory of the kernel grows (/proc/meminfo) for 1 GiB, mapped in as many maps of
 * MIB as that takes.  The allocator keeps some 200 KiB that were free before.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#define PAGE 4096UL
#define MIB (1UL << 20)
#define GIB (1UL << 30)
#define IOVA (1UL << 32)
#define ROUNDS 4

static void die(const char *what)
{
	fprintf(stderr, "map_bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), rc;

	if (fd < 0)
		return -1;
	rc = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return rc;
}

/* ---- the device ---- */

static void read_id(const char *bdf, const char *what, char *out, size_t size)
{
	char path[300];
	int fd, n = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, what);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = 0;
}

static char edu[32];	/* its address on the bus */

/* Bind the edu device to vfio-pci. */
static void bind_edu(void)
{
	char id[16], path[600];
	struct dirent *e;
	DIR *d = opendir("/sys/bus/pci/devices");

	while (d && (e = readdir(d))) {
		read_id(e->d_name, "device", id, sizeof(id));
		if (strncmp(id, "0x11e8", 6))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", e->d_name);
		write_text(path, "vfio-pci");
		write_text("/sys/bus/pci/drivers_probe", e->d_name);
		snprintf(edu, sizeof(edu), "%.31s", e->d_name);
		break;
	}
	if (d)
		closedir(d);
}

static int open_edu(void)
{
	char path[600];
	struct dirent *e;
	DIR *d;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", edu);
	d = opendir(path);
	while (d && fd < 0 && (e = readdir(d))) {
		if (strncmp(e->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
		fd = open(path, O_RDWR);
	}
	if (d)
		closedir(d);
	if (fd < 0)
		die("no edu device behind vfio-pci");
	return fd;
}

/* ---- backends: ways to map user memory for it ---- */

static int device, group, container;	/* the container is an iommufd, or VFIO's own */
static __u32 ioas;

static __u32 new_hwpt(__u32 dev_id)
{
	struct iommu_hwpt_alloc hwpt = { .size = sizeof(hwpt), .dev_id = dev_id, .pt_id = ioas };

	if (ioctl(container, IOMMU_HWPT_ALLOC, &hwpt))
		die("HWPT_ALLOC");
	return hwpt.out_hwpt_id;
}

static void open_iommufd(int domains)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };

	device = open_edu();
	container = open("/dev/iommu", O_RDWR);
	if (container < 0 || ioctl(container, IOMMU_IOAS_ALLOC, &alloc))
		die("/dev/iommu");
	ioas = alloc.out_ioas_id;
	bind.iommufd = container;
	if (ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die("cannot bind the edu device");
	pt.pt_id = ioas;
	for (int i = 0; domains > 1 && i < domains; i++)
		pt.pt_id = new_hwpt(bind.out_devid);
	if (ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt))
		die("cannot attach the edu device");
}

static bool map_iommufd(char *p, unsigned long iova, size_t length)
{
	struct iommu_ioas_map m = {
		.size = sizeof(m), .ioas_id = ioas, .iova = iova, .length = length,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (unsigned long)p,
	};

	return !ioctl(container, IOMMU_IOAS_MAP, &m);
}

static bool unmap_iommufd(unsigned long iova, size_t length)
{
	struct iommu_ioas_unmap u = {
		.size = sizeof(u), .ioas_id = ioas, .iova = iova, .length = length,
	};

	return !ioctl(container, IOMMU_IOAS_UNMAP, &u) && u.length == length;
}

static void open_type1(int domains)
{
	char path[300], link[300];
	ssize_t n;

	(void)domains;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", edu);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') ? strrchr(link, '/') + 1 : "?");
	container = open("/dev/vfio/vfio", O_RDWR);
	group = open(path, O_RDWR);
	if (container < 0 || group < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO container");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, edu);
	if (device < 0)
		die("VFIO device");
}

static bool map_type1(char *p, unsigned long iova, size_t length)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)p, .iova = iova, .size = length,
	};

	return !ioctl(container, VFIO_IOMMU_MAP_DMA, &m);
}

static bool unmap_type1(unsigned long iova, size_t length)
{
	struct vfio_iommu_type1_dma_unmap u = {
		.argsz = sizeof(u), .iova = iova, .size = length,
	};

	return !ioctl(container, VFIO_IOMMU_UNMAP_DMA, &u) && u.size == length;
}

static const struct backend {
	const char *name;
	int domains;
	void (*open)(int domains);
	bool (*map)(char *p, unsigned long iova, size_t length);
	bool (*unmap)(unsigned long iova, size_t length);
} backends[] = {
	{ "iommufd", 1, open_iommufd, map_iommufd, unmap_iommufd },
	{ "iommufd2", 2, open_iommufd, map_iommufd, unmap_iommufd },
	{ "type1", 1, open_type1, map_type1, unmap_type1 },
};

static void close_backend(void)
{
	close(device);
	if (group >= 0)
		close(group);
	close(container);
	group = -1;
}

/* ---- memory ---- */

static void touch(char *p, size_t step, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)p)[i * step] = 1;
}

/* Aligned to 2 MiB, so that large pages fit */
static char *reserve(size_t size, int flags)
{
	char *p = mmap(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	return (char *)(((unsigned long)p + 2 * MIB - 1) & ~(2 * MIB - 1));
}

static char *hugetlb(size_t size, unsigned int shift)
{
	char path[100], n[32];
	char *p;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages",
		 (1UL << shift) >> 10);
	snprintf(n, sizeof(n), "%lu", size >> shift);
	write_text(path, n);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | shift << MAP_HUGE_SHIFT, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* Two areas that are faulted in turn: no page has its neighbour. */
static char *fragmented(size_t size)
{
	char *p = reserve(size, 0), *other = reserve(size, 0);

	for (size_t i = 0; p && other && i < size; i += PAGE) {
		touch(p + i, PAGE, 1);
		touch(other + i, PAGE, 1);
	}
	return p;
}

static char *memfd(size_t size)
{
	int fd = memfd_create("bench", 0);
	char *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, size))
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static char *make_memory(const char *kind, size_t size)
{
	char *p;

	write_text("/sys/kernel/mm/transparent_hugepage/enabled",
		   strcmp(kind, "thp") ? "never" : "always");
	if (!strcmp(kind, "hugetlb1g"))
		p = hugetlb(size, 30);
	else if (!strcmp(kind, "hugetlb2m"))
		p = hugetlb(size, 21);
	else if (!strcmp(kind, "fragmented"))
		p = fragmented(size);
	else if (!strcmp(kind, "memfd"))
		p = memfd(size);
	else
		p = reserve(size, 0);
	if (p)
		touch(p, PAGE, size / PAGE);
	return p;
}

/* How many runs of contiguous page frames it is; 0: not known */
static unsigned long count_runs(const char *p, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned long entry, last = 0, runs = 0;

	for (size_t i = 0; fd >= 0 && i < size / PAGE; i++) {
		off_t at = ((unsigned long)p / PAGE + i) * sizeof(entry);

		if (pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
			break;
		entry &= (1UL << 55) - 1;
		runs += entry != last + 1;
		last = entry;
	}
	close(fd);
	return runs;
}

/* ---- measuring ---- */

/* The memory that the kernel has for itself, in bytes: slab, page tables of CPUs and IOMMUs, and so on */
/* Each CPU keeps some pages to itself before it adds them to the sums of /proc/meminfo. */
static void fold_counters(void)
{
	FILE *f = fopen("/proc/sys/vm/stat_refresh", "r");

	if (!f)
		die("/proc/sys/vm/stat_refresh");
	while (fgetc(f) != EOF)
		;
	fclose(f);
}

static long kernel_memory(void)
{
	static const char *const parts[] = {
		"Slab:", "KernelStack:", "PageTables:", "SecPageTables:", "VmallocUsed:", "Percpu:",
	};
	char line[128], name[64];
	long kib, sum = 0;
	FILE *f;

	fold_counters();
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &kib) == 2)
			for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
				sum += strcmp(name, parts[i]) ? 0 : kib << 10;
	if (f)
		fclose(f);
	return sum;
}

static long memory_of_a_gib(const struct backend *b, char *p, size_t length)
{
	size_t n = GIB / length;
	long before = kernel_memory(), after;

	for (size_t i = 0; i < n; i++)
		if (!b->map(p, IOVA + i * length, length))
			die("map");
	after = kernel_memory();
	for (size_t i = 0; i < n; i++)
		if (!b->unmap(IOVA + i * length, length))
			die("unmap");
	return after - before;
}

static void one(const struct backend *b, char *p, size_t length, unsigned long *map,
		unsigned long *unmap)
{
	unsigned long t[4];

	usleep(20000);		/* a tracer drains its rings now */
	t[0] = __rdtsc();
	if (!b->map(p, IOVA, length))
		die("map");
	t[1] = __rdtsc();
	usleep(20000);
	t[2] = __rdtsc();
	if (!b->unmap(IOVA, length))
		die("unmap");
	t[3] = __rdtsc();
	*map = t[1] - t[0] < *map ? t[1] - t[0] : *map;
	*unmap = t[3] - t[2] < *unmap ? t[3] - t[2] : *unmap;
}

static void bench(const struct backend *b, const char *kind, char *p, size_t length, bool memory)
{
	unsigned long map = -1UL, unmap = -1UL;
	double pages = length / PAGE;

	b->open(b->domains);
	for (int i = 0; i < ROUNDS; i++)
		one(b, p, length, &map, &unmap);
	printf("{\"kind\":\"%s\",\"backend\":\"%s\",\"mib\":%lu,\"runs\":%lu,\"map\":%.2f,\"unmap\":%.2f",
	       kind, b->name, length / MIB, count_runs(p, length), map / pages, unmap / pages);
	if (memory && length >= MIB)
		printf(",\"bytes_per_gib\":%ld", memory_of_a_gib(b, p, length));
	printf("}\n");
	fflush(stdout);
	close_backend();
}

static bool wanted(const char *name, char **names)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sched_param prio = { .sched_priority = 50 };
	bool memory = argc > 1 && !strcmp(argv[1], "--memory");
	char **rest = argv + memory + 1, *usual[] = { "iommufd", NULL };
	size_t size = (*rest ? atol(*rest++) : 64) * MIB;
	const struct { const char *name; size_t size; } kinds[] = {
		/* What is freed comes back in reverse: the contiguous one is early. */
		{ "hugetlb1g", GIB }, { "hugetlb2m", size }, { "thp", size }, { "contiguous", size },
		{ "fragmented", size }, { "memfd", size }, { "single", PAGE },
	};

	if (sched_setscheduler(0, SCHED_FIFO, &prio))
		die("SCHED_FIFO");
	bind_edu();
	group = -1;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		char *p = make_memory(kinds[k].name, kinds[k].size);

		if (!p)
			printf("{\"kind\":\"%s\",\"skip\":\"no such memory here\"}\n", kinds[k].name);
		for (size_t i = 0; p && i < sizeof(backends) / sizeof(backends[0]); i++)
			if (wanted(backends[i].name, *rest ? rest : usual))
				bench(&backends[i], kinds[k].name, p, kinds[k].size, memory);
		if (p)
			munmap(p, kinds[k].size);
	}
	return 0;
}
