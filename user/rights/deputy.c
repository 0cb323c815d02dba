// SPDX-License-Identifier: GPL-2.0-only
/*
 * See deputy.h.  Both sides are here: a request is a message, and so is the answer.
 * Before there is a deputy, who asks does it himself.
 */
#define _GNU_SOURCE		/* close_range() */
#include "rights/deputy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights/confine.h"
#include "say.h"

#define MAX_STARTED 4096	/* commands; a bug may break a rule a million times */
#define PREFIX "IOMMUSCOPE_"

enum request { FILE_OF, SIGNAL, RUN };

struct message {
	uint32_t request;
	uint32_t who;		/* process, or which command */
	int32_t what;		/* file descriptor, or signal */
	char env[2048];
};

static const struct ims_duties *duties;
static int deputy = -1;		/* our end; the deputy's is "us" */
static pid_t deputy_pid;
static unsigned int started;

/* ---- what it does ---- */

/* The misc device of iommufd, or the container of VFIO, which iommufd can be, too. */
static bool is_iommufd(int fd)
{
	char path[64], target[256] = "";
	const char *name;
	struct stat s;

	if (fstat(fd, &s) || !S_ISCHR(s.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(s.st_rdev), minor(s.st_rdev));
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return false;
	name = strrchr(target, '/');
	return name && (!strcmp(name, "/iommu") || !strcmp(name, "/vfio"));
}

static int copy_file(uint32_t tgid, int fd)
{
	int pid = syscall(SYS_pidfd_open, tgid, 0), copy;

	if (pid < 0)
		return -errno;
	copy = syscall(SYS_pidfd_getfd, pid, fd, 0);
	if (copy < 0)
		copy = -errno;
	close(pid);
	if (copy < 0 || is_iommufd(copy))
		return copy;
	close(copy);
	return -EPERM;
}

static int signal_process(pid_t pid, int sig)
{
	for (unsigned int i = 0; i < duties->npids; i++)
		if (duties->pid[i] == pid)
			return kill(pid, sig) ? -errno : 0;
	return -EPERM;
}

static void take_env(char *env, size_t size)
{
	for (char *at = env; at < env + size && *at; at += strlen(at) + 1)
		if (!strncmp(at, PREFIX, sizeof(PREFIX) - 1))
			putenv(at);
}

/* Our results stay parseable: what it says goes to standard error. */
static void run(const char *command, char *env, size_t size)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	take_env(env, size);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int start(uint32_t which, struct message *m)
{
	pid_t pid;

	if (which >= duties->ncommands)
		return -EPERM;
	if (started == MAX_STARTED)
		return 0;
	started++;
	m->env[sizeof(m->env) - 1] = 0;
	pid = fork();
	if (!pid)
		run(duties->command[which], m->env, sizeof(m->env));
	return pid < 0 ? -errno : 0;
}

static int serve(struct message *m)
{
	switch (m->request) {
	case FILE_OF:
		return duties->files ? copy_file(m->who, m->what) : -EPERM;
	case SIGNAL:
		return signal_process(m->who, m->what);
	case RUN:
		return start(m->who, m);
	}
	return -EINVAL;
}

/* ---- the deputy ---- */

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

static void answer(int us, int rc, bool file)
{
	struct iovec v = { &rc, sizeof(rc) };
	union control control = {};
	struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (file && rc >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &rc, sizeof(rc));
	}
	sendmsg(us, &msg, MSG_NOSIGNAL);
	if (file && rc >= 0)
		close(rc);
}

static void serve_all(int us)
{
	struct message m = {};
	ssize_t n;

	while ((n = recv(us, &m, sizeof(m), 0)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			answer(us, serve(&m), m.request == FILE_OF);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		memset(&m, 0, sizeof(m));
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int confine(void)
{
	uint64_t keep = 0;

	if (duties->ncommands)
		return 0;	/* they would be confined, too */
	if (duties->files)
		keep |= 1ULL << CAP_SYS_PTRACE;
	if (duties->npids)
		keep |= 1ULL << CAP_KILL;
	return ims_confine(IMS_JOB_DEPUTY, keep);
}

/* Nothing of ours but standard error; Ctrl-C is for us, who then end it. */
static void be_deputy(int us, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "ims-deputy");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (us > 3)
		close_range(3, us - 1, 0);
	close_range(us + 1, ~0U, 0);
	if (getppid() != parent || confine())
		_exit(1);
	serve_all(us);
	_exit(0);
}

int ims_deputy_start(const struct ims_duties *d)
{
	pid_t self = getpid();
	int pair[2];

	duties = d;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		ims_error("cannot start a helper: %s", strerror(errno));
		return -1;
	}
	deputy_pid = fork();
	if (!deputy_pid)
		be_deputy(pair[1], self);
	close(pair[1]);
	if (deputy_pid > 0) {
		deputy = pair[0];
		return 0;
	}
	ims_error("cannot start a helper: %s", strerror(errno));
	close(pair[0]);
	return -1;
}

/* ---- who asks ---- */

static int received(struct msghdr *msg, int rc)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&rc, CMSG_DATA(c), sizeof(rc));
	return rc;
}

static int ask(const struct message *m, size_t env)
{
	int rc = -EIO;
	struct iovec v = { &rc, sizeof(rc) };
	union control control;
	struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n;

	if (send(deputy, m, offsetof(struct message, env) + env, MSG_NOSIGNAL) < 0)
		return -errno;
	do {
		n = recvmsg(deputy, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(rc) ? received(&msg, rc) : -EIO;
}

int ims_deputy_file(uint32_t tgid, int fd)
{
	const struct message m = { .request = FILE_OF, .who = tgid, .what = fd };

	return deputy < 0 ? copy_file(tgid, fd) : ask(&m, 0);
}

int ims_deputy_signal(pid_t pid, int sig)
{
	const struct message m = { .request = SIGNAL, .who = pid, .what = sig };

	if (deputy < 0)
		return kill(pid, sig) ? -errno : 0;
	return ask(&m, 0);
}

int ims_deputy_run(const char *command, const char *env, size_t size)
{
	struct message m = { .request = RUN };

	if (deputy < 0 || size > sizeof(m.env))
		return -EINVAL;
	while (m.who < duties->ncommands && duties->command[m.who] != command)
		m.who++;
	memcpy(m.env, env, size);
	return ask(&m, size);
}

void ims_deputy_end(void)
{
	if (deputy < 0)
		return;
	close(deputy);
	deputy = -1;
	while (waitpid(deputy_pid, NULL, 0) < 0 && errno == EINTR)
		;
}
