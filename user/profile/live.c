// SPDX-License-Identifier: GPL-2.0-only
/*
 * See live.h.
 *
 * A hook is the programs NAME_enter and NAME_leave, or one of them.  The leave is
 * attached first: an enter whose leave cannot be had would only make frames that nobody
 * takes off.  What a kernel does not have is not measured, and named; some hooks stand
 * in for another one that cannot be attached, at a higher price.
 */
#include "profile/live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profile.skel.h"
#include "progress.h"
#include "rights/caps.h"
#include "say.h"
#include "source/hooks.h"
#include "source/live.h"
#include "source/snap.h"

/* What is not known without a hook. */
enum lack { LACK_PHASE, LACK_ALL, LACK_DETAIL };

static const struct hook {
	const char *name;
	enum ims_phase phase;
	enum lack lack;
	const char *instead_of;		/* only where that cannot be had */
	bool upstream;			/* there is nothing like it in our own iommufd */
} hooks[] = {
	{ "ioctl", IMS_PH_IOCTL, LACK_ALL, NULL, false },
	{ "release", IMS_PH_RELEASE, LACK_PHASE, NULL, false },
	{ "iommufd_device_attach", IMS_PH_ATTACH, LACK_PHASE, NULL, false },
	{ "iommufd_device_replace", IMS_PH_REPLACE, LACK_PHASE, NULL, false },
	{ "iommufd_device_detach", IMS_PH_DETACH, LACK_PHASE, NULL, false },
	{ "iommufd_access_pin_pages", IMS_PH_ACCESS_PIN, LACK_PHASE, NULL, false },
	{ "iommufd_access_unpin_pages", IMS_PH_ACCESS_UNPIN, LACK_PHASE, NULL, false },
	{ "iommufd_access_rw", IMS_PH_ACCESS_RW, LACK_PHASE, NULL, false },
	{ "map_pages", IMS_PH_MAP, LACK_DETAIL, NULL, false },
	{ "unmap_range", IMS_PH_UNMAP, LACK_DETAIL, NULL, false },
	{ "unfill", IMS_PH_UNMAP, LACK_DETAIL, NULL, true },
	{ "remove_domain", IMS_PH_DETACH, LACK_DETAIL, NULL, false },
	{ "replay", IMS_PH_REPLAY, LACK_PHASE, NULL, false },
	{ "pin_fast", IMS_PH_PIN_FAST, LACK_PHASE, NULL, false },
	{ "pin_falls_back", IMS_PH_PIN_SLOW, LACK_DETAIL, NULL, false },
	{ "pin_remote", IMS_PH_PIN_SLOW, LACK_PHASE, NULL, false },
	{ "pin_memfd", IMS_PH_PIN_MEMFD, LACK_PHASE, NULL, false },
	{ "pin_memfd_pages", IMS_PH_PIN_MEMFD, LACK_DETAIL, NULL, true },
	{ "fault", IMS_PH_FAULT, LACK_PHASE, NULL, false },
	{ "batch_map", IMS_PH_DOMAIN_MAP, LACK_PHASE, NULL, false },
	{ "run_map", IMS_PH_DOMAIN_MAP, LACK_PHASE, "batch_map", false },
	{ "unmap", IMS_PH_DOMAIN_UNMAP, LACK_PHASE, NULL, false },
	{ "unmap_fast", IMS_PH_DOMAIN_UNMAP, LACK_PHASE, NULL, false },
	{ "intel_iommu_tlb_sync", IMS_PH_IOTLB_SYNC, LACK_PHASE, NULL, false },
	{ "amd_iommu_iotlb_sync", IMS_PH_IOTLB_SYNC, LACK_PHASE, NULL, false },
	{ "arm_smmu_iotlb_sync", IMS_PH_IOTLB_SYNC, LACK_PHASE, NULL, false },
	{ "readback", IMS_PH_READBACK, LACK_PHASE, NULL, true },
	{ "batch_unpin", IMS_PH_UNPIN, LACK_PHASE, NULL, false },
	{ "run_unpin", IMS_PH_UNPIN, LACK_PHASE, "batch_unpin", false },
	{ "list_unpin", IMS_PH_UNPIN, LACK_PHASE, NULL, false },
	{ "account", IMS_PH_ACCOUNT, LACK_PHASE, NULL, false },
	{ "account_newer", IMS_PH_ACCOUNT, LACK_PHASE, "account", false },
	{ "own_ioctl", IMS_PH_IOCTL, LACK_ALL, "ioctl", false },
	{ "own_release", IMS_PH_RELEASE, LACK_PHASE, "release", false },
	{ "own_account", IMS_PH_ACCOUNT, LACK_PHASE, "account", false },
	{ "ufd_map_copy", IMS_PH_MAP, LACK_DETAIL, "map_pages", false },
	{ "ufd_unmap", IMS_PH_UNMAP, LACK_DETAIL, "unmap_range", false },
	{ "ufd_domain_leave", IMS_PH_DETACH, LACK_DETAIL, "remove_domain", false },
	{ "own_replay", IMS_PH_REPLAY, LACK_PHASE, "replay", false },
};

#define NR_HOOKS (sizeof(hooks) / sizeof(*hooks))
#define MAX_LINKS (2 * NR_HOOKS + 2)

struct profiler {
	struct profile_bpf *skel;
	struct bpf_link *links[MAX_LINKS];
	unsigned int nlinks;
	bool attached[NR_HOOKS];
	struct progress progress;
	uint64_t start, end;
	char absent[1024];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* ---- attach ---- */

static struct bpf_program *program(const struct profiler *p, const char *name, const char *end)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", name, end);
	return bpf_object__find_program_by_name(p->skel->obj, text);
}

static const char *hooked_function(const struct profiler *p, const struct hook *h)
{
	static const char *const ends[] = { "_enter", "_leave", "" };

	for (int i = 0; i < 3; i++) {
		struct bpf_program *prog = program(p, h->name, ends[i]);

		if (prog)
			return hook_function(prog);
	}
	return "";
}

/* Programs whose function is not there would fail the load of all. */
static int choose(struct profiler *p, const struct profiler_opts *opts)
{
	struct bpf_program *prog;
	struct functions f;
	int rc = functions_open(&f);

	if (rc)
		return rc;
	bpf_object__for_each_program(prog, p->skel->obj)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING &&
		    !function_exists(&f, hook_function(prog)))
			bpf_program__set_autoload(prog, false);
	functions_close(&f);
	bpf_program__set_autoload(p->skel->progs.on_fork, opts->descendants);
	bpf_program__set_autoload(p->skel->progs.on_exit, opts->descendants);
	return 0;
}

/* True when there is nothing to attach, too. */
static bool attach(struct profiler *p, struct bpf_program *prog)
{
	struct bpf_link *link;

	if (!prog)
		return true;
	if (!bpf_program__autoload(prog))
		return false;
	link = bpf_program__attach(prog);
	if (!link)
		return false;
	p->links[p->nlinks++] = link;
	return true;
}

static bool attach_hook(struct profiler *p, const struct hook *h)
{
	return attach(p, program(p, h->name, "_leave")) &&
	       attach(p, program(p, h->name, "_enter")) && attach(p, program(p, h->name, ""));
}

static bool is_attached(const struct profiler *p, const char *name)
{
	for (unsigned int i = 0; i < NR_HOOKS; i++)
		if (!strcmp(hooks[i].name, name))
			return p->attached[i];
	return false;
}

static void attach_all(struct profiler *p)
{
	progress_begin(&p->progress, true);
	for (unsigned int i = 0; i < NR_HOOKS; i++) {
		progress_draw(&p->progress, i * 1000 / NR_HOOKS, "attaching to %s", hooked_function(p, &hooks[i]));
		if (!hooks[i].instead_of || !is_attached(p, hooks[i].instead_of))
			p->attached[i] = attach_hook(p, &hooks[i]);
	}
	progress_wipe(&p->progress);
	attach(p, bpf_program__autoload(p->skel->progs.on_fork) ? p->skel->progs.on_fork : NULL);
	attach(p, bpf_program__autoload(p->skel->progs.on_exit) ? p->skel->progs.on_exit : NULL);
}

/* By any of the hooks, or (@among NULL) would it be if all were there? */
static bool phase_hooked(enum ims_phase phase, const bool *among)
{
	for (unsigned int i = 0; i < NR_HOOKS; i++)
		if (hooks[i].phase == phase && hooks[i].lack != LACK_DETAIL && (!among || among[i]))
			return true;
	return false;
}

/* Operations by ioctl share one hook. */
static uint64_t absent_phases(const struct profiler *p)
{
	uint64_t absent = 0;

	for (enum ims_phase phase = 0; phase < IMS_PHASES; phase++)
		if (phase_hooked(phase, NULL) && !phase_hooked(phase, p->attached))
			absent |= 1ULL << phase;
	return absent;
}

static bool is_replaced(const struct profiler *p, const char *name)
{
	for (unsigned int i = 0; i < NR_HOOKS; i++)
		if (p->attached[i] && hooks[i].instead_of && !strcmp(hooks[i].instead_of, name))
			return true;
	return false;
}

/* A hook that cannot be had, and nothing that does its work. */
static bool missing(const struct profiler *p, unsigned int i)
{
	if (p->attached[i] || hooks[i].instead_of || is_replaced(p, hooks[i].name))
		return false;
	if (hooks[i].upstream && is_attached(p, "own_ioctl"))
		return false;
	return hooks[i].lack == LACK_DETAIL || !phase_hooked(hooks[i].phase, p->attached);
}

static void name_absent(struct profiler *p)
{
	size_t used = 0;

	for (unsigned int i = 0; i < NR_HOOKS; i++) {
		if (!missing(p, i))
			continue;
		used += snprintf(p->absent + used, sizeof(p->absent) - used, "%s%s (%s%s)",
				 used ? ", " : "", profile_phase_title(hooks[i].phase),
				 hooks[i].lack == LACK_DETAIL ? "in part: " : "",
				 hooked_function(p, &hooks[i]));
		if (used >= sizeof(p->absent))
			break;
	}
}

/* ---- open ---- */

static int load(struct profiler *p, const struct profiler_opts *opts)
{
	int rc;

	p->skel = profile_bpf__open();
	if (!p->skel)
		return -errno;
	p->skel->rodata->by_tgid = opts->ntgids > 0;
	rc = choose(p, opts);
	if (rc)
		return rc;
	progress_begin(&p->progress, true);
	progress_draw(&p->progress, PROGRESS_AT_ONCE, "the kernel reads our programs");
	rc = profile_bpf__load(p->skel);
	progress_wipe(&p->progress);
	return rc;
}

static int want(struct profiler *p, const struct profiler_opts *opts)
{
	uint8_t yes = 1;

	for (uint32_t i = 0; i < opts->ntgids; i++)
		if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.tgids), &opts->tgids[i], &yes,
					BPF_ANY))
			return -errno;
	return 0;
}

static int start(struct profiler *p, const struct profiler_opts *opts)
{
	int rc;

	ims_keep_log();
	if (ims_env_before_load(IMS_ACT_LOAD) || ims_env_iommufd("") ||
	    ims_env_may(IMS_ACT_FUNCTIONS))
		return -EINVAL;
	rc = load(p, opts);
	if (!rc)
		rc = want(p, opts);
	if (rc) {
		ims_env_load_failed(rc, ims_kept_log());
		return rc;
	}
	attach_all(p);
	if (!is_attached(p, "ioctl") && !is_attached(p, "own_ioctl")) {
		ims_error("no function of iommufd can be attached to; run 'iommuscope doctor'");
		return -ENOENT;
	}
	name_absent(p);
	p->start = now_ns();
	__atomic_store_n(&p->skel->bss->running, 1, __ATOMIC_SEQ_CST);
	return 0;
}

struct profiler *profiler_open(const struct profiler_opts *opts)
{
	struct profiler *p = calloc(1, sizeof(*p));

	if (!p) {
		ims_error("out of memory");
		return NULL;
	}
	if (!start(p, opts))
		return p;
	profiler_close(p);
	return NULL;
}

static void detach(struct profiler *p)
{
	unsigned int n = p->nlinks;

	progress_begin(&p->progress, true);
	while (p->nlinks) {
		bpf_link__destroy(p->links[--p->nlinks]);
		progress_draw(&p->progress, (n - p->nlinks) * 1000 / n, "detaching, %u left", p->nlinks);
	}
	progress_wipe(&p->progress);
}

void profiler_stop(struct profiler *p)
{
	p->end = now_ns();
	__atomic_store_n(&p->skel->bss->running, 0, __ATOMIC_SEQ_CST);
	detach(p);
}

void profiler_close(struct profiler *p)
{
	if (!p)
		return;
	detach(p);
	profile_bpf__destroy(p->skel);
	free(p);
}

const char *profiler_absent(const struct profiler *p)
{
	return p->absent;
}

/* ---- read ---- */

/* A table, entry by entry; values are as many as there are CPUs, or one. */
struct reader {
	int map;
	int cpus;
	size_t value_size;	/* of one CPU, as the kernel pads it */
	void *key, *values;
	int (*add)(struct profile *to, const struct reader *r);
};

static int add_who(struct profile *to, const struct reader *r)
{
	struct profile_who w;

	memcpy(&w.key, r->key, sizeof(w.key));
	memcpy(&w.who, r->values, sizeof(w.who));
	return snap_list_add(to->who, &w);
}

static int add_sum(struct profile *to, const struct reader *r)
{
	struct profile_sum s;

	memcpy(&s.key, r->key, sizeof(s.key));
	memcpy(&s.sum, r->values, sizeof(s.sum));
	return snap_list_add(to->sums, &s);
}

static int add_hist(struct profile *to, const struct reader *r)
{
	const struct ims_hist *in_kernel = r->values;
	struct profile_hist h = {};

	memcpy(&h.key, r->key, sizeof(h.key));
	for (unsigned int i = 0; i < IMS_HIST_BUCKETS; i++) {
		h.hist.bucket[i] = in_kernel->n[i];
		h.hist.n += in_kernel->n[i];
	}
	return snap_list_add(to->hists, &h);
}

static int add_shape(struct profile *to, const struct reader *r)
{
	struct profile_shape s;

	memcpy(&s.who, r->key, sizeof(s.who));
	memcpy(&s.shape, r->values, sizeof(s.shape));
	return snap_list_add(to->shapes, &s);
}

static int slower(const void *a, const void *b)
{
	const struct ims_slow *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

/* The slowest of all CPUs. */
static int add_slowest(struct profile *to, const struct reader *r)
{
	struct ims_slow *all = calloc(r->cpus * IMS_SLOWEST, sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (int cpu = 0; cpu < r->cpus; cpu++) {
		const struct ims_slowest *s = (void *)((char *)r->values + cpu * r->value_size);

		to->slow_missed += s->missed;
		for (int i = 0; i < IMS_SLOWEST; i++)
			if (s->at[i].ns)
				all[n++] = s->at[i];
	}
	qsort(all, n, sizeof(*all), slower);
	to->nslow = n < IMS_SLOWEST ? n : IMS_SLOWEST;
	memcpy(to->slow, all, to->nslow * sizeof(*all));
	free(all);
	return 0;
}

static int read_entries(struct profile *to, struct reader *r)
{
	void *last = NULL;
	int rc = 0;

	while (!rc && !bpf_map_get_next_key(r->map, last, r->key)) {
		if (!bpf_map_lookup_elem(r->map, r->key, r->values))
			rc = r->add(to, r);
		last = r->key;
	}
	return rc;
}

static int read_map(struct profile *to, const struct bpf_map *map,
		    int (*add)(struct profile *to, const struct reader *r))
{
	bool percpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
	struct reader r = {
		.map = bpf_map__fd(map),
		.cpus = percpu ? libbpf_num_possible_cpus() : 1,
		.value_size = (bpf_map__value_size(map) + 7) & ~7U,
		.add = add,
	};
	int rc = -ENOMEM;

	if (r.cpus < 0)
		return r.cpus;
	r.key = malloc(bpf_map__key_size(map));
	r.values = malloc(r.cpus * r.value_size);
	if (r.key && r.values)
		rc = read_entries(to, &r);
	free(r.key);
	free(r.values);
	return rc;
}

int profiler_read_who(struct profiler *p, struct profile *to)
{
	return read_map(to, p->skel->maps.who, add_who);
}

int profiler_read(struct profiler *p, struct profile *to)
{
	struct profile_bpf *s = p->skel;
	int rc;

	to->start = p->start;
	to->end = p->end ? p->end : now_ns();
	to->absent = absent_phases(p);
	memcpy(to->lost, s->bss->lost, sizeof(to->lost));
	rc = read_map(to, s->maps.sums, add_sum);
	if (!rc)
		rc = read_map(to, s->maps.hists, add_hist);
	if (!rc)
		rc = read_map(to, s->maps.shapes, add_shape);
	if (!rc)
		rc = read_map(to, s->maps.slowest, add_slowest);
	if (!rc)	/* last: who is named by the others is there by now */
		rc = profiler_read_who(p, to);
	profile_sort(to);
	return rc;
}

static int read_stack(struct profiler *p, struct profile *to, int32_t id)
{
	struct profile_stack s = { .id = id };
	uint32_t key = id;

	if (id < 0 || profile_stack_find(to, id) ||
	    bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.stacks), &key, s.ip))
		return 0;
	while (s.n < sizeof(s.ip) / sizeof(*s.ip) && s.ip[s.n])
		s.n++;
	return snap_list_add(to->stacks, &s);
}

int profiler_read_stacks(struct profiler *p, struct profile *to)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < to->sums.n; i++)
		rc = read_stack(p, to, to->sums.at[i].key.ustack) ? :
		     read_stack(p, to, to->sums.at[i].key.kstack);
	for (size_t i = 0; !rc && i < to->nslow; i++)
		rc = read_stack(p, to, to->slow[i].ustack) ? : read_stack(p, to, to->slow[i].kstack);
	return rc;
}
