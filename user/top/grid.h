/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rectangle of characters: what the view draws into, and a terminal, a file or a
 * test reads. Nothing that is put outside of it does any harm, and no byte that a
 * terminal may obey gets in.
 */
#ifndef IMS_TOP_GRID_H
#define IMS_TOP_GRID_H

#include <stdio.h>

#include "say.h"

enum grid_attr { GRID_PLAIN, GRID_HEAD, GRID_CHOSEN, GRID_ALERT };

struct grid {
	int rows, cols;
	char *text;		/* rows * cols, blanks where nothing is */
	unsigned char *attr;
};

/* 0 or -ENOMEM. */
int grid_init(struct grid *g, int rows, int cols);
void grid_free(struct grid *g);
/* Returns the column behind it, also if that is outside. */
int grid_put(struct grid *g, int row, int col, enum grid_attr attr, const char *format, ...)
	IMS_PRINTF(5);
/* The attribute of a whole row. */
void grid_mark(struct grid *g, int row, enum grid_attr attr);
/* As lines, without blanks at their ends. */
void grid_write(const struct grid *g, FILE *f);

#endif
