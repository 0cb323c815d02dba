// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOVA space around a violation, in characters:
 *
 *	IOVA map of IOAS 2: 64 columns of 4 KiB, 0x100000-0x13ffff
 *	  areas    AAAAAAAAAAAAAAAABBBBBBBB........
 *	  reserved ........................XXXXXXXX
 *	  D1       ################################
 *	  here     ^^^^^^^^^^^^^^^^
 *
 * "#" is translated, "+" in part, "." not.  The ranges follow in numbers.  The same
 * map, wider or narrower, shows an IOAS in which nothing is wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "record/desc.h"
#include "sink/story.h"

#define COLUMNS 64
#define MAX_LINES 8		/* of runs per domain */

struct window {
	uint64_t start, last;
	uint64_t cell;		/* bytes per column */
	unsigned int columns;
	uint64_t here, here_last;
	struct ims_names *names;
};

static const struct m_area *any_area(const struct m_event *ev)
{
	return ev->area ? ev->area : ev->pages ? ev->pages->areas : NULL;
}

bool ims_violation_iova(const struct ims_violation *viol, uint64_t *start, uint64_t *last)
{
	const struct m_area *a = any_area(viol->event);

	if (ims_record_iova(viol->event->r, start, last))
		return true;
	if (!a)
		return false;
	*start = a->iova;
	*last = a->last;
	return true;
}

const struct m_ioas *ims_event_ioas(const struct m_event *ev)
{
	const struct m_area *a = any_area(ev);

	if (ev->ioas)
		return ev->ioas;
	return a ? a->ioas : ev->domain ? ev->domain->ioas : NULL;
}

/* In columns of whole pages. */
static struct window window_of(uint64_t start, uint64_t last, unsigned int columns)
{
	struct window w = { .start = start & ~(IMS_PAGE - 1), .columns = columns };

	w.cell = ((last - w.start) / columns / IMS_PAGE + 1) * IMS_PAGE;
	if (__builtin_mul_overflow(w.cell, columns, &w.last) ||
	    __builtin_add_overflow(w.start, w.last - 1, &w.last))
		w.last = UINT64_MAX;
	return w;
}

/* The range with as much again on both sides. */
static struct window window_around(uint64_t start, uint64_t last)
{
	uint64_t margin = (last - start) / 2 + 8 * IMS_PAGE, from = start & ~(IMS_PAGE - 1);
	struct window w = window_of(from > margin ? from - margin : 0,
				    last < UINT64_MAX - margin ? last + margin : UINT64_MAX, COLUMNS);

	w.here = start;
	w.here_last = last;
	return w;
}

/* The IOVAs of column @i; false when it is beyond the end. */
static bool column(const struct window *w, unsigned int i, uint64_t *start, uint64_t *last)
{
	if (i > (w->last - w->start) / w->cell)
		return false;
	*start = w->start + i * w->cell;
	if (__builtin_add_overflow(*start, w->cell - 1, last) || *last > w->last)
		*last = w->last;
	return true;
}

static char area_letter(const struct m_ioas *s, const struct window *w, uint64_t start,
			uint64_t last)
{
	uint32_t first, hit;

	if (!model_area_first(s, start, last, &hit))
		return '.';
	model_area_first(s, w->start, w->last, &first);
	return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(hit - first) % 26];
}

static void put_areas(FILE *f, const struct m_ioas *s, const struct window *w)
{
	uint64_t start, last;

	fputs("  areas    ", f);
	for (unsigned int i = 0; i < w->columns && column(w, i, &start, &last); i++)
		putc(area_letter(s, w, start, last), f);
	putc('\n', f);
}

static void put_reserved(FILE *f, const struct m_ioas *s, const struct window *w)
{
	uint64_t start, last;

	fputs("  reserved ", f);
	for (unsigned int i = 0; i < w->columns && column(w, i, &start, &last); i++)
		putc(model_range_hit(s->reserved, start, last) ? 'X' : '.', f);
	putc('\n', f);
}

static void put_allowed(FILE *f, const struct m_ioas *s, const struct window *w)
{
	uint64_t start, last;

	fputs("  allowed  ", f);
	for (unsigned int i = 0; i < w->columns && column(w, i, &start, &last); i++)
		putc(model_range_hit(s->allowed, start, last) ? '=' : '.', f);
	putc('\n', f);
}

/* @letter and number, as wide as the other labels. */
static void put_label(FILE *f, const struct window *w, char letter, uint64_t cookie)
{
	bool is_new;

	fprintf(f, "  %c%-7u ", letter, ims_names_get(w->names, letter, cookie, &is_new));
}

static void put_domain(FILE *f, struct m_domain *d, const struct window *w)
{
	uint64_t start, last;

	put_label(f, w, 'D', d->cookie);
	for (unsigned int i = 0; i < w->columns && column(w, i, &start, &last); i++) {
		uint64_t covered = runmap_covered(&d->pt, start, last);

		putc(!covered ? '.' : covered - 1 == last - start ? '#' : '+', f);
	}
	putc('\n', f);
}

static void put_here(FILE *f, const struct window *w)
{
	uint64_t start, last;

	fputs("  here     ", f);
	for (unsigned int i = 0; i < w->columns && column(w, i, &start, &last); i++)
		putc(start <= w->here_last && last >= w->here ? '^' : ' ', f);
	putc('\n', f);
}

/* ---- the same in numbers ---- */

static void list_areas(FILE *f, const struct m_ioas *s, const struct window *w)
{
	static const char *const states[] = { "pending", "live", "dying", "removed" };
	uint32_t pos, first;

	model_area_first(s, w->start, w->last, &first);
	for (pos = first; pos < s->nareas && pos < first + 26; pos++) {
		const struct m_area *a = s->areas[pos];

		if (a->iova > w->last)
			break;
		put_label(f, w, 'A', a->cookie);
		fprintf(f, "is '%c', %#" PRIx64 "-%#" PRIx64 " %s, from byte %#" PRIx64
			" of pages %#" PRIx64 "\n", 'A' + (int)(pos - first), a->iova, a->last,
			states[a->state], a->start_byte, a->pages ? a->pages->cookie : 0);
	}
}

static void list_ranges(FILE *f, const char *what, const struct m_range *r, const struct window *w)
{
	unsigned int lines = 0;

	for (; r && lines < MAX_LINES; r = r->next) {
		if (r->start > w->last || r->last < w->start)
			continue;
		lines++;
		fprintf(f, "  %-8s %#" PRIx64 "-%#" PRIx64, what, r->start, r->last);
		if (r->owner)
			fprintf(f, " for %#" PRIx64, r->owner);
		putc('\n', f);
	}
}

static void list_runs(FILE *f, struct m_domain *d, const struct window *w)
{
	struct runmap_pos pos;
	unsigned int lines = 0;
	struct run run;
	bool more;

	put_label(f, w, 'D', d->cookie);
	fprintf(f, "is domain %#" PRIx64 "%s\n", d->cookie, d->added ? "" :
		", not (or no longer) part of the IOAS");
	for (more = runmap_first(&d->pt, w->start, w->last, &pos, &run); more && run.start <= w->last;
	     more = runmap_next(&d->pt, &pos, &run)) {
		if (++lines > MAX_LINES) {
			fputs("           ...\n", f);
			break;
		}
		fprintf(f, "           %#" PRIx64 "-%#" PRIx64 " -> ", run.start,
			run.start + run.len - 1);
		if (run.addr & IMS_ADDR_UNKNOWN)
			fputs("an unknown address\n", f);
		else
			fprintf(f, "%#" PRIx64 "\n", run.addr);
	}
}

/* Calls @put for the domains of the IOAS, and for the one of @ev (if any) if it has left. */
static void each_domain(FILE *f, const struct m_ioas *s, const struct m_event *ev,
			const struct window *w,
			void (*put)(FILE *f, struct m_domain *d, const struct window *w))
{
	struct m_domain *left = ev ? ev->domain : NULL;

	for (struct m_domain *d = s->domains; d; d = d->next) {
		put(f, d, w);
		if (d == left)
			left = NULL;
	}
	if (left)
		put(f, left, w);
}

static void put_map(FILE *f, const struct m_ioas *s, const struct m_event *ev,
		    const struct window *w)
{
	fprintf(f, "IOVA map of IOAS %u, %#" PRIx64 "-%#" PRIx64 ", %" PRIu64 " KiB a column:\n",
		s->id, w->start, w->last, w->cell >> 10);
	put_areas(f, s, w);
	put_reserved(f, s, w);
	if (s->allowed)
		put_allowed(f, s, w);
	each_domain(f, s, ev, w, put_domain);
	if (ev)
		put_here(f, w);
	list_areas(f, s, w);
	list_ranges(f, "reserved", s->reserved, w);
	list_ranges(f, "allowed", s->allowed, w);
	each_domain(f, s, ev, w, list_runs);
}

char *ims_iova_map(const struct ims_violation *viol, struct ims_names *names)
{
	const struct m_ioas *s = ims_event_ioas(viol->event);
	char *text = NULL;
	uint64_t start, last;
	struct window w;
	size_t size;
	FILE *f;

	if (!s || !ims_violation_iova(viol, &start, &last))
		return strdup("");
	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	w = window_around(start, last);
	w.names = names;
	put_map(f, s, viol->event, &w);
	fclose(f);
	return text;
}

char *ims_ioas_map(const struct m_ioas *s, uint64_t start, uint64_t last, unsigned int columns)
{
	struct window w = window_of(start, last, columns);
	struct ims_names names = {};
	char *text = NULL;
	size_t size;
	FILE *f;

	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	w.names = &names;
	put_map(f, s, NULL, &w);
	fclose(f);
	return text;
}
