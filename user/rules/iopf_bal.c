// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOPF-BAL (resource): the page faults of a group are switched on if and only if it is
 * attached to a HWPT with a fault queue, also after an attach or a replace that failed;
 * nothing is switched on twice or off twice.
 *
 * The device that is named by the attach has its faults switched on, for its group.
 * Exception: a kernel where the driver does that on its own, which says so.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_iopf_bal;

static void hw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	const struct m_claim *claim = table_get(&ev->ctx->claims, r->dev);
	bool on = claim && claim->iopf;

	if ((ev->r->h.action == IMS_HW_IOPF_ENABLE && !r->rc && on) ||
	    (ev->r->h.action == IMS_HW_IOPF_DISABLE && !on))
		violate(v, &rule_iopf_bal, ev,
			"page faults of device %#llx were switched %s, but they are",
			(unsigned long long)r->dev, on ? "on" : "off");
}

static const struct m_claim *reports_faults(const struct m_ctx *c, uint32_t group)
{
	const struct m_claim *claim;
	uint32_t i;

	table_for_each(&c->claims, i, claim)
		if (claim->group == group && claim->iopf)
			return claim;
	return NULL;
}

static bool by_driver(const struct m_ctx *c, uint32_t group)
{
	const struct m_claim *claim;
	uint32_t i;

	table_for_each(&c->claims, i, claim)
		if (claim->group == group && claim->flags & IMS_HW_DRIVER_IOPF)
			return true;
	return false;
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	uint64_t domain = model_group_domain(ev->ctx, r->group);
	const struct m_hwpt *h = table_get(&ev->ctx->hwpts, domain);
	const struct m_claim *on = reports_faults(ev->ctx, r->group);

	if (ev->r->h.action == IMS_DEV_BIND || (domain && !h) || by_driver(ev->ctx, r->group))
		return;
	if (h && h->flags & IMS_HWPT_FAULT && !on)
		violate(v, &rule_iopf_bal, ev,
			"group %u is attached to HWPT %u, which has a fault queue, but reports no page faults",
			r->group, h->id);
	else if (!(h && h->flags & IMS_HWPT_FAULT) && on)
		violate(v, &rule_iopf_bal, ev,
			"device %#llx of group %u reports page faults, but nobody would get them",
			(unsigned long long)on->cookie, r->group);
}

const struct ims_rule rule_iopf_bal = {
	.id = "IOPF-BAL", .severity = 'R',
	.statement = "a group reports page faults while its HWPT has a fault queue, and only then",
	.before = { { IMS_HW, hw } },
	.after = { { IMS_DEVICE, device } },
	.needs = IMS_NEEDS(IMS_HWPT, IMS_OBJECT),
};
