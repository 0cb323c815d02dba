// SPDX-License-Identifier: GPL-2.0-only
/* See probes.h. */
#include "source/probes.h"

#include <errno.h>
#include <stdlib.h>

#include "fentry.skel.h"
#include "source/hooks.h"
#include "tracepoints.skel.h"

#define DEFINE_OPEN(name)                                              \
	static int open_##name(struct probes *p)                       \
	{                                                              \
		struct name##_bpf *s = name##_bpf__open();             \
                                                                       \
		if (!s)                                                \
			return -errno;                                 \
		*p = (struct probes){                                  \
			.skeleton = s->skeleton, .obj = s->obj,        \
			.memory = s,                                   \
			.config = (struct ims_config *)&s->rodata->config, \
			.running = &s->bss->running,                   \
			.ring_states = s->bss->ring_states,            \
			.rings = s->maps.rings, .lossy = s->maps.lossy, \
			.tgids = s->maps.tgids, .cgroups = s->maps.cgroups, \
			.scope = s->maps.scope,                        \
			.domain_ctx = s->maps.domain_ctx,              \
			.mark = s->progs.mark,                         \
			.on_fork = s->progs.on_fork,                   \
			.on_exit = s->progs.on_exit,                   \
		};                                                     \
		return 0;                                              \
	}

DEFINE_OPEN(tracepoints)
DEFINE_OPEN(fentry)

int probes_open_tracepoints(struct probes *p)
{
	return open_tracepoints(p);
}

int probes_open_fentry(struct probes *p)
{
	int rc = open_fentry(p);
	struct fentry_bpf *s = p->memory;

	if (!rc)
		s->rodata->unsafe_interrupts_at = hooks_unsafe_interrupts_at();
	return rc;
}

int probes_load(struct probes *p)
{
	int rc;

	progress_begin(&p->progress, true);
	progress_draw(&p->progress, PROGRESS_AT_ONCE, "the kernel reads our programs");
	rc = bpf_object__load_skeleton(p->skeleton);
	progress_wipe(&p->progress);
	return rc;
}

static unsigned int count_programs(const struct probes *p)
{
	struct bpf_program *prog;
	unsigned int n = 0;

	bpf_object__for_each_program(prog, p->obj)
		n += bpf_program__autoload(prog);
	return n;
}

int probes_attach(struct probes *p, struct bpf_program *prog)
{
	struct bpf_link *link;
	unsigned int n = count_programs(p);
	int rc;

	if (!p->links) {
		p->links = calloc(n, sizeof(*p->links));
		progress_begin(&p->progress, true);
	}
	if (!p->links)
		return -ENOMEM;
	progress_draw(&p->progress, p->nlinks * 1000 / n, "attaching, %u of %u", p->nlinks, n);
	link = bpf_program__attach(prog);
	if (!link) {
		rc = -errno;
		bpf_program__unload(prog);	/* it would lie in the kernel for nothing */
		return rc;
	}
	p->links[p->nlinks++] = link;
	return 0;
}

void probes_attached(struct probes *p)
{
	progress_wipe(&p->progress);
}

void probes_detach(struct probes *p)
{
	unsigned int n = p->nlinks;

	progress_begin(&p->progress, true);
	while (p->nlinks) {
		bpf_link__destroy(p->links[--p->nlinks]);
		progress_draw(&p->progress, (n - p->nlinks) * 1000 / n, "detaching, %u left", p->nlinks);
	}
	progress_wipe(&p->progress);
	free(p->links);
	p->links = NULL;
}

void probes_close(struct probes *p)
{
	probes_detach(p);
	if (p->skeleton)
		bpf_object__destroy_skeleton(p->skeleton);
	free(p->memory);
	*p = (struct probes){};
}
