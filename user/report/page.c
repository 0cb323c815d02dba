// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page: page.html, in which @@NAME@@ stands for another file, and @@data@@ for the
 * recording as JSON. Everything is in one file, so that it can be mailed and opened
 * anywhere; its Content-Security-Policy forbids to load anything.
 */
#define _GNU_SOURCE		/* memmem(), fopencookie() */
#include <stdio.h>
#include <string.h>

#include "report/assets.h"
#include "report/report.h"

#define MARK "@@"

/* Within a script element "</script>" would end it, and "<!--" hide its end. */
static ssize_t put_escaped(void *to, const char *json, size_t size)
{
	FILE *f = to;

	for (const char *c = json; c < json + size; c++) {
		if (*c == '<')
			fputs("\\u003c", f);
		else
			putc_unlocked(*c, f);
	}
	return ferror(f) ? 0 : size;
}

static void put_data(FILE *f, const struct report *r, const struct ims_outcome *o)
{
	const cookie_io_functions_t io = { .write = put_escaped };
	FILE *escaped = fopencookie(f, "w", io);

	if (!escaped)
		return;		/* the page says that it has no data */
	report_json(r, o, escaped);
	fclose(escaped);
}

static const struct asset *find(const char *name, size_t len)
{
	const struct asset *a = report_assets;

	while (a->name && (strlen(a->name) != len || memcmp(a->name, name, len)))
		a++;
	return a->name ? a : NULL;
}

void report_page(const struct report *r, const struct ims_outcome *o, FILE *f)
{
	const struct asset *page = find("page.html", strlen("page.html")), *a;
	const char *at = page->start, *mark, *end;

	while ((mark = memmem(at, page->end - at, MARK, strlen(MARK)))) {
		fwrite(at, 1, mark - at, f);
		mark += strlen(MARK);
		end = memmem(mark, page->end - mark, MARK, strlen(MARK));
		a = find(mark, end - mark);
		if (a)
			fwrite(a->start, 1, a->end - a->start, f);
		else
			put_data(f, r, o);	/* the only name that is no file */
		at = end + strlen(MARK);
	}
	fwrite(at, 1, page->end - at, f);
}
