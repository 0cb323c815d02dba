// SPDX-License-Identifier: GPL-2.0-only
#include "here.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A module has this, what is built in has not. */
#define INITSTATE "/sys/module/iommufd/initstate"

static bool is_live(void)
{
	char state[16] = "";
	FILE *f = fopen(INITSTATE, "re");

	if (f && !fgets(state, sizeof(state), f))
		state[0] = 0;
	if (f)
		fclose(f);
	return !strcmp(state, "live\n");
}

enum ims_iommufd ims_iommufd_here(void)
{
	if (!access(INITSTATE, F_OK))
		return is_live() ? IMS_IOMMUFD_MODULE : IMS_IOMMUFD_NONE;
	return !access("/sys/module/iommufd", F_OK) || !access("/sys/class/misc/iommu", F_OK) ?
	       IMS_IOMMUFD_BUILT_IN : IMS_IOMMUFD_NONE;
}

/* Some symbols of the kernel are at 0 indeed, but no function is. */
bool ims_addresses_hidden(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address = 0;
	char type, line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c", &address, &type) == 2 && (type == 'T' || type == 't'))
			break;
	if (f)
		fclose(f);
	return !address;
}

bool ims_seccomp_here(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}
