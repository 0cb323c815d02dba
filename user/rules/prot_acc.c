// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-ACC (security): an access that pins for writing needs a writeable area of
 * writable pages, one that pins for reading a readable area.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_prot_acc;

#define RW_WRITE 1	/* IOMMUFD_ACCESS_RW_WRITE */

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	const struct m_area *a = ev->area;
	bool ok;

	if (ev->r->h.action != IMS_ACC_RANGE_PIN || r->rc || !a || !ev->pages)
		return;
	ok = r->flags & RW_WRITE ? a->prot & IMS_PROT_WRITE && ev->pages->writable :
				   a->prot & IMS_PROT_READ;
	if (!ok)
		violate(v, &rule_prot_acc, ev,
			"an access pinned pages %llu-%llu for %s, the area permits %#x",
			(unsigned long long)r->index, (unsigned long long)r->last,
			r->flags & RW_WRITE ? "writing" : "reading", a->prot);
}

const struct ims_rule rule_prot_acc = {
	.id = "PROT-ACC", .severity = 'S',
	.statement = "an access pins for what the area permits",
	.before = { { IMS_ACCESS_RANGE, range } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
