// SPDX-License-Identifier: GPL-2.0-only
/* Log-linear histograms: each value is in its bucket, and quantiles are near the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "profile/hist.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static void in_its_bucket(__u64 v)
{
	unsigned int b = hist_bucket(v);

	assert_true(b < HIST_BUCKETS);
	assert_true(hist_first(b) <= v);
	if (b + 1 < HIST_BUCKETS)
		assert_true(v < hist_first(b + 1));
}

TEST(every_value_is_in_its_bucket)
{
	for (__u64 v = 0; v < 100000; v++)
		in_its_bucket(v);
	for (unsigned int bit = 0; bit < 64; bit++)
		for (int d = -1; d <= 1; d++)
			in_its_bucket((1ULL << bit) + d);
	assert_int_equal(hist_bucket(~0ULL), HIST_BUCKETS - 1);
}

TEST(buckets_are_narrow)
{
	for (unsigned int b = HIST_STEPS; b + 1 < HIST_BUCKETS; b++)
		assert_true((hist_first(b + 1) - hist_first(b)) * HIST_STEPS <= hist_first(b));
}

static int ascending(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The sorted values themselves are the oracle. */
TEST(quantiles_are_near_the_truth)
{
	static const unsigned int asked[] = { 1, 10, 500, 900, 990, 999, 1000 };
	static __u64 value[5000];
	static struct hist h;
	unsigned int n = sizeof(value) / sizeof(*value);

	srand(7);
	for (unsigned int i = 0; i < n; i++) {
		value[i] = (__u64)rand() >> (rand() % 24);
		hist_add(&h, value[i]);
	}
	qsort(value, n, sizeof(*value), ascending);
	for (unsigned int i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		__u64 truth = value[(n * asked[i] + 999) / 1000 - 1];
		__u64 got = hist_quantile(&h, asked[i]);

		assert_int_equal(hist_bucket(got), hist_bucket(truth));
	}
}

TEST(few_values)
{
	struct hist h = {};

	assert_int_equal(hist_quantile(&h, 500), 0);
	hist_add(&h, 7);
	assert_int_equal(hist_quantile(&h, 0), 7);
	assert_int_equal(hist_quantile(&h, 990), 7);
	hist_add(&h, 9);
	assert_int_equal(hist_quantile(&h, 500), 7);
	assert_int_equal(hist_quantile(&h, 501), 9);
}

TEST(merged)
{
	struct hist a = {}, b = {};

	hist_add(&a, 3);
	hist_add(&b, 3);
	hist_add(&b, 1000000);
	hist_merge(&a, &b);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.bucket[3], 2);
	assert_int_equal(hist_bucket(hist_quantile(&a, 1000)), hist_bucket(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_in_its_bucket),
		cmocka_unit_test(buckets_are_narrow),
		cmocka_unit_test(quantiles_are_near_the_truth),
		cmocka_unit_test(few_values),
		cmocka_unit_test(merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
