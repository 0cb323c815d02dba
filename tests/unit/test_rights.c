// SPDX-License-Identifier: GPL-2.0-only
/*
 * That rights which were given up are gone, and that the deputy does its duties and no
 * more. What gives them up is a child: there is no way back.
 */
#define _GNU_SOURCE		/* memfd_create() */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "here.h"
#include "rights/caps.h"
#include "rights/confine.h"
#include "rights/deputy.h"

/* ---- what is refused ---- */

static bool was_root;	/* others may be refused bpf() by the kernel */

static bool refused(long rc)
{
	return rc == -1 && errno == EPERM;
}

static long bpf(enum bpf_cmd cmd)
{
	union bpf_attr attr = {};

	return syscall(SYS_bpf, cmd, &attr, sizeof(attr));
}

/* What somebody who has taken over the reader would do next; each must be refused. */
static const char *first_allowed(enum ims_job job)
{
	static char *const words[] = { "/bin/true", NULL };

	if (!refused(open("/etc/passwd", O_RDONLY)))
		return "open";
	if (!refused(socket(AF_INET, SOCK_STREAM, 0)))
		return "socket";
	if (!refused(syscall(SYS_execve, words[0], words, NULL)))
		return "execve";
	if (!refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
		return "clone";
	if (!refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)))
		return "ptrace";
	if (!refused(syscall(SYS_kill, getppid(), 0)))
		return "kill";
	if (job == IMS_JOB_READER && !refused(syscall(SYS_kill, getpid(), 0)))
		return "kill itself";
	if (!refused(syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, &(struct rlimit){}, NULL)))
		return "setrlimit";
	if (!refused(syscall(SYS_pidfd_getfd, 0, 0, 0)))
		return "pidfd_getfd";
	if (!refused(unlink("/no/such/file")))
		return "unlink";
	if (!refused(ioctl(STDERR_FILENO, TIOCSTI, "x")))
		return "ioctl";
	if (!refused((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
		return "mmap";
	if (!refused(bpf(BPF_PROG_LOAD)) || !refused(bpf(BPF_MAP_CREATE)) ||
	    !refused(bpf(BPF_OBJ_PIN)) || !refused(bpf(BPF_MAP_GET_FD_BY_ID)))
		return "bpf";
	return NULL;
}

/* And what reading records takes must not be. */
static const char *first_refused(enum ims_job job, int fd)
{
	char *memory = malloc(64 << 20);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct winsize size;
	struct rlimit limit;

	if (!memory)
		return "malloc";
	free(memory);
	if (write(fd, "x", 1) != 1 || lseek(fd, 0, SEEK_SET) || read(fd, &(char){ 0 }, 1) != 1)
		return "files";
	if (usleep(1))
		return "usleep";
	if (job == IMS_JOB_SCREEN && (poll(&p, 1, 0) < 0 || refused(ioctl(fd, TIOCGWINSZ, &size)) ||
				      syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, NULL, &limit) ||
				      syscall(SYS_kill, getpid(), 0)))
		return "screen";
	if (was_root && (refused(bpf(BPF_MAP_LOOKUP_ELEM)) || refused(bpf(BPF_PROG_TEST_RUN))))
		return "bpf";
	return NULL;
}

static void report(const char *what, const char *call)
{
	if (!call)
		return;
	dprintf(STDERR_FILENO, "%s: %s\n", what, call);
	_exit(1);
}

static void confined(enum ims_job job)
{
	FILE *status = fopen("/proc/self/status", "re");	/* what is there when it is read */
	int fd = memfd_create("test", 0);

	setvbuf(status, NULL, _IONBF, 0);
	was_root = !getuid();
	if (ims_confine(job, 0))
		_exit(2);
	for (char line[256]; fgets(line, sizeof(line), status);)
		if ((!strncmp(line, "CapEff", 6) || !strncmp(line, "CapPrm", 6) ||
		     !strncmp(line, "CapInh", 6) || !strncmp(line, "CapAmb", 6)) &&
		    strcmp(line + 7, "\t0000000000000000\n"))
			report("capabilities are left", line);
	if (!prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		report("not set", "no_new_privs");
	report("allowed", first_allowed(job));
	report("refused", first_refused(job, fd));
	_exit(0);
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_confined(void **state)
{
	static const enum ims_job jobs[] = { IMS_JOB_READER, IMS_JOB_SCREEN };

	(void)state;
	if (!ims_seccomp_here())
		skip();
	for (unsigned int i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		pid_t pid = fork();

		if (!pid)
			confined(jobs[i]);
		assert_int_equal(status_of(pid), 0);
	}
}

/* ---- the deputy ---- */

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		signal(SIGTERM, SIG_DFL);
		pause();
		_exit(0);
	}
	return pid;
}

static void test_deputy_signals_whom_it_may(void **state)
{
	pid_t may = start_sleeper(), may_not = start_sleeper();
	struct ims_duties duties = { .pid = { may }, .npids = 1 };
	int status;

	(void)state;
	assert_int_equal(ims_deputy_start(&duties), 0);
	assert_int_equal(ims_deputy_signal(may_not, SIGTERM), -EPERM);
	assert_int_equal(ims_deputy_signal(getpid(), SIGTERM), -EPERM);
	assert_int_equal(ims_deputy_signal(may, SIGTERM), 0);
	assert_int_equal(waitpid(may, &status, 0), may);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(waitpid(may_not, &status, WNOHANG), 0);
	ims_deputy_end();
	kill(may_not, SIGKILL);
	waitpid(may_not, &status, 0);
}

/* A file that is none of iommufd is not handed out. */
static void test_deputy_copies_no_other_file(void **state)
{
	struct ims_duties files = { .files = true }, none = {};
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(ims_deputy_start(&files), 0);
	assert_int_equal(ims_deputy_file(getpid(), fd), -EPERM);
	assert_int_equal(ims_deputy_file(getpid(), 1000000), -EBADF);
	ims_deputy_end();
	assert_int_equal(ims_deputy_start(&none), 0);
	assert_int_equal(ims_deputy_file(getpid(), 1000000), -EPERM);
	ims_deputy_end();
	close(fd);
}

#define ENV "IOMMUSCOPE_RULE=R 1\0LD_PRELOAD=/no/such.so\0IOMMUSCOPE_PID=7\0"

static void test_deputy_runs_what_it_may(void **state)
{
	static const char command[] = "test \"$IOMMUSCOPE_RULE,$IOMMUSCOPE_PID,$LD_PRELOAD\" = \"R 1,7,\" "
				      "&& grep -q 'NoNewPrivs:.0' /proc/self/status && echo right >&\"$TEST_FD\"";
	struct ims_duties duties = { .command = { "exit 1", command }, .ncommands = 2 };
	char path[] = "/tmp/test_rights.XXXXXX", full[512], said[16] = "";
	const char *may = full;
	int fd = mkstemp(path);

	(void)state;
	snprintf(full, sizeof(full), "exec 5>%s; TEST_FD=5; %s", path, command);
	duties.command[1] = may;
	assert_int_equal(ims_deputy_start(&duties), 0);
	assert_int_equal(ims_deputy_run(may, ENV, sizeof(ENV) - 1), 0);
	assert_int_equal(ims_deputy_run("echo wrong", ENV, sizeof(ENV) - 1), -EPERM);
	ims_deputy_end();	/* which waits for it */
	assert_int_equal(read(fd, said, sizeof(said) - 1), 6);
	assert_string_equal(said, "right\n");
	close(fd);
	unlink(path);
}

/* ---- the table ---- */

static void test_every_use_can_be_told(void **state)
{
	(void)state;
	for (const struct ims_use *u = ims_uses; u->commands; u++) {
		assert_true(u->must & IMS_ACT_LOAD);
		assert_false(u->must & u->may);
	}
	for (const struct ims_cap *c = ims_caps; c->name; c++) {
		assert_true(c->acts && c->why);
		assert_int_equal(!c->when, !c->applies);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_deputy_signals_whom_it_may),
		cmocka_unit_test(test_deputy_copies_no_other_file),
		cmocka_unit_test(test_deputy_runs_what_it_may),
		cmocka_unit_test(test_every_use_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
