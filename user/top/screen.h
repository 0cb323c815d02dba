/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal: the only place that knows ncurses. What is not the view's business is
 * here: that the terminal can do what is needed, keys of all terminals, resizing, and
 * that it is left as it was, whatever ends the program.
 */
#ifndef IMS_TOP_SCREEN_H
#define IMS_TOP_SCREEN_H

#include "top/grid.h"

/* 0, or -1 after saying what is wrong and what to do. */
int screen_open(void);
/* May be called at any time, also twice. What was to be said meanwhile is said then. */
void screen_close(void);
/* A character, enum top_key, or TOP_KEY_NONE when none was pressed; does not wait. */
int screen_key(void);
/* Something has to be drawn anew: the size has changed, or Ctrl-L was pressed. */
bool screen_stale(void);
void screen_size(int *rows, int *cols);
void screen_show(const struct grid *g);
/* The last line that was to be said, for a while; NULL: none. */
const char *screen_note(void);

#endif
