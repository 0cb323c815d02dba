// SPDX-License-Identifier: GPL-2.0-only
/*
 * DUP-DOM (semantic): a domain is added to exactly one IOAS, once.  It belongs to
 * an IOAS from the beginning of its addition to the end of its removal.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_dup_dom;

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_domain *d = ev->domain;

	if (ev->r->h.action == IMS_DOM_ADD_BEGIN && d)
		violate(v, &rule_dup_dom, ev, "domain %#llx was added to IOAS %u again",
			(unsigned long long)d->cookie, d->ioas ? d->ioas->id : 0);
}

const struct ims_rule rule_dup_dom = {
	.id = "DUP-DOM", .severity = 'M',
	.statement = "a domain is added once, to one IOAS",
	.before = { { IMS_DOMAIN, domain } },
};
