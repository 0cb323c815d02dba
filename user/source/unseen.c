// SPDX-License-Identifier: GPL-2.0-only
/* See unseen.h. */
#include "source/unseen.h"

#include <stdlib.h>

static const struct snap_thread *find(const struct snap_threads *all, uint32_t tid)
{
	for (size_t i = 0; i < all->list.n; i++)
		if (all->list.at[i].h.id == tid)
			return &all->list.at[i];
	return NULL;
}

static void forget_at(struct unseen *u, size_t i)
{
	u->threads.list.at[i] = u->threads.list.at[--u->threads.list.n];
}

bool unseen_left(const struct unseen *u)
{
	return !u->looked || u->threads.list.n;
}

void unseen_look(struct unseen *u, struct snap_threads *now)
{
	if (!u->looked) {
		*u = (struct unseen){ .looked = true, .threads = *now };
		return;
	}
	for (size_t i = 0; i < u->threads.list.n; i++) {
		const struct snap_thread *t = find(now, u->threads.list.at[i].h.id);

		if (!t || t->utime != u->threads.list.at[i].utime)
			forget_at(u, i--);
	}
	free(now->list.at);
}

void unseen_forget(struct unseen *u, uint32_t tid)
{
	for (size_t i = 0; i < u->threads.list.n; i++)
		if (u->threads.list.at[i].h.id == tid)
			forget_at(u, i--);
}

void unseen_begin(struct unseen *u)
{
	free(u->threads.list.at);
	*u = (struct unseen){};
}
