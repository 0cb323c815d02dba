// SPDX-License-Identifier: GPL-2.0-only
/* history: what is found is whole, in order, of the ctx, and not overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/history.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define T(name) cmocka_unit_test(name)
#define MAX 12

/* An unpin of @pages with @nruns runs that repeat the number of the record. */
static void add(struct history *h, uint64_t ctx, uint64_t pages, uint64_t number,
		unsigned int nruns)
{
	size_t size = sizeof(struct ims_hdr) + sizeof(struct ims_unpin) +
		      nruns * sizeof(struct ims_run);
	struct ims_record *r = malloc(size);
	struct ims_run *runs = (struct ims_run *)((char *)r + size) - nruns;

	assert_non_null(r);
	r->h = (struct ims_hdr){ .ctx = ctx, .seq = number, .kind = IMS_UNPIN, .nruns = nruns };
	memcpy(&r->p, &(struct ims_unpin){ .pages = pages, .index = number }, sizeof(r->p.unpin));
	for (unsigned int i = 0; i < nruns; i++)
		runs[i] = (struct ims_run){ number, i };
	history_add(h, r);
	free(r);
}

static void whole(const struct ims_record *r)
{
	const struct ims_run *runs = ims_runs(r);

	assert_int_equal(r->h.kind, IMS_UNPIN);
	assert_int_equal(r->p.unpin.index, r->h.seq);
	for (unsigned int i = 0; i < r->h.nruns; i++)
		assert_true(runs[i].addr == r->h.seq && runs[i].len == i);
}

static unsigned int find(struct history *h, uint64_t ctx, uint64_t pages,
			 const struct ims_record **out)
{
	unsigned int n = history_find(h, ctx, &pages, 1, false, out, MAX);

	for (unsigned int i = 0; i < n; i++) {
		whole(out[i]);
		assert_true(!i || out[i]->h.seq > out[i - 1]->h.seq);
	}
	return n;
}

TEST(nothing_yet)
{
	const struct ims_record *out[MAX];
	struct history h;

	assert_int_equal(history_init(&h), 0);
	assert_int_equal(find(&h, 1, 1, out), 0);
	history_destroy(&h);
}

TEST(last_ones_in_order)
{
	const struct ims_record *out[MAX];
	struct history h;
	unsigned int n;

	assert_int_equal(history_init(&h), 0);
	for (unsigned int i = 1; i <= 100; i++)
		add(&h, 1 + i % 2, 10 + i % 3, i, i % 5);
	/* the newest one is the offender and always there */
	n = find(&h, 1, 10, out);
	assert_int_equal(n, MAX);
	assert_int_equal(out[n - 1]->h.seq, 100);
	for (unsigned int i = 0; i + 1 < n; i++) {
		assert_int_equal(out[i]->h.ctx, 1);
		assert_int_equal(out[i]->p.unpin.pages, 10);
	}
	assert_int_equal(out[n - 2]->h.seq, 96);
	assert_int_equal(find(&h, 3, 10, out), 1);
	assert_int_equal(find(&h, 1, 0, out), 1);
	history_destroy(&h);
}

/* What was at the address before the object was born is of another. */
TEST(back_to_the_birth)
{
	struct {
		struct ims_hdr h;
		struct ims_pages p;
	} birth = { .h = { .ctx = 1, .seq = 2, .kind = IMS_PAGES, .action = IMS_PAGES_ALLOC },
		    .p = { .pages = 10 } };
	const struct ims_record *out[MAX];
	uint64_t cookies[2] = { 10, 11 };
	struct history h;

	assert_int_equal(history_init(&h), 0);
	add(&h, 1, 10, 1, 1);
	add(&h, 1, 11, 1, 1);
	history_add(&h, (const struct ims_record *)&birth);
	add(&h, 1, 10, 3, 1);
	add(&h, 2, 10, 4, 1);
	add(&h, 1, 10, 5, 1);
	assert_int_equal(history_find(&h, 1, cookies, 2, false, out, MAX), 4);
	assert_int_equal(out[0]->p.unpin.pages, 11);
	assert_int_equal(out[1]->h.kind, IMS_PAGES);
	assert_int_equal(out[2]->h.seq, 3);
	assert_int_equal(out[3]->h.seq, 5);
	history_destroy(&h);
}

static void add_ioctl(struct history *h, uint32_t tid, uint64_t number, int action)
{
	struct {
		struct ims_hdr h;
		struct ims_ioctl p;
	} r = { .h = { .ctx = 1, .tid = tid, .seq = number, .kind = IMS_IOCTL, .action = action } };

	history_add(h, (const struct ims_record *)&r);
}

/* Of the ioctls only the one that a record belongs to, and its beginning. */
TEST(beginnings_of_ioctls)
{
	const struct ims_record *out[MAX];
	uint64_t cookie = 10;
	struct history h;

	assert_int_equal(history_init(&h), 0);
	add_ioctl(&h, 0, 1, IMS_IOCTL_ENTER);
	add(&h, 1, 10, 2, 1);
	add_ioctl(&h, 0, 3, IMS_IOCTL_EXIT);
	add_ioctl(&h, 0, 4, IMS_IOCTL_ENTER);		/* did nothing to it */
	add_ioctl(&h, 0, 5, IMS_IOCTL_EXIT);
	add_ioctl(&h, 0, 6, IMS_IOCTL_ENTER);
	add_ioctl(&h, 7, 7, IMS_IOCTL_ENTER);		/* another thread */
	add(&h, 1, 10, 8, 1);
	assert_int_equal(history_find(&h, 1, &cookie, 1, true, out, MAX), 4);
	assert_int_equal(out[0]->h.seq, 1);
	assert_int_equal(out[1]->h.seq, 2);
	assert_int_equal(out[2]->h.seq, 6);
	assert_int_equal(out[3]->h.seq, 8);
	history_destroy(&h);
}

/* Far more than the buffer holds, in records of all sizes. */
TEST(old_ones_are_overwritten)
{
	const struct ims_record *out[MAX];
	struct history h;

	assert_int_equal(history_init(&h), 0);
	srand(1);
	add(&h, 1, 77, 1, 1);
	for (unsigned int i = 2; i < 60000; i++) {
		add(&h, 1, i % 1000 ? 10 : 11, i, rand() % 256);
		if (i % 97 == 0)
			find(&h, 1, 11, out);
	}
	assert_int_equal(find(&h, 1, 77, out), 1);	/* only the newest */
	assert_int_equal(out[0]->h.seq, 59999);
	for (unsigned int i = 60000; i < 100000; i++)	/* small ones: the count is the limit */
		add(&h, 1, 10, i, 0);
	assert_int_equal(find(&h, 1, 11, out), 1);
	assert_int_equal(find(&h, 1, 10, out), MAX);
	history_destroy(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_yet), T(last_ones_in_order), T(back_to_the_birth),
		T(beginnings_of_ioctls), T(old_ones_are_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
