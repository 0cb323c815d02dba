// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP-FIXED (semantic): the areas of a map follow one another from the IOVA that was
 * chosen or asked for, and together they are as long as asked; with a fixed IOVA
 * the map starts exactly there.
 *
 * COPY inserts several areas when the source has several.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_map_fixed;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_area *a = &ev->r->p.area;
	const struct m_op *op = ev->op;
	uint64_t want;

	if (ev->r->h.action != IMS_AREA_INSERT || !op || !op->map_len ||
	    op->map_ioas != a->ioas)
		return;
	want = op->map_iova + op->map_done;
	if (a->iova != want || a->last - a->iova >= op->map_len - op->map_done)
		violate(v, &rule_map_fixed, ev,
			"area %#llx-%#llx was inserted where a map of %#llx bytes at %#llx has come to %#llx",
			(unsigned long long)a->iova, (unsigned long long)a->last,
			(unsigned long long)op->map_len, (unsigned long long)op->map_iova,
			(unsigned long long)want);
}

static void map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_map *r = &ev->r->p.map;
	const struct m_op *op = ev->op;

	if (r->rc || !op || !op->map_len)
		return;
	if (r->iova != op->map_iova || r->length != op->map_len || op->map_done != op->map_len)
		violate(v, &rule_map_fixed, ev,
			"%#llx bytes were mapped at %#llx, the answer says %#llx bytes at %#llx",
			(unsigned long long)op->map_done, (unsigned long long)op->map_iova,
			(unsigned long long)r->length, (unsigned long long)r->iova);
}

const struct ims_rule rule_map_fixed = {
	.id = "MAP-FIXED", .severity = 'M',
	.statement = "a map covers what was asked, where it was asked",
	.before = { { IMS_AREA, area }, { IMS_MAP, map } },
	.needs = IMS_NEEDS(IMS_IOVA),
};
