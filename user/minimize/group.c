// SPDX-License-Identifier: GPL-2.0-only
/*
 * What belongs together in a stream.
 */
#include <stdlib.h>

#include "minimize/impl.h"
#include "model/model.h"
#include "record/desc.h"

bool record_names(const struct ims_record *r, uint64_t cookie)
{
	const struct ims_desc *d = ims_desc(r->h.kind);

	for (unsigned int i = 0; i < ims_record_nfields(r); i++)
		if (d->fields[i].show == IMS_SHOW_COOKIE &&
		    ims_field_u64(r, &d->fields[i]) == cookie)
			return true;
	return false;
}

uint32_t group_by_record(const struct ims_record *const *list, size_t n, uint32_t *group)
{
	(void)list;
	for (size_t i = 0; i < n; i++)
		group[i] = i;
	return n;
}

/* ---- operations ---- */

/* Numbers from 1 in the pointers of a table; 0 when there is none or no memory. */
static uint32_t number_get(const struct table *t, uint64_t key)
{
	return (uintptr_t)table_get(t, key);
}

static void number_put(struct table *t, uint64_t key, uint32_t number)
{
	table_put(t, key, (void *)(uintptr_t)number);
}

uint32_t group_by_operation(const struct ims_record *const *list, size_t n, uint32_t *group)
{
	struct table current = {};	/* thread -> its operation + 1 */
	uint32_t groups = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ims_hdr *h = &list[i]->h;
		uint64_t key = (uint64_t)h->tid + 1;
		uint32_t op = number_get(&current, key);

		if (!op || (h->kind == IMS_IOCTL && h->action == IMS_IOCTL_ENTER)) {
			op = ++groups;
			number_put(&current, key, op);
		}
		group[i] = op - 1;
		if (h->kind == IMS_IOCTL && h->action == IMS_IOCTL_EXIT)
			table_del(&current, key);
	}
	table_destroy(&current);
	return groups;
}

/* ---- pages ---- */

/* The pages object that the record is about: named, or shown where it unmaps. */
static uint64_t pages_of(const struct m_event *ev)
{
	const struct ims_record *r = ev->r;
	const struct m_area *a;
	uint64_t start, last;

	if (r->h.kind == IMS_PAGES)
		return r->p.pages.pages;
	if (ev->pages)
		return ev->pages->cookie;
	if (r->h.kind != IMS_DMA_UNMAP || !ev->ioas || !ims_record_iova(r, &start, &last))
		return 0;
	a = model_area_first(ev->ioas, start, last, NULL);
	return a && a->pages ? a->pages->cookie : 0;
}

/* life[i]: number of the life that list[i] is about, 0: none. */
static uint32_t number_lives(const struct ims_record *const *list, size_t n, uint32_t *life)
{
	struct table lives = {};	/* cookie -> number of its present life */
	struct model m;
	uint32_t count = 0;

	model_init(&m);
	for (size_t i = 0; i < n; i++) {
		const struct ims_record *r = list[i];
		struct m_event ev;
		uint64_t pages;

		model_resolve(&m, r, &ev);
		pages = ev.ctx && ev.ctx->known ? pages_of(&ev) : 0;
		if (pages && r->h.kind == IMS_PAGES && r->h.action == IMS_PAGES_ALLOC)
			number_put(&lives, pages, ++count);
		life[i] = pages ? number_get(&lives, pages) : 0;
		model_apply(&m, &ev);
		if (model_op_over(&ev) && ev.ctx && ev.op)
			model_op_reset(&m, ev.ctx, ev.op);
	}
	model_destroy(&m);
	table_destroy(&lives);
	return count;
}

#define SEVERAL UINT32_MAX

uint32_t group_by_pages(const struct ims_record *const *list, size_t n, uint32_t *group)
{
	uint32_t *life = calloc(n, sizeof(*life)), lives, ops;
	uint32_t *only = NULL;		/* the one life that an operation is about */

	if (!life)
		return 0;
	lives = number_lives(list, n, life);
	ops = group_by_operation(list, n, group);
	only = calloc(ops, sizeof(*only));
	for (size_t i = 0; only && i < n; i++)
		if (life[i])
			only[group[i]] = !only[group[i]] || only[group[i]] == life[i] ?
					 life[i] : SEVERAL;
	for (size_t i = 0; i < n; i++) {
		uint32_t of_op = only ? only[group[i]] : 0;

		if (life[i])
			group[i] = life[i] - 1;
		else
			group[i] = of_op && of_op != SEVERAL ? of_op - 1 : NO_GROUP;
	}
	free(only);
	free(life);
	return lives;
}
