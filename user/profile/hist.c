// SPDX-License-Identifier: GPL-2.0-only
#include "profile/hist.h"

void hist_add(struct hist *h, __u64 value)
{
	h->n++;
	h->bucket[hist_bucket(value)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	to->n += from->n;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static __u64 middle(unsigned int bucket)
{
	__u64 first = hist_first(bucket);
	__u64 last = bucket + 1 < HIST_BUCKETS ? hist_first(bucket + 1) - 1 : ~0ULL;

	return first + (last - first) / 2;
}

__u64 hist_quantile(const struct hist *h, unsigned int permille)
{
	/* how many do not exceed it, rounded up, and at least one */
	__u64 rank = h->n / 1000 * permille + (h->n % 1000 * permille + 999) / 1000, seen = 0;

	if (!h->n)
		return 0;
	if (!rank)
		rank = 1;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle(i);
	}
	return middle(HIST_BUCKETS - 1);
}
