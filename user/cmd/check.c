// SPDX-License-Identifier: GPL-2.0-only
/*
 * check: verify what iommufd does, live or while a command runs.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/react.h"
#include "cmd/session.h"
#include "rules/verifier.h"
#include "say.h"

struct check {
	struct ims_verifier *verifier;
	struct ims_summary summary;
};

static void on_violation(void *arg, const struct ims_violation *v)
{
	struct session *s = arg;

	progress_wipe(&s->progress);
	output_violation(&s->out, v);
	output_flush(&s->out);	/* the next moment may be the machine's last one */
	if (s->set->reactions.n && react(&s->set->reactions, v))
		s->enough = true;
}

static int check_start(struct session *s)
{
	const struct ims_origin *o = s->source->origin;
	struct ims_verifier_opts opts = {
		.on_violation = on_violation,
		.arg = s,
		.hpage = o->hpage,
		.kinds_absent = o->absent,
		.absent_why = o->absent_why ? o->absent_why : "this source cannot give what it needs",
	};
	struct check *check = s->priv;

	check->verifier = ims_verifier_new(&opts);
	if (!check->verifier) {
		ims_error("out of memory");
		return -1;
	}
	for (unsigned int i = 0; s->set->explain && i < s->out.n; i++)
		s->out.file[i].sink.explain = check->verifier;
	return 0;
}

static void check_record(struct session *s, const struct ims_record *r)
{
	struct check *check = s->priv;

	ims_verifier_feed(check->verifier, r);
}

/* What is missing at the end may have broken any rule, and mended none. */
static void judge_cut_short(struct ims_summary *sum, const struct ims_source *source)
{
	char why[sizeof(sum->why)];

	if (!source->cut_short)
		return;
	memcpy(why, sum->why, sizeof(why));
	snprintf(sum->why, sizeof(sum->why), "%s after %llu records%s%.128s", source->cut_short,
		 (unsigned long long)source->records, sum->verdict == IMS_PASS ? "" : "; ",
		 sum->verdict == IMS_PASS ? "" : why);
	if (sum->verdict == IMS_PASS)
		sum->verdict = IMS_INCONCLUSIVE;
}

/* Whoever never rested was not judged. */
static void judge_unfollowed(struct ims_summary *sum, const struct ims_source *source)
{
	if (!source->unfollowed || sum->verdict != IMS_PASS)
		return;
	sum->verdict = IMS_INCONCLUSIVE;
	snprintf(sum->why, sizeof(sum->why),
		 "%llu ctxs that were open before never rested, so they were not checked",
		 (unsigned long long)source->unfollowed);
}

static void check_finish(struct session *s, struct ims_outcome *o)
{
	struct check *check = s->priv;

	ims_verifier_summary(check->verifier, &check->summary);
	if (!s->enough)
		judge_cut_short(&check->summary, s->source);
	judge_unfollowed(&check->summary, s->source);
	o->summary = &check->summary;
}

/* A verdict needs all records of a context, from its birth or from a snapshot on: none is joined (--join). */
static const struct session_ops check_ops = {
	.at_end = true,
	.start = check_start,
	.record = check_record,
	.finish = check_finish,
};

static int exit_status(enum ims_verdict verdict)
{
	switch (verdict) {
	case IMS_PASS: return IMS_EXIT_OK;
	case IMS_FAIL: return IMS_EXIT_FAIL;
	case IMS_INCONCLUSIVE: break;
	}
	return IMS_EXIT_INCONCLUSIVE;
}

int check_run(const struct ims_settings *set)
{
	struct check check = {};
	struct session s = { .ops = &check_ops, .set = set, .priv = &check };
	int rc;

	if (set->ktap && set->output != IMS_OUTPUT_TEXT) {
		ims_error("--ktap is a format of its own; leave --format away");
		return IMS_EXIT_USAGE;
	}
	rc = session_run(&s);
	rc = rc ? IMS_EXIT_USAGE : exit_status(check.summary.verdict);
	ims_verifier_free(check.verifier);
	return rc;
}

#define WHOLE_LIVES \
	"a verdict needs whole contexts; pick them by who uses them " \
	"(--pid, --comm, --cgroup), or use 'trace'"

static const struct ims_opt check_opts[] = {
	IMS_OPTS_OPENER,
	IMS_OPTS_LIVE,
	IMS_OPTS_VIOLATION,
	{ "record", 0, IMS_OPT_TEXT, IMS_SET(record), 1, 0, "FILE",
	  "also write a recording, to replay what was checked" },
	IMS_OPTS_OUTPUT,
	{ "ioas", 0, IMS_OPT_REFUSED, 0, 0, 0, "ID", WHOLE_LIVES },
	{ "device", 0, IMS_OPT_REFUSED, 0, 0, 0, "NAME", WHOLE_LIVES },
	{ "kinds", 0, IMS_OPT_REFUSED, 0, 0, 0, "LIST", WHOLE_LIVES },
	{ "iova", 0, IMS_OPT_REFUSED, 0, 0, 0, "RANGE", WHOLE_LIVES },
	{}
};

const struct ims_command ims_check = {
	.name = "check",
	.usage = "[OPTION]... [-- CMD...]",
	.summary = "verify what iommufd does, live or while CMD runs",
	.text = "Looks at contexts (files of /dev/iommu) that are open or will be opened: all, those\n"
		"that fit every filter given, or those of CMD and its descendants. Of one that is\n"
		"open already, a snapshot of a moment at which nobody works on it tells how it was\n"
		"found; it is judged from there on. Ends with CMD, after --duration, or at Ctrl-C. A\n"
		"violation is printed when it is found. CMD's own exit status is reported, and does\n"
		"not change that of check.\n\n"
		"Exit status: 0 PASS, 1 FAIL, 2 usage or environment, 3 INCONCLUSIVE.\n",
	.opts = check_opts,
	.run = check_run,
};
