// SPDX-License-Identifier: GPL-2.0-only
/* Records about who uses an IOAS: devices through domains, drivers through accesses. */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

static void device_bind(struct model *m, struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	struct m_device *d = ev->device;

	if (d) {		/* the unbind of another ctx was not seen */
		d->ctx->ndevices--;
	} else {
		d = calloc(1, sizeof(*d));
		if (!d || table_put(&m->devices, r->dev, d)) {
			free(d);
			return;
		}
	}
	*d = (struct m_device){ .cookie = r->dev, .id = r->id,
				  .group = r->group, .ctx = ev->ctx };
	memcpy(d->name, r->name, sizeof(d->name) - 1);
	ev->ctx->ndevices++;
	ev->device = d;
}

static void apply_hwpt(struct model *m, struct m_event *ev)
{
	const struct ims_hwpt *r = &ev->r->p.hwpt;
	struct m_hwpt *h = table_get(&m->hwpts, r->domain);

	if (h) {		/* said again with more flags, or an old address */
		h->ctx->nhwpts--;
	} else {
		h = malloc(sizeof(*h));
		if (!h || table_put(&m->hwpts, r->domain, h)) {
			free(h);
			return;
		}
	}
	*h = (struct m_hwpt){ r->domain, r->obj, r->ioas, r->parent, ev->ctx };
	ev->ctx->nhwpts++;
}

/* The IOAS behind a domain, through the parent when it is nested. */
static struct m_ioas *ioas_of_domain(struct model *m, uint64_t cookie)
{
	const struct m_domain *d = table_get(&m->domains, cookie);
	const struct m_hwpt *h = table_get(&m->hwpts, cookie);

	if (d && d->ioas)
		return d->ioas;
	if (h && !h->ioas)
		h = table_get(&m->hwpts, h->parent);
	return h ? table_get(&m->ioases, h->ioas) : NULL;
}

static void device_attached(struct model *m, struct m_event *ev)
{
	struct m_ioas *s = ioas_of_domain(m, ev->r->p.device.domain);

	ev->device->ioas = s ? s->cookie : 0;
	if (s)
		ev->ioas = s;
}

/* A replace names one device and moves all attached ones of its group. */
static void group_replaced(struct model *m, struct m_event *ev)
{
	struct m_device *d;
	uint32_t i;

	device_attached(m, ev);
	table_for_each(&m->devices, i, d)
		if (d->ctx == ev->ctx && d->group == ev->device->group && d->ioas)
			d->ioas = ev->device->ioas;
}

static void device_gone(struct m_event *ev, struct m_ioas *from)
{
	if (!ev->op || !from)
		return;
	ev->op->detached = ev->device->cookie;
	ev->op->detached_from = from->cookie;
}

static void apply_device_record(struct model *m, struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	struct m_ioas *old;

	if (ev->r->h.action == IMS_DEV_BIND) {
		device_bind(m, ev);
		return;
	}
	if (!ev->device) {
		model_contradict(m, ev, "a device that was never bound");
		return;
	}
	old = table_get(&m->ioases, ev->device->ioas);
	switch (ev->r->h.action) {
	case IMS_DEV_ATTACH:
		if (!r->rc)
			device_attached(m, ev);
		else if (ioas_of_domain(m, r->domain))
			range_del_owner(&ioas_of_domain(m, r->domain)->regions, r->dev);
		break;
	case IMS_DEV_REPLACE:
		if (r->rc)
			break;
		group_replaced(m, ev);
		if (old && old->cookie != ev->device->ioas)
			device_gone(ev, old);
		break;
	case IMS_DEV_DETACH:
		ev->device->ioas = 0;
		device_gone(ev, old);
		break;
	case IMS_DEV_UNBIND:
		table_del(&m->devices, ev->device->cookie);
		ev->device->ctx->ndevices--;
		free(ev->device);
		ev->device = NULL;
		break;
	}
}

static void apply_access_range(struct model *m, struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	struct m_access_range **p, *x;

	if (!ev->pages) {
		model_contradict(m, ev, "an access to an unknown pages object");
		return;
	}
	if (r->rc)
		return;
	for (p = &ev->pages->accesses; (x = *p); p = &x->next)
		if (x->index == r->index && x->last == r->last)
			break;
	if (ev->r->h.action == IMS_ACC_RANGE_PIN) {
		if (!x) {
			x = calloc(1, sizeof(*x));
			if (!x)
				return;
			x->index = r->index;
			x->last = r->last;
			*p = x;
		}
		x->users++;
	} else if (!x) {
		model_contradict(m, ev, "an access ended that never began");
	} else if (!--x->users) {
		*p = x->next;
		free(x);
	}
}

const apply_fn apply_device[IMS_NR_KINDS] = {
	[IMS_HWPT] = apply_hwpt,
	[IMS_DEVICE] = apply_device_record,
	[IMS_ACCESS_RANGE] = apply_access_range,
};
