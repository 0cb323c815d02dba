// SPDX-License-Identifier: GPL-2.0-only
#include "top/grid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int grid_init(struct grid *g, int rows, int cols)
{
	size_t size = (size_t)rows * cols;

	*g = (struct grid){ .rows = rows, .cols = cols };
	g->text = malloc(size + 1);
	g->attr = calloc(size + 1, 1);
	if (!g->text || !g->attr) {
		grid_free(g);
		return -ENOMEM;
	}
	memset(g->text, ' ', size);
	return 0;
}

void grid_free(struct grid *g)
{
	free(g->text);
	free(g->attr);
	*g = (struct grid){ 0 };
}

int grid_put(struct grid *g, int row, int col, enum grid_attr attr, const char *format, ...)
{
	char text[512];
	va_list args;
	int i;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (i = 0; text[i]; i++, col++) {
		size_t at = (size_t)row * g->cols + col;

		if (row < 0 || row >= g->rows || col < 0 || col >= g->cols)
			continue;
		g->text[at] = text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i];
		g->attr[at] = attr;
	}
	return col;
}

void grid_mark(struct grid *g, int row, enum grid_attr attr)
{
	if (row >= 0 && row < g->rows)
		memset(g->attr + (size_t)row * g->cols, attr, g->cols);
}

void grid_write(const struct grid *g, FILE *f)
{
	for (int row = 0; row < g->rows; row++) {
		const char *line = g->text + (size_t)row * g->cols;
		int n = g->cols;

		while (n && line[n - 1] == ' ')
			n--;
		fprintf(f, "%.*s\n", n, line);
	}
}
