// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why live records cannot be had here, and what to do about it.
 *
 * What can be known before is checked before, because the kernel's own answers
 * (EPERM, ENOENT, a verifier log) do not tell one cause from another.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "here.h"
#include "rights/caps.h"
#include "say.h"
#include "source/live.h"

/* The mode that holds is in brackets. */
void ims_env_lockdown(char *mode, unsigned int size)
{
	char text[128] = "", *start;
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	start = strchr(text, '[');
	snprintf(mode, size, "%.*s", start ? (int)strcspn(start + 1, "]") : 0, start ? start + 1 : "");
}

static bool locked_down(void)
{
	char mode[32];

	ims_env_lockdown(mode, sizeof(mode));
	return !strcmp(mode, "confidentiality");
}

static int may(unsigned int act, const char *what)
{
	char missing[128];

	ims_caps_missing(act, missing, sizeof(missing));
	if (!*missing)
		return 0;
	ims_error("%s missing%s; run as root, or see 'iommuscope doctor' for what it takes", missing,
		  what);
	return -EPERM;
}

static int may_see_addresses(void)
{
	if (!ims_addresses_hidden())
		return 0;
	ims_error("/proc/kallsyms shows no addresses; run 'sysctl kernel.kptr_restrict=1'");
	return -EPERM;
}

int ims_env_may(unsigned int acts)
{
	int rc = may(acts & IMS_ACT_LOAD, "");

	if (!rc)
		rc = may(acts & IMS_ACT_FUNCTIONS, " to hook functions of iommufd");
	if (!rc)
		rc = may(acts & IMS_ACT_SNAPSHOT, " to look at contexts that are open already");
	if (!rc && acts & (IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT))
		rc = may_see_addresses();
	return rc;
}

int ims_env_before_load(unsigned int acts)
{
	int rc = ims_env_may(acts);

	if (rc)
		return rc;
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

int ims_env_iommufd(const char *or)
{
	if (ims_iommufd_here() != IMS_IOMMUFD_NONE)
		return 0;
	ims_error("iommufd is not loaded; run 'modprobe iommufd'%s", or);
	return -ENOENT;
}

void ims_env_attach_failed(int err, const char *tracepoint, bool first)
{
	if (err != -ENOENT && err != -EINVAL)
		ims_error("cannot attach to tracepoint %s: %s; run with -v for details",
			  tracepoint, strerror(-err));
	else if (ims_env_iommufd(IMS_OR_WAIT))
		return;
	else if (first)
		ims_error("this kernel's iommufd has no tracepoints; build one with "
			  "'scripts/kernel build 6.12 --flavour traced', or take its functions "
			  "(--probes functions)");
	else
		ims_error("this kernel's tracepoint %s is not the one we know; build the kernel "
			  "and iommuscope from the same sources", tracepoint);
}
