/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands behind pages that are not at a user address: a memory file, or a dma-buf.
 *
 * The exporter of a dma-buf can take it back at any time, in a thread that is not at work
 * for any ctx: so which ctx it is of is kept here.
 */
#ifndef IMS_FENTRY_FILE_BPF_H
#define IMS_FENTRY_FILE_BPF_H

#include "fentry_pages.bpf.h"

#define MAX_DMABUFS 16384

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_DMABUFS);
	__type(key, __u64);	/* struct iopt_pages */
	__type(value, __u64);	/* ctx */
} dmabufs SEC(".maps");

#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define FMODE_WRITE 2
#define F_SEAL_WRITE 8
#define F_SEAL_FUTURE_WRITE 16

static __always_inline __u32 seals_of(__u64 inode)
{
	__u64 magic = READ(inode, inode, i_sb, s_magic);

	if (magic == TMPFS_MAGIC)
		return READ(shmem_inode_info,
			    inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode),
			    seals);
	if (magic == HUGETLBFS_MAGIC && bpf_core_type_exists(struct hugetlbfs_inode_info))
		return READ(hugetlbfs_inode_info,
			    inode - bpf_core_field_offset(struct hugetlbfs_inode_info, vfs_inode),
			    seals);
	return 0;
}

static __always_inline __u32 file_flags(__u64 file)
{
	__u32 seals = seals_of((__u64)READ(file, file, f_inode)), flags = 0;

	if (READ(file, file, f_mode) & FMODE_WRITE)
		flags |= IMS_FILE_WRITE;
	if (seals & F_SEAL_WRITE)
		flags |= IMS_FILE_SEAL_WRITE;
	if (seals & F_SEAL_FUTURE_WRITE)
		flags |= IMS_FILE_SEAL_FUTURE;
	return flags;
}

/*
 * Who takes it back finds the ctx in the table from now on.  Whether that has been done is
 * read when the record has its place: who comes later, comes later there.
 */
static __always_inline int dmabuf_record(struct work *w, __u64 pages)
{
	struct {
		struct ims_hdr h;
		struct ims_file p;
	} *r;
	__u64 ictx = w->ctx, a[6] = { 0, pages };
	struct slot s;

	if (bpf_map_update_elem(&dmabufs, &pages, &ictx, BPF_ANY))
		count_loss(ictx, IMS_LOSS_TABLE);
	s = slot_reserve(ictx, IMS_FILE, IMS_FILE_DMABUF, sizeof(*r));
	r = (void *)s.h;
	if (!r)
		return 0;
	a[3] = (__u64)TYPED(pages, dmabuf.attach, dmabuf);
	a[4] = TYPED(pages, dmabuf.phys.paddr) + TYPED(pages, dmabuf.start);
	a[5] = TYPED(pages, dmabuf.phys.len) ? 0 : IMS_FILE_REVOKED;
	fill_file(&r->p, a);
	slot_submit(s);
	return 0;
}

/* Behind the record of the new pages object. */
static __noinline int file_record(__u64 pages)
{
	struct work *w = work_here();
	__u64 a[6] = { 0, pages, IMS_FILE_MEMFD };
	__u32 type;

	if (!w || !HAS_TYPED)
		return 0;
	type = TYPED(pages, type);
	if (PAGES_ARE(type, DMABUF))
		return dmabuf_record(w, pages);
	if (!PAGES_ARE(type, FILE))
		return 0;
	a[0] = w->ctx;
	a[3] = (__u64)TYPED(pages, file);
	a[5] = file_flags(a[3]);
	return on_file(a);
}

static __always_inline void dmabuf_forget(__u64 pages)
{
	if (HAS_TYPED)
		bpf_map_delete_elem(&dmabufs, &pages);
}

/* ---- it is taken back ---- */

static __always_inline __u64 revoked_pages(void *ctx)
{
	return (__u64)READ(dma_buf_attachment, arg(ctx, 0), importer_priv);
}

SEC("fentry/iopt_revoke_notify")
int BPF_PROG(revoke_enter)
{
	__u64 pages = revoked_pages(ctx), *ictx = bpf_map_lookup_elem(&dmabufs, &pages);

	work_enter(ictx ? *ictx : 0);
	return scope_enter(pages, 0);
}

/*
 * The lock is dropped, but nobody can do anything with the pages any more, except to
 * release them: who does so takes them out of the table first.
 */
SEC("fexit/iopt_revoke_notify")
int BPF_PROG(revoke_leave)
{
	struct {
		struct ims_hdr h;
		struct ims_file p;
	} *r;
	__u64 pages = revoked_pages(ctx), a[6] = { 0, pages };
	struct work *w = work_here();
	struct slot s;

	if (!w)
		return work_end();
	scope_leave();
	s = slot_reserve(w->ctx, IMS_FILE, IMS_FILE_REVOKE, sizeof(*r));
	r = (void *)s.h;
	if (r && bpf_map_lookup_elem(&dmabufs, &pages)) {
		a[3] = (__u64)TYPED(pages, dmabuf.attach, dmabuf);
		a[5] = IMS_FILE_REVOKED;
		fill_file(&r->p, a);
		slot_submit(s);
	} else if (r) {
		slot_cancel(s, w->ctx);
	}
	return work_end();
}

#endif /* IMS_FENTRY_FILE_BPF_H */
