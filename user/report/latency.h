/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long calls took: their sum, the longest, and how many of which length.
 */
#ifndef IMS_LATENCY_H
#define IMS_LATENCY_H

#include "profile/hist.h"

struct latency {
	__u64 total, max;	/* ns */
	struct hist hist;
};

void latency_add(struct latency *l, __u64 ns);
/* That @permille of 1000 took at most, and never more than the longest; 0: there is none. */
__u64 latency_quantile(const struct latency *l, unsigned int permille);

#endif
