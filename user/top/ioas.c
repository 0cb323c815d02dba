// SPDX-License-Identifier: GPL-2.0-only
/*
 * One IOAS: its numbers, its IOVA map, and which rules were broken on it, with their
 * stories. All of it is one text, of which the screen shows a piece.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/show.h"
#include "sink/story.h"
#include "top/view.h"

#define LABEL 11		/* columns of the map that are no IOVAs */
#define MOST_STORIES 8

static const struct m_ioas *chosen_ioas(const struct top_view *v, const struct model *m)
{
	const struct m_ctx *c = table_get(&m->ctxs, v->ctx);
	const struct m_ioas *s = c && c->known ? table_get(&c->ioases, v->ioas) : NULL;

	return s && ioas_is_there(s) ? s : NULL;
}

static const struct top_row *chosen_row(const struct top_view *v, const struct top_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].ctx == v->ctx && l->at[i].ioas == v->ioas)
			return &l->at[i];
	return NULL;
}

/* ---- numbers ---- */

/* The columns that the list may have had no room for, one below the other. */
static void put_numbers(FILE *f, const struct top_row *row, uint64_t window_ns)
{
	char cell[TOP_CELL];

	top_show_name(row, TOP_CELL - 1, cell);
	fprintf(f, "IOAS %u of %s, context %u of its process (%#" PRIx64 ")\n\n", row->id, cell,
		row->ordinal, row->ctx);
	for (unsigned int i = 2; i < top_ncolumns; i++) {
		top_columns[i].show(row, window_ns, cell);
		fprintf(f, "  %-10s %6s%s", top_columns[i].name, cell, i % 3 == 1 ? "\n" : "");
	}
	fputs(top_ncolumns % 3 == 2 ? "\n" : "\n\n", f);
}

static void put_devices(FILE *f, const struct m_ioas *s)
{
	const struct m_device *d;
	const struct m_domain *dom;
	uint32_t i;

	table_for_each(&s->ctx->devices, i, d) {
		if (!d->domain || model_ioas_of_domain(s->ctx, d->domain) != s)
			continue;
		fprintf(f, "  device %u ", d->id);
		show_text(f, d->name, sizeof(d->name));
		if (ims_has_group(d->group, d->id))
			fprintf(f, ", group %u", d->group);
		fputc('\n', f);
	}
	for (dom = s->domains; dom; dom = dom->next)
		fprintf(f, "  domain %#" PRIx64 ", aperture %#" PRIx64 "-%#" PRIx64 "\n", dom->cookie,
			dom->aperture_start, dom->aperture_last);
	fprintf(f, "  alignment %" PRIu64 ", %u areas\n\n", s->align, s->nareas);
}

/* ---- the map ---- */

/* All areas; with none, what may be mapped first. */
static void whole(const struct m_ioas *s, uint64_t *start, uint64_t *last)
{
	if (s->nareas) {
		*start = s->areas[0]->iova;
		*last = s->areas[s->nareas - 1]->last;
		return;
	}
	if (!ioas_usable(s, 0, start, last))
		*start = 0, *last = UINT64_MAX;
}

static void put_map(FILE *f, const struct top_view *v, const struct m_ioas *s, int cols)
{
	uint64_t start = v->start, last = v->last;
	char *map;

	if (!v->zoomed)
		whole(s, &start, &last);
	map = ims_ioas_map(s, start, last, cols > LABEL + 8 ? cols - LABEL : 8);
	fputs(map ? map : "", f);
	free(map);
}

static void zoom(struct top_view *v, bool in)
{
	uint64_t quarter = (v->last - v->start) / 4;

	if (in && quarter >= IMS_PAGE) {
		v->start += quarter;
		v->last -= quarter;
	} else if (!in) {
		quarter = quarter * 2 + IMS_PAGE;
		v->start -= v->start < quarter ? v->start : quarter;
		v->last += UINT64_MAX - v->last < quarter ? UINT64_MAX - v->last : quarter;
	}
}

static void pan(struct top_view *v, bool right)
{
	uint64_t by = (v->last - v->start) / 4 + 1, room = right ? UINT64_MAX - v->last : v->start;

	by = by < room ? by : room;
	v->start += right ? by : -by;
	v->last += right ? by : -by;
}

void top_ioas_key(struct top_view *v, const struct top_scene *scene, int key)
{
	const struct m_ioas *s = chosen_ioas(v, scene->model);
	bool moves = key == TOP_KEY_LEFT || key == TOP_KEY_RIGHT;

	if (!s)
		return;
	if (key == '0')
		v->zoomed = false;
	if (!moves && key != '+' && key != '-')
		return;
	if (!v->zoomed)
		whole(s, &v->start, &v->last);
	v->zoomed = true;
	if (moves)
		pan(v, key == TOP_KEY_RIGHT);
	else
		zoom(v, key == '+');
}

/* ---- violations ---- */

/* What names no IOAS may be about any of the ctx. */
static bool is_about(const struct kept_violation *kept, const struct top_view *v)
{
	return kept->ctx == v->ctx && (!kept->ioas || kept->ioas == v->ioas);
}

static void put_violations(FILE *f, const struct top_view *v, const struct kept *kept,
			   uint64_t counted)
{
	unsigned int told = 0;

	for (unsigned int i = kept ? kept->n : 0; i-- && told < MOST_STORIES;) {
		if (!is_about(&kept->list[i], v))
			continue;
		if (!told++)
			fputs("\nThe last violations that were told, the latest first:\n", f);
		fputs(kept->list[i].lines ? kept->list[i].lines : "", f);
	}
	if (counted > told)
		fprintf(f, "\n%" PRIu64 " more violations were counted\n", counted - told);
}

/* ---- all ---- */

static char *text_of(const struct top_view *v, const struct top_scene *scene,
		     const struct m_ioas *s, const struct top_row *row, int cols)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	put_numbers(f, row, scene->table->window_ns);
	put_devices(f, s);
	put_map(f, v, s, cols);
	put_violations(f, v, scene->kept, row->violations);
	fclose(f);
	return text;
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

static void draw_lines(struct grid *g, const char *text, unsigned int skip)
{
	for (unsigned int line = 0; text && *text; line++) {
		int len = strcspn(text, "\n");

		if (line >= skip && line - skip + 1 < (unsigned int)g->rows)
			grid_put(g, line - skip, 0, strncmp(text, "VIOLATION", 9) ? GRID_PLAIN :
				 GRID_ALERT, "%.*s", len, text);
		text += len + !!text[len];
	}
}

bool top_ioas_draw(struct top_view *v, const struct top_scene *scene, struct grid *g)
{
	const struct m_ioas *s = chosen_ioas(v, scene->model);
	const struct top_row *row = chosen_row(v, &scene->table->ioases);
	char *text;

	if (!s || !row)
		return false;
	text = text_of(v, scene, s, row, g->cols);
	v->lines = count_lines(text);
	v->page_rows = g->rows > 1 ? g->rows - 1 : 1;
	if ((int)(v->lines - v->scroll) < v->page_rows)
		v->scroll = (int)v->lines > v->page_rows ? v->lines - v->page_rows : 0;
	draw_lines(g, text, v->scroll);
	free(text);
	grid_put(g, g->rows - 1, 0, GRID_HEAD, "%u-%u of %u lines  Backspace: back  + -: zoom",
		 v->scroll + 1, v->scroll + v->page_rows < v->lines ? v->scroll + v->page_rows : v->lines,
		 v->lines);
	return true;
}
