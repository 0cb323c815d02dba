/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table: cookie -> object, open addressing.
 *
 * Kernel pointers are the keys: never 0, aligned, and reused within
 * microseconds, so entries come and go all the time.  Deletion shifts the
 * cluster back instead of leaving tombstones, and look-up is one multiply and
 * usually one probe.
 */
#ifndef IMS_TABLE_H
#define IMS_TABLE_H

#include <stdint.h>

struct table_slot {
	uint64_t key;
	void *val;
};

struct table {
	struct table_slot *slot;
	uint32_t mask;		/* slots - 1, 0 while empty */
	uint32_t n;
};

void *table_get(const struct table *t, uint64_t key);
/* Replaces what @key had; 0 or -ENOMEM, -EINVAL for key 0. */
int table_put(struct table *t, uint64_t key, void *val);
/* What @key had, or NULL. */
void *table_del(struct table *t, uint64_t key);
void table_destroy(struct table *t);

#define table_for_each(t, i, v) \
	for ((i) = 0; (t)->slot && (i) <= (t)->mask; (i)++) \
		if ((t)->slot[i].key && ((v) = (t)->slot[i].val, 1))

#endif
