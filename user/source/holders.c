// SPDX-License-Identifier: GPL-2.0-only
#include "source/holders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- totals ---- */

static struct snap_process *process_of(struct snap_processes *p, const struct snap_file *f)
{
	struct snap_process new = { .tgid = f->tgid };

	for (size_t i = 0; i < p->list.n; i++)
		if (p->list.at[i].tgid == f->tgid)
			return &p->list.at[i];
	memcpy(new.comm, f->comm, sizeof(new.comm));
	return snap_list_add(p->list, &new) ? NULL : &p->list.at[p->list.n - 1];
}

static void add(struct snap_totals *to, const struct snap_totals *t)
{
	to->contexts += t->contexts;
	to->spaces += t->spaces;
	to->areas += t->areas;
	to->devices += t->devices;
	to->mapped += t->mapped;
	to->pinned += t->pinned;
	to->charged += t->charged;
}

/* Two descriptors of one process are one holder. */
static bool seen_before(const struct snap_context *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (c->holders.at[k].tgid == c->holders.at[i].tgid)
			return true;
	return false;
}

static int by_pinned(const void *a, const void *b)
{
	const struct snap_process *x = a, *y = b;

	if (x->totals.pinned != y->totals.pinned)
		return x->totals.pinned < y->totals.pinned ? 1 : -1;
	return (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

int snap_processes_of(const struct snapshot *s, struct snap_processes *p)
{
	for (size_t i = 0; i < s->contexts.n; i++) {
		const struct snap_context *c = &s->contexts.at[i];
		struct snap_totals t = {};

		if (snap_count(c, &t))
			return -ENOMEM;
		add(&p->all, &t);
		for (size_t k = 0; k < c->holders.n; k++) {
			struct snap_process *one;

			if (seen_before(c, k))
				continue;
			one = process_of(p, &c->holders.at[k]);
			if (!one)
				return -ENOMEM;
			add(&one->totals, &t);
		}
	}
	if (p->list.n)
		qsort(p->list.at, p->list.n, sizeof(*p->list.at), by_pinned);
	return 0;
}

void snap_processes_free(struct snap_processes *p)
{
	free(p->list.at);
	memset(p, 0, sizeof(*p));
}

/* ---- filters ---- */

static const struct snap_device *device_named(const struct snap_context *c, const char *name)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (!strncmp(c->devices.at[i].name, name, sizeof(c->devices.at[i].name)))
			return &c->devices.at[i];
	return NULL;
}

static void prune_spaces(struct snap_context *c, uint32_t ioas, const struct snap_device *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->spaces.n; i++) {
		struct snap_space *s = &c->spaces.at[i];

		if ((!ioas || s->ioas.h.id == ioas) && (!d || snap_attached(s, d)))
			c->spaces.at[kept++] = *s;
		else
			snap_space_free(s);
	}
	c->spaces.n = kept;
}

void snap_prune(struct snapshot *s, uint32_t ioas, const char *device)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->contexts.n; i++) {
		struct snap_context *c = &s->contexts.at[i];
		const struct snap_device *d = device ? device_named(c, device) : NULL;

		if (!device || d)
			prune_spaces(c, ioas, d);
		if ((device && !d) || (ioas && !c->spaces.n))
			snap_context_free(c);
		else
			s->contexts.at[kept++] = *c;
	}
	s->contexts.n = kept;
}
