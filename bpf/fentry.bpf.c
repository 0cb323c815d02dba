// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of bpf/record.h from an iommufd that nobody has patched.
 *
 * The programs stand at the begin and the end of functions.  Each gathers what the
 * tracepoint of the same name would be given, in the same order, and calls the function
 * in records.bpf.h that makes the record of it.  Preferred are functions that are
 * called from another source file or exported: no compiler inlines these.
 *
 *	work.bpf.h		what the thread is doing; the ways into iommufd
 *	fentry_pages.bpf.h	pages.c: pins, charges, maps and unmaps of domains
 *	fentry_file.bpf.h	what stands behind pages of a file or a dma-buf
 *	fentry_area.bpf.h	io_pagetable.c: areas, and what maps and unmaps them
 *	fentry_space.bpf.h	io_pagetable.c: ranges, domains
 *	fentry_life.bpf.h	main.c, ioas.c: contexts, objects, ioctls
 *	fentry_core.bpf.h	what is asked of the IOMMU core
 *	fentry_device.bpf.h	device.c: devices and HWPTs
 *	fentry_access.bpf.h	accesses from within the kernel, and what they have pinned
 *	fentry_fault.bpf.h	fault.c: page faults of devices
 *
 * The order of the records of a ctx must be one in which the changes can have been
 * made.  A tracepoint stands inside the lock; the end of a function often behind it.
 * Each file says what it does where that matters.  What cannot be placed is left to the
 * model: see "order" in user/model/model.h.
 *
 * User space tries which of the functions this kernel has, and knows what is missing
 * without each of them: user/source/hooks.c.
 */
#define EVENT_FUNCTION(name) static __noinline __attribute__((unused))

#include "fentry_access.bpf.h"
#include "fentry_device.bpf.h"
#include "fentry_fault.bpf.h"

char LICENSE[] SEC("license") = "GPL";
