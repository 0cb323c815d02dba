// SPDX-License-Identifier: GPL-2.0-only
/*
 * libbpf's log: its end explains a failure.
 */
#define _GNU_SOURCE		/* vasprintf() */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/live.h"

static char log_tail[4096];

static void keep_tail(const char *text, size_t len)
{
	const size_t room = sizeof(log_tail) - 1;
	size_t used = strlen(log_tail);
	size_t keep = len >= room ? 0 : used + len > room ? room - len : used;

	if (len > room) {
		text += len - room;
		len = room;
	}
	memmove(log_tail, log_tail + used - keep, keep);
	memcpy(log_tail + keep, text, len);
	log_tail[keep + len] = 0;
}

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;
	int len;

	if (level == LIBBPF_DEBUG)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return 0;
	keep_tail(text, len);
	free(text);
	return len;
}

void ims_keep_log(void)
{
	libbpf_set_print(keep_log);
}

const char *ims_kept_log(void)
{
	return log_tail;
}

void ims_forget_log(void)
{
	log_tail[0] = 0;
}
