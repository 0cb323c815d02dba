/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel, this user and this build have of what iommuscope needs; each
 * fact is found by looking or trying, never by the version.
 */
#ifndef IMS_FACTS_H
#define IMS_FACTS_H

#include "source/live.h"

/* LIMITED: works, but not all; LACK: something does not work without it. */
enum ims_fact_state { IMS_FACT_OK, IMS_FACT_LIMITED, IMS_FACT_LACK };

struct ims_fact {
	const char *name;
	enum ims_fact_state state;
	char found[160];
	char remedy[200];	/* "" when there is nothing to do */
};

#define IMS_MAX_FACTS 16

struct ims_facts {
	struct ims_fact fact[IMS_MAX_FACTS];
	unsigned int n;
	struct ims_trial tracepoints, functions;
};

/* Functions are tried, too; or only if there are no tracepoints, as check does. */
enum ims_try { IMS_TRY_BOTH, IMS_TRY_UNTIL_ONE };

/* 0 or -ENOMEM. */
int ims_facts_gather(struct ims_facts *f, enum ims_try how);
/* The way in which check would get its records now, or NULL. */
const struct ims_trial *ims_facts_best(const struct ims_facts *f);
void ims_facts_free(struct ims_facts *f);

#endif
