/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is shown of a profile, in whichever format: its rows, and stacks with names.
 */
#ifndef IMS_PROFILE_VIEW_H
#define IMS_PROFILE_VIEW_H

#include "profile/profile.h"
#include "profile/symbols.h"

struct ims_command_result;

/* All that a sink is given. */
struct profile_report {
	const struct profile *profile;
	struct symbols *symbols;
	const char *absent;		/* functions that are not measured, "" for none */
	const struct ims_command_result *command;	/* NULL: there was none */
};

struct view_row {
	enum ims_phase op, phase;
	struct ims_sum sum;
	struct hist hist;
};

struct view_rows {
	struct view_row *at;
	size_t n, cap;
};

/* A row for each phase within @part that was called, operations first; 0 or -ENOMEM. */
int view_phases(const struct profile *p, const struct profile_part *part, struct view_rows *rows);
/* The phases of operations of one kind, the dearest (by self) first; without histograms. */
int view_operation(const struct profile *p, enum ims_phase op, struct view_rows *rows);
void view_free(struct view_rows *rows);

/* ---- who: a row for each process, IOAS or device ---- */

enum view_by { VIEW_PROCESS, VIEW_IOAS, VIEW_DEVICE };

struct view_who {
	struct profile_part part;	/* all that it did */
	struct profile_who who;		/* one of those that are summed up */
};

struct view_whos {
	struct view_who *at;
	size_t n, cap;
};

int view_by(const struct profile *p, enum view_by by, struct view_whos *whos);
/* Of what there is one row by @by: "qemu/12", "qemu/12 IOAS 2", "0000:03:00.0". */
void view_who_title(const struct view_who *w, enum view_by by, char *text, size_t size);

/* ---- stacks: the caller's functions, outermost first, then the kernel's ---- */

#define VIEW_FRAMES 128

struct view_stack {
	unsigned int n;
	char frame[VIEW_FRAMES][SYMBOL_MAX];
};

void view_stack(const struct profile_report *r, uint32_t who, int32_t ustack, int32_t kstack,
		struct view_stack *stack);

/* Rows of all phases with the same stack, the dearest (by self) first. */
struct view_caller {
	uint32_t who;
	int32_t ustack, kstack;
	enum ims_phase op;
	struct ims_sum sum;		/* of the operations */
};

struct view_callers {
	struct view_caller *at;
	size_t n, cap;
};

int view_callers(const struct profile *p, struct view_callers *callers);

#endif
