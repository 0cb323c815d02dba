// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is there now: iommufd's structures, walked while its own lock holds them
 * still.
 *
 * Six programs, run by the reader (user/source/snapshot.c):
 *
 *  - files: an iterator over all open files tells who holds which ctx.
 *  - objects: the table of objects of a ctx that the reader holds open itself,
 *    so that the ctx stays. Objects may come and go meanwhile: each row is read
 *    twice, and counted as torn unless both are equal and the object is still
 *    at its place.
 *  - space: one IOAS, under io_pagetable::iova_rwsem, which our own iommufd calls
 *    ufd_space::map_lock. The reader calls
 *    IOMMU_IOAS_IOVA_RANGES, which writes its answer while it holds that lock,
 *    to a page that cannot be written without a fault; this program runs in that
 *    very fault. Areas, reserved and allowed ranges, the list of domains and the
 *    list of accesses cannot change under the lock. What an area shows of its
 *    pages object is a number that was true then; "busy" says that it was about
 *    to change.
 *  - everything: objects and all IOASes of a ctx in one go, without any lock; pins:
 *    what in-kernel accesses hold of one pages object. Only who knows by other means
 *    that nothing happened meanwhile asks for these. They are over in microseconds.
 *  - threads: who may be in iommufd at this moment (threads.bpf.h).
 *
 * A tree is walked one pointer a step of bpf_loop(), an IOAS at most "limit"
 * areas at a time: the next call goes on behind the last one.
 *
 * What a row takes from the structures of iommufd stands in snap_upstream.bpf.h and, for
 * our own iommufd, in snap_own.bpf.h.
 */
#include "compat.bpf.h"

#include <bpf/bpf_tracing.h>

#include "snap_rows.bpf.h"
#include "threads.bpf.h"

#include "snap_own.bpf.h"
#include "snap_upstream.bpf.h"

char LICENSE[] SEC("license") = "GPL";

extern const void iommufd_fops_ioctl __ksym __weak;
extern const void ufd_ioctl __ksym __weak;	/* of our own */

/* ---- trees ---- */

enum { DESCEND, RIGHT, UP };

struct walk {
	__u64 node;
	__u64 best;		/* DESCEND: the first node that will do, as far as is known */
	__u64 owner;		/* what the rows are about */
	__u64 n;
	__u32 mode;
	__u32 kind;
};

static __noinline int visit(struct walk *w);

static __always_inline __u64 start_of(__u64 node)
{
	return BPF_CORE_READ((struct interval_tree_node *)node, start);
}

/* To the first node that starts at or behind "from". */
static __always_inline void descend(struct walk *w)
{
	struct rb_node *node = (void *)w->node;

	if (w->kind == SNAP_AREA && start_of(w->node) < from) {
		w->node = (__u64)BPF_CORE_READ(node, rb_right);
	} else {
		w->best = w->node;
		w->node = (__u64)BPF_CORE_READ(node, rb_left);
	}
}

static __always_inline void climb(struct walk *w)
{
	struct rb_node *node = (void *)w->node;
	__u64 up = BPF_CORE_READ(node, __rb_parent_color) & ~3ULL;

	if (up && BPF_CORE_READ((struct rb_node *)up, rb_left) == node) {
		w->best = up;
		w->mode = DESCEND;
		w->node = 0;
	} else {
		w->node = up;
	}
}

/* One pointer; 1 ends the walk. */
static long step(__u32 i, struct walk *w)
{
	if (w->mode == DESCEND && w->node) {
		descend(w);
		return 0;
	}
	if (w->mode == DESCEND) {		/* arrived */
		w->node = w->best;
		w->mode = RIGHT;
		return !w->node || visit(w);
	}
	if (!w->node)
		return 1;
	if (w->mode == RIGHT) {
		struct rb_node *node = (void *)w->node;
		__u64 right = (__u64)BPF_CORE_READ(node, rb_right);

		w->mode = right ? DESCEND : UP;
		w->best = 0;
		w->node = right ? right : w->node;
		return 0;
	}
	climb(w);
	return !w->node && w->mode == UP;
}

/* True: to its end. */
static __noinline bool walk(__u64 root, __u32 kind, __u64 owner)
{
	struct walk w = { .kind = kind, .owner = owner };

	w.node = (__u64)BPF_CORE_READ((struct rb_root_cached *)root, rb_root.rb_node);
	if (!w.node)
		return true;
	bpf_loop(1 << 23, step, &w, 0);
	return !w.node;
}

/* ---- what the trees have ---- */

/* The pages object is told of areas that are published: others belong to somebody who works. */
static __always_inline void put_area(struct walk *w)
{
	struct interval_tree_node *node = (void *)w->node;
	struct snap_area *r = row(sizeof(*r), SNAP_AREA, 0);

	if (!r)
		return;
	__builtin_memset((void *)r + sizeof(r->h), 0, sizeof(*r) - sizeof(r->h));
	r->iova = BPF_CORE_READ(node, start);
	r->last = BPF_CORE_READ(node, last);
	if (OWN)
		own_area(r, w->node, w->owner);
	else
		upstream_area(r, w->node);
	next = r->last + 1;
	done(r);
}

static __always_inline void put_pin(const struct walk *w)
{
	if (OWN)
		own_pin(w->node, w->owner);
	else
		upstream_pin(w->node, w->owner);
}

static __always_inline void put_range(const struct walk *w)
{
	struct interval_tree_node *node = (void *)w->node;
	struct snap_range *r = row(sizeof(*r), w->kind, 0);

	if (!r)
		return;
	r->start = BPF_CORE_READ(node, start);
	r->last = BPF_CORE_READ(node, last);
	if (w->kind == SNAP_ALLOWED)
		r->owner = 0;
	else if (OWN)
		r->owner = (__u64)READ(ufd_keepout, w->node, owner);
	else
		r->owner = (__u64)READ(iopt_reserved, w->node, owner);
	done(r);
}

/* 1: it is enough. */
static __noinline int visit(struct walk *w)
{
	w->n++;
	if (w->kind == SNAP_AREA)
		put_area(w);
	else if (w->kind == SNAP_PIN)
		put_pin(w);
	else
		put_range(w);
	return w->kind == SNAP_AREA && w->n >= limit;
}

/* ---- objects ---- */

#define ZERO_ENTRY 1030		/* an id is taken, but nothing is there yet */

/* Of both, at the same name. */
#define OBJECTS(ctx) ((__u64)READ(iommufd_ctx, ctx, objects.xa_head))

static __always_inline __u32 type_of(__u64 obj)
{
	return OWN ? own_type(obj) : upstream_type(obj);
}

/* Word by word; the sizes of rows are whole words. */
static __always_inline bool same(const void *a, const void *b, const __u32 size)
{
	const __u64 *x = a, *y = b;

	for (__u32 i = 0; i < size / 8; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/* Has the object stayed in the table? */
static __always_inline bool still(const struct list *l, __u32 index, __u64 obj)
{
	return array_load(l->head, index) == obj;
}

static __noinline int fill_device(struct snap_device *r, __u64 obj)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->h.kind = SNAP_DEVICE;
	r->obj = obj;
	return OWN ? own_device(r, obj) : upstream_device(r, obj);
}

static __noinline int put_device(struct list *l, __u32 index, __u64 obj)
{
	struct snap_device once, twice;

	fill_device(&once, obj);
	fill_device(&twice, obj);
	if (!same(&once, &twice, sizeof(once)) || !still(l, index, obj))
		torn++;
	else
		output(&twice, sizeof(twice));
	return 0;
}

static __noinline int put_object(struct list *l, __u32 index, __u64 obj)
{
	struct snap_object r = { .h.kind = SNAP_OBJECT, .obj = obj };

	if (OWN)
		own_object(&r, obj);
	else
		upstream_object(&r, obj);
	if (r.h.id != index || !still(l, index, obj)) {
		torn++;
		return 0;
	}
	output(&r, sizeof(r));
	if (r.type == IMS_T_DEVICE)
		put_device(l, index, obj);
	return 0;
}

static long object_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);

	if (entry == ZERO_ENTRY && index)	/* ids start at 1 */
		l->reserved++;
	if (!is_object(entry))
		return 0;
	l->n++;
	put_object(l, index, entry);
	return 0;
}

/* ---- what belongs to an IOAS, under its lock ---- */

static long access_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);
	struct snap_access *r;

	if (!is_object(entry))
		return 0;
	r = row(sizeof(*r), SNAP_ACCESS, 0);
	if (!r)
		return 0;
	r->access = entry;
	if (OWN)
		own_access(r, entry);
	else
		upstream_access(r, entry);
	done(r);
	return 0;
}

/* The HWPTs of this IOAS, and the nested ones on them. */
static __noinline int fill_hwpt(struct snap_hwpt *r, __u64 obj, __u32 type, __u64 space)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->h.kind = SNAP_HWPT;
	r->obj = obj;
	return OWN ? own_hwpt(r, obj, space) : upstream_hwpt(r, obj, type, space);
}

static long hwpt_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);
	struct snap_hwpt once, twice;
	__u32 type;

	if (!is_object(entry))
		return 0;
	type = type_of(entry);
	if (type != IMS_T_HWPT_PAGING && type != IMS_T_HWPT_NESTED)
		return 0;
	if (!fill_hwpt(&once, entry, type, l->space))
		return 0;
	fill_hwpt(&twice, entry, type, l->space);
	if (!same(&once, &twice, sizeof(once)) || !still(l, index, entry))
		torn++;
	else
		output(&twice, sizeof(twice));
	return 0;
}

/* Where the last area starts. */
static __noinline __u64 end_of(__u64 root)
{
	struct rb_node *n = BPF_CORE_READ((struct rb_root_cached *)root, rb_root.rb_node);

	for (int depth = 0; n && depth < 64; depth++) {
		struct rb_node *right = BPF_CORE_READ(n, rb_right);

		if (!right)
			return start_of((__u64)n);
		n = right;
	}
	return 0;
}

static __always_inline __u64 space_of(__u64 obj)
{
	return OWN ? FIELD(obj, ufd_ioas, space) : FIELD(obj, iommufd_ioas, iopt);
}

/* The roots of its trees. */
static __always_inline __u64 areas_of(__u64 space)
{
	return OWN ? FIELD(space, ufd_space, windows) : FIELD(space, io_pagetable, area_itree);
}

static __always_inline __u64 reserved_of(__u64 space)
{
	return OWN ? FIELD(space, ufd_space, keepouts) : FIELD(space, io_pagetable, reserved_itree);
}

static __noinline int put_ioas(__u64 obj, __u64 space)
{
	struct snap_ioas_row *r = row(sizeof(*r), SNAP_IOAS, want_ioas);

	if (!r)
		return 0;
	r->ioas = space;
	r->obj = obj;
	r->end = end_of(areas_of(space));
	r->_rsvd = 0;
	if (OWN)
		own_ioas(r, space);
	else
		upstream_ioas(r, space);
	done(r);
	return 0;
}

/* All but the areas. */
static __noinline int put_rest(__u64 ctx, __u64 space)
{
	struct list l = { .space = space };

	walk(reserved_of(space), SNAP_RESERVED, space);
	if (OWN) {
		own_allowed(space);
		own_domains(space);
		l.head = own_accesses(space);
	} else {
		walk(FIELD(space, io_pagetable, allowed_itree), SNAP_ALLOWED, space);
		upstream_domains(space);
		l.head = upstream_accesses(space);
	}
	bpf_loop(array_size(l.head), access_step, &l, 0);
	l.head = OBJECTS(ctx);
	bpf_loop(array_size(l.head), hwpt_step, &l, 0);
	return 0;
}

static __always_inline void put_space(__u64 ctx, __u64 obj)
{
	__u64 space = space_of(obj);

	put_ioas(obj, space);
	if (!from)
		put_rest(ctx, space);
	walked = 1;
	if (walk(areas_of(space), SNAP_AREA, space) || !next)
		walked = 2;
}

/* ---- programs ---- */

static __always_inline bool is_iommufd(struct file *f)
{
	const void *ioctl = BPF_CORE_READ(f, f_op, unlocked_ioctl);

	return ioctl && (ioctl == &iommufd_fops_ioctl || ioctl == &ufd_ioctl);
}

/* The ctx behind the reader's file descriptor, or 0. */
static __noinline __u64 ctx_of_fd(void)
{
	struct task_struct___files *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **fds = BPF_CORE_READ(table, fd), *f = NULL;
	__u32 fd = want_fd;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&f, sizeof(f), &fds[fd]);
	return f && is_iommufd(f) ? (__u64)BPF_CORE_READ(f, private_data) : 0;
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *it)
{
	struct task_struct *task = it->task;
	struct file *f = it->file;
	struct task_struct___files *t;
	struct snap_file *r;

	if (!task || !f || !is_iommufd(f))
		return 0;
	r = row(sizeof(*r), SNAP_FILE, it->fd);
	if (!r)
		return 0;
	t = (void *)task;
	r->ctx = (__u64)BPF_CORE_READ(f, private_data);
	r->tgid = BPF_CORE_READ(task, tgid);
	r->uid = BPF_CORE_READ(t, cred, uid.val);
	t = (void *)BPF_CORE_READ(t, group_leader);
	bpf_probe_read_kernel(r->comm, sizeof(r->comm), &t->comm);
	done(r);
	return 0;
}

static __noinline int put_objects(__u64 ctx)
{
	struct list l = { .head = OBJECTS(ctx) };
	struct snap_ctx_row *r;

	bpf_loop(array_size(l.head), object_step, &l, 0);
	r = row(sizeof(*r), SNAP_CTX, 0);
	if (!r)
		return 0;
	r->ctx = ctx;
	if (OWN)
		own_ctx(r, ctx);
	else
		upstream_ctx(r, ctx);
	r->nobjects = l.n;
	r->reserved = l.reserved;
	done(r);
	return 0;
}

/* Run by hand; not attached to anything. */
SEC("raw_tp/objects")
int objects(const __u64 *unused)
{
	__u64 ctx = ctx_of_fd();

	reader = bpf_get_current_pid_tgid() >> 32;
	if (ctx)
		put_objects(ctx);
	return 0;
}

struct spaces {
	__u64 ctx, head;
};

static long space_step(__u32 index, struct spaces *l)
{
	__u64 entry = array_load(l->head, index);

	if (!is_object(entry) || type_of(entry) != IMS_T_IOAS)
		return 0;
	want_ioas = index;
	put_space(l->ctx, entry);
	if (walked != 2)
		torn++;
	return 0;
}

SEC("raw_tp/everything")
int everything(const __u64 *unused)
{
	__u64 ctx = ctx_of_fd();
	struct spaces l = { .ctx = ctx };

	if (!ctx)
		return 0;
	put_objects(ctx);
	l.head = OBJECTS(ctx);
	bpf_loop(array_size(l.head), space_step, &l, 0);
	return 0;
}

SEC("raw_tp/pins")
int pins(const __u64 *unused)
{
	walk(OWN ? FIELD(want_pages, ufd_backing, holds) : FIELD(want_pages, iopt_pages, access_itree),
	     SNAP_PIN, want_pages);
	return 0;
}

#define FAULT_WRITE 1

SEC("fentry/handle_mm_fault")
int space(const __u64 *a)
{
	__u64 address = a[1], flags = a[2], ctx, obj;

	if (!want_page || bpf_get_current_pid_tgid() >> 32 != reader ||
	    address >> PAGE_SHIFT != want_page >> PAGE_SHIFT || !(flags & FAULT_WRITE))
		return 0;
	want_page = 0;
	ctx = ctx_of_fd();
	obj = ctx ? array_load(OBJECTS(ctx), want_ioas) : 0;
	if (is_object(obj) && type_of(obj) == IMS_T_IOAS)
		put_space(ctx, obj);
	return 0;
}
