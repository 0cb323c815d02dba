/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members of JSON objects, and their schema by the same functions.
 *
 * A function that writes the members of an object is told to write their values,
 * their types, or their names for the list of those that are required. So output and
 * schema cannot disagree. For types and names it is given an item of zeros.
 */
#ifndef IMS_MEMBERS_H
#define IMS_MEMBERS_H

#include <stddef.h>

#include "record/desc.h"
#include "sink/jsonw.h"

enum jm_mode { JM_VALUE, JM_TYPE, JM_NAME };

struct jm {
	struct jsonw w;
	enum jm_mode mode;
	const void *of;		/* for the functions, what all of it is of; NULL for the schema */
};

typedef void (*jm_body_fn)(struct jm *o, const void *item);

void jm_number(struct jm *o, const char *key, uint64_t value);
void jm_integer(struct jm *o, const char *key, int64_t value);
void jm_cookie(struct jm *o, const char *key, uint64_t value);	/* "0x..." */
void jm_truth(struct jm *o, const char *key, bool value);
void jm_text(struct jm *o, const char *key, const char *s, size_t max);
void jm_named(struct jm *o, const char *key, const struct ims_name *names, uint64_t value);
void jm_flags(struct jm *o, const char *key, const struct ims_name *names, uint64_t value);
void jm_object(struct jm *o, const char *key, jm_body_fn body, const void *item);
/* @n items of @size bytes each. */
void jm_array(struct jm *o, const char *key, jm_body_fn body, const void *at, size_t n,
	      size_t size);
#define JM_ARRAY(o, key, body, list) \
	jm_array(o, key, body, (list).at, (list).n, sizeof(*(list).at))
void jm_integers(struct jm *o, const char *key, const int64_t *at, size_t n);
void jm_texts(struct jm *o, const char *key, const char *const *at, size_t n);
/* The lines of @text; NULL: none. */
void jm_lines(struct jm *o, const char *key, const char *text);
/* "type": by which a line is told apart from others. */
void jm_kind(struct jm *o, const char *type);

#endif
