// SPDX-License-Identifier: GPL-2.0-only
/* See stats.h. */
#include "profile/stats.h"

#include <math.h>

#define Z 2.576		/* 99 %, two-sided */

static double middle(unsigned int bucket)
{
	double first = hist_first(bucket);

	return bucket + 1 < HIST_BUCKETS ? (first + hist_first(bucket + 1) - 1) / 2 : first;
}

double stats_variance(const struct sample *s)
{
	double sum = 0;

	if (s->hist.n < 2)
		return 0;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (s->hist.bucket[i]) {
			double d = middle(i) - s->mean;

			sum += d * d * s->hist.bucket[i];
		}
	return sum / (s->hist.n - 1);
}

/* Student's t for 99 %, two-sided. */
static double student(double freedom)
{
	static const double few[] = { 63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250 };

	if (freedom < 1)
		freedom = 1;
	return freedom < 10 ? few[(int)freedom - 1] : Z + 6 / freedom;
}

struct interval stats_mean_difference(const struct sample *a, const struct sample *b)
{
	double na = a->hist.n, nb = b->hist.n, d = b->mean - a->mean, va, vb, freedom, noise;

	if (na < 2 || nb < 2)
		return (struct interval){};
	va = stats_variance(a) / na;
	vb = stats_variance(b) / nb;
	if (va + vb == 0)
		return (struct interval){ true, d, d };
	freedom = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
	noise = student(freedom) * sqrt(va + vb);
	return (struct interval){ true, d - noise, d + noise };
}

static unsigned int bucket_at(const struct hist *h, __u64 rank)
{
	__u64 seen = 0;
	unsigned int i = 0;

	for (; i + 1 < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	return i;
}

struct interval stats_quantile(const struct hist *h, double q)
{
	double n = h->n, noise = Z * sqrt(n * q * (1 - q));
	double low = floor(n * q - noise), high = ceil(n * q + noise) + 1;
	struct interval i = { .known = low >= 1 && high <= n };

	if (!i.known)
		return i;
	i.low = hist_first(bucket_at(h, low));
	i.high = 2 * middle(bucket_at(h, high)) - hist_first(bucket_at(h, high));
	return i;
}

bool stats_apart(struct interval a, struct interval b)
{
	return a.known && b.known && (a.high < b.low || b.high < a.low);
}
