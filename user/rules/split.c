// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPLIT (security): two halves replace an area exactly: together they cover it,
 * show the same pages at the same places with the same permissions, and both are
 * linked to the pages object when a domain holds the area.
 *
 * A split needs large pages disabled when domains are filled, and no pins of
 * accesses: iommufd does not know which half they would belong to.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_split;

static const char *fault(const struct ims_split *r, const struct m_area *a,
			 const struct m_area *l, const struct m_area *h)
{
	if (l->iova != a->iova || h->last != a->last || l->last + 1 != h->iova)
		return "do not cover it exactly";
	if (l->pages != a->pages || h->pages != a->pages ||
	    l->start_byte != a->start_byte || h->start_byte != area_byte(a, h->iova))
		return "show other pages";
	if (l->prot != a->prot || h->prot != a->prot)
		return "have other permissions";
	if (r->storage && !a->ioas->large_off)
		return "may cut a large page of a domain that holds it";
	if (a->nacc)
		return "do not know the pins that accesses hold in it";
	if (r->storage &&
	    r->flags != (IMS_SPLIT_LHS_LINKED | IMS_SPLIT_RHS_LINKED))
		return "are not known to their pages, though a domain holds them";
	return NULL;
}

static void split(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_split *r = &ev->r->p.split;
	const struct m_area *l = table_get(&ev->ctx->areas, r->lhs);
	const struct m_area *h = table_get(&ev->ctx->areas, r->rhs);
	const char *why;

	if (!ev->area || !l || !h)
		return;
	why = fault(r, ev->area, l, h);
	if (why)
		violate(v, &rule_split, ev, "area %#llx-%#llx was split and its halves %s",
			(unsigned long long)ev->area->iova, (unsigned long long)ev->area->last,
			why);
}

const struct ims_rule rule_split = {
	.id = "SPLIT", .severity = 'S',
	.statement = "the halves of a split area replace it exactly",
	.before = { { IMS_SPLIT, split } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_ALIGN),
};
