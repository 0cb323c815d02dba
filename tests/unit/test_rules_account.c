// SPDX-License-Identifier: GPL-2.0-only
/* ACCT-FAIL, ACCT-RELEASE, ACCT-PINNEDVM, and ACCT-STEP's counters. */
#include "stream.c"

#define N 8

/* Pinned and mapped, but not charged yet. */
static struct stream *uncharged(uint32_t mode)
{
	struct stream *s = with_domain();

	s->mode = mode;
	map_begin(s, S1, A1, P1, IOVA, N);
	r_pin(s, P1, 0, N);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), N }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, N * PG }));
	return s;
}

static void refuse(struct stream *s, uint64_t P)
{
	r_account(s, P, IMS_ACCT_USER, N, N, 0, -12);
}

/* Unmapped and unpinned, but the charge not given back yet. */
static struct stream *unpinned(uint32_t mode)
{
	struct stream *s = with_domain();

	s->mode = mode;
	map(s, S1, A1, P1, IOVA, N);
	area_leaves(s, A1);
	r_dma_unmap(s, D1, IOVA, N * PG, N * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), N }));
	return s;
}

static void pages_gone(struct stream *s)
{
	r_pages(s, IMS_PAGES_FREE, P1, N, 0, s->mode, true);
}

/* ---- ACCT-FAIL ---- */

TEST(refused_and_undone)
{
	struct stream *s = with_domain();

	map_refused(s, S1, A1, P1, IOVA, N);
	map(s, S1, A1, P1, IOVA, N);
	unmap(s, A1);
	end_with_domain(s);
}

/* Mutant N36 */
TEST(refused_but_mapped)
{
	struct stream *s = uncharged(IMS_ACCT_USER);

	refuse(s, P1);
	r_storage(s, S1, A1, P1, D1);
	expect_violation(s, "ACCT-FAIL", "the area became live though the charge for it was refused",
			 area_ready(s, A1));
	stream_end(s);
}

TEST(refused_but_joined)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, N);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_64, 0);
	r_pin(s, P1, 0, N);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), N }));
	r_dma_map(s, D1, A1, IOVA, RW, 0, RUNS({ PFN(1) * PG, N * PG }));
	refuse(s, P1);
	r_storage(s, S1, A1, P1, D1);
	expect_violation(s, "ACCT-FAIL", "the domain joined",
			 r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_64, 0));
	stream_end(s);
}

TEST(refused_but_accessed)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, N);
	r_pin(s, P1, 0, N);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), N }));
	r_xarray(s, IMS_XA_STORE, P1, 0, N - 1);
	refuse(s, P1);
	expect_violation(s, "ACCT-FAIL", "the access got its pages",
			 r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, N - 1, 0));
	stream_end(s);
}

TEST(refused_and_unmapped_but_pinned)
{
	struct stream *s = uncharged(IMS_ACCT_USER);

	refuse(s, P1);
	r_dma_unmap(s, D1, IOVA, N * PG, N * PG, true);
	also(s, "PIN-USED", NULL);
	expect_violation(s, "ACCT-FAIL", "8 pages are still pinned and 0 charged", area_gone(s, A1));
	stream_end(s);
}

TEST(refused_to_an_access_but_pinned)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, N);
	r_pin(s, P1, 0, N);
	refuse(s, P1);
	expect_violation(s, "ACCT-FAIL", "8 pages are still pinned",
			 r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 0, N - 1, -12));
	stream_end(s);
}

/* What was charged before stays; a driver asks again, without an ioctl in between. */
TEST(refused_beside_what_stays)
{
	struct stream *s = with_ioas();

	map(s, S1, A1, P1, IOVA, N);
	access_pin(s, A1, 0, 3);
	r_pin(s, P1, 4, 4);
	r_pin_runs(s, P1, 4, RUNS({ PFN(1) + 4, 4 }));
	r_account(s, P1, IMS_ACCT_USER, 4, 8, 4, -12);
	r_unpin(s, P1, 4, IMS_UNPIN_LIST, RUNS({ PFN(1) + 4, 4 }));
	r_access_range(s, IMS_ACC_RANGE_PIN, A1, P1, 4, 7, -12);
	access_pin(s, A1, 4, 7);
	access_unpin(s, A1, 0, 3);
	access_unpin(s, A1, 4, 7);
	unmap(s, A1);
	end_with_ioas(s);
}

/* Of another thread, which has no part in it. */
TEST(refused_to_somebody_else)
{
	struct stream *s = uncharged(IMS_ACCT_USER);

	refuse(s, P1);
	thread(s, 2);
	map(s, S1, A2, P2, 0x900000, N);
	unmap(s, A2);
	thread(s, 1);
	r_dma_unmap(s, D1, IOVA, N * PG, N * PG, true);
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), N }));
	area_gone(s, A1);
	pages_put(s, P1);
	r_ioctl(s, IMS_IOCTL_EXIT, -12);
	end_with_domain(s);
}

/* ---- ACCT-STEP: the counter ---- */

TEST(counter_changes_by_another_number)
{
	struct stream *s = uncharged(IMS_ACCT_USER);

	expect_violation(s, "ACCT-STEP", "the counter of mode 1 should have changed by +8 pages, but "
			 "did by +7", r_account_moved(s, P1, IMS_ACCT_USER, N, N - 1, N, 0));
	stream_end(s);
}

TEST(counter_of_a_charge_that_failed)
{
	struct stream *s = uncharged(IMS_ACCT_MM);

	expect_violation(s, "ACCT-STEP", "mode 2 should have changed by +0 pages, but did by +8",
			 r_account_moved(s, P1, IMS_ACCT_MM, N, N, 0, -12));
	stream_end(s);
}

TEST(counter_of_nobody)
{
	struct stream *s = uncharged(IMS_ACCT_NONE);

	expect_violation(s, "ACCT-STEP", "mode 0 should have changed by +0 pages, but did by +8",
			 r_account_moved(s, P1, IMS_ACCT_NONE, N, N, N, 0));
	stream_end(s);
}

/* Mutant N19: what is given back goes to whoever unmaps. */
TEST(counter_of_somebody_else)
{
	struct stream *s = unpinned(IMS_ACCT_USER);

	expect_violation(s, "ACCT-STEP", "should have changed by -8 pages, but did by +0",
			 r_account_moved(s, P1, IMS_ACCT_USER, -N, 0, -N, 0));
	stream_end(s);
}

/* ---- ACCT-PINNEDVM, ACCT-RELEASE ---- */

TEST(pinned_vm_is_forgotten)
{
	static const uint32_t modes[] = { IMS_ACCT_NONE, IMS_ACCT_USER, IMS_ACCT_MM };

	for (int i = 0; i < 3; i++) {
		struct stream *s = uncharged(modes[i]);

		expect_violation(s, "ACCT-PINNEDVM", "a charge of +8 pages changed mm->pinned_vm of "
				 "their owner by +0",
				 r_account_moved(s, P1, modes[i], N, modes[i] ? N : 0, 0, 0));
		stream_end(s);
	}
}

TEST(pinned_vm_is_kept)
{
	struct stream *s = unpinned(IMS_ACCT_USER);

	expect_violation(s, "ACCT-PINNEDVM", "a charge of -8 pages",
			 r_account_moved(s, P1, IMS_ACCT_USER, -N, -N, 0, 0));
	area_gone(s, A1);
	expect_violation(s, "ACCT-RELEASE", "has changed mm->pinned_vm by +8 pages", pages_gone(s));
	stream_end(s);
}

TEST(charge_is_kept)
{
	struct stream *s = unpinned(IMS_ACCT_NONE);

	expect_violation(s, "ACCT-EQ", NULL, area_gone(s, A1));
	expect_violation(s, "ACCT-RELEASE", "freed while 8 pages are charged", pages_gone(s));
	stream_end(s);
}

/* Nothing can be given back to a dead mm. */
TEST(charge_of_a_dead_mm)
{
	struct stream *s = unpinned(IMS_ACCT_MM);

	r_account(s, P1, IMS_ACCT_MM, -N, 0, N, -22);
	area_gone(s, A1);
	pages_gone(s);
	stream_end(s);
}

TEST(all_modes_balance)
{
	static const uint32_t modes[] = { IMS_ACCT_NONE, IMS_ACCT_USER, IMS_ACCT_MM };

	for (int i = 0; i < 3; i++) {
		struct stream *s = with_domain();

		s->mode = modes[i];
		map(s, S1, A1, P1, IOVA, N);
		unmap(s, A1);
		end_with_domain(s);
	}
}

TESTS(T(refused_and_undone), T(refused_but_mapped), T(refused_but_joined), T(refused_but_accessed),
      T(refused_and_unmapped_but_pinned), T(refused_to_an_access_but_pinned),
      T(refused_beside_what_stays), T(refused_to_somebody_else),
      T(counter_changes_by_another_number), T(counter_of_a_charge_that_failed),
      T(counter_of_nobody), T(counter_of_somebody_else), T(pinned_vm_is_forgotten),
      T(pinned_vm_is_kept), T(charge_is_kept), T(charge_of_a_dead_mm), T(all_modes_balance))
