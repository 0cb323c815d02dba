/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The selftest ioctl of iommufd, IOMMU_TEST_CMD, as functions.
 *
 * A kernel with CONFIG_IOMMUFD_TEST has a mock IOMMU whose page size is half of
 * the CPU's and whose aperture is [MOCK_APERTURE_START, MOCK_APERTURE_LAST], mock
 * devices behind it, and mock in-kernel users ("accesses") that pin pages of an
 * IOAS. It checks each map and unmap with WARN_ON(), and page tables and page
 * reference counts on request. On 6.12 it works only if no real IOMMU driver is
 * active: boot with intel_iommu=off.
 *
 * Results are 0 or a negative errno, as in common.h.
 */
#ifndef WORKLOAD_MOCK_OPS_H
#define WORKLOAD_MOCK_OPS_H

#include "common.h"
#include "iommufd_test.h"

#define MOCK_PAGE 2048UL

/* A mock device; attaching it to an IOAS makes an automatic HWPT. */
struct mock_device {
	uint32_t stdev; /* destroying this detaches and unbinds the device */
	uint32_t hwpt; /* what it was attached to */
	uint32_t id; /* as in HWPT_ALLOC */
};

int mock_device_attach(int fd, uint32_t pt, struct mock_device *device);
int mock_device_attach_flags(int fd, uint32_t pt, uint32_t flags, struct mock_device *device);
int mock_device_replace(int fd, const struct mock_device *device, uint32_t pt);

/* mock_device_attach() and expect success. */
struct mock_device mock_device_new(int fd, uint32_t pt);

/* The program ends if no mock device can be had here. */
void mock_device_probe(int fd, uint32_t ioas);

/* An in-kernel user of an IOAS that pins pages; close() destroys it. */
int access_open(int fd, uint32_t ioas);
int access_open_flags(int fd, uint32_t ioas, bool pins, int *access);
int access_pin(int fd, int access, uint64_t iova, size_t length, const void *va, uint32_t *item);
int access_pin_flags(int fd, int access, uint64_t iova, size_t length, uint32_t flags, uint32_t *item);
int access_unpin(int fd, int access, uint32_t item);
int access_move(int fd, int access, uint32_t ioas);
int access_rw(int fd, int access, uint64_t iova, void *data, size_t length, uint32_t flags);

/* Expect that a HWPT maps `iova` to the pages of `va`. */
void check_map(int fd, uint32_t hwpt, uint64_t iova, size_t length, const void *va);

/* Expect that each page is pinned `pins` times (4 KiB pages only). */
void check_pins(int fd, const void *va, size_t length, unsigned int pins);

/* A reserved range that no device or domain asked for. */
int add_reserved(int fd, uint32_t ioas, uint64_t start, uint64_t length);

/* Bytes that iommufd may use for one batch; the kernel starts with 65536. */
int memory_limit(int fd, uint32_t bytes);
void set_memory_limit(int fd, uint32_t bytes);

int hwpt_alloc_nested(int fd, uint32_t device, uint32_t parent, uint32_t fault, uint32_t *hwpt);
int fault_alloc(int fd, uint32_t *fault, int *fault_fd);
int invalidate(int fd, uint32_t hwpt); /* all of a nested HWPT */
int trigger_fault(int fd, uint32_t device, uint32_t group);

/* Dirty tracking, one bit per MOCK_PAGE; dirty_make() plays the device that writes. */
int dirty_tracking(int fd, uint32_t hwpt, bool on);
int dirty_make(int fd, uint32_t hwpt, uint64_t iova, size_t length, const uint64_t *bitmap);
int dirty_bitmap(int fd, uint32_t hwpt, uint64_t iova, size_t length, uint64_t *bitmap, bool keep);

#endif
