/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record: the only thing that the BPF side and user space share.
 *
 * A record says what iommufd just did to one object, with enough identity to
 * rebuild the state without guessing.  It is written inside the lock that
 * orders the change, so record order within one ctx is the order of the
 * changes.  The same bytes go through the ring buffer, into a recording, and
 * into the model.
 *
 * Layout rules
 *  - one struct ims_hdr, then the payload of its kind, then hdr.nruns times
 *    struct ims_run where the kind has runs;
 *  - fixed-width fields only, ordered so that no padding is needed; every size
 *    and every payload offset is asserted below, on both sides;
 *  - append-only: new kinds and actions go at the end of their enum, new
 *    fields replace a field named _rsvd.  A new kind also needs: the size table
 *    in ims_payload_size(), the descriptors in user/record/desc.c, the decoder in
 *    user/sink/, the schema, and a BPF program.
 *
 * Terms: addresses and lengths are bytes unless a name says pages or index.
 * "last" is inclusive.  An index counts PAGE_SIZE units from the start of a
 * pages object.  Cookies are kernel pointers; they identify an object only
 * between its birth and its death, because addresses are reused.
 */
#ifndef IMS_RECORD_H
#define IMS_RECORD_H

#ifndef __bpf__
#include <stddef.h>
#include <linux/types.h>
#endif

#define IMS_ABI 2		/* bumped when a reader must know */
#define IMS_MAX_RUNS 64		/* most runs one record carries */
#define IMS_COMM 16
#define IMS_NAME 32

/* One contiguous piece: PFN and pages, or physical address and bytes. */
struct ims_run {
	__u64 addr;
	__u64 len;
};

enum ims_kind {
	IMS_NONE = 0,
	/* life */
	IMS_CTX,		/* ims_ctx */
	IMS_OBJECT,		/* ims_object */
	IMS_IOAS,		/* ims_ioas: an IOAS object got its IOVA space */
	IMS_HWPT,		/* ims_hwpt: a HWPT object got its domain */
	/* IOAS */
	IMS_MAP,		/* ims_map: end of IOAS_MAP, IOAS_COPY */
	IMS_UNMAP,		/* ims_unmap */
	IMS_IOVA,		/* ims_iova: where the areas of a map will go */
	IMS_AREA,		/* ims_area */
	IMS_SPLIT,		/* ims_split */
	IMS_STORAGE,		/* ims_storage */
	IMS_PAGES,		/* ims_pages */
	/* aperture */
	IMS_RESERVE,		/* ims_reserve */
	IMS_ALLOW,		/* ims_allow */
	IMS_DEV_REGION,		/* ims_dev_region */
	IMS_ALIGN,		/* ims_align */
	/* domain */
	IMS_DOMAIN,		/* ims_domain */
	IMS_DMA_MAP,		/* ims_dma_map + runs (paddr, bytes) */
	IMS_DMA_UNMAP,		/* ims_dma_unmap */
	IMS_IOTLB_SYNC,		/* ims_iotlb_sync */
	/* pin */
	IMS_PIN,		/* ims_pin: what GUP was asked and gave */
	IMS_PIN_RUNS,		/* ims_pin_runs + runs (pfn, pages) */
	IMS_UNPIN,		/* ims_unpin + runs (pfn, pages) */
	IMS_XARRAY,		/* ims_xarray */
	/* account */
	IMS_ACCOUNT,		/* ims_account */
	IMS_RLIMIT_MODE,	/* ims_rlimit_mode */
	/* attach */
	IMS_DEVICE,		/* ims_device */
	IMS_ACCESS,		/* ims_access */
	IMS_ACCESS_RANGE,	/* ims_access_range */
	IMS_ACCESS_OP,		/* ims_access_op */
	IMS_FAULT,		/* ims_fault */
	IMS_DIRTY,		/* ims_dirty */
	/* scope */
	IMS_IOCTL,		/* ims_ioctl */
	/* made by the collector, never by the kernel */
	IMS_LOSS,		/* ims_loss */
	IMS_END,		/* ims_end: the stream is complete up to here */
	/* what the IOMMU, users and drivers are told; kernel again */
	IMS_HW,			/* ims_hw: what the IOMMU core was asked for a device */
	IMS_IOVA_RANGE,		/* ims_iova_range: the usable ranges that a user was told */
	IMS_READBACK,		/* ims_readback: PFNs that were read out of a domain */
	IMS_ACCESS_PFNS,	/* ims_access_pfns + runs (pfn, pages): what a driver was given */
	IMS_ACCESS_COPY,	/* ims_access_copy: what a driver read or wrote */
	IMS_VFIO,		/* ims_vfio: the VFIO container interface */
	/* what 6.12 does not have */
	IMS_PASID,		/* ims_pasid: IMS_DEVICE, of one PASID of the device */
	IMS_FILE,		/* ims_file: the memory of a pages object is a file or dma-buf */
	IMS_PROCESS,		/* ims_process: another process takes over what is pinned */
	IMS_VDEVICE,		/* ims_vdevice: a device joins or leaves a vIOMMU */
	IMS_VEVENT,		/* ims_vevent: an event of a vIOMMU is read */
	/* around a ctx as it was found, made by the collector; see user/source/seed.h */
	IMS_SNAPSHOT,		/* ims_snapshot */
	IMS_NR_KINDS
};

enum ims_ctx_action { IMS_CTX_OPEN = 1, IMS_CTX_RELEASE, IMS_CTX_FREED };
enum ims_object_action {
	IMS_OBJ_ALLOC = 1,	/* id reserved, not visible */
	IMS_OBJ_FINALIZE,	/* visible to other threads */
	IMS_OBJ_ABORT,
	IMS_OBJ_DESTROY,	/* gone from the table; its destroy op follows */
	IMS_OBJ_TOMBSTONE	/* after DESTROY: the id stays reserved while the ctx lives */
};
/* Our own numbering: the kernel's enum differs between versions. */
enum ims_object_type {
	IMS_T_NONE = 0, IMS_T_DEVICE, IMS_T_HWPT_PAGING, IMS_T_HWPT_NESTED,
	IMS_T_IOAS, IMS_T_ACCESS, IMS_T_FAULT, IMS_T_SELFTEST, IMS_T_VIOMMU,
	IMS_T_VDEVICE, IMS_T_VEVENTQ, IMS_T_HW_QUEUE
};
enum ims_hwpt_flags {
	IMS_HWPT_NESTED = 1, IMS_HWPT_AUTO = 2, IMS_HWPT_PARENT = 4,
	IMS_HWPT_ENFORCE_CC = 8, IMS_HWPT_FAULT = 16, IMS_HWPT_DIRTY = 32,
	IMS_HWPT_PASID = 64	/* may be attached to a PASID */
};
enum ims_map_action { IMS_MAP_USER = 1, IMS_MAP_COPY, IMS_MAP_FILE };
/* IMS_UNMAP_IOPT: what the IOVA space removed.  IMS_UNMAP_IOCTL: what the caller was told. */
enum ims_unmap_action { IMS_UNMAP_IOPT = 1, IMS_UNMAP_IOCTL };
enum ims_iova_action { IMS_IOVA_FIXED = 1, IMS_IOVA_AUTO };
enum ims_area_action {
	IMS_AREA_INSERT = 1,	/* in the tree, pages not published: PENDING */
	IMS_AREA_READY,		/* published: LIVE */
	IMS_AREA_DYING,		/* unpublished, still in the tree */
	IMS_AREA_FREE,		/* out of the tree (aborted or unmapped) */
	IMS_AREA_REMOVE,	/* out of the tree for a split that follows */
	IMS_AREA_REINSERT,	/* the split failed, back as it was */
	IMS_AREA_PREVENT	/* accesses were asked to let go: no new pins of theirs */
};
enum ims_split_flags { IMS_SPLIT_LHS_LINKED = 1, IMS_SPLIT_RHS_LINKED = 2 };
enum ims_pages_action { IMS_PAGES_ALLOC = 1, IMS_PAGES_FREE };
/* What a pages object takes from who maps, at ALLOC. */
enum ims_mapper {
	IMS_MAPPER_IPC_LOCK = 1,	/* who maps has CAP_IPC_LOCK */
	IMS_MAPPER_USER = 2,		/* "user" is its own */
	IMS_MAPPER_MM = 4,		/* so is "mm" */
	IMS_MAPPER_TASK = 8,		/* so is the process whose RLIMIT_MEMLOCK counts */
	IMS_MAPPER_DMABUF = 16		/* it is a dma-buf, for which nobody is charged */
};
/* Of who set it; 0: not told. */
enum ims_rlimit_action { IMS_RLIMIT_PRIVILEGED = 1, IMS_RLIMIT_UNPRIVILEGED };
enum ims_account_mode { IMS_ACCT_NONE = 0, IMS_ACCT_USER = 1, IMS_ACCT_MM = 2 };
enum ims_reserve_action { IMS_RESV_ADD = 1, IMS_RESV_DEL };
/* RESET empties the list, RANGE adds one, REFUSED (rc) leaves all as it was. */
enum ims_allow_action { IMS_ALLOW_RESET = 1, IMS_ALLOW_RANGE, IMS_ALLOW_REFUSED };
enum ims_domain_action {
	IMS_DOM_ADD_BEGIN = 1, IMS_DOM_ADD_END, IMS_DOM_DEL_BEGIN, IMS_DOM_DEL_END
};
enum ims_dma_prot { IMS_PROT_READ = 1, IMS_PROT_WRITE = 2, IMS_PROT_CACHE = 4,
		    IMS_PROT_NOEXEC = 8, IMS_PROT_MMIO = 16, IMS_PROT_PRIV = 32 };
enum ims_unmap_flags { IMS_DMA_SYNCED = 1 };	/* IOTLB synced before the call returned */
enum ims_pin_flags { IMS_PIN_WRITE = 1, IMS_PIN_LONGTERM = 2, IMS_PIN_REMOTE = 4,
		     IMS_PIN_FILE = 8	/* pages of a file: always long-term, no flag for writing */
};
/* TRANSIENT: one page for the length of a copy, outside the pages object's count. */
enum ims_pin_action { IMS_PIN_HELD = 1, IMS_PIN_TRANSIENT };
enum ims_unpin_flags { IMS_UNPIN_DIRTY = 1, IMS_UNPIN_LIST = 2 };
enum ims_xarray_action { IMS_XA_STORE = 1, IMS_XA_CLEAR };
enum ims_device_action {
	IMS_DEV_BIND = 1, IMS_DEV_ATTACH, IMS_DEV_REPLACE, IMS_DEV_DETACH, IMS_DEV_UNBIND
};
enum ims_access_action { IMS_ACC_ADD = 1, IMS_ACC_REMOVE };
/* Of an access range, with IOMMUFD_ACCESS_RW_*: its area must not be unmapped. */
#define IMS_ACC_LOCK 0x80000000u
enum ims_access_range_action { IMS_ACC_RANGE_PIN = 1, IMS_ACC_RANGE_UNPIN };
enum ims_access_op_action {
	IMS_ACC_PIN = 1, IMS_ACC_UNPIN, IMS_ACC_RW, IMS_ACC_NOTIFY_BEGIN, IMS_ACC_NOTIFY_END
};
enum ims_fault_action {
	IMS_FLT_QUEUE = 1, IMS_FLT_READ, IMS_FLT_RESTORE, IMS_FLT_ANSWER, IMS_FLT_AUTO, IMS_FLT_DESTROY
};
/* READ: the driver read the bits of one range; "enable": and cleared them. */
enum ims_dirty_action { IMS_DIRTY_SET = 1, IMS_DIRTY_GET, IMS_DIRTY_READ };
enum ims_hw_action {
	IMS_HW_CLAIM = 1,	/* DMA ownership of the group, for the ctx */
	IMS_HW_RELEASE,
	IMS_HW_ATTACH,		/* the group to a domain, from none */
	IMS_HW_REPLACE,
	IMS_HW_DETACH,
	IMS_HW_IOPF_ENABLE,	/* page faults of the device */
	IMS_HW_IOPF_DISABLE,
	IMS_HW_MSI_COOKIE	/* the window of software MSI in a domain */
};
/* Of a CLAIM. */
enum ims_hw_flags {
	IMS_HW_COHERENT = 1,	/* the IOMMU can keep DMA cache coherent */
	IMS_HW_ENFORCE_CC = 2,	/* and can be told to ignore no-snoop */
	IMS_HW_ISOLATED_MSI = 4,
	IMS_HW_UNSAFE_MSI_OK = 8,	/* module parameter allow_unsafe_interrupts */
	IMS_HW_MOCK = 16,	/* a device of the selftest */
	/* not iommufd's business: page faults are never ENABLEd, MSI_COOKIE never set */
	IMS_HW_DRIVER_IOPF = 32, IMS_HW_DRIVER_MSI = 64
};
/* What kind of domain translates for a group now. */
enum ims_domain_type {
	IMS_DT_NONE = 0, IMS_DT_BLOCKED, IMS_DT_PAGING, IMS_DT_NESTED, IMS_DT_DMA_API,
	IMS_DT_IDENTITY, IMS_DT_OTHER
};
/* RANGE tells one, in ascending order; END how many there are. */
enum ims_iova_range_action { IMS_RANGE_ONE = 1, IMS_RANGE_END };
enum ims_access_copy_path {
	IMS_COPY_PINNED = 0,	/* through a PFN that the pages object holds */
	IMS_COPY_TRANSIENT,	/* through a page pinned for the copy */
	IMS_COPY_USER		/* through the user address */
};
enum ims_vfio_action { IMS_VFIO_IOAS = 1, IMS_VFIO_SET_IOMMU, IMS_VFIO_EXTENSION };
/* REVOKE: nothing of the dma-buf is mapped any more, nor will be. */
enum ims_file_action { IMS_FILE_MEMFD = 1, IMS_FILE_DMABUF, IMS_FILE_REVOKE };
enum ims_file_flags {
	IMS_FILE_WRITE = 1,		/* opened for writing */
	IMS_FILE_SEAL_WRITE = 2, IMS_FILE_SEAL_FUTURE = 4,
	IMS_FILE_REVOKED = 8
};
/* TAKE: it is charged in advance, < 0: released again; MOVE: a pages object is its own. */
enum ims_process_action { IMS_PROC_TAKE = 1, IMS_PROC_MOVE };
enum ims_vdevice_action { IMS_VDEV_ADD = 1, IMS_VDEV_DEL };
/* RESTORE: user space did not get it, it is the first again. */
enum ims_vevent_action { IMS_VEV_FETCH = 1, IMS_VEV_RESTORE };
enum ims_ioctl_action { IMS_IOCTL_ENTER = 1, IMS_IOCTL_EXIT };
/* Why a record did not arrive. */
enum ims_loss_class {
	IMS_LOSS_RING = 0,	/* the ring was full */
	IMS_LOSS_READ,		/* the runs could not be copied */
	IMS_LOSS_TABLE,		/* a BPF table was full: the ctx of a domain is unknown */
	IMS_LOSS_CLASSES
};

/*
 * What stands between BEGIN and END says how a ctx was found.  MARK is written before
 * and after its state is read: that counts only if the ctx has no record in between.
 */
enum ims_snapshot_action { IMS_SNAP_BEGIN = 1, IMS_SNAP_END, IMS_SNAP_MARK };

/* Set in a PFN or address of a run that is pinned or mapped, but nobody knows to what. */
#define IMS_ADDR_UNKNOWN (1ULL << 63)

struct ims_hdr {
	__u64 ktime_ns;		/* CLOCK_MONOTONIC */
	__u64 ctx;		/* cookie of the iommufd_ctx; 0 when not known */
	__u64 seq;		/* per ring; counts lost records too, so a gap is a loss */
	__u32 tgid;
	__u32 tid;		/* 0: told by one who does not know which thread did it */
	__u8 kind;		/* enum ims_kind */
	__u8 action;		/* enum of the kind */
	__u8 ring;		/* which ring it came through */
	__u8 nruns;		/* at most IMS_MAX_RUNS */
	__u16 cpu;
	__u16 lost;		/* low bits of the ring's loss counter when this was written:
				 * a change means that a record of this ring is missing before it */
};

struct ims_ctx {
	char comm[IMS_COMM];
	__u64 mm;		/* cookie of the opener's mm */
	__u32 uid;
	__u32 _rsvd;
};

struct ims_object {
	__u64 obj;
	__u32 id;
	__u32 type;		/* enum ims_object_type */
};

struct ims_ioas {
	__u64 ioas;		/* cookie of the IOVA space (io_pagetable) */
	__u64 obj;
	__u32 id;
	__u32 _rsvd;
};

struct ims_hwpt {
	__u64 obj;
	__u64 domain;
	__u64 ioas;		/* 0 for nested */
	__u64 parent;		/* domain of the parent HWPT, nested only */
	__u32 id;
	__u32 flags;		/* enum ims_hwpt_flags */
};

struct ims_map {
	__u64 ioas;
	__u64 src;		/* source IOAS of a COPY, else 0 */
	__u64 iova;		/* where it ended up, or was asked */
	__u64 length;
	__u64 uptr;		/* user address, or source IOVA of a COPY */
	__u32 flags;		/* IOMMU_IOAS_MAP_* as given */
	__s32 rc;
};

struct ims_unmap {
	__u64 ioas;
	__u64 iova;
	__u64 last;		/* inclusive end of what was asked */
	__u64 unmapped;		/* bytes, as told to the caller */
	__s32 rc;
	__u32 _rsvd;
};

struct ims_iova {
	__u64 ioas;
	__u64 iova;
	__u64 length;
	__u64 hint;		/* user address that alignment was derived from */
};

struct ims_area {
	__u64 ioas;
	__u64 area;
	__u64 pages;
	__u64 iova;
	__u64 last;
	__u64 start_byte;	/* offset of iova in the pages object */
	__u32 prot;		/* enum ims_dma_prot */
	__u32 nacc;		/* pins of in-kernel accesses on the area */
};

struct ims_split {
	__u64 ioas;
	__u64 area;
	__u64 lhs;
	__u64 rhs;
	__u64 storage;		/* domain that stores the PFNs, or 0 */
	__u32 flags;		/* enum ims_split_flags */
	__u32 _rsvd;
};

struct ims_storage {
	__u64 ioas;
	__u64 area;
	__u64 pages;
	__u64 domain;		/* 0: no domain holds the area any more */
};

struct ims_pages {
	__u64 pages;
	__u64 uptr;		/* page aligned */
	__u64 npages;
	__u64 npinned;		/* at FREE: must be 0 */
	__u64 mm;
	__u64 user;		/* cookie of the user_struct that is charged */
	__u32 mode;		/* enum ims_account_mode */
	__u16 writable;
	__u16 mapper;		/* enum ims_mapper, 0: not told */
};

struct ims_reserve {
	__u64 ioas;
	__u64 start;
	__u64 last;
	__u64 owner;		/* domain, device, or 0 for the selftest */
	__s32 rc;
	__u32 _rsvd;
};

struct ims_allow {
	__u64 ioas;
	__u64 start;
	__u64 last;
	__s32 rc;
	__u32 _rsvd;
};

struct ims_dev_region {
	__u64 ioas;
	__u64 dev;		/* struct device, the owner of its reservations */
	__u64 start;
	__u64 last;
	__u32 type;		/* enum iommu_resv_type of the kernel */
	__u32 _rsvd;
};

struct ims_align {
	__u64 ioas;
	__u64 align;		/* bytes, power of two */
	__u32 large;		/* 1: large pages may be used */
	__u32 _rsvd;
};

struct ims_domain {
	__u64 ioas;
	__u64 domain;
	__u64 aperture_start;
	__u64 aperture_last;
	__u64 pgsize_bitmap;
	__s32 rc;		/* of ADD_END */
	__u32 _rsvd;
};

struct ims_dma_map {
	__u64 domain;
	__u64 area;
	__u64 iova;		/* of the first run; runs follow one another */
	__u32 prot;
	__s32 rc;		/* != 0: one run, the one that failed */
};

struct ims_dma_unmap {
	__u64 domain;
	__u64 iova;
	__u64 size;		/* asked */
	__u64 unmapped;		/* done */
	__u32 flags;		/* enum ims_unmap_flags */
	__u32 _rsvd;
};

struct ims_iotlb_sync {
	__u64 domain;
};

struct ims_pin {
	__u64 pages;
	__u64 index;		/* of the first page, from the address given to GUP */
	__u64 wanted;		/* pages */
	__s64 got;		/* pages, or -errno */
	__u64 uaddr;		/* address given to GUP */
	__u32 flags;		/* enum ims_pin_flags */
	__u32 _rsvd;
};

struct ims_pin_runs {
	__u64 pages;
	__u64 index;
};

struct ims_unpin {
	__u64 pages;
	__u64 index;
	__u32 flags;		/* enum ims_unpin_flags */
	__u32 _rsvd;
};

struct ims_xarray {
	__u64 pages;
	__u64 index;
	__u64 last;
};

struct ims_account {
	__u64 pages;
	__s64 delta;		/* pages */
	__u64 npinned;		/* of the pages object, after */
	__u64 last_npinned;	/* charged so far, after */
	__u64 counter;		/* user->locked_vm or mm->locked_vm, pages, after */
	__u64 limit;		/* RLIMIT_MEMLOCK, pages, at that instant */
	__u64 pinned_vm;	/* mm->pinned_vm, pages, after */
	__u32 mode;
	__s32 rc;
	/* by what this very call changed, of the account that the pages object names: */
	__s64 moved;		/* user->locked_vm or mm->locked_vm, pages */
	__s64 pinned_moved;	/* mm->pinned_vm, pages */
};

struct ims_rlimit_mode {
	__u32 mode;
	__s32 rc;
};

struct ims_device {
	__u64 dev;		/* struct device */
	__u64 domain;		/* now attached (ATTACH, REPLACE) or left (DETACH) */
	__u64 old_domain;	/* REPLACE */
	__u32 id;		/* object id of the device */
	__u32 hwpt;		/* object id of the HWPT */
	__u32 group;		/* IOMMU group number, see ims_has_group() */
	__s32 rc;
	__u64 handle;		/* attach handle that page faults carry, 0: none */
	char name[IMS_NAME];
};

struct ims_access {
	__u64 ioas;
	__u64 access;
	__u64 align;
	__u32 id;
	__s32 rc;
};

struct ims_access_range {
	__u64 area;
	__u64 pages;
	__u64 index;
	__u64 last;
	__u32 users;		/* of this exact range, after */
	__u32 nacc;		/* of the area, after; IMS_NACC_UNKNOWN */
	__u32 flags;		/* IOMMUFD_ACCESS_RW_* */
	__s32 rc;
};

#define IMS_NACC_UNKNOWN 0xffffffffU

struct ims_access_op {
	__u64 ioas;		/* 0 when not attached */
	__u64 access;		/* 0 of a NOTIFY: all of the IOAS, one after the other */
	__u64 iova;
	__u64 length;
	__u32 flags;		/* IOMMUFD_ACCESS_RW_* */
	__s32 rc;
};

struct ims_fault {
	__u64 fault;		/* cookie of the fault object */
	__u64 group;		/* cookie of the iopf group */
	__u64 handle;		/* attach handle */
	__u32 cookie;
	__u32 id;
};

struct ims_dirty {
	__u64 domain;
	__u64 iova;
	__u64 length;
	__u32 enable;
	__s32 rc;
};

struct ims_ioctl {
	__u32 cmd;
	__s32 rc;		/* at EXIT */
};

struct ims_hw {
	__u64 dev;		/* struct device that the call named */
	__u64 domain;		/* ATTACH, REPLACE, DETACH, MSI_COOKIE: that was asked for or left */
	__u64 now;		/* that translates for the group after the call */
	__u64 base;		/* CLAIM: the owner; MSI_COOKIE: start of the window, bytes */
	__u32 group;		/* IOMMU group number */
	__u32 type;		/* of "now", enum ims_domain_type */
	__u32 flags;		/* enum ims_hw_flags */
	__s32 rc;
};

struct ims_iova_range {
	__u64 ioas;
	__u64 start;		/* ONE */
	__u64 last;		/* ONE */
	__u64 align;		/* END: alignment that was told, bytes; 0: none was */
	__u32 count;		/* END: ranges that exist, as told */
	__s32 rc;		/* END */
};

/*
 * Pages read back in order of IOVA from @iova on, the first may start within a page.
 * @hash is the sum over k = 1..npages of k * (physical address of the k-th).
 */
struct ims_readback {
	__u64 domain;
	__u64 area;
	__u64 iova;		/* of the first */
	__u64 npages;
	__u64 hash;
};

struct ims_access_pfns {
	__u64 area;
	__u64 pages;
	__u64 index;		/* of the first page */
};

struct ims_access_copy {
	__u64 pages;
	__u64 index;
	__u64 pfn;		/* 0 for IMS_COPY_USER */
	__u64 length;		/* bytes; beyond the page only for IMS_COPY_USER */
	__u32 offset;		/* in the page, bytes */
	__u32 flags;		/* IOMMUFD_ACCESS_RW_* */
	__u32 path;		/* enum ims_access_copy_path */
	__s32 rc;
};

struct ims_vfio {
	__u64 ioas;		/* IOAS that VFIO's ioctls act on now, 0: none */
	__u64 arg;		/* SET_IOMMU: type, EXTENSION: what was asked for */
	__s32 rc;		/* SET_IOMMU: result, EXTENSION: the answer */
	__u32 _rsvd;
};

struct ims_pasid {
	__u64 dev;		/* as struct ims_device, but for one PASID */
	__u64 domain;
	__u64 old_domain;
	__u64 handle;
	__u32 id;
	__u32 hwpt;
	__u32 group;
	__u32 pasid;
	__s32 rc;
	__u32 _rsvd;
};

struct ims_file {
	__u64 pages;
	__u64 file;		/* cookie of the file or dma-buf */
	__u64 phys;		/* DMABUF: physical address of index 0, contiguous from there */
	__u32 flags;		/* enum ims_file_flags */
	__u32 _rsvd;
};

struct ims_process {
	__u64 pages;		/* MOVE */
	__s64 npages;		/* TAKE: charged; MOVE: pinned */
	__u64 mm;		/* of the process */
	__u64 user;
	/* TAKE: by what this very call changed the account and mm->pinned_vm, pages */
	__s64 moved;
	__s64 pinned_moved;
	__u32 mode;		/* enum ims_account_mode */
	__s32 rc;		/* of TAKE */
};

struct ims_vdevice {
	__u64 vdev;
	__u64 viommu;
	__u64 dev;
	__u64 virt_id;		/* unique in the vIOMMU */
	__u32 id;
	__u32 dev_id;		/* object id of the device */
};

struct ims_vevent {
	__u64 queue;
	__u32 id;
	__u32 sequence;		/* of the event, or of the last one that was lost */
	__u32 flags;		/* IOMMU_VEVENTQ_FLAG_LOST_EVENTS: 1 */
	__u32 num_events;	/* in the queue, with what is being read */
	__u32 depth;
	__u32 _rsvd;
};

/* The header's seq is the ring's next number: what was lost has smaller ones. */
struct ims_loss {
	__u64 lost[4];		/* by enum ims_loss_class, since the last report */
};

struct ims_snapshot {
	__u64 number;		/* counts the marks of one collector */
};

struct ims_end {
	__u64 records;		/* emitted by the kernel over all rings */
};

#define IMS_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)
#define IMS_AT(type, field, off) \
	_Static_assert(__builtin_offsetof(struct type, field) == (off), #type "." #field)

IMS_SIZE(ims_run, 16);
IMS_SIZE(ims_hdr, 40);
IMS_AT(ims_hdr, ctx, 8); IMS_AT(ims_hdr, seq, 16); IMS_AT(ims_hdr, tgid, 24);
IMS_AT(ims_hdr, kind, 32); IMS_AT(ims_hdr, action, 33); IMS_AT(ims_hdr, nruns, 35);
IMS_AT(ims_hdr, cpu, 36); IMS_AT(ims_hdr, lost, 38);
IMS_SIZE(ims_ctx, 32); IMS_AT(ims_ctx, mm, 16); IMS_AT(ims_ctx, uid, 24);
IMS_SIZE(ims_object, 16); IMS_AT(ims_object, id, 8);
IMS_SIZE(ims_ioas, 24); IMS_AT(ims_ioas, id, 16);
IMS_SIZE(ims_hwpt, 40); IMS_AT(ims_hwpt, id, 32);
IMS_SIZE(ims_map, 48); IMS_AT(ims_map, iova, 16); IMS_AT(ims_map, rc, 44);
IMS_SIZE(ims_unmap, 40); IMS_AT(ims_unmap, unmapped, 24); IMS_AT(ims_unmap, rc, 32);
IMS_SIZE(ims_iova, 32); IMS_AT(ims_iova, length, 16);
IMS_SIZE(ims_area, 56); IMS_AT(ims_area, iova, 24); IMS_AT(ims_area, prot, 48);
IMS_SIZE(ims_split, 48); IMS_AT(ims_split, storage, 32); IMS_AT(ims_split, flags, 40);
IMS_SIZE(ims_storage, 32); IMS_AT(ims_storage, domain, 24);
IMS_SIZE(ims_pages, 56); IMS_AT(ims_pages, mm, 32); IMS_AT(ims_pages, mode, 48);
IMS_SIZE(ims_reserve, 40); IMS_AT(ims_reserve, owner, 24); IMS_AT(ims_reserve, rc, 32);
IMS_SIZE(ims_allow, 32); IMS_AT(ims_allow, rc, 24);
IMS_SIZE(ims_dev_region, 40); IMS_AT(ims_dev_region, type, 32);
IMS_SIZE(ims_align, 24); IMS_AT(ims_align, large, 16);
IMS_SIZE(ims_domain, 48); IMS_AT(ims_domain, aperture_start, 16); IMS_AT(ims_domain, rc, 40);
IMS_SIZE(ims_dma_map, 32); IMS_AT(ims_dma_map, iova, 16); IMS_AT(ims_dma_map, rc, 28);
IMS_SIZE(ims_dma_unmap, 40); IMS_AT(ims_dma_unmap, unmapped, 24); IMS_AT(ims_dma_unmap, flags, 32);
IMS_SIZE(ims_iotlb_sync, 8);
IMS_SIZE(ims_pin, 48); IMS_AT(ims_pin, got, 24); IMS_AT(ims_pin, flags, 40);
IMS_SIZE(ims_pin_runs, 16); IMS_AT(ims_pin_runs, index, 8);
IMS_SIZE(ims_unpin, 24); IMS_AT(ims_unpin, flags, 16);
IMS_SIZE(ims_xarray, 24); IMS_AT(ims_xarray, last, 16);
IMS_SIZE(ims_account, 80); IMS_AT(ims_account, counter, 32); IMS_AT(ims_account, mode, 56);
IMS_AT(ims_account, moved, 64);
IMS_SIZE(ims_rlimit_mode, 8);
IMS_SIZE(ims_device, 80); IMS_AT(ims_device, id, 24); IMS_AT(ims_device, name, 48);
IMS_SIZE(ims_access, 32); IMS_AT(ims_access, id, 24);
IMS_SIZE(ims_access_range, 48); IMS_AT(ims_access_range, users, 32);
IMS_SIZE(ims_access_op, 40); IMS_AT(ims_access_op, flags, 32);
IMS_SIZE(ims_fault, 32); IMS_AT(ims_fault, cookie, 24);
IMS_SIZE(ims_dirty, 32); IMS_AT(ims_dirty, enable, 24);
IMS_SIZE(ims_ioctl, 8);
IMS_SIZE(ims_loss, 32);
IMS_SIZE(ims_end, 8);
IMS_SIZE(ims_snapshot, 8);
IMS_SIZE(ims_hw, 48); IMS_AT(ims_hw, group, 32); IMS_AT(ims_hw, rc, 44);
IMS_SIZE(ims_iova_range, 40); IMS_AT(ims_iova_range, count, 32);
IMS_SIZE(ims_readback, 40); IMS_AT(ims_readback, iova, 16);
IMS_SIZE(ims_access_pfns, 24); IMS_AT(ims_access_pfns, index, 16);
IMS_SIZE(ims_access_copy, 48); IMS_AT(ims_access_copy, offset, 32);
IMS_SIZE(ims_vfio, 24); IMS_AT(ims_vfio, rc, 16);
IMS_SIZE(ims_pasid, 56); IMS_AT(ims_pasid, id, 32); IMS_AT(ims_pasid, rc, 48);
IMS_SIZE(ims_file, 32); IMS_AT(ims_file, phys, 16);
IMS_SIZE(ims_process, 56); IMS_AT(ims_process, mode, 48);
IMS_SIZE(ims_vdevice, 40); IMS_AT(ims_vdevice, virt_id, 24);
IMS_SIZE(ims_vevent, 32); IMS_AT(ims_vevent, sequence, 12);

/* A device that no IOMMU translates for is of no group; then ~@id, its own, stands for that. */
static inline int ims_has_group(__u32 group, __u32 id)
{
	return group != ~id;
}

/* What follows the header of a kind in bytes, runs not included; 0: no such kind. */
static inline __u32 ims_payload_size(__u32 kind)
{
	switch (kind) {
	case IMS_CTX: return sizeof(struct ims_ctx);
	case IMS_OBJECT: return sizeof(struct ims_object);
	case IMS_IOAS: return sizeof(struct ims_ioas);
	case IMS_HWPT: return sizeof(struct ims_hwpt);
	case IMS_MAP: return sizeof(struct ims_map);
	case IMS_UNMAP: return sizeof(struct ims_unmap);
	case IMS_IOVA: return sizeof(struct ims_iova);
	case IMS_AREA: return sizeof(struct ims_area);
	case IMS_SPLIT: return sizeof(struct ims_split);
	case IMS_STORAGE: return sizeof(struct ims_storage);
	case IMS_PAGES: return sizeof(struct ims_pages);
	case IMS_RESERVE: return sizeof(struct ims_reserve);
	case IMS_ALLOW: return sizeof(struct ims_allow);
	case IMS_DEV_REGION: return sizeof(struct ims_dev_region);
	case IMS_ALIGN: return sizeof(struct ims_align);
	case IMS_DOMAIN: return sizeof(struct ims_domain);
	case IMS_DMA_MAP: return sizeof(struct ims_dma_map);
	case IMS_DMA_UNMAP: return sizeof(struct ims_dma_unmap);
	case IMS_IOTLB_SYNC: return sizeof(struct ims_iotlb_sync);
	case IMS_PIN: return sizeof(struct ims_pin);
	case IMS_PIN_RUNS: return sizeof(struct ims_pin_runs);
	case IMS_UNPIN: return sizeof(struct ims_unpin);
	case IMS_XARRAY: return sizeof(struct ims_xarray);
	case IMS_ACCOUNT: return sizeof(struct ims_account);
	case IMS_RLIMIT_MODE: return sizeof(struct ims_rlimit_mode);
	case IMS_DEVICE: return sizeof(struct ims_device);
	case IMS_ACCESS: return sizeof(struct ims_access);
	case IMS_ACCESS_RANGE: return sizeof(struct ims_access_range);
	case IMS_ACCESS_OP: return sizeof(struct ims_access_op);
	case IMS_FAULT: return sizeof(struct ims_fault);
	case IMS_DIRTY: return sizeof(struct ims_dirty);
	case IMS_IOCTL: return sizeof(struct ims_ioctl);
	case IMS_LOSS: return sizeof(struct ims_loss);
	case IMS_END: return sizeof(struct ims_end);
	case IMS_SNAPSHOT: return sizeof(struct ims_snapshot);
	case IMS_HW: return sizeof(struct ims_hw);
	case IMS_IOVA_RANGE: return sizeof(struct ims_iova_range);
	case IMS_READBACK: return sizeof(struct ims_readback);
	case IMS_ACCESS_PFNS: return sizeof(struct ims_access_pfns);
	case IMS_ACCESS_COPY: return sizeof(struct ims_access_copy);
	case IMS_VFIO: return sizeof(struct ims_vfio);
	case IMS_PASID: return sizeof(struct ims_pasid);
	case IMS_FILE: return sizeof(struct ims_file);
	case IMS_PROCESS: return sizeof(struct ims_process);
	case IMS_VDEVICE: return sizeof(struct ims_vdevice);
	case IMS_VEVENT: return sizeof(struct ims_vevent);
	default: return 0;
	}
}

#ifndef __bpf__
/* A record in memory; .p is what hdr.kind says it is. */
struct ims_record {
	struct ims_hdr h;
	union {
		struct ims_ctx ctx;
		struct ims_object object;
		struct ims_ioas ioas;
		struct ims_hwpt hwpt;
		struct ims_map map;
		struct ims_unmap unmap;
		struct ims_iova iova;
		struct ims_area area;
		struct ims_split split;
		struct ims_storage storage;
		struct ims_pages pages;
		struct ims_reserve reserve;
		struct ims_allow allow;
		struct ims_dev_region dev_region;
		struct ims_align align;
		struct ims_domain domain;
		struct ims_dma_map dma_map;
		struct ims_dma_unmap dma_unmap;
		struct ims_iotlb_sync iotlb_sync;
		struct ims_pin pin;
		struct ims_pin_runs pin_runs;
		struct ims_unpin unpin;
		struct ims_xarray xarray;
		struct ims_account account;
		struct ims_rlimit_mode rlimit_mode;
		struct ims_device device;
		struct ims_access access;
		struct ims_access_range access_range;
		struct ims_access_op access_op;
		struct ims_fault fault;
		struct ims_dirty dirty;
		struct ims_ioctl ioctl;
		struct ims_loss loss;
		struct ims_end end;
		struct ims_snapshot snapshot;
		struct ims_hw hw;
		struct ims_iova_range iova_range;
		struct ims_readback readback;
		struct ims_access_pfns access_pfns;
		struct ims_access_copy access_copy;
		struct ims_vfio vfio;
		struct ims_pasid pasid;
		struct ims_file file;
		struct ims_process process;
		struct ims_vdevice vdevice;
		struct ims_vevent vevent;
	} p;
};

/* The runs behind the payload of @r; hdr.nruns of them. */
static inline const struct ims_run *ims_runs(const struct ims_record *r)
{
	return (const struct ims_run *)((const char *)r + sizeof(r->h) +
					ims_payload_size(r->h.kind));
}

/* Bytes of @r with its runs; 0 when the kind is unknown. */
static inline size_t ims_record_size(const struct ims_record *r)
{
	__u32 p = ims_payload_size(r->h.kind);

	return p ? sizeof(r->h) + p + r->h.nruns * sizeof(struct ims_run) : 0;
}
#endif

#endif /* IMS_RECORD_H */
