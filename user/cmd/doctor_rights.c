// SPDX-License-Identifier: GPL-2.0-only
/*
 * What doctor says about rights: which command needs which capability and what for,
 * which of them this user lacks, and what becomes of them (rights/caps.h).
 */
#include "cmd/doctor.h"

#include "rights/caps.h"

enum need { HAVE, LACK, LACK_OPTIONAL, NOT_HERE };

static const char *const needs[] = { "have", "lack", "optional", "not here" };

/* What is always true; the exceptions are stated with it. */
static const char *const given_up[] = {
	"all are given up after attaching, before the first record is read (no_new_privs, seccomp)",
	"but profile keeps CAP_SYSLOG and CAP_SYS_PTRACE, for the names of addresses",
	"a helper, ims-deputy, keeps CAP_SYS_PTRACE, and CAP_KILL if there is a process to signal",
	"CMD and --on-violation 'exec' are started with all of yours",
	"replay and report take none, and give up all that are there; schema takes none; rules tries what it may",
};

#define ALL_MUST (IMS_ACT_LOAD | IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT)
#define ALL_MAY (IMS_ACT_SIGNAL | IMS_ACT_FIRST)

static enum need need_of(const struct ims_cap *c, const struct ims_use *u)
{
	if (ims_cap_has(c))
		return HAVE;
	if (!ims_cap_needed(c, u->must | u->may))
		return NOT_HERE;
	return ims_cap_needed(c, u->must) ? LACK : LACK_OPTIONAL;
}

static void text_caps(FILE *f)
{
	const struct ims_use all = { .must = ALL_MUST, .may = ALL_MAY };

	for (const struct ims_cap *c = ims_caps; c->name; c++) {
		fprintf(f, "%-8s %-14s %s", needs[need_of(c, &all)], c->name, c->why);
		fprintf(f, c->when ? ", if %s\n" : "\n", c->when);
	}
}

/* What may be missing is in brackets. */
static void text_use(FILE *f, const struct ims_use *u)
{
	char missing[128];

	ims_caps_missing(u->must, missing, sizeof(missing));
	fprintf(f, "%-8s %s:", *missing ? "lack" : "ok", u->commands);
	for (const struct ims_cap *c = ims_caps; c->name; c++)
		if (c->acts & (u->must | u->may))
			fprintf(f, c->acts & u->must ? " %s" : " [%s]", c->name);
	fputc('\n', f);
	if (*missing)
		fprintf(f, "%-8s -> %s missing; run as root, or with what is\n", "", missing);
}

void doctor_rights_text(FILE *f)
{
	text_caps(f);
	for (const struct ims_use *u = ims_uses; u->commands; u++)
		text_use(f, u);
	for (unsigned int i = 0; i < sizeof(given_up) / sizeof(*given_up); i++)
		fprintf(f, "%-8s %s\n", "rights", given_up[i]);
}

static void json_use(struct jsonw *w, const struct ims_use *u)
{
	jw_object(w, NULL);
	jw_text(w, "commands", u->commands);
	jw_array(w, "needs");
	for (const struct ims_cap *c = ims_caps; c->name; c++) {
		if (!(c->acts & (u->must | u->may)))
			continue;
		jw_object(w, NULL);
		jw_text(w, "capability", c->name);
		jw_text(w, "state", needs[need_of(c, u)]);
		jw_bool(w, "must", c->acts & u->must);
		jw_text(w, "why", c->why);
		if (c->when)
			jw_text(w, "if", c->when);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

void doctor_rights_json(struct jsonw *w)
{
	jw_array(w, "rights");
	for (const struct ims_use *u = ims_uses; u->commands; u++)
		json_use(w, u);
	jw_array_end(w);
	jw_array(w, "given_up");
	for (unsigned int i = 0; i < sizeof(given_up) / sizeof(*given_up); i++)
		jw_text(w, NULL, given_up[i]);
	jw_array_end(w);
}
