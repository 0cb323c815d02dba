// SPDX-License-Identifier: GPL-2.0-only
/* See table.h. Linear probing, load at most one half, backward-shift deletion. */
#include <errno.h>
#include <stdlib.h>

#include "model/table.h"

static uint32_t home(const struct table *t, uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ULL) >> 32 & t->mask;
}

static struct table_slot *find(const struct table *t, uint64_t key)
{
	uint32_t i = home(t, key);

	while (t->slot[i].key && t->slot[i].key != key)
		i = (i + 1) & t->mask;
	return &t->slot[i];
}

void *table_get(const struct table *t, uint64_t key)
{
	if (!t->slot || !key)
		return NULL;
	return find(t, key)->val;
}

static int grow(struct table *t)
{
	struct table old = *t;
	uint32_t size = old.slot ? (old.mask + 1) * 2 : 16;

	t->slot = calloc(size, sizeof(*t->slot));
	if (!t->slot) {
		*t = old;
		return -ENOMEM;
	}
	t->mask = size - 1;
	for (uint32_t i = 0; old.slot && i <= old.mask; i++)
		if (old.slot[i].key)
			*find(t, old.slot[i].key) = old.slot[i];
	free(old.slot);
	return 0;
}

int table_put(struct table *t, uint64_t key, void *val)
{
	struct table_slot *s;

	if (!key)
		return -EINVAL;
	if ((!t->slot || t->n >= (t->mask + 1) / 2) && grow(t))
		return -ENOMEM;
	s = find(t, key);
	if (!s->key)
		t->n++;
	*s = (struct table_slot){ key, val };
	return 0;
}

void *table_del(struct table *t, uint64_t key)
{
	struct table_slot *s;
	uint32_t hole, i;
	void *val;

	if (!t->slot || !key)
		return NULL;
	s = find(t, key);
	if (!s->key)
		return NULL;
	val = s->val;
	hole = i = s - t->slot;
	for (;;) {
		i = (i + 1) & t->mask;
		if (!t->slot[i].key)
			break;
		if (((i - home(t, t->slot[i].key)) & t->mask) >= ((i - hole) & t->mask)) {
			t->slot[hole] = t->slot[i];
			hole = i;
		}
	}
	t->slot[hole] = (struct table_slot){ 0, NULL };
	t->n--;
	return val;
}

void table_destroy(struct table *t)
{
	free(t->slot);
	*t = (struct table){ 0 };
}
