// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm - random ioctls of all kinds from several processes and threads
 *
 * Everything at once, on the mock IOMMU: several contexts, some of them shared,
 * and in them what storm_ops.c can do. Worker processes live for a while, end in
 * order, in the middle of something, or by SIGKILL, and are replaced.
 *
 * What a thread does follows from the seed, the number of its process, of that
 * process's predecessors, and its own; what comes of it also from the others. The
 * same seed gives the same storm, not the same records.
 *
 * A verifier watches; the storm itself only notices answers that no order of
 * events explains. Needs what mock needs.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "storm.h"

#define MAX_PROCESSES 8
#define MAX_THREADS 8
#define NOPS 32
#define NSHARED 3 /* contexts of all processes */
#define NLOCAL 3 /* of the threads of one process; of both, the last one is fine, one has runs */
#define GIVE_UP 120 /* seconds that a worker may take to end */

static struct {
	uint64_t seed, ops;
	unsigned int seconds, threads, processes;
} option_values = { .seed = 1, .seconds = 10, .threads = 2, .processes = 2 };

/* Seen by all processes. */
static struct shared {
	atomic_bool stop;
	_Atomic uint64_t done[MAX_PROCESSES][MAX_THREADS];
	_Atomic uint64_t good[NOPS], bad[NOPS];
	struct world_ctx ctx[NSHARED];
} *shared;

static struct world_ctx local[NLOCAL], own[MAX_THREADS];
static struct mem arena[NARENA];
static struct weather weathers[MAX_THREADS];
static struct world_ctx *lists[MAX_THREADS][NSHARED + NLOCAL + 1];

static uint64_t seed_of(unsigned int process, unsigned int generation, unsigned int thread)
{
	struct weather w = { .random = option_values.seed };

	w.random = draw(&w) + process;
	w.random = draw(&w) + generation;
	w.random = draw(&w) + thread;
	return draw(&w);
}

/* --- a thread ----------------------------------------------------------- */

/* The kernel may refuse for these reasons; others mean that it is confused. */
static bool plausible(int rc)
{
	static const int reasons[] = { 0, EINVAL, ENOENT, EBUSY, EADDRINUSE, EEXIST, EPERM, EFAULT, ENOMEM, ENOSPC,
				       EOVERFLOW, EOPNOTSUPP, EMSGSIZE, ENODEV, EBADF, EBADFD, EMFILE, EAGAIN };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (-rc == reasons[i])
			return true;
	return false;
}

static unsigned int pick_op(struct weather *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < storm_nops; i++)
		n += storm_ops[i].weight;
	n = below(w, n);
	for (i = 0; n >= storm_ops[i].weight; i++)
		n -= storm_ops[i].weight;
	return i;
}

static void *blow(void *argument)
{
	struct weather *w = argument;
	_Atomic uint64_t *done = &shared->done[w->process][w->thread];

	soft_open(w);
	while (!atomic_load(&shared->stop) && (!option_values.ops || *done < option_values.ops)) {
		struct world_ctx *c = w->ctxs[below(w, w->nctxs)];
		unsigned int op = pick_op(w);
		int rc = storm_ops[op].run(w, c);

		expect(plausible(rc), "%s gives '%s'", storm_ops[op].name, strerror(-rc));
		atomic_fetch_add(rc ? &shared->bad[op] : &shared->good[op], 1);
		atomic_fetch_add(done, 1);
	}
	return NULL;
}

/* --- a process ---------------------------------------------------------- */

static void arenas_open(void)
{
	static const enum mem_kind kinds[NARENA] = { MEM_FRAG, MEM_RUNS3, MEM_4K, MEM_MEMFD, MEM_THP };

	for (unsigned int i = 0; i < NARENA; i++) {
		arena[i] = mem_alloc(kinds[i], kinds[i] == MEM_THP ? 2 * MIB : 256 * PAGE);
		/* neither copy on write nor compaction may give it other pages */
		if (i < SHORT_RUNS && (madvise(arena[i].va, arena[i].length, MADV_DONTFORK) ||
				       mlock(arena[i].va, arena[i].length)))
			fail("cannot hold the memory: %s", strerror(errno));
	}
}

static void thread_prepare(unsigned int process, unsigned int generation, unsigned int i)
{
	struct weather *w = &weathers[i];

	*w = (struct weather){
		.random = seed_of(process, generation, i),
		.ctxs = lists[i],
		.process = process,
		.thread = i,
		.threads = option_values.threads,
		.arena = arena,
	};
	for (unsigned int k = 0; k < NSHARED; k++)
		w->ctxs[w->nctxs++] = &shared->ctx[k];
	for (unsigned int k = 0; k < NLOCAL; k++)
		w->ctxs[w->nctxs++] = &local[k];
	own[i] = (struct world_ctx){ .private = true, .fine = i % 2, .runs = i / 2 % 2, .number = i };
	world_open(&own[i], false);
	w->ctxs[w->nctxs++] = &own[i];
}

/* Ends the process while the others are at work. */
static void *strike(void *argument)
{
	struct weather *w = argument;
	struct timespec delay = { .tv_sec = below(w, 2), .tv_nsec = below(w, 1000000000) };
	bool cruel = one_in(w, 2);

	nanosleep(&delay, NULL);
	if (cruel)
		raise(SIGKILL);
	_exit(0);
}

static void worker(unsigned int process, unsigned int generation)
{
	struct weather fate = { .random = seed_of(process, generation, MAX_THREADS) };
	pthread_t threads[MAX_THREADS], killer;

	arenas_open();
	for (unsigned int k = 0; k < NLOCAL; k++) {
		local[k] = (struct world_ctx){ .fine = k == NLOCAL - 1, .runs = k == 1, .number = k };
		world_open(&local[k], false);
	}
	for (unsigned int i = 0; i < option_values.threads; i++)
		thread_prepare(process, generation, i);
	if (!one_in(&fate, 3) && pthread_create(&killer, NULL, strike, &fate))
		fail("cannot create a thread");
	for (unsigned int i = 0; i < option_values.threads; i++)
		if (pthread_create(&threads[i], NULL, blow, &weathers[i]))
			fail("cannot create a thread");
	for (unsigned int i = 0; i < option_values.threads; i++)
		pthread_join(threads[i], NULL);
	exit(0);
}

/* --- all of it ---------------------------------------------------------- */

static bool finished(unsigned int process)
{
	if (atomic_load(&shared->stop))
		return true;
	for (unsigned int i = 0; option_values.ops && i < option_values.threads; i++)
		if (atomic_load(&shared->done[process][i]) < option_values.ops)
			return false;
	return option_values.ops;
}

static pid_t spawn(unsigned int process, unsigned int generation)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* who ends the storm ends all of it */
		worker(process, generation);
	}
	return pid;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Reap the workers that ended, replace them while the storm lasts; how many live. */
static unsigned int tend(pid_t *pids, unsigned int *generations)
{
	unsigned int alive = 0;
	int status;

	for (unsigned int i = 0; i < option_values.processes; i++) {
		if (pids[i] && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			if (WIFEXITED(status) && WEXITSTATUS(status))
				exit(WEXITSTATUS(status)); /* it has said why */
			expect(!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL, "a worker dies of signal %d",
			       WTERMSIG(status));
			pids[i] = finished(i) ? 0 : spawn(i, ++generations[i]);
		}
		alive += pids[i] != 0;
	}
	return alive;
}

static void report(double took)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < storm_nops; i++)
		total += shared->good[i] + shared->bad[i];
	printf("# %lu operations in %.1f s, %.0f per second\n# granted/refused:", total, took, total / took);
	for (unsigned int i = 0; i < storm_nops; i++)
		printf(" %s %lu/%lu", storm_ops[i].name, shared->good[i], shared->bad[i]);
	printf("\nok - storm, seed %lu\n1..1\n", option_values.seed);
}

static void storm(void)
{
	unsigned int generations[MAX_PROCESSES] = { 0 };
	pid_t pids[MAX_PROCESSES];
	double start = now(), elapsed;

	for (unsigned int i = 0; i < option_values.processes; i++)
		pids[i] = spawn(i, 0);
	while (tend(pids, generations)) {
		elapsed = now() - start;
		if (option_values.seconds && elapsed > option_values.seconds)
			atomic_store(&shared->stop, true);
		if (option_values.seconds && elapsed > option_values.seconds + GIVE_UP)
			fail("a worker does not end: the kernel holds it");
		usleep(10000);
	}
	memory_limit(shared->ctx[0].fd, 65536);
	for (unsigned int i = 0; i < NSHARED; i++)
		world_close(&shared->ctx[i]);
	report(now() - start);
}

static void usage(FILE *out)
{
	fputs("usage: storm [--seed N] [--seconds S] [--ops N] [--threads N] [--processes N]\n"
	      "Random ioctls on the mock IOMMU; boot with intel_iommu=off. --ops counts for each\n"
	      "thread; 0 for --seconds or --ops means no such limit.\n", out);
	exit(out == stdout ? 0 : 2);
}

static uint64_t number(char **argv, uint64_t least, uint64_t most)
{
	char *end = "x";
	uint64_t value = *argv ? strtoull(*argv, &end, 0) : 0;

	if (*end || value < least || value > most)
		usage(stderr);
	return value;
}

static void parse(char **argv)
{
	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--seed"))
			option_values.seed = number(++argv, 0, UINT64_MAX);
		else if (!strcmp(*argv, "--seconds"))
			option_values.seconds = number(++argv, 0, 86400);
		else if (!strcmp(*argv, "--ops"))
			option_values.ops = number(++argv, 0, UINT64_MAX);
		else if (!strcmp(*argv, "--threads"))
			option_values.threads = number(++argv, 1, MAX_THREADS);
		else if (!strcmp(*argv, "--processes"))
			option_values.processes = number(++argv, 1, MAX_PROCESSES);
		else
			usage(strcmp(*argv, "--help") ? stderr : stdout);
	}
	if (!option_values.seconds && !option_values.ops)
		usage(stderr);
}

int main(int argc, char **argv)
{
	(void)argc;
	program_start("storm");
	parse(argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("no shared memory: %s", strerror(errno));
	printf("# seed %lu, %u processes, %u threads each\n", option_values.seed, option_values.processes,
	       option_values.threads);
	for (unsigned int i = 0; i < NSHARED; i++) {
		shared->ctx[i].shared = true;
		shared->ctx[i].fine = i == NSHARED - 1;
		shared->ctx[i].runs = i == 1;
		shared->ctx[i].number = i;
		world_open(&shared->ctx[i], false);
	}
	write_file("/proc/sys/vm/compact_unevictable_allowed", "0");
	mock_device_probe(shared->ctx[0].fd, atomic_load(&shared->ctx[0].ioas[0]));
	storm();
	return 0;
}
