// SPDX-License-Identifier: GPL-2.0-only
/*
 * Losing track: what is not known any more when records did not arrive.
 *
 * Two things tell of a loss. Each record carries the low bits of its ring's loss
 * counter, so a gap is noticed in its place. And a LOSS record names the ctx that
 * was hit; it comes when the collector asked the kernel, which is when it reached
 * the first gap, with others still ahead of it in the ring. So a ctx that is born
 * with the same address may be the one that was hit: until the ring has come to
 * the number that the LOSS record has in its header, it is not trusted.
 */
#include <stdlib.h>

#include "model/apply.h"

#define MOST_DOUBTS 4096	/* as many as the BPF programs name at a time */

void model_lost(struct model *m, struct m_ctx *ctx)
{
	struct m_ctx *c;
	uint32_t i;

	if (!ctx) {
		table_for_each(&m->ctxs, i, c)
			model_lost(m, c);
		return;
	}
	if (!ctx->known)
		return;
	ctx->known = false;
	m->ctxs_unknown++;
	ctx_purge(ctx);
}

static void lost_ring(struct model *m, uint8_t ring)
{
	struct m_ctx *c;
	uint32_t i;

	table_for_each(&m->ctxs, i, c)
		if (c->ring == ring)
			model_lost(m, c);
}

void model_check_loss(struct model *m, const struct ims_hdr *h)
{
	if (h->kind == IMS_LOSS || h->kind == IMS_END)
		return;
	if (m->ring_lost[h->ring] != h->lost && !m->ring_explained[h->ring]) {
		m->gaps++;
		lost_ring(m, h->ring);
	}
	if (m->ring_lost[h->ring] != h->lost)
		m->ring_explained[h->ring] = false;
	m->ring_lost[h->ring] = h->lost;
}

/* Nobody born as @ctx (0: as whatever) is trusted before the number @until. */
static void doubt(struct m_doubts *d, uint64_t ctx, uint64_t until)
{
	if (until > d->until)
		d->until = until;
	if (ctx && d->n < MOST_DOUBTS && !range_add(&d->list, until, until, ctx))
		d->n++;
	else
		d->all_until = d->until;
}

void model_apply_loss(struct model *m, const struct m_event *ev)
{
	const struct ims_hdr *h = &ev->r->h;

	m->ring_explained[h->ring] = h->ctx;
	if (ev->ctx)
		model_lost(m, ev->ctx);
	else if (!h->ctx)
		lost_ring(m, h->ring);
	if (h->seq)
		doubt(&m->doubts[h->ring], h->ctx, h->seq);
}

bool model_doubts(struct model *m, const struct ims_hdr *h)
{
	struct m_doubts *d = &m->doubts[h->ring];

	if (h->seq >= d->until) {
		ranges_free(&d->list);
		d->n = 0;
		return false;
	}
	if (h->seq < d->all_until)
		return true;
	for (const struct m_range *r = d->list; r; r = r->next)
		if (r->owner == h->ctx && h->seq < r->start)
			return true;
	return false;
}

void model_forget_doubts(struct model *m)
{
	for (unsigned int i = 0; i < sizeof(m->doubts) / sizeof(m->doubts[0]); i++)
		ranges_free(&m->doubts[i].list);
}
