/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What iommufd asks of the IOMMU core for a device: to own its DMA, to translate
 * through a domain, to report page faults.  All are functions that the core exports,
 * and what the core says then is read when they end.
 */
#ifndef IMS_FENTRY_CORE_BPF_H
#define IMS_FENTRY_CORE_BPF_H

#include "fentry_life.bpf.h"

/* Macros in linux/iommu.h. */
#define DOMAIN_IS_PAGING 1
#define DOMAIN_IS_DMA_API 2
#define DOMAIN_IS_IDENTITY 4
#define DOMAIN_IS_FLUSH_QUEUE 8
#define DOMAIN_IS_NESTED 64

/* Where the module parameter allow_unsafe_interrupts is; 0: nobody knows. */
const volatile __u64 unsafe_interrupts_at = 0;

static __always_inline __u32 domain_type(__u64 domain)
{
	if (!domain)
		return IMS_DT_NONE;
	switch (READ(iommu_domain, domain, type)) {
	case 0:
		return IMS_DT_BLOCKED;
	case DOMAIN_IS_PAGING:
		return IMS_DT_PAGING;
	case DOMAIN_IS_NESTED:
		return IMS_DT_NESTED;
	case DOMAIN_IS_PAGING | DOMAIN_IS_DMA_API:
	case DOMAIN_IS_PAGING | DOMAIN_IS_DMA_API | DOMAIN_IS_FLUSH_QUEUE:
		return IMS_DT_DMA_API;
	case DOMAIN_IS_IDENTITY:
		return IMS_DT_IDENTITY;
	default:
		return IMS_DT_OTHER;
	}
}

static __noinline int hw_record(__u64 dev, __u32 action, __u64 domain, __u64 base, __s32 rc)
{
	__u64 group = (__u64)READ(device, dev, iommu_group);
	__u64 now = group ? (__u64)READ(iommu_group, group, domain) : 0;
	struct work *w = work_here();
	__u64 a[10] = { 0, dev, group ? (__u32)READ(iommu_group, group, id) : 0, action, domain,
			now, domain_type(now), base, 0, (__u32)rc };

	if (!w)
		return 0;
	a[0] = w->ctx;
	if (action == IMS_HW_CLAIM)
		a[8] = w->claim_flags;
	return on_hw(a);
}

/* ---- whose DMA it is ---- */

static __always_inline __u32 is_mock(__u64 dev)
{
	char name[sizeof("iommufd_mock")] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), READ(device, dev, bus, name));
	return same_text(name, "iommufd_mock", sizeof(name)) ? IMS_HW_MOCK : 0;
}

static __always_inline __u32 unsafe_interrupts(void)
{
	__u8 on = 1;

	if (unsafe_interrupts_at)
		bpf_probe_read_kernel(&on, sizeof(on), (void *)unsafe_interrupts_at);
	return on ? IMS_HW_UNSAFE_MSI_OK : 0;
}

/* It was claimed; iommufd asks some more of the device before the bind is done. */
static __noinline int claim_told(void)
{
	struct work *w = work_here();
	__u64 dev;

	if (!w || !w->claimed)
		return 0;
	dev = w->claimed;
	w->claimed = 0;
	return hw_record(dev, IMS_HW_CLAIM, 0, w->claim_owner, 0);
}

SEC("fentry/iommufd_device_bind")
int BPF_PROG(bind_enter)
{
	struct work *w = work_begin(arg(ctx, 0));

	if (w)
		w->claim_flags = left_to_drivers();
	return 0;
}

SEC("fexit/iommufd_device_bind")
int BPF_PROG(bind_leave)
{
	claim_told();
	return work_end();
}

#define ASKED(cap, CAP) ((cap) == bpf_core_enum_value(enum iommu_cap, CAP))

SEC("fexit/device_iommu_capable")
int BPF_PROG(capability_told)
{
	struct work *w = work_here();
	__u32 cap = arg(ctx, 1);

	if (!w)
		return 0;
	if (ASKED(cap, IOMMU_CAP_CACHE_COHERENCY) && (__u8)result(ctx))
		w->claim_flags |= IMS_HW_COHERENT;
	if (!ASKED(cap, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return 0;
	if ((__u8)result(ctx))
		w->claim_flags |= IMS_HW_ENFORCE_CC;
	return claim_told();
}

SEC("fexit/iommu_group_has_isolated_msi")
int BPF_PROG(isolation_told)
{
	struct work *w = work_here();

	if (w && (__u8)result(ctx))
		w->claim_flags |= IMS_HW_ISOLATED_MSI;
	return 0;
}

SEC("fexit/iommu_device_claim_dma_owner")
int BPF_PROG(dma_claimed)
{
	struct work *w = work_here();
	__s32 rc = result(ctx);
	__u64 dev = arg(ctx, 0);

	if (!w)
		return 0;
	w->claim_flags |= is_mock(dev) | unsafe_interrupts();
	if (rc)
		return hw_record(dev, IMS_HW_CLAIM, 0, arg(ctx, 1), rc);
	w->claimed = dev;
	w->claim_owner = arg(ctx, 1);
	return 0;
}

SEC("fexit/iommu_device_release_dma_owner")
int BPF_PROG(dma_released)
{
	claim_told();
	return hw_record(arg(ctx, 0), IMS_HW_RELEASE, 0, 0, 0);
}

/* ---- what else is asked; attach and replace: fentry_device.bpf.h ---- */

/* The device whose attachment is under way, in any of the functions of the core. */
static __noinline int core_asked(__u32 action, __u64 domain, __u64 base, __s32 rc)
{
	struct work *w = work_here();

	if (!w || !w->idev)
		return 0;
	return hw_record((__u64)READ(iommufd_device, w->idev, dev), action, domain, base, rc);
}

SEC("fexit/iommu_detach_group_handle")
int BPF_PROG(group_detached)
{
	return core_asked(IMS_HW_DETACH, arg(ctx, 0), 0, 0);
}

SEC("fexit/iommu_get_msi_cookie")
int BPF_PROG(msi_cookie_made)
{
	return core_asked(IMS_HW_MSI_COOKIE, arg(ctx, 0), arg(ctx, 1), result(ctx));
}

#define IS_IOPF(feature) \
	((feature) == bpf_core_enum_value(enum iommu_dev_features, IOMMU_DEV_FEAT_IOPF))

SEC("fexit/iommu_dev_enable_feature")
int BPF_PROG(iopf_enabled)
{
	__u32 feature = arg(ctx, 1);

	return IS_IOPF(feature) ? hw_record(arg(ctx, 0), IMS_HW_IOPF_ENABLE, 0, 0, result(ctx)) : 0;
}

SEC("fexit/iommu_dev_disable_feature")
int BPF_PROG(iopf_disabled)
{
	__u32 feature = arg(ctx, 1);

	return IS_IOPF(feature) ? hw_record(arg(ctx, 0), IMS_HW_IOPF_DISABLE, 0, 0, result(ctx)) : 0;
}

#endif /* IMS_FENTRY_CORE_BPF_H */
