// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOAS_MAP and IOAS_UNMAP cost in instructions, per 4 KiB page.
 *
 * Runs in a guest under QEMU's icount (scripts/vm run --icount), where the time
 * stamp counter counts instructions: the numbers are exact and repeatable, and
 * say nothing about cache misses.  The emulated edu device is attached through
 * VFIO, so every map fills a real VT-d page table.
 *
 * The process runs with real-time priority: a tracer that shares the vCPU gets
 * the CPU between the measured calls, never inside one.  So the numbers are what
 * the mapping process pays; what the tracer itself pays is its own CPU time.
 *
 * Prints one JSON line per memory kind: instructions per 4 KiB page, the least
 * of several rounds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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
#define IOVA (1UL << 32)
#define ROUNDS 4

static size_t length = 64 * MIB;

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

/* Bind the edu device to vfio-pci; its VFIO character device. */
static int open_edu(void)
{
	char id[16], path[600];
	struct dirent *e;
	DIR *d = opendir("/sys/bus/pci/devices");
	int fd = -1;

	while (d && (e = readdir(d))) {
		read_id(e->d_name, "device", id, sizeof(id));
		if (strncmp(id, "0x11e8", 6))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", e->d_name);
		write_text(path, "vfio-pci");
		write_text("/sys/bus/pci/drivers_probe", e->d_name);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", e->d_name);
		break;
	}
	if (d)
		closedir(d);
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

static int iommufd;
static __u32 ioas;

static void attach(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	int dev = open_edu();

	iommufd = open("/dev/iommu", O_RDWR);
	if (iommufd < 0 || ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc))
		die("/dev/iommu");
	ioas = alloc.out_ioas_id;
	bind.iommufd = iommufd;
	pt.pt_id = ioas;
	if (ioctl(dev, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    ioctl(dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt))
		die("cannot attach the edu device");
}

/* ---- memory ---- */

static void touch(char *p, size_t step, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)p)[i * step] = 1;
}

static char *reserve(size_t size, int flags)
{
	char *p = mmap(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	return (char *)(((unsigned long)p + 2 * MIB - 1) & ~(2 * MIB - 1));
}

static char *make_memory(const char *kind)
{
	char *p, *other;

	write_text("/sys/kernel/mm/transparent_hugepage/enabled",
		   strcmp(kind, "thp") ? "never" : "always");
	if (!strcmp(kind, "hugetlb2m")) {
		char n[32];

		snprintf(n, sizeof(n), "%lu", length / (2 * MIB) + 2);
		write_text("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", n);
		p = reserve(length - 2 * MIB, MAP_HUGETLB);
		length -= p ? 2 * MIB : 0;
	} else {
		p = reserve(length, 0);
	}
	if (!p)
		return NULL;
	if (!strcmp(kind, "fragmented")) {	/* two areas faulted in turn: no neighbours */
		other = reserve(length, 0);
		for (size_t i = 0; other && i < length; i += PAGE) {
			touch(p + i, 1, 1);
			touch(other + i, 1, 1);
		}
	} else {
		touch(p, PAGE, length / PAGE);
	}
	return p;
}

/* ---- measuring ---- */

static void one(char *p, unsigned long *map, unsigned long *unmap)
{
	struct iommu_ioas_map m = {
		.size = sizeof(m), .ioas_id = ioas, .iova = IOVA, .length = length,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (unsigned long)p,
	};
	struct iommu_ioas_unmap u = {
		.size = sizeof(u), .ioas_id = ioas, .iova = IOVA, .length = length,
	};
	unsigned long t[4];

	usleep(20000);		/* a tracer drains its rings now */
	t[0] = __rdtsc();
	if (ioctl(iommufd, IOMMU_IOAS_MAP, &m))
		die("IOAS_MAP");
	t[1] = __rdtsc();
	usleep(20000);
	t[2] = __rdtsc();
	if (ioctl(iommufd, IOMMU_IOAS_UNMAP, &u))
		die("IOAS_UNMAP");
	t[3] = __rdtsc();
	*map = t[1] - t[0] < *map ? t[1] - t[0] : *map;
	*unmap = t[3] - t[2] < *unmap ? t[3] - t[2] : *unmap;
}

static void bench(const char *kind, size_t bytes)
{
	unsigned long map = -1UL, unmap = -1UL;
	double pages;
	char *p;

	length = bytes;
	p = make_memory(kind);
	if (!p) {
		printf("{\"kind\":\"%s\",\"skip\":\"no such memory here\"}\n", kind);
		return;
	}
	for (int i = 0; i < ROUNDS; i++)
		one(p, &map, &unmap);
	pages = length / PAGE;
	printf("{\"kind\":\"%s\",\"mib\":%lu,\"map\":%.2f,\"unmap\":%.2f}\n", kind, length / MIB,
	       map / pages, unmap / pages);
	fflush(stdout);
	munmap(p, length);
}

int main(int argc, char **argv)
{
	struct sched_param prio = { .sched_priority = 50 };
	size_t mib = argc > 1 ? atol(argv[1]) : 64;

	if (sched_setscheduler(0, SCHED_FIFO, &prio))
		die("SCHED_FIFO");
	attach();
	bench("thp", mib * MIB);
	bench("hugetlb2m", mib * MIB);
	bench("contiguous", mib * MIB);
	bench("fragmented", mib * MIB);
	length = PAGE;
	bench("single", PAGE);
	return 0;
}
