// SPDX-License-Identifier: GPL-2.0-only
/* Who may be in something that began unseen: source/unseen.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "source/unseen.h"

/* Threads with their time in user mode, up to a thread 0. */
static void look(struct unseen *u, const struct snap_thread *threads)
{
	struct snap_threads now = {};

	for (; threads->h.id; threads++)
		assert_int_equal(snap_list_add(now.list, threads), 0);
	unseen_look(u, &now);
}

#define LOOK(u, ...) look(u, (struct snap_thread[]){ __VA_ARGS__ { .h.id = 0 } })
#define AT(tid, ns) { .h = { SNAP_THREAD, tid }, .utime = ns },

static void test_nobody_is_known_before_a_look(void **state)
{
	struct unseen u = {};

	(void)state;
	assert_true(unseen_left(&u));
	LOOK(&u, );
	assert_false(unseen_left(&u));
	unseen_begin(&u);
	assert_true(unseen_left(&u));
}

static void test_each_must_be_outside_once(void **state)
{
	struct unseen u = {};

	(void)state;
	LOOK(&u, AT(7, 100) AT(8, 100));
	LOOK(&u, AT(8, 100));
	assert_true(unseen_left(&u));
	LOOK(&u, AT(7, 100) AT(8, 100));	/* 7 is in something that was seen to begin */
	assert_int_equal(u.threads.list.n, 1);
	LOOK(&u, AT(7, 100));
	assert_false(unseen_left(&u));
	unseen_begin(&u);
}

static void test_who_comes_later_is_seen(void **state)
{
	struct unseen u = {};

	(void)state;
	LOOK(&u, AT(7, 100));
	LOOK(&u, AT(9, 100));
	assert_false(unseen_left(&u));
	unseen_begin(&u);
}

static void test_user_mode_is_outside(void **state)
{
	struct unseen u = {};

	(void)state;
	LOOK(&u, AT(7, 100) AT(8, 100));
	LOOK(&u, AT(7, 104) AT(8, 100));
	assert_int_equal(u.threads.list.n, 1);
	assert_int_equal(u.threads.list.at[0].h.id, 8);
	unseen_begin(&u);
}

static void test_an_ioctl_in_the_stream_ends_it(void **state)
{
	struct unseen u = {};

	(void)state;
	LOOK(&u, AT(7, 100) AT(8, 100));
	unseen_forget(&u, 7);
	unseen_forget(&u, 7);
	assert_true(unseen_left(&u));
	unseen_forget(&u, 8);
	assert_false(unseen_left(&u));
	unseen_begin(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_known_before_a_look),
		cmocka_unit_test(test_each_must_be_outside_once),
		cmocka_unit_test(test_who_comes_later_is_seen),
		cmocka_unit_test(test_user_mode_is_outside),
		cmocka_unit_test(test_an_ioctl_in_the_stream_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
