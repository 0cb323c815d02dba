/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the snapshot programs are asked, and how they answer: in rows of snap.h.
 *
 * Rows that are of the IOMMU core, or of the driver core, are made here; those of
 * iommufd in snap_upstream.bpf.h or snap_own.bpf.h.  Only one of these is ever there;
 * what would read the structures of the other is dead code then.
 */
#ifndef IMS_SNAP_ROWS_BPF_H
#define IMS_SNAP_ROWS_BPF_H

#include "compat.bpf.h"
#include "own.bpf.h"
#include "snap.h"

#define OWN bpf_core_type_exists(struct ufd_space)

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

/* To be filled in place, all of it. */
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

/* A row that is complete. */
static __always_inline void output(void *r, const __u64 size)
{
	if (bpf_ringbuf_output(&rows, r, size, BPF_RB_NO_WAKEUP))
		dropped++;
	else
		sent++;
}

/* ---- arrays: what the kernel calls xarray ---- */

#define FIELD(of, type, field) ((of) + bpf_core_field_offset(struct type, field))

struct list {
	__u64 head;
	__u64 space;		/* whose HWPTs are looked for */
	__u32 n;
	__u32 reserved;		/* ids of objects that are just being made */
};

/* How many indices there may be. */
static __always_inline __u32 array_size(__u64 head)
{
	__u8 shift;

	if (!is_node(head))
		return 1;
	shift = shift_of(head);
	return SLOTS << (shift > 16 ? 16 : shift);
}

/* ---- of the cores ---- */

static __noinline int put_domain(__u64 domain)
{
	struct iommu_domain *d = (void *)domain;
	struct snap_domain *r = row(sizeof(*r), SNAP_DOMAIN, 0);

	if (!r)
		return 0;
	r->domain = domain;
	r->aperture_start = BPF_CORE_READ(d, geometry.aperture_start);
	r->aperture_last = BPF_CORE_READ(d, geometry.aperture_end);
	r->pgsize_bitmap = BPF_CORE_READ(d, pgsize_bitmap);
	done(r);
	return 0;
}

static __always_inline void fill_name(struct snap_device *r, struct device *dev)
{
	const char *name = BPF_CORE_READ(dev, init_name);

	if (!name)
		name = BPF_CORE_READ(dev, kobj.name);
	bpf_probe_read_kernel_str(r->name, sizeof(r->name), name);
}

#endif /* IMS_SNAP_ROWS_BPF_H */
