// SPDX-License-Identifier: GPL-2.0-only
/*
 * MIR-EQUAL (semantic): any two domains of an IOAS translate every live area alike.
 *
 * A user attaches devices to several domains and sees one IOVA space.  Checked when an
 * area becomes live and when a domain has joined, each domain against the first: nothing
 * has to be known about PFNs for that.  With one domain there is nothing to compare.
 * Exceptions: areas that are pending or dying, domains that are joining or leaving:
 * strict atomicity across domains is not asked for.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_mir_equal;

/* Some domain of @s that has joined, but @but. */
static struct m_domain *joined(const struct m_ioas *s, const struct m_domain *but)
{
	for (struct m_domain *d = s->domains; d; d = d->next)
		if (d->added && d != but)
			return d;
	return NULL;
}

/* Whether @a looks the same in both. */
static bool judge(struct ims_verifier *v, const struct m_event *ev, const struct m_area *a,
		  struct m_domain *x, struct m_domain *y)
{
	uint64_t at;

	if (!runmap_differ(&x->pt, a->iova, &y->pt, a->iova, a->last - a->iova + 1, &at))
		return true;
	violate(v, &rule_mir_equal, ev,
		"domains %#llx and %#llx differ at IOVA %#llx of area %#llx-%#llx",
		(unsigned long long)x->cookie, (unsigned long long)y->cookie,
		(unsigned long long)(a->iova + at), (unsigned long long)a->iova,
		(unsigned long long)a->last);
	return false;
}

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	struct m_domain *first;

	if (ev->r->h.action != IMS_AREA_READY || !ev->area)
		return;
	first = joined(ev->area->ioas, NULL);
	for (struct m_domain *d = first ? first->next : NULL; d; d = d->next)
		if (d->added)
			judge(v, ev, ev->area, first, d);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ioas *s = ev->ioas;
	struct m_domain *other;

	if (ev->r->h.action != IMS_DOM_ADD_END || ev->r->p.domain.rc || !ev->domain || !s)
		return;
	other = joined(s, ev->domain);
	for (uint32_t i = 0; other && i < s->nareas; i++)
		if (s->areas[i]->state == M_LIVE && !judge(v, ev, s->areas[i], other, ev->domain))
			return;
}

const struct ims_rule rule_mir_equal = {
	.id = "MIR-EQUAL", .severity = 'M',
	.statement = "the domains of an IOAS translate every live area alike",
	.after = { { IMS_AREA, area }, { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP),
};
