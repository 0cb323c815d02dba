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

#define IMS_NAMES 128

struct m_ioas;

/* Short names for cookies, in the order of appearance: area A1, domain D2. */
struct ims_names {
	struct {
		uint64_t cookie;
		char letter;
		unsigned int number;
	} list[IMS_NAMES];
	unsigned int n;
};

/* The number of @cookie among those with @letter; *is_new: it had none before. */
unsigned int ims_names_get(struct ims_names *names, char letter, uint64_t cookie, bool *is_new);

char *ims_story(const struct ims_verifier *v, const struct ims_violation *viol,
		struct ims_names *names);
/* With the names of the story; "" when the violation is not about IOVAs. */
char *ims_iova_map(const struct ims_violation *viol, struct ims_names *names);

/*
 * An IOAS in as many columns, with names that are given on the way. [@start, @last] are
 * the IOVAs asked for; they are rounded to whole pages per column.
 */
char *ims_ioas_map(const struct m_ioas *s, uint64_t start, uint64_t last, unsigned int columns);
/* The IOAS that a record is about, NULL: it is about none. */
const struct m_ioas *ims_event_ioas(const struct m_event *ev);

/* The IOVAs that the violation is about; false when there are none. */
bool ims_violation_iova(const struct ims_violation *viol, uint64_t *start, uint64_t *last);

#endif
