/* SPDX-License-Identifier: GPL-2.0-only */
/* Page faults of devices, of fault.c and eventq.c: queued, read, and answered by whom. */
#ifndef IMS_FENTRY_FAULT_BPF_H
#define IMS_FENTRY_FAULT_BPF_H

#include "fentry_device.bpf.h"

static __noinline int fault_record(__u64 fault, __u64 group, __u32 action, __u32 cookie)
{
	__u64 a[7] = { fault_ctx(fault), fault, fault_id(fault), action, group,
		       (__u64)READ(iopf_group, group, attach_handle), cookie };

	return on_fault(a);
}

/* Not in the queue yet, so nobody can answer it. */
SEC("fentry/iommufd_fault_iopf_handler")
int BPF_PROG(fault_queued)
{
	struct iopf_group *group = (void *)arg(ctx, 0);
	__u64 hwpt = hwpt_of_domain((__u64)BPF_CORE_READ(group, attach_handle, domain));

	return fault_record((__u64)HWPT(hwpt, fault), (__u64)group, IMS_FLT_QUEUE, 0);
}

static __always_inline int answers_begin(__u64 fault, __u32 action)
{
	struct work *w = work_here();

	if (!w)
		return 0;
	w->fault = fault;
	w->fault_action = action;
	return 0;
}

static __noinline int answers_end(void)
{
	struct work *w = work_here();

	if (w)
		w->fault_action = 0;
	return 0;
}

SEC("fentry/iommufd_fault_fops_write")
int BPF_PROG(answer_enter)
{
	__u64 fault = file_data(arg(ctx, 0));

	work_enter(fault_ctx(fault));
	return answers_begin(fault, IMS_FLT_ANSWER);
}

SEC("fexit/iommufd_fault_fops_write")
int BPF_PROG(answer_leave)
{
	answers_end();
	return work_end();
}

SEC("fentry/iommufd_auto_response_faults")
int BPF_PROG(auto_enter, struct iommufd_hw_pagetable *hwpt)
{
	return answers_begin((__u64)hwpt->fault, IMS_FLT_AUTO);
}

SEC("fexit/iommufd_auto_response_faults")
int BPF_PROG(auto_leave)
{
	return answers_end();
}

SEC("fentry/iommufd_fault_destroy")
int BPF_PROG(fault_destroy_enter, struct iommufd_object *obj)
{
	object_ends(work_here(), (__u64)obj);
	return answers_begin((__u64)obj, IMS_FLT_DESTROY);
}

SEC("fexit/iommufd_fault_destroy")
int BPF_PROG(fault_destroy_leave)
{
	return answers_end();
}

/* What a user answers was found among those that were read: so the read is told here. */
SEC("fentry/iopf_group_response")
int BPF_PROG(fault_answered, struct iopf_group *group)
{
	struct work *w = work_here();

	if (!w || !w->fault_action)
		return 0;
	if (w->fault_action == IMS_FLT_ANSWER)
		fault_record(w->fault, (__u64)group, IMS_FLT_READ, group->cookie);
	return fault_record(w->fault, (__u64)group, w->fault_action, group->cookie);
}

#endif /* IMS_FENTRY_FAULT_BPF_H */
