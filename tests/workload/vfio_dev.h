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

/* Open the device and bind it to an iommufd. close(fd) undoes both. */
struct vfio_device vfio_open(const char *address, int iommufd);
void vfio_close(struct vfio_device *device);

/* Attach to an IOAS or HWPT, or replace; `pt` becomes what was attached. */
int vfio_attach(const struct vfio_device *device, uint32_t *pt);
int vfio_detach(const struct vfio_device *device);

/* Make the registers of an attached edu usable and let it do DMA. */
void edu_start(struct vfio_device *device);

/* Copy `length` bytes between the buffer of edu and an IOVA, and wait for it. */
void edu_read(const struct vfio_device *device, uint64_t iova, size_t length);
void edu_write(const struct vfio_device *device, uint64_t iova, size_t length);

/*
 * The same where the IOMMU must refuse. The reports of that are kept from the
 * console, where they would look like a driver's error; anything else that the
 * kernel has to say meanwhile is unexpected.
 */
void edu_read_refused(const struct vfio_device *device, uint64_t iova, size_t length);
void edu_write_refused(const struct vfio_device *device, uint64_t iova, size_t length);

#endif
