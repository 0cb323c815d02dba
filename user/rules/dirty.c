// SPDX-License-Identifier: GPL-2.0-only
/*
 * DIRTY (semantic): who reads dirty bits misses no write.  When tracking was switched
 * on, the bits of all live areas were cleared; a bitmap that was given is of all live
 * areas in the range, and cleared what it said to clear and nothing else; after bits
 * were cleared the IOTLB was synced, else the hardware sets no new ones.
 *
 * The driver may say more than was written.  A call that fails may have read and cleared
 * some.  What is not mapped has no bits.  The record of the call is written when the
 * lock is dropped, so it is not judged when others changed the IOAS meanwhile.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_dirty;

/* What lies in [start, last] of live areas and was not read; false: all was. */
static bool missed(const struct m_ioas *s, const struct spans *read, uint64_t start,
		   uint64_t last, struct span *out)
{
	size_t k = 0;
	uint32_t pos = 0;

	model_area_first(s, start, last, &pos);
	for (; pos < s->nareas && s->areas[pos]->iova <= last; pos++) {
		const struct m_area *a = s->areas[pos];

		if (a->state != M_LIVE)
			continue;
		out->first = a->iova < start ? start : a->iova;
		out->last = a->last > last ? last : a->last;
		while (k < read->n && read->span[k].last < out->first)
			k++;
		if (k == read->n || read->span[k].first > out->first ||
		    read->span[k].last < out->last)
			return true;
	}
	return false;
}

static void judge(struct ims_verifier *v, const struct m_event *ev, uint64_t start, uint64_t last)
{
	bool on = ev->r->h.action == IMS_DIRTY_SET, clear = ev->r->p.dirty.enable;
	struct m_told *t = &ev->op->told;
	struct span span;

	spans_unite(&t->dirty);
	if (missed(ev->ioas, &t->dirty, start, last, &span))
		violate(v, &rule_dirty, ev, on ?
			"tracking was switched on, but the old dirty bits of IOVA %#llx-%#llx are still there" :
			"dirty bits of IOVA %#llx-%#llx were asked for and not read",
			(unsigned long long)span.first, (unsigned long long)span.last);
	else if (clear ? t->kept : t->cleared)
		violate(v, &rule_dirty, ev, "dirty bits were %scleared that should %sbe",
			clear ? "not " : "", clear ? "" : "not ");
	else if (t->unsynced)
		violate(v, &rule_dirty, ev,
			"dirty bits were cleared, but the IOTLB of domain %#llx was not synced after that",
			(unsigned long long)t->domain);
}

static void dirty(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_dirty *r = &ev->r->p.dirty;

	if (r->rc || !ev->op || !ev->op->enter || !ev->ioas || ev->op->told.dirty.failed ||
	    ioas_changed_by_others(ev->ioas, ev->op->enter, ev->r->h.tid))
		return;
	if (ev->r->h.action == IMS_DIRTY_SET && r->enable)
		judge(v, ev, 0, UINT64_MAX);
	else if (ev->r->h.action == IMS_DIRTY_GET && r->length)
		judge(v, ev, r->iova, r->iova + (r->length - 1));
}

const struct ims_rule rule_dirty = {
	.id = "DIRTY", .severity = 'M',
	.statement = "dirty bits that are asked for are read, and the IOTLB is synced when they are cleared",
	.before = { { IMS_DIRTY, dirty } },
	.needs = IMS_NEEDS(IMS_IOTLB_SYNC, IMS_AREA, IMS_DOMAIN, IMS_IOCTL),
};
