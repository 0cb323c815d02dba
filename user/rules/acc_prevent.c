// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-PREVENT (security): once an unmap has asked the accesses of an area to let
 * go, no access pins in that area any more.
 *
 * After an unmap that gave up (-EDEADLOCK) the area stays closed to accesses
 * although it lives on: pins that fail then are legal.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_prevent;

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;

	if (ev->r->h.action == IMS_ACC_RANGE_PIN && !r->rc && ev->area && ev->area->prevent)
		violate(v, &rule_acc_prevent, ev,
			"an access pinned pages %llu-%llu of area %#llx-%#llx while it is being unmapped",
			(unsigned long long)r->index, (unsigned long long)r->last,
			(unsigned long long)ev->area->iova, (unsigned long long)ev->area->last);
}

const struct ims_rule rule_acc_prevent = {
	.id = "ACC-PREVENT", .severity = 'S',
	.statement = "no access pins in an area that is being unmapped",
	.before = { { IMS_ACCESS_RANGE, range } },
	.needs = IMS_NEEDS(IMS_AREA),
};
