// SPDX-License-Identifier: GPL-2.0-only
/*
 * APT-AREA (security): no area intersects a reserved range of its IOAS.
 *
 * Checked when an area is inserted and when a range is reserved, both under the
 * write side of the IOVA lock.  Pending and dying areas count: they are in the
 * tree.  No exceptions.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_apt_area;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_area *a = &ev->r->p.area;
	const struct m_range *hit;

	if (ev->r->h.action != IMS_AREA_INSERT || !ev->ioas)
		return;
	hit = model_range_hit(ev->ioas->reserved, a->iova, a->last);
	if (hit)
		violate(v, &rule_apt_area, ev,
			"area %#llx-%#llx was inserted over the reserved range %#llx-%#llx",
			(unsigned long long)a->iova, (unsigned long long)a->last,
			(unsigned long long)hit->start, (unsigned long long)hit->last);
}

static void reserve(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_reserve *r = &ev->r->p.reserve;
	const struct m_area *hit;

	if (ev->r->h.action != IMS_RESV_ADD || r->rc || !ev->ioas)
		return;
	hit = model_area_first(ev->ioas, r->start, r->last, NULL);
	if (hit)
		violate(v, &rule_apt_area, ev,
			"range %#llx-%#llx was reserved over the area %#llx-%#llx",
			(unsigned long long)r->start, (unsigned long long)r->last,
			(unsigned long long)hit->iova, (unsigned long long)hit->last);
}

const struct ims_rule rule_apt_area = {
	.id = "APT-AREA", .severity = 'S',
	.statement = "no area intersects a reserved range of its IOAS",
	.before = { { IMS_AREA, area }, { IMS_RESERVE, reserve } },
};
