/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Minimising: of a stream that breaks a rule, the few records that still do.
 *
 * The target is the first violation: its rule, its record and what is said about
 * it.  Records are taken away as long as the first violation of what is left is
 * still exactly that, in a stream that contradicts itself nowhere.  No record is
 * changed, and none is added, so the result is what the kernel said, but not all
 * of it: records that only show that all is well may be gone.
 *
 * What belongs together goes together, large things first: other contexts, the
 * whole life of pages objects with the operations that are about nothing else,
 * whole operations of a thread, all that names an object, and single records.
 */
#ifndef IMS_MINIMIZE_H
#define IMS_MINIMIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/verifier.h"

struct ims_target {
	const char *rule;
	uint64_t seq;
	uint8_t ring;
	char text[sizeof(((struct ims_violation *)0)->text)];
	uint64_t ctx;
	bool gave_up;		/* it could be smaller still, but took too long */
	/* NULL, or called after each trial: how many records are left, and of 1000 how much time was used */
	void (*tried)(void *arg, size_t left, unsigned int permille);
	void *arg;
};

/*
 * Shrink list[*n] in place.  0, -ENOENT: no rule is broken, -ENOMEM.  @opts says
 * how to verify; its callback is not used.  Of the target, tried and arg are given.
 */
int ims_minimize(const struct ims_record **list, size_t *n, const struct ims_verifier_opts *opts,
		 struct ims_target *target);

#endif
