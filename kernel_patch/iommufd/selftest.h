/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the kernel's side of tools/testing/selftests/iommu. */
#ifndef UFD_SELFTEST_H
#define UFD_SELFTEST_H

#include "iommufd_test.h"
#include "ufd.h"

/* What these two copy is in kernel memory meanwhile */
#define SELFTEST_COPY_MOST (16 * 1024 * 1024)

struct ufd_space;

u64 ufd_selftest_nth_iova(struct ufd_space *s, u64 code);

/* selftest_access.c */
int ufd_test_create_access(struct ufd_call *call, struct iommu_test_cmd *cmd);
int ufd_test_replace_access(struct ufd_call *call, struct iommu_test_cmd *cmd);
int ufd_test_access_pages(struct ufd_call *call, struct iommu_test_cmd *cmd);
int ufd_test_destroy_access_pages(struct ufd_call *call, struct iommu_test_cmd *cmd);
int ufd_test_access_rw(struct ufd_call *call, struct iommu_test_cmd *cmd);

#endif /* UFD_SELFTEST_H */
