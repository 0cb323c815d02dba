// SPDX-License-Identifier: GPL-2.0-only
/*
 * HWQ-LOCK (security): memory that hardware uses by its physical address, the queue of a
 * vIOMMU, is not unmapped while the hardware queue lives.
 *
 * The hardware does not go through the IOVA, so unmapping and unpinning would not stop it.
 * No exceptions: the unmap has to fail.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_hwq_lock;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->area;

	if (ev->r->h.action == IMS_AREA_DYING && a && a->nlocks)
		violate(v, &rule_hwq_lock, ev,
			"area %#llx-%#llx is being removed while %u hardware queues are in it",
			(unsigned long long)a->iova, (unsigned long long)a->last, a->nlocks);
}

const struct ims_rule rule_hwq_lock = {
	.id = "HWQ-LOCK", .severity = 'S',
	.statement = "the memory of a hardware queue stays mapped while the queue lives",
	.before = { { IMS_AREA, area } },
	.needs = IMS_NEEDS(IMS_ACCESS_RANGE),
};
