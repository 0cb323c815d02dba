// SPDX-License-Identifier: GPL-2.0-only
/*
 * REPLACE-ATOMIC (semantic): a replace that fails leaves the group at its old HWPT, and
 * nothing of it in the new IOAS.
 *
 * The record of the failure comes when all was undone, and names the HWPT that the group
 * has now.  The next detach or replace must name that one too.  Ranges that were reserved
 * for the devices of the group in the new IOAS are gone; that those in the old IOAS stay
 * is RSV-DEV.  References that were kept show in the end, by CLOSE-EMPTY and AUTO-HWPT.
 * Exceptions: a replace by the HWPT that the group has does nothing and has no record;
 * between two HWPTs of one IOAS the ranges stay, they are those in use; a device that is
 * not attached.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_replace_atomic;

static void left_over(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ioas *s = model_ioas_of_domain(ev->ctx, ev->r->p.device.domain);

	for (const struct m_range *r = s ? s->reserved : NULL; r; r = r->next) {
		const struct m_device *d = table_get(&ev->ctx->devices, r->owner);

		if (!d || d->group != ev->device->group || d->ioas == s->cookie)
			continue;
		violate(v, &rule_replace_atomic, ev,
			"the replace failed (%d) but %#llx-%#llx of IOAS %u is still reserved for %s",
			ev->r->p.device.rc, (unsigned long long)r->start,
			(unsigned long long)r->last, s->id, d->name);
		return;
	}
}

static void failed(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t had = model_group_domain(ev->ctx, ev->device->group);
	uint64_t has = ev->r->p.device.old_domain;

	if (had && has != had)
		violate(v, &rule_replace_atomic, ev,
			"the replace failed (%d) but group %u has moved from domain %#llx to %#llx",
			ev->r->p.device.rc, ev->device->group, (unsigned long long)had,
			(unsigned long long)has);
	left_over(v, ev);
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t from;

	if (!ev->device)
		return;
	if (ev->r->h.action == IMS_DEV_REPLACE && ev->r->p.device.rc)
		failed(v, ev);
	else if (ev->device->refused && device_leaves(ev, &from) && from != ev->device->domain)
		violate(v, &rule_replace_atomic, ev,
			"%s left domain %#llx, but since a replace failed it should be in %#llx",
			ev->device->name, (unsigned long long)from,
			(unsigned long long)ev->device->domain);
}

const struct ims_rule rule_replace_atomic = {
	.id = "REPLACE-ATOMIC", .severity = 'M',
	.statement = "a replace that fails leaves the group and the reserved ranges as they were",
	.before = { { IMS_DEVICE, device } },
	.needs = IMS_NEEDS(IMS_HWPT, IMS_RESERVE, IMS_DOMAIN),
};
