/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reactions to a violation: stop, run a command, signal a process.
 */
#ifndef IMS_REACT_H
#define IMS_REACT_H

#include <stdbool.h>

#include "opts.h"
#include "rights/deputy.h"
#include "rules/verifier.h"

/* What the deputy must be allowed for them. */
void react_duties(const struct ims_reactions *to, struct ims_duties *d);
/* Returns whether to stop. */
bool react(const struct ims_reactions *to, const struct ims_violation *v);

#endif
