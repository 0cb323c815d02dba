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
	bool late_join;		/* also contexts of which they do anything */
	bool present;		/* look at contexts that are open already */
	const char *comm;
	const char *cgroup;	/* directory in cgroup v2 */
	uint32_t ioas;
	const char *device;
};

/* Where the programs stand; AUTO: at tracepoints if there are any. */
enum ims_probes { IMS_PROBES_AUTO, IMS_PROBES_TRACEPOINTS, IMS_PROBES_FUNCTIONS };

struct ims_live_opts {
	enum ims_probes probes;
	struct ims_live_scope scope;
	uint32_t rings;		/* power of two */
	uint64_t ring_size;	/* power of two */
};

/* 0, or -errno after one line that says what this kernel or user does not allow. */
int ims_live_may(const struct ims_live_opts *opts);
/* Loaded and attached; NULL after one line that says what is wrong. */
struct ims_source *ims_live_open(const struct ims_live_opts *opts);

/* ---- live_trial.c: what could be had, by trying ---- */

struct ims_hook {
	char function[64];	/* or tracepoint */
	uint64_t kinds;		/* bit per kind that is not known without it */
	bool attached;
};

struct ims_trial {
	int rc;			/* 0: records can be had this way */
	uint64_t absent;	/* bit per kind that is not among them */
	uint64_t never;		/* nor on any kernel */
	struct ims_hook *hook;
	unsigned int nhooks, nattached;
};

/* Load and attach, say nothing, and leave nothing behind.  0 or -ENOMEM. */
int ims_live_try(enum ims_probes where, struct ims_trial *t);
void ims_trial_free(struct ims_trial *t);

/* ---- live_env.c: what this machine lacks, one line each; -errno ---- */

/* @acts: enum ims_act, what is going to be done */
int ims_env_may(unsigned int acts);
int ims_env_before_load(unsigned int acts);
/* none, integrity, confidentiality; "" when the kernel has no lockdown */
void ims_env_lockdown(char *mode, unsigned int size);
/* iommufd is there; it need not have tracepoints. @or: what else can be done. */
int ims_env_iommufd(const char *or);
#define IMS_OR_WAIT ", or wait for it (--wait)"
void ims_env_load_failed(int err, const char *log);
/* @first: nothing could be attached before */
void ims_env_attach_failed(int err, const char *tracepoint, bool first);

/* ---- live_log.c: what libbpf says is kept from now on, the last 4 KiB of it ---- */

void ims_keep_log(void);
const char *ims_kept_log(void);
void ims_forget_log(void);

#endif
