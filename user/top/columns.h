/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The columns of the list: what each is called, how wide it is, which are left out
 * first when there is no room, and in what order they put the rows.
 */
#ifndef IMS_TOP_COLUMNS_H
#define IMS_TOP_COLUMNS_H

#include "top/rows.h"

#define TOP_CELL 32

struct top_column {
	const char *name;		/* for --sort */
	const char *group, *head;	/* two lines of heading */
	int width;
	int rank;			/* 0 is left out last */
	bool is_text;			/* to the left; ascends by default */
	void (*show)(const struct top_row *row, uint64_t window_ns, char *cell);
	/* What rows are ordered by; false: not known. NULL: by name. */
	bool (*value)(const struct top_row *row, uint64_t *value);
	const char *about;
};

extern const struct top_column top_columns[];
extern const unsigned int top_ncolumns;

const struct top_column *top_column_find(const char *name);
/*
 * Which fit into @cols: a bit each, and how wide the name may be. All rows of a table
 * have the same.
 */
unsigned int top_columns_fit(int cols, int *name_width);

/* The name of a row within @width. */
void top_show_name(const struct top_row *row, int width, char *cell);
/* Five characters at most: 4.0G, 512K, 1023M. */
void top_show_bytes(uint64_t bytes, char *cell);
/* Four: 950n, 1.2u, 31u, 250m, 12s. */
void top_show_ns(uint64_t ns, char *cell);
/* Four: 0, 0.5, 12, 1.2k. */
void top_show_rate(double per_second, char *cell);

/* Sorts the list: by @column, in its usual direction or reverse; what is unknown comes last. */
void top_sort(struct top_list *l, const struct top_column *column, bool reverse);

#endif
