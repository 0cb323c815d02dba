/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view: what is shown, and what a key does to it. It knows no terminal: it draws
 * into a grid, so a file, a test and a screen get the same.
 *
 *	processes --Enter--> IOASes of one --Enter--> an IOAS: map, ranges, violations
 */
#ifndef IMS_TOP_VIEW_H
#define IMS_TOP_VIEW_H

#include "sink/kept.h"
#include "top/columns.h"
#include "top/grid.h"
#include "top/key.h"

enum top_page { TOP_PROCESSES, TOP_IOASES, TOP_IOAS, TOP_HELP };

/* What a key asks of who runs the view. */
enum top_wish { TOP_GO_ON, TOP_QUIT, TOP_CLEAR };

/* What there is to be seen; all of it belongs to others. */
struct top_scene {
	struct top_table *table;	/* is sorted here */
	const struct model *model;
	const struct kept *kept;	/* violations; NULL: none */
	const char *note;		/* one line, NULL: none */
};

struct top_view {
	enum top_page page, before_help;
	const struct top_column *sort;
	bool reverse;
	char filter[48];
	bool typing;			/* the filter is being typed */
	uint32_t of_process;		/* only its IOASes, 0: all */
	/* the chosen row, and where it was */
	uint32_t tgid;
	uint64_t ctx, ioas;
	size_t at, first;		/* among the rows that pass; first one shown */
	bool moved;			/* it was chosen; else it is the first one, whoever that is */
	/* of an IOAS */
	unsigned int scroll, lines;
	bool zoomed;			/* else all areas */
	uint64_t start, last;
	int page_rows;			/* of the last drawing */
};

void top_view_init(struct top_view *v, enum top_page page, const struct top_column *sort,
		   bool reverse);
void top_view_draw(struct top_view *v, const struct top_scene *scene, struct grid *g);
enum top_wish top_view_key(struct top_view *v, const struct top_scene *scene, int key);

/* The table without a view: at most @most rows (0: all), as lines. 0 or -ENOMEM. */
int top_view_print(const struct top_scene *scene, enum top_page page,
		   const struct top_column *sort, bool reverse, uint32_t most, FILE *f);

/* ---- ioas.c: the chosen IOAS ---- */

/* false: it is gone. */
bool top_ioas_draw(struct top_view *v, const struct top_scene *scene, struct grid *g);
void top_ioas_key(struct top_view *v, const struct top_scene *scene, int key);

#endif
