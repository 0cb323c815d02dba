/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hist: how often which value, of any size, in a fixed 4 KiB.
 *
 * Log-linear: each power of two is cut into HIST_STEPS equal buckets, so a bucket
 * is at most 1/16 of its values wide, and its middle at most 3.2 % from any of
 * them. Values below 16 are exact. Adding is a shift and an increment; two
 * histograms are added bucket by bucket, which is how the kernel's are summed up.
 *
 * hist_bucket() and hist_first() need nothing but arithmetic: a BPF program may
 * fill the same buckets.
 */
#ifndef IMS_HIST_H
#define IMS_HIST_H

#include <linux/types.h>

#define HIST_SHIFT 4
#define HIST_STEPS (1 << HIST_SHIFT)
#define HIST_BUCKETS ((64 - HIST_SHIFT + 1) * HIST_STEPS)

struct hist {
	__u64 n;			/* values that were added */
	__u32 bucket[HIST_BUCKETS];
};

/* Number of the highest bit that is set; @v is not 0. */
static inline unsigned int hist_log2(__u64 v)
{
	unsigned int bit = 0;

	for (unsigned int half = 32; half; half >>= 1)
		if (v >> half) {
			v >>= half;
			bit += half;
		}
	return bit;
}

static inline unsigned int hist_bucket(__u64 v)
{
	unsigned int shift;

	if (v < HIST_STEPS)
		return v;
	shift = hist_log2(v) - HIST_SHIFT;
	return (shift + 1) * HIST_STEPS + (v >> shift) - HIST_STEPS;
}

/* The smallest value of a bucket; the next bucket's is one more than its largest. */
static inline __u64 hist_first(unsigned int bucket)
{
	unsigned int shift = bucket / HIST_STEPS;

	if (!shift)
		return bucket;
	return (__u64)(bucket % HIST_STEPS + HIST_STEPS) << (shift - 1);
}

void hist_add(struct hist *h, __u64 value);
void hist_merge(struct hist *to, const struct hist *from);
/*
 * The value that @permille of 1000 values do not exceed, as the middle of its bucket;
 * 500 is the median. 0 when there is none.
 */
__u64 hist_quantile(const struct hist *h, unsigned int permille);

#endif
