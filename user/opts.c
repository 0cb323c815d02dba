// SPDX-License-Identifier: GPL-2.0-only
#include "opts.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/desc.h"
#include "say.h"

#define MAX_OPTS 40
#define LONG_ONLY 256		/* getopt values of options without a letter */

void ims_settings_init(struct ims_settings *set)
{
	*set = (struct ims_settings){
		.rings = 4,
		.ring_size = 16 << 20,
		.interval_ns = 1000000000,
		.speed = 1,
	};
}

/* ---- values ---- */

/* A whole number at *@s, decimal or 0x; moves *@s behind it. */
static bool take_u64(const char **s, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return false;
	errno = 0;
	*value = strtoull(*s, &end, strncasecmp(*s, "0x", 2) ? 10 : 16);
	if (errno || end == *s)
		return false;
	*s = end;
	return true;
}

static bool take_bytes(const char **s, uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *unit;

	if (!take_u64(s, value))
		return false;
	unit = **s ? strchr(units, toupper((unsigned char)**s)) : NULL;
	if (!unit)
		return true;
	(*s)++;
	return !__builtin_mul_overflow(*value, 1ULL << 10 * (unit - units + 1), value);
}

static bool parse_u32(const char *s, uint32_t *value)
{
	uint64_t wide;

	if (!take_u64(&s, &wide) || *s || wide > UINT32_MAX)
		return false;
	*value = wide;
	return true;
}

static bool parse_bytes(const char *s, uint64_t *value)
{
	return take_bytes(&s, value) && !*s;
}

static bool parse_seconds(const char *s, uint64_t *ns)
{
	char *end;
	double value;

	if (!isdigit((unsigned char)*s) && *s != '.')
		return false;
	value = strtod(s, &end);
	if (*end || !(value > 0) || value > 1e9)
		return false;
	*ns = value * 1e9;
	return *ns;
}

static bool parse_pids(const char *s, struct ims_pids *pids)
{
	if (pids->n == IMS_MAX_PIDS)
		return false;
	return parse_u32(s, &pids->pid[pids->n]) && pids->pid[pids->n++];
}

static bool parse_range(const char *s, struct ims_range *range)
{
	uint64_t second;
	char between;

	if (!take_bytes(&s, &range->start))
		return false;
	between = *s++;
	if ((between != '-' && between != '+') || !take_bytes(&s, &second) || *s)
		return false;
	range->last = second;
	if (between == '+' &&
	    (!second || __builtin_add_overflow(range->start, second - 1, &range->last)))
		return false;
	range->set = true;
	return range->last >= range->start;
}

static bool parse_kinds(const char *s, uint64_t *kinds)
{
	char name[32];

	for (;;) {
		size_t len = strcspn(s, ",");
		enum ims_kind kind;

		if (len >= sizeof(name))
			return false;
		memcpy(name, s, len);
		name[len] = 0;
		kind = ims_kind_by_name(name);
		if (kind == IMS_NONE)
			return false;
		*kinds |= 1ULL << kind;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static bool parse_probes(const char *s, enum ims_probes *probes)
{
	static const char *const names[] = { "auto", "tracepoints", "functions" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(s, names[i])) {
			*probes = i;
			return true;
		}
	return false;
}

static bool parse_output(const char *s, enum ims_output *output)
{
	if (!strcmp(s, "text"))
		*output = IMS_OUTPUT_TEXT;
	else if (!strcmp(s, "json"))
		*output = IMS_OUTPUT_JSON;
	else
		return false;
	return true;
}

static bool parse_choice(const char *words, const char *s, uint32_t *number)
{
	size_t len = strlen(s), n;

	for (*number = 0;; ++*number) {
		n = strcspn(words, "|");
		if (n == len && !memcmp(words, s, n))
			return true;
		if (!words[n])
			return false;
		words += n + 1;
	}
}

/* "exec CMD" and "signal PID"; a colon will do where a space is in the way. */
static bool parse_reaction(const char *s, struct ims_reactions *to)
{
	struct ims_reaction *r = &to->list[to->n];

	if (to->n == IMS_MAX_REACTIONS)
		return false;
	if (!strcmp(s, "stop")) {
		r->kind = IMS_REACT_STOP;
	} else if (!strncmp(s, "exec", 4) && strchr(" :", s[4]) && s[4] && s[5]) {
		r->kind = IMS_REACT_EXEC;
		r->command = s + 5;
	} else if (!strncmp(s, "signal", 6) && strchr(" :", s[6]) && s[6]) {
		r->kind = IMS_REACT_SIGNAL;
		if (!parse_u32(s + 7, &r->pid) || !r->pid || r->pid > INT32_MAX)
			return false;
	} else {
		return false;
	}
	to->n++;
	return true;
}

static bool in_limits(const struct ims_opt *opt, uint64_t value)
{
	return value >= opt->min && (!opt->max || value <= opt->max);
}

static bool parse_value(const struct ims_opt *opt, const char *s, struct ims_settings *set)
{
	void *to = (char *)set + opt->offset;

	switch (opt->type) {
	case IMS_OPT_BOOL:
		*(bool *)to = true;
		return true;
	case IMS_OPT_U32:
		return parse_u32(s, to) && in_limits(opt, *(uint32_t *)to);
	case IMS_OPT_BYTES:
		return parse_bytes(s, to) && in_limits(opt, *(uint64_t *)to);
	case IMS_OPT_SECONDS:
		return parse_seconds(s, to);
	case IMS_OPT_TEXT:
		*(const char **)to = s;
		return *s && in_limits(opt, strlen(s));
	case IMS_OPT_PIDS:
		return parse_pids(s, to);
	case IMS_OPT_KINDS:
		return parse_kinds(s, to);
	case IMS_OPT_RANGE:
		return parse_range(s, to);
	case IMS_OPT_OUTPUT:
		return parse_output(s, to);
	case IMS_OPT_CHOICE:
		return parse_choice(opt->arg, s, to);
	case IMS_OPT_PROBES:
		return parse_probes(s, to);
	case IMS_OPT_REACTION:
		return parse_reaction(s, to);
	case IMS_OPT_REFUSED:
		break;
	}
	return false;
}

/* What the value should have been. */
static void say_expected(const struct ims_opt *opt, const char *s)
{
	switch (opt->type) {
	case IMS_OPT_U32:
	case IMS_OPT_BYTES:
		ims_error("--%s: '%s' is not a number from %" PRIu64 " to %" PRIu64 "%s",
			  opt->name, s, opt->min, opt->max,
			  opt->type == IMS_OPT_BYTES ? "; K, M and G may follow" : "");
		break;
	case IMS_OPT_SECONDS:
		ims_error("--%s: '%s' is not a number of seconds; try 10 or 0.5", opt->name, s);
		break;
	case IMS_OPT_TEXT:
		ims_error("--%s: '%s' is empty or longer than %" PRIu64 " characters", opt->name,
			  s, opt->max);
		break;
	case IMS_OPT_PIDS:
		ims_error("--%s: '%s' is not a process id, or there are more than %d", opt->name,
			  s, IMS_MAX_PIDS);
		break;
	case IMS_OPT_KINDS:
		ims_error("--%s: '%s' names an unknown kind; 'iommuscope help trace' lists them",
			  opt->name, s);
		break;
	case IMS_OPT_RANGE:
		ims_error("--%s: '%s' is not a range; try 0x100000-0x1fffff or 0x100000+1M",
			  opt->name, s);
		break;
	case IMS_OPT_OUTPUT:
		ims_error("--%s: '%s' is not a format; use text or json", opt->name, s);
		break;
	case IMS_OPT_CHOICE:
		ims_error("--%s: '%s' is not one of %s", opt->name, s, opt->arg);
		break;
	case IMS_OPT_PROBES:
		ims_error("--%s: '%s' is not auto, tracepoints or functions", opt->name, s);
		break;
	case IMS_OPT_REACTION:
		ims_error("--%s: '%s' is no reaction; use stop, 'exec CMD' or 'signal PID', at "
			  "most %d", opt->name, s, IMS_MAX_REACTIONS);
		break;
	case IMS_OPT_REFUSED:
		ims_error("--%s: %s", opt->name, opt->help);
		break;
	case IMS_OPT_BOOL:
		break;
	}
}

/* ---- the command line ---- */

static int value_of(const struct ims_opt *opts, unsigned int i)
{
	return opts[i].letter ? opts[i].letter : LONG_ONLY + (int)i;
}

static const struct ims_opt *find(const struct ims_opt *opts, int value)
{
	for (unsigned int i = 0; opts[i].name; i++)
		if (value_of(opts, i) == value)
			return &opts[i];
	return NULL;
}

/* The two forms in which getopt wants our table. */
static void for_getopt(const struct ims_opt *opts, struct option *longs, char *shorts)
{
	*shorts++ = '+';	/* stop at the command to run */
	*shorts++ = ':';	/* we say what is wrong */
	for (unsigned int i = 0; opts[i].name && i < MAX_OPTS; i++) {
		longs[i] = (struct option){
			.name = opts[i].name,
			.has_arg = opts[i].arg ? required_argument : no_argument,
			.val = value_of(opts, i),
		};
		if (!opts[i].letter)
			continue;
		*shorts++ = opts[i].letter;
		if (opts[i].arg)
			*shorts++ = ':';
	}
}

static int refuse(const struct ims_command *cmd, int value, const char *word)
{
	if (value == ':')
		ims_error("%s needs a value; see 'iommuscope help %s'", word, cmd->name);
	else
		ims_error("%s is not an option of %s; see 'iommuscope help %s'", word, cmd->name,
			  cmd->name);
	return -EINVAL;
}

/* Options up to the next word that is none. */
static int parse_options(const struct ims_command *cmd, int argc, char **argv,
			 struct ims_settings *set, const struct option *longs, const char *shorts)
{
	const struct ims_opt *opt;
	int value;

	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		opt = find(cmd->opts, value);
		if (!opt)
			return refuse(cmd, value, argv[optind - 1]);
		if (!parse_value(opt, optarg, set)) {
			say_expected(opt, optarg);
			return -EINVAL;
		}
	}
	return 0;
}

/* What stands behind the options: nothing, or "--" and a command. */
static int parse_command(const struct ims_command *cmd, int argc, char **argv,
			 struct ims_settings *set)
{
	bool dashes = !strcmp(argv[optind - 1], "--");

	if (optind < argc && (!dashes || cmd->no_command)) {
		ims_error(cmd->no_command ? "unexpected '%s'; see 'iommuscope help %s'" :
			  "unexpected '%s'; a command to run stands behind '--', see "
			  "'iommuscope help %s'", argv[optind], cmd->name);
		return -EINVAL;
	}
	if (optind == argc && dashes) {
		ims_error("no command behind '--'; leave '--' away or say what to run");
		return -EINVAL;
	}
	set->command = optind < argc ? &argv[optind] : NULL;
	return 0;
}

int ims_opts_parse(const struct ims_command *cmd, int argc, char **argv, struct ims_settings *set)
{
	struct option longs[MAX_OPTS + 1] = {};
	char shorts[2 * MAX_OPTS + 3] = "";

	for_getopt(cmd->opts, longs, shorts);
	optind = 0;	/* glibc: start anew, also after an earlier parse */
	for (;;) {
		if (parse_options(cmd, argc, argv, set, longs, shorts))
			return -EINVAL;
		if (optind == argc || set->nwords == cmd->words || !strcmp(argv[optind - 1], "--"))
			return parse_command(cmd, argc, argv, set);
		set->word[set->nwords++] = argv[optind++];
	}
}

static void help_kinds(FILE *f)
{
	fputs("\nKinds of records:\n", f);
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		fprintf(f, "  %-24s %s\n", ims_desc(kind)->name, ims_desc(kind)->about);
}

void ims_opts_help(const struct ims_command *cmd, FILE *f)
{
	bool kinds = false;

	fprintf(f, "Usage: iommuscope %s %s\n\n%s\n\n%s\nOptions:\n", cmd->name, cmd->usage,
		cmd->summary, cmd->text);
	for (const struct ims_opt *opt = cmd->opts; opt->name; opt++) {
		char left[64];

		if (opt->type == IMS_OPT_REFUSED)
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", opt->letter ? '-' : ' ',
			 opt->letter ? opt->letter : ' ', opt->letter ? "," : " ", opt->name,
			 opt->arg ? " " : "", opt->arg ? opt->arg : "");
		fprintf(f, "  %-24s %s\n", left, opt->help);
		kinds |= opt->type == IMS_OPT_KINDS;
	}
	if (kinds)
		help_kinds(f);
}
