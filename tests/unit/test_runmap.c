// SPDX-License-Identifier: GPL-2.0-only
/* runmap against an array that says the same for each single key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/runmap.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define T(name) cmocka_unit_test(name)
#define GIB (1ULL << 30)

/* ---- the oracle: which run each key belongs to, and its address ---- */

#define KEYS 3000

static uint64_t addr[KEYS];
static uint32_t owner[KEYS];		/* 0: free; neighbours of one run share it */
static uint32_t owners;

static uint64_t count(uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (uint64_t i = from; i <= to; i++)
		n += owner[i] != 0;
	return n;
}

static bool cuts(uint64_t from, uint64_t to)
{
	return (from && owner[from] && owner[from] == owner[from - 1]) ||
	       (to + 1 < KEYS && owner[to] && owner[to] == owner[to + 1]);
}

static void oracle_add(uint64_t from, uint64_t to, uint64_t a)
{
	owners++;
	for (uint64_t i = from; i <= to; i++) {
		owner[i] = owners;
		addr[i] = a + (i - from);
	}
}

/* What is behind a hole is a run of its own. */
static void oracle_erase(uint64_t from, uint64_t to)
{
	uint32_t cut = to + 1 < KEYS && owner[to] == owner[to + 1] ? owner[to] : 0;

	memset(owner + from, 0, (to - from + 1) * sizeof(*owner));
	if (!cut)
		return;
	owners++;
	for (uint64_t i = to + 1; i < KEYS && owner[i] == cut; i++)
		owner[i] = owners;
}

static void same_as_oracle(struct runmap *rm)
{
	uint64_t keys = 0, runs = 0, next = 0;
	struct runmap_pos pos;
	struct run r;

	for (bool ok = runmap_first(rm, 0, UINT64_MAX, &pos, &r); ok; ok = runmap_next(rm, &pos, &r)) {
		assert_true(r.len && r.start >= next);
		for (uint64_t i = r.start; i < r.start + r.len; i++) {
			assert_int_equal(owner[i], owner[r.start]);
			assert_int_equal(addr[i], r.addr + (i - r.start));
		}
		next = r.start + r.len;
		keys += r.len;
		runs++;
	}
	assert_int_equal(keys, count(0, KEYS - 1));
	assert_int_equal(rm->size, keys);
	assert_int_equal(rm->nruns, runs);
}

static void one_step(struct runmap *rm, unsigned int longest)
{
	uint64_t from = rand() % KEYS, len = 1 + rand() % longest, to = from + len - 1, a = rand();
	struct runmap_pos pos;
	struct run r;
	bool cut;

	if (to >= KEYS)
		to = KEYS - 1;
	len = to - from + 1;
	assert_int_equal(runmap_covered(rm, from, to), count(from, to));
	if (runmap_first(rm, from, to, &pos, &r)) {
		assert_true(r.start <= to && r.start + r.len > from);
		assert_true(from >= r.start || !count(from, r.start - 1));
	} else {
		assert_int_equal(count(from, to), 0);
	}
	if (rand() % 3) {
		int want = count(from, to) ? -EEXIST : 0;

		assert_int_equal(runmap_add(rm, from, len, a), want);
		if (!want)
			oracle_add(from, to, a);
	} else {
		uint64_t n = count(from, to);
		bool want = cuts(from, to);

		assert_int_equal(runmap_erase(rm, from, to, &cut), n);
		assert_int_equal(cut, want);
		oracle_erase(from, to);
	}
}

TEST(random_steps)
{
	for (unsigned int seed = 1; seed <= 60; seed++) {
		struct runmap rm;

		srand(seed);
		runmap_init(&rm);
		memset(owner, 0, sizeof(owner));
		for (int i = 0; i < 2000; i++) {
			one_step(&rm, seed % 3 ? 8 : 200);
			if (i % 100 == 0)
				same_as_oracle(&rm);
		}
		same_as_oracle(&rm);
		runmap_destroy(&rm);
		assert_int_equal(runmap_memory(&rm), 0);
	}
}

/* Two maps of the same keys at other places, with other runs, and one difference at most. */
TEST(differ)
{
	for (unsigned int seed = 1; seed <= 2000; seed++) {
		uint64_t len = 1 + (srand(seed), rand() % 200), odd = rand() % len, at;
		bool same = rand() % 3 == 0, hole = rand() % 2;
		struct runmap a, b;

		runmap_init(&a);
		runmap_init(&b);
		runmap_add(&a, 1000 - 5, 5, 1);		/* around what is compared */
		runmap_add(&b, 7000 + len, 5, 2);
		for (uint64_t i = 0, n; i < len; i += n) {
			n = 1 + rand() % 9;
			n = n < len - i ? n : len - i;
			if (rand() % 4 == 0 && !(!same && i <= odd && odd < i + n))
				continue;
			runmap_add(&a, 1000 + i, n, 50000 + i);
			for (uint64_t k = i; k < i + n; k++)
				if (same || k != odd || !hole)
					runmap_add(&b, 7000 + k, 1,
						   !same && k == odd ? 1 : 50000 + k);
		}
		assert_int_equal(runmap_differ(&a, 1000, &b, 7000, len, &at), !same);
		assert_true(same || at == odd);
		assert_int_equal(runmap_differ(&b, 7000, &a, 1000, len, &at), !same);
		assert_true(same || at == odd);
		runmap_destroy(&a);
		runmap_destroy(&b);
	}
}

/* ---- the edges ---- */

TEST(differ_at_the_edge)
{
	struct runmap a, b;
	uint64_t at;

	runmap_init(&a);
	runmap_init(&b);
	assert_false(runmap_differ(&a, 0, &b, 0, UINT64_MAX, &at));
	assert_false(runmap_differ(&a, 0, &b, 0, 0, &at));
	assert_int_equal(runmap_add(&a, UINT64_MAX, 1, 7), 0);
	assert_false(runmap_differ(&a, 0, &b, 0, UINT64_MAX, &at));
	assert_true(runmap_differ(&a, UINT64_MAX, &b, UINT64_MAX, 1, &at));
	assert_int_equal(runmap_add(&b, 0, 1, 7), 0);
	assert_false(runmap_differ(&a, UINT64_MAX, &b, 0, 1, &at));
	runmap_destroy(&a);
	runmap_destroy(&b);
}

TEST(empty_map)
{
	struct runmap_pos pos;
	struct runmap rm;
	struct run r;
	bool cut = true;

	runmap_init(&rm);
	assert_false(runmap_first(&rm, 0, UINT64_MAX, &pos, &r));
	assert_int_equal(runmap_covered(&rm, 0, UINT64_MAX), 0);
	assert_int_equal(runmap_erase(&rm, 0, UINT64_MAX, &cut), 0);
	assert_false(cut);
	runmap_destroy(&rm);
}

TEST(refusals)
{
	struct runmap rm;

	runmap_init(&rm);
	assert_int_equal(runmap_add(&rm, 1, 0, 0), -EINVAL);
	assert_int_equal(runmap_add(&rm, UINT64_MAX, 2, 0), -EINVAL);
	assert_int_equal(runmap_add(&rm, 10, 10, 0), 0);
	assert_int_equal(runmap_add(&rm, 19, 1, 0), -EEXIST);
	assert_int_equal(runmap_add(&rm, 0, 11, 0), -EEXIST);
	assert_int_equal(runmap_add(&rm, 0, UINT64_MAX, 0), -EEXIST);
	assert_int_equal(runmap_add(&rm, 20, 1, 0), 0);
	assert_int_equal(runmap_add(&rm, 9, 1, 0), 0);
	assert_int_equal(rm.size, 12);
	runmap_destroy(&rm);
}

TEST(last_key_of_all)
{
	struct runmap_pos pos;
	struct runmap rm;
	struct run r;

	runmap_init(&rm);
	assert_int_equal(runmap_add(&rm, UINT64_MAX - 9, 10, 100), 0);
	assert_true(runmap_first(&rm, UINT64_MAX, UINT64_MAX, &pos, &r));
	assert_int_equal(r.addr, 100);
	assert_int_equal(runmap_covered(&rm, 0, UINT64_MAX), 10);
	assert_int_equal(runmap_erase(&rm, UINT64_MAX - 4, UINT64_MAX, NULL), 5);
	assert_int_equal(runmap_erase(&rm, 0, UINT64_MAX, NULL), 5);
	runmap_destroy(&rm);
}

TEST(erase_tells_of_a_cut)
{
	static const struct {
		uint64_t start, last, gone;
		bool cut;
	} tries[] = {
		{ 100, 199, 100, false }, { 0, 99, 0, false }, { 200, 300, 0, false },
		{ 0, 300, 100, false }, { 100, 149, 50, true }, { 150, 199, 50, true },
		{ 120, 130, 11, true }, { 0, 100, 1, true }, { 199, 300, 1, true },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		struct runmap rm;
		bool cut;

		runmap_init(&rm);
		assert_int_equal(runmap_add(&rm, 100, 100, 5000), 0);
		assert_int_equal(runmap_erase(&rm, tries[i].start, tries[i].last, &cut),
				 tries[i].gone);
		assert_int_equal(cut, tries[i].cut);
		assert_int_equal(rm.size, 100 - tries[i].gone);
		assert_int_equal(runmap_covered(&rm, 0, UINT64_MAX), rm.size);
		runmap_destroy(&rm);
	}
}

/* A hole in the middle leaves two runs that translate as before. */
TEST(hole_in_the_middle)
{
	struct runmap_pos pos;
	struct runmap rm;
	struct run r;

	runmap_init(&rm);
	runmap_add(&rm, 100, 100, 5000);
	runmap_erase(&rm, 120, 129, NULL);
	assert_true(runmap_first(&rm, 0, UINT64_MAX, &pos, &r));
	assert_true(r.start == 100 && r.len == 20 && r.addr == 5000);
	assert_true(runmap_next(&rm, &pos, &r));
	assert_true(r.start == 130 && r.len == 70 && r.addr == 5030);
	assert_false(runmap_next(&rm, &pos, &r));
	runmap_destroy(&rm);
}

/* A length of 32 bits and more does not fit one entry. */
TEST(huge_runs)
{
	static const uint64_t lens[] = { 4 * GIB - 4096, 4 * GIB - 1, 4 * GIB, 4 * GIB + 1,
					 16 * GIB, 1024 * GIB };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		uint64_t len = lens[i], at, next = 4096;
		struct runmap_pos pos;
		struct runmap rm;
		struct run r;

		runmap_init(&rm);
		assert_int_equal(runmap_add(&rm, 4096, len, 1ULL << 40), 0);
		assert_int_equal(runmap_add(&rm, 4096 + len, 4096, 7), 0);
		assert_int_equal(runmap_add(&rm, 4096 + len / 2, 1, 7), -EEXIST);
		assert_int_equal(rm.size, len + 4096);
		assert_int_equal(runmap_covered(&rm, 0, UINT64_MAX), len + 4096);
		for (bool ok = runmap_first(&rm, 0, 4095 + len, &pos, &r);
		     ok && r.start < 4096 + len; ok = runmap_next(&rm, &pos, &r)) {
			assert_int_equal(r.start, next);
			assert_int_equal(r.addr, (1ULL << 40) + (r.start - 4096));
			next = r.start + r.len;
		}
		assert_int_equal(next, 4096 + len);
		at = 4096 + len - 8192;
		assert_true(runmap_first(&rm, at, at, &pos, &r));
		assert_int_equal(r.addr + (at - r.start), (1ULL << 40) + len - 8192);
		assert_int_equal(runmap_erase(&rm, 4096, 4095 + len, NULL), len);
		assert_int_equal(rm.size, 4096);
		runmap_destroy(&rm);
	}
}

/* Walking finds what a search finds, in steps of any size, over holes and leaves. */
TEST(walk_is_a_search)
{
	for (uint64_t stride = 1; stride < 3000; stride = stride * 2 + 1) {
		struct runmap_pos at, pos;
		struct run walked = { 0 }, found;
		struct runmap rm;

		runmap_init(&rm);
		assert_false(runmap_walk(&rm, 0, &at, &walked));
		for (uint64_t i = 0; i < 1000; i++)
			assert_int_equal(runmap_add(&rm, i * 8, i % 3 ? 8 : 5, i << 20), 0);
		for (uint64_t key = 0; key < 8100; key += stride) {
			bool there = runmap_first(&rm, key, key, &pos, &found);

			assert_int_equal(runmap_walk(&rm, key, &at, &walked), there);
			if (there)
				assert_memory_equal(&walked, &found, sizeof(found));
		}
		runmap_destroy(&rm);
	}
}

/* ---- memory ---- */

TEST(appended_runs_are_cheap)
{
	const uint64_t n = 1000000;
	struct runmap rm;

	runmap_init(&rm);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(runmap_add(&rm, i * 2, 1, i), 0);
	assert_int_equal(rm.nruns, n);
	assert_true(runmap_memory(&rm) <= 24 * n);
	/* emptied from the front, as an unmap does */
	for (uint64_t i = 0; i < n; i += 100)
		assert_int_equal(runmap_erase(&rm, i * 2, (i + 100) * 2 - 1, NULL), 100);
	assert_int_equal(rm.size, 0);
	assert_int_equal(rm.nruns, 0);
	assert_true(runmap_memory(&rm) < 100000);
	runmap_destroy(&rm);
}

/* Most maps hold one run. */
TEST(small_maps_are_small)
{
	struct runmap rm;

	runmap_init(&rm);
	runmap_add(&rm, 0, 1000, 0);
	assert_true(runmap_memory(&rm) < 64);
	runmap_destroy(&rm);
}

/* Filled from the back, and from both sides of a hole: the worst orders. */
TEST(other_orders)
{
	const uint64_t n = 20000;
	struct runmap rm;

	runmap_init(&rm);
	for (uint64_t i = n; i-- > 0;)
		assert_int_equal(runmap_add(&rm, i * 2, 1, i), 0);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(runmap_add(&rm, i * 2 + 1, 1, i), 0);
	assert_int_equal(rm.nruns, 2 * n);
	assert_true(runmap_memory(&rm) <= 64 * 2 * n);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(runmap_covered(&rm, i * 2, i * 2 + 1), 2);
	assert_int_equal(runmap_erase(&rm, 0, UINT64_MAX, NULL), 2 * n);
	runmap_destroy(&rm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(random_steps), T(differ), T(differ_at_the_edge), T(empty_map), T(refusals),
		T(last_key_of_all),
		T(erase_tells_of_a_cut), T(hole_in_the_middle), T(huge_runs),
		T(walk_is_a_search),
		T(appended_runs_are_cheap), T(small_maps_are_small), T(other_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
