// SPDX-License-Identifier: GPL-2.0-only
/*
 * See hooks.h.  A program that is not in the table below makes nothing impossible: it
 * is a detail.  Everything is impossible without some.
 *
 * Where a function has another name, or other callers, in other kernels, there is a
 * program for each.  What follows ___ in the name of such a program says which it is;
 * one of them is enough.
 */
#include "source/hooks.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/record.h"

#define BIT(kind) (1ULL << (kind))
#define ALL ((BIT(IMS_NR_KINDS) - 1) & ~(BIT(IMS_LOSS) | BIT(IMS_END) | 1))

#define MEMORY (BIT(IMS_PIN) | BIT(IMS_PIN_RUNS) | BIT(IMS_UNPIN) | BIT(IMS_XARRAY) | \
		BIT(IMS_DMA_MAP) | BIT(IMS_DMA_UNMAP) | BIT(IMS_ACCOUNT))
#define PINS (BIT(IMS_PIN) | BIT(IMS_PIN_RUNS))
#define AREAS (BIT(IMS_AREA) | BIT(IMS_IOVA) | BIT(IMS_SPLIT))
#define NEWER (BIT(IMS_PASID) | BIT(IMS_FILE) | BIT(IMS_PROCESS) | BIT(IMS_VDEVICE) | \
	       BIT(IMS_VEVENT))	/* what 6.12 does not have */
#define RANGES (BIT(IMS_ACCESS_RANGE) | BIT(IMS_XARRAY) | BIT(IMS_UNPIN))

static const struct {
	const char *program;
	uint64_t kinds;
} table[] = {
	/* who works for which ctx */
	{ "ctx_open", ALL }, { "ctx_release", ALL }, { "ctx_released", BIT(IMS_CTX) },
	{ "ioctl_enter", ALL }, { "ioctl_leave", ALL },
	{ "remove_enter", ALL }, { "remove_leave", ALL },
	/* objects */
	{ "object_made", BIT(IMS_OBJECT) | BIT(IMS_IOAS) | BIT(IMS_HWPT) },
	{ "object_finalize", BIT(IMS_OBJECT) | BIT(IMS_HWPT) | BIT(IMS_DEVICE) },
	{ "object_abort_destroy", BIT(IMS_OBJECT) },
	{ "on_iommufd_ioas_destroy", BIT(IMS_OBJECT) },
	{ "on_iommufd_hwpt_paging_destroy", BIT(IMS_OBJECT) },
	{ "on_iommufd_hwpt_nested_destroy", BIT(IMS_OBJECT) },
	{ "on_iommufd_access_destroy_object", BIT(IMS_OBJECT) },
	{ "fault_destroy_enter", BIT(IMS_OBJECT) | BIT(IMS_FAULT) },
	{ "device_destroy", BIT(IMS_OBJECT) | BIT(IMS_DEVICE) },
	{ "hwpt_alloc_leave", BIT(IMS_HWPT) },
	{ "on_iommufd_viommu_destroy", BIT(IMS_VDEVICE) },
	{ "on_iommufd_vdevice_destroy", BIT(IMS_VDEVICE) },
	{ "on_iommufd_veventq_destroy", BIT(IMS_VDEVICE) },
	{ "on_iommufd_hw_queue_destroy", BIT(IMS_VDEVICE) },
	{ "vdevice_leaves", BIT(IMS_VDEVICE) },
	/* requests */
	{ "ioas_map", BIT(IMS_MAP) }, { "ioas_copy", BIT(IMS_MAP) }, { "map_user", BIT(IMS_MAP) },
	{ "map_user_done", BIT(IMS_MAP) }, { "get_pages", BIT(IMS_MAP) },
	{ "ioas_unmap_enter", BIT(IMS_UNMAP) }, { "ioas_unmap_leave", BIT(IMS_UNMAP) },
	{ "unmap_range_enter", BIT(IMS_UNMAP) }, { "unmap_range_leave", BIT(IMS_UNMAP) },
	{ "ioas_map_file", BIT(IMS_FILE) }, { "map_file", BIT(IMS_FILE) },
	{ "rlimit_mode_set", BIT(IMS_RLIMIT_MODE) },
	/* areas */
	{ "pages_made", BIT(IMS_PAGES) }, { "pages_freed", BIT(IMS_PAGES) },
	{ "file_pages_made", BIT(IMS_FILE) }, { "dmabuf_pages_made", BIT(IMS_FILE) },
	{ "dmabuf_pages_begin", BIT(IMS_FILE) },
	{ "revoke_enter", BIT(IMS_FILE) }, { "revoke_leave", BIT(IMS_FILE) },
	{ "map_pages", AREAS | BIT(IMS_PAGES) | BIT(IMS_MAP) }, { "map_pages_done", AREAS },
	{ "area_inserted", AREAS },
	{ "fill_enter", MEMORY }, { "fill_leave", AREAS | BIT(IMS_STORAGE) | MEMORY },
	{ "unfill_enter", AREAS | BIT(IMS_STORAGE) | MEMORY }, { "unfill_leave", AREAS | MEMORY },
	{ "cut_enter", BIT(IMS_SPLIT) }, { "cut_leave", BIT(IMS_SPLIT) },
	/* ranges and domains */
	{ "reserved", BIT(IMS_RESERVE) }, { "unreserve_enter", BIT(IMS_RESERVE) },
	{ "unreserve_leave", BIT(IMS_RESERVE) },
	{ "allow_enter", BIT(IMS_ALLOW) }, { "allow_leave", BIT(IMS_ALLOW) },
	{ "enforce_enter", BIT(IMS_DEV_REGION) }, { "regions_known", BIT(IMS_DEV_REGION) },
	{ "enforce_leave", BIT(IMS_DEV_REGION) | BIT(IMS_DEVICE) },
	{ "alignment_known", BIT(IMS_ALIGN) | BIT(IMS_DOMAIN) | BIT(IMS_ACCESS) },
	{ "add_domain_enter", BIT(IMS_DOMAIN) | BIT(IMS_HWPT) },
	{ "add_domain_leave", BIT(IMS_DOMAIN) | BIT(IMS_ALIGN) },
	{ "remove_domain_enter", BIT(IMS_DOMAIN) }, { "remove_domain_leave", BIT(IMS_DOMAIN) },
	{ "fill_domain_enter", MEMORY }, { "fill_domain_leave", MEMORY | BIT(IMS_STORAGE) },
	{ "unfill_domain_enter", MEMORY | BIT(IMS_STORAGE) }, { "unfill_domain_leave", MEMORY },
	{ "unmap_domain_enter", BIT(IMS_DMA_UNMAP) | BIT(IMS_STORAGE) },
	{ "unmap_domain_leave", BIT(IMS_DMA_UNMAP) },
	{ "dirty_set", BIT(IMS_DIRTY) }, { "dirty_get", BIT(IMS_DIRTY) },
	/* memory */
	{ "rw_enter", PINS | BIT(IMS_UNPIN) }, { "rw_leave", MEMORY },
	{ "pin_fast_begins", BIT(IMS_UNPIN) }, { "pin_fast", PINS },
	{ "pin_remote_begins", BIT(IMS_UNPIN) }, { "pin_remote", PINS },
	{ "pin_file_begins", BIT(IMS_UNPIN) }, { "pin_file", PINS },
	{ "unpin_list", BIT(IMS_UNPIN) }, { "unpin_range", BIT(IMS_UNPIN) },
	{ "unpin_file", BIT(IMS_UNPIN) },
	{ "unpin_batch", BIT(IMS_UNPIN) }, { "unpin_batch_done", BIT(IMS_UNPIN) },
	{ "batch_read", BIT(IMS_UNPIN) }, { "batch_was_read", BIT(IMS_UNPIN) },
	{ "reader_unpins", BIT(IMS_UNPIN) }, { "reader_unpinned", BIT(IMS_UNPIN) },
	{ "xarray_store", BIT(IMS_XARRAY) }, { "xarray_clear", BIT(IMS_XARRAY) },
	{ "charge_enter", BIT(IMS_ACCOUNT) }, { "charge_leave", BIT(IMS_ACCOUNT) },
	{ "process_changes", BIT(IMS_PROCESS) }, { "process_changed", BIT(IMS_PROCESS) },
	{ "map_enter", BIT(IMS_DMA_MAP) | BIT(IMS_DMA_UNMAP) },
	{ "map_leave", BIT(IMS_DMA_MAP) | BIT(IMS_DMA_UNMAP) },
	{ "unmap", BIT(IMS_DMA_UNMAP) }, { "unmap_fast", BIT(IMS_DMA_UNMAP) },
	{ "sync_intel_iommu_tlb_sync", BIT(IMS_IOTLB_SYNC) },
	{ "sync_amd_iommu_iotlb_sync", BIT(IMS_IOTLB_SYNC) },
	{ "sync_arm_smmu_iotlb_sync", BIT(IMS_IOTLB_SYNC) },
	/* devices */
	{ "attach_enter", BIT(IMS_DEVICE) | BIT(IMS_HWPT) }, { "attach_leave", BIT(IMS_DEVICE) },
	{ "group_attached", BIT(IMS_DEVICE) | BIT(IMS_HW) },
	{ "group_replaced", BIT(IMS_DEVICE) | BIT(IMS_HW) },
	{ "group_detached", BIT(IMS_HW) },
	{ "pasid_attached", BIT(IMS_PASID) }, { "pasid_replaced", BIT(IMS_PASID) },
	{ "pasid_detached", BIT(IMS_PASID) },
	{ "bind_enter", BIT(IMS_DEVICE) | BIT(IMS_HW) | BIT(IMS_OBJECT) }, { "bind_leave", ALL },
	{ "capability_told", BIT(IMS_HW) }, { "isolation_told", BIT(IMS_HW) },
	{ "dma_claimed", BIT(IMS_HW) }, { "dma_released", BIT(IMS_HW) },
	{ "detach_enter", BIT(IMS_DEVICE) }, { "detach_leave", BIT(IMS_DEVICE) },
	{ "regions_leave", BIT(IMS_DEVICE) },
	{ "replace_enter", BIT(IMS_DEVICE) }, { "replace_leave", BIT(IMS_DEVICE) },
	/* accesses */
	{ "add_access_enter", BIT(IMS_ACCESS) }, { "add_access_leave", BIT(IMS_ACCESS) },
	{ "remove_access_enter", BIT(IMS_ACCESS) }, { "remove_access_leave", BIT(IMS_ACCESS) },
	{ "access_reaches", BIT(IMS_ACCESS_OP) },
	{ "notify_enter", BIT(IMS_ACCESS_OP) }, { "notify_leave", BIT(IMS_ACCESS_OP) },
	{ "access_pin_enter", BIT(IMS_ACCESS_OP) | RANGES }, { "access_pin_leave", ALL },
	{ "access_unpin_enter", BIT(IMS_ACCESS_OP) | RANGES }, { "access_unpin_leave", ALL },
	{ "access_rw_enter", BIT(IMS_ACCESS_OP) }, { "access_rw_leave", ALL },
	{ "add_range_enter", RANGES | MEMORY }, { "add_range_leave", RANGES | MEMORY },
	{ "range_shared", RANGES }, { "fill_xarray_enter", RANGES }, { "fill_xarray_leave", RANGES },
	{ "remove_range_enter", RANGES | MEMORY }, { "remove_range_leave", RANGES | MEMORY },
	{ "unfill_xarray_enter", RANGES }, { "unfill_xarray_leave", RANGES },
	/* page faults */
	{ "fault_queued", BIT(IMS_FAULT) }, { "fault_answered", BIT(IMS_FAULT) },
	{ "answer_enter", BIT(IMS_FAULT) }, { "answer_leave", ALL },
	{ "auto_enter", BIT(IMS_FAULT) }, { "auto_leave", BIT(IMS_FAULT) },
	{ "fault_destroy_leave", BIT(IMS_FAULT) },
};

/*
 * What is read back, copied, or asked of the IOMMU core is not looked at here, and of
 * dirty bits only the requests.  Of a change of the process only what is charged is
 * seen; and what is taken out of a queue of events is not.
 */
uint64_t hooks_never(void)
{
	return BIT(IMS_DIRTY) | BIT(IMS_IOVA_RANGE) | BIT(IMS_READBACK) |
	       BIT(IMS_ACCESS_PFNS) | BIT(IMS_ACCESS_COPY) | BIT(IMS_VFIO) | BIT(IMS_PROCESS) |
	       BIT(IMS_VEVENT);
}

/* Of the name of a program: what it has in common with those that can stand in for it. */
static size_t purpose(const char *name)
{
	const char *end = strstr(name, "___");

	return end ? (size_t)(end - name) : strlen(name);
}

uint64_t hook_kinds(const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);
	size_t n = purpose(name);

	for (unsigned int i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strlen(table[i].program) == n && !strncmp(table[i].program, name, n))
			return table[i].kinds;
	return 0;
}

bool hook_stands_in(const struct bpf_program *other, const struct bpf_program *prog)
{
	const char *a = bpf_program__name(other), *b = bpf_program__name(prog);
	size_t n = purpose(b);

	return other != prog && purpose(a) == n && !strncmp(a, b, n);
}

bool hook_of_newer(const struct bpf_program *prog)
{
	uint64_t kinds = hook_kinds(prog);

	return kinds && !(kinds & ~NEWER);
}

bool hook_of_driver(const struct bpf_program *prog)
{
	return hook_kinds(prog) == BIT(IMS_IOTLB_SYNC);
}

const char *hook_function(const struct bpf_program *prog)
{
	const char *slash = strchr(bpf_program__section_name(prog), '/');

	return slash ? slash + 1 : "";
}

/*
 * VFIO has a parameter of the same name: that of the module iommufd is meant, or one
 * that is the only one.
 */
uint64_t hooks_unsafe_interrupts_at(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at, only = 0;
	char line[512], module[64];
	unsigned int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, " allow_unsafe_interrupts"))
			continue;
		module[0] = 0;
		if (sscanf(line, "%llx %*c %*s [%63[^]]", &at, module) < 1)
			continue;
		n = strcmp(module, "iommufd") ? n + 1 : 1;
		only = at;
		if (!strcmp(module, "iommufd"))
			break;
	}
	if (f)
		fclose(f);
	return n == 1 ? only : 0;
}

#define FAR (1ULL << 19)	/* from each other: cold parts and what ran once, in vmlinux */

/* By the name of the module, or by their own where it is a part of vmlinux. */
static bool in_iommufd(const char *line, uint64_t *at, char name[static 128])
{
	unsigned long long address;
	char module[64] = "", type;

	if ((!strstr(line, "iommufd") && !strstr(line, " iopt_")) ||
	    sscanf(line, "%llx %c %127s [%63[^]]", &address, &type, name, module) < 3 ||
	    (type != 't' && type != 'T'))
		return false;
	*at = address;
	return *module ? !strcmp(module, "iommufd") :
			 !strncmp(name, "iommufd_", 8) || !strncmp(name, "iopt_", 5);
}

/* No size is told: the end is that of the page of the last one. */
struct text_range text_of_iommufd(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct text_range range = {};
	uint64_t at[2048], here = 0;
	char line[512], name[128];
	size_t n = 0;

	while (f && n < sizeof(at) / sizeof(*at) && fgets(line, sizeof(line), f)) {
		if (!in_iommufd(line, &at[n], name))
			continue;
		if (!strcmp(name, "iommufd_fops_ioctl"))
			here = at[n];
		n++;
	}
	if (f)
		fclose(f);
	for (size_t i = 0; here && i < n; i++) {
		if (at[i] - here + FAR > 2 * FAR)
			continue;
		range.start = range.start && range.start < at[i] ? range.start : at[i];
		range.end = range.end > at[i] ? range.end : (at[i] | 4095) + 1;
	}
	return range;
}

int functions_open(struct functions *f)
{
	*f = (struct functions){ .vmlinux = btf__load_vmlinux_btf() };
	if (!f->vmlinux)
		return -errno;
	f->iommufd = btf__load_module_btf("iommufd", f->vmlinux);
	return !f->iommufd && errno == EPERM ? -EPERM : 0;
}

bool function_exists(const struct functions *f, const char *name)
{
	return btf__find_by_name_kind(f->vmlinux, name, BTF_KIND_FUNC) > 0 ||
	       (f->iommufd && btf__find_by_name_kind(f->iommufd, name, BTF_KIND_FUNC) > 0);
}

void functions_close(struct functions *f)
{
	btf__free(f->iommufd);
	btf__free(f->vmlinux);
	*f = (struct functions){};
}
