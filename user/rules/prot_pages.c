// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-PAGES (security): a writeable area shows writable pages only.  Without
 * this a COPY would turn a read-only mapping into a writeable one.
 * No exceptions; COPY and split included.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_prot_pages;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_area *a = &ev->r->p.area;

	if (ev->r->h.action == IMS_AREA_INSERT && a->prot & IMS_PROT_WRITE && ev->pages &&
	    !ev->pages->writable)
		violate(v, &rule_prot_pages, ev,
			"area %#llx-%#llx is writeable, its pages were given for reading",
			(unsigned long long)a->iova, (unsigned long long)a->last);
}

const struct ims_rule rule_prot_pages = {
	.id = "PROT-PAGES", .severity = 'S',
	.statement = "a writeable area shows writable pages only",
	.before = { { IMS_AREA, area } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
