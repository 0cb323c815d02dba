// SPDX-License-Identifier: GPL-2.0-only
#include "report/work.h"

#include <string.h>

/* ---- by command ---- */

static struct command *command_of(struct work *w, uint32_t cmd)
{
	for (unsigned int i = 0; i < w->ncommands; i++)
		if (w->command[i].cmd == cmd)
			return &w->command[i];
	if (w->ncommands == COMMANDS)
		return &w->command[COMMANDS - 1];
	w->command[w->ncommands].cmd = cmd;
	return &w->command[w->ncommands++];
}

static void count_error(struct command *c, int rc)
{
	c->errors++;
	for (unsigned int i = 0; i < ERRNOS; i++)
		if (!c->errnos[i].n || c->errnos[i].rc == rc) {
			c->errnos[i].rc = rc;
			c->errnos[i].n++;
			return;
		}
}

/* Twice the logarithm, of which the second half begins at the root of two: 1.414 */
static unsigned int row_of(uint64_t ns)
{
	int log = 63 - __builtin_clzll(ns | 1);
	int half = log >= 10 && (ns >> (log - 10)) >= 1448;
	int row = 2 * (log - FIRST_ROW_LOG) + half;

	return row < 0 ? 0 : row < ROWS ? row : ROWS - 1;
}

void work_call(struct work *w, const struct call *c, unsigned int at, uint64_t ns, int rc)
{
	struct command *command = command_of(w, c->cmd);

	latency_add(&command->latency, ns);
	command->bytes += c->bytes;
	if (rc < 0)
		count_error(command, rc);
	w->heat[at][row_of(ns)]++;
}

/* ---- by process ---- */

static struct flame *flame_of(struct work *w, const char *comm)
{
	for (unsigned int i = 0; i < w->nflames && i < FLAMES; i++)
		if (!memcmp(w->flame[i].comm, comm, IMS_COMM))
			return &w->flame[i];
	if (w->nflames < FLAMES) {
		memcpy(w->flame[w->nflames].comm, comm, IMS_COMM);
		return &w->flame[w->nflames++];
	}
	w->nflames = FLAMES + 1;
	strcpy(w->flame[FLAMES].comm, "others");
	return &w->flame[FLAMES];
}

static struct flame_call *call_of(struct work *w, const struct call *c, const char *comm)
{
	struct flame *f = flame_of(w, comm);

	for (unsigned int i = 0; i < f->ncalls; i++)
		if (f->call[i].cmd == c->cmd)
			return &f->call[i];
	if (f->ncalls == COMMANDS)
		return &f->call[COMMANDS - 1];
	f->call[f->ncalls].cmd = c->cmd;
	return &f->call[f->ncalls++];
}

void work_count(struct work *w, const struct call *c, const char *comm)
{
	call_of(w, c, comm)->n++;
}

void work_span(struct work *w, const struct call *c, const char *comm)
{
	struct flame_phase *p = &call_of(w, c, comm)->phase[c->phase];

	p->ns += c->last_ns - c->from_ns;
	p->bytes += c->span_bytes;
	p->spans++;
}

void work_fold(struct work *w)
{
	for (unsigned int i = 0; i < TIMES / 2; i++)
		for (unsigned int row = 0; row < ROWS; row++)
			w->heat[i][row] = w->heat[2 * i][row] + w->heat[2 * i + 1][row];
	memset(w->heat + TIMES / 2, 0, sizeof(w->heat) / 2);
}
