// SPDX-License-Identifier: GPL-2.0-only
/* See vfio_dev.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vfio_dev.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/* --- sysfs -------------------------------------------------------------- */

/* True if the file of that device says `wanted`. */
static bool attribute_is(const char *address, const char *name, const char *wanted)
{
	char path[512], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", address, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return !strncmp(text, wanted, strlen(wanted));
}

/* The name in a directory that starts with `prefix`; the caller frees it. */
static char *find_entry(const char *directory, const char *prefix)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			found = strdup(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

const char *pci_find(const char *vendor, const char *device)
{
	DIR *dir = opendir(PCI_DEVICES);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir)))
		if (attribute_is(entry->d_name, "vendor", vendor) && attribute_is(entry->d_name, "device", device))
			found = strdup(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static char *cdev_name(const char *address)
{
	char path[512];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/vfio-dev", address);
	return find_entry(path, "vfio") ? : find_entry(path, "noiommu-vfio");
}

void pci_give_to_vfio(const char *address)
{
	char path[512], *name = cdev_name(address);
	int rc;

	if (!name) {
		snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver_override", address);
		rc = write_file(path, "vfio-pci");
		if (rc)
			fail("cannot write %s: %s", path, strerror(-rc));
		snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver/unbind", address);
		write_file(path, address); /* fails if it has no driver */
		rc = write_file("/sys/bus/pci/drivers_probe", address);
		name = cdev_name(address);
		if (rc || !name)
			fail("vfio-pci does not take %s: %s; is it loaded, and an IOMMU on?", address, strerror(-rc));
	}
	free(name);
}

/* --- VFIO --------------------------------------------------------------- */

int vfio_bind(const char *address, int iommufd, struct vfio_device *device)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	int rc;
	char path[512], *name = cdev_name(address);

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name ? name : "?");
	free(name);
	*device = (struct vfio_device){ .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (device->fd < 0)
		fail("cannot open %s: %s", path, strerror(errno));
	rc = call(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	device->id = bind.out_devid;
	return rc;
}

struct vfio_device vfio_open(const char *address, int iommufd)
{
	struct vfio_device device;

	expect_rc(vfio_bind(address, iommufd, &device), 0, "VFIO_DEVICE_BIND_IOMMUFD");
	return device;
}

void vfio_close(struct vfio_device *device)
{
	if (device->bar)
		munmap((void *)device->bar, PAGE);
	close(device->fd);
}

int vfio_attach(const struct vfio_device *device, uint32_t *pt)
{
	struct vfio_device_attach_iommufd_pt cmd = { .argsz = sizeof(cmd), .pt_id = *pt };
	int rc = call(device->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	*pt = cmd.pt_id;
	return rc;
}

int vfio_detach(const struct vfio_device *device)
{
	struct vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return call(device->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

/* --- VFIO groups -------------------------------------------------------- */

int vfio_group_join(const char *address, int container, int *group)
{
	char path[512], target[512];
	ssize_t length;
	int rc;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group", address);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		fail("cannot read %s: %s", path, strerror(errno));
	target[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	*group = open(path, O_RDWR | O_CLOEXEC);
	if (*group < 0)
		fail("cannot open %s: %s", path, strerror(errno));
	rc = call(*group, VFIO_GROUP_SET_CONTAINER, &container);
	if (rc)
		close(*group);
	return rc;
}

struct vfio_device vfio_group_device(const char *address, int group)
{
	int fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);

	expect_rc(fd < 0 ? -errno : 0, 0, "VFIO_GROUP_GET_DEVICE_FD");
	return (struct vfio_device){ .fd = fd };
}

/* --- regions ------------------------------------------------------------ */

static uint64_t region_offset(const struct vfio_device *device, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };
	int rc = call(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info);

	if (rc)
		fail("VFIO_DEVICE_GET_REGION_INFO: %s", strerror(-rc));
	return info.offset;
}

/* --- edu ---------------------------------------------------------------- */

enum edu_register {
	EDU_IDENTITY = 0x00,
	EDU_SOURCE = 0x80,
	EDU_TARGET = 0x88,
	EDU_COUNT = 0x90,
	EDU_COMMAND = 0x98,
};

#define EDU_BUFFER 0x40000UL
#define EDU_RUN 1UL
#define EDU_TO_MEMORY 2UL
#define EDU_TIMEOUT 10 /* seconds */

static void allow_dma(const struct vfio_device *device)
{
	uint64_t command = region_offset(device, VFIO_PCI_CONFIG_REGION_INDEX) + PCI_COMMAND;
	uint16_t value;

	if (pread(device->fd, &value, sizeof(value), command) != sizeof(value))
		fail("cannot read the PCI command register: %s", strerror(errno));
	value |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(device->fd, &value, sizeof(value), command) != sizeof(value))
		fail("cannot write the PCI command register: %s", strerror(errno));
}

void edu_start(struct vfio_device *device)
{
	uint64_t offset = region_offset(device, VFIO_PCI_BAR0_REGION_INDEX);
	void *bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd, offset);

	if (bar == MAP_FAILED)
		fail("cannot map BAR 0 of edu: %s", strerror(errno));
	device->bar = bar;
	allow_dma(device);
	if ((*(volatile uint32_t *)(device->bar + EDU_IDENTITY) & 0xff) != 0xed)
		fail("the device does not identify itself as edu");
}

static volatile uint64_t *edu_register(const struct vfio_device *device, enum edu_register reg)
{
	return (volatile uint64_t *)(device->bar + reg);
}

static void edu_transfer(const struct vfio_device *device, uint64_t source, uint64_t target, size_t length,
			 uint64_t direction)
{
	time_t end = time(NULL) + EDU_TIMEOUT;

	*edu_register(device, EDU_SOURCE) = source;
	*edu_register(device, EDU_TARGET) = target;
	*edu_register(device, EDU_COUNT) = length;
	*edu_register(device, EDU_COMMAND) = EDU_RUN | direction;
	while (*edu_register(device, EDU_COMMAND) & EDU_RUN) {
		if (time(NULL) > end)
			fail("edu does not finish its DMA");
		usleep(5000);
	}
}

void edu_read(const struct vfio_device *device, uint64_t iova, size_t length)
{
	edu_transfer(device, iova, EDU_BUFFER, length, 0);
}

void edu_write(const struct vfio_device *device, uint64_t iova, size_t length)
{
	edu_transfer(device, EDU_BUFFER, iova, length, EDU_TO_MEMORY);
}

/* --- DMA that is refused ------------------------------------------------ */

#define PRINTK "/proc/sys/kernel/printk"

/* Where the kernel log ends now. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		fail("cannot open /dev/kmsg: %s", strerror(errno));
	lseek(fd, 0, SEEK_END);
	return fd;
}

/* "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT": an error, but for the IOMMU's report, or a WARN(). */
static bool log_record_is_alarming(const char *record)
{
	const char *text = strchr(record, ';');
	unsigned long level = strtoul(record, NULL, 10) & 7;

	if (!text || strstr(text, "DMAR:") || strstr(text, "dmar_fault:"))
		return false;
	return level <= 3 || strstr(text, "WARNING:") || strstr(text, "BUG:");
}

static void log_check(int fd)
{
	char record[8192];
	ssize_t length;

	while ((length = read(fd, record, sizeof(record) - 1)) > 0) {
		record[length] = '\0';
		record[strcspn(record, "\n")] = '\0';
		expect(!log_record_is_alarming(record), "the kernel logs during a refused DMA: %s", record);
	}
	close(fd);
}

static int read_printk(char *text, size_t size)
{
	int fd = open(PRINTK, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return length < 0 ? -errno : 0;
}

static void edu_refused(const struct vfio_device *device, uint64_t source, uint64_t target, size_t length,
			uint64_t direction)
{
	int log = log_open();
	char levels[64];

	if (read_printk(levels, sizeof(levels)) || write_file(PRINTK, "3"))
		fail("cannot change " PRINTK);
	edu_transfer(device, source, target, length, direction);
	usleep(50000); /* for the IOMMU's interrupt */
	write_file(PRINTK, levels);
	log_check(log);
}

void edu_read_refused(const struct vfio_device *device, uint64_t iova, size_t length)
{
	edu_refused(device, iova, EDU_BUFFER, length, 0);
}

void edu_write_refused(const struct vfio_device *device, uint64_t iova, size_t length)
{
	edu_refused(device, EDU_BUFFER, iova, length, EDU_TO_MEMORY);
}

/* --- what DMA does to memory --------------------------------------------- */

void pattern_fill(unsigned char *va, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		va[i] = seed + i * 7 + i / 256;
}

size_t pattern_differs(const unsigned char *va, size_t length, unsigned int seed)
{
	size_t i = 0;

	while (i < length && va[i] == (unsigned char)(seed + i * 7 + i / 256))
		i++;
	return i;
}

void edu_round_trip(const struct vfio_device *device, uint64_t iova, unsigned char *va)
{
	static unsigned int seed;
	size_t wrong;

	pattern_fill(va, EDU_SPAN, ++seed);
	edu_read(device, iova, EDU_SPAN);
	memset(va, 0, EDU_SPAN);
	edu_write(device, iova, EDU_SPAN);
	wrong = pattern_differs(va, EDU_SPAN, seed);
	expect(wrong == EDU_SPAN, "DMA through IOVA %#lx: byte %zu is wrong", iova, wrong);
}

void edu_round_trips(const struct vfio_device *device, uint64_t iova, const struct mem *mem)
{
	size_t last = mem->length - PAGE;

	edu_round_trip(device, iova, mem->va);
	edu_round_trip(device, iova + last / 2, mem->va + last / 2);
	edu_round_trip(device, iova + last, mem->va + last);
}

void with_memory(enum mem_kind kind, size_t length, const char *without, void (*dma)(struct mem *mem))
{
	struct mem mem = mem_alloc(kind, length);

	if (!mem.va)
		return skip(without);
	dma(&mem);
	mem_free(&mem);
}

void edu_keeps_out(const struct vfio_device *device, uint64_t iova, unsigned char *va)
{
	pattern_fill(va, EDU_SPAN, 99);
	edu_write_refused(device, iova, EDU_SPAN);
	expect(pattern_differs(va, EDU_SPAN, 99) == EDU_SPAN, "DMA to IOVA %#lx arrived although it must not", iova);
}
