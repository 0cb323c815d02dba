// SPDX-License-Identifier: GPL-2.0-only
#include "source/changes.h"

#include <stddef.h>
#include <string.h>

#include "bpf/record.h"

static const char *const kinds[IMS_NR_KINDS] = {
	[IMS_FILE] = "f4986a72d6e4 (\"iommufd: Add IOMMU_IOAS_MAP_FILE\")",
	[IMS_PROCESS] = "829ed626499c (\"iommufd: Add IOMMU_IOAS_CHANGE_PROCESS\")",
	[IMS_PASID] = "2fb69c602d57 (\"iommufd: Support pasid attach/replace\")",
	[IMS_VDEVICE] = "0ce5c2477af2 (\"iommufd/viommu: Add IOMMUFD_OBJ_VDEVICE and "
			"IOMMU_VDEVICE_ALLOC ioctl\")",
	[IMS_VEVENT] = "e36ba5ab808e (\"iommufd: Add IOMMUFD_OBJ_VEVENTQ and "
		       "IOMMUFD_CMD_VEVENTQ_ALLOC\")",
};

static const struct {
	const char *name, *commit;
} functions[] = {
	{ "iommufd_fault_iopf_disable",
	  "be2a24322c20 (\"iommufd: Remove unnecessary IOMMU_DEV_FEAT_IOPF\")" },
	{ "iommu_dev_enable_feature",
	  "f984fb09e60e (\"iommu: Remove iommu_dev_enable/disable_feature()\")" },
	{ "iommu_dev_disable_feature",
	  "f984fb09e60e (\"iommu: Remove iommu_dev_enable/disable_feature()\")" },
};

const char *ims_change_of_kind(unsigned int kind)
{
	return kind < IMS_NR_KINDS ? kinds[kind] : NULL;
}

const char *ims_change_of_function(const char *name)
{
	for (unsigned int i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i].name, name))
			return functions[i].commit;
	return NULL;
}
