// SPDX-License-Identifier: GPL-2.0-only
/* See snap.h. */
#include "source/snap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/table.h"

/* ---- lists ---- */

int snap_list_add_item(void **at, size_t *n, size_t *cap, size_t size, const void *item)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		void *p = realloc(*at, more * size);

		if (!p)
			return -ENOMEM;
		*at = p;
		*cap = more;
	}
	memcpy((char *)*at + (*n)++ * size, item, size);
	return 0;
}

#define DROP(list) (free((list).at), memset(&(list), 0, sizeof(list)))

size_t snap_row_size(uint32_t kind)
{
	static const size_t sizes[SNAP_NR_KINDS] = {
		[SNAP_FILE] = sizeof(struct snap_file),
		[SNAP_CTX] = sizeof(struct snap_ctx_row),
		[SNAP_OBJECT] = sizeof(struct snap_object),
		[SNAP_DEVICE] = sizeof(struct snap_device),
		[SNAP_IOAS] = sizeof(struct snap_ioas_row),
		[SNAP_AREA] = sizeof(struct snap_area),
		[SNAP_RESERVED] = sizeof(struct snap_range),
		[SNAP_ALLOWED] = sizeof(struct snap_range),
		[SNAP_DOMAIN] = sizeof(struct snap_domain),
		[SNAP_HWPT] = sizeof(struct snap_hwpt),
		[SNAP_ACCESS] = sizeof(struct snap_access),
		[SNAP_PIN] = sizeof(struct snap_pin),
		[SNAP_THREAD] = sizeof(struct snap_thread),
	};

	return kind < SNAP_NR_KINDS ? sizes[kind] : 0;
}

/* A further section continues the space that was read last. */
static int add_space(struct snap_context *c, const struct snap_ioas_row *r)
{
	struct snap_space space = { .ioas = *r, .sections = 1 };
	struct snap_space *last = c->spaces.n ? &c->spaces.at[c->spaces.n - 1] : NULL;

	if (last && last->ioas.obj == r->obj && last->ioas.h.id == r->h.id) {
		last->sections++;
		return 0;
	}
	return snap_list_add(c->spaces, &space);
}

static int add_to_space(struct snap_space *s, const struct snap_row *r)
{
	switch (r->kind) {
	case SNAP_AREA: return snap_list_add(s->areas, r);
	case SNAP_RESERVED: return snap_list_add(s->reserved, r);
	case SNAP_ALLOWED: return snap_list_add(s->allowed, r);
	case SNAP_DOMAIN: return snap_list_add(s->domains, r);
	case SNAP_HWPT: return snap_list_add(s->hwpts, r);
	case SNAP_ACCESS: return snap_list_add(s->accesses, r);
	default: return -EINVAL;
	}
}

int snap_add(struct snap_context *c, const struct snap_row *r)
{
	switch (r->kind) {
	case SNAP_CTX:
		c->row = *(const struct snap_ctx_row *)r;
		return 0;
	case SNAP_FILE: return snap_list_add(c->holders, r);
	case SNAP_OBJECT: return snap_list_add(c->objects, r);
	case SNAP_DEVICE: return snap_list_add(c->devices, r);
	case SNAP_PIN: return snap_list_add(c->pins, r);
	case SNAP_IOAS: return add_space(c, (const struct snap_ioas_row *)r);
	default:
		return c->spaces.n ? add_to_space(&c->spaces.at[c->spaces.n - 1], r) : -EINVAL;
	}
}

void snap_space_free(struct snap_space *s)
{
	DROP(s->areas);
	DROP(s->reserved);
	DROP(s->allowed);
	DROP(s->domains);
	DROP(s->hwpts);
	DROP(s->accesses);
}

void snap_forget(struct snap_context *c)
{
	for (size_t i = 0; i < c->spaces.n; i++)
		snap_space_free(&c->spaces.at[i]);
	DROP(c->spaces);
	DROP(c->objects);
	DROP(c->devices);
	DROP(c->pins);
	c->changed = false;
}

void snap_context_free(struct snap_context *c)
{
	snap_forget(c);
	DROP(c->holders);
}

void snap_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->contexts.n; i++)
		snap_context_free(&s->contexts.at[i]);
	DROP(s->contexts);
}

/* ---- questions ---- */

bool snap_same_objects(const struct snap_context *a, const struct snap_context *b)
{
	if (a->objects.n != b->objects.n || a->devices.n != b->devices.n)
		return false;
	for (size_t i = 0; i < a->objects.n; i++) {
		const struct snap_object *x = &a->objects.at[i], *y = &b->objects.at[i];

		if (x->h.id != y->h.id || x->obj != y->obj || x->type != y->type)
			return false;
	}
	for (size_t i = 0; i < a->devices.n; i++) {
		const struct snap_device *x = &a->devices.at[i], *y = &b->devices.at[i];

		if (x->obj != y->obj || x->dev != y->dev || x->hwpt != y->hwpt ||
		    x->domain != y->domain)
			return false;
	}
	return true;
}

const struct snap_hwpt *snap_hwpt_of_domain(const struct snap_space *s, uint64_t domain)
{
	for (size_t i = 0; i < s->hwpts.n; i++)
		if (s->hwpts.at[i].domain == domain)
			return &s->hwpts.at[i];
	return NULL;
}

const struct snap_device *snap_device_of_owner(const struct snap_context *c, uint64_t dev)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.at[i].dev == dev)
			return &c->devices.at[i];
	return NULL;
}

bool snap_has_group(const struct snap_device *d)
{
	return ims_has_group(d->group, d->h.id);
}

bool snap_attached(const struct snap_space *s, const struct snap_device *d)
{
	return d->domain && snap_hwpt_of_domain(s, d->domain);
}

/* ---- totals ---- */

static int count_area(const struct snap_area *a, struct table *seen, struct snap_totals *t)
{
	t->areas++;
	t->mapped += a->last - a->iova + 1;
	if (!a->pages || table_get(seen, a->pages))
		return 0;
	t->pinned += a->npinned;
	if (a->mode != IMS_ACCT_NONE)
		t->charged += a->charged;
	return table_put(seen, a->pages, (void *)a);
}

int snap_count(const struct snap_context *c, struct snap_totals *t)
{
	struct table seen = {};
	int rc = 0;

	t->contexts++;
	t->devices += c->devices.n;
	for (size_t i = 0; i < c->spaces.n; i++) {
		const struct snap_space *s = &c->spaces.at[i];

		t->spaces++;
		for (size_t k = 0; k < s->areas.n && !rc; k++)
			rc = count_area(&s->areas.at[k], &seen, t);
	}
	table_destroy(&seen);
	return rc;
}
