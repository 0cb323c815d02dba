// SPDX-License-Identifier: GPL-2.0-only
/*
 * AREA-DISJOINT (security): the areas of one IOAS never overlap.
 *
 * Pending and dying areas count.  Exception: during a split the old area has
 * left the tree (REMOVE) before its two halves are inserted.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_area_disjoint;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_area *a = &ev->r->p.area;
	const struct m_area *hit;

	if (ev->r->h.action != IMS_AREA_INSERT || !ev->ioas)
		return;
	hit = model_area_first(ev->ioas, a->iova, a->last, NULL);
	if (hit)
		violate(v, &rule_area_disjoint, ev,
			"area %#llx-%#llx was inserted over the area %#llx-%#llx",
			(unsigned long long)a->iova, (unsigned long long)a->last,
			(unsigned long long)hit->iova, (unsigned long long)hit->last);
}

const struct ims_rule rule_area_disjoint = {
	.id = "AREA-DISJOINT", .severity = 'S',
	.statement = "the areas of one IOAS never overlap",
	.before = { { IMS_AREA, area } },
};
