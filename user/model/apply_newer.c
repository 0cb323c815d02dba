// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records about what 6.12 does not have: PASIDs, files and dma-bufs behind pages
 * objects, changes of the process that is charged, vIOMMUs.
 */
#include <stdlib.h>

#include "model/apply.h"

/* ---- PASIDs ---- */

struct m_pasid *model_pasid_of(const struct m_ctx *c, uint64_t dev, uint32_t pasid)
{
	struct m_pasid *x = c->pasids;

	while (x && (x->dev != dev || x->pasid != pasid))
		x = x->next;
	return x;
}

static void pasid_attached(struct m_event *ev)
{
	const struct ims_pasid *r = &ev->r->p.pasid;
	struct m_pasid *x = model_pasid_of(ev->ctx, r->dev, r->pasid);

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return;
		x->next = ev->ctx->pasids;
		ev->ctx->pasids = x;
	}
	x->dev = r->dev;
	x->group = r->group;
	x->pasid = r->pasid;
	x->domain = r->domain;
	x->handle = r->handle;
}

/* A replace names one device and moves all of its group that have the PASID. */
static void pasid_replaced(struct m_event *ev)
{
	const struct ims_pasid *r = &ev->r->p.pasid;

	for (struct m_pasid *x = ev->ctx->pasids; x; x = x->next)
		if (x->group == r->group && x->pasid == r->pasid) {
			x->domain = r->domain;
			x->handle = r->handle;
		}
}

static void pasid_detached(struct m_event *ev)
{
	const struct ims_pasid *r = &ev->r->p.pasid;
	struct m_pasid *gone, **p;

	for (p = &ev->ctx->pasids; (gone = *p); p = &gone->next)
		if (gone->dev == r->dev && gone->pasid == r->pasid) {
			*p = gone->next;
			free(gone);
			return;
		}
}

static void apply_pasid(struct model *m, struct m_event *ev)
{
	const struct ims_pasid *r = &ev->r->p.pasid;
	struct m_pasid *x;
	struct m_pasid old = {};

	if (!ev->device) {
		model_contradict(m, ev, "a PASID of a device that was never bound");
		return;
	}
	if (r->rc)
		return;
	x = model_pasid_of(ev->ctx, r->dev, r->pasid);
	if (x)
		old = *x;
	switch (ev->r->h.action) {
	case IMS_DEV_ATTACH:
		pasid_attached(ev);
		return;
	case IMS_DEV_REPLACE:
		pasid_replaced(ev);
		break;
	case IMS_DEV_DETACH:
		pasid_detached(ev);
		break;
	}
	model_left(ev, 0, old.domain, old.handle);
}

/* ---- files ---- */

static void apply_file(struct model *m, struct m_event *ev)
{
	const struct ims_file *r = &ev->r->p.file;
	struct m_pages *p = ev->pages;

	if (!p) {
		model_contradict(m, ev, "a file behind an unknown pages object");
		return;
	}
	switch (ev->r->h.action) {
	case IMS_FILE_MEMFD:
		p->memfd = true;
		break;
	case IMS_FILE_DMABUF:
		p->dmabuf = true;
		p->phys = r->phys;
		p->revoked = r->flags & IMS_FILE_REVOKED;
		break;
	case IMS_FILE_REVOKE:
		p->revoked = true;
		break;
	}
}

/* ---- change of process ---- */

/*
 * The new process is charged for everything in advance.  From then on to the end of
 * the ioctl what is released of a pages object is what the old process was charged.
 */
static void apply_process(struct model *m, struct m_event *ev)
{
	const struct ims_process *r = &ev->r->p.process;

	if (!ev->op)
		return;
	if (ev->r->h.action == IMS_PROC_TAKE) {
		if (!r->rc)
			ev->op->taken = (uint64_t)ev->op->taken + r->npages;
		return;
	}
	if (!ev->pages) {
		model_contradict(m, ev, "an unknown pages object was moved to another process");
		return;
	}
	if (!ev->op->moving) {
		ev->op->moving = ev->number;
		ev->op->new_mm = r->mm;
	}
	ev->pages->mm = r->mm;
	ev->pages->user = r->user;
}

/* ---- vIOMMUs ---- */

static void apply_vdevice(struct model *m, struct m_event *ev)
{
	const struct ims_vdevice *r = &ev->r->p.vdevice;
	struct m_vdevice *d;

	(void)m;
	if (ev->r->h.action == IMS_VDEV_DEL) {
		free(table_del(&ev->ctx->vdevices, r->vdev));
		return;
	}
	d = table_get(&ev->ctx->vdevices, r->vdev);
	if (!d) {
		d = malloc(sizeof(*d));
		if (!d || table_put(&ev->ctx->vdevices, r->vdev, d)) {
			free(d);
			return;
		}
	}
	*d = (struct m_vdevice){ r->vdev, r->viommu, r->virt_id, r->id, r->dev_id };
}

static void apply_vevent(struct model *m, struct m_event *ev)
{
	const struct ims_vevent *r = &ev->r->p.vevent;
	struct m_veventq *q = table_get(&ev->ctx->veventqs, r->queue);

	(void)m;
	if (!q) {
		q = calloc(1, sizeof(*q));
		if (!q || table_put(&ev->ctx->veventqs, r->queue, q)) {
			free(q);
			return;
		}
	}
	q->id = r->id;
	q->next = (r->sequence + 1) & INT32_MAX;
	q->known = ev->r->h.action == IMS_VEV_FETCH;	/* else another thread may overtake */
}

const apply_fn apply_newer[IMS_NR_KINDS] = {
	[IMS_PASID] = apply_pasid,
	[IMS_FILE] = apply_file,
	[IMS_PROCESS] = apply_process,
	[IMS_VDEVICE] = apply_vdevice,
	[IMS_VEVENT] = apply_vevent,
};
