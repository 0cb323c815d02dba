/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which capability is needed for what, in the one table that the error messages,
 * doctor and docs/privileges.md are made of.
 *
 * A command does a few of the acts below.  What it must do, it refuses to start
 * without; what it may do, it goes on without.
 */
#ifndef IMS_CAPS_H
#define IMS_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ims_act {
	IMS_ACT_LOAD = 1,	/* BPF programs into the kernel */
	IMS_ACT_FUNCTIONS = 2,	/* hook functions of iommufd */
	IMS_ACT_SNAPSHOT = 4,	/* read contexts that are open already */
	IMS_ACT_SIGNAL = 8,	/* end CMD, --on-violation 'signal PID' */
	IMS_ACT_FIRST = 16,	/* have a CPU before those who make records */
};

struct ims_cap {
	unsigned int number;
	const char *name;
	unsigned int acts;	/* that need it */
	const char *when;	/* not NULL: only then */
	bool (*applies)(void);	/* whether that is so here */
	const char *why;
};

struct ims_use {
	const char *commands;
	unsigned int must, may;	/* acts */
};

/* Both end with a NULL name. */
extern const struct ims_cap ims_caps[];
extern const struct ims_use ims_uses[];

/* Effective ones of this process, a bit each. */
uint64_t ims_caps_have(void);
bool ims_cap_has(const struct ims_cap *c);
bool ims_cap_needed(const struct ims_cap *c, unsigned int acts);
/* "CAP_BPF and CAP_PERFMON are"; "" when none is missing for @acts here. */
void ims_caps_missing(unsigned int acts, char *text, size_t size);

#endif
