// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records about what others are told: the IOMMU core which device is owned and what
 * translates for it, users which IOVAs they can use and which pages are dirty,
 * drivers which pages they may touch.
 *
 * Some answers are given piece by piece, and the record that ends the call says that it
 * was all.  A thread is in one such call at a time, so the pieces are gathered by thread.
 */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

/* ---- the IOMMU core ---- */

static struct m_group *group_get(struct m_ctx *c, uint32_t number)
{
	struct m_group *g = table_get(&c->groups, (uint64_t)number + 1);

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g || table_put(&c->groups, (uint64_t)number + 1, g)) {
		free(g);
		return NULL;
	}
	g->number = number;
	return g;
}

static struct m_claim *claim_get(struct m_ctx *c, uint64_t dev)
{
	struct m_claim *claim = table_get(&c->claims, dev);

	if (claim)
		return claim;
	claim = calloc(1, sizeof(*claim));
	if (!claim || table_put(&c->claims, dev, claim)) {
		free(claim);
		return NULL;
	}
	claim->cookie = dev;
	return claim;
}

static void claimed(struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	struct m_claim *claim = claim_get(ev->ctx, r->dev);
	struct m_group *g = group_get(ev->ctx, r->group);

	if (!claim || !g)
		return;
	claim->claims++;
	claim->flags = r->flags;
	claim->group = r->group;
	if (!g->claims++)
		g->now = r->now;
}

static void released(struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	struct m_claim *claim = table_get(&ev->ctx->claims, r->dev);
	struct m_group *g = table_get(&ev->ctx->groups, (uint64_t)r->group + 1);

	if (claim && claim->claims <= 1)
		free(table_del(&ev->ctx->claims, r->dev));
	else if (claim)
		claim->claims--;
	if (g && g->claims <= 1)
		free(table_del(&ev->ctx->groups, (uint64_t)r->group + 1));
	else if (g)
		g->claims--;
}

static void page_faults(struct m_event *ev, bool on)
{
	struct m_claim *claim = claim_get(ev->ctx, ev->r->p.hw.dev);

	if (!claim)
		return;
	claim->group = ev->r->p.hw.group;
	if (on)
		claim->iopf++;
	else if (claim->iopf)
		claim->iopf--;
}

static void apply_hw(struct model *m, struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	struct m_group *g;
	struct m_hwpt *h;

	(void)m;
	switch (ev->r->h.action) {
	case IMS_HW_CLAIM:
		if (!r->rc)
			claimed(ev);
		break;
	case IMS_HW_RELEASE:
		released(ev);
		break;
	case IMS_HW_ATTACH:
	case IMS_HW_REPLACE:
	case IMS_HW_DETACH:
		g = group_get(ev->ctx, r->group);
		if (g)
			g->now = r->now;
		break;
	case IMS_HW_IOPF_ENABLE:
		if (!r->rc)
			page_faults(ev, true);
		break;
	case IMS_HW_IOPF_DISABLE:	/* iommufd does not ask whether that worked */
		page_faults(ev, false);
		break;
	case IMS_HW_MSI_COOKIE:
		h = table_get(&ev->ctx->hwpts, r->domain);
		if (h && !r->rc) {
			h->msi_cookies++;
			h->msi_base = r->base;
		}
		break;
	}
}

/* ---- what a thread tells ---- */

static void told_reset(struct m_told *t)
{
	t->ioas = t->nranges = t->next = t->left = t->domain = 0;
	t->ncopies = 0;
	t->dirty.n = 0;
	t->all = t->copies_missing = t->dirty.failed = false;
	t->read = t->wrote = t->cleared = t->kept = t->unsynced = false;
}

void told_ioctl(struct m_event *ev)
{
	told_reset(&ev->op->told);
}

void told_free(struct m_told *t)
{
	free(t->copy);
	spans_free(&t->dirty);
}

static void apply_iova_range(struct model *m, struct m_event *ev)
{
	const struct ims_iova_range *r = &ev->r->p.iova_range;
	struct m_told *t = ev->op ? &ev->op->told : NULL;

	(void)m;
	if (!t)
		return;
	if (ev->r->h.action == IMS_RANGE_END || told_range_first(t, r->ioas, r->start))
		t->nranges = 0;
	if (ev->r->h.action != IMS_RANGE_ONE)
		return;
	t->ioas = r->ioas;
	t->nranges++;
	t->all = r->last == UINT64_MAX;
	t->next = r->last + 1;
}

void told_pinned(struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	struct m_told *t = ev->op ? &ev->op->told : NULL;

	if (!t || ev->r->h.action != IMS_ACC_RANGE_PIN)
		return;
	t->pages = r->pages;
	t->index = r->index;
	t->left = r->last - r->index + 1;
}

static void apply_access_pfns(struct model *m, struct m_event *ev)
{
	struct m_told *t = ev->op ? &ev->op->told : NULL;

	(void)m;
	for (unsigned int i = 0; t && i < ev->r->h.nruns; i++) {
		uint64_t n = ev->runs[i].len < t->left ? ev->runs[i].len : t->left;

		t->index += n;
		t->left -= n;
	}
}

#define MOST_COPIES 65536	/* of one call that are not neighbours: areas, at most */

static bool grow(struct m_told *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 8;
	struct m_slice *p = cap > MOST_COPIES ? NULL : realloc(t->copy, cap * sizeof(*p));

	if (!p) {
		t->copies_missing = true;
		return false;
	}
	t->copy = p;
	t->cap = cap;
	return true;
}

static void apply_access_copy(struct model *m, struct m_event *ev)
{
	const struct ims_access_copy *r = &ev->r->p.access_copy;
	uint64_t byte = (r->index << IMS_PAGE_SHIFT) + r->offset;
	struct m_told *t = ev->op ? &ev->op->told : NULL;
	struct m_slice *end = t && t->ncopies ? &t->copy[t->ncopies - 1] : NULL;

	(void)m;
	if (!t)
		return;
	t->read |= !(r->flags & M_RW_WRITE);
	t->wrote |= r->flags & M_RW_WRITE;
	if (end && end->pages == r->pages && end->byte + end->length == byte)
		end->length += r->length;
	else if (t->ncopies < t->cap || grow(t))
		t->copy[t->ncopies++] = (struct m_slice){ r->pages, byte, r->length };
}

void told_pin(struct m_event *ev)
{
	if (ev->op && ev->r->h.action == IMS_PIN_TRANSIENT && !(ev->r->p.pin.flags & IMS_PIN_WRITE))
		ev->op->told.pinned_to_read = true;
}

void told_access_over(struct m_event *ev)
{
	struct m_told *t = ev->op ? &ev->op->told : NULL;

	if (!t || ev->r->h.action == IMS_ACC_NOTIFY_BEGIN || ev->r->h.action == IMS_ACC_NOTIFY_END)
		return;
	t->left = 0;
	t->ncopies = 0;
	t->copies_missing = t->read = t->wrote = t->pinned_to_read = false;
}

static void apply_dirty(struct model *m, struct m_event *ev)
{
	const struct ims_dirty *r = &ev->r->p.dirty;
	struct m_told *t = ev->op ? &ev->op->told : NULL;

	(void)m;
	if (!t || ev->r->h.action != IMS_DIRTY_READ)
		return;
	if (t->domain != r->domain)
		told_reset(t);
	t->domain = r->domain;
	t->unsynced |= r->enable;	/* also when it failed half-way */
	if (r->rc || !r->length || r->iova + (r->length - 1) < r->iova)
		return;
	t->cleared |= r->enable;
	t->kept |= !r->enable;
	spans_add(&t->dirty, r->iova, r->iova + (r->length - 1));
}

void told_synced(struct m_event *ev)
{
	if (ev->op && ev->op->told.domain == ev->r->p.iotlb_sync.domain)
		ev->op->told.unsynced = false;
}

void model_set_compat(struct m_event *ev, uint64_t ioas)
{
	ev->ctx->compat = ioas;
	ev->ctx->compat_changed = ev->number;
	ev->ctx->compat_tid = ev->r->h.tid;
}

static void apply_vfio(struct model *m, struct m_event *ev)
{
	(void)m;
	if (ev->r->h.action != IMS_VFIO_IOAS || !ev->op)
		return;
	model_set_compat(ev, ev->r->p.vfio.ioas);
}

const apply_fn apply_told[IMS_NR_KINDS] = {
	[IMS_HW] = apply_hw,
	[IMS_IOVA_RANGE] = apply_iova_range,
	[IMS_ACCESS_PFNS] = apply_access_pfns,
	[IMS_ACCESS_COPY] = apply_access_copy,
	[IMS_DIRTY] = apply_dirty,
	[IMS_VFIO] = apply_vfio,
};
