/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A violation explained: how its objects lived until then, in sentences, and what
 * the IOVA space around it looks like in the model at that moment.
 *
 * Lines of text, allocated; to be called while the violation is reported, when
 * the model still is as the rule saw it.  NULL: out of memory.
 */
#ifndef IMS_STORY_H
#define IMS_STORY_H

#include "rules/verifier.h"

char *ims_story(const struct ims_verifier *v, const struct ims_violation *viol);
/* "" when the violation is not about IOVAs. */
char *ims_iova_map(const struct ims_violation *viol);

/* The IOVAs that the violation is about; false when there are none. */
bool ims_violation_iova(const struct ims_violation *viol, uint64_t *start, uint64_t *last);

#endif
