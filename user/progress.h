/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bar on standard error, for who sits at a terminal and has waited for a second.
 */
#ifndef IMS_PROGRESS_H
#define IMS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool wanted;
	uint64_t next;		/* ns; when it is drawn */
	int drawn;		/* columns, 0: nothing is there */
};

/* @wanted: if there is a terminal at all, nobody wants quiet, and nobody else writes there */
void progress_begin(struct progress *p, bool wanted);
/*
 * @done of 1000, and what stands behind the bar.  NO_BAR: nobody knows how much there is.
 * AT_ONCE: nor can anybody look while it is done.
 */
enum { PROGRESS_NO_BAR = 1001, PROGRESS_AT_ONCE };
void progress_draw(struct progress *p, unsigned int done, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes it away before anything else is printed; it may be drawn again. */
void progress_wipe(struct progress *p);
/* Whichever is drawn: who says something needs the line. */
void progress_make_room(void);

#endif
