// SPDX-License-Identifier: GPL-2.0-only
/*
 * GRP-COHERENT (security): the devices of one IOMMU group that are attached use one
 * domain, since the hardware has one translation for the group, and it is the one that
 * the IOMMU core has for the group then.  What a device leaves, by a detach or a
 * replace, is the domain that it uses.
 *
 * A replace names one device and moves the whole group; one that is refused changes
 * nothing in the IOMMU core.  Exceptions: after a replace that failed REPLACE-ATOMIC asks
 * what is left; a device without an IOMMU is of no group, and nobody translates for it.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_grp_coherent;

static void leaves(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t from;

	if (device_leaves(ev, &from) && !ev->device->refused && from != ev->device->domain)
		violate(v, &rule_grp_coherent, ev,
			"%s left domain %#llx, but its group uses domain %#llx", ev->device->name,
			(unsigned long long)from, (unsigned long long)ev->device->domain);
}

static bool alike(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_device *d;
	uint32_t i;

	table_for_each(&ev->ctx->devices, i, d)
		if (d->group == r->group && d->domain && d->domain != r->domain) {
			violate(v, &rule_grp_coherent, ev,
				"%.*s was attached to domain %#llx while %s of its group uses domain %#llx",
				IMS_NAME, r->name, (unsigned long long)r->domain, d->name,
				(unsigned long long)d->domain);
			return false;
		}
	return true;
}

static const struct m_group *group(const struct m_event *ev, uint32_t number)
{
	return table_get(&ev->ctx->groups, (uint64_t)number + 1);
}

/* What iommufd believes, against what the IOMMU core said. */
static void believed(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_group *g = group(ev, r->group);

	if (!ims_has_group(r->group, r->id))
		return;
	if (!g || g->now != r->domain)
		violate(v, &rule_grp_coherent, ev,
			"%.*s was attached to domain %#llx, but group %u translates through %#llx",
			IMS_NAME, r->name, (unsigned long long)r->domain, r->group,
			(unsigned long long)(g ? g->now : 0));
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	bool attach = ev->r->h.action == IMS_DEV_ATTACH;

	leaves(v, ev);
	if (ev->r->p.device.rc || (attach && !alike(v, ev)))
		return;
	if (attach || ev->r->h.action == IMS_DEV_REPLACE)
		believed(v, ev);
}

static void hw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	const struct m_group *g = group(ev, r->group);
	bool replace = ev->r->h.action == IMS_HW_REPLACE;

	if (!r->rc && (replace || ev->r->h.action == IMS_HW_ATTACH) && r->now != r->domain)
		violate(v, &rule_grp_coherent, ev,
			"group %u was given domain %#llx, but translates through %#llx", r->group,
			(unsigned long long)r->domain, (unsigned long long)r->now);
	else if (r->rc && replace && g && g->now && r->now != g->now)
		violate(v, &rule_grp_coherent, ev,
			"group %u was refused domain %#llx, but went from %#llx to %#llx", r->group,
			(unsigned long long)r->domain, (unsigned long long)g->now,
			(unsigned long long)r->now);
}

const struct ims_rule rule_grp_coherent = {
	.id = "GRP-COHERENT", .severity = 'S',
	.statement = "all attached devices of a group use the same domain until they leave it",
	.before = { { IMS_DEVICE, device }, { IMS_HW, hw } },
};
