// SPDX-License-Identifier: GPL-2.0-only
/* table against an array; keys as the kernel's allocator gives them, and worse. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/table.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define T(name) cmocka_unit_test(name)
#define N 500

static int values[N];

static uint64_t slab(unsigned int i)
{
	return 0xffff888100000000ULL + i * 192;
}

static uint64_t aligned(unsigned int i)
{
	return (uint64_t)(i + 1) << 32;
}

static uint64_t small(unsigned int i)
{
	return i + 1;
}

static void same(const struct table *t, const bool *in, uint64_t (*key)(unsigned int))
{
	unsigned int n = 0, seen = 0;
	uint32_t i;
	int *v;

	for (unsigned int k = 0; k < N; k++) {
		assert_ptr_equal(table_get(t, key(k)), in[k] ? &values[k] : NULL);
		n += in[k];
	}
	assert_int_equal(t->n, n);
	table_for_each(t, i, v) {
		assert_true(in[v - values]);
		seen++;
	}
	assert_int_equal(seen, n);
}

static void random_steps_on(uint64_t (*key)(unsigned int))
{
	bool in[N] = { false };
	struct table t = { 0 };

	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int k = rand() % N;

		/* now rather full, now rather empty */
		if (rand() % 100 < (step / 2000 % 2 ? 20 : 80)) {
			assert_int_equal(table_put(&t, key(k), &values[k]), 0);
			in[k] = true;
		} else {
			assert_ptr_equal(table_del(&t, key(k)), in[k] ? &values[k] : NULL);
			in[k] = false;
		}
		if (step % 500 == 0)
			same(&t, in, key);
	}
	same(&t, in, key);
	table_destroy(&t);
	assert_null(table_get(&t, key(0)));
}

TEST(random_steps)
{
	srand(1);
	random_steps_on(slab);
	random_steps_on(aligned);
	random_steps_on(small);
}

TEST(nothing_there)
{
	struct table t = { 0 };
	uint32_t i;
	int *v = NULL;

	assert_null(table_get(&t, 5));
	assert_null(table_del(&t, 5));
	table_for_each(&t, i, v)
		fail_msg("%p", (void *)v);
	assert_int_equal(table_put(&t, 0, &values[0]), -EINVAL);
	assert_null(table_get(&t, 0));
	assert_null(table_del(&t, 0));
	table_destroy(&t);
}

TEST(put_replaces)
{
	struct table t = { 0 };

	assert_int_equal(table_put(&t, 5, &values[0]), 0);
	assert_int_equal(table_put(&t, 5, &values[1]), 0);
	assert_int_equal(t.n, 1);
	assert_ptr_equal(table_del(&t, 5), &values[1]);
	assert_int_equal(t.n, 0);
	table_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(random_steps), T(nothing_there), T(put_replaces) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
