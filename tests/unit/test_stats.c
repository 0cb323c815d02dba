// SPDX-License-Identifier: GPL-2.0-only
/* The method of --compare: what it calls noise is noise, and what it calls a change is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "profile/stats.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static void add(struct sample *s, uint64_t value)
{
	s->mean = (s->mean * s->hist.n + value) / (s->hist.n + 1);
	hist_add(&s->hist, value);
}

/* Skewed, as latencies are: most near 1000 * scale, some ten times that. */
static void fill(struct sample *s, int n, double scale)
{
	*s = (struct sample){};
	while (n--) {
		double v = 800 + rand() % 400;

		add(s, scale * (rand() % 20 ? v : 10 * v));
	}
}

TEST(variance_of_known_values)
{
	struct sample s = {};

	for (int i = 0; i < 5; i++)
		add(&s, 2 + 2 * i);	/* 2 4 6 8 10: buckets of one value */
	assert_float_equal(s.mean, 6, 1e-9);
	assert_float_equal(stats_variance(&s), 10, 1e-9);
}

/* n = 5 each, variances 10: t has 8 degrees of freedom, 3.355 * sqrt(10/5 + 10/5) = 6.71. */
TEST(interval_of_known_values)
{
	struct sample a = {}, b = {};
	struct interval d;

	for (int i = 0; i < 5; i++) {
		add(&a, 2 + 2 * i);
		add(&b, 4 + 2 * i);
	}
	d = stats_mean_difference(&a, &b);
	assert_true(d.known);
	assert_float_equal(d.low, 2 - 6.71, 0.01);
	assert_float_equal(d.high, 2 + 6.71, 0.01);
}

TEST(too_few)
{
	struct sample a = {}, b = {};

	fill(&b, 100, 1);
	add(&a, 1000);
	assert_false(stats_mean_difference(&a, &b).known);
	assert_false(stats_quantile(&a.hist, 0.5).known);
	assert_true(stats_quantile(&b.hist, 0.5).known);
	assert_false(stats_quantile(&b.hist, 0.99).known);
	assert_false(stats_apart(stats_quantile(&a.hist, 0.5), stats_quantile(&b.hist, 0.5)));
}

/* 2000 comparisons of alike: at 99 % some twenty are called a change, not fifty. */
TEST(noise_is_noise)
{
	static struct sample a, b;
	int means = 0, medians = 0, tails = 0;

	srand(11);
	for (int i = 0; i < 2000; i++) {
		struct interval d;

		fill(&a, 400, 1);
		fill(&b, 300, 1);
		d = stats_mean_difference(&a, &b);
		means += d.low > 0 || d.high < 0;
		medians += stats_apart(stats_quantile(&a.hist, 0.5), stats_quantile(&b.hist, 0.5));
		tails += stats_apart(stats_quantile(&a.hist, 0.99), stats_quantile(&b.hist, 0.99));
	}
	assert_in_range(means, 1, 50);
	assert_in_range(medians, 0, 20);	/* intervals that do not meet: stricter */
	assert_in_range(tails, 0, 20);
}

TEST(a_change_is_seen)
{
	static struct sample a, b;
	struct interval d;

	srand(12);
	fill(&a, 5000, 1);
	fill(&b, 5000, 1.25);
	d = stats_mean_difference(&a, &b);
	assert_true(d.known && d.low > 0);
	assert_true(d.low < 0.25 * a.mean && d.high > 0.25 * a.mean);
	assert_true(stats_apart(stats_quantile(&a.hist, 0.5), stats_quantile(&b.hist, 0.5)));
}

/* The true median of 1 to 1000 lies in the interval of nearly every sample. */
TEST(quantiles_are_covered)
{
	int in = 0;

	srand(13);
	for (int i = 0; i < 1000; i++) {
		struct sample s = {};
		struct interval q;

		for (int k = 0; k < 200; k++)
			add(&s, 1 + rand() % 1000);
		q = stats_quantile(&s.hist, 0.5);
		in += q.low <= 500 && q.high >= 500;
	}
	assert_true(in >= 985);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variance_of_known_values),
		cmocka_unit_test(interval_of_known_values),
		cmocka_unit_test(too_few),
		cmocka_unit_test(noise_is_noise),
		cmocka_unit_test(a_change_is_seen),
		cmocka_unit_test(quantiles_are_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
