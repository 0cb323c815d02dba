// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command is not waited for while records come in: they would be lost.
 */
#include "cmd/react.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define MAX_STARTED 4096

static pid_t started[MAX_STARTED];
static unsigned int nstarted;

static void set_number(const char *name, uint64_t value, const char *format)
{
	char text[32];

	snprintf(text, sizeof(text), format, value);
	setenv(name, text, 1);
}

static void run(const char *command, const struct ims_violation *v)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	/* Our results stay parseable. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setenv("IOMMUSCOPE_RULE", v->rule, 1);
	setenv("IOMMUSCOPE_TEXT", v->text, 1);
	setenv("IOMMUSCOPE_OBJECT", v->object, 1);
	set_number("IOMMUSCOPE_CTX", v->ctx, "%#" PRIx64);
	set_number("IOMMUSCOPE_RING", v->ring, "%" PRIu64);
	set_number("IOMMUSCOPE_SEQ", v->seq, "%" PRIu64);
	set_number("IOMMUSCOPE_PID", v->tgid, "%" PRIu64);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void start(const char *command, const struct ims_violation *v)
{
	pid_t pid;

	if (nstarted == MAX_STARTED)
		return;
	pid = fork();
	if (!pid)
		run(command, v);
	if (pid < 0)
		ims_note("cannot start '%s': %s", command, strerror(errno));
	else
		started[nstarted++] = pid;
}

bool react(const struct ims_reactions *to, const struct ims_violation *v)
{
	bool stop = false;

	for (uint32_t i = 0; i < to->n; i++) {
		const struct ims_reaction *r = &to->list[i];

		switch (r->kind) {
		case IMS_REACT_STOP:
			stop = true;
			break;
		case IMS_REACT_EXEC:
			start(r->command, v);
			break;
		case IMS_REACT_SIGNAL:
			if (kill(r->pid, SIGTERM))
				ims_note("cannot signal process %u: %s", r->pid, strerror(errno));
			break;
		}
	}
	return stop;
}

void react_end(void)
{
	while (nstarted) {
		pid_t pid = started[nstarted - 1];

		if (waitpid(pid, NULL, 0) == pid || errno != EINTR)
			nstarted--;
	}
}
