/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options: one typed table per command.
 *
 * A table entry says what an option is called, what it takes, where its value
 * goes and what it does.  The parser and --help are made from it; so will be
 * the man pages and the completions.
 */
#ifndef IMS_OPTS_H
#define IMS_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "source/live.h"

#define IMS_MAX_PIDS 64

struct ims_pids {
	uint32_t n;
	uint32_t pid[IMS_MAX_PIDS];
};

struct ims_range {
	uint64_t start, last;
	bool set;
};

enum ims_output {
	IMS_OUTPUT_TEXT, IMS_OUTPUT_JSON, IMS_OUTPUT_KTAP,
	IMS_OUTPUT_REPORT_PAGE, IMS_OUTPUT_REPORT_JSON
};

#define IMS_MAX_REACTIONS 8
#define IMS_MAX_WORDS 4

/* What to do when a rule is violated. */
enum ims_reaction_kind { IMS_REACT_STOP, IMS_REACT_EXEC, IMS_REACT_SIGNAL };

struct ims_reaction {
	enum ims_reaction_kind kind;
	const char *command;		/* EXEC: for the shell */
	uint32_t pid;			/* SIGNAL */
};

struct ims_reactions {
	uint32_t n;
	struct ims_reaction list[IMS_MAX_REACTIONS];
};

/* All that options can set; a command's table says which it takes. */
struct ims_settings {
	/* whole contexts */
	struct ims_pids pids;
	const char *comm;
	const char *cgroup;
	uint32_t ioas;			/* 0: any */
	const char *device;
	/* single records */
	uint64_t kinds;			/* bit per enum ims_kind, 0: all */
	struct ims_range iova;
	/* how */
	enum ims_output output;
	const char *file;
	uint64_t duration_ns;		/* 0: until stopped */
	uint64_t ring_size;
	uint32_t rings;
	enum ims_probes probes;
	bool quiet, verbose, help;
	bool join;			/* contexts that were opened before, too */
	bool wait;			/* until iommufd is loaded */
	/* of ls */
	uint32_t section;		/* areas under one lock, 0: the most */
	bool summary;
	/* of profile */
	uint32_t profile_format;	/* enum profile_format */
	uint32_t weight;		/* enum profile_weight */
	const char *compare;
	/* of top */
	bool batch, reverse;
	uint64_t interval_ns;
	uint32_t count, rows;		/* 0: no end, all */
	const char *sort, *by;
	uint32_t speed;			/* of a recording, 1: as it was recorded */
	/* about violations */
	bool explain;
	bool ktap;
	const char *junit;
	const char *perfetto;
	struct ims_reactions reactions;
	/* recordings */
	const char *record;		/* write one here */
	const char *replay;		/* read this one; NULL: live */
	bool minimize;
	const char *word[IMS_MAX_WORDS];	/* that are no options */
	uint32_t nwords;
	char **command;			/* what stands behind "--", or NULL */
};

enum ims_opt_type {
	IMS_OPT_BOOL,
	IMS_OPT_U32,
	IMS_OPT_BYTES,			/* 4096, 64K, 16M */
	IMS_OPT_SECONDS,		/* 10, 0.5 */
	IMS_OPT_TEXT,
	IMS_OPT_PIDS,			/* may be given several times */
	IMS_OPT_KINDS,			/* map,unmap,... */
	IMS_OPT_RANGE,			/* FIRST-LAST or FIRST+LENGTH */
	IMS_OPT_OUTPUT,			/* text or json */
	IMS_OPT_CHOICE,			/* one of the words in arg, text|json: its number, as uint32_t */
	IMS_OPT_PROBES,			/* auto, tracepoints or functions */
	IMS_OPT_REACTION,		/* stop, "exec CMD" or "signal PID"; may be repeated */
	IMS_OPT_REFUSED,		/* known elsewhere; help says why it cannot be here */
};

struct ims_opt {
	const char *name;
	char letter;			/* 0: none */
	enum ims_opt_type type;
	uint16_t offset;		/* in struct ims_settings */
	uint64_t min, max;		/* of numbers; TEXT: max length, 0: any */
	const char *arg;		/* NULL: takes none */
	const char *help;
};

struct ims_command {
	const char *name;
	const char *usage;		/* behind the name */
	const char *summary;		/* one line */
	const char *text;		/* the rest of --help */
	const struct ims_opt *opts;	/* ends with a NULL name */
	uint32_t words;			/* at most, besides options */
	bool no_command;		/* takes none behind "--" */
	int (*run)(const struct ims_settings *set);
};

void ims_settings_init(struct ims_settings *set);
/* argv[0] is the command's name.  0, or -EINVAL after saying why. */
int ims_opts_parse(const struct ims_command *cmd, int argc, char **argv, struct ims_settings *set);
void ims_opts_help(const struct ims_command *cmd, FILE *f);

#endif
