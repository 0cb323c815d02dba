// SPDX-License-Identifier: GPL-2.0-only
/* Records about who uses an IOAS: devices through domains, drivers through accesses. */
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"

static void device_bind(struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	struct m_device *d = ev->device;

	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d || table_put(&ev->ctx->devices, r->dev, d)) {
			free(d);
			return;
		}
	}
	*d = (struct m_device){ .cookie = r->dev, .id = r->id, .group = r->group };
	memcpy(d->name, r->name, sizeof(d->name) - 1);
	ev->device = d;
}

static void apply_hwpt(struct model *m, struct m_event *ev)
{
	const struct ims_hwpt *r = &ev->r->p.hwpt;
	struct m_hwpt *h = table_get(&ev->ctx->hwpts, r->domain);

	(void)m;
	if (!h) {		/* else: said again with more flags */
		h = malloc(sizeof(*h));
		if (!h || table_put(&ev->ctx->hwpts, r->domain, h)) {
			free(h);
			return;
		}
	}
	*h = (struct m_hwpt){ r->domain, r->obj, r->ioas, r->parent };
}

/* The IOAS behind a domain, through the parent when it is nested. */
static struct m_ioas *ioas_of_domain(const struct m_ctx *c, uint64_t cookie)
{
	const struct m_domain *d = table_get(&c->domains, cookie);
	const struct m_hwpt *h = table_get(&c->hwpts, cookie);

	if (d && d->ioas)
		return d->ioas;
	if (h && !h->ioas)
		h = table_get(&c->hwpts, h->parent);
	return h ? table_get(&c->ioases, h->ioas) : NULL;
}

static void device_attached(struct m_event *ev)
{
	struct m_ioas *s = ioas_of_domain(ev->ctx, ev->r->p.device.domain);

	ev->device->ioas = s ? s->cookie : 0;
	if (s)
		ev->ioas = s;
}

/* A replace names one device and moves all attached ones of its group. */
static void group_replaced(struct m_event *ev)
{
	struct m_device *d;
	uint32_t i;

	device_attached(ev);
	table_for_each(&ev->ctx->devices, i, d)
		if (d->group == ev->device->group && d->ioas)
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
		device_bind(ev);
		return;
	}
	if (!ev->device) {
		model_contradict(m, ev, "a device that was never bound");
		return;
	}
	old = table_get(&ev->ctx->ioases, ev->device->ioas);
	switch (ev->r->h.action) {
	case IMS_DEV_ATTACH:
		if (!r->rc)
			device_attached(ev);
		else if (ioas_of_domain(ev->ctx, r->domain))
			range_del_owner(&ioas_of_domain(ev->ctx, r->domain)->regions, r->dev);
		break;
	case IMS_DEV_REPLACE:
		if (r->rc)
			break;
		group_replaced(ev);
		if (old && old->cookie != ev->device->ioas)
			device_gone(ev, old);
		break;
	case IMS_DEV_DETACH:
		ev->device->ioas = 0;
		device_gone(ev, old);
		break;
	case IMS_DEV_UNBIND:
		table_del(&ev->ctx->devices, ev->device->cookie);
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
