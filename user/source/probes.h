/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs, whichever they are: those on the tracepoints of a traced
 * kernel, or those on the functions of an unmodified one.  Both are made of the
 * same parts (bpf/ring.bpf.h, bpf/filter.bpf.h), and this is how user space gets
 * at these.
 */
#ifndef IMS_PROBES_H
#define IMS_PROBES_H

#include <bpf/libbpf.h>
#include <stdint.h>

#include "bpf/ring.h"
#include "progress.h"

struct probes {
	struct bpf_object_skeleton *skeleton;	/* NULL: not open */
	struct bpf_object *obj;
	void *memory;				/* of the generated skeleton */
	struct ims_config *config;		/* until load */
	__u32 *running;
	struct ims_ring_state *ring_states;
	struct bpf_map *rings, *lossy, *tgids, *cgroups, *scope, *domain_ctx;
	struct bpf_program *on_fork, *on_exit;
	struct bpf_program *mark;		/* run by hand, not attached */
	struct bpf_link **links;
	unsigned int nlinks;
	struct progress progress;
};

/* 0 or -errno. */
int probes_open_tracepoints(struct probes *p);
int probes_open_fentry(struct probes *p);
int probes_load(struct probes *p);
/* Attach one program; 0, or -errno of the kernel.  Then probes_attached(), for these take seconds. */
int probes_attach(struct probes *p, struct bpf_program *prog);
void probes_attached(struct probes *p);
void probes_detach(struct probes *p);
void probes_close(struct probes *p);

#endif
