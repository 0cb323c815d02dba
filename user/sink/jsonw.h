/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A streaming JSON writer: no tree, no allocation, commas by itself.
 *
 * Keys are NULL inside an array.  Strings that are not UTF-8 (a comm is any
 * bytes) are written with the offending bytes as U+0080..U+00FF, so that the
 * output is always valid.
 */
#ifndef IMS_JSONW_H
#define IMS_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct jsonw {
	FILE *f;
	bool comma;		/* something stands before in this container */
};

void jw_object(struct jsonw *w, const char *key);
void jw_object_end(struct jsonw *w);
void jw_array(struct jsonw *w, const char *key);
void jw_array_end(struct jsonw *w);
void jw_u64(struct jsonw *w, const char *key, uint64_t value);
void jw_s64(struct jsonw *w, const char *key, int64_t value);
void jw_hex(struct jsonw *w, const char *key, uint64_t value);	/* "0x..." */
void jw_bool(struct jsonw *w, const char *key, bool value);
void jw_text(struct jsonw *w, const char *key, const char *s);	/* null for NULL */
void jw_textn(struct jsonw *w, const char *key, const char *s, size_t max);
void jw_line_end(struct jsonw *w);

/* Bytes of the UTF-8 character at @s, of which @max may be read; 0: not UTF-8. */
size_t utf8_len(const unsigned char *s, size_t max);

#endif
