// SPDX-License-Identifier: GPL-2.0-only
/* See caps.h.  Each row was found by taking that capability away (tests/test_privileges.py). */
#include "rights/caps.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "here.h"

/* What is not there yet can only come as one. */
static bool is_module(void)
{
	return ims_iommufd_here() != IMS_IOMMUFD_BUILT_IN;
}

#define CAP(name) CAP_##name, "CAP_" #name

const struct ims_cap ims_caps[] = {
	{ CAP(BPF), IMS_ACT_LOAD, NULL, NULL, "to make maps and load programs" },
	{ CAP(PERFMON), IMS_ACT_LOAD, NULL, NULL,
	  "to load programs that read the kernel's memory" },
	{ CAP(SYS_ADMIN), IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT, "iommufd is a module", is_module,
	  "to be given the BTF of a module, its types and functions" },
	{ CAP(SYSLOG), IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT,
	  "/proc/kallsyms shows no addresses without", ims_addresses_hidden,
	  "to find the file operations of iommufd and the array of pages" },
	{ CAP(SYS_PTRACE), IMS_ACT_SNAPSHOT, NULL, NULL,
	  "to reach a context by a copy of the file that a process holds open; to profile, for "
	  "the names of addresses in processes of other users" },
	{ CAP(KILL), IMS_ACT_SIGNAL, NULL, NULL,
	  "to signal processes of other users: CMD, and those of --on-violation" },
	{ CAP(SYS_NICE), IMS_ACT_FIRST, NULL, NULL,
	  "to have a CPU before those who make records; else larger rings help" },
	{}
};

#define OTHERS (IMS_ACT_SIGNAL | IMS_ACT_FIRST)

const struct ims_use ims_uses[] = {
	{ "check, trace, record, top", IMS_ACT_LOAD | IMS_ACT_FUNCTIONS | IMS_ACT_SNAPSHOT, OTHERS },
	{ "check, trace, record -- CMD, on functions", IMS_ACT_LOAD | IMS_ACT_FUNCTIONS, IMS_ACT_SNAPSHOT | OTHERS },
	{ "check, trace, record -- CMD, on tracepoints", IMS_ACT_LOAD, IMS_ACT_SNAPSHOT | OTHERS },
	{ "ls", IMS_ACT_LOAD | IMS_ACT_SNAPSHOT, 0 },
	{ "profile", IMS_ACT_LOAD | IMS_ACT_FUNCTIONS, IMS_ACT_SIGNAL | IMS_ACT_SNAPSHOT },
	{}
};

uint64_t ims_caps_have(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* CAP_SYS_ADMIN includes the two that are meant for BPF. */
bool ims_cap_has(const struct ims_cap *c)
{
	uint64_t caps = ims_caps_have();
	bool any = c->number == CAP_BPF || c->number == CAP_PERFMON;

	return caps >> c->number & 1 || (any && caps >> CAP_SYS_ADMIN & 1);
}

bool ims_cap_needed(const struct ims_cap *c, unsigned int acts)
{
	return c->acts & acts && (!c->applies || c->applies());
}

void ims_caps_missing(unsigned int acts, char *text, size_t size)
{
	const char *missing[sizeof(ims_caps) / sizeof(*ims_caps)];
	unsigned int n = 0;
	size_t used = 0;

	*text = 0;
	for (const struct ims_cap *c = ims_caps; c->name; c++)
		if (c->acts & acts && !ims_cap_has(c) && ims_cap_needed(c, acts))
			missing[n++] = c->name;
	for (unsigned int i = 0; i < n && used < size; i++)
		used += snprintf(text + used, size - used, "%s%s",
				 !i ? "" : i + 1 < n ? ", " : " and ", missing[i]);
	if (n && used < size)
		snprintf(text + used, size - used, n > 1 ? " are" : " is");
}
