/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One function per tracepoint of iommufd: arguments in, record out.
 *
 * The arguments are plain numbers in a[], zero-extended, in the order of the
 * kernel's TP_PROTO; the comment at each function repeats that order.  Who
 * includes this defines EVENT_FUNCTION(name), which makes a function a program of
 * the tracepoint (tracepoints.bpf.c) or leaves it to be called by those that
 * gather the same arguments elsewhere (fentry.bpf.c).
 *
 * Each EVENT() is the body of a function that fills the payload p from a[].
 */
#ifndef IMS_RECORDS_BPF_H
#define IMS_RECORDS_BPF_H

#include "cred.bpf.h"
#include "filter.bpf.h"

#define MAX_DOMAINS 65536

/* iommufd_dma_unmap and iommufd_iotlb_sync know the domain, not the ctx. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_DOMAINS);
	__type(key, __u64);
	__type(value, __u64);
} domain_ctx SEC(".maps");

#define FILL(name) static __always_inline void fill_##name(struct ims_##name *p, const __u64 *a)

/* Send a record of one size. */
#define EMIT(name, KIND, ctx, action)                                                      \
	({                                                                                 \
		struct {                                                                   \
			struct ims_hdr h;                                                  \
			struct ims_##name p;                                               \
		} *r;                                                                      \
		struct slot s = {};                                                        \
                                                                                           \
		if (scope_has(ctx))                                                        \
			s = slot_reserve(ctx, KIND, action, sizeof(*r));                   \
		r = (void *)s.h;                                                           \
		if (r) {                                                                   \
			fill_##name(&r->p, a);                                             \
			slot_submit(s);                                                    \
		}                                                                          \
	})

#define EVENT(name, KIND, action)                       \
	FILL(name);                                     \
	EVENT_FUNCTION(name)                    \
	int on_##name(const __u64 *a)                   \
	{                                               \
		EMIT(name, KIND, a[0], action);         \
		return 0;                               \
	}                                               \
	FILL(name)

/*
 * Send a record with @n runs in a slot with room for @cap of them.  A slot has
 * a constant size, so there is one copy of this for each capacity.
 */
#define EMIT_RUNS(name, KIND, runs_at, n, cap)                                             \
	({                                                                                 \
		struct {                                                                   \
			struct ims_hdr h;                                                  \
			struct ims_##name p;                                               \
			struct ims_run runs[cap];                                          \
		} *r;                                                                      \
		struct slot s = slot_reserve(a[0], KIND, 0, sizeof(*r));                   \
                                                                                           \
		r = (void *)s.h;                                                           \
		if (r) {                                                                   \
			r->h.nruns = n;                                                    \
			fill_##name(&r->p, a);                                             \
			if (bpf_probe_read_kernel(r->runs, n * sizeof(struct ims_run),     \
						  (const void *)a[runs_at]))               \
				slot_discard(s, a[0]);                                     \
			else                                                               \
				slot_submit(s);                                            \
		}                                                                          \
	})

/* Most batches are one run; the next class keeps small ones small. */
#define EVENT_RUNS(name, KIND, runs_at)                                    \
	FILL(name);                                                        \
	EVENT_FUNCTION(name)                                       \
	int on_##name(const __u64 *a)                                      \
	{                                                                  \
		__u64 n = a[runs_at + 1];                                  \
                                                                           \
		if (!scope_has(a[0]))                                      \
			return 0;                                          \
		if (n == 1)                                                \
			EMIT_RUNS(name, KIND, runs_at, 1, 1);              \
		else if (n <= 4)                                           \
			EMIT_RUNS(name, KIND, runs_at, n, 4);              \
		else if (n <= IMS_MAX_RUNS)                                \
			EMIT_RUNS(name, KIND, runs_at, n, IMS_MAX_RUNS);   \
		else                                                       \
			refuse_runs(a[0]);                                 \
		return 0;                                                  \
	}                                                                  \
	FILL(name)

/* More runs than a record holds: a loss like one that could not be read. */
static __always_inline void refuse_runs(__u64 ctx)
{
	if (!running)
		return;
	__sync_fetch_and_add(&ring_states[ring_of(ctx)].seq, 1);
	count_loss(ctx, IMS_LOSS_READ);
}

/* ---- life ---- */

FILL(ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	__builtin_memset(p, 0, sizeof(*p));
	if (a[1] != IMS_CTX_OPEN)
		return;
	bpf_get_current_comm(p->comm, sizeof(p->comm));
	p->mm = (__u64)task->mm;
	p->uid = bpf_get_current_uid_gid();
}

/* ictx, action */
EVENT_FUNCTION(ctx)
int on_ctx(const __u64 *a)
{
	if (a[1] == IMS_CTX_OPEN)
		scope_open(a[0]);
	EMIT(ctx, IMS_CTX, a[0], a[1]);
	if (a[1] == IMS_CTX_FREED)
		scope_freed(a[0]);
	return 0;
}

/* ictx, obj, id, type, action */
EVENT(object, IMS_OBJECT, a[4])
{
	p->obj = a[1];
	p->id = a[2];
	p->type = a[3];
}

FILL(ioas)
{
	p->ioas = a[1];
	p->obj = a[2];
	p->id = a[3];
	p->_rsvd = 0;
}

/* ictx, iopt, obj, id */
EVENT_FUNCTION(ioas)
int on_ioas(const __u64 *a)
{
	scope_ioas(a[0], a[3]);
	EMIT(ioas, IMS_IOAS, a[0], 0);
	return 0;
}

/* ictx, obj, domain, iopt, parent, id, flags */
EVENT(hwpt, IMS_HWPT, 0)
{
	p->obj = a[1];
	p->domain = a[2];
	p->ioas = a[3];
	p->parent = a[4];
	p->id = a[5];
	p->flags = a[6];
}

/* ---- IOAS ---- */

/* ictx, iopt, src_iopt, action, iova, length, uptr, flags, rc */
EVENT(map, IMS_MAP, a[3])
{
	p->ioas = a[1];
	p->src = a[2];
	p->iova = a[4];
	p->length = a[5];
	p->uptr = a[6];
	p->flags = a[7];
	p->rc = a[8];
}

/* ictx, iopt, action, iova, last, unmapped, rc */
EVENT(unmap, IMS_UNMAP, a[2])
{
	p->ioas = a[1];
	p->iova = a[3];
	p->last = a[4];
	p->unmapped = a[5];
	p->rc = a[6];
	p->_rsvd = 0;
}

/* ictx, iopt, action, iova, length, hint */
EVENT(iova, IMS_IOVA, a[2])
{
	p->ioas = a[1];
	p->iova = a[3];
	p->length = a[4];
	p->hint = a[5];
}

/* ictx, iopt, area, pages, action, iova, last, start_byte, prot, nacc */
EVENT(area, IMS_AREA, a[4])
{
	p->ioas = a[1];
	p->area = a[2];
	p->pages = a[3];
	p->iova = a[5];
	p->last = a[6];
	p->start_byte = a[7];
	p->prot = a[8];
	p->nacc = a[9];
}

/* ictx, iopt, area, lhs, rhs, storage, flags */
EVENT(split, IMS_SPLIT, 0)
{
	p->ioas = a[1];
	p->area = a[2];
	p->lhs = a[3];
	p->rhs = a[4];
	p->storage = a[5];
	p->flags = a[6];
	p->_rsvd = 0;
}

/* ictx, iopt, area, pages, domain */
EVENT(storage, IMS_STORAGE, 0)
{
	p->ioas = a[1];
	p->area = a[2];
	p->pages = a[3];
	p->domain = a[4];
}

/* ictx, pages, action, uptr, npages, npinned, mm, user, mode, writable, mapper */
EVENT(pages, IMS_PAGES, a[2])
{
	p->pages = a[1];
	p->uptr = a[3];
	p->npages = a[4];
	p->npinned = a[5];
	p->mm = a[6];
	p->user = a[7];
	p->mode = a[8];
	p->writable = a[9];
	p->mapper = a[10];
}

/* ---- aperture ---- */

/* ictx, iopt, action, start, last, owner, rc */
EVENT(reserve, IMS_RESERVE, a[2])
{
	p->ioas = a[1];
	p->start = a[3];
	p->last = a[4];
	p->owner = a[5];
	p->rc = a[6];
	p->_rsvd = 0;
}

/* ictx, iopt, action, start, last, rc */
EVENT(allow, IMS_ALLOW, a[2])
{
	p->ioas = a[1];
	p->start = a[3];
	p->last = a[4];
	p->rc = a[5];
	p->_rsvd = 0;
}

/* ictx, iopt, dev, start, last, type */
EVENT(dev_region, IMS_DEV_REGION, 0)
{
	p->ioas = a[1];
	p->dev = a[2];
	p->start = a[3];
	p->last = a[4];
	p->type = a[5];
	p->_rsvd = 0;
}

/* ictx, iopt, align, large */
EVENT(align, IMS_ALIGN, 0)
{
	p->ioas = a[1];
	p->align = a[2];
	p->large = a[3];
	p->_rsvd = 0;
}

/* ---- domain ---- */

FILL(domain)
{
	p->ioas = a[1];
	p->domain = a[2];
	p->aperture_start = a[4];
	p->aperture_last = a[5];
	p->pgsize_bitmap = a[6];
	p->rc = a[7];
	p->_rsvd = 0;
}

/* The table must know a domain for as long as it can be mapped to. */
static __always_inline void note_domain(const __u64 *a)
{
	__u64 ctx = a[0], domain = a[2], action = a[3];

	if (action == IMS_DOM_ADD_BEGIN) {
		if (bpf_map_update_elem(&domain_ctx, &domain, &ctx, BPF_ANY) && scope_has(ctx))
			count_loss(ctx, IMS_LOSS_TABLE);
	} else if (action == IMS_DOM_DEL_END || (action == IMS_DOM_ADD_END && (__s32)a[7])) {
		bpf_map_delete_elem(&domain_ctx, &domain);
	}
}

/* ictx, iopt, domain, action, aperture_start, aperture_last, pgsize_bitmap, rc */
EVENT_FUNCTION(domain)
int on_domain(const __u64 *a)
{
	note_domain(a);
	EMIT(domain, IMS_DOMAIN, a[0], a[3]);
	return 0;
}

/* ictx, domain, area, iova, runs, nruns, prot, rc */
EVENT_RUNS(dma_map, IMS_DMA_MAP, 4)
{
	p->domain = a[1];
	p->area = a[2];
	p->iova = a[3];
	p->prot = a[6];
	p->rc = a[7];
}

/* 0 for a domain that was added before we were attached. */
static __always_inline __u64 ctx_of_domain(__u64 domain)
{
	__u64 *ctx = bpf_map_lookup_elem(&domain_ctx, &domain);

	return ctx ? *ctx : 0;
}

FILL(dma_unmap)
{
	p->domain = a[0];
	p->iova = a[1];
	p->size = a[2];
	p->unmapped = a[3];
	p->flags = a[4] ? IMS_DMA_SYNCED : 0;
	p->_rsvd = 0;
}

/* domain, iova, size, unmapped, synced */
EVENT_FUNCTION(dma_unmap)
int on_dma_unmap(const __u64 *a)
{
	__u64 ctx = ctx_of_domain(a[0]);

	EMIT(dma_unmap, IMS_DMA_UNMAP, ctx, 0);
	return 0;
}

FILL(iotlb_sync)
{
	p->domain = a[0];
}

/* domain */
EVENT_FUNCTION(iotlb_sync)
int on_iotlb_sync(const __u64 *a)
{
	__u64 ctx = ctx_of_domain(a[0]);

	EMIT(iotlb_sync, IMS_IOTLB_SYNC, ctx, 0);
	return 0;
}

/* ---- pin ---- */

/* ictx, pages, action, uaddr, index, wanted, got, flags */
EVENT(pin, IMS_PIN, a[2])
{
	p->pages = a[1];
	p->uaddr = a[3];
	p->index = a[4];
	p->wanted = a[5];
	p->got = a[6];
	p->flags = a[7];
	p->_rsvd = 0;
}

/* ictx, pages, index, runs, nruns */
EVENT_RUNS(pin_runs, IMS_PIN_RUNS, 3)
{
	p->pages = a[1];
	p->index = a[2];
}

/* ictx, pages, index, runs, nruns, flags */
EVENT_RUNS(unpin, IMS_UNPIN, 3)
{
	p->pages = a[1];
	p->index = a[2];
	p->flags = a[5];
	p->_rsvd = 0;
}

/* ictx, pages, action, index, last */
EVENT(xarray, IMS_XARRAY, a[2])
{
	p->pages = a[1];
	p->index = a[3];
	p->last = a[4];
}

/* ---- account ---- */

/*
 * ictx, pages, mode, delta, npinned, last_npinned, counter, limit, pinned_vm, rc,
 * moved, pinned_moved
 */
EVENT(account, IMS_ACCOUNT, 0)
{
	p->pages = a[1];
	p->mode = a[2];
	p->delta = a[3];
	p->npinned = a[4];
	p->last_npinned = a[5];
	p->counter = a[6];
	p->limit = a[7];
	p->pinned_vm = a[8];
	p->rc = a[9];
	p->moved = a[10];
	p->pinned_moved = a[11];
}

/* ictx, mode, rc */
EVENT(rlimit_mode, IMS_RLIMIT_MODE, capable(CAP_SYS_RESOURCE) ? IMS_RLIMIT_PRIVILEGED : IMS_RLIMIT_UNPRIVILEGED)
{
	p->mode = a[1];
	p->rc = a[2];
}

/* ---- attach ---- */

FILL(device)
{
	p->dev = a[1];
	p->domain = a[6];
	p->old_domain = a[7];
	p->id = a[3];
	p->hwpt = a[8];
	p->group = a[4];
	p->rc = a[9];
	p->handle = a[10];
	__builtin_memset(p->name, 0, sizeof(p->name));
	bpf_probe_read_kernel_str(p->name, sizeof(p->name), (const void *)a[2]);
}

/* ictx, dev, name, id, group, action, domain, old_domain, hwpt_id, rc, handle */
EVENT_FUNCTION(device)
int on_device(const __u64 *a)
{
	scope_device(a[0], (const void *)a[2]);
	EMIT(device, IMS_DEVICE, a[0], a[5]);
	return 0;
}

/* ictx, iopt, access, id, action, align, rc */
EVENT(access, IMS_ACCESS, a[4])
{
	p->ioas = a[1];
	p->access = a[2];
	p->align = a[5];
	p->id = a[3];
	p->rc = a[6];
}

/* ictx, area, pages, action, index, last, users, nacc, flags, rc */
EVENT(access_range, IMS_ACCESS_RANGE, a[3])
{
	p->area = a[1];
	p->pages = a[2];
	p->index = a[4];
	p->last = a[5];
	p->users = a[6];
	p->nacc = a[7];
	p->flags = a[8];
	p->rc = a[9];
}

/* ictx, iopt, access, action, iova, length, flags, rc */
EVENT(access_op, IMS_ACCESS_OP, a[3])
{
	p->ioas = a[1];
	p->access = a[2];
	p->iova = a[4];
	p->length = a[5];
	p->flags = a[6];
	p->rc = a[7];
}

/* ictx, fault, id, action, group, handle, cookie */
EVENT(fault, IMS_FAULT, a[3])
{
	p->fault = a[1];
	p->group = a[4];
	p->handle = a[5];
	p->cookie = a[6];
	p->id = a[2];
}

/* ictx, domain, action, iova, length, enable, rc */
EVENT(dirty, IMS_DIRTY, a[2])
{
	p->domain = a[1];
	p->iova = a[3];
	p->length = a[4];
	p->enable = a[5];
	p->rc = a[6];
}

/* ---- what the IOMMU, users and drivers are told ---- */

/* ictx, dev, group, action, domain, now, type, base, flags, rc */
EVENT(hw, IMS_HW, a[3])
{
	p->dev = a[1];
	p->domain = a[4];
	p->now = a[5];
	p->base = a[7];
	p->group = a[2];
	p->type = a[6];
	p->flags = a[8];
	p->rc = a[9];
}

/* ictx, iopt, action, start, last, align, count, rc */
EVENT(iova_range, IMS_IOVA_RANGE, a[2])
{
	p->ioas = a[1];
	p->start = a[3];
	p->last = a[4];
	p->align = a[5];
	p->count = a[6];
	p->rc = a[7];
}

/* ictx, domain, area, iova, npages, hash */
EVENT(readback, IMS_READBACK, 0)
{
	p->domain = a[1];
	p->area = a[2];
	p->iova = a[3];
	p->npages = a[4];
	p->hash = a[5];
}

/* ictx, area, pages, index, runs, nruns */
EVENT_RUNS(access_pfns, IMS_ACCESS_PFNS, 4)
{
	p->area = a[1];
	p->pages = a[2];
	p->index = a[3];
}

/* ictx, pages, index, pfn, offset, length, flags, path, rc */
EVENT(access_copy, IMS_ACCESS_COPY, 0)
{
	p->pages = a[1];
	p->index = a[2];
	p->pfn = a[3];
	p->length = a[5];
	p->offset = a[4];
	p->flags = a[6];
	p->path = a[7];
	p->rc = a[8];
}

/* ictx, action, iopt, arg, rc */
EVENT(vfio, IMS_VFIO, a[1])
{
	p->ioas = a[2];
	p->arg = a[3];
	p->rc = a[4];
	p->_rsvd = 0;
}

/* ---- what 6.12 does not have ---- */

/* ictx, dev, id, group, action, pasid, domain, old_domain, hwpt_id, rc, handle */
EVENT(pasid, IMS_PASID, a[4])
{
	p->dev = a[1];
	p->domain = a[6];
	p->old_domain = a[7];
	p->handle = a[10];
	p->id = a[2];
	p->hwpt = a[8];
	p->group = a[3];
	p->pasid = a[5];
	p->rc = a[9];
	p->_rsvd = 0;
}

/* ictx, pages, action, file, phys, flags */
EVENT(file, IMS_FILE, a[2])
{
	p->pages = a[1];
	p->file = a[3];
	p->phys = a[4];
	p->flags = a[5];
	p->_rsvd = 0;
}

/* ictx, pages, action, mode, npages, mm, user, moved, pinned_moved, rc */
EVENT(process, IMS_PROCESS, a[2])
{
	p->pages = a[1];
	p->npages = a[4];
	p->mm = a[5];
	p->user = a[6];
	p->moved = a[7];
	p->pinned_moved = a[8];
	p->mode = a[3];
	p->rc = a[9];
}

/* ictx, vdev, action, viommu, dev, virt_id, id, dev_id */
EVENT(vdevice, IMS_VDEVICE, a[2])
{
	p->vdev = a[1];
	p->viommu = a[3];
	p->dev = a[4];
	p->virt_id = a[5];
	p->id = a[6];
	p->dev_id = a[7];
}

/* ictx, veventq, action, id, sequence, flags, num_events, depth */
EVENT(vevent, IMS_VEVENT, a[2])
{
	p->queue = a[1];
	p->id = a[3];
	p->sequence = a[4];
	p->flags = a[5];
	p->num_events = a[6];
	p->depth = a[7];
	p->_rsvd = 0;
}

/* ---- scope ---- */

/* ictx, action, cmd, rc */
EVENT(ioctl, IMS_IOCTL, a[1])
{
	p->cmd = a[2];
	p->rc = a[3];
}

/* ---- made by the collector, in the order of the ctx's records ---- */

FILL(snapshot)
{
	p->number = a[1];
}

/* ctx, number.  Run by hand; not attached to anything. */
SEC("raw_tp/mark")
int mark(const __u64 *a)
{
	EMIT(snapshot, IMS_SNAPSHOT, a[0], IMS_SNAP_MARK);
	return 0;
}

/* A child that is not known makes no records. */
static __always_inline void tgid_lost(void)
{
	count_loss(0, IMS_LOSS_TABLE);
}

FOLLOW_DESCENDANTS

SEC("raw_tp/sched_process_exit")
int on_exit(const __u64 *a)
{
	const struct task_struct *task = (const void *)a[0];

	if (!BPF_CORE_READ(task, signal, live.counter))
		tgid_forget(task);
	return 0;
}

#endif /* IMS_RECORDS_BPF_H */
