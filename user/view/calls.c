// SPDX-License-Identifier: GPL-2.0-only
#include "view/calls.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "record/desc.h"

/* ---- names ---- */

const char *ims_stage_name(enum ims_stage phase)
{
	static const char *const names[IMS_NR_STAGES] = {
		[IMS_STAGE_SPACE] = "IOVA space", [IMS_STAGE_ACCOUNT] = "account",
		[IMS_STAGE_PIN] = "pin", [IMS_STAGE_MAP] = "dma_map",
		[IMS_STAGE_UNMAP] = "dma_unmap", [IMS_STAGE_SYNC] = "IOTLB sync",
		[IMS_STAGE_UNPIN] = "unpin", [IMS_STAGE_ATTACH] = "attach",
		[IMS_STAGE_ACCESS] = "access", [IMS_STAGE_REST] = "rest",
	};

	return names[phase];
}

const char *ims_call_name(uint32_t cmd)
{
	return ims_name_of(ims_ioctl_cmds, cmd);
}

void ims_call_text(uint32_t cmd, char *to, size_t size)
{
	const char *name = ims_call_name(cmd);

	if (!name)
		snprintf(to, size, "ioctl %#x", cmd);
	for (; name && size > 1; size--, to++) {
		*to = toupper((unsigned char)*name);
		if (!*name++)
			return;
	}
	if (name && size)
		*to = 0;
}

/* ---- steps ---- */

enum ims_stage ims_stage_of(const struct ims_record *r)
{
	switch (r->h.kind) {
	case IMS_MAP: case IMS_UNMAP: case IMS_IOVA: case IMS_AREA: case IMS_SPLIT:
	case IMS_STORAGE: case IMS_PAGES: case IMS_RESERVE: case IMS_ALLOW:
	case IMS_DEV_REGION: case IMS_ALIGN: case IMS_IOVA_RANGE: case IMS_FILE:
		return IMS_STAGE_SPACE;
	case IMS_ACCOUNT: case IMS_RLIMIT_MODE: case IMS_PROCESS:
		return IMS_STAGE_ACCOUNT;
	case IMS_PIN: case IMS_PIN_RUNS: case IMS_XARRAY:
		return IMS_STAGE_PIN;
	case IMS_DMA_MAP: case IMS_READBACK:
		return IMS_STAGE_MAP;
	case IMS_DMA_UNMAP:
		return IMS_STAGE_UNMAP;
	case IMS_IOTLB_SYNC:
		return IMS_STAGE_SYNC;
	case IMS_UNPIN:
		return IMS_STAGE_UNPIN;
	case IMS_OBJECT: case IMS_IOAS: case IMS_HWPT: case IMS_DOMAIN: case IMS_DEVICE:
	case IMS_HW: case IMS_PASID: case IMS_VDEVICE:
		return IMS_STAGE_ATTACH;
	case IMS_ACCESS: case IMS_ACCESS_RANGE: case IMS_ACCESS_OP: case IMS_ACCESS_PFNS:
	case IMS_ACCESS_COPY:
		return IMS_STAGE_ACCESS;
	default:
		return IMS_STAGE_REST;
	}
}

uint64_t ims_step_bytes(const struct ims_record *r)
{
	switch (r->h.kind) {
	case IMS_PIN:
		return r->p.pin.got > 0 ? (uint64_t)r->p.pin.got << IMS_PAGE_SHIFT : 0;
	case IMS_UNPIN:
		return ims_runs_sum(r) << IMS_PAGE_SHIFT;
	case IMS_DMA_MAP:
		return r->p.dma_map.rc ? 0 : ims_runs_sum(r);
	case IMS_DMA_UNMAP:
		return r->p.dma_unmap.unmapped;
	default:
		return 0;
	}
}

/* ---- calls ---- */

static struct call *call_of(struct calls *cs, const struct ims_record *r)
{
	return r->h.tid ? table_get(&cs->by_tid, r->h.tid) : NULL;
}

static void end_span(struct calls *cs, struct call *c)
{
	if (c->in_span && cs->ops->span)
		cs->ops->span(cs->arg, c);
	c->in_span = false;
	c->span_bytes = 0;
	c->from_ns = c->last_ns;
}

static void end_call(struct calls *cs, struct call *c, int rc, bool told)
{
	end_span(cs, c);
	if (cs->ops->end)
		cs->ops->end(cs->arg, c, c->last_ns, rc, told);
	table_del(&cs->by_tid, c->tid);
	free(c);
}

static void begin_call(struct calls *cs, const struct ims_record *r)
{
	struct call *c = call_of(cs, r);

	if (c)
		end_call(cs, c, 0, false);
	c = calloc(1, sizeof(*c));
	if (!c || !r->h.tid || table_put(&cs->by_tid, r->h.tid, c)) {
		free(c);
		return;
	}
	c->tid = r->h.tid;
	c->tgid = r->h.tgid;
	c->ctx = r->h.ctx;
	c->cmd = r->p.ioctl.cmd;
	c->enter_ns = c->from_ns = c->last_ns = r->h.ktime_ns;
	if (cs->ops->begin)
		cs->ops->begin(cs->arg, c);
}

static void step(struct calls *cs, struct call *c, const struct ims_record *r)
{
	enum ims_stage phase = ims_stage_of(r);

	if (c->in_span && c->phase != phase)
		end_span(cs, c);
	c->phase = phase;
	c->in_span = true;
	if (r->h.ktime_ns > c->last_ns)
		c->last_ns = r->h.ktime_ns;
	c->span_bytes += ims_step_bytes(r);
	if (r->h.kind == IMS_MAP && !r->p.map.rc)
		c->bytes += r->p.map.length;
	else if (r->h.kind == IMS_UNMAP && r->h.action == IMS_UNMAP_IOCTL)
		c->bytes += r->p.unmap.unmapped;
}

void calls_feed(struct calls *cs, const struct ims_record *r)
{
	struct call *c;

	if (r->h.kind == IMS_IOCTL && r->h.action == IMS_IOCTL_ENTER) {
		begin_call(cs, r);
		return;
	}
	c = call_of(cs, r);
	if (!c || r->h.kind == IMS_LOSS || r->h.kind == IMS_END)
		return;
	step(cs, c, r);
	if (r->h.kind == IMS_IOCTL)
		end_call(cs, c, r->p.ioctl.rc, true);
}

void calls_finish(struct calls *cs)
{
	void *c;

	for (uint32_t i = 0; cs->by_tid.n; i = (i + 1) & cs->by_tid.mask) {
		c = cs->by_tid.slot[i].key ? cs->by_tid.slot[i].val : NULL;
		if (c)
			end_call(cs, c, 0, false);
	}
}

void calls_destroy(struct calls *cs)
{
	void *c;
	uint32_t i;

	table_for_each(&cs->by_tid, i, c)
		free(c);
	table_destroy(&cs->by_tid);
}
