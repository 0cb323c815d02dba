// SPDX-License-Identifier: GPL-2.0-only
/*
 * VEVQ-SEQ (semantic): user space reads the events of a vIOMMU in order, and when some are
 * missing there is an entry that says so; no more are queued than it asked for.
 *
 * Exception: what could not be copied to user space goes back, and another reader may have
 * been given the next one; what follows is believed then.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_vevq_seq;

#define LOST_EVENTS 1		/* IOMMU_VEVENTQ_FLAG_LOST_EVENTS */

/* Numbers wrap at 2^31; what is ahead by less than half of that is later. */
static bool is_later(uint32_t number, uint32_t next)
{
	return ((number - next) & INT32_MAX) < 1U << 30;
}

static void vevent(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_vevent *r = &ev->r->p.vevent;
	const struct m_veventq *q = table_get(&ev->ctx->veventqs, r->queue);

	if (r->num_events > r->depth)
		violate(v, &rule_vevq_seq, ev, "vEVENTQ %u holds %u events, its depth is %u", r->id,
			r->num_events, r->depth);
	if (ev->r->h.action != IMS_VEV_FETCH || !q || !q->known || q->id != r->id)
		return;
	if (r->flags & LOST_EVENTS ? !is_later(r->sequence, q->next) : r->sequence != q->next)
		violate(v, &rule_vevq_seq, ev, "vEVENTQ %u gave %s %u where %u was next", r->id,
			r->flags & LOST_EVENTS ? "the loss of events up to" : "event", r->sequence,
			q->next);
}

const struct ims_rule rule_vevq_seq = {
	.id = "VEVQ-SEQ", .severity = 'M',
	.statement = "events of a vIOMMU come in order, or their loss is told",
	.before = { { IMS_VEVENT, vevent } },
};
