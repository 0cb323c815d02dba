/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel as a source.
 */
#ifndef IMS_LIVE_H
#define IMS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"

/* Which contexts; see bpf/filter.bpf.h for what the parts mean together. */
struct ims_live_scope {
	const uint32_t *tgids;
	uint32_t ntgids;
	bool descendants;	/* children of these, too */
	bool late_join;		/* also contexts that were opened before */
	const char *comm;
	const char *cgroup;	/* directory in cgroup v2 */
	uint32_t ioas;
	const char *device;
};

struct ims_live_opts {
	struct ims_live_scope scope;
	uint32_t rings;		/* power of two */
	uint64_t ring_size;	/* power of two */
};

/* Loaded and attached; NULL after one line that says what is wrong. */
struct ims_source *ims_live_open(const struct ims_live_opts *opts);

/* ---- live_env.c: what this machine lacks, one line each; -errno ---- */

int ims_env_before_load(void);
void ims_env_load_failed(int err, const char *log);
/* @first: nothing could be attached before */
void ims_env_attach_failed(int err, const char *tracepoint, bool first);

#endif
