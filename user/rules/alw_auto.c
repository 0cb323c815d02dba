// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALW-AUTO (semantic): an IOVA that iommufd chose lies in the allowed ranges (if
 * any is set), touches no area and no reserved range, spares the first and the
 * last page of the address space, and is aligned as the user address allows:
 * to the least of the rounded-up length, the lowest set bit of the user address
 * and a huge page.
 *
 * Exception: a user address inside a page only lends its low bits to the IOVA;
 * they may come on top of others when the hole starts inside a page.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_alw_auto;

static uint64_t pow2_up(uint64_t n)
{
	uint64_t p = 1;

	while (p && p < n)
		p <<= 1;
	return p;
}

static uint64_t wanted_alignment(const struct ims_verifier *v, const struct ims_iova *r)
{
	uint64_t align = pow2_up(r->length), low = r->hint & -r->hint;

	if (!align)
		align = 1ULL << 63;
	if (low && low < align)
		align = low;
	return align < verifier_hpage(v) ? align : verifier_hpage(v);
}

/* Allowed ranges that touch are as good as one. */
static bool allowed(const struct m_ioas *s, uint64_t start, uint64_t last)
{
	const struct m_range *r;

	if (!s->allowed)
		return true;
	while ((r = model_range_hit(s->allowed, start, start))) {
		if (last <= r->last)
			return true;
		start = r->last + 1;
	}
	return false;
}

static const char *fault(const struct ims_verifier *v, const struct m_ioas *s,
			 const struct ims_iova *r, uint64_t last)
{
	uint64_t offset = r->hint & (IMS_PAGE - 1);

	if (last < r->iova || r->iova < IMS_PAGE || last > UINT64_MAX - IMS_PAGE)
		return "is not between the second and the last but one page";
	if (!allowed(s, r->iova, last))
		return "is in no allowed range";
	if (model_range_hit(s->reserved, r->iova, last))
		return "is reserved";
	if (model_area_first(s, r->iova, last, NULL))
		return "is in use";
	if (r->iova & (wanted_alignment(v, r) - 1) || (r->iova & offset) != offset)
		return "is less aligned than the user address";
	if (s->align && r->iova & (s->align - 1))
		return "is less aligned than the IOAS asks";
	return NULL;
}

static void iova(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_iova *r = &ev->r->p.iova;
	const char *why;

	if (ev->r->h.action != IMS_IOVA_AUTO || !r->length)
		return;
	struct m_ioas *s = table_get(&ev->ctx->ioases, r->ioas);

	why = s && !model_allow_unsure(ev, s) ? fault(v, s, r, r->iova + (r->length - 1)) : NULL;
	if (why)
		violate(v, &rule_alw_auto, ev,
			"the chosen IOVA %#llx for %#llx bytes of user address %#llx %s",
			(unsigned long long)r->iova, (unsigned long long)r->length,
			(unsigned long long)r->hint, why);
}

const struct ims_rule rule_alw_auto = {
	.id = "ALW-AUTO", .severity = 'M',
	.statement = "a chosen IOVA is allowed, free, and aligned as the user address allows",
	.before = { { IMS_IOVA, iova } },
	.needs = IMS_NEEDS(IMS_RESERVE, IMS_ALLOW, IMS_AREA),
};
