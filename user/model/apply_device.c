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
	struct m_hwpt said = { 0 };

	(void)m;
	if (h) {		/* said again with more flags */
		said = *h;
	} else {
		h = malloc(sizeof(*h));
		if (!h || table_put(&ev->ctx->hwpts, r->domain, h)) {
			free(h);
			return;
		}
	}
	*h = (struct m_hwpt){ .cookie = r->domain, .obj = r->obj, .ioas = r->ioas,
			      .parent = r->parent, .id = r->id, .flags = r->flags,
			      .is_auto = r->flags & IMS_HWPT_AUTO,
			      .msi_cookies = said.msi_cookies, .msi_base = said.msi_base };
}

static void device_attached(struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	struct m_ioas *s = model_ioas_of_domain(ev->ctx, r->domain);
	struct m_hwpt *h = table_get(&ev->ctx->hwpts, r->domain);

	ev->device->ioas = s ? s->cookie : 0;
	ev->device->domain = r->domain;
	ev->device->handle = r->handle;
	ev->device->refused = false;
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
			d->refused = false;
		}
}

bool model_domain_in_use(const struct m_ctx *c, uint64_t domain)
{
	const struct m_pasid *x = c->pasids;
	struct m_device *d;
	uint32_t i;

	table_for_each(&c->devices, i, d)
		if (d->domain == domain)
			return true;
	while (x && x->domain != domain)
		x = x->next;
	return x;
}

static bool handle_in_use(const struct m_ctx *c, uint64_t handle)
{
	const struct m_pasid *x = c->pasids;
	struct m_device *d;
	uint32_t i;

	table_for_each(&c->devices, i, d)
		if (d->handle == handle)
			return true;
	while (x && x->handle != handle)
		x = x->next;
	return x;
}

/* What belongs to it must be gone when the thread goes on. */
void model_left(struct m_event *ev, uint64_t ioas, uint64_t domain, uint64_t handle)
{
	struct m_op *op = ev->op;

	if (!op)
		return;
	op->detached = ev->device->cookie;
	op->detached_from = ioas;
	op->detached_domain = model_domain_in_use(ev->ctx, domain) ? 0 : domain;
	op->detached_handle = handle_in_use(ev->ctx, handle) ? 0 : handle;
}

static void device_left(struct m_event *ev, const struct m_device *from)
{
	model_left(ev, from->ioas != ev->device->ioas ? from->ioas : 0, from->domain,
		   from->handle);
}

static void device_failed(struct m_event *ev)
{
	struct m_ioas *s = model_ioas_of_domain(ev->ctx, ev->r->p.device.domain);

	struct m_device *d;
	uint32_t i;

	if (s && ev->r->h.action == IMS_DEV_ATTACH)
		range_del_owner(&s->regions, ev->device->cookie);
	if (ev->r->h.action != IMS_DEV_REPLACE)
		return;
	table_for_each(&ev->ctx->devices, i, d)
		d->refused |= d->group == ev->device->group;
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
		ev->device->refused = false;
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

static void access_left(struct m_event *ev)
{
	const struct ims_access *r = &ev->r->p.access;

	range_del(&ev->ioas->accesses, r->align, r->align, r->access);
	ev->ioas->access_left = ev->number;
	ev->ioas->access_left_tid = ev->r->h.tid;
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
		access_left(ev);
}

/* Whatever was pinned is one step, from the first range to this. */
static void apply_access_op(struct model *m, struct m_event *ev)
{
	(void)m;
	told_access_over(ev);
	if (ev->op && (ev->r->h.action == IMS_ACC_PIN || ev->r->h.action == IMS_ACC_UNPIN))
		ev->op->ranges = 0;
}

static void apply_access_range(struct model *m, struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	struct m_access_range **p, *x;

	if (!ev->pages) {
		model_contradict(m, ev, "an access to an unknown pages object");
		return;
	}
	if (ev->op)
		ev->op->refused = 0;	/* the end of it, also outside of an ioctl */
	if (r->rc)
		return;
	if (r->last < r->index || r->last >= ev->pages->npages) {
		model_contradict(m, ev, "an access outside its pages object");
		return;
	}
	if (ev->op)
		ev->op->ranges += ev->r->h.action == IMS_ACC_RANGE_PIN ? 1 : -1;
	told_pinned(ev);
	model_touch(m, ev, ev->pages);	/* pins follow an end, or have come before */
	if (ev->area && r->flags & IMS_ACC_LOCK && ev->r->h.action == IMS_ACC_RANGE_PIN)
		ev->area->nlocks++;
	else if (ev->area && r->flags & IMS_ACC_LOCK && ev->area->nlocks)
		ev->area->nlocks--;
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
