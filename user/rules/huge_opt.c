// SPDX-License-Identifier: GPL-2.0-only
/*
 * HUGE-OPT (security): large pages can be switched off only while the IOAS has no
 * domain or no area: what was mapped large could be cut later.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_huge_opt;

static bool filled(const struct m_ioas *s)
{
	for (const struct m_domain *d = s->domains; d; d = d->next)
		if (d->added)
			return s->nareas;
	return false;
}

static void align(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->ioas && !ev->r->p.align.large && !ev->ioas->large_off && filled(ev->ioas))
		violate(v, &rule_huge_opt, ev,
			"large pages were switched off while %u areas are in a domain",
			ev->ioas->nareas);
}

const struct ims_rule rule_huge_opt = {
	.id = "HUGE-OPT", .severity = 'S',
	.statement = "large pages are not switched off while a domain is filled",
	.before = { { IMS_ALIGN, align } },
	.needs = IMS_NEEDS(IMS_DOMAIN, IMS_AREA),
};
