// SPDX-License-Identifier: GPL-2.0-only
/*
 * RANGES-OUT (semantic): IOAS_IOVA_RANGES tells exactly what is not reserved, in
 * ascending order, how many ranges that are, and the alignment of the IOAS; it fails
 * for want of room if and only if there was not enough.
 *
 * Exceptions: an answer that could not be copied to the user is given up at any point,
 * by VFIO's GET_INFO without an end.  That one tells no alignment.
 */
#include <errno.h>

#include "rules/rules.h"

extern const struct ims_rule rule_ranges_out;

static void one(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_iova_range *r = &ev->r->p.iova_range;
	const struct m_told *t = &ev->op->told;
	uint64_t start, last;

	if (!ioas_usable(ev->ioas, told_range_first(t, r->ioas, r->start) ? 0 : t->next,
			 &start, &last))
		violate(v, &rule_ranges_out, ev,
			"the user was told that %#llx-%#llx is usable, but nothing more is",
			(unsigned long long)r->start, (unsigned long long)r->last);
	else if (r->start != start || r->last != last)
		violate(v, &rule_ranges_out, ev,
			"the user was told that %#llx-%#llx is usable, but the next that is is %#llx-%#llx",
			(unsigned long long)r->start, (unsigned long long)r->last,
			(unsigned long long)start, (unsigned long long)last);
}

static uint64_t count(const struct m_ioas *s)
{
	uint64_t n = 0, from = 0, start, last;

	while (ioas_usable(s, from, &start, &last)) {
		n++;
		if (last == UINT64_MAX)
			break;
		from = last + 1;
	}
	return n;
}

static void end(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_iova_range *r = &ev->r->p.iova_range;
	const struct m_told *t = &ev->op->told;
	uint64_t n = count(ev->ioas), told = t->ioas == r->ioas ? t->nranges : 0;

	if (r->rc && r->rc != -EMSGSIZE)
		return;
	if (r->count != n)
		violate(v, &rule_ranges_out, ev,
			"the user was told that there are %u usable ranges, there are %llu",
			r->count, (unsigned long long)n);
	else if (r->align && r->align != ev->ioas->align)
		violate(v, &rule_ranges_out, ev,
			"the user was told an alignment of %#llx, the IOAS has %#llx",
			(unsigned long long)r->align, (unsigned long long)ev->ioas->align);
	else if (told > n || (told < n) != (r->rc == -EMSGSIZE))
		violate(v, &rule_ranges_out, ev,
			"the user was told %llu of %llu usable ranges, and that this %s all",
			(unsigned long long)told, (unsigned long long)n, r->rc ? "is not" : "is");
}

static void iova_range(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->ioas || !ev->op)
		return;
	if (ev->r->h.action == IMS_RANGE_ONE)
		one(v, ev);
	else
		end(v, ev);
}

const struct ims_rule rule_ranges_out = {
	.id = "RANGES-OUT", .severity = 'M',
	.statement = "the usable IOVAs that a user is told are exactly those not reserved",
	.before = { { IMS_IOVA_RANGE, iova_range } },
	.needs = IMS_NEEDS(IMS_RESERVE, IMS_ALIGN),
};
