/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking something up in what the kernel calls xarray: a tree of nodes of 64 slots. */
#ifndef IMS_XARRAY_BPF_H
#define IMS_XARRAY_BPF_H

#include "iommufd.bpf.h"

#define SLOTS 64
#define LEVELS 6

static __always_inline bool is_node(__u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static __always_inline bool is_object(__u64 entry)
{
	return entry > 4096 && !(entry & 3);
}

static __always_inline __u8 shift_of(__u64 entry)
{
	return BPF_CORE_READ((struct xa_node *)(entry - 2), shift);
}

static __noinline __u64 array_load(__u64 entry, __u64 index)
{
	if (!is_node(entry))
		return index ? 0 : entry;
	if (index >> (shift_of(entry) & 31) >= SLOTS)
		return 0;
	for (int level = 0; level < LEVELS && is_node(entry); level++) {
		__u64 slot = (__u64)(entry - 2) + bpf_core_field_offset(struct xa_node, slots);
		__u64 at = index >> (shift_of(entry) & 31) & (SLOTS - 1);

		if (bpf_probe_read_kernel(&entry, sizeof(entry), (void *)(slot + at * 8)))
			return 0;
	}
	return entry;
}

/* What a group is attached to with that PASID; 6.12 knows none. */
static __always_inline struct iommufd_hw_pagetable *hwpt_of_group(struct iommufd_group *g,
								  __u32 pasid)
{
	struct iommufd_group___pasid *now = (void *)g;
	__u64 attach;

	if (bpf_core_field_exists(g->hwpt))
		return BPF_CORE_READ(g, hwpt);
	attach = array_load((__u64)BPF_CORE_READ(now, pasid_attach.xa_head), pasid);
	return is_object(attach) ? BPF_CORE_READ((struct iommufd_attach *)attach, hwpt) : NULL;
}

/* Whether there is more in the array than index 0. */
static __always_inline bool has_pasids(struct iommufd_group *g)
{
	struct iommufd_group___pasid *now = (void *)g;
	struct xa_node *node;
	__u64 head;

	if (!bpf_core_field_exists(now->pasid_attach))
		return false;
	head = (__u64)BPF_CORE_READ(now, pasid_attach.xa_head);
	if (!is_node(head))
		return false;
	node = (void *)(head - 2);
	return shift_of(head) || BPF_CORE_READ(node, count) > !!BPF_CORE_READ(node, slots[0]);
}

#endif /* IMS_XARRAY_BPF_H */
