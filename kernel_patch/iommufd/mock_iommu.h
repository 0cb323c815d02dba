/* SPDX-License-Identifier: GPL-2.0-only */
/* An IOMMU without hardware, for the selftest. */
#ifndef UFD_MOCK_IOMMU_H
#define UFD_MOCK_IOMMU_H

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include "iommufd_test.h"

#define MOCK_PAGE (PAGE_SIZE / 2)
#define MOCK_HUGE_PAGE (512 * MOCK_PAGE)

/**
 * struct mock_domain - a domain that keeps its translations in an array
 * @core: the domain
 * @entries: IOVA / MOCK_PAGE to an entry of mock_iommu.c
 * @tracking: writes are noted
 */
struct mock_domain {
	struct iommu_domain core;
	struct xarray entries;
	bool tracking;
};

struct mock_nested {
	struct iommu_domain core;
	u32 iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
};

/**
 * struct mock_device - a device behind the mock IOMMU
 * @dev: the device
 * @flags: MOCK_FLAGS_DEVICE_*
 * @id: of its name
 * @attach_lock: read by page faults, written by attach and detach
 */
struct mock_device {
	struct device dev;
	unsigned long flags;
	int id;
	struct rw_semaphore attach_lock;
};

struct mock_device *mock_device_new(unsigned long flags);
void mock_device_remove(struct mock_device *mock);
struct mock_device *mock_device_of(struct device *dev);
struct mock_domain *mock_domain_of(struct iommu_domain *domain);
struct mock_nested *mock_nested_of(struct iommu_domain *domain);
bool mock_translate(struct mock_domain *d, unsigned long iova, phys_addr_t *phys);
bool mock_write(struct mock_domain *d, unsigned long iova);
int mock_init(void);
void mock_exit(void);

#endif /* UFD_MOCK_IOMMU_H */
