/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a difference between two histograms more than noise? At 99 %, since a comparison
 * asks some twenty times, and a false alarm in each report would make it useless.
 *
 * Means: Welch's t interval for the difference of two means of unequal variance. The
 * variance is that of the buckets' middles, which are at most 3.2 % off.
 *
 * Quantiles: by order statistics. How many of n values lie below the true quantile q is
 * binomial, so it lies between the values of rank n*q - z*sqrt(n*q*(1-q)) and of the
 * same rank with plus, whatever the distribution is. Two quantiles differ when their
 * intervals, to the ends of their buckets, do not meet.
 */
#ifndef IMS_PROFILE_STATS_H
#define IMS_PROFILE_STATS_H

#include <stdbool.h>

#include "profile/hist.h"

struct interval {
	bool known;		/* there were enough values for it */
	double low, high;
};

struct sample {
	struct hist hist;
	double mean;		/* exact: sum / n */
};

double stats_variance(const struct sample *s);
/* Of the mean of @b minus the mean of @a. */
struct interval stats_mean_difference(const struct sample *a, const struct sample *b);
/* Of the value that @q of all do not exceed. */
struct interval stats_quantile(const struct hist *h, double q);
bool stats_apart(struct interval a, struct interval b);

#endif
