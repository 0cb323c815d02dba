// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

#define WIDTH 30
#define PATIENCE 1000000000ULL
#define STEP 100000000ULL

static struct progress *shown;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void progress_begin(struct progress *p, bool wanted)
{
	*p = (struct progress){
		.wanted = wanted && ims_say_level > IMS_SAY_QUIET && !ims_say_taker && isatty(STDERR_FILENO),
		.next = now_ns() + PATIENCE,
	};
}

void progress_draw(struct progress *p, unsigned int done, const char *format, ...)
{
	int full = (done < 1000 ? done : 1000) * WIDTH / 1000;
	uint64_t now = p->wanted ? now_ns() : 0;
	va_list args;

	if (!p->wanted || (now < p->next && done != PROGRESS_AT_ONCE))
		return;
	p->next = now + STEP;
	progress_make_room();
	shown = p;
	if (done <= 1000)
		p->drawn = fprintf(stderr, "[%.*s%*s] ", full, "##############################", WIDTH - full, "");
	va_start(args, format);
	p->drawn += vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void progress_wipe(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", p->drawn, "");
	p->drawn = 0;
	if (shown == p)
		shown = NULL;
}

void progress_make_room(void)
{
	if (shown)
		progress_wipe(shown);
}
