// SPDX-License-Identifier: GPL-2.0-only
/* See facts.h. One function a fact; the order is from the ground up. */
#include "source/facts.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "here.h"
#include "rights/caps.h"
#include "source/hooks.h"

static void set(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to, size, format, args);
	va_end(args);
}

#define found(f, ...) set((f)->found, sizeof((f)->found), __VA_ARGS__)

static void lack(struct ims_fact *f, enum ims_fact_state state, const char *remedy)
{
	f->state = state;
	set(f->remedy, sizeof(f->remedy), "%s", remedy);
}

/* ---- the kernel ---- */

static void kernel(struct ims_fact *f)
{
	struct utsname u;

	uname(&u);
	found(f, "%s %s", u.release, u.machine);
}

static void btf(struct ims_fact *f)
{
	found(f, "/sys/kernel/btf/vmlinux");
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return;
	found(f, "none");
	lack(f, IMS_FACT_LACK, "use a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

/* Whether a line of the list @name of this kernel's modules names iommufd. */
static bool module_listed(const char *name)
{
	char path[256], line[4096];
	bool yes = false;
	struct utsname u;
	FILE *file;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, name);
	file = fopen(path, "re");
	while (file && !yes && fgets(line, sizeof(line), file))
		yes = strstr(line, "/iommufd.ko");
	if (file)
		fclose(file);
	return yes;
}

static void iommufd(struct ims_fact *f)
{
	enum ims_iommufd here = ims_iommufd_here();

	if (here != IMS_IOMMUFD_NONE) {
		found(f, here == IMS_IOMMUFD_MODULE ? "module, loaded" : "built in");
	} else if (module_listed("modules.dep")) {
		found(f, "module, not loaded");
		lack(f, IMS_FACT_LACK, "run 'modprobe iommufd', or have it waited for (--wait)");
	} else {
		found(f, "none");
		lack(f, IMS_FACT_LACK,
		     "load the module iommufd (--wait waits for it), or use a kernel with CONFIG_IOMMUFD");
	}
}

static void device_node(struct ims_fact *f)
{
	found(f, "/dev/iommu");
	if (!access("/dev/iommu", F_OK))
		return;
	found(f, "none");
	lack(f, IMS_FACT_LIMITED, "without /dev/iommu no program can use iommufd; see 'iommufd' above");
}

static void lockdown(struct ims_fact *f)
{
	char mode[32];

	ims_env_lockdown(mode, sizeof(mode));
	found(f, "%s", *mode ? mode : "not in this kernel, or not to be seen");
	if (!strcmp(mode, "confidentiality"))
		lack(f, IMS_FACT_LACK, "boot with lockdown=integrity or without: BPF may not read kernel "
		     "memory now");
}

/* ---- the user ---- */

static void capabilities(struct ims_fact *f)
{
	char missing[128];
	size_t used = 0;

	for (const struct ims_cap *c = ims_caps; c->name; c++)
		if (ims_cap_has(c))
			used += snprintf(f->found + used, sizeof(f->found) - used, "%s%s",
					 used ? " " : "", c->name);
	if (!used)
		found(f, "none of those that are needed");
	ims_caps_missing(IMS_ACT_LOAD, missing, sizeof(missing));
	if (*missing) {
		lack(f, IMS_FACT_LACK, "run as root, or with CAP_BPF and CAP_PERFMON");
		return;
	}
	ims_caps_missing(IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT, missing, sizeof(missing));
	if (!*missing)
		return;
	f->state = IMS_FACT_LIMITED;
	set(f->remedy, sizeof(f->remedy), "%s missing; see 'rights' for what it takes, or run as root",
	    missing);
}

static void addresses(struct ims_fact *f)
{
	found(f, "shown in /proc/kallsyms");
	if (!ims_addresses_hidden())
		return;
	found(f, "not shown in /proc/kallsyms");
	lack(f, IMS_FACT_LIMITED, "functions and contexts that are open already need them: run with "
	     "CAP_SYSLOG, and 'sysctl kernel.kptr_restrict=1' if it is 2");
}

/* Without, rights are given up all the same. */
static void seccomp(struct ims_fact *f)
{
	found(f, "yes");
	if (ims_seccomp_here())
		return;
	found(f, "none");
	lack(f, IMS_FACT_LIMITED, "a kernel with CONFIG_SECCOMP=y would refuse what we do not need");
}

/* Only kernels before 5.11 count BPF maps against it, but loading says EPERM alike. */
static void memlock(struct ims_fact *f)
{
	struct rlimit r;

	getrlimit(RLIMIT_MEMLOCK, &r);
	if (r.rlim_cur == RLIM_INFINITY)
		found(f, "unlimited");
	else
		found(f, "%llu KiB", (unsigned long long)r.rlim_cur >> 10);
}

/* ---- BPF ---- */

static void ring_buffer(struct ims_fact *f)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ims_doctor", 0, 0, getpagesize(), NULL);

	found(f, "yes");
	if (fd >= 0) {
		close(fd);
		return;
	}
	found(f, "%s", strerror(-fd));
	lack(f, IMS_FACT_LACK, fd == -EPERM ? "see 'capabilities', or raise 'ulimit -l'" :
	     "use a kernel of 5.8 or later (457f44363a88) with CONFIG_BPF_SYSCALL=y");
}

static void task_storage(struct ims_fact *f)
{
	found(f, "yes");
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1)
		return;
	found(f, "no");
	lack(f, IMS_FACT_LIMITED, "functions cannot be hooked without; tracepoints can");
}

/* ls walks the files of all tasks. */
static void iterators(struct ims_fact *f)
{
	struct functions kernel;

	if (functions_open(&kernel) && !kernel.vmlinux) {
		found(f, "not to be seen without BTF");
		lack(f, IMS_FACT_LIMITED, "see 'btf'; ls needs it");
		return;
	}
	found(f, "task_file");
	if (!function_exists(&kernel, "bpf_iter_task_file")) {
		found(f, "none");
		lack(f, IMS_FACT_LIMITED, "ls needs a kernel with CONFIG_BPF_SYSCALL=y of 5.8 or later");
	}
	functions_close(&kernel);
}

/* ---- where records come from ---- */

static bool can_try(const struct ims_facts *f)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->fact[i].state == IMS_FACT_LACK)
			return false;
	return true;
}

static void hooks(struct ims_fact *f, const struct ims_trial *t, const char *remedy)
{
	if (!t->hook)
		found(f, "not tried, see above");
	else if (t->rc)
		found(f, "none: %s", strerror(-t->rc));
	else
		found(f, "%u of %u", t->nattached, t->nhooks);
	if (!t->hook)
		lack(f, IMS_FACT_LIMITED, "");
	else if (t->rc || t->nattached < t->nhooks)
		lack(f, IMS_FACT_LIMITED, remedy);
}

static struct ims_fact *fact_new(struct ims_facts *f, const char *name)
{
	struct ims_fact *fact = &f->fact[f->n++];

	fact->name = name;
	return fact;
}

static int try_hooks(struct ims_facts *f, enum ims_try how)
{
	int rc = 0;

	if (can_try(f)) {
		rc = ims_live_try(IMS_PROBES_TRACEPOINTS, &f->tracepoints);
		if (!rc && (how == IMS_TRY_BOTH || f->tracepoints.rc))
			rc = ims_live_try(IMS_PROBES_FUNCTIONS, &f->functions);
	}
	hooks(fact_new(f, "tracepoints"), &f->tracepoints,
	      "build a kernel with kernel_patch/tracepoints: all rules can be checked then");
	hooks(fact_new(f, "functions"), &f->functions,
	      "what the compiler has inlined or this version does not have cannot be hooked; see 'rules'");
	return rc;
}

int ims_facts_gather(struct ims_facts *f, enum ims_try how)
{
	static const struct {
		const char *name;
		void (*look)(struct ims_fact *f);
	} table[] = {
		{ "kernel", kernel }, { "btf", btf }, { "iommufd", iommufd }, { "device", device_node },
		{ "capabilities", capabilities }, { "addresses", addresses }, { "lockdown", lockdown },
		{ "seccomp", seccomp }, { "memlock", memlock },
		{ "ring buffer", ring_buffer }, { "task storage", task_storage },
		{ "iterators", iterators },
	};

	*f = (struct ims_facts){};
	ims_keep_log();
	for (unsigned int i = 0; i < sizeof(table) / sizeof(*table); i++)
		table[i].look(fact_new(f, table[i].name));
	return try_hooks(f, how);
}

const struct ims_trial *ims_facts_best(const struct ims_facts *f)
{
	if (f->tracepoints.hook && !f->tracepoints.rc)
		return &f->tracepoints;
	return f->functions.hook && !f->functions.rc ? &f->functions : NULL;
}

void ims_facts_free(struct ims_facts *f)
{
	ims_trial_free(&f->tracepoints);
	ims_trial_free(&f->functions);
}
