// SPDX-License-Identifier: GPL-2.0-only
/*
 * RSV-DEV (security): while a device can do DMA through an IOAS, each of its
 * reserved regions is reserved there in its name; a domain that is added keeps
 * its ranges.
 *
 * Exceptions: regions of type DIRECT_RELAXABLE; regions the device gains after
 * the attach, which iommufd reads only once.  Another device of the same group
 * brings its own regions when it is attached itself; a replace needs those of all
 * attached devices of the group.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_rsv_dev;

static bool has(const struct m_range *list, const struct m_range *want)
{
	for (; list; list = list->next)
		if (list->owner == want->owner && list->start == want->start &&
		    list->last == want->last)
			return true;
	return false;
}

/* The devices that @ev brought to its IOAS: a replace brings the whole group. */
static bool brought(const struct m_event *ev, const struct m_device *d)
{
	return d == ev->device ||
	       (d && ev->r->h.action == IMS_DEV_REPLACE && d->group == ev->device->group &&
		d->ioas == ev->device->ioas);
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_device *d = ev->device;
	const struct m_ioas *s;

	if (!d || !d->ioas || ev->r->p.device.rc ||
	    (ev->r->h.action != IMS_DEV_ATTACH && ev->r->h.action != IMS_DEV_REPLACE))
		return;
	s = table_get(&ev->ctx->ioases, d->ioas);
	for (const struct m_range *r = s ? s->regions : NULL; r; r = r->next) {
		d = table_get(&ev->ctx->devices, r->owner);
		if (brought(ev, d) && !has(s->reserved, r))
			violate(v, &rule_rsv_dev, ev,
				"device %s is attached but its region %#llx-%#llx is not reserved",
				d->name, (unsigned long long)r->start, (unsigned long long)r->last);
	}
}

static void reserve(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_reserve *r = &ev->r->p.reserve;
	const struct m_device *d;
	const struct m_domain *dom;

	if (ev->r->h.action != IMS_RESV_DEL || !ev->ioas)
		return;
	d = table_get(&ev->ctx->devices, r->owner);
	dom = table_get(&ev->ctx->domains, r->owner);
	if ((d && d->ioas == ev->ioas->cookie) || (dom && dom->added && dom->ioas == ev->ioas))
		violate(v, &rule_rsv_dev, ev,
			"%#llx-%#llx is no longer reserved though its %s still uses the IOAS",
			(unsigned long long)r->start, (unsigned long long)r->last,
			d ? "device" : "domain");
}

const struct ims_rule rule_rsv_dev = {
	.id = "RSV-DEV", .severity = 'S',
	.statement = "the reserved regions of attached devices and added domains stay reserved",
	.before = { { IMS_RESERVE, reserve } },
	.after = { { IMS_DEVICE, device } },
	.needs = IMS_NEEDS(IMS_DEV_REGION, IMS_DOMAIN),
};
