// SPDX-License-Identifier: GPL-2.0-only
/*
 * AUTO-HWPT (resource): a HWPT that an attach made goes with its last device.
 *
 * Checked when the thread that detached (or moved) the last device goes on, if
 * it is the only thread of the ctx.  Exception: while another thread holds a
 * short reference to the HWPT the destroy fails and nobody repeats it; so with
 * several threads it is judged when the ctx is closed, and only if nobody else
 * was in the ctx when the last device left.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_auto_hwpt;

static bool others_active(const struct m_ctx *c, const struct m_op *self)
{
	struct m_op *op;
	uint32_t i;

	table_for_each(&c->ops, i, op)
		if (op != self && (op->enter || op->last >= self->start))
			return true;
	return false;
}

static void report(struct ims_verifier *v, const struct m_event *ev, const struct m_hwpt *h)
{
	violate(v, &rule_auto_hwpt, ev,
		"automatic HWPT %u (domain %#llx) is still there though its last device has left",
		h->id, (unsigned long long)h->cookie);
}

static void settled(struct ims_verifier *v, const struct m_event *ev)
{
	struct m_hwpt *h = table_get(&ev->ctx->hwpts, ev->op->detached_domain);

	if (!h || !h->is_auto)
		return;
	if (ev->ctx->ops.n == 1)
		report(v, ev, h);
	else
		h->orphan = !others_active(ev->ctx, ev->op);
}

static void ctx(struct ims_verifier *v, const struct m_event *ev)
{
	struct m_hwpt *h;
	uint32_t i;

	if (ev->r->h.action != IMS_CTX_RELEASE)
		return;
	table_for_each(&ev->ctx->hwpts, i, h)
		if (h->orphan)
			report(v, ev, h);
}

const struct ims_rule rule_auto_hwpt = {
	.id = "AUTO-HWPT", .severity = 'R',
	.statement = "an automatic HWPT goes with its last device",
	.before = { { IMS_CTX, ctx } },
	.settled = settled,
	.needs = IMS_NEEDS(IMS_HWPT, IMS_DEVICE, IMS_OBJECT),
};
