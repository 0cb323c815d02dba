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
 * "#" is translated, "+" in part, "." not.  The ranges follow in numbers.
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

static const struct m_ioas *ioas_of(const struct m_event *ev)
{
	const struct m_area *a = any_area(ev);

	if (ev->ioas)
		return ev->ioas;
	return a ? a->ioas : ev->domain ? ev->domain->ioas : NULL;
}

/* The range with as much again on both sides, in columns of whole pages. */
static struct window window_around(uint64_t start, uint64_t last)
{
	struct window w = { .here = start, .here_last = last };
	uint64_t margin = (last - start) / 2 + 8 * IMS_PAGE;

	start &= ~(IMS_PAGE - 1);
	w.start = start > margin ? (start - margin) & ~(IMS_PAGE - 1) : 0;
	w.last = last < UINT64_MAX - margin ? last + margin : UINT64_MAX;
	w.cell = ((w.last - w.start) / COLUMNS / IMS_PAGE + 1) * IMS_PAGE;
	if (__builtin_add_overflow(w.start, w.cell * COLUMNS - 1, &w.last))
		w.last = UINT64_MAX;
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
	for (unsigned int i = 0; i < COLUMNS && column(w, i, &start, &last); i++)
		putc(area_letter(s, w, start, last), f);
	putc('\n', f);
}

static void put_reserved(FILE *f, const struct m_ioas *s, const struct window *w)
{
	uint64_t start, last;

	fputs("  reserved ", f);
	for (unsigned int i = 0; i < COLUMNS && column(w, i, &start, &last); i++)
		putc(model_range_hit(s->reserved, start, last) ? 'X' : '.', f);
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
	for (unsigned int i = 0; i < COLUMNS && column(w, i, &start, &last); i++) {
		uint64_t covered = runmap_covered(&d->pt, start, last);

		putc(!covered ? '.' : covered - 1 == last - start ? '#' : '+', f);
	}
	putc('\n', f);
}

static void put_here(FILE *f, const struct window *w)
{
	uint64_t start, last;

	fputs("  here     ", f);
	for (unsigned int i = 0; i < COLUMNS && column(w, i, &start, &last); i++)
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

static void list_reserved(FILE *f, const struct m_ioas *s, const struct window *w)
{
	unsigned int lines = 0;

	for (const struct m_range *r = s->reserved; r && lines < MAX_LINES; r = r->next) {
		if (r->start > w->last || r->last < w->start)
			continue;
		lines++;
		fprintf(f, "  reserved %#" PRIx64 "-%#" PRIx64 " for %#" PRIx64 "\n", r->start,
			r->last, r->owner);
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
		fprintf(f, "           %#" PRIx64 "-%#" PRIx64 " -> %#" PRIx64 "\n", run.start,
			run.start + run.len - 1, run.addr);
	}
}

/* Calls @put for the domains of the IOAS, and for the one of the event if it has left. */
static void each_domain(FILE *f, const struct m_ioas *s, const struct m_event *ev,
			const struct window *w,
			void (*put)(FILE *f, struct m_domain *d, const struct window *w))
{
	bool seen = !ev->domain;

	for (struct m_domain *d = s->domains; d; d = d->next) {
		put(f, d, w);
		seen |= d == ev->domain;
	}
	if (!seen)
		put(f, ev->domain, w);
}

static void put_map(FILE *f, const struct m_ioas *s, const struct m_event *ev,
		    const struct window *w)
{
	fprintf(f, "IOVA map of IOAS %u, %#" PRIx64 "-%#" PRIx64 ", %" PRIu64 " KiB a column:\n",
		s->id, w->start, w->last, w->cell >> 10);
	put_areas(f, s, w);
	put_reserved(f, s, w);
	each_domain(f, s, ev, w, put_domain);
	put_here(f, w);
	list_areas(f, s, w);
	list_reserved(f, s, w);
	each_domain(f, s, ev, w, list_runs);
}

char *ims_iova_map(const struct ims_violation *viol, struct ims_names *names)
{
	const struct m_ioas *s = ioas_of(viol->event);
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
