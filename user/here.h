/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel has and shows, as far as several rooms must know.
 */
#ifndef IMS_HERE_H
#define IMS_HERE_H

#include <stdbool.h>

enum ims_iommufd { IMS_IOMMUFD_NONE, IMS_IOMMUFD_MODULE, IMS_IOMMUFD_BUILT_IN };

/* A module that is not ready yet is none. */
enum ims_iommufd ims_iommufd_here(void);
/* Whether /proc/kallsyms shows us zeros only: kernel.kptr_restrict and CAP_SYSLOG decide. */
bool ims_addresses_hidden(void);
/* Whether this kernel can refuse system calls. */
bool ims_seccomp_here(void);

#endif
