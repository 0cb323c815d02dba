// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folded stacks, what flame graphs are made of: a line for each stack,
 *
 *	qemu;main;vfio_map;ioctl;entry_SYSCALL_64_after_hwframe;...;[map];[domain map] 1234
 *
 * Under the kernel's functions stand, in brackets, the operation and its phase. Time is
 * that of the phase without phases in it, so that all lines add up.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/profile.h"
#include "sink/show.h"

/* Others choose these names; ';' and ' ' have a meaning here. */
static void put_frame(FILE *f, const char *name, size_t max)
{
	for (size_t i = 0; i < max && name[i]; i++)
		putc(name[i] <= ' ' || name[i] > '~' || name[i] == ';' ? '_' : name[i], f);
}

static uint64_t weigh(const struct profile_sum *s, enum profile_weight weight)
{
	if (weight == PROFILE_NS)
		return s->sum.self;
	if (s->key.phase != s->key.op)
		return 0;
	return weight == PROFILE_CALLS ? s->sum.calls : s->sum.bytes;
}

static void put_line(FILE *f, const struct profile_report *r, const struct profile_sum *s,
		     struct view_stack *stack, uint64_t weight)
{
	const struct profile_who *w = profile_who_find(r->profile, s->key.who);

	view_stack(r, s->key.who, s->key.ustack, s->key.kstack, stack);
	put_frame(f, w ? w->who.comm : "others", IMS_COMM);
	for (unsigned int i = 0; i < stack->n; i++) {
		putc(';', f);
		put_frame(f, stack->frame[i], SYMBOL_MAX);
	}
	fprintf(f, ";[%s]", profile_phase_title(s->key.op));
	if (s->key.phase != s->key.op)
		fprintf(f, ";[%s]", profile_phase_title(s->key.phase));
	fprintf(f, " %" PRIu64 "\n", weight);
}

int ims_profile_folded(FILE *f, const struct profile_report *r, enum profile_weight weight)
{
	struct view_stack *stack = malloc(sizeof(*stack));

	if (!stack)
		return -1;
	for (size_t i = 0; i < r->profile->sums.n; i++) {
		const struct profile_sum *s = &r->profile->sums.at[i];

		if (weigh(s, weight))
			put_line(f, r, s, stack, weigh(s, weight));
	}
	free(stack);
	return 0;
}
