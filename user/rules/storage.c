// SPDX-License-Identifier: GPL-2.0-only
/*
 * STORAGE (security): every live area of an IOAS with domains has its PFNs stored in
 * one of these domains; without domains no area has one.
 *
 * Upstream reads PFNs back from that domain when it unpins: a wrong one means
 * unpinning other pages.  An implementation that stores PFNs itself names the
 * first domain.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_storage;

static bool member(const struct m_ioas *s, uint64_t domain)
{
	for (const struct m_domain *d = s->domains; d; d = d->next)
		if (!d->leaving && d->cookie == domain)
			return true;
	return false;
}

static bool any_added(const struct m_ioas *s)
{
	for (const struct m_domain *d = s->domains; d; d = d->next)
		if (d->added)
			return true;
	return false;
}

static void judge(struct ims_verifier *v, const struct m_event *ev, const struct m_area *a)
{
	if (a->state != M_LIVE || (a->storage ? member(a->ioas, a->storage) : !any_added(a->ioas)))
		return;
	violate(v, &rule_storage, ev,
		"the PFNs of area %#llx-%#llx are stored in domain %#llx, which is not one of the IOAS",
		(unsigned long long)a->iova, (unsigned long long)a->last,
		(unsigned long long)a->storage);
}

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_AREA_READY && ev->area)
		judge(v, ev, ev->area);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	uint8_t action = ev->r->h.action;

	if (!ev->ioas || (action != IMS_DOM_ADD_END && action != IMS_DOM_DEL_END))
		return;
	for (uint32_t i = 0; i < ev->ioas->nareas; i++)
		judge(v, ev, ev->ioas->areas[i]);
}

const struct ims_rule rule_storage = {
	.id = "STORAGE", .severity = 'S',
	.statement = "the domain that stores an area's PFNs is one of its IOAS",
	.after = { { IMS_AREA, area }, { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_STORAGE),
};
