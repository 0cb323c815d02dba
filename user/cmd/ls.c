// SPDX-License-Identifier: GPL-2.0-only
/*
 * ls: who maps what for devices, now.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "progress.h"
#include "rights/confine.h"
#include "rights/deputy.h"
#include "say.h"
#include "sink/ls.h"
#include "source/holders.h"
#include "source/snapshot.h"

/* ---- filters ---- */

static bool pid_wanted(const struct ims_pids *pids, uint32_t tgid)
{
	for (uint32_t i = 0; i < pids->n; i++)
		if (pids->pid[i] == tgid)
			return true;
	return !pids->n;
}

/* One of its holders fits all that was asked. */
static bool wanted(void *arg, const struct snap_context *c)
{
	const struct ims_settings *set = arg;

	for (size_t i = 0; i < c->holders.n; i++) {
		const struct snap_file *h = &c->holders.at[i];

		if (pid_wanted(&set->pids, h->tgid) &&
		    (!set->comm || !strncmp(set->comm, h->comm, sizeof(h->comm))))
			return true;
	}
	return false;
}

/* ---- progress ---- */

/* Contexts count alike; within one, how far the IOAS is. */
static unsigned int permille(const struct ims_snap_progress *p)
{
	double part = p->whole ? (double)p->part / p->whole : 0;

	if (!p->contexts)
		return 0;
	if (p->contexts_done == p->contexts)
		return 1000;
	return 1000 * (p->contexts_done + part) / p->contexts;
}

static void draw(void *arg, const struct ims_snap_progress *p)
{
	unsigned int done = permille(p);

	progress_draw(arg, done, "%3u%%  %" PRIu64 " areas", done / 10, p->areas);
}

/* ---- the command ---- */

static int take(const struct ims_settings *set, struct snapshot *s)
{
	struct progress progress;
	struct ims_snap_opts opts = {
		.progress = draw,
		.progress_arg = &progress,
		.section = set->section,
	};
	struct ims_snapshotter *sn = ims_snap_open(&opts);
	int rc = sn ? ims_confine(IMS_JOB_READER, 0) : -1;

	progress_begin(&progress, true);
	if (!rc)
		rc = ims_snap_take(sn, wanted, (void *)set, s);
	progress_wipe(&progress);
	ims_snap_close(sn);
	if (!rc)
		snap_prune(s, set->ioas, set->device);
	return rc;
}

static int print(FILE *f, const struct ims_settings *set, const struct snapshot *s)
{
	int rc = (set->output == IMS_OUTPUT_JSON ? ims_ls_json : ims_ls_text)(f, s, set->summary);
	if (rc)
		ims_error("out of memory");
	if (fflush(f) || ferror(f)) {
		ims_error("cannot write to %s: %s", set->file ? set->file : "standard output",
			  strerror(errno));
		rc = -1;
	}
	return rc;
}

static int ls_run(const struct ims_settings *set)
{
	static const struct ims_duties duties = { .files = true };
	FILE *f = set->file ? fopen(set->file, "we") : stdout;
	struct snapshot s = {};
	int rc;

	if (!f) {
		ims_error("cannot write to %s: %s", set->file, strerror(errno));
		return IMS_EXIT_USAGE;
	}
	rc = ims_deputy_start(&duties);
	if (!rc)
		rc = take(set, &s);
	if (!rc)
		rc = print(f, set, &s);
	snap_free(&s);
	ims_deputy_end();
	if (set->file)
		fclose(f);
	return rc ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static const struct ims_opt ls_opts[] = {
	{ "pid", 'p', IMS_OPT_PIDS, IMS_SET(pids), 1, UINT32_MAX, "PID",
	  "contexts that this process holds open; may be repeated" },
	{ "comm", 0, IMS_OPT_TEXT, IMS_SET(comm), 1, 15, "NAME",
	  "contexts that a process with this name holds open" },
	{ "ioas", 0, IMS_OPT_U32, IMS_SET(ioas), 1, UINT32_MAX, "ID",
	  "IOASes with this object id" },
	{ "device", 0, IMS_OPT_TEXT, IMS_SET(device), 1, 31, "NAME",
	  "what this device can reach, such as 0000:03:00.0" },
	{ "summary", 's', IMS_OPT_BOOL, IMS_SET(summary), 0, 0, NULL,
	  "only what each process holds in total" },
	{ "section", 0, IMS_OPT_U32, IMS_SET(section), 16, SNAP_MOST_AREAS, "N",
	  "areas to read under one lock, 16 to 65536 (the default)" },
	IMS_OPTS_OUTPUT,
	{}
};

const struct ims_command ims_ls = {
	.name = "ls",
	.usage = "[OPTION]...",
	.summary = "list who maps what for devices, now",
	.text = "Prints each context (file of /dev/iommu) that a process holds open: its devices,\n"
		"IOASes, areas, page tables (HWPTs), accesses of drivers, reserved and allowed\n"
		"ranges, and how many pages are pinned and charged. Needs no tracepoints.\n\n"
		"An IOAS is read under its own lock, so its rows belong together; one with more\n"
		"areas than --section is read in parts, between which it may change. Who maps or\n"
		"unmaps there waits meanwhile.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = ls_opts,
	.no_command = true,
	.run = ls_run,
};
