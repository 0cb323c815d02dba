/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reactions to a violation: stop, run a command, signal a process.
 */
#ifndef IMS_REACT_H
#define IMS_REACT_H

#include <stdbool.h>

#include "opts.h"
#include "rules/verifier.h"

/* Returns whether to stop. */
bool react(const struct ims_reactions *to, const struct ims_violation *v);
/* Wait for the commands that were started. */
void react_end(void);

#endif
