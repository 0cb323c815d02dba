/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ in what fentry.bpf.c needs: one accessor for each
 * difference.  Nothing is decided by the version; a difference is found in the BTF
 * of the kernel, or in the number of arguments of the very function.
 */
#ifndef IMS_COMPAT_BPF_H
#define IMS_COMPAT_BPF_H

#include "xarray.bpf.h"

#include <bpf/bpf_tracing.h>

#define IS_ERR(p) ((__u64)(p) >= (__u64)-4095)

/*
 * Follow fields from a pointer that is only a number to us.  It is taken into a
 * variable first: CO-RE would relocate how we come by it, too.
 */
#define READ(type, p, ...)                                                    \
	({                                                                    \
		struct type *from_ = (void *)(p);                             \
		BPF_CORE_READ(from_, __VA_ARGS__);                            \
	})

#define READ_BIT(type, p, field)                                              \
	({                                                                    \
		struct type *from_ = (void *)(p);                             \
		BPF_CORE_READ_BITFIELD_PROBED(from_, field);                  \
	})

/* An argument as a number: what the verifier does not let us read as a pointer. */
static __always_inline __u64 arg(void *ctx, __u32 n)
{
	__u64 v = 0;

	bpf_get_func_arg(ctx, n, &v);
	return v;
}

/* The argument @n before the last: a pasid may stand in front of it, or not. */
static __always_inline __u64 arg_from_end(void *ctx, __u32 n)
{
	return arg(ctx, bpf_get_func_arg_cnt(ctx) - 1 - n);
}

/* The argument @n that newer kernels have, with more than @least of them; else 0. */
static __always_inline __u32 new_arg(void *ctx, __u32 n, __u32 least)
{
	return bpf_get_func_arg_cnt(ctx) > least ? arg(ctx, n) : 0;
}

static __always_inline bool new_flag(void *ctx, __u32 n, __u32 least)
{
	return (__u8)new_arg(ctx, n, least);
}

/* The number of an IOMMU group; ~@id for the device @id when there is none, as without an IOMMU. */
static __always_inline __u32 group_number(__u64 group, __u32 id)
{
	return group ? (__u32)READ(iommu_group, group, id) : ~id;
}

/*
 * What a file is of.  Read by a helper, so that it is a number: newer verifiers know
 * a pointer to void in BTF as memory, which cannot be reckoned with.
 */
static __always_inline __u64 file_data(__u64 file)
{
	return (__u64)READ(file, file, private_data);
}

static __always_inline __u64 result(void *ctx)
{
	__u64 v = 0;

	bpf_get_func_ret(ctx, &v);
	return v;
}

/* ---- pages of files: f4986a72d6e4 ("iommufd: Add IOMMU_IOAS_MAP_FILE") ---- */

#define TYPED(pages, ...) READ(iopt_pages___typed, pages, __VA_ARGS__)
#define HAS_TYPED bpf_core_type_exists(enum iopt_address_type)
#define PAGES_ARE(type, NAME) \
	((type) == bpf_core_enum_value(enum iopt_address_type, IOPT_ADDRESS_##NAME))

/* Where index 0 is: a user address, or a place in the file. */
static __noinline __attribute__((unused)) __u64 pages_start(__u64 pages)
{
	__u32 type;

	if (!HAS_TYPED)
		return (__u64)READ(iopt_pages, pages, uptr);
	type = TYPED(pages, type);
	if (PAGES_ARE(type, FILE))
		return TYPED(pages, start);
	if (PAGES_ARE(type, DMABUF))
		return TYPED(pages, dmabuf.start);
	return (__u64)READ(iopt_pages, pages, uptr);
}

/* ---- what became the drivers' business ---- */

/*
 * What iommufd leaves to the drivers: page faults since be2a24322c20 ("iommufd: Remove unnecessary
 * IOMMU_DEV_FEAT_IOPF"), MSI since 40f5175d0eb7 ("iommufd: Implement sw_msi support natively").
 */
static __always_inline __u32 left_to_drivers(void)
{
	__u32 flags = 0;

	if (!bpf_core_type_exists(enum iommu_dev_features))
		flags |= IMS_HW_DRIVER_IOPF;
	if (bpf_core_type_exists(struct iommufd_sw_msi_map))
		flags |= IMS_HW_DRIVER_MSI;
	return flags;
}

/* ---- page faults: 5426a78bebef ("iommufd: Abstract an iommufd_eventq from iommufd_fault") ---- */

static __always_inline __u64 fault_ctx(__u64 fault)
{
	if (bpf_core_type_exists(struct iommufd_eventq))
		return (__u64)READ(iommufd_fault___eventq, fault, common.ictx);
	return (__u64)READ(iommufd_fault, fault, ictx);
}

static __always_inline __u32 fault_id(__u64 fault)
{
	if (bpf_core_type_exists(struct iommufd_eventq))
		return READ(iommufd_fault___eventq, fault, common.obj.id);
	return READ(iommufd_fault, fault, obj.id);
}

static __always_inline __u64 hwpt_of_domain(__u64 domain)
{
	struct iommu_domain *d = (void *)domain;

	if (bpf_core_field_exists(d->fault_data))
		return (__u64)BPF_CORE_READ(d, fault_data);
	return (__u64)READ(iommu_domain___hwpt, domain, iommufd_hwpt);
}

/* Not in BTF by name: an anonymous enum since mm_types.h has them, macros before. */
#define FOLL_WRITE 0x1
#define FOLL_LONGTERM 0x100

/*
 * A struct page stands at a place that is its number.  The array begins at
 * vmemmap_base, which KASLR moves.
 */
extern const void vmemmap_base __ksym __weak;

#define VMEMMAP_BASE 0xffffea0000000000ULL	/* without KASLR */
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)

static __always_inline __u64 vmemmap_start(void)
{
	__u64 base = VMEMMAP_BASE;

	if (&vmemmap_base)
		bpf_probe_read_kernel(&base, sizeof(base), &vmemmap_base);
	return base;
}

static __always_inline __u64 page_pfn(__u64 page)
{
	return (page - vmemmap_start()) / bpf_core_type_size(struct page);
}

#endif /* IMS_COMPAT_BPF_H */
