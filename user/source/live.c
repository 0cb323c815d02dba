// SPDX-License-Identifier: GPL-2.0-only
/*
 * The running kernel as a source: load, attach, and leave nothing behind.
 *
 * The BPF objects live exactly as long as our file descriptors, so the kernel
 * cleans up even when we are killed.
 */
#define _GNU_SOURCE		/* vasprintf() */
#include "source/live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "say.h"
#include "source/live_impl.h"

#define DRAIN_TRIES 200		/* of 10 ms */

/* ---- libbpf's log: its end explains a failure ---- */

static char log_tail[4096];

static void keep_tail(const char *text, size_t len)
{
	const size_t room = sizeof(log_tail) - 1;
	size_t used = strlen(log_tail);
	size_t keep = len >= room ? 0 : used + len > room ? room - len : used;

	if (len > room) {
		text += len - room;
		len = room;
	}
	memmove(log_tail, log_tail + used - keep, keep);
	memcpy(log_tail + keep, text, len);
	log_tail[keep + len] = 0;
}

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;
	int len;

	if (level == LIBBPF_DEBUG)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return 0;
	keep_tail(text, len);
	free(text);
	return len;
}

/* ---- before load ---- */

static void set_text(char *to, size_t size, const char *from)
{
	if (from)
		memcpy(to, from, strnlen(from, size - 1));
}

static void configure(struct live *live, const struct ims_live_opts *opts)
{
	struct tracepoints_bpf__rodata *ro = live->skel->rodata;
	const struct ims_live_scope *scope = &opts->scope;

	ro->ring_mask = opts->rings - 1;
	ro->ring_wake = opts->ring_size / 4;
	ro->by_tgid = scope->ntgids;
	ro->by_comm = scope->comm;
	ro->by_cgroup = scope->cgroup;
	ro->by_object = scope->ioas || scope->device;
	ro->filtering = ro->by_tgid || ro->by_comm || ro->by_cgroup || ro->by_object;
	ro->late_join = scope->late_join;
	ro->want_ioas = scope->ioas;
	set_text((char *)ro->want_comm, sizeof(ro->want_comm), scope->comm);
	set_text((char *)ro->want_device, sizeof(ro->want_device), scope->device);
	bpf_program__set_autoload(live->skel->progs.on_fork, scope->descendants);
	bpf_program__set_autoload(live->skel->progs.on_exit, scope->descendants);
}

static int load(struct live *live, const struct ims_live_opts *opts)
{
	int rc;

	live->skel = tracepoints_bpf__open();
	if (!live->skel)
		return -errno;
	configure(live, opts);
	rc = tracepoints_bpf__load(live->skel);
	return rc ? rc : live_rings_open(live, opts->rings, opts->ring_size);
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
	rc = bpf_map_update_elem(bpf_map__fd(live->skel->maps.cgroups), &zero, &fd, BPF_ANY);
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

	if (!bpf_map_update_elem(bpf_map__fd(live->skel->maps.tgids), &tgid, &yes, BPF_ANY))
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

/* ---- attach and detach ---- */

static unsigned int count_programs(struct live *live)
{
	struct bpf_program *prog;
	unsigned int n = 0;

	bpf_object__for_each_program(prog, live->skel->obj)
		n++;
	return n;
}

static void detach(struct live *live)
{
	while (live->nlinks)
		bpf_link__destroy(live->links[--live->nlinks]);
	free(live->links);
	live->links = NULL;
}

static int attach(struct live *live)
{
	struct bpf_program *prog;
	struct bpf_link *link;

	live->links = calloc(count_programs(live), sizeof(*live->links));
	if (!live->links)
		return -ENOMEM;
	bpf_object__for_each_program(prog, live->skel->obj) {
		if (!bpf_program__autoload(prog))
			continue;
		link = bpf_program__attach(prog);
		if (!link) {
			ims_env_attach_failed(-errno, strchr(bpf_program__section_name(prog), '/') + 1,
					      !live->nlinks);
			return -EINVAL;
		}
		live->links[live->nlinks++] = link;
	}
	__atomic_store_n(&live->skel->bss->running, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* ---- the operations of a source ---- */

static int live_poll(struct ims_source *s, ims_record_fn fn, void *arg, int timeout_ms)
{
	struct live *live = (struct live *)s;
	int n, rc;

	live->fn = fn;
	live->arg = arg;
	n = live_deliver(live);
	if (n)
		return n;
	rc = live_report_losses(live);
	if (!rc)
		rc = live_wait(live, timeout_ms);
	return rc ? rc : live_deliver(live);
}

static int drain(struct live *live)
{
	int n;

	while ((n = live_deliver(live)) > 0)
		;
	return n;
}

static __u64 delivered(const struct live *live)
{
	__u64 n = 0;

	for (uint32_t i = 0; i < live->nrings; i++)
		n += live->rings[i].delivered;
	return n;
}

/* Wait for programs that were running when we detached; all must add up then. */
static int drain_all(struct live *live, __u64 *records)
{
	__u64 taken, lost;
	int rc;

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (int i = 0; i < DRAIN_TRIES; i++) {
		rc = drain(live);
		if (rc < 0)
			return rc;
		live_totals(live, &taken, &lost);
		*records = taken - lost;
		if (*records == delivered(live))
			return 0;
		usleep(10000);
	}
	ims_error("%llu records were sent but %llu arrived; this is a bug, please report it",
		  *records, delivered(live));
	return -EIO;
}

static int live_finish(struct ims_source *s, ims_record_fn fn, void *arg)
{
	struct live *live = (struct live *)s;
	struct ims_record end = {};
	int rc;

	live->fn = fn;
	live->arg = arg;
	__atomic_store_n(&live->skel->bss->running, 0, __ATOMIC_SEQ_CST);
	detach(live);
	rc = drain_all(live, &end.p.end.records);
	if (!rc)
		rc = live_report_losses(live);
	if (!rc)
		rc = live_pseudo(live, &end, IMS_END);
	return rc < 0 ? rc : 0;
}

static void live_close(struct ims_source *s)
{
	struct live *live = (struct live *)s;

	detach(live);
	live_rings_close(live);
	tracepoints_bpf__destroy(live->skel);
	ims_origin_free(&live->origin);
	free(live);
}

static const struct ims_source_ops live_ops = {
	.poll = live_poll,
	.finish = live_finish,
	.close = live_close,
};

static int open_all(struct live *live, const struct ims_live_opts *opts)
{
	int rc;

	rc = ims_env_before_load();
	if (rc)
		return rc;
	rc = load(live, opts);
	if (rc) {
		ims_env_load_failed(rc, log_tail);
		return rc;
	}
	rc = fill_filters(live, &opts->scope);
	return rc ? rc : attach(live);
}

static int know_origin(struct live *live, const struct ims_live_opts *opts)
{
	int rc = ims_origin_here(&live->origin);

	live->origin.rings = opts->rings;
	if (rc)
		ims_error("out of memory");
	return rc;
}

struct ims_source *ims_live_open(const struct ims_live_opts *opts)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live) {
		ims_error("out of memory");
		return NULL;
	}
	live->source.ops = &live_ops;
	live->source.origin = &live->origin;
	live->epoll = -1;
	libbpf_set_print(keep_log);
	if (know_origin(live, opts) || open_all(live, opts)) {
		live_close(&live->source);
		return NULL;
	}
	return &live->source;
}
