/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which contexts are looked at: whole ones, never single records of one.
 *
 * A model that misses a record of a ctx is wrong about that ctx, so the
 * decision is about the ctx and is made once.  A ctx comes into scope
 *  - when it is opened by a wanted task: wanted are all tasks that fit tgid and
 *    comm and cgroup, as far as these are given;
 *  - with late_join, also when a wanted task does anything with it, or when the
 *    wanted IOAS or device shows up in it.  What happened before is then
 *    unknown: good enough to print records, not to judge them.
 * It leaves when it is freed.
 *
 * Without any filter "filtering" is a false constant, and the verifier removes
 * all of this.
 */
#ifndef IMS_FILTER_BPF_H
#define IMS_FILTER_BPF_H

#include "ring.bpf.h"
#include "tgids.bpf.h"

#define MAX_SCOPE 16384
#define SCOPE_CACHE 1024	/* power of two */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SCOPE);
	__type(key, __u64);
	__type(value, __u8);
} scope SEC(".maps");

/* Contexts in scope that were asked about last: a hash look-up costs 90 instructions. */
__u64 scope_cache[SCOPE_CACHE];

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

/* Equal up to and including the terminating NUL. */
static __always_inline bool same_text(const char *a, const volatile char *b, const __u32 size)
{
	for (__u32 i = 0; i < size; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return true;
}

static __noinline int task_wanted(void)
{
	char comm[IMS_COMM];

	if (config.by_tgid && !tgid_known(bpf_get_current_pid_tgid() >> 32))
		return 0;
	if (config.by_cgroup && bpf_current_task_under_cgroup(&cgroups, 0) != 1)
		return 0;
	if (config.by_comm) {
		bpf_get_current_comm(comm, sizeof(comm));
		return same_text(comm, config.want_comm, sizeof(comm));
	}
	return 1;
}

static __always_inline bool scope_join(__u64 ctx)
{
	__u8 yes = 1;

	if (!task_wanted())
		return false;
	if (bpf_map_update_elem(&scope, &ctx, &yes, BPF_ANY)) {
		count_loss(ctx, IMS_LOSS_TABLE);
		return false;
	}
	return true;
}

static __always_inline __u64 *scope_cached(__u64 ctx)
{
	return &scope_cache[hash_of(ctx) % SCOPE_CACHE];
}

static __noinline int scope_search(__u64 ctx)
{
	if (!bpf_map_lookup_elem(&scope, &ctx) &&
	    !(config.late_join && !config.by_object && ctx && scope_join(ctx)))
		return 0;
	*scope_cached(ctx) = ctx;
	return 1;
}

/* To be asked first for each record. */
static __always_inline bool scope_has(__u64 ctx)
{
	return !config.filtering || (ctx && *scope_cached(ctx) == ctx) || scope_search(ctx);
}

static __always_inline void scope_open(__u64 ctx)
{
	if (config.filtering && !config.by_object)
		scope_join(ctx);
}

/* Its last record was made, so nobody can bring it back into the cache. */
static __always_inline void scope_freed(__u64 ctx)
{
	if (!config.filtering)
		return;
	bpf_map_delete_elem(&scope, &ctx);
	if (*scope_cached(ctx) == ctx)
		*scope_cached(ctx) = 0;
}

static __always_inline void scope_ioas(__u64 ctx, __u32 id)
{
	if (config.by_object && id == config.want_ioas)
		scope_join(ctx);
}

static __always_inline void scope_device(__u64 ctx, const void *kernel_name)
{
	char name[IMS_NAME] = {};

	if (!config.by_object || !config.want_device[0])
		return;
	bpf_probe_read_kernel_str(name, sizeof(name), kernel_name);
	if (same_text(name, config.want_device, sizeof(name)))
		scope_join(ctx);
}

#endif /* IMS_FILTER_BPF_H */
