// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which programs, and getting them into the kernel.
 *
 * A traced kernel is tried first: its tracepoints say all, inside the locks, for less.
 * Where the first of them cannot be attached there are none, and the functions of
 * iommufd are taken instead.  These differ between kernels and compilers, so each is
 * tried alone; what is not known without those that are missing is "absent", and the
 * rules that need it are not checked.
 */
#define _GNU_SOURCE		/* SCHED_RESET_ON_FORK */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rights/caps.h"
#include "say.h"
#include "source/hooks.h"
#include "source/live_impl.h"

/* ---- before load ---- */

static void set_text(char *to, size_t size, const char *from)
{
	if (from)
		memcpy(to, from, strnlen(from, size - 1));
}

static void configure(struct live *live, const struct ims_live_opts *opts)
{
	struct ims_config *ro = live->probes.config;
	const struct ims_live_scope *scope = &opts->scope;

	ro->ring_mask = opts->rings - 1;
	ro->ring_wake = opts->ring_size / 4;
	ro->by_tgid = scope->ntgids > 0;
	ro->by_comm = scope->comm != NULL;
	ro->by_cgroup = scope->cgroup != NULL;
	ro->by_object = scope->ioas || scope->device;
	ro->filtering = ro->by_tgid || ro->by_comm || ro->by_cgroup || ro->by_object;
	ro->late_join = scope->late_join;
	ro->want_ioas = scope->ioas;
	set_text(ro->want_comm, sizeof(ro->want_comm), scope->comm);
	set_text(ro->want_device, sizeof(ro->want_device), scope->device);
	bpf_program__set_autoload(live->probes.on_fork, scope->descendants);
	bpf_program__set_autoload(live->probes.on_exit, scope->descendants);
}

/* ---- between load and attach ---- */

static int want_cgroup(struct live *live, const char *path)
{
	uint32_t zero = 0;
	int fd, rc;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		ims_error("cannot open cgroup %s: %s; name a directory below /sys/fs/cgroup",
			  path, strerror(errno));
		return -EINVAL;
	}
	rc = bpf_map_update_elem(bpf_map__fd(live->probes.cgroups), &zero, &fd, BPF_ANY);
	close(fd);
	if (rc) {
		ims_error("%s is not a cgroup of version 2; name a directory below "
			  "/sys/fs/cgroup", path);
		return -EINVAL;
	}
	return 0;
}

static int want_tgid(struct live *live, uint32_t tgid)
{
	uint8_t yes = 1;

	if (!bpf_map_update_elem(bpf_map__fd(live->probes.tgids), &tgid, &yes, BPF_ANY))
		return 0;
	ims_error("cannot filter by process %u: %s", tgid, strerror(errno));
	return -EINVAL;
}

static int fill_filters(struct live *live, const struct ims_live_scope *scope)
{
	int rc = 0;

	if (scope->cgroup)
		rc = want_cgroup(live, scope->cgroup);
	for (uint32_t i = 0; !rc && i < scope->ntgids; i++)
		rc = want_tgid(live, scope->tgids[i]);
	return rc;
}

/* ---- the tracepoints of a traced kernel ---- */

/* Of what 6.12 does not have: a kernel without the tracepoint has nothing to tell there. */
static bool may_be_missing(const struct bpf_program *prog)
{
	static const char *const newer[] = { "on_pasid", "on_file", "on_process", "on_vdevice",
					     "on_vevent" };

	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
		if (!strcmp(bpf_program__name(prog), newer[i]))
			return true;
	return false;
}

/* -ENOENT: this kernel has none. */
static int attach_tracepoints(struct live *live)
{
	struct bpf_program *prog;
	int rc;

	bpf_object__for_each_program(prog, live->probes.obj) {
		if (!bpf_program__autoload(prog) || prog == live->probes.mark)
			continue;
		rc = probes_attach(&live->probes, prog);
		if (rc == -ENOENT && live->probes.nlinks && may_be_missing(prog))
			continue;
		if (rc && !live->probes.nlinks && (rc == -ENOENT || rc == -EINVAL))
			return -ENOENT;
		if (rc) {
			if (!live->trial)
				ims_env_attach_failed(rc, hook_function(prog), false);
			return -EINVAL;
		}
		live_tried(live, prog, true);
	}
	return 0;
}

/* ---- the functions of any kernel ---- */

#define MAX_REFUSED 16

/* Programs that the kernel would not load. */
struct refused {
	char name[MAX_REFUSED][64];
	unsigned int n;
};

static bool is_refused(const struct refused *r, const struct bpf_program *prog)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (!strcmp(r->name[i], bpf_program__name(prog)))
			return true;
	return false;
}

static void lacks(struct live *live, const struct bpf_program *prog)
{
	live->origin.absent |= hook_kinds(prog);
	live_tried(live, prog, false);
	ims_detail("no hook at %s", hook_function(prog));
}

static bool stood_in_for(const struct live *live, const struct bpf_program *prog,
			 const struct functions *f)
{
	struct bpf_program *other;

	bpf_object__for_each_program(other, live->probes.obj)
		if (hook_stands_in(other, prog) && function_exists(f, hook_function(other)))
			return true;
	return false;
}

/* A kernel without the function has another one, or nothing to tell there. */
static void is_missing(struct live *live, const struct bpf_program *prog,
		       const struct functions *f)
{
	if (hook_of_newer(prog))
		live->origin.absent |= hook_kinds(prog);
	else if (!hook_of_driver(prog) && !stood_in_for(live, prog, f))
		lacks(live, prog);
}

/* Programs whose function is not there would fail the load of all. */
static int choose_functions(struct live *live, const struct refused *refused)
{
	struct bpf_program *prog;
	struct functions f;
	int rc = functions_open(&f);

	if (rc)
		return rc;
	live->origin.absent = hooks_never();
	if (live->trial)	/* again, without one that was refused */
		live->trial->nhooks = live->trial->nattached = 0;
	bpf_object__for_each_program(prog, live->probes.obj) {
		if (bpf_program__type(prog) != BPF_PROG_TYPE_TRACING)
			continue;
		if (!is_refused(refused, prog) && function_exists(&f, hook_function(prog)))
			continue;
		bpf_program__set_autoload(prog, false);
		if (is_refused(refused, prog))
			lacks(live, prog);
		else
			is_missing(live, prog, &f);
	}
	functions_close(&f);
	return 0;
}

/* libbpf only says in its log which program was refused. */
static bool note_refused(struct refused *r)
{
	static const char what[] = "': failed to load";
	const char *log = ims_kept_log(), *end = strstr(log, what), *start;

	if (!end || r->n == MAX_REFUSED)
		return false;
	for (start = end; start > log && start[-1] != '\'';)
		start--;
	snprintf(r->name[r->n++], sizeof(r->name[0]), "%.*s", (int)(end - start), start);
	return true;
}

static int attach_functions(struct live *live)
{
	struct bpf_program *prog;
	int rc;

	bpf_object__for_each_program(prog, live->probes.obj) {
		if (!bpf_program__autoload(prog) || prog == live->probes.mark)
			continue;
		rc = probes_attach(&live->probes, prog);
		if (rc == -ENOMEM)
			return rc;
		if (rc)
			lacks(live, prog);
		else
			live_tried(live, prog, true);
	}
	if (live->probes.nlinks)
		return 0;
	if (!live->trial)
		ims_error("no function of iommufd can be attached to; run 'iommuscope doctor'");
	return -EINVAL;
}

/* ---- either ---- */

/*
 * Many threads that make records would leave the one that reads them too small a
 * share of a CPU.  So it goes first, unless the user has chosen how it is to be
 * scheduled; what it starts (--on-violation) does not.  Without the right to do
 * so, larger rings must help.
 */
static void go_first(void)
{
	const struct sched_param param = {};

	if (sched_getscheduler(0) == SCHED_OTHER && !getpriority(PRIO_PROCESS, 0) &&
	    !sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param))
		setpriority(PRIO_PROCESS, 0, -20);
}

static int loaded(struct live *live, const struct ims_live_opts *opts)
{
	int rc = live_rings_open(live, opts->rings, opts->ring_size);

	if (rc && !live->trial)
		ims_env_load_failed(rc, "");
	if (!rc)
		rc = fill_filters(live, &opts->scope);
	if (!rc && !live->trial)
		go_first();
	return rc;
}

static int attach(struct live *live, int (*all)(struct live *live))
{
	int rc = all(live);

	probes_attached(&live->probes);
	return rc;
}

int live_use_tracepoints(struct live *live, const struct ims_live_opts *opts)
{
	int rc = probes_open_tracepoints(&live->probes);

	if (rc)
		return rc;
	configure(live, opts);
	rc = probes_load(&live->probes);
	if (rc) {
		if (!live->trial)
			ims_env_load_failed(rc, ims_kept_log());
		return rc == -ENOENT ? -EINVAL : rc;
	}
	rc = loaded(live, opts);
	return rc ? rc : attach(live, attach_tracepoints);
}

static void unload(struct live *live)
{
	live_rings_close(live);
	probes_close(&live->probes);
	ims_forget_log();
}

static int load_functions(struct live *live, const struct ims_live_opts *opts)
{
	struct refused refused = {};
	int rc;

	for (;;) {
		rc = probes_open_fentry(&live->probes);
		if (!rc) {
			configure(live, opts);
			rc = choose_functions(live, &refused);
		}
		if (!rc)
			rc = probes_load(&live->probes);
		if (!rc || !note_refused(&refused))
			return rc;
		ims_detail("%s", ims_kept_log());
		unload(live);
	}
}

int live_use_functions(struct live *live, const struct ims_live_opts *opts)
{
	int rc = live->trial ? 0 : ims_env_may(IMS_ACT_FUNCTIONS);

	if (rc)
		return -EINVAL;		/* that is said */
	rc = load_functions(live, opts);
	if (rc) {
		if (!live->trial)
			ims_env_load_failed(rc, ims_kept_log());
		return rc == -ENOENT ? -EINVAL : rc;
	}
	rc = loaded(live, opts);
	if (!rc)
		rc = attach(live, attach_functions);
	live->origin.absent_why = strdup("no function of this kernel shows what it needs");
	return rc || live->origin.absent_why ? rc : -ENOMEM;
}

int ims_live_may(const struct ims_live_opts *opts)
{
	unsigned int acts = IMS_ACT_LOAD;

	if (opts->probes == IMS_PROBES_FUNCTIONS)
		acts |= IMS_ACT_FUNCTIONS;
	if (opts->scope.present)
		acts |= IMS_ACT_SNAPSHOT;
	return ims_env_before_load(acts);
}

int live_load(struct live *live, const struct ims_live_opts *opts)
{
	int rc;

	ims_keep_log();
	rc = ims_live_may(opts);
	if (!rc)
		rc = ims_env_iommufd(IMS_OR_WAIT);
	if (rc)
		return rc;
	if (opts->probes != IMS_PROBES_FUNCTIONS) {
		rc = live_use_tracepoints(live, opts);
		if (rc == -ENOENT && opts->probes == IMS_PROBES_TRACEPOINTS) {
			ims_env_attach_failed(rc, "", true);
			return -EINVAL;
		}
		if (rc == -ENOENT)
			unload(live);
	}
	if (opts->probes == IMS_PROBES_FUNCTIONS || rc == -ENOENT)
		rc = live_use_functions(live, opts);
	return rc;
}
