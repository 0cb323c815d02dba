/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The origin of a stream: all that is known about it besides its records.
 *
 * A live source finds it out, a recording carries it; a verdict may depend on it
 * (the huge page size, kinds that are absent), a reader may want to know it.
 */
#ifndef IMS_ORIGIN_H
#define IMS_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct ims_origin {
	char *program;		/* version of the iommuscope that recorded */
	char *kernel;		/* uname: release and version */
	char *machine;
	char *cmdline;		/* of the kernel */
	char *note;		/* what was done to the recording since, or NULL */
	char **argv;		/* the command behind "--", or NULL */
	uint64_t hpage;		/* bytes of a huge page; a page without THP; 0: not known */
	uint64_t rings;
	int64_t clock_offset;	/* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	uint64_t absent;	/* bit per kind that this source cannot give */
	char *absent_why;
	/* known at the end */
	bool ended;		/* the command did: */
	bool signaled;
	int code;		/* exit status, or the signal */
};

/* This machine, now; 0 or -ENOMEM. */
int ims_origin_here(struct ims_origin *o);
int ims_origin_command(struct ims_origin *o, char *const *argv);
int ims_origin_copy(struct ims_origin *to, const struct ims_origin *from);
void ims_origin_free(struct ims_origin *o);

#endif
