// SPDX-License-Identifier: GPL-2.0-only
/*
 * APT-NARROW (security): the reserved ranges of an IOAS are those of its domains
 * and of its attached devices and no others: the usable range is the narrowest
 * of everything that uses it now.
 *
 * Inside an operation more may be reserved: a device's regions are added before
 * its attach and go after its detach.  So a range is judged when its owner has
 * left: for a domain when DEL_END (or a failed ADD_END) is written, for a device
 * at the first record of the detaching thread that is not about its ranges.
 * Exception: owner 0 is the selftest.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_apt_narrow;

static void left_over(struct ims_verifier *v, const struct m_event *ev, const struct m_ioas *s,
		      uint64_t owner, const char *what)
{
	for (const struct m_range *r = s->reserved; r; r = r->next)
		if (r->owner == owner) {
			violate(v, &rule_apt_narrow, ev,
				"%#llx-%#llx is still reserved for a %s that has left the IOAS",
				(unsigned long long)r->start, (unsigned long long)r->last, what);
			return;
		}
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	uint8_t action = ev->r->h.action;

	if (ev->ioas && ev->domain &&
	    (action == IMS_DOM_DEL_END || (action == IMS_DOM_ADD_END && ev->r->p.domain.rc)))
		left_over(v, ev, ev->ioas, ev->domain->cookie, "domain");
}

static void settled(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ioas *s = table_get(&ev->ctx->ioases, ev->op->detached_from);

	if (s)
		left_over(v, ev, s, ev->op->detached, "device");
}

const struct ims_rule rule_apt_narrow = {
	.id = "APT-NARROW", .severity = 'S',
	.statement = "only the domains and attached devices of an IOAS reserve ranges of it",
	.before = { { IMS_DOMAIN, domain } },
	.settled = settled,
	.needs = IMS_NEEDS(IMS_RESERVE, IMS_DEVICE),
};
