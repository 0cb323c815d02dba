// SPDX-License-Identifier: GPL-2.0-only
/*
 * profile: where the time of maps, unmaps and pins goes.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/child.h"
#include "cmd/cmd.h"
#include "cmd/stop.h"
#include "profile/compare.h"
#include "profile/live.h"
#include "profile/maps.h"
#include "progress.h"
#include "rights/confine.h"
#include "rights/deputy.h"
#include "say.h"
#include "sink/profile.h"
#include "sink/sink.h"

#define NS_PER_S 1000000000ULL
#define GRACE_NS (5 * NS_PER_S)	/* for CMD to end after it was told to */
#define POLL_NS 20000000
#define FORMATS "text|json|folded|pprof"
#define WEIGHTS "ns|calls|bytes"

enum profile_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_FOLDED, FORMAT_PPROF };

struct run {
	const struct ims_settings *set;
	struct child child;
	struct ims_duties duties;
	struct profiler *profiler;
	struct symbols *symbols;
	struct maps *maps;	/* of the command; NULL: none, or they cannot be had */
	FILE *out;
	struct progress progress;
	uint64_t start, told;	/* when CMD was told to end; 0: not yet */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void draw(struct run *r, uint64_t passed)
{
	uint64_t whole = r->set->duration_ns;

	if (whole)
		progress_draw(&r->progress, passed < whole ? passed * 1000 / whole : 1000, "%5.1f of %.1f s",
			      passed / 1e9, whole / 1e9);
	else
		progress_draw(&r->progress, PROGRESS_NO_BAR, "%.1f s; Ctrl-C ends it", passed / 1e9);
}

/* ---- while it is measured ---- */

/* A command is told to end first, and what it does until it ends still counts. */
static bool over(struct run *r)
{
	bool late = r->set->duration_ns && now_ns() - r->start >= r->set->duration_ns;
	int sig = stop_requested();

	if (!r->child.pid)
		return late || sig;
	if (child_ended(&r->child))
		return true;
	if ((late || sig) && !r->told) {
		r->told = now_ns();
		if (!sig || !stop_from_terminal())
			child_signal(&r->child, sig ? sig : SIGTERM);
	} else if (r->told && now_ns() - r->told >= GRACE_NS) {
		ims_note("%s does not end; killing it", r->set->command[0]);
		child_signal(&r->child, SIGKILL);
		r->told = now_ns();
	}
	return false;
}

/* Processes can be asked for their files only while they are there. */
static void note_processes(struct run *r)
{
	struct profile p = {};

	if (!profiler_read_who(r->profiler, &p))
		for (size_t i = 0; i < p.who.n; i++)
			symbols_note(r->symbols, p.who.at[i].key.tgid);
	profile_free(&p);
}

static void measure(struct run *r)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };

	progress_begin(&r->progress, true);
	while (!over(r)) {
		nanosleep(&pause, NULL);
		note_processes(r);
		maps_keep(r->maps);
		draw(r, now_ns() - r->start);
	}
	progress_wipe(&r->progress);
}

/* ---- results ---- */

static int put(FILE *f, const struct ims_settings *set, const struct profile_report *report)
{
	switch ((enum profile_format)set->profile_format) {
	case FORMAT_JSON:
		return ims_profile_json(f, report);
	case FORMAT_FOLDED:
		return ims_profile_folded(f, report, set->weight);
	case FORMAT_PPROF:
		return ims_profile_pprof(f, report);
	case FORMAT_TEXT:
		break;
	}
	return ims_profile_text(f, report);
}

static int report(struct run *r)
{
	struct ims_command_result command = {
		.argv = r->set->command, .code = r->child.code, .signaled = r->child.signaled,
	};
	struct profile p = {};
	struct profile_report report = {
		.profile = &p, .symbols = r->symbols, .absent = profiler_absent(r->profiler),
		.command = r->child.ended ? &command : NULL,
	};
	int rc = profiler_read(r->profiler, &p);

	maps_tell(r->maps, r->symbols);
	if (!rc)
		rc = profiler_read_stacks(r->profiler, &p);
	if (!rc)
		rc = put(r->out, r->set, &report);
	if (rc)
		ims_error("cannot read the profile: %s", strerror(rc < 0 ? -rc : ENOMEM));
	profile_free(&p);
	return rc;
}

/* ---- life ---- */

static FILE *open_output(const struct ims_settings *set)
{
	FILE *f = set->file ? fopen(set->file, "we") : stdout;

	if (!f)
		ims_error("cannot write to %s: %s", set->file, strerror(errno));
	return f;
}

static int close_output(const struct ims_settings *set, FILE *f)
{
	int err = fflush(f) || ferror(f) ? errno : 0;

	if (set->file && fclose(f) && !err)
		err = errno;
	if (err)
		ims_error("cannot write to %s: %s", set->file ? set->file : "standard output",
			  strerror(err));
	return err ? -1 : 0;
}

static int open_profiler(struct run *r)
{
	uint32_t tgids[IMS_MAX_PIDS + 1];
	struct profiler_opts opts = { .tgids = tgids, .ntgids = r->set->pids.n };

	memcpy(tgids, r->set->pids.pid, r->set->pids.n * sizeof(*tgids));
	if (r->child.pid) {
		tgids[opts.ntgids++] = r->child.pid;
		opts.descendants = true;
		r->maps = maps_open(r->child.pid);
	}
	r->symbols = symbols_new();
	r->profiler = profiler_open(&opts);
	return r->profiler && r->symbols ? 0 : -1;
}

static int spawn(struct run *r)
{
	if (!r->set->command)
		return 0;
	if (child_spawn(&r->child, r->set->command))
		return -1;
	r->duties.pid[r->duties.npids++] = r->child.pid;
	return ims_deputy_start(&r->duties);
}

/* What is kept is for the names of addresses: in /proc/kallsyms, and in /proc/PID/maps of others. */
static int begin(struct run *r)
{
	if (spawn(r))
		return -1;
	stop_catch();
	if (open_profiler(r))
		return -1;
	r->start = now_ns();
	if (r->child.pid && child_go(&r->child, r->set->command[0]))
		return -1;
	return ims_confine(IMS_JOB_PROFILER, 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_SYSLOG);
}

static int live(const struct ims_settings *set)
{
	struct run r = { .set = set, .out = open_output(set) };
	int rc;

	if (!r.out)
		return IMS_EXIT_USAGE;
	rc = begin(&r);
	if (!rc) {
		measure(&r);
		profiler_stop(r.profiler);
		rc = report(&r);
	}
	profiler_close(r.profiler);
	maps_close(r.maps);
	symbols_free(r.symbols);
	child_end(&r.child);
	ims_deputy_end();
	if (close_output(set, r.out))
		rc = -1;
	return rc ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static int compare(const struct ims_settings *set)
{
	FILE *f = open_output(set);
	int rc;

	if (!f)
		return IMS_EXIT_USAGE;
	rc = profile_compare(f, set->compare, set->word[0]);
	if (close_output(set, f))
		rc = -1;
	return rc ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static int profile_run(const struct ims_settings *set)
{
	if (!set->compare && !set->nwords)
		return live(set);
	if (set->compare && set->nwords && !set->command && set->profile_format == FORMAT_TEXT)
		return compare(set);
	if (set->compare)
		ims_error("--compare takes two profiles, A.json B.json, and prints text");
	else
		ims_error("unexpected '%s'; a command to run stands behind '--', see "
			  "'iommuscope help profile'", set->word[0]);
	return IMS_EXIT_USAGE;
}

static const struct ims_opt profile_opts[] = {
	{ "pid", 'p', IMS_OPT_PIDS, IMS_SET(pids), 1, UINT32_MAX, "PID",
	  "only this process; may be repeated" },
	{ "duration", 'd', IMS_OPT_SECONDS, IMS_SET(duration_ns), 0, 0, "S", "stop after S seconds" },
	{ "format", 'f', IMS_OPT_CHOICE, IMS_SET(profile_format), 0, 0, FORMATS,
	  "folded: for flame graphs, pprof: for 'pprof -http'" },
	{ "weight", 'w', IMS_OPT_CHOICE, IMS_SET(weight), 0, 0, WEIGHTS,
	  "what folded stacks weigh (default ns)" },
	{ "compare", 'c', IMS_OPT_TEXT, IMS_SET(compare), 1, 0, "A.json",
	  "what changed since, in B.json, which follows" },
	{ "output", 'o', IMS_OPT_TEXT, IMS_SET(file), 1, 0, "FILE",
	  "write results to FILE instead of standard output" },
	IMS_OPTS_SAYING,
	{}
};

const struct ims_command ims_profile = {
	.name = "profile",
	.usage = "[OPTION]... [-- CMD...]",
	.summary = "measure where the time of maps, unmaps and pins goes",
	.text = "Adds up in the kernel, by process, IOAS, device and stack, how often iommufd was\n"
		"asked for what, how much memory it was about, and how long that took: whole\n"
		"operations and their phases (pins, page faults, charges, domain maps, IOTLB syncs,\n"
		"unpins). Of all processes, until Ctrl-C; of one with -p; of CMD and its descendants\n"
		"while it runs. Needs no tracepoints. With -f json the result can be kept, and two\n"
		"of them compared: 'iommuscope profile --compare A.json B.json'.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = profile_opts,
	.words = 1,
	.run = profile_run,
};
