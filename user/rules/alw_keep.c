// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALW-KEEP (semantic): no reserved range intersects an allowed one.  ALLOW_IOVAS
 * is the promise that the ranges stay usable: what would narrow them must fail.
 *
 * Checked when a range is allowed and when one is reserved.  Mappings at fixed
 * IOVAs outside the allowed ranges stay legal.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_alw_keep;

static void hit(struct ims_verifier *v, const struct m_event *ev, const struct m_range *list,
		uint64_t start, uint64_t last, const char *what, const char *other)
{
	const struct m_range *r = model_range_hit((struct m_range *)list, start, last);

	if (r && !model_allow_unsure(ev, ev->ioas))
		violate(v, &rule_alw_keep, ev, "%#llx-%#llx was %s though %#llx-%#llx is %s",
			(unsigned long long)start, (unsigned long long)last, what,
			(unsigned long long)r->start, (unsigned long long)r->last, other);
}

static void reserve(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_reserve *r = &ev->r->p.reserve;

	if (ev->ioas && ev->r->h.action == IMS_RESV_ADD && !r->rc)
		hit(v, ev, ev->ioas->allowed, r->start, r->last, "reserved", "allowed");
}

static void allow(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_allow *a = &ev->r->p.allow;

	if (ev->ioas && ev->r->h.action == IMS_ALLOW_RANGE)
		hit(v, ev, ev->ioas->reserved, a->start, a->last, "allowed", "reserved");
}

const struct ims_rule rule_alw_keep = {
	.id = "ALW-KEEP", .severity = 'M',
	.statement = "no reserved range intersects an allowed one",
	.before = { { IMS_RESERVE, reserve }, { IMS_ALLOW, allow } },
};
