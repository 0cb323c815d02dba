// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALIGN (security where the IOMMU's granule exceeds a page): the start, the length
 * and the offset in the first page of every area are multiples of the IOAS's
 * alignment; the alignment is a power of two of at most a page, at least the
 * smallest page size of each domain, and a page when an access or disabled large
 * pages ask for it.
 *
 * After a domain left, or an access came or went, it equals that maximum; after a
 * domain was added it may be higher.  Areas made while the alignment was lower
 * stay; a domain that they do not suit is refused.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_align;

static uint64_t needed(const struct m_ioas *s)
{
	uint64_t align = s->large_off ? IMS_PAGE : 1;

	for (const struct m_domain *d = s->domains; d; d = d->next) {
		uint64_t low = d->pgsize_bitmap & -d->pgsize_bitmap;

		if (d->added && low > align)
			align = low;
	}
	for (const struct m_range *a = s->accesses; a; a = a->next)
		if (a->start > align)
			align = a->start;
	return align;
}

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_area *a = &ev->r->p.area;
	uint64_t mask;

	if (ev->r->h.action != IMS_AREA_INSERT || !ev->ioas || !ev->ioas->align)
		return;
	mask = ev->ioas->align - 1;
	if ((a->iova | (a->last + 1) | (a->start_byte & (IMS_PAGE - 1))) & mask)
		violate(v, &rule_align, ev,
			"area %#llx-%#llx at offset %#llx of its pages is not aligned to %#llx",
			(unsigned long long)a->iova, (unsigned long long)a->last,
			(unsigned long long)a->start_byte, (unsigned long long)mask + 1);
}

/* One that another thread is adding counts already, or not yet. */
static bool domain_comes(const struct m_ioas *s)
{
	for (const struct m_domain *d = s->domains; d; d = d->next)
		if (!d->added && !d->leaving)
			return true;
	return false;
}

static void judge(struct ims_verifier *v, const struct m_event *ev, bool exact)
{
	uint64_t want = needed(ev->ioas), have = ev->ioas->align;

	exact = exact && !domain_comes(ev->ioas);
	if (have > IMS_PAGE || have & (have - 1) || have < want || (exact && have != want))
		violate(v, &rule_align, ev, "the IOAS is aligned to %#llx, its users need %#llx",
			(unsigned long long)have, (unsigned long long)want);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->ioas && ((ev->r->h.action == IMS_DOM_ADD_END && !ev->r->p.domain.rc) ||
			 ev->r->h.action == IMS_DOM_DEL_END))
		judge(v, ev, ev->r->h.action == IMS_DOM_DEL_END);
}

static void access(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->ioas && !ev->r->p.access.rc)
		judge(v, ev, true);
}

const struct ims_rule rule_align = {
	.id = "ALIGN", .severity = 'S',
	.statement = "areas obey the alignment of their IOAS, which is what its users need",
	.before = { { IMS_AREA, area } },
	.after = { { IMS_DOMAIN, domain }, { IMS_ACCESS, access } },
	.needs = IMS_NEEDS(IMS_ALIGN),
};
