// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights/deputy.h"
#include "say.h"

static void run(char **argv, int go, int failed, pid_t parent)
{
	char word;
	int err;

	/* We must not outlive the one who holds us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || read(go, &word, 1) != 1)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int child_spawn(struct child *c, char **argv)
{
	int go[2], failed[2];
	pid_t self = getpid();

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC)) {
		ims_error("cannot start a command: %s", strerror(errno));
		return -errno;
	}
	c->pid = fork();
	if (c->pid < 0) {
		c->pid = 0;
		ims_error("cannot start a command: %s", strerror(errno));
		return -EAGAIN;
	}
	if (!c->pid) {
		close(go[1]);
		run(argv, go[0], failed[1], self);
	}
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	return 0;
}

int child_go(struct child *c, const char *name)
{
	int err = 0;
	ssize_t n;

	if (write(c->go, "g", 1) != 1) {
		ims_error("cannot start %s: it is gone already", name);
		return -ESRCH;
	}
	do {
		n = read(c->failed, &err, sizeof(err));	/* end of file: exec closed it */
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	if (err == ENOENT)
		ims_error("%s: command not found; give its path or check PATH", name);
	else
		ims_error("cannot execute %s: %s", name, strerror(err));
	return -err;
}

static void reap(struct child *c, int flags)
{
	int status;

	if (!c->pid || c->ended || waitpid(c->pid, &status, flags) != c->pid)
		return;
	c->ended = true;
	c->signaled = WIFSIGNALED(status);
	c->code = c->signaled ? WTERMSIG(status) : WEXITSTATUS(status);
}

bool child_ended(struct child *c)
{
	reap(c, WNOHANG);
	return c->ended;
}

void child_signal(struct child *c, int sig)
{
	if (c->pid && !c->ended)
		ims_deputy_signal(c->pid, sig);
}

void child_end(struct child *c)
{
	if (!c->pid)
		return;
	child_signal(c, SIGKILL);
	while (!c->ended)
		reap(c, 0);
	close(c->go);
	close(c->failed);
	c->pid = 0;
}
