// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE		/* qsort_r() */
#include "top/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MIN 12
#define NAME_MAX_WIDTH 24

/* ---- values as text ---- */

/* @value in units of which the next is @step times as much; two digits when below ten. */
static void scaled(double value, double step, const char *units, char *cell)
{
	while (value >= step - 0.5 && units[1]) {
		value /= step;
		units++;
	}
	snprintf(cell, TOP_CELL, value < 9.95 && value != (uint64_t)value ? "%.1f%c" : "%.0f%c", value,
		 *units);
	if (*units == ' ')
		cell[strlen(cell) - 1] = 0;
}

void top_show_bytes(uint64_t bytes, char *cell)
{
	scaled(bytes, 1024, " KMGTPE", cell);
}

/* From a second on they are seconds. */
void top_show_ns(uint64_t ns, char *cell)
{
	scaled(ns, 1000, "nums", cell);
}

void top_show_rate(double per_second, char *cell)
{
	scaled(per_second, 1000, " kMG", cell);
}

void top_show_name(const struct top_row *row, int width, char *cell)
{
	char pid[16];
	int room = width - snprintf(pid, sizeof(pid), "/%u", row->tgid);

	if (room >= TOP_CELL - (int)sizeof(pid))
		room = TOP_CELL - sizeof(pid) - 1;
	snprintf(cell, TOP_CELL, "%.*s%s", room < 1 ? 1 : room, row->comm[0] ? row->comm : "?", pid);
}

/* ---- cells ---- */

static void put_bytes(bool known, uint64_t bytes, char *cell)
{
	if (known)
		top_show_bytes(bytes, cell);
	else
		strcpy(cell, "?");
}

static void show_name(const struct top_row *row, uint64_t ns, char *cell)
{
	(void)ns;
	top_show_name(row, TOP_CELL - 1, cell);
}

/* Of a process: how many. A letter tells IOASes of several ctxs apart. */
static void show_ioas(const struct top_row *row, uint64_t ns, char *cell)
{
	(void)ns;
	if (!row->known && !row->ioas)
		strcpy(cell, "?");
	else if (!row->ctx)
		snprintf(cell, TOP_CELL, "%u", row->ioases);
	else if (!row->ioas)
		strcpy(cell, "-");
	else if (row->ordinal > 1 && row->ordinal <= 26)
		snprintf(cell, TOP_CELL, "%u%c", row->id, 'a' + (int)row->ordinal - 1);
	else
		snprintf(cell, TOP_CELL, "%u", row->id);
}

static void show_limit(const struct top_row *row, uint64_t ns, char *cell)
{
	(void)ns;
	if (row->limited && row->limit == UINT64_MAX)
		strcpy(cell, "none");
	else
		put_bytes(row->limited, row->limit, cell);
}

static void show_mode(const struct top_row *row, uint64_t ns, char *cell)
{
	static const char *const names[] = { "-", "none", "user", "mixed", "mm" };

	(void)ns;
	strcpy(cell, !row->known ? "?" : row->modes < 5 ? names[row->modes] : "mixed");
}

static void show_calls(const struct top_row *row, enum top_call what, uint64_t ns, char *cell)
{
	if (row->counted)
		top_show_rate(row->call[what].n * 1e9 / (ns ? ns : 1), cell);
	else
		strcpy(cell, "?");
}

static void show_latency(const struct top_row *row, enum top_call what, uint64_t ns, char *cell)
{
	if (!row->known)
		strcpy(cell, "?");
	else if (!row->call[what].timed)
		strcpy(cell, "-");
	else
		top_show_ns(ns, cell);
}

static void show_failed(const struct top_row *row, uint64_t ns, char *cell)
{
	(void)ns;
	if (row->counted)
		snprintf(cell, TOP_CELL, "%" PRIu64, row->failed);
	else
		strcpy(cell, "?");
}

/* What was found stays found; what was not may have been missed. */
static void show_violations(const struct top_row *row, uint64_t ns, char *cell)
{
	(void)ns;
	if (!row->known && !row->violations)
		strcpy(cell, "?");
	else
		top_show_rate(row->violations, cell);
}

/* ---- columns that are alike: what is shown, and what rows are ordered by ---- */

#define STATE(field)								\
	static void show_##field(const struct top_row *row, uint64_t ns, char *cell) \
	{									\
		(void)ns;							\
		put_bytes(row->known, row->field, cell);			\
	}									\
	static bool field##_of(const struct top_row *row, uint64_t *value)	\
	{									\
		*value = row->field;						\
		return row->known;						\
	}

#define CALLS(what, name)							\
	static void show_##name(const struct top_row *row, uint64_t ns, char *cell) \
	{									\
		show_calls(row, what, ns, cell);				\
	}									\
	static bool name##_of(const struct top_row *row, uint64_t *value)	\
	{									\
		*value = row->call[what].n;					\
		return row->counted;						\
	}

#define LATENCY(what, name, field)						\
	static void show_##name(const struct top_row *row, uint64_t ns, char *cell) \
	{									\
		(void)ns;							\
		show_latency(row, what, row->call[what].field, cell);		\
	}									\
	static bool name##_of(const struct top_row *row, uint64_t *value)	\
	{									\
		*value = row->call[what].field;					\
		return row->known && row->call[what].timed;			\
	}

STATE(mapped)
STATE(pinned)
STATE(charged)
CALLS(TOP_MAP, maps)
CALLS(TOP_UNMAP, unmaps)
LATENCY(TOP_MAP, map_p50, p50)
LATENCY(TOP_MAP, map_p99, p99)
LATENCY(TOP_UNMAP, unmap_p50, p50)
LATENCY(TOP_UNMAP, unmap_p99, p99)

/* ---- orders ---- */

static bool modes_of(const struct top_row *row, uint64_t *value)
{
	*value = row->modes;
	return row->known;
}

static bool id_of(const struct top_row *row, uint64_t *value)
{
	*value = row->ctx ? row->id : row->ioases;
	return row->known;
}

static bool limit_of(const struct top_row *row, uint64_t *value)
{
	*value = row->limit;
	return row->limited;
}

static bool failed_of(const struct top_row *row, uint64_t *value)
{
	*value = row->failed;
	return row->counted;
}

static bool violations_of(const struct top_row *row, uint64_t *value)
{
	*value = row->violations;
	return true;
}

/* ---- the table ---- */

const struct top_column top_columns[] = {
	{ "process", "", "PROCESS", NAME_MIN, 0, true, show_name, NULL,
	  "who opened /dev/iommu: command name and process id" },
	{ "ioas", "", "IOAS", 4, 1, false, show_ioas, id_of,
	  "object id, with a letter if of a further context; or how many" },
	{ "mapped", "bytes", "MAPD", 5, 2, false, show_mapped, mapped_of,
	  "IOVAs that are mapped" },
	{ "pinned", "", "PIND", 5, 3, false, show_pinned, pinned_of,
	  "memory that is pinned, once for each IOAS that shows it" },
	{ "charged", "", "CHRG", 5, 5, false, show_charged, charged_of,
	  "what of it is charged to a user or a process" },
	{ "limit", "", "LIMIT", 5, 7, false, show_limit, limit_of,
	  "RLIMIT_MEMLOCK of the process" },
	{ "mode", "", "MODE", 5, 13, false, show_mode, modes_of,
	  "who is charged: none, the user, the mm" },
	{ "maps", "calls/s", "MAP", 4, 6, false, show_maps, maps_of,
	  "maps and copies per second that succeeded" },
	{ "unmaps", "", "UNMAP", 5, 8, false, show_unmaps, unmaps_of,
	  "unmaps per second that succeeded" },
	{ "map-p50", "map", "p50", 4, 10, false, show_map_p50, map_p50_of,
	  "half of the maps took no longer" },
	{ "map-p99", "", "p99", 4, 9, false, show_map_p99, map_p99_of,
	  "99 % of the maps took no longer" },
	{ "unmap-p50", "unmap", "p50", 4, 12, false, show_unmap_p50, unmap_p50_of,
	  "half of the unmaps took no longer" },
	{ "unmap-p99", "", "p99", 4, 11, false, show_unmap_p99, unmap_p99_of,
	  "99 % of the unmaps took no longer" },
	{ "failed", "", "FAIL", 4, 14, false, show_failed, failed_of,
	  "maps and unmaps that failed since the last refresh" },
	{ "violations", "", "VIOL", 4, 4, false, show_violations, violations_of,
	  "how often a rule was broken" },
};

const unsigned int top_ncolumns = sizeof(top_columns) / sizeof(*top_columns);

const struct top_column *top_column_find(const char *name)
{
	for (unsigned int i = 0; i < top_ncolumns; i++)
		if (!strcmp(top_columns[i].name, name))
			return &top_columns[i];
	return NULL;
}

unsigned int top_columns_fit(int cols, int *name_width)
{
	unsigned int chosen = 1;
	int used = NAME_MIN;

	for (int rank = 1; rank < (int)top_ncolumns; rank++)
		for (unsigned int i = 1; i < top_ncolumns; i++) {
			int width = 1 + top_columns[i].width;

			if (top_columns[i].rank != rank || used + width > cols)
				continue;
			used += width;
			chosen |= 1U << i;
		}
	*name_width = NAME_MIN + (cols > used ? cols - used : 0);
	if (*name_width > NAME_MAX_WIDTH)
		*name_width = NAME_MAX_WIDTH;
	return chosen;
}

/* ---- sorting ---- */

struct order {
	const struct top_column *column;
	bool reverse;
};

static int by_name(const struct top_row *a, const struct top_row *b)
{
	int rc = strncmp(a->comm, b->comm, sizeof(a->comm));

	if (rc)
		return rc;
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if (a->ordinal != b->ordinal)
		return a->ordinal < b->ordinal ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct top_row *a = x, *b = y;
	const struct order *o = arg;
	uint64_t va, vb;
	bool ka, kb;

	if (!o->column->value)
		return o->reverse ? by_name(b, a) : by_name(a, b);
	ka = o->column->value(a, &va);
	kb = o->column->value(b, &vb);
	if (ka != kb)
		return ka ? -1 : 1;
	if (!ka || va == vb)
		return by_name(a, b);
	return (va > vb) == o->reverse ? 1 : -1;
}

void top_sort(struct top_list *l, const struct top_column *column, bool reverse)
{
	struct order order = { column, reverse };

	if (l->n)
		qsort_r(l->at, l->n, sizeof(*l->at), compare, &order);
}
