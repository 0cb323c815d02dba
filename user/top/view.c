// SPDX-License-Identifier: GPL-2.0-only
#include "top/view.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define HEAD_ROWS 4		/* title, state, two lines of headings */
#define PRINT_COLS 120

void top_view_init(struct top_view *v, enum top_page page, const struct top_column *sort,
		   bool reverse)
{
	*v = (struct top_view){ .page = page, .sort = sort, .reverse = reverse };
}

/* ---- which rows ---- */

static struct top_list *list_of(const struct top_view *v, const struct top_scene *scene)
{
	return v->page == TOP_PROCESSES ? &scene->table->processes : &scene->table->ioases;
}

static bool passes(const struct top_view *v, const struct top_row *row)
{
	char text[64];

	if (v->page != TOP_PROCESSES && v->of_process && row->tgid != v->of_process)
		return false;
	snprintf(text, sizeof(text), "%.*s/%u %u", IMS_COMM, row->comm, row->tgid,
		 row->ctx ? row->id : 0);
	return !v->filter[0] || strstr(text, v->filter);
}

static bool is_chosen(const struct top_view *v, const struct top_row *row)
{
	return row->tgid == v->tgid && (v->page == TOP_PROCESSES ||
					(row->ctx == v->ctx && row->ioas == v->ioas));
}

static void choose(struct top_view *v, const struct top_row *row, size_t at)
{
	v->at = at;
	v->tgid = row->tgid;
	if (v->page == TOP_PROCESSES)
		return;
	v->ctx = row->ctx;
	v->ioas = row->ioas;
}

/* The row at place @at of those that pass; the last one when there are fewer. */
static const struct top_row *row_at(const struct top_view *v, const struct top_list *l, size_t *at)
{
	const struct top_row *row = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!passes(v, &l->at[i]))
			continue;
		row = &l->at[i];
		if (n++ == *at)
			return row;
	}
	*at = n ? n - 1 : 0;
	return row;
}

/* The chosen row may have moved, or be gone: then who is in its place is chosen. */
static const struct top_row *find_chosen(struct top_view *v, const struct top_list *l)
{
	const struct top_row *row;
	size_t n = 0, at = v->moved ? v->at : 0;

	for (size_t i = 0; v->moved && i < l->n; i++) {
		if (!passes(v, &l->at[i]))
			continue;
		if (is_chosen(v, &l->at[i])) {
			v->at = n;
			return &l->at[i];
		}
		n++;
	}
	row = row_at(v, l, &at);
	v->at = at;
	if (row)
		choose(v, row, at);
	return row;
}

/* ---- the heading ---- */

struct piece {
	char text[64];
	enum grid_attr attr;
};

static void put_pieces(struct grid *g, int row, const struct piece *p, unsigned int n)
{
	int col = 0;

	for (unsigned int i = 0; i < n; i++) {
		int gap = col ? 2 : 0;

		if (col && col + gap + (int)strlen(p[i].text) > g->cols)
			continue;
		col = grid_put(g, row, col + gap, p[i].attr, "%s", p[i].text);
	}
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* What matters most comes first: what has no room is left out. */
static void put_title(struct grid *g, const struct top_table *t)
{
	struct piece p[6] = {};
	char rate[TOP_CELL];

	top_show_rate(t->records_window * 1e9 / (t->window_ns ? t->window_ns : 1), rate);
	snprintf(p[0].text, sizeof(p[0].text), "top");
	snprintf(p[1].text, sizeof(p[1].text), "%" PRIu64 " violation%s", t->violations,
		 plural(t->violations));
	snprintf(p[2].text, sizeof(p[2].text), "%" PRIu64 " lost", t->lost);
	snprintf(p[3].text, sizeof(p[3].text), "%zu process%s", t->processes.n,
		 t->processes.n == 1 ? "" : "es");
	snprintf(p[4].text, sizeof(p[4].text), "%zu context%s", t->contexts, plural(t->contexts));
	snprintf(p[5].text, sizeof(p[5].text), "%s records/s", rate);
	p[0].attr = GRID_HEAD;
	p[1].attr = t->violations ? GRID_ALERT : GRID_PLAIN;
	p[2].attr = t->lost ? GRID_ALERT : GRID_PLAIN;
	put_pieces(g, 0, p, 6);
}

static void put_state(struct grid *g, const struct top_view *v, const struct top_scene *scene)
{
	int col;

	col = grid_put(g, 1, 0, GRID_PLAIN, "%s by %s%s", v->page == TOP_PROCESSES ? "processes" :
		       "IOASes", v->sort->name, v->reverse ? " reversed" : "");
	if (v->page == TOP_IOASES && v->of_process)
		col = grid_put(g, 1, col, GRID_PLAIN, " of process %u", v->of_process);
	if (v->typing || v->filter[0])
		col = grid_put(g, 1, col, GRID_HEAD, "  filter: %s%s", v->filter, v->typing ? "_" : "");
	if (scene->note)
		grid_put(g, 1, col, GRID_ALERT, "  %s", scene->note);
}

static void put_heads(struct grid *g, int row, unsigned int columns, int name_width,
		      const struct top_column *sort)
{
	int col = 0;

	for (unsigned int i = 0; i < top_ncolumns; i++) {
		const struct top_column *c = &top_columns[i];
		int width = i ? c->width : name_width;
		int at = c->is_text ? col : col + width - (int)strlen(c->head);

		if (!(columns >> i & 1))
			continue;
		grid_put(g, row, col + (width > 5 ? 0 : 1), GRID_PLAIN, "%s", c->group);
		grid_put(g, row + 1, at, c == sort ? GRID_CHOSEN : GRID_HEAD, "%s", c->head);
		col += width + 1;
	}
}

/* ---- rows ---- */

static void put_row(struct grid *g, int at, unsigned int columns, int name_width,
		    const struct top_row *row, uint64_t window_ns)
{
	char cell[TOP_CELL];
	int col = 0;

	for (unsigned int i = 0; i < top_ncolumns; i++) {
		const struct top_column *c = &top_columns[i];
		bool alert = row->violations && !strcmp(c->name, "violations");
		int width = i ? c->width : name_width;

		if (!(columns >> i & 1))
			continue;
		if (i)
			c->show(row, window_ns, cell);
		else
			top_show_name(row, name_width, cell);
		grid_put(g, at, c->is_text ? col : col + width - (int)strlen(cell),
			 alert ? GRID_ALERT : GRID_PLAIN, "%s", cell);
		col += width + 1;
	}
}

/* Rows that are not shown, in one line. */
struct rest {
	size_t n;
	uint64_t mapped, pinned, violations;
	bool known;
};

static void add_rest(struct rest *r, const struct top_row *row)
{
	r->known = (r->known || !r->n) && row->known;
	r->n++;
	r->mapped += row->mapped;
	r->pinned += row->pinned;
	r->violations += row->violations;
}

static void put_rest(struct grid *g, int at, const struct rest *r)
{
	char mapped[TOP_CELL] = "?", pinned[TOP_CELL] = "?";

	if (r->known) {
		top_show_bytes(r->mapped, mapped);
		top_show_bytes(r->pinned, pinned);
	}
	grid_put(g, at, 0, GRID_PLAIN, "%zu more: mapped %s, pinned %s, %" PRIu64 " violation%s", r->n,
		 mapped, pinned, r->violations, plural(r->violations));
}

/* Rows from place @first on into @most lines from @at on; the others are the rest. */
static void put_rows(struct grid *g, int at, int most, const struct top_view *v,
		     const struct top_scene *scene, size_t first, bool mark, struct rest *rest)
{
	const struct top_list *l = list_of(v, scene);
	int name_width;
	unsigned int columns = top_columns_fit(g->cols, &name_width);
	size_t n = 0;

	put_heads(g, at - 2, columns, name_width, v->sort);
	for (size_t i = 0; i < l->n; i++) {
		const struct top_row *row = &l->at[i];

		if (!passes(v, row))
			continue;
		if (n < first || n >= first + most) {
			add_rest(rest, row);
		} else {
			put_row(g, at + (n - first), columns, name_width, row,
				scene->table->window_ns);
			if (mark && is_chosen(v, row))
				grid_mark(g, at + (n - first), GRID_CHOSEN);
		}
		n++;
	}
	if (!n)
		grid_put(g, at, 0, GRID_PLAIN, l->n ? "no row passes the filter" :
			 scene->table->window_ns ? "nobody has /dev/iommu open" : "looking around");
}

/* ---- the list on a screen ---- */

static void keep_in_sight(struct top_view *v)
{
	if (v->at < v->first)
		v->first = v->at;
	if (v->at >= v->first + v->page_rows)
		v->first = v->at - v->page_rows + 1;
}

static void put_footer(struct grid *g, const struct rest *rest)
{
	if (rest->n)
		put_rest(g, g->rows - 1, rest);
	else
		grid_put(g, g->rows - 1, 0, GRID_PLAIN, "?: keys  Enter: look into  /: filter  q: quit");
}

static void draw_list(struct top_view *v, const struct top_scene *scene, struct grid *g)
{
	struct top_list *l = list_of(v, scene);
	struct rest rest = {};

	v->page_rows = g->rows > HEAD_ROWS + 1 ? g->rows - HEAD_ROWS - 1 : 1;
	top_sort(l, v->sort, v->reverse);
	if (!find_chosen(v, l))
		v->first = 0;
	keep_in_sight(v);
	put_title(g, scene->table);
	put_state(g, v, scene);
	put_rows(g, HEAD_ROWS, v->page_rows, v, scene, v->first, true, &rest);
	put_footer(g, &rest);
}

/* ---- help ---- */

static const char *const keys[] = {
	"Enter, Backspace   look into a row, and back",
	"p, i               processes, IOASes",
	"< >                sort by the column to the left, to the right",
	"r                  reverse the order",
	"/                  filter by name, process id or IOAS id; Esc ends it",
	"z                  measure latencies anew",
	"+ - Left Right     in an IOAS: zoom and move its map; 0: all of it",
	"Up Down PgUp PgDn  move",
	"q                  quit",
};

static void draw_help(struct top_view *v, struct grid *g)
{
	int row = 0, nkeys = sizeof(keys) / sizeof(*keys);

	v->lines = nkeys + 1 + top_ncolumns;
	v->page_rows = g->rows;
	for (int i = v->scroll; i < nkeys; i++)
		grid_put(g, row++, 0, GRID_PLAIN, "%s", keys[i]);
	for (unsigned int i = 0; i < top_ncolumns; i++) {
		const struct top_column *c = &top_columns[i];

		if (nkeys + 1 + i < v->scroll)
			continue;
		grid_put(g, ++row, 0, GRID_HEAD, "%s", c->name);
		grid_put(g, row, 12, GRID_PLAIN, "%s", c->about);
	}
}

/* ---- drawing ---- */

void top_view_draw(struct top_view *v, const struct top_scene *scene, struct grid *g)
{
	if (v->page == TOP_HELP) {
		draw_help(v, g);
		return;
	}
	if (v->page == TOP_IOAS && top_ioas_draw(v, scene, g))
		return;
	if (v->page == TOP_IOAS)
		v->page = TOP_IOASES;
	draw_list(v, scene, g);
}

/* ---- keys ---- */

static void type(struct top_view *v, int key)
{
	size_t n = strlen(v->filter);

	if (key == TOP_KEY_ENTER || key == TOP_KEY_ESCAPE)
		v->typing = false;
	if (key == TOP_KEY_ESCAPE)
		v->filter[0] = 0;
	else if (key == TOP_KEY_BACK && n)
		v->filter[n - 1] = 0;
	else if (key < 128 && isprint(key) && n + 1 < sizeof(v->filter))
		memcpy(v->filter + n, (char[]){ key, 0 }, 2);
	v->first = 0;
}

static void move(struct top_view *v, const struct top_scene *scene, long by)
{
	const struct top_row *row;
	size_t at;

	if (by < 0)
		at = v->at > (size_t)-by ? v->at + by : 0;
	else
		at = v->at + by;
	row = row_at(v, list_of(v, scene), &at);
	if (row)
		choose(v, row, at);
	v->moved = true;
}

static void open_page(struct top_view *v, enum top_page page)
{
	v->page = page;
	v->at = v->first = 0;
	v->moved = false;
	v->scroll = 0;
	v->zoomed = false;
}

static void look_into(struct top_view *v, const struct top_scene *scene)
{
	const struct top_row *row = find_chosen(v, list_of(v, scene));

	if (!row)
		return;
	if (v->page == TOP_PROCESSES) {
		v->of_process = row->tgid;
		v->filter[0] = 0;
		open_page(v, TOP_IOASES);
	} else if (row->ioas) {
		v->page = TOP_IOAS;	/* the place in the list stays */
		v->moved = true;
		v->scroll = 0;
		v->zoomed = false;
	}
}

static void back(struct top_view *v)
{
	if (v->page == TOP_IOAS)
		v->page = TOP_IOASES;
	else if (v->filter[0])
		v->filter[0] = 0;
	else if (v->of_process)
		open_page(v, TOP_PROCESSES);
	if (v->page == TOP_PROCESSES)
		v->of_process = 0;
}

static void sort_by_neighbour(struct top_view *v, int step)
{
	int n = top_ncolumns, at = v->sort - top_columns;

	v->sort = &top_columns[(at + step + n) % n];
}

static void list_key(struct top_view *v, const struct top_scene *scene, int key)
{
	switch (key) {
	case TOP_KEY_UP: case 'k': move(v, scene, -1); break;
	case TOP_KEY_DOWN: case 'j': move(v, scene, 1); break;
	case TOP_KEY_PAGE_UP: move(v, scene, -v->page_rows); break;
	case TOP_KEY_PAGE_DOWN: case ' ': move(v, scene, v->page_rows); break;
	case TOP_KEY_HOME: move(v, scene, -(1L << 40)); break;
	case TOP_KEY_END: move(v, scene, 1L << 40); break;
	case TOP_KEY_ENTER: look_into(v, scene); break;
	case TOP_KEY_BACK: case TOP_KEY_ESCAPE: back(v); break;
	case '<': sort_by_neighbour(v, -1); break;
	case '>': sort_by_neighbour(v, 1); break;
	case 'r': v->reverse = !v->reverse; break;
	case '/': v->typing = true; v->filter[0] = 0; break;
	case 'p': v->of_process = 0; open_page(v, TOP_PROCESSES); break;
	case 'i': v->of_process = 0; open_page(v, TOP_IOASES); break;
	}
}

/* Help and an IOAS are texts. */
static bool scrolls(struct top_view *v, int key)
{
	int most = (int)v->lines > v->page_rows ? (int)v->lines - v->page_rows : 0;
	long to = v->scroll;

	switch (key) {
	case TOP_KEY_UP: case 'k': to--; break;
	case TOP_KEY_DOWN: case 'j': to++; break;
	case TOP_KEY_PAGE_UP: to -= v->page_rows - 1; break;
	case TOP_KEY_PAGE_DOWN: case ' ': to += v->page_rows - 1; break;
	case TOP_KEY_HOME: to = 0; break;
	case TOP_KEY_END: to = most; break;
	default: return false;
	}
	v->scroll = to < 0 ? 0 : to > most ? most : to;
	return true;
}

enum top_wish top_view_key(struct top_view *v, const struct top_scene *scene, int key)
{
	if (v->typing) {
		type(v, key);
		return TOP_GO_ON;
	}
	if (key == 'q')
		return TOP_QUIT;
	if (key == 'z')
		return TOP_CLEAR;
	if (v->page == TOP_HELP) {
		if (!scrolls(v, key))
			v->page = v->before_help;
	} else if (key == '?' || key == 'h') {
		v->before_help = v->page;
		v->page = TOP_HELP;
		v->scroll = 0;
	} else if (v->page != TOP_IOAS) {
		list_key(v, scene, key);
	} else if (key == TOP_KEY_BACK || key == TOP_KEY_ESCAPE) {
		back(v);
	} else if (!scrolls(v, key)) {
		top_ioas_key(v, scene, key);
	}
	return TOP_GO_ON;
}

/* ---- without a screen ---- */

int top_view_print(const struct top_scene *scene, enum top_page page,
		   const struct top_column *sort, bool reverse, uint32_t most, FILE *f)
{
	struct top_view v;
	struct top_list *l;
	struct rest rest = {};
	struct grid g;
	size_t rows;

	top_view_init(&v, page, sort, reverse);
	l = list_of(&v, scene);
	rows = most && most < l->n ? most : l->n;
	/* the title, two lines of headings, the rows or why there are none, the rest */
	if (grid_init(&g, 3 + (rows ? rows : 1) + (rows < l->n), PRINT_COLS))
		return -ENOMEM;
	top_sort(l, sort, reverse);
	put_title(&g, scene->table);
	put_rows(&g, 3, rows ? rows : 1, &v, scene, 0, false, &rest);
	if (rest.n)
		put_rest(&g, 3 + rows, &rest);
	grid_write(&g, f);
	grid_free(&g);
	return 0;
}
