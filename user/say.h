/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes to stderr: single lines "iommuscope: what is wrong; what to do".
 */
#ifndef IMS_SAY_H
#define IMS_SAY_H

#include <stdbool.h>

#define IMS_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))

enum ims_say { IMS_SAY_QUIET, IMS_SAY_NORMAL, IMS_SAY_VERBOSE };

extern enum ims_say ims_say_level;
/* Not NULL: who has the terminal gets the lines, and says them when it is free again. */
extern void (*ims_say_taker)(const char *line);

/* Always said: the reason for exit status 2. */
void ims_error(const char *format, ...) IMS_PRINTF(1);
/* Not said with -q. */
void ims_note(const char *format, ...) IMS_PRINTF(1);
/* Only said with -v. */
void ims_detail(const char *format, ...) IMS_PRINTF(1);

#endif
