// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay: other commands on a recording.
 */
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "record/reader.h"
#include "rights/confine.h"
#include "say.h"

static int info_run(const struct ims_settings *set)
{
	struct ims_reader *r = ims_reader_open(set->replay);
	const char *at, *end;
	struct ims_origin *o;
	int rc;

	if (!r || ims_confine(IMS_JOB_READER, 0)) {
		ims_reader_close(r);
		return IMS_EXIT_USAGE;
	}
	o = ims_reader_origin(r);
	printf("recorded by  iommuscope %s\nkernel       %s %s\ncommand line %s\n", o->program,
	       o->kernel, o->machine, o->cmdline);
	if (o->note)
		printf("note         %s\n", o->note);
	for (char **arg = o->argv; arg && *arg; arg++)
		printf("%s%s", arg == o->argv ? "command      " : " ", *arg);
	if (o->argv)
		putchar('\n');
	while ((rc = ims_reader_next(r, &at, &end)) > 0)
		;
	printf("records      %" PRIu64 ", %s\n", ims_reader_records(r),
	       ims_reader_complete(r) ? "complete" : "incomplete");
	ims_reader_close(r);
	return rc || fflush(stdout) ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static const struct mode {
	const char *name;
	int (*run)(const struct ims_settings *set);
} modes[] = {
	{ "check", check_run }, { "trace", trace_run }, { "top", top_run }, { "info", info_run }
};

static const struct mode *mode_of(const struct ims_settings *set)
{
	const char *name = set->nwords > 1 ? set->word[1] : "check";

	for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	ims_error("cannot replay as '%s'; use check, trace, top or info", name);
	return NULL;
}

/* An option that would do nothing is a mistake. */
static bool fits(const struct ims_settings *set, const struct mode *mode)
{
	bool of_check = set->explain || set->ktap || set->junit || set->reactions.n;
	bool of_trace = set->kinds || set->iova.set;
	bool of_top = set->batch || set->count || set->by || set->sort || set->reverse ||
		      set->rows || set->pids.n || set->comm || set->ioas || set->speed != 1 ||
		      set->interval_ns != 1000000000;

	if (of_check && mode->run != check_run)
		ims_error("--explain, --ktap, --junit and --on-violation are for check, not %s",
			  mode->name);
	else if (of_trace && mode->run != trace_run)
		ims_error("--kinds and --iova are for trace; a verdict needs all records");
	else if (set->perfetto && mode->run != check_run && mode->run != trace_run)
		ims_error("--perfetto is for check and trace, not %s", mode->name);
	else if ((set->output != IMS_OUTPUT_TEXT || set->file) && mode->run == info_run)
		ims_error("--format and --output are for check, trace and top, not %s", mode->name);
	else if (of_top && mode->run != top_run)
		ims_error("--batch, --interval, --count, --by, --sort, --reverse, --rows, --speed, "
			  "--pid, --comm and --ioas are for top, not %s", mode->name);
	else
		return true;
	return false;
}

static int replay_run(const struct ims_settings *given)
{
	struct ims_settings set = *given;
	const struct mode *mode;

	if (!set.nwords) {
		ims_error("which recording? see 'iommuscope help replay'");
		return IMS_EXIT_USAGE;
	}
	set.replay = set.word[0];
	if (set.minimize)
		return minimize_run(&set);
	mode = mode_of(&set);
	return mode && fits(&set, mode) ? mode->run(&set) : IMS_EXIT_USAGE;
}

static const struct ims_opt replay_opts[] = {
	{ "minimize", 'm', IMS_OPT_BOOL, IMS_SET(minimize), 0, 0, NULL,
	  "write to -o FILE the few records that still break the first broken rule" },
	{ "kinds", 'k', IMS_OPT_KINDS, IMS_SET(kinds), 0, 0, "LIST",
	  "trace: print only these kinds of records, comma-separated" },
	{ "iova", 0, IMS_OPT_RANGE, IMS_SET(iova), 0, 0, "RANGE",
	  "trace: print only records that touch FIRST-LAST or FIRST+LENGTH" },
	IMS_OPTS_VIOLATION,
	IMS_OPT_PERFETTO,
	IMS_OPTS_TOP,
	IMS_OPTS_TOP_ROWS,
	{ "speed", 0, IMS_OPT_U32, IMS_SET(speed), 1, 1000000, "N",
	  "top: show what was recorded N times as fast" },
	IMS_OPTS_OUTPUT,
	{}
};

const struct ims_command ims_replay = {
	.name = "replay",
	.usage = "FILE [check|trace|top|info] [OPTION]...",
	.summary = "verify or print a recording, without root",
	.text = "Does on a recording what check (the default), trace and top do live: the same\n"
		"verdict, the same violations, the same summary. top shows it in the time in which\n"
		"it was recorded, or prints it at once (--batch). info says what the recording is.\n"
		"A recording that was not finished, or is damaged, is judged by what there is before,\n"
		"but never PASS.\n\n"
		"Exit status: that of check and trace, but 2 when FILE is damaged; --minimize: 0,\n"
		"or 2 also when FILE breaks no rule.\n",
	.opts = replay_opts,
	.words = 2,
	.no_command = true,
	.run = replay_run,
};
