/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device behind a real (emulated) IOMMU, used through VFIO's character
 * device, and real DMA by the QEMU "edu" device.
 *
 * edu has a 4 KiB buffer of its own and copies between that and an IOVA below
 * 256 MiB (its DMA mask has 28 bits); a transfer takes 100 ms of guest time. What
 * the IOMMU refuses to translate does not arrive, and is reported on the console.
 */
#ifndef WORKLOAD_VFIO_DEV_H
#define WORKLOAD_VFIO_DEV_H

#include "common.h"

/* Bytes of one transfer: QEMU 7.2 aborts if it reaches the end of the buffer. */
#define EDU_SPAN 3072UL

struct vfio_device {
	int fd;
	uint32_t id; /* as in HWPT_ALLOC */
	volatile unsigned char *bar; /* edu only, after edu_start() */
};

/* The sysfs address of the first such device ("0000:00:02.0"), or NULL. */
const char *pci_find(const char *vendor, const char *device);

/* Take the device away from its driver and give it to vfio-pci. */
void pci_give_to_vfio(const char *address);

/* Open the device and bind it to an iommufd: 0 or a negative errno. close(fd) undoes both. */
int vfio_bind(const char *address, int iommufd, struct vfio_device *device);
/* The same, and expect success. */
struct vfio_device vfio_open(const char *address, int iommufd);
void vfio_close(struct vfio_device *device);

/*
 * The older way, by groups: put the group of the device into a container, which
 * is a file that knows the ioctls of VFIO type 1. 0 or a negative errno;
 * close() takes it out, once its device is closed.
 */
int vfio_group_join(const char *address, int container, int *group);
/* Open the device: it is attached to what the container maps. */
struct vfio_device vfio_group_device(const char *address, int group);

/* Attach to an IOAS or HWPT, or replace; `pt` becomes what was attached. */
int vfio_attach(const struct vfio_device *device, uint32_t *pt);
int vfio_detach(const struct vfio_device *device);

/* Make the registers of an attached edu usable and let it do DMA. */
void edu_start(struct vfio_device *device);

/* Copy `length` bytes between the buffer of edu and an IOVA, and wait for it. */
void edu_read(const struct vfio_device *device, uint64_t iova, size_t length);
void edu_write(const struct vfio_device *device, uint64_t iova, size_t length);

/* Both ways, at both ends of memory that is mapped at an IOVA and in its middle. */
void edu_round_trips(const struct vfio_device *device, uint64_t iova, const struct mem *mem);

/* Do that with such memory, or skip the step where there is none. */
void with_memory(enum mem_kind kind, size_t length, const char *without, void (*dma)(struct mem *mem));

/*
 * The same where the IOMMU must refuse. The reports of that are kept from the
 * console, where they would look like a driver's error; anything else that the
 * kernel has to say meanwhile is unexpected.
 */
void edu_read_refused(const struct vfio_device *device, uint64_t iova, size_t length);
void edu_write_refused(const struct vfio_device *device, uint64_t iova, size_t length);

/* --- what DMA does to memory --------------------------------------------- */

void pattern_fill(unsigned char *va, size_t length, unsigned int seed);
/* The first index that is not as pattern_fill() left it, or length. */
size_t pattern_differs(const unsigned char *va, size_t length, unsigned int seed);

/* Bytes to the device and back to where they came from, with the CPU's copy gone. */
void edu_round_trip(const struct vfio_device *device, uint64_t iova, unsigned char *va);
/* The device may not write there: the memory keeps its bytes. */
void edu_keeps_out(const struct vfio_device *device, uint64_t iova, unsigned char *va);

#endif
