// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process may lock now. We have no rights any more, so only processes of our own
 * user tell; of others it is known as soon as one is charged (IMS_ACCOUNT).
 */
#define _GNU_SOURCE		/* prlimit() */
#include <errno.h>
#include <sys/resource.h>

#include "top/rows.h"

int top_limit_here(uint32_t tgid, uint64_t *limit)
{
	struct rlimit now;

	if (prlimit(tgid, RLIMIT_MEMLOCK, NULL, &now))
		return -errno;
	*limit = now.rlim_cur == RLIM_INFINITY ? UINT64_MAX : now.rlim_cur;
	return 0;
}
