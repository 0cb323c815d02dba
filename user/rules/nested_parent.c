// SPDX-License-Identifier: GPL-2.0-only
/*
 * NESTED-PARENT (security): the parent of a nested HWPT is a paging HWPT that was
 * allocated as a parent, not an automatic one; and it outlives its child.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_nested_parent;

static void hwpt(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hwpt *r = &ev->r->p.hwpt;
	const struct m_hwpt *p;

	if (!(r->flags & IMS_HWPT_NESTED))
		return;
	p = table_get(&ev->ctx->hwpts, r->parent);
	if (!p || !p->ioas || !(p->flags & IMS_HWPT_PARENT) || p->is_auto)
		violate(v, &rule_nested_parent, ev,
			"nested HWPT %u was made on domain %#llx, which is no parent", r->id,
			(unsigned long long)r->parent);
}

static void object(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_hwpt *h, *parent = NULL;
	uint32_t i;

	if (ev->r->h.action != IMS_OBJ_DESTROY)
		return;
	table_for_each(&ev->ctx->hwpts, i, h)
		if (h->obj == ev->r->p.object.obj)
			parent = h;
	table_for_each(&ev->ctx->hwpts, i, h)
		if (parent && h->parent == parent->cookie) {
			violate(v, &rule_nested_parent, ev,
				"HWPT %u is destroyed before its nested HWPT %u", parent->id, h->id);
			return;
		}
}

const struct ims_rule rule_nested_parent = {
	.id = "NESTED-PARENT", .severity = 'S',
	.statement = "a nested HWPT has a living parent that was made for it",
	.before = { { IMS_HWPT, hwpt }, { IMS_OBJECT, object } },
};
