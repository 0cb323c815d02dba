/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * history: the last records, kept so that a violation can show how its object
 * came to be where it is.  A byte ring; old records are overwritten.
 */
#ifndef IMS_HISTORY_H
#define IMS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

struct history {
	char *buf;
	uint64_t *pos;		/* absolute position of each of the last records */
	uint64_t write, n;
};

int history_init(struct history *h);
void history_destroy(struct history *h);
void history_add(struct history *h, const struct ims_record *r);
/*
 * The last records of @ctx that name one of @cookies, back to the birth of each,
 * oldest first, at most @max; returns how many.  The last record of all ends the
 * list whatever it names.  They stay until the next add.  @cookies is used up.
 * With @scopes also the beginnings of the ioctls that they belong to.
 */
unsigned int history_find(const struct history *h, uint64_t ctx, uint64_t *cookies,
			  unsigned int ncookies, bool scopes, const struct ims_record **out,
			  unsigned int max);

#endif
