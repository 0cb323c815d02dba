// SPDX-License-Identifier: GPL-2.0-only
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

#include "progress.h"

enum ims_say ims_say_level = IMS_SAY_NORMAL;
void (*ims_say_taker)(const char *line);

/* One write per line, so that lines of our child and ours do not mix. */
static void say(const char *format, va_list args)
{
	char line[8192];

	vsnprintf(line, sizeof(line), format, args);
	if (ims_say_taker) {
		ims_say_taker(line);
	} else {
		progress_make_room();
		fprintf(stderr, "iommuscope: %s\n", line);
	}
}

void ims_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void ims_note(const char *format, ...)
{
	va_list args;

	if (ims_say_level < IMS_SAY_NORMAL)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void ims_detail(const char *format, ...)
{
	va_list args;

	if (ims_say_level < IMS_SAY_VERBOSE)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}
