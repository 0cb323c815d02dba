// SPDX-License-Identifier: GPL-2.0-only
/* See mock_ops.h. */
#include <string.h>

#include "mock_ops.h"

static int test(int fd, uint32_t op, uint32_t id, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	cmd->id = id;
	return call(fd, IOMMU_TEST_CMD, cmd);
}

int mock_device_attach(int fd, uint32_t pt, struct mock_device *device)
{
	struct iommu_test_cmd cmd = { 0 };
	int rc = test(fd, IOMMU_TEST_OP_MOCK_DOMAIN, pt, &cmd);

	if (rc == -ENOTTY)
		fail("this kernel has no iommufd selftest (CONFIG_IOMMUFD_TEST)");
	device->stdev = cmd.mock_domain.out_stdev_id;
	device->hwpt = cmd.mock_domain.out_hwpt_id;
	device->id = cmd.mock_domain.out_idev_id;
	return rc;
}

int mock_device_attach_flags(int fd, uint32_t pt, uint32_t flags, struct mock_device *device)
{
	struct iommu_test_cmd cmd = { .mock_domain_flags.dev_flags = flags };
	int rc = test(fd, IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, pt, &cmd);

	device->stdev = cmd.mock_domain_flags.out_stdev_id;
	device->hwpt = cmd.mock_domain_flags.out_hwpt_id;
	device->id = cmd.mock_domain_flags.out_idev_id;
	return rc;
}

int mock_device_replace(int fd, const struct mock_device *device, uint32_t pt)
{
	struct iommu_test_cmd cmd = { .mock_domain_replace.pt_id = pt };

	return test(fd, IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, device->stdev, &cmd);
}

struct mock_device mock_device_new(int fd, uint32_t pt)
{
	struct mock_device device = { 0 };
	int rc = mock_device_attach(fd, pt, &device);

	if (rc == -ENODEV || rc == -EBUSY)
		fail("the mock IOMMU refuses a device: %s; boot with intel_iommu=off", strerror(-rc));
	expect_rc(rc, 0, "attaching a mock device");
	return device;
}

void mock_device_probe(int fd, uint32_t ioas)
{
	struct mock_device device = mock_device_new(fd, ioas);

	destroy_ok(fd, device.stdev, "the device");
}

int access_open_flags(int fd, uint32_t ioas, bool pins, int *access)
{
	struct iommu_test_cmd cmd = {
		.create_access.flags = pins ? MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES : 0,
	};
	int rc = test(fd, IOMMU_TEST_OP_CREATE_ACCESS, ioas, &cmd);

	*access = rc ? -1 : (int)cmd.create_access.out_access_fd;
	return rc;
}

int access_open(int fd, uint32_t ioas)
{
	int access;

	expect_rc(access_open_flags(fd, ioas, true, &access), 0, "creating an access");
	return access;
}

static int pin(int fd, int access, struct iommu_test_cmd *cmd, uint32_t *item)
{
	int rc = test(fd, IOMMU_TEST_OP_ACCESS_PAGES, access, cmd);

	*item = cmd->access_pages.out_access_pages_id;
	return rc;
}

int access_pin(int fd, int access, uint64_t iova, size_t length, const void *va, uint32_t *item)
{
	struct iommu_test_cmd cmd = {
		.access_pages.flags = MOCK_FLAGS_ACCESS_WRITE,
		.access_pages.iova = iova,
		.access_pages.length = length,
		.access_pages.uptr = (uintptr_t)va,
	};

	return pin(fd, access, &cmd, item);
}

int access_pin_flags(int fd, int access, uint64_t iova, size_t length, uint32_t flags, uint32_t *item)
{
	struct iommu_test_cmd cmd = {
		.access_pages.flags = flags,
		.access_pages.iova = iova,
		.access_pages.length = length,
	};

	return pin(fd, access, &cmd, item);
}

int access_unpin(int fd, int access, uint32_t item)
{
	struct iommu_test_cmd cmd = { .destroy_access_pages.access_pages_id = item };

	return test(fd, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, access, &cmd);
}

int access_move(int fd, int access, uint32_t ioas)
{
	struct iommu_test_cmd cmd = { .access_replace_ioas.ioas_id = ioas };

	return test(fd, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, access, &cmd);
}

int access_rw(int fd, int access, uint64_t iova, void *data, size_t length, uint32_t flags)
{
	struct iommu_test_cmd cmd = {
		.access_rw.iova = iova,
		.access_rw.length = length,
		.access_rw.uptr = (uintptr_t)data,
		.access_rw.flags = flags,
	};

	return test(fd, IOMMU_TEST_OP_ACCESS_RW, access, &cmd);
}

void check_map(int fd, uint32_t hwpt, uint64_t iova, size_t length, const void *va)
{
	struct iommu_test_cmd cmd = {
		.check_map.iova = iova,
		.check_map.length = length,
		.check_map.uptr = (uintptr_t)va,
	};
	int rc = test(fd, IOMMU_TEST_OP_MD_CHECK_MAP, hwpt, &cmd);

	expect(!rc, "HWPT %u does not map IOVA %#lx to the memory: %s", hwpt, iova, strerror(-rc));
}

void check_pins(int fd, const void *va, size_t length, unsigned int pins)
{
	struct iommu_test_cmd cmd = {
		.check_refs.length = length,
		.check_refs.uptr = (uintptr_t)va,
		.check_refs.refs = pins,
	};
	int rc = test(fd, IOMMU_TEST_OP_MD_CHECK_REFS, 0, &cmd);

	expect(!rc, "a page in %zu bytes is not pinned %u times: %s", length, pins, strerror(-rc));
}

int add_reserved(int fd, uint32_t ioas, uint64_t start, uint64_t length)
{
	struct iommu_test_cmd cmd = { .add_reserved.start = start, .add_reserved.length = length };

	return test(fd, IOMMU_TEST_OP_ADD_RESERVED, ioas, &cmd);
}

int memory_limit(int fd, uint32_t bytes)
{
	struct iommu_test_cmd cmd = { .memory_limit.limit = bytes };

	return test(fd, IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT, 0, &cmd);
}

void set_memory_limit(int fd, uint32_t bytes)
{
	expect_rc(memory_limit(fd, bytes), 0, "SET_TEMP_MEMORY_LIMIT");
}

int hwpt_alloc_nested(int fd, uint32_t device, uint32_t parent, uint32_t fault, uint32_t *hwpt)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = fault ? IOMMU_HWPT_FAULT_ID_VALID : 0,
		.dev_id = device,
		.pt_id = parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
		.fault_id = fault,
	};
	int rc = call(fd, IOMMU_HWPT_ALLOC, &cmd);

	*hwpt = cmd.out_hwpt_id;
	return rc;
}

int fault_alloc(int fd, uint32_t *fault, int *fault_fd)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };
	int rc = call(fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

	*fault = cmd.out_fault_id;
	*fault_fd = cmd.out_fault_fd;
	return rc;
}

int trigger_fault(int fd, uint32_t device, uint32_t group)
{
	struct iommu_test_cmd cmd = {
		.trigger_iopf.dev_id = device,
		.trigger_iopf.grpid = group,
		.trigger_iopf.perm = IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE,
		.trigger_iopf.addr = 0xdeadbeaf,
	};

	return test(fd, IOMMU_TEST_OP_TRIGGER_IOPF, 0, &cmd);
}

int invalidate(int fd, uint32_t hwpt)
{
	struct iommu_hwpt_invalidate_selftest request = { .flags = IOMMU_TEST_INVALIDATE_FLAG_ALL };
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.data_uptr = (uintptr_t)&request,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(request),
		.entry_num = 1,
	};

	return call(fd, IOMMU_HWPT_INVALIDATE, &cmd);
}

int dirty_tracking(int fd, uint32_t hwpt, bool on)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	return call(fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

int dirty_make(int fd, uint32_t hwpt, uint64_t iova, size_t length, const uint64_t *bitmap)
{
	struct iommu_test_cmd cmd = {
		.dirty.iova = iova,
		.dirty.length = length,
		.dirty.page_size = MOCK_PAGE,
		.dirty.uptr = (uintptr_t)bitmap,
	};

	return test(fd, IOMMU_TEST_OP_DIRTY, hwpt, &cmd);
}

int dirty_bitmap(int fd, uint32_t hwpt, uint64_t iova, size_t length, uint64_t *bitmap, bool keep)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.flags = keep ? IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0,
		.iova = iova,
		.length = length,
		.page_size = MOCK_PAGE,
		.data = (uintptr_t)bitmap,
	};

	return call(fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
}
