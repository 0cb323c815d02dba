// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-FAIL (resource): when a charge is refused the operation fails, and all that it
 * pinned is given back.
 *
 * iommufd pins first and asks for the charge once in the end, so a refusal comes when
 * everything is done, and it has to be undone.  After it no area of the thread becomes
 * live, no domain joins, no access gets its range.  Pins of the same pages object that
 * were charged before stay.  Exception: an uncharge that is refused, of a dead mm.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_fail;

static void went_on(struct ims_verifier *v, const struct m_event *ev, const char *what)
{
	violate(v, &rule_acct_fail, ev, "%s though the charge for it was refused", what);
}

static void pins_stay(struct ims_verifier *v, const struct m_event *ev, const struct m_pages *p)
{
	if ((int64_t)p->pinned > p->charged && !p->charge_refused)
		violate(v, &rule_acct_fail, ev,
			"a charge was refused, but %llu pages are still pinned and %lld charged",
			(unsigned long long)p->pinned, (long long)p->charged);
}

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->op && ev->op->refused && ev->r->h.action == IMS_AREA_READY)
		went_on(v, ev, "the area became live");
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->op && ev->op->refused && ev->r->h.action == IMS_DOM_ADD_END &&
	    !ev->r->p.domain.rc)
		went_on(v, ev, "the domain joined");
}

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->op || !ev->op->refused || ev->r->h.action != IMS_ACC_RANGE_PIN)
		return;
	if (!ev->r->p.access_range.rc)
		went_on(v, ev, "the access got its pages");
	else if (ev->pages && ev->pages->cookie == ev->op->refused)
		pins_stay(v, ev, ev->pages);
}

/* What went on keeps its pins, and that was said. */
static bool succeeded(const struct ims_record *r)
{
	return (r->h.kind == IMS_AREA && r->h.action == IMS_AREA_READY) ||
	       (r->h.kind == IMS_DOMAIN && !r->p.domain.rc);
}

static void quiet(struct ims_verifier *v, const struct m_event *ev, struct m_pages *p)
{
	if (ev->op->refused == p->cookie && !succeeded(ev->r))
		pins_stay(v, ev, p);
}

const struct ims_rule rule_acct_fail = {
	.id = "ACCT-FAIL", .severity = 'R',
	.statement = "after a charge that is refused the operation fails and its pins go",
	.before = { { IMS_AREA, area }, { IMS_DOMAIN, domain }, { IMS_ACCESS_RANGE, range } },
	.pages_quiet = quiet,
	.needs = IMS_NEEDS(IMS_ACCOUNT, IMS_PIN, IMS_UNPIN),
};
