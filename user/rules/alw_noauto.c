// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALW-NOAUTO (semantic): choosing an IOVA does not fail with -ENOSPC while an
 * aligned hole of sufficient size exists.
 *
 * Exceptions: the first and the last page are never given, and a hole of which
 * only one byte is left after aligning is not used.  Not judged when another
 * thread changed the IOAS while the operation ran: the record of the failure is
 * written after the lock is dropped.
 */
#include <errno.h>

#include "rules/rules.h"

extern const struct ims_rule rule_alw_noauto;

#define MAP_FIXED_IOVA 1	/* IOMMU_IOAS_MAP_FIXED_IOVA */

/* End of what blocks @iova, or 0 when nothing does. */
static uint64_t blocked_until(const struct m_ioas *s, uint64_t iova)
{
	const struct m_range *r = model_range_hit(s->reserved, iova, iova);
	const struct m_area *a;

	if (r)
		return r->last;
	a = model_area_first(s, iova, iova, NULL);
	return a ? a->last : 0;
}

/* Inclusive end of the hole that starts at @iova, within @last. */
static uint64_t hole_end(const struct m_ioas *s, uint64_t iova, uint64_t last)
{
	const struct m_area *a = model_area_first(s, iova, last, NULL);

	if (a)
		last = a->iova - 1;
	for (const struct m_range *r = s->reserved; r; r = r->next)
		if (r->start > iova && r->start <= last)
			last = r->start - 1;
	return last;
}

static bool fits(const struct m_ioas *s, uint64_t start, uint64_t last, uint64_t len,
		 uint64_t align, uint64_t *where)
{
	while (start <= last) {
		uint64_t end = blocked_until(s, start), at;

		if (end) {
			if (end >= last)
				return false;
			start = end + 1;
			continue;
		}
		end = hole_end(s, start, last);
		at = (start + align - 1) & ~(align - 1);
		if (at >= start && at < end && end - at >= len - 1) {
			*where = at;
			return true;
		}
		if (end >= last)
			return false;
		start = end + 1;
	}
	return false;
}

static void map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_map *r = &ev->r->p.map;
	struct m_ioas *s = ev->ioas;
	struct m_range all = { IMS_PAGE, UINT64_MAX - IMS_PAGE, 0, NULL };
	uint64_t align, where;

	if (r->rc != -ENOSPC || r->flags & MAP_FIXED_IOVA || ev->r->h.action != IMS_MAP_USER ||
	    !s || !r->length || r->length >= UINT64_MAX / 2 || r->uptr & (IMS_PAGE - 1))
		return;
	if (!ev->op || !ev->op->enter || s->changed >= ev->op->enter || model_allow_unsure(ev, s))
		return;
	align = r->uptr ? r->uptr & -r->uptr : 1ULL << 62;
	while (align / 2 >= r->length)
		align /= 2;
	if (align > verifier_hpage(v))
		align = verifier_hpage(v);
	for (const struct m_range *a = s->allowed ? s->allowed : &all; a; a = a->next)
		if (fits(s, a->start < IMS_PAGE ? IMS_PAGE : a->start,
			 a->last > all.last ? all.last : a->last, r->length, align, &where)) {
			violate(v, &rule_alw_noauto, ev,
				"no IOVA was found for %#llx bytes though %#llx is free and allowed",
				(unsigned long long)r->length, (unsigned long long)where);
			return;
		}
}

const struct ims_rule rule_alw_noauto = {
	.id = "ALW-NOAUTO", .severity = 'M',
	.statement = "choosing an IOVA does not fail while an aligned hole exists",
	.before = { { IMS_MAP, map } },
	.needs = IMS_NEEDS(IMS_RESERVE, IMS_ALLOW, IMS_AREA, IMS_IOCTL),
};
