// SPDX-License-Identifier: GPL-2.0-only
/*
 * APT-ATTACH (security): a domain that was added has exactly the IOVAs outside
 * its aperture reserved in its name: none missing, none inside.
 *
 * Exceptions: an aperture that starts at 0 or ends at the last address reserves
 * nothing on that side.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_apt_attach;

static bool reserved_by(const struct m_ioas *s, uint64_t start, uint64_t last, uint64_t owner)
{
	for (const struct m_range *r = s->reserved; r; r = r->next)
		if (r->owner == owner && r->start == start && r->last == last)
			return true;
	return false;
}

static void need(struct ims_verifier *v, const struct m_event *ev, uint64_t start, uint64_t last)
{
	if (!reserved_by(ev->ioas, start, last, ev->domain->cookie))
		violate(v, &rule_apt_attach, ev,
			"the domain was added but %#llx-%#llx, outside its aperture %#llx-%#llx, is not reserved",
			(unsigned long long)start, (unsigned long long)last,
			(unsigned long long)ev->domain->aperture_start,
			(unsigned long long)ev->domain->aperture_last);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_domain *d = ev->domain;

	if (ev->r->h.action != IMS_DOM_ADD_END || ev->r->p.domain.rc || !d || !ev->ioas)
		return;
	if (d->aperture_start)
		need(v, ev, 0, d->aperture_start - 1);
	if (d->aperture_last != UINT64_MAX)
		need(v, ev, d->aperture_last + 1, UINT64_MAX);
	for (const struct m_range *r = ev->ioas->reserved; r; r = r->next)
		if (r->owner == d->cookie && r->start <= d->aperture_last &&
		    r->last >= d->aperture_start)
			violate(v, &rule_apt_attach, ev,
				"the domain reserved %#llx-%#llx inside its own aperture %#llx-%#llx",
				(unsigned long long)r->start, (unsigned long long)r->last,
				(unsigned long long)d->aperture_start,
				(unsigned long long)d->aperture_last);
}

const struct ims_rule rule_apt_attach = {
	.id = "APT-ATTACH", .severity = 'S',
	.statement = "an added domain has exactly the IOVAs outside its aperture reserved",
	.after = { { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_RESERVE),
};
