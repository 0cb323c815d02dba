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
	*h = (struct m_hwpt){ .cookie = r->domain, .obj = r->obj, .ioas = r->ioas,
			      .parent = r->parent, .id = r->id, .flags = r->flags,
			      .is_auto = r->flags & IMS_HWPT_AUTO };
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
	const struct ims_device *r = &ev->r->p.device;
	struct m_ioas *s = ioas_of_domain(ev->ctx, r->domain);
	struct m_hwpt *h = table_get(&ev->ctx->hwpts, r->domain);

	ev->device->ioas = s ? s->cookie : 0;
	ev->device->domain = r->domain;
	ev->device->handle = r->handle;
	if (h)
		h->orphan = false;
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
		if (d->group == ev->device->group && d->domain) {
			d->ioas = ev->device->ioas;
			d->domain = ev->device->domain;
			d->handle = ev->device->handle;
		}
}

static bool domain_in_use(const struct m_ctx *c, uint64_t domain)
{
	struct m_device *d;
	uint32_t i;

	table_for_each(&c->devices, i, d)
		if (d->domain == domain)
			return true;
	return false;
}

static bool handle_in_use(const struct m_ctx *c, uint64_t handle)
{
	struct m_device *d;
	uint32_t i;

	table_for_each(&c->devices, i, d)
		if (d->handle == handle)
			return true;
	return false;
}

/* The device left @from: what belongs to that must be gone when the thread goes on. */
static void device_left(struct m_event *ev, const struct m_device *from)
{
	struct m_op *op = ev->op;

	if (!op)
		return;
	op->detached = ev->device->cookie;
	op->detached_from = from->ioas != ev->device->ioas ? from->ioas : 0;
	op->detached_domain = domain_in_use(ev->ctx, from->domain) ? 0 : from->domain;
	op->detached_handle = handle_in_use(ev->ctx, from->handle) ? 0 : from->handle;
}

static void device_failed(struct m_event *ev)
{
	struct m_ioas *s = ioas_of_domain(ev->ctx, ev->r->p.device.domain);

	if (s && ev->r->h.action == IMS_DEV_ATTACH)
		range_del_owner(&s->regions, ev->device->cookie);
}

static void apply_device_record(struct model *m, struct m_event *ev)
{
	struct m_device old;

	if (ev->r->h.action == IMS_DEV_BIND) {
		device_bind(ev);
		return;
	}
	if (!ev->device) {
		model_contradict(m, ev, "a device that was never bound");
		return;
	}
	if (ev->r->p.device.rc) {
		device_failed(ev);
		return;
	}
	old = *ev->device;
	switch (ev->r->h.action) {
	case IMS_DEV_ATTACH:
		device_attached(ev);
		break;
	case IMS_DEV_REPLACE:
		group_replaced(ev);
		device_left(ev, &old);
		break;
	case IMS_DEV_DETACH:
		ev->device->ioas = ev->device->domain = ev->device->handle = 0;
		device_left(ev, &old);
		break;
	case IMS_DEV_UNBIND:
		table_del(&ev->ctx->devices, ev->device->cookie);
		free(ev->device);
		ev->device = NULL;
		break;
	}
}

static void apply_fault(struct model *m, struct m_event *ev)
{
	const struct ims_fault *r = &ev->r->p.fault;
	struct m_fault *f = table_get(&ev->ctx->faults, r->group);

	(void)m;
	switch (ev->r->h.action) {
	case IMS_FLT_QUEUE:
		if (!f)
			f = calloc(1, sizeof(*f));
		if (!f || table_put(&ev->ctx->faults, r->group, f)) {
			free(f);
			return;
		}
		*f = (struct m_fault){ r->group, r->fault, r->handle, false };
		break;
	case IMS_FLT_READ:
	case IMS_FLT_RESTORE:
		if (f)
			f->read = ev->r->h.action == IMS_FLT_READ;
		break;
	default:
		free(table_del(&ev->ctx->faults, r->group));
	}
}

static void apply_access(struct model *m, struct m_event *ev)
{
	const struct ims_access *r = &ev->r->p.access;

	(void)m;
	if (!ev->ioas || r->rc)
		return;
	if (ev->r->h.action == IMS_ACC_ADD)
		range_add(&ev->ioas->accesses, r->align, r->align, r->access);
	else
		range_del(&ev->ioas->accesses, r->align, r->align, r->access);
}

/* Unmapping asks each access of the IOAS about exactly the area that has to go. */
static void apply_access_op(struct model *m, struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;
	struct m_area *a;

	(void)m;
	if (ev->r->h.action != IMS_ACC_NOTIFY_BEGIN || !ev->ioas || !r->length)
		return;
	a = model_area_first(ev->ioas, r->iova, r->iova, NULL);
	if (a && a->iova == r->iova && a->last - a->iova == r->length - 1)
		a->prevent = true;
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
	if (r->last < r->index || r->last >= ev->pages->npages) {
		model_contradict(m, ev, "an access outside its pages object");
		return;
	}
	model_touch(m, ev, ev->pages);	/* pins follow an end, or have come before */
	if (ev->area && ev->r->h.action == IMS_ACC_RANGE_PIN)
		ev->area->nacc++;
	else if (ev->area && ev->area->nacc)
		ev->area->nacc--;
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
	} else if (!x) {	/* ACC-BAL said so */
		return;
	} else if (!--x->users) {
		*p = x->next;
		free(x);
	}
}

const apply_fn apply_device[IMS_NR_KINDS] = {
	[IMS_HWPT] = apply_hwpt,
	[IMS_DEVICE] = apply_device_record,
	[IMS_ACCESS] = apply_access,
	[IMS_ACCESS_RANGE] = apply_access_range,
	[IMS_ACCESS_OP] = apply_access_op,
	[IMS_FAULT] = apply_fault,
};
