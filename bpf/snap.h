/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the snapshot programs tell the reader: rows, one struct a kind, each
 * beginning with struct snap_row.  Never recorded, so never an ABI.
 *
 * Cookies are the kernel addresses that the records of bpf/record.h carry, so
 * that a snapshot and a stream of records speak of the same objects.  "last" is
 * inclusive.
 */
#ifndef IMS_SNAP_H
#define IMS_SNAP_H

#include "record.h"

#define SNAP_MOST_TGIDS 16	/* whose threads are asked for at a time */

enum snap_kind {
	SNAP_FILE = 1,		/* snap_file: somebody holds a ctx open */
	SNAP_CTX,		/* snap_ctx_row */
	SNAP_OBJECT,		/* snap_object: any object that has an id */
	SNAP_DEVICE,		/* snap_device */
	SNAP_IOAS,		/* snap_ioas_row */
	SNAP_AREA,		/* snap_area */
	SNAP_RESERVED,		/* snap_range */
	SNAP_ALLOWED,		/* snap_range */
	SNAP_DOMAIN,		/* snap_domain */
	SNAP_HWPT,		/* snap_hwpt */
	SNAP_ACCESS,		/* snap_access */
	SNAP_PIN,		/* snap_pin */
	SNAP_THREAD,		/* snap_thread: who may be in iommufd */
	SNAP_NR_KINDS
};

struct snap_row {
	__u32 kind;		/* enum snap_kind */
	__u32 id;		/* of the object, or of the file descriptor */
};

struct snap_file {
	struct snap_row h;
	__u64 ctx;
	__u32 tgid;
	__u32 uid;
	char comm[IMS_COMM];
};

struct snap_ctx_row {
	struct snap_row h;
	__u64 ctx;
	__u32 vfio_ioas;	/* object id, 0: none */
	__u32 mode;		/* enum ims_account_mode of new pages */
	__u32 nobjects;
	__u32 reserved;		/* ids of objects that are just being made */
};

struct snap_object {
	struct snap_row h;
	__u64 obj;
	__u32 type;		/* enum ims_object_type */
	__u32 users;		/* who works on it just now, 1: nobody */
};

struct snap_device {
	struct snap_row h;
	__u64 obj;
	__u64 dev;
	__u64 domain;		/* attached to, 0: detached */
	__u32 hwpt;		/* its object id, 0: detached */
	__u32 group;		/* its number; ~h.id: none */
	__u64 busy;		/* the group's lock is held */
	__u64 pasids;		/* not 0: it is attached by PASIDs, too */
	__u64 flags;		/* enum ims_hw_flags that do not depend on the device */
	char name[IMS_NAME];
};

struct snap_ioas_row {
	struct snap_row h;
	__u64 ioas;		/* cookie of the IOVA space */
	__u64 obj;
	__u64 align;
	__u64 lock;		/* iova_rwsem: the reader knows whether it was held */
	__u64 domains_lock;	/* domains_rwsem */
	__u64 end;		/* where the last area starts */
	__u32 large_off;
	__u32 _rsvd;
};

enum snap_area_flags {
	SNAP_AREA_LIVE = 1,	/* else it is just being mapped or unmapped */
	SNAP_AREA_PREVENT = 2,	/* new accesses are refused */
	SNAP_AREA_WRITABLE = 4,	/* of the pages object */
	SNAP_AREA_BUSY = 8,	/* somebody works on the pages object */
	SNAP_AREA_FILE = 16, SNAP_AREA_DMABUF = 32,	/* where its pages are, else of the user */
	SNAP_AREA_REVOKED = 64,	/* the dma-buf was taken back */
	SNAP_AREA_XARRAY = 128	/* what accesses pin is kept apart from what domains do */
};

/* The pages object is told with each area that shows it; 0 and unknown unless LIVE. */
struct snap_area {
	struct snap_row h;
	__u64 area;
	__u64 iova;
	__u64 last;
	__u64 start_byte;	/* of iova in the pages object */
	__u64 storage;		/* domain that keeps the PFNs, 0: none */
	__u64 pages;
	__u64 uptr;		/* of the pages object, page aligned; FILE, DMABUF: offset */
	__u64 npages;
	__u64 npinned;
	__u64 charged;
	__u64 mm;
	__u64 user;
	__u64 file;		/* cookie of the file or dma-buf */
	__u64 phys;		/* DMABUF: where index 0 is */
	__u32 prot;		/* enum ims_dma_prot */
	__u32 nacc;		/* pins of in-kernel accesses on it */
	__u32 tgid;		/* who is charged */
	__u32 refs;		/* of the pages object: areas that show it, and who works on it */
	__u16 mode;		/* enum ims_account_mode */
	__u16 flags;		/* enum snap_area_flags */
	__u32 _rsvd;
};

struct snap_range {
	struct snap_row h;
	__u64 start;
	__u64 last;
	__u64 owner;
};

struct snap_domain {
	struct snap_row h;
	__u64 domain;
	__u64 aperture_start;
	__u64 aperture_last;
	__u64 pgsize_bitmap;
};

struct snap_hwpt {
	struct snap_row h;
	__u64 obj;
	__u64 domain;
	__u64 ioas;		/* cookie, 0: nested */
	__u64 parent;		/* nested only: domain of the parent */
	__u32 parent_id;
	__u32 flags;		/* enum ims_hwpt_flags */
};

struct snap_access {
	struct snap_row h;
	__u64 access;
	__u64 align;
};

/* Pages that an in-kernel access holds. */
struct snap_pin {
	struct snap_row h;	/* id: how many hold exactly this range */
	__u64 pages;
	__u64 index;
	__u64 last;
};

/* A thread that is in iommufd, or runs, and nobody knows where. */
struct snap_thread {
	struct snap_row h;	/* id: as the kernel counts threads */
	__u64 utime;		/* ns in user mode */
};

IMS_SIZE(snap_row, 8);
IMS_SIZE(snap_file, 40);
IMS_SIZE(snap_ctx_row, 32);
IMS_SIZE(snap_object, 24);
IMS_SIZE(snap_device, 96);
IMS_SIZE(snap_ioas_row, 64);
IMS_SIZE(snap_area, 144);
IMS_SIZE(snap_range, 32);
IMS_SIZE(snap_domain, 40);
IMS_SIZE(snap_hwpt, 48);
IMS_SIZE(snap_access, 24);
IMS_SIZE(snap_pin, 32);
IMS_SIZE(snap_thread, 16);

#endif /* IMS_SNAP_H */
