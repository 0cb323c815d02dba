// SPDX-License-Identifier: GPL-2.0-only
#include "report/latency.h"

void latency_add(struct latency *l, __u64 ns)
{
	l->total += ns;
	if (ns > l->max)
		l->max = ns;
	hist_add(&l->hist, ns);
}

__u64 latency_quantile(const struct latency *l, unsigned int permille)
{
	__u64 ns = hist_quantile(&l->hist, permille);

	return ns < l->max ? ns : l->max;
}
