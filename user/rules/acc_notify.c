// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-NOTIFY (security): an area is unpublished only when no access holds pins in it;
 * the accesses were asked before, and an unmap that they do not follow fails.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_notify;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->area;

	if (ev->r->h.action != IMS_AREA_DYING || !a)
		return;
	if (a->nacc || ev->r->p.area.nacc)
		violate(v, &rule_acc_notify, ev,
			"area %#llx-%#llx is being removed while accesses hold %u pins in it (iommufd counts %u)",
			(unsigned long long)a->iova, (unsigned long long)a->last, a->nacc,
			ev->r->p.area.nacc);
}

const struct ims_rule rule_acc_notify = {
	.id = "ACC-NOTIFY", .severity = 'S',
	.statement = "an area is removed only when no access holds pins in it",
	.before = { { IMS_AREA, area } },
	.needs = IMS_NEEDS(IMS_ACCESS_RANGE),
};
