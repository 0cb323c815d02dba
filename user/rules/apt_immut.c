// SPDX-License-Identifier: GPL-2.0-only
/*
 * APT-IMMUT (security): the aperture and the page sizes of a domain are the same from
 * the moment it is added to an IOAS until it leaves.
 *
 * Drivers that finish a domain at the first attach change it before that.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_apt_immut;

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_domain *r = &ev->r->p.domain;
	const struct m_domain *d = ev->domain;

	if (!d || ev->r->h.action == IMS_DOM_ADD_BEGIN)
		return;
	if (r->aperture_start != d->aperture_start || r->aperture_last != d->aperture_last ||
	    r->pgsize_bitmap != d->pgsize_bitmap)
		violate(v, &rule_apt_immut, ev,
			"the domain was added with aperture %#llx-%#llx and has %#llx-%#llx now",
			(unsigned long long)d->aperture_start,
			(unsigned long long)d->aperture_last,
			(unsigned long long)r->aperture_start,
			(unsigned long long)r->aperture_last);
}

const struct ims_rule rule_apt_immut = {
	.id = "APT-IMMUT", .severity = 'S',
	.statement = "the geometry of a domain does not change while it is in an IOAS",
	.before = { { IMS_DOMAIN, domain } },
};
