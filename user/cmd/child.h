/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command behind "--": started, but held until we are attached.
 */
#ifndef IMS_CHILD_H
#define IMS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;		/* 0: none */
	int go;			/* closing it without a word tells the child to give up */
	int failed;		/* errno of exec comes back here */
	bool ended;
	int code;		/* exit status, or the signal */
	bool signaled;
};

/* 0, or -errno after saying why. */
int child_spawn(struct child *c, char **argv);
/* Run the command; fails when it cannot be executed. */
int child_go(struct child *c, const char *name);
/* Has it ended? */
bool child_ended(struct child *c);
void child_signal(struct child *c, int sig);
/* Whatever happened: after this there is no child. */
void child_end(struct child *c);

#endif
