// SPDX-License-Identifier: GPL-2.0-only
/*
 * OBJ-LIFE (security): an object is reserved, then visible, then destroyed; one that
 * never became visible is aborted.  No two living objects have the same id, and
 * nothing is heard of an object after its end.  A pages object, which has no id,
 * outlives the areas that show it.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_obj_life;

static const char *fault(const struct m_object *o, uint8_t action)
{
	if (action == IMS_OBJ_ALLOC)
		return o ? "was made where a living one is" : NULL;
	if (action == IMS_OBJ_TOMBSTONE)
		return o ? "left a tombstone before it was destroyed" : NULL;
	if (!o)
		return "changed that does not live";
	if (action == IMS_OBJ_DESTROY)
		return o->state == M_OBJ_VISIBLE ? NULL : "was destroyed before it was visible";
	if (action == IMS_OBJ_FINALIZE)
		return o->state == M_OBJ_RESERVED ? NULL : "became visible twice";
	return o->state == M_OBJ_RESERVED ? NULL : "was aborted though it is visible";
}

static void object(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_object *r = &ev->r->p.object;
	const struct m_object *o = table_get(&ev->ctx->objects, r->obj), *other;
	const char *why = fault(o, ev->r->h.action);
	uint32_t i;

	if (why)
		violate(v, &rule_obj_life, ev, "object %u %s", r->id, why);
	if (ev->r->h.action != IMS_OBJ_ALLOC)
		return;
	table_for_each(&ev->ctx->objects, i, other)
		if (other->id == r->id && other != o) {
			violate(v, &rule_obj_life, ev, "id %u was given to two living objects", r->id);
			return;
		}
}

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->pages ? ev->pages->areas : NULL;

	if (ev->r->h.action == IMS_PAGES_FREE && a)
		violate(v, &rule_obj_life, ev,
			"the pages object was freed while area %#llx-%#llx shows it",
			(unsigned long long)a->iova, (unsigned long long)a->last);
}

const struct ims_rule rule_obj_life = {
	.id = "OBJ-LIFE", .severity = 'S',
	.statement = "objects are reserved, shown and destroyed once, in this order",
	.before = { { IMS_OBJECT, object }, { IMS_PAGES, pages } },
	.needs = IMS_NEEDS(IMS_AREA),
};
