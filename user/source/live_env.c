// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why live records cannot be had here, and what to do about it.
 *
 * What can be known before is checked before, because the kernel's own answers
 * (EPERM, ENOENT, a verifier log) do not tell one cause from another.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "say.h"
#include "source/live.h"

static uint64_t effective_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* CAP_SYS_ADMIN includes the two that are meant for this. */
static const char *missing_caps(void)
{
	uint64_t caps = effective_caps();
	bool bpf = caps >> CAP_BPF & 1, perfmon = caps >> CAP_PERFMON & 1;

	if (caps >> CAP_SYS_ADMIN & 1 || (bpf && perfmon))
		return NULL;
	if (!bpf && !perfmon)
		return "CAP_BPF and CAP_PERFMON are";
	return bpf ? "CAP_PERFMON is" : "CAP_BPF is";
}

static bool locked_down(void)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strstr(text, "[confidentiality]");
}

int ims_env_before_load(void)
{
	const char *caps = missing_caps();

	if (caps) {
		ims_error("%s missing; run as root", caps);
		return -EPERM;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		ims_error("this kernel has no BTF (/sys/kernel/btf/vmlinux); "
			  "use one with CONFIG_DEBUG_INFO_BTF=y");
		return -ENOENT;
	}
	if (locked_down()) {
		ims_error("kernel lockdown is 'confidentiality', BPF may not read kernel memory; "
			  "boot with lockdown=integrity or without");
		return -EPERM;
	}
	return 0;
}

void ims_env_load_failed(int err, const char *log)
{
	if (err == -EPERM)
		ims_error("the kernel does not let us load BPF programs (EPERM); "
			  "run as root outside of containers, or raise 'ulimit -l'");
	else if (err == -ENOMEM)
		ims_error("no memory for the rings; use smaller or fewer (--ring-size, --rings)");
	else
		ims_error("the kernel refused our BPF programs (%s); run with -v for its log",
			  strerror(-err));
	if (*log)
		ims_detail("end of the log:\n%s", log);
}

static bool iommufd_present(void)
{
	return !access("/sys/module/iommufd", F_OK) || !access("/sys/class/misc/iommu", F_OK) ||
	       !access("/sys/kernel/btf/iommufd", F_OK);
}

void ims_env_attach_failed(int err, const char *tracepoint, bool first)
{
	if (err != -ENOENT && err != -EINVAL)
		ims_error("cannot attach to tracepoint %s: %s; run with -v for details",
			  tracepoint, strerror(-err));
	else if (!iommufd_present())
		ims_error("iommufd is not loaded; run 'modprobe iommufd'");
	else if (first)
		ims_error("this kernel's iommufd has no tracepoints; build one with "
			  "'scripts/kernel build 6.12 --flavour traced'");
	else
		ims_error("this kernel's tracepoint %s is not the one we know; build the kernel "
			  "and iommuscope from the same sources", tracepoint);
}
