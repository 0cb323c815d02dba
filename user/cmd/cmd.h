/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands.  A new one: its file, its line in commands.c.
 */
#ifndef IMS_CMD_H
#define IMS_CMD_H

#include <stddef.h>

#include "opts.h"

/* Exit status of every command. */
enum ims_exit {
	IMS_EXIT_OK = 0,		/* check: PASS */
	IMS_EXIT_FAIL = 1,		/* check: a rule was violated */
	IMS_EXIT_USAGE = 2,		/* usage or environment */
	IMS_EXIT_INCONCLUSIVE = 3,	/* check: nothing can be concluded */
};

extern const struct ims_command ims_doctor, ims_check, ims_trace, ims_record, ims_replay, ims_schema,
				ims_rules_command, ims_ls, ims_profile, ims_report, ims_top;

/* Of check and trace, also on a recording (settings.replay). */
int check_run(const struct ims_settings *set);
int trace_run(const struct ims_settings *set);
int top_run(const struct ims_settings *set);
/* The recording settings.replay made small, as settings.file. */
int minimize_run(const struct ims_settings *set);

/* Ends with NULL. */
extern const struct ims_command *const ims_commands[];
const struct ims_command *ims_command_find(const char *name);

/* ---- what option tables are made of ---- */

#define IMS_SET(field) offsetof(struct ims_settings, field)

#define IMS_OPTS_OPENER \
	{ "pid", 'p', IMS_OPT_PIDS, IMS_SET(pids), 1, UINT32_MAX, "PID", \
	  "contexts of this process; may be repeated" }, \
	{ "comm", 0, IMS_OPT_TEXT, IMS_SET(comm), 1, 15, "NAME", \
	  "contexts of tasks with this name" }, \
	{ "cgroup", 0, IMS_OPT_TEXT, IMS_SET(cgroup), 1, 0, "DIR", \
	  "contexts of tasks in this cgroup (v2) or below" }

#define IMS_OPTS_TOP \
	{ "batch", 'b', IMS_OPT_BOOL, IMS_SET(batch), 0, 0, NULL, \
	  "print a table per interval instead of showing it" }, \
	{ "interval", 'i', IMS_OPT_SECONDS, IMS_SET(interval_ns), 0, 0, "S", \
	  "refresh after S seconds (default 1)" }, \
	{ "count", 'n', IMS_OPT_U32, IMS_SET(count), 1, UINT32_MAX, "N", \
	  "end after N refreshes" }, \
	{ "by", 0, IMS_OPT_TEXT, IMS_SET(by), 1, 0, "WHAT", \
	  "a row per process or per ioas (default)" }, \
	{ "sort", 's', IMS_OPT_TEXT, IMS_SET(sort), 1, 0, "COLUMN", \
	  "order of the rows (default mapped)" }, \
	{ "reverse", 'r', IMS_OPT_BOOL, IMS_SET(reverse), 0, 0, NULL, \
	  "the other way round" }, \
	{ "rows", 0, IMS_OPT_U32, IMS_SET(rows), 1, UINT32_MAX, "N", \
	  "of a batch as text: at most N rows, and the sum of the others" }

#define IMS_OPTS_TOP_ROWS \
	{ "pid", 'p', IMS_OPT_PIDS, IMS_SET(pids), 1, UINT32_MAX, "PID", \
	  "top: rows of this process; may be repeated" }, \
	{ "comm", 0, IMS_OPT_TEXT, IMS_SET(comm), 1, 15, "NAME", \
	  "top: rows of processes with this name" }, \
	{ "ioas", 0, IMS_OPT_U32, IMS_SET(ioas), 1, UINT32_MAX, "ID", \
	  "top: rows of IOASes with this object id" }

#define IMS_OPTS_LIVE \
	{ "duration", 'd', IMS_OPT_SECONDS, IMS_SET(duration_ns), 0, 0, "S", \
	  "stop after S seconds" }, \
	{ "wait", 0, IMS_OPT_BOOL, IMS_SET(wait), 0, 0, NULL, \
	  "if iommufd is not loaded, wait until it is" }, \
	{ "rings", 0, IMS_OPT_U32, IMS_SET(rings), 1, 64, "N", \
	  "ring buffers, a power of two (default 4)" }, \
	{ "ring-size", 0, IMS_OPT_BYTES, IMS_SET(ring_size), 1 << 20, 1 << 30, "BYTES", \
	  "size of each, a power of two (default 16M)" }, \
	{ "probes", 0, IMS_OPT_PROBES, IMS_SET(probes), 0, 0, "WHERE", \
	  "tracepoints, functions, or auto: tracepoints if this kernel has them" }

#define IMS_OPTS_VIOLATION \
	{ "explain", 'e', IMS_OPT_BOOL, IMS_SET(explain), 0, 0, NULL, \
	  "tell the story of each violation, with a map of the IOVAs" }, \
	{ "on-violation", 0, IMS_OPT_REACTION, IMS_SET(reactions), 0, 0, "WHAT", \
	  "stop, 'exec CMD' or 'signal PID'; may be repeated" }, \
	{ "ktap", 0, IMS_OPT_BOOL, IMS_SET(ktap), 0, 0, NULL, \
	  "results as KTAP, a test per rule" }, \
	{ "junit", 0, IMS_OPT_TEXT, IMS_SET(junit), 1, 0, "FILE", \
	  "also write results as JUnit XML" }

#define IMS_OPT_PERFETTO \
	{ "perfetto", 0, IMS_OPT_TEXT, IMS_SET(perfetto), 1, 0, "FILE", \
	  "also write a trace for Perfetto (ui.perfetto.dev)" }

#define IMS_OPTS_SAYING \
	{ "quiet", 'q', IMS_OPT_BOOL, IMS_SET(quiet), 0, 0, NULL, \
	  "only errors on standard error" }, \
	{ "verbose", 'v', IMS_OPT_BOOL, IMS_SET(verbose), 0, 0, NULL, \
	  "more on standard error, such as the BPF verifier's log" }, \
	{ "help", 'h', IMS_OPT_BOOL, IMS_SET(help), 0, 0, NULL, "this text" }

#define IMS_OPTS_OUTPUT \
	{ "format", 'f', IMS_OPT_OUTPUT, IMS_SET(output), 0, 0, "FORMAT", \
	  "text or json (one object per line)" }, \
	{ "output", 'o', IMS_OPT_TEXT, IMS_SET(file), 1, 0, "FILE", \
	  "write results to FILE instead of standard output" }, \
	IMS_OPTS_SAYING


#endif
