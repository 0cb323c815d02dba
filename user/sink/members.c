// SPDX-License-Identifier: GPL-2.0-only
#include "sink/members.h"

#include <string.h>

static void put_name(struct jm *o, const char *key)
{
	jw_text(&o->w, NULL, key);
}

static void put_type(struct jm *o, const char *key, const char *type)
{
	jw_object(&o->w, key);
	jw_text(&o->w, "type", type);
	jw_object_end(&o->w);
}

/* In JM_TYPE and JM_NAME mode the same for all but objects; true in JM_VALUE mode. */
static bool is_value(struct jm *o, const char *key, const char *type)
{
	if (o->mode == JM_TYPE)
		put_type(o, key, type);
	else if (o->mode == JM_NAME)
		put_name(o, key);
	return o->mode == JM_VALUE;
}

void jm_number(struct jm *o, const char *key, uint64_t value)
{
	if (is_value(o, key, "integer"))
		jw_u64(&o->w, key, value);
}

void jm_integer(struct jm *o, const char *key, int64_t value)
{
	if (is_value(o, key, "integer"))
		jw_s64(&o->w, key, value);
}

void jm_cookie(struct jm *o, const char *key, uint64_t value)
{
	if (is_value(o, key, "string"))
		jw_hex(&o->w, key, value);
}

void jm_truth(struct jm *o, const char *key, bool value)
{
	if (is_value(o, key, "boolean"))
		jw_bool(&o->w, key, value);
}

void jm_text(struct jm *o, const char *key, const char *s, size_t max)
{
	if (is_value(o, key, "string"))
		jw_textn(&o->w, key, s, max);
}

void jm_named(struct jm *o, const char *key, const struct ims_name *names, uint64_t value)
{
	const char *name = ims_name_of(names, value);

	jm_text(o, key, name ? name : "unknown", SIZE_MAX);
}

void jm_flags(struct jm *o, const char *key, const struct ims_name *names, uint64_t value)
{
	if (!is_value(o, key, "array"))
		return;
	jw_array(&o->w, key);
	for (; names->name; names++)
		if (value & names->value)
			jw_text(&o->w, NULL, names->name);
	jw_array_end(&o->w);
}

static void object_type(struct jm *o, const char *key, jm_body_fn body, const void *item)
{
	struct jm inner = *o;

	jw_object(&inner.w, key);
	jw_text(&inner.w, "type", "object");
	jw_bool(&inner.w, "additionalProperties", false);
	jw_object(&inner.w, "properties");
	body(&inner, item);
	jw_object_end(&inner.w);
	jw_array(&inner.w, "required");
	inner.mode = JM_NAME;
	body(&inner, item);
	jw_array_end(&inner.w);
	jw_object_end(&inner.w);
	o->w = inner.w;
}

void jm_object(struct jm *o, const char *key, jm_body_fn body, const void *item)
{
	if (o->mode == JM_NAME) {
		put_name(o, key);
		return;
	}
	if (o->mode == JM_TYPE) {
		object_type(o, key, body, item);
		return;
	}
	jw_object(&o->w, key);
	body(o, item);
	jw_object_end(&o->w);
}

void jm_array(struct jm *o, const char *key, jm_body_fn body, const void *at, size_t n,
		  size_t size)
{
	static const _Alignas(16) char nothing[8192];	/* an item of any kind, for its type */

	if (o->mode == JM_NAME) {
		put_name(o, key);
		return;
	}
	if (o->mode == JM_TYPE) {
		jw_object(&o->w, key);
		jw_text(&o->w, "type", "array");
		jm_object(o, "items", body, nothing);
		jw_object_end(&o->w);
		return;
	}
	jw_array(&o->w, key);
	for (size_t i = 0; i < n; i++)
		jm_object(o, NULL, body, (const char *)at + i * size);
	jw_array_end(&o->w);
}


/* True in JM_VALUE mode: an array has begun. */
static bool begin_plain(struct jm *o, const char *key, const char *type)
{
	if (o->mode == JM_NAME) {
		put_name(o, key);
	} else if (o->mode == JM_VALUE) {
		jw_array(&o->w, key);
	} else {
		jw_object(&o->w, key);
		jw_text(&o->w, "type", "array");
		put_type(o, "items", type);
		jw_object_end(&o->w);
	}
	return o->mode == JM_VALUE;
}

void jm_integers(struct jm *o, const char *key, const int64_t *at, size_t n)
{
	if (!begin_plain(o, key, "integer"))
		return;
	for (size_t i = 0; i < n; i++)
		jw_s64(&o->w, NULL, at[i]);
	jw_array_end(&o->w);
}

void jm_texts(struct jm *o, const char *key, const char *const *at, size_t n)
{
	if (!begin_plain(o, key, "string"))
		return;
	for (size_t i = 0; i < n; i++)
		jw_text(&o->w, NULL, at[i]);
	jw_array_end(&o->w);
}

void jm_lines(struct jm *o, const char *key, const char *text)
{
	if (!begin_plain(o, key, "string"))
		return;
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		jw_textn(&o->w, NULL, text, len);
		text += len + !!text[len];
	}
	jw_array_end(&o->w);
}

void jm_kind(struct jm *o, const char *type)
{
	if (o->mode == JM_NAME) {
		put_name(o, "type");
	} else if (o->mode == JM_VALUE) {
		jw_text(&o->w, "type", type);
	} else {
		jw_object(&o->w, "type");
		jw_text(&o->w, "const", type);
		jw_object_end(&o->w);
	}
}
