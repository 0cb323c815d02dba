// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested, from_terminal;

static void on_signal(int sig, siginfo_t *info, void *unused)
{
	(void)unused;
	requested = sig;
	from_terminal = info->si_code == SI_KERNEL;
	/* The next one is not ours any more. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

void stop_catch(void)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);	/* writing tells us, and we tell the user */
}

int stop_requested(void)
{
	return requested;
}

bool stop_from_terminal(void)
{
	return from_terminal;
}
