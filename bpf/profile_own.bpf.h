/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of our own iommufd (kernel_patch/iommufd): what it calls in mm and in the
 * IOMMU core is the same, but its ioctls and its objects have other names.
 *
 * Only one of the two is ever there, so the programs of the other are not loaded, and a
 * field that both need is looked for in either.
 */
#ifndef IMS_PROFILE_OWN_BPF_H
#define IMS_PROFILE_OWN_BPF_H

#include "own.bpf.h"
#include "profile_op.bpf.h"

/* ---- of either ---- */

static __always_inline __u64 device_ctx(struct iommufd_device *idev)
{
	if (bpf_core_field_exists(idev->ictx))
		return (__u64)BPF_CORE_READ(idev, ictx);
	return (__u64)READ(iommufd_device___own, idev, ctx);
}

static __always_inline __u32 device_id(struct iommufd_device *idev)
{
	if (bpf_core_field_exists(idev->obj.id))
		return BPF_CORE_READ(idev, obj.id);
	return READ(iommufd_device___own, idev, obj.id);
}

static __always_inline __u64 access_ctx(struct iommufd_access *access)
{
	if (bpf_core_field_exists(access->ictx))
		return (__u64)BPF_CORE_READ(access, ictx);
	return (__u64)READ(iommufd_access___own, access, ctx);
}

/* 0: it is at none. */
static __always_inline __u32 access_ioas(struct iommufd_access *access)
{
	struct ufd_ioas *own;

	if (bpf_core_field_exists(access->ictx)) {
		struct iommufd_ioas *ioas = BPF_CORE_READ(access, ioas);

		return ioas ? BPF_CORE_READ(ioas, obj.id) : 0;
	}
	own = READ(iommufd_access___own, access, ioas);
	return own ? BPF_CORE_READ(own, obj.id) : 0;
}

/* ---- operations of our own ---- */

static __always_inline void op_in_space(__u64 space)
{
	op_in_ioas(READ(ufd_ioas, space - bpf_core_field_offset(struct ufd_ioas, space), obj.id));
}

OF_FILE(own_ioctl, ufd_ioctl, own_release, ufd_close)
OF_MAP(ufd_map_copy, ufd_map_copy, op_in_space)		/* user memory, too */
IN_SPACE(ufd_domain_leave, ufd_domain_leave, op_in_space)
OF_JOIN(own_replay, ufd_domain_join, op_in_space)
IN_SPACE(ufd_unmap, ufd_unmap, op_in_space)

/* (space, first, last, where it says how many bytes these were) */
SEC("fexit/ufd_unmap")
int BPF_PROG(ufd_unmap_leave)
{
	struct op *op = op_here();
	__u64 bytes = 0;

	bpf_probe_read_kernel(&bytes, sizeof(bytes), (void *)arg(ctx, 3));
	if (op)
		op_bytes(op, op->frames[0].phase, bytes);
	return 0;
}

#endif /* IMS_PROFILE_OWN_BPF_H */
