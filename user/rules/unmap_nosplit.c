// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP-NOSPLIT (security): an unmap removes whole areas that lie in the range it was
 * asked for, never a part of one.
 *
 * VFIO's old type 1 interface cuts areas first; what it removes is whole again.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unmap_nosplit;

static void unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_unmap *r = &ev->r->p.unmap;
	const struct m_op *op = ev->op;

	if (ev->r->h.action == IMS_UNMAP_IOPT && op && op->removed &&
	    (op->removed_first < r->iova || op->removed_last > r->last))
		violate(v, &rule_unmap_nosplit, ev,
			"an unmap of %#llx-%#llx removed areas from %#llx to %#llx",
			(unsigned long long)r->iova, (unsigned long long)r->last,
			(unsigned long long)op->removed_first,
			(unsigned long long)op->removed_last);
}

const struct ims_rule rule_unmap_nosplit = {
	.id = "UNMAP-NOSPLIT", .severity = 'S',
	.statement = "an unmap removes only areas that lie wholly in its range",
	.before = { { IMS_UNMAP, unmap } },
	.needs = IMS_NEEDS(IMS_AREA),
};
