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
 *  - space: one IOAS, under io_pagetable::iova_rwsem. The reader calls
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
 */
#include "compat.bpf.h"

#include <bpf/bpf_tracing.h>

#include "snap.h"

char LICENSE[] SEC("license") = "GPL";

extern const void iommufd_fops_ioctl __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} rows SEC(".maps");

/* What the reader asks. */
int want_fd;		/* a file descriptor of the reader's own, an iommufd */
__u32 want_ioas;	/* object id */
__u64 want_pages;	/* cookie of a pages object */
__u64 want_page;	/* where the answer of IOVA_RANGES goes */
__u64 from;		/* only areas that begin here or later */
__u64 limit;		/* of areas; at most 2^20 */

/* What it gets besides rows. */
__u32 reader;		/* its thread group, as the kernel counts them */
__u64 sent, dropped;	/* rows; dropped: there was no room */
__u64 torn;		/* objects that changed while they were read */
__u32 walked;		/* 1: space has run, 2: and has come to the end of the areas */
__u64 next;		/* go on from here */

/* ---- rows ---- */

static __always_inline void *row(const __u64 size, __u32 kind, __u32 id)
{
	struct snap_row *r = bpf_ringbuf_reserve(&rows, size, 0);

	if (!r) {
		dropped++;
		return NULL;
	}
	sent++;
	r->kind = kind;
	r->id = id;
	return r;
}

static __always_inline void done(void *r)
{
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

#include "threads.bpf.h"

/* ---- arrays: what the kernel calls xarray ---- */

#define ZERO_ENTRY 1030		/* an id is taken, but nothing is there yet */

/* How many indices there may be. */
static __always_inline __u32 array_size(__u64 head)
{
	__u8 shift;

	if (!is_node(head))
		return 1;
	shift = shift_of(head);
	return SLOTS << (shift > 16 ? 16 : shift);
}

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

/* ---- areas ---- */

#define PAGE_SHIFT 12

static __always_inline void put_pin(const struct walk *w)
{
	const struct iopt_pages_access *a = (void *)w->node;
	struct snap_pin *r = row(sizeof(*r), SNAP_PIN, 0);

	if (!r)
		return;
	r->h.id = BPF_CORE_READ(a, users);
	r->pages = w->owner;
	r->index = BPF_CORE_READ(a, node.start);
	r->last = BPF_CORE_READ(a, node.last);
	done(r);
}

static __always_inline void fill_file(struct snap_area *r, __u64 pages)
{
	__u32 type;

	r->file = r->phys = 0;
	if (!HAS_TYPED)
		return;
	type = TYPED(pages, type);
	if (PAGES_ARE(type, FILE)) {
		r->flags |= SNAP_AREA_FILE;
		r->file = (__u64)TYPED(pages, file);
	}
	if (!PAGES_ARE(type, DMABUF))
		return;
	r->flags |= SNAP_AREA_DMABUF;
	r->file = (__u64)TYPED(pages, dmabuf.attach, dmabuf);
	r->phys = TYPED(pages, dmabuf.phys.paddr) + r->uptr;
	if (!TYPED(pages, dmabuf.phys.len))
		r->flags |= SNAP_AREA_REVOKED;
}

static __always_inline void fill_pages(struct snap_area *r, struct iopt_pages *p)
{
	r->uptr = pages_start((__u64)p);
	fill_file(r, (__u64)p);
	r->npages = BPF_CORE_READ(p, npages);
	r->npinned = BPF_CORE_READ(p, npinned);
	r->charged = BPF_CORE_READ(p, last_npinned);
	r->mm = (__u64)BPF_CORE_READ(p, source_mm);
	r->user = (__u64)BPF_CORE_READ(p, source_user);
	r->tgid = BPF_CORE_READ(p, source_task, tgid);
	r->refs = BPF_CORE_READ(p, kref.refcount.refs.counter);
	r->mode = BPF_CORE_READ(p, account_mode);
	r->flags |= SNAP_AREA_LIVE;
	if (BPF_CORE_READ_BITFIELD_PROBED(p, writable))
		r->flags |= SNAP_AREA_WRITABLE;
	if (BPF_CORE_READ(p, mutex.owner.counter))
		r->flags |= SNAP_AREA_BUSY;
}

static __always_inline void put_area(struct walk *w)
{
	struct iopt_area *a = (void *)w->node - bpf_core_field_offset(struct iopt_area, node);
	struct iopt_pages *p = BPF_CORE_READ(a, pages);
	struct snap_area *r = row(sizeof(*r), SNAP_AREA, 0);

	if (!r)
		return;
	__builtin_memset((void *)r + sizeof(r->h), 0, sizeof(*r) - sizeof(r->h));
	r->area = (__u64)a;
	r->iova = BPF_CORE_READ(a, node.start);
	r->last = BPF_CORE_READ(a, node.last);
	r->start_byte = (BPF_CORE_READ(a, pages_node.start) << PAGE_SHIFT) +
			BPF_CORE_READ(a, page_offset);
	r->storage = (__u64)BPF_CORE_READ(a, storage_domain);
	r->pages = (__u64)p;
	r->prot = BPF_CORE_READ(a, iommu_prot);
	r->nacc = BPF_CORE_READ(a, num_accesses);
	if (BPF_CORE_READ_BITFIELD_PROBED(a, prevent_access))
		r->flags |= SNAP_AREA_PREVENT;
	if (p)
		fill_pages(r, p);
	next = r->last + 1;
	done(r);
}

static __always_inline void put_range(const struct walk *w)
{
	const struct iopt_reserved *range = (void *)w->node;
	struct snap_range *r = row(sizeof(*r), w->kind, 0);

	if (!r)
		return;
	r->start = BPF_CORE_READ(range, node.start);
	r->last = BPF_CORE_READ(range, node.last);
	r->owner = w->kind == SNAP_RESERVED ? (__u64)BPF_CORE_READ(range, owner) : 0;
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

struct list {
	__u64 head;
	__u64 ctx;
	__u64 iopt;
	__u32 n;
	__u32 reserved;
};

static __always_inline __u32 type_of(__u64 obj)
{
	return object_type(BPF_CORE_READ((struct iommufd_object *)obj, type));
}

static __always_inline __u32 workers(struct iommufd_object *o)
{
	struct iommufd_object___wait *now = (void *)o;

	if (bpf_core_field_exists(now->wait_cnt))
		return BPF_CORE_READ(now, wait_cnt.refs.counter);
	return BPF_CORE_READ(o, shortterm_users.refs.counter);
}

static __noinline int fill_device(struct snap_device *r, __u64 obj)
{
	struct iommufd_device *d = (void *)obj;
	struct iommufd_group *g = BPF_CORE_READ(d, igroup);
	struct device *dev = BPF_CORE_READ(d, dev);
	struct iommufd_hw_pagetable *hwpt = hwpt_of_group(g, 0);
	const char *name = BPF_CORE_READ(dev, init_name);

	__builtin_memset(r, 0, sizeof(*r));
	r->h.kind = SNAP_DEVICE;
	r->h.id = BPF_CORE_READ(d, obj.id);
	r->obj = obj;
	r->dev = (__u64)dev;
	r->group = group_number((__u64)BPF_CORE_READ(g, group), r->h.id);
	r->busy = BPF_CORE_READ(g, lock.owner.counter);
	r->pasids = has_pasids(g);
	r->flags = left_to_drivers();
	if (hwpt) {
		r->hwpt = BPF_CORE_READ(hwpt, obj.id);
		r->domain = (__u64)BPF_CORE_READ(hwpt, domain);
	}
	if (!name)
		name = BPF_CORE_READ(dev, kobj.name);
	bpf_probe_read_kernel_str(r->name, sizeof(r->name), name);
	return 0;
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

static __noinline int put_device(struct list *l, __u32 index, __u64 obj)
{
	struct snap_device once, twice;

	fill_device(&once, obj);
	fill_device(&twice, obj);
	if (!same(&once, &twice, sizeof(once)) || !still(l, index, obj)) {
		torn++;
		return 0;
	}
	if (bpf_ringbuf_output(&rows, &twice, sizeof(twice), BPF_RB_NO_WAKEUP))
		dropped++;
	else
		sent++;
	return 0;
}

static __noinline int put_object(struct list *l, __u32 index, __u64 obj)
{
	__u32 id = BPF_CORE_READ((struct iommufd_object *)obj, id), type = type_of(obj);
	__u32 users = workers((void *)obj);
	struct snap_object *r;

	if (id != index || !still(l, index, obj)) {
		torn++;
		return 0;
	}
	r = row(sizeof(*r), SNAP_OBJECT, index);
	if (!r)
		return 0;
	r->obj = obj;
	r->type = type;
	r->users = users;
	done(r);
	if (type == IMS_T_DEVICE)
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

static long domain_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);
	struct iommu_domain *d = (void *)entry;
	struct snap_domain *r;

	if (!is_object(entry))
		return 0;
	r = row(sizeof(*r), SNAP_DOMAIN, index);
	if (!r)
		return 0;
	r->domain = entry;
	r->aperture_start = BPF_CORE_READ(d, geometry.aperture_start);
	r->aperture_last = BPF_CORE_READ(d, geometry.aperture_end);
	r->pgsize_bitmap = BPF_CORE_READ(d, pgsize_bitmap);
	done(r);
	return 0;
}

static long access_step(__u32 index, struct list *l)
{
	__u64 entry = array_load(l->head, index);
	struct iommufd_access *a = (void *)entry;
	struct snap_access *r;

	if (!is_object(entry))
		return 0;
	r = row(sizeof(*r), SNAP_ACCESS, 0);
	if (!r)
		return 0;
	r->h.id = BPF_CORE_READ(a, obj.id);
	r->access = entry;
	r->align = BPF_CORE_READ(a, iova_alignment);
	done(r);
	return 0;
}

static __always_inline __u32 flags_of(struct iommufd_hwpt_paging *h)
{
	__u32 flags = 0;

	if (BPF_CORE_READ_BITFIELD_PROBED(h, auto_domain))
		flags |= IMS_HWPT_AUTO;
	if (BPF_CORE_READ_BITFIELD_PROBED(h, nest_parent))
		flags |= IMS_HWPT_PARENT;
	if (BPF_CORE_READ_BITFIELD_PROBED(h, enforce_cache_coherency))
		flags |= IMS_HWPT_ENFORCE_CC;
	if (BPF_CORE_READ(h, common.fault))
		flags |= IMS_HWPT_FAULT;
	if (BPF_CORE_READ(h, common.domain, dirty_ops))
		flags |= IMS_HWPT_DIRTY;
	return flags;
}

/* The HWPTs of this IOAS, and the nested ones on them. */
static __noinline int fill_hwpt(struct snap_hwpt *r, __u64 obj, __u32 type, __u64 iopt)
{
	struct iommufd_hwpt_nested *nested = (void *)obj;
	struct iommufd_hwpt_paging *h = (void *)obj;
	struct iommufd_ioas *ioas;

	__builtin_memset(r, 0, sizeof(*r));
	if (type == IMS_T_HWPT_NESTED)
		h = BPF_CORE_READ(nested, parent);
	ioas = BPF_CORE_READ(h, ioas);
	if ((__u64)ioas + bpf_core_field_offset(struct iommufd_ioas, iopt) != iopt)
		return 0;
	r->h.kind = SNAP_HWPT;
	r->h.id = BPF_CORE_READ((struct iommufd_object *)obj, id);
	r->obj = obj;
	r->domain = (__u64)BPF_CORE_READ((struct iommufd_hw_pagetable *)obj, domain);
	if (type == IMS_T_HWPT_PAGING) {
		r->ioas = iopt;
		r->flags = flags_of(h);
		return 1;
	}
	r->parent = (__u64)BPF_CORE_READ(h, common.domain);
	r->parent_id = BPF_CORE_READ(h, common.obj.id);
	r->flags = IMS_HWPT_NESTED;
	if (BPF_CORE_READ(nested, common.fault))
		r->flags |= IMS_HWPT_FAULT;
	return 1;
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
	if (!fill_hwpt(&once, entry, type, l->iopt))
		return 0;
	fill_hwpt(&twice, entry, type, l->iopt);
	if (!same(&once, &twice, sizeof(once)) || !still(l, index, entry))
		torn++;
	else if (bpf_ringbuf_output(&rows, &twice, sizeof(twice), BPF_RB_NO_WAKEUP))
		dropped++;
	else
		sent++;
	return 0;
}

#define OBJECTS(ctx) ((__u64)BPF_CORE_READ((struct iommufd_ctx *)(ctx), objects.xa_head))
#define FIELD(of, type, field) ((of) + bpf_core_field_offset(struct type, field))

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

static __noinline int put_ioas(__u64 obj, __u64 iopt)
{
	struct io_pagetable *t = (void *)iopt;
	struct snap_ioas_row *r = row(sizeof(*r), SNAP_IOAS, want_ioas);

	if (!r)
		return 0;
	r->ioas = iopt;
	r->obj = obj;
	r->align = BPF_CORE_READ(t, iova_alignment);
	r->lock = BPF_CORE_READ(t, iova_rwsem.count.counter);
	r->domains_lock = BPF_CORE_READ(t, domains_rwsem.count.counter);
	r->end = end_of(FIELD(iopt, io_pagetable, area_itree));
	r->large_off = BPF_CORE_READ(t, disable_large_pages);
	r->_rsvd = 0;
	done(r);
	return 0;
}

/* All but the areas. */
static __noinline int put_rest(__u64 ctx, __u64 iopt)
{
	struct io_pagetable *t = (void *)iopt;
	struct list l = { .ctx = ctx, .iopt = iopt };

	walk(FIELD(iopt, io_pagetable, reserved_itree), SNAP_RESERVED, iopt);
	walk(FIELD(iopt, io_pagetable, allowed_itree), SNAP_ALLOWED, iopt);
	l.head = (__u64)BPF_CORE_READ(t, domains.xa_head);
	bpf_loop(array_size(l.head), domain_step, &l, 0);
	l.head = (__u64)BPF_CORE_READ(t, access_list.xa_head);
	bpf_loop(array_size(l.head), access_step, &l, 0);
	l.head = OBJECTS(ctx);
	bpf_loop(array_size(l.head), hwpt_step, &l, 0);
	return 0;
}

static __always_inline void put_space(__u64 ctx, __u64 obj)
{
	__u64 iopt = FIELD(obj, iommufd_ioas, iopt);

	put_ioas(obj, iopt);
	if (!from)
		put_rest(ctx, iopt);
	walked = 1;
	if (walk(FIELD(iopt, io_pagetable, area_itree), SNAP_AREA, iopt) || !next)
		walked = 2;
}

/* ---- programs ---- */

static __always_inline bool is_iommufd(struct file *f)
{
	return &iommufd_fops_ioctl &&
	       BPF_CORE_READ(f, f_op, unlocked_ioctl) == &iommufd_fops_ioctl;
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
	struct list l = { .ctx = ctx, .head = OBJECTS(ctx) };
	struct iommufd_ioas *vfio;
	struct snap_ctx_row *r;

	bpf_loop(array_size(l.head), object_step, &l, 0);
	r = row(sizeof(*r), SNAP_CTX, 0);
	if (!r)
		return 0;
	vfio = BPF_CORE_READ((struct iommufd_ctx *)ctx, vfio_ioas);
	r->ctx = ctx;
	r->vfio_ioas = vfio ? BPF_CORE_READ(vfio, obj.id) : 0;
	r->mode = BPF_CORE_READ((struct iommufd_ctx *)ctx, account_mode);
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

static long space_step(__u32 index, struct list *l)
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
	struct list l = { .ctx = ctx };

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
	walk(FIELD(want_pages, iopt_pages, access_itree), SNAP_PIN, want_pages);
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
