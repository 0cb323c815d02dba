// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLOSE-EMPTY (security, resource): when a ctx is freed nothing of it remains:
 * no area, no pages object, no domain in an IOAS, no device, no object.
 *
 * VFIO devices and accesses hold the ctx, so its end comes after theirs.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_close_empty;

static bool any_ioas_in_use(const struct m_ctx *c)
{
	const struct m_ioas *s;
	uint32_t i;

	table_for_each(&c->ioases, i, s)
		if (s->domains || s->reserved || s->nareas)
			return true;
	return false;
}

static void ctx(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ctx *c = ev->ctx;

	if (ev->r->h.action != IMS_CTX_FREED || !c)
		return;
	if (c->areas.n || c->pages.n || c->devices.n || c->nobjects || any_ioas_in_use(c))
		violate(v, &rule_close_empty, ev,
			"the ctx was freed with %u areas, %u pages objects, %u devices and %lld objects left",
			c->areas.n, c->pages.n, c->devices.n, (long long)c->nobjects);
}

const struct ims_rule rule_close_empty = {
	.id = "CLOSE-EMPTY", .severity = 'S',
	.statement = "nothing of a ctx remains when it is freed",
	.before = { { IMS_CTX, ctx } },
	.needs = IMS_NEEDS(IMS_OBJECT, IMS_AREA, IMS_PAGES, IMS_DEVICE, IMS_RESERVE,
			   IMS_DOMAIN),
};
