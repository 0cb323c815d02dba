// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-WIN (security): before a group translates through a domain, the window of
 * software MSI that the attached device lists is set up in that domain, where the
 * device says, and once.  Else interrupts are lost, or go to what user space maps
 * there.
 *
 * In a nested domain the window is in the parent.  The window may be set up for a
 * device that needs none, as another one of its group did.  x86 has a window of hardware MSI, which is
 * just reserved: RSV-DEV sees to that, as to this one.  Nor does it judge a kernel that
 * sets the window up as interrupts are asked for, which says so, nor what was set up
 * before we came.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_msi_win;

static const struct m_hwpt *paging_of(const struct m_ctx *c, uint64_t domain)
{
	const struct m_hwpt *h = table_get(&c->hwpts, domain);

	return h && h->flags & IMS_HWPT_NESTED ? table_get(&c->hwpts, h->parent) : h;
}

static void translates(struct ims_verifier *v, const struct m_event *ev, const struct m_hwpt *h)
{
	const struct m_device *d = ev->device;
	const struct m_claim *claim = d ? table_get(&ev->ctx->claims, d->cookie) : NULL;

	if (!h || !d || !d->sw_msi || ev->ctx->late || (claim && claim->flags & IMS_HW_DRIVER_MSI))
		return;
	if (!h->msi_cookies)
		violate(v, &rule_msi_win, ev,
			"%s uses domain %#llx, whose window for its interrupts at %#llx was not set up",
			d->name, (unsigned long long)h->cookie, (unsigned long long)d->sw_msi_base);
	else if (h->msi_base != d->sw_msi_base)
		violate(v, &rule_msi_win, ev,
			"%s has its interrupts at %#llx, domain %#llx has the window at %#llx",
			d->name, (unsigned long long)d->sw_msi_base,
			(unsigned long long)h->cookie, (unsigned long long)h->msi_base);
}

static void hw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	const struct m_hwpt *h = paging_of(ev->ctx, r->domain);

	if (r->rc)
		return;
	if (ev->r->h.action == IMS_HW_ATTACH || ev->r->h.action == IMS_HW_REPLACE)
		translates(v, ev, h);
	else if (ev->r->h.action == IMS_HW_MSI_COOKIE && h && h->msi_cookies)
		violate(v, &rule_msi_win, ev,
			"a window for interrupts was set up in domain %#llx, which has one",
			(unsigned long long)h->cookie);
}

const struct ims_rule rule_msi_win = {
	.id = "MSI-WIN", .severity = 'S',
	.statement = "a device gets its window for software MSI before it translates, once",
	.before = { { IMS_HW, hw } },
	.needs = IMS_NEEDS(IMS_DEV_REGION, IMS_HWPT, IMS_DEVICE),
};
