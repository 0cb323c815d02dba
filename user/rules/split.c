// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPLIT (security): two halves replace an area exactly: together they cover it,
 * show the same pages at the same places with the same permissions, and both are
 * linked to the pages object when a domain holds the area.
 *
 * A split needs large pages disabled, and no pins of accesses: iommufd does not know which
 * half they would belong to.  Without a domain nothing breaks by a cut, but only VFIO's
 * type 1 permits it; that is not judged when others changed the IOAS during the call.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_split;

static bool may_cut(const struct m_event *ev, const struct m_ioas *s)
{
	if (s->large_off)
		return true;
	return !ev->r->p.split.storage &&
	       (!ev->op || !ev->op->enter || ioas_changed_by_others(s, ev->op->enter, ev->op->tid));
}

static const char *fault(const struct m_event *ev, const struct m_area *a,
			 const struct m_area *l, const struct m_area *h)
{
	const struct ims_split *r = &ev->r->p.split;

	if (l->iova != a->iova || h->last != a->last || l->last + 1 != h->iova)
		return "do not cover it exactly";
	if (l->pages != a->pages || h->pages != a->pages ||
	    l->start_byte != a->start_byte || h->start_byte != area_byte(a, h->iova))
		return "show other pages";
	if (l->prot != a->prot || h->prot != a->prot)
		return "have other permissions";
	if (!may_cut(ev, a->ioas))
		return r->storage ? "may cut a large page of a domain that holds it" :
				    "were asked of an IOAS that has large pages";
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
	why = fault(ev, ev->area, l, h);
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
