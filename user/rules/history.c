// SPDX-License-Identifier: GPL-2.0-only
/* See history.h. Positions are absolute; what is further back than the buffer is gone. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rules/history.h"

#ifndef BUF		/* the fuzzers have less, and get round it */
#define BUF (1ULL << 20)
#define RECORDS 8192ULL
#endif

int history_init(struct history *h)
{
	*h = (struct history){ .buf = malloc(BUF), .pos = malloc(RECORDS * sizeof(*h->pos)) };
	return h->buf && h->pos ? 0 : -1;
}

void history_destroy(struct history *h)
{
	free(h->buf);
	free(h->pos);
}

void history_add(struct history *h, const struct ims_record *r)
{
	size_t size = (ims_record_size(r) + 7) & ~7UL;

	if (h->write % BUF + size > BUF)	/* never wraps inside a record */
		h->write += BUF - h->write % BUF;
	memcpy(h->buf + h->write % BUF, r, ims_record_size(r));
	h->pos[h->n++ % RECORDS] = h->write;
	h->write += size;
}

/* Object cookies stand in the first fields of every payload. */
static bool names_one(const struct ims_record *r, const uint64_t *cookies, unsigned int n)
{
	const char *payload = (const char *)r + sizeof(r->h);
	unsigned int fields = ims_payload_size(r->h.kind) / 8;
	uint64_t v;

	for (unsigned int i = 0; i < fields && i < 4; i++) {
		memcpy(&v, payload + i * 8, sizeof(v));
		for (unsigned int k = 0; v && k < n; k++)
			if (v == cookies[k])
				return true;
	}
	return false;
}

/* The object that @r brings into being: older records at its address are of another. */
static uint64_t born_by(const struct ims_record *r)
{
	if (r->h.kind == IMS_PAGES && r->h.action == IMS_PAGES_ALLOC)
		return r->p.pages.pages;
	if (r->h.kind == IMS_AREA && r->h.action == IMS_AREA_INSERT)
		return r->p.area.area;
	if (r->h.kind == IMS_DOMAIN && r->h.action == IMS_DOM_ADD_BEGIN)
		return r->p.domain.domain;
	return 0;
}

static unsigned int without(uint64_t *cookies, unsigned int n, uint64_t gone)
{
	unsigned int k = 0;

	for (unsigned int i = 0; i < n; i++)
		if (cookies[i] != gone)
			cookies[k++] = cookies[i];
	return k;
}

/* Threads whose ioctl is looked for: at most this many at a time. */
#define MAX_OPEN 16

struct scopes {
	uint32_t tid[MAX_OPEN];
	unsigned int n;
};

static void scope_want(struct scopes *s, const struct ims_record *r)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->tid[i] == r->h.tid)
			return;
	if (s->n < MAX_OPEN)
		s->tid[s->n++] = r->h.tid;
}

/* Whether @r is the beginning of an ioctl that is looked for. */
static bool scope_begins(struct scopes *s, const struct ims_record *r)
{
	if (r->h.kind != IMS_IOCTL)
		return false;
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->tid[i] != r->h.tid)
			continue;
		s->tid[i] = s->tid[--s->n];
		return r->h.action == IMS_IOCTL_ENTER;
	}
	return false;
}

unsigned int history_find(const struct history *h, uint64_t ctx, uint64_t *cookies,
			  unsigned int ncookies, bool scopes, const struct ims_record **out,
			  unsigned int max)
{
	struct scopes open = {};
	unsigned int found = 0;

	for (uint64_t i = h->n; i && h->n - i < RECORDS && found < max; i--) {
		uint64_t pos = h->pos[(i - 1) % RECORDS];
		const struct ims_record *r = (const void *)(h->buf + pos % BUF);

		if (h->write - pos > BUF)
			break;
		if (i != h->n && r->h.ctx != ctx)
			continue;
		if (scopes && scope_begins(&open, r)) {
			out[found++] = r;
			continue;
		}
		if (i != h->n && !names_one(r, cookies, ncookies))
			continue;
		out[found++] = r;
		scope_want(&open, r);
		if (born_by(r))
			ncookies = without(cookies, ncookies, born_by(r));
	}
	for (unsigned int a = 0, b = found; a + 1 < b; a++) {
		const struct ims_record *t = out[a];

		out[a] = out[--b];
		out[b] = t;
	}
	return found;
}
