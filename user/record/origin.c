// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE		/* asprintf() */
#include "record/origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef IMS_VERSION
#define IMS_VERSION "unknown"
#endif

#define MM "/sys/kernel/mm"
#define HPAGE MM "/transparent_hugepage/hpage_pmd_size"

/* The first line of a file, allocated; "" when there is none. */
static char *first_line(const char *path)
{
	char *line = NULL;
	size_t room = 0;
	FILE *f = fopen(path, "re");

	if (!f || getline(&line, &room, f) < 0) {
		free(line);
		line = strdup("");
	}
	if (f)
		fclose(f);
	if (line)
		line[strcspn(line, "\n")] = 0;
	return line;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * What iommufd aligns the IOVAs that it chooses to, at most: a huge page, or just
 * a page of a kernel without THP.  0: nobody can tell, there is no sysfs.
 */
static uint64_t huge_page(void)
{
	char *line = first_line(HPAGE);
	uint64_t size = line ? strtoull(line, NULL, 10) : 0;

	free(line);
	return size || access(MM, F_OK) ? size : (uint64_t)sysconf(_SC_PAGESIZE);
}

int ims_origin_here(struct ims_origin *o)
{
	struct utsname u;
	*o = (struct ims_origin){};
	uname(&u);
	if (asprintf(&o->kernel, "%s %s", u.release, u.version) < 0)
		o->kernel = NULL;
	o->program = strdup(IMS_VERSION);
	o->machine = strdup(u.machine);
	o->cmdline = first_line("/proc/cmdline");
	o->hpage = huge_page();
	o->clock_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	if (o->kernel && o->program && o->machine && o->cmdline)
		return 0;
	ims_origin_free(o);
	return -ENOMEM;
}

static void words_free(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

int ims_origin_command(struct ims_origin *o, char *const *argv)
{
	unsigned int n = 0;

	words_free(o->argv);
	o->argv = NULL;
	while (argv && argv[n])
		n++;
	if (!n)
		return 0;
	o->argv = calloc(n + 1, sizeof(*o->argv));
	for (unsigned int i = 0; o->argv && i < n; i++) {
		o->argv[i] = strdup(argv[i]);
		if (!o->argv[i])
			return -ENOMEM;
	}
	return o->argv ? 0 : -ENOMEM;
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int ims_origin_copy(struct ims_origin *to, const struct ims_origin *from)
{
	*to = *from;
	to->argv = NULL;
	to->program = to->kernel = to->machine = to->cmdline = to->note = to->absent_why = NULL;
	if (copy_text(&to->program, from->program) || copy_text(&to->kernel, from->kernel) ||
	    copy_text(&to->machine, from->machine) || copy_text(&to->cmdline, from->cmdline) ||
	    copy_text(&to->note, from->note) || copy_text(&to->absent_why, from->absent_why) ||
	    ims_origin_command(to, from->argv)) {
		ims_origin_free(to);
		return -ENOMEM;
	}
	return 0;
}

void ims_origin_free(struct ims_origin *o)
{
	free(o->program);
	free(o->kernel);
	free(o->machine);
	free(o->cmdline);
	free(o->note);
	free(o->absent_why);
	words_free(o->argv);
	*o = (struct ims_origin){};
}
