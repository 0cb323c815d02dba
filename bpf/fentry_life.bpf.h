/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c, ioas.c and vfio_compat.c of iommufd: contexts, objects, and the ways in.
 *
 * An id, and the address of a ctx, can be given to others before a hook tells of the
 * end of the one before.  So the ends are noted in tables, and who is given such a
 * number again writes the end that is due first, of a thread that it does not know.
 * An entry says whose end it is by what nobody else can have meanwhile: the address of
 * the object, or of the file.  Only one can claim it; the place in the ring is reserved
 * before, so that the end always comes first there.
 *
 * The entry of an id stays until its ctx ends, claimed or not: who took it out might
 * take out that of the next one.
 */
#ifndef IMS_FENTRY_LIFE_BPF_H
#define IMS_FENTRY_LIFE_BPF_H

#include "fentry_space.bpf.h"
#include "tables.h"

#define MAX_CTXS 16384
#define MAX_OBJECTS 262144

struct ctx_state {
	__u64 file;		/* 0: its end was told */
	__u32 flights;		/* threads that change pins of accesses now */
	__u32 entries;		/* counts those that have begun to */
	__u32 max_id;		/* of its objects that have ended */
	__u32 _rsvd;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CTXS);
	__type(key, __u64);
	__type(value, struct ctx_state);
} ctxs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_OBJECTS);
	__type(key, struct ims_id_key);
	__type(value, struct ims_id_state);
} objects SEC(".maps");

/* Of those that find an end due, one may tell it. */
static __always_inline bool claim(__u64 *whose, __u64 owner)
{
	return __sync_val_compare_and_swap(whose, owner, 0) == owner;
}

/* ---- contexts ---- */

/* One that was open before us: threads that change its pins were not counted. */
#define UNCOUNTED (1U << 30)

static __noinline struct ctx_state *ctx_state(__u64 ctx)
{
	struct ctx_state *c = bpf_map_lookup_elem(&ctxs, &ctx);
	struct ctx_state state = { .flights = UNCOUNTED };

	if (c || !ctx)
		return c;
	state.file = (__u64)READ(iommufd_ctx, ctx, file);
	bpf_map_update_elem(&ctxs, &ctx, &state, BPF_NOEXIST);
	return bpf_map_lookup_elem(&ctxs, &ctx);
}

static __noinline int ctx_freed(__u64 ctx, __u64 file)
{
	struct ctx_state *c = bpf_map_lookup_elem(&ctxs, &ctx);
	struct {
		struct ims_hdr h;
		struct ims_ctx p;
	} *r;
	struct slot s = {};

	if (!c || !file || c->file != file)
		return 0;
	if (scope_has(ctx))
		s = slot_reserve(ctx, IMS_CTX, IMS_CTX_FREED, sizeof(*r));
	r = (void *)s.h;
	if (!claim(&c->file, file)) {
		if (r)
			slot_cancel(s, ctx);
		return 0;
	}
	bpf_map_delete_elem(&ctxs, &ctx);
	if (r) {
		__builtin_memset(&r->p, 0, sizeof(r->p));
		slot_submit(s);
	}
	scope_freed(ctx);
	return 0;
}

SEC("fexit/iommufd_fops_open")
int BPF_PROG(ctx_open)
{
	struct ctx_state state = { .file = arg(ctx, 1) }, *before;
	__u64 a[3] = { file_data(arg(ctx, 1)), IMS_CTX_OPEN, 0 };

	if ((__s32)result(ctx) || !running)
		return 0;
	before = bpf_map_lookup_elem(&ctxs, a);
	if (before)
		ctx_freed(a[0], before->file);
	on_ctx(a);
	if (bpf_map_update_elem(&ctxs, a, &state, BPF_ANY) && scope_has(a[0]))
		count_loss(a[0], IMS_LOSS_TABLE);
	a[1] = READ(iommufd_ctx, a[0], account_mode);
	if (a[1])
		on_rlimit_mode(a);
	return 0;
}

static long forget_id(__u32 i, const __u64 *ctx)
{
	struct ims_id_key key = { .ctx = *ctx, .id = i + 1 };
	struct ims_id_state *o = bpf_map_lookup_elem(&objects, &key);

	if (o && !o->obj)
		bpf_map_delete_elem(&objects, &key);
	return 0;
}

/* Nobody is given an id any more: entries can go. */
SEC("fentry/iommufd_fops_release")
int BPF_PROG(ctx_release)
{
	__u64 a[2] = { file_data(arg(ctx, 1)), IMS_CTX_RELEASE };
	struct work *w = work_begin(a[0]);
	struct ctx_state *c;

	if (!w)
		return 0;
	on_ctx(a);
	w->releasing = 1;
	c = ctx_state(a[0]);
	if (c)
		bpf_loop(c->max_id, forget_id, a, 0);
	return 0;
}

SEC("fexit/iommufd_fops_release")
int BPF_PROG(ctx_released)
{
	work_end();
	return ctx_freed(file_data(arg(ctx, 1)), arg(ctx, 1));
}

/* ---- objects ---- */

/* Remember how far the ids of the ctx go whose entries can go with it. */
static __noinline int note_id(__u64 ctx, __u32 id)
{
	struct ctx_state *c = ctx_state(ctx);

	for (__u32 i = 0; c && i < 16; i++) {
		__u32 max = *(volatile __u32 *)&c->max_id;

		if (max >= id || __sync_val_compare_and_swap(&c->max_id, max, id) == max)
			return 0;
	}
	return 0;
}

/* An object that was made before us has its entry now, if not from the live source. */
static __always_inline struct ims_id_state *id_state(const struct ims_id_key *key, __u64 obj)
{
	struct ims_id_state *o = bpf_map_lookup_elem(&objects, key);
	struct ims_id_state state = { .obj = obj, .visible = 1 };

	if (o)
		return o;
	state.type = object_type(READ(iommufd_object, obj, type));
	bpf_map_update_elem(&objects, key, &state, BPF_NOEXIST);
	return bpf_map_lookup_elem(&objects, key);
}

/*
 * Write the end of @obj, unless that was done.  Who is given its id cannot know which
 * thread has ended it, and says so: thread 0.
 */
static __noinline int object_gone(__u64 ctx, __u32 id, __u64 obj, bool by_next)
{
	struct ims_id_key key = { .ctx = ctx, .id = id };
	struct ims_id_state *o = id_state(&key, obj);
	__u64 a[5] = { ctx, obj, id };
	struct {
		struct ims_hdr h;
		struct ims_object p;
	} *r;
	struct slot s = {};

	if (!o || !obj || o->obj != obj)
		return 0;
	a[3] = o->type;
	if (scope_has(ctx))
		s = slot_reserve(ctx, IMS_OBJECT, o->visible ? IMS_OBJ_DESTROY : IMS_OBJ_ABORT,
				 sizeof(*r));
	r = (void *)s.h;
	if (!claim(&o->obj, obj)) {
		if (r)
			slot_cancel(s, ctx);
		return 0;
	}
	if (r) {
		if (by_next)
			r->h.tgid = r->h.tid = 0;
		fill_object(&r->p, a);
		slot_submit(s);
	}
	return note_id(ctx, id);
}

static __noinline int object_noted(__u64 ctx, __u32 id, __u64 obj, __u32 type)
{
	struct ims_id_state state = { .obj = obj, .type = type }, *before;
	struct ims_id_key key = { .ctx = ctx, .id = id };

	before = bpf_map_lookup_elem(&objects, &key);
	if (before)
		object_gone(ctx, id, before->obj, true);
	if (bpf_map_update_elem(&objects, &key, &state, BPF_ANY))
		count_loss(ctx, IMS_LOSS_TABLE);
	return 0;
}

static __noinline int object_new(__u64 obj, __u32 type)
{
	struct work *w = work_here();
	__u64 a[5] = { 0, obj, 0, object_type(type), IMS_OBJ_ALLOC };

	if (!w || IS_ERR(obj))
		return 0;
	a[0] = w->ctx;
	a[2] = READ(iommufd_object, obj, id);
	object_noted(a[0], a[2], obj, a[3]);
	on_object(a);
	if (a[3] == IMS_T_HWPT_PAGING)
		w->hwpt = obj;
	if (a[3] == IMS_T_IOAS) {
		a[1] = obj + bpf_core_field_offset(struct iommufd_ioas, iopt);
		a[3] = a[2];
		a[2] = obj;
		on_ioas(a);
	}
	return 0;
}

SEC("fexit/_iommufd_object_alloc")
int BPF_PROG(object_made, struct iommufd_ctx *ictx, size_t size, unsigned int type)
{
	return object_new(result(ctx), type);
}

/*
 * c0d498a1b99d ("iommufd: Introduce iommufd_object_alloc_ucmd helper"): calls the other one,
 * unless the compiler (clang 19) has put that into it.
 */
SEC("fexit/_iommufd_object_alloc_ucmd")
int BPF_PROG(object_made___ucmd, struct iommufd_ucmd *ucmd, size_t size, unsigned int type)
{
	struct work *w = work_here();
	struct ims_id_key key = {};
	struct ims_id_state *o;
	__u64 obj = result(ctx);

	if (!w || IS_ERR(obj))
		return 0;
	key.ctx = w->ctx;
	key.id = READ(iommufd_object, obj, id);
	o = bpf_map_lookup_elem(&objects, &key);
	return o && o->obj == obj ? 0 : object_new(obj, type);
}

/* The id is not given to others: not before the ctx ends. */
static __always_inline void tombstone_record(struct work *w, __u64 obj, __u32 id)
{
	__u64 a[5] = { w->ctx, obj, id, object_type(READ(iommufd_object, obj, type)),
		       IMS_OBJ_TOMBSTONE };

	w->tombstone = 0;
	on_object(a);
}

static __always_inline int object_ends(struct work *w, __u64 obj)
{
	struct ims_id_key key = {};

	if (!w)
		return 0;
	key.ctx = w->ctx;
	key.id = READ(iommufd_object, obj, id);
	object_gone(key.ctx, key.id, obj, false);
	if (w->tombstone)
		tombstone_record(w, obj, key.id);
	if (w->releasing)
		bpf_map_delete_elem(&objects, &key);
	return 0;
}

SEC("fentry/iommufd_object_abort")
int BPF_PROG(object_abort, struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	return object_ends(work_here(), (__u64)obj);
}

/* The abort of the object's kind follows, and what undoes it is for an object without id. */
SEC("fentry/iommufd_object_abort_and_destroy")
int BPF_PROG(object_abort_destroy, struct iommufd_ctx *ictx, struct iommufd_object *obj)
{
	return object_ends(work_here(), (__u64)obj);
}

#define REMOVE_OBJ_TOMBSTONE 2	/* a flag of iommufd's own */

SEC("fentry/iommufd_object_remove")
int BPF_PROG(remove_enter)
{
	struct work *w = work_begin(arg(ctx, 0));

	if (w)
		w->tombstone = !!(arg(ctx, 3) & REMOVE_OBJ_TOMBSTONE);
	return 0;
}

SEC("fexit/iommufd_object_remove")
int BPF_PROG(remove_leave)
{
	struct work *w = work_here();

	if (w)
		w->tombstone = 0;
	return work_end();
}

/* The operation that follows the removal from the table of ids; one for each type. */
#define DESTROY(function)                                              \
	SEC("fentry/" #function)                                       \
	int BPF_PROG(on_##function, struct iommufd_object *obj)        \
	{                                                              \
		return object_ends(work_here(), (__u64)obj);           \
	}

DESTROY(iommufd_ioas_destroy)
DESTROY(iommufd_hwpt_paging_destroy)
DESTROY(iommufd_hwpt_nested_destroy)
DESTROY(iommufd_access_destroy_object)
DESTROY(iommufd_selftest_destroy)
DESTROY(iommufd_viommu_destroy)
DESTROY(iommufd_vdevice_destroy)
DESTROY(iommufd_veventq_destroy)
DESTROY(iommufd_hw_queue_destroy)

/* ---- ioctls ---- */

SEC("fentry/iommufd_fops_ioctl")
int BPF_PROG(ioctl_enter, struct file *file, unsigned int cmd)
{
	__u64 a[4] = { file_data(arg(ctx, 0)), IMS_IOCTL_ENTER, cmd, 0 };

	if (work_begin(a[0]))
		on_ioctl(a);
	return 0;
}

SEC("fexit/iommufd_fops_ioctl")
int BPF_PROG(ioctl_leave, struct file *file, unsigned int cmd)
{
	__u64 a[4] = { file_data(arg(ctx, 0)), IMS_IOCTL_EXIT, cmd, (__u32)result(ctx) };

	if (work_here())
		on_ioctl(a);
	return work_end();
}

SEC("fentry/iommufd_vfio_ioctl")
int BPF_PROG(vfio_enter)
{
	struct work *w = work_here();

	if (w)
		w->vfio = 1;
	return 0;
}

static __noinline int map_record(__u32 action, __u64 length, __u64 uptr, __u32 flags, __s32 rc)
{
	struct work *w = work_here();
	__u64 a[9] = {};

	if (!w || !w->iopt)
		return 0;
	a[0] = w->ctx;
	a[1] = w->iopt;
	a[2] = action == IMS_MAP_COPY ? w->src : 0;
	a[3] = action;
	a[4] = w->iova;
	a[5] = length;
	a[6] = uptr;
	a[7] = flags;
	a[8] = (__u32)rc;
	w->iopt = 0;
	return on_map(a);
}

SEC("fexit/iommufd_ioas_map")
int BPF_PROG(ioas_map, struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_map cmd = {};

	bpf_probe_read_kernel(&cmd, sizeof(cmd), ucmd->cmd);
	return map_record(IMS_MAP_USER, cmd.length, cmd.user_va, cmd.flags, result(ctx));
}

SEC("fexit/iommufd_ioas_map_file")
int BPF_PROG(ioas_map_file, struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_map_file cmd = {};

	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)READ(iommufd_ucmd, arg(ctx, 0), cmd));
	return map_record(IMS_MAP_FILE, cmd.length, cmd.start, cmd.flags, result(ctx));
}

#define MAP_FIXED_IOVA 1
#define MAP_WRITEABLE 2
#define MAP_READABLE 4

/* VFIO's request says the same in other words. */
SEC("fexit/iopt_map_user_pages")
int BPF_PROG(map_user_done)
{
	struct work *w = work_here();
	__u32 flags = MAP_FIXED_IOVA, prot = arg(ctx, 5);

	if (!w || !w->vfio)
		return 0;
	if (prot & IMS_PROT_READ)
		flags |= MAP_READABLE;
	if (prot & IMS_PROT_WRITE)
		flags |= MAP_WRITEABLE;
	return map_record(IMS_MAP_USER, arg(ctx, 4), arg(ctx, 3), flags, result(ctx));
}

SEC("fentry/iopt_get_pages")
int BPF_PROG(get_pages, struct io_pagetable *iopt)
{
	struct work *w = work_here();

	if (w)
		w->src = (__u64)iopt;
	return 0;
}

SEC("fexit/iommufd_ioas_copy")
int BPF_PROG(ioas_copy, struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_copy cmd = {};

	bpf_probe_read_kernel(&cmd, sizeof(cmd), ucmd->cmd);
	return map_record(IMS_MAP_COPY, cmd.length, cmd.src_iova, cmd.flags, result(ctx));
}

SEC("fentry/iommufd_ioas_unmap")
int BPF_PROG(ioas_unmap_enter, struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_unmap cmd = {};
	struct work *w = work_here();

	bpf_probe_read_kernel(&cmd, sizeof(cmd), ucmd->cmd);
	if (w)
		w->unmap_length = cmd.length;
	return 0;
}

/* The length is the answer now. */
SEC("fexit/iommufd_ioas_unmap")
int BPF_PROG(ioas_unmap_leave, struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_unmap cmd = {};
	struct work *w = work_here();
	__s32 rc = result(ctx);
	__u64 a[7] = {};

	if (!w || !w->iopt)
		return 0;
	bpf_probe_read_kernel(&cmd, sizeof(cmd), ucmd->cmd);
	a[0] = w->ctx;
	a[1] = w->iopt;
	a[2] = IMS_UNMAP_IOCTL;
	a[3] = cmd.iova;
	a[4] = w->unmap_length == (__u64)-1 ? (__u64)-1 : cmd.iova + w->unmap_length - 1;
	a[5] = rc ? 0 : cmd.length;
	a[6] = (__u32)rc;
	return on_unmap(a);
}

#define OPTION_SET 0	/* enum iommufd_option_ops */

SEC("fexit/iommufd_option_rlimit_mode")
int BPF_PROG(rlimit_mode_set, struct iommu_option *option, struct iommufd_ctx *ictx)
{
	struct iommu_option cmd = {};
	__u64 a[3] = { arg(ctx, 1), ictx->account_mode, (__u32)result(ctx) };

	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)arg(ctx, 0));
	if (!work_here() || cmd.op != OPTION_SET || cmd.object_id)
		return 0;
	return on_rlimit_mode(a);
}

#endif /* IMS_FENTRY_LIFE_BPF_H */
