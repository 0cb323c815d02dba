/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does for us what takes rights, when we have none any more (rights/confine.h):
 *
 *  - copies files of iommufd that other processes hold open, for snapshots;
 *  - signals CMD, and the processes of --on-violation;
 *  - starts the commands of --on-violation, with all the rights that the user has.
 *
 * It is a process of its own, forked before anything is loaded: it holds no BPF
 * object, reads no record, and knows its duties from the command line. Asked for
 * anything else it refuses, so whoever makes us ask gains little. Without commands to
 * start it keeps the few capabilities that its duties take, and is confined as well.
 * It ends when we do.
 */
#ifndef IMS_DEPUTY_H
#define IMS_DEPUTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IMS_MAX_DUTIES 16

struct ims_duties {
	bool files;
	pid_t pid[IMS_MAX_DUTIES];		/* may be signalled */
	unsigned int npids;
	const char *command[IMS_MAX_DUTIES];	/* may be started, by the shell */
	unsigned int ncommands;
};

/* 0, or -1 after saying why.  @duties must stay. */
int ims_deputy_start(const struct ims_duties *duties);
/* A copy of file @fd of process @tgid, if it is one of iommufd; else -errno. */
int ims_deputy_file(uint32_t tgid, int fd);
/* 0 or -errno. */
int ims_deputy_signal(pid_t pid, int sig);
/* Not waited for. @env: NAME=value strings, each ended by 0; only IOMMUSCOPE_* are taken. */
int ims_deputy_run(const char *command, const char *env, size_t size);
/* Waits for the commands that were started. */
void ims_deputy_end(void);

#endif
