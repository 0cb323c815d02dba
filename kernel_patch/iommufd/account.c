// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is charged for pinned memory.
 *
 * The order is: charge, then pin; unpin, then uncharge. So what is pinned never
 * exceeds what is charged, and a user without CAP_IPC_LOCK never pins more than
 * RLIMIT_MEMLOCK, not even inside an operation. How many pages an operation will
 * pin is known before, since the runs say what is pinned already.
 *
 * The event comes when the operation has settled, with what was charged in all,
 * and the counter and the limit that decided it.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "backing.h"
#include "observe.h"

static unsigned long limit_of(struct ufd_backing *b)
{
	return task_rlimit(b->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* user->locked_vm is shared by all processes of a user, and with io_uring. */
static int charge_user(struct ufd_backing *b, unsigned long npages)
{
	unsigned long old, limit = limit_of(b);

	b->limit = limit;
	old = atomic_long_read(&b->user->locked_vm);
	do {
		b->counter = old;
		if (npages > limit || old > limit - npages)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&b->user->locked_vm, &old, old + npages));
	b->counter = old + npages;
	b->moved += npages;
	return 0;
}

static void uncharge_user(struct ufd_backing *b, unsigned long npages)
{
	b->counter = atomic_long_sub_return(npages, &b->user->locked_vm);
	b->limit = limit_of(b);
	b->moved -= npages;
}

/* mm->locked_vm is what mlock(2) and VFIO use. It dies with its process. */
static int change_mm(struct ufd_backing *b, unsigned long npages, bool inc)
{
	bool own = b->mm == current->mm;
	unsigned long old;
	int rc;

	b->counter = 0;
	b->limit = limit_of(b);
	if (!own && !mmget_not_zero(b->mm))
		return -EINVAL;
	mmap_write_lock(b->mm);
	old = b->mm->locked_vm;
	rc = __account_locked_vm(b->mm, npages, inc, b->task, false);
	b->counter = b->mm->locked_vm;
	b->moved += b->counter - old;
	mmap_write_unlock(b->mm);
	if (!own)
		mmput(b->mm);
	return rc;
}

/**
 * ufd_charge - charge for pages that are going to be pinned
 * @b: the backing, locked
 * @npages: how many
 *
 * Return: 0; -ENOMEM when this would exceed the limit; -EINVAL when the process
 * that would be charged is gone. Then nothing is charged.
 */
int ufd_charge(struct ufd_backing *b, unsigned long npages)
{
	int rc = 0;

	if (!npages)
		return 0;
	if (ufd_inject())
		return -ENOMEM;
	if (b->mode == UFD_CHARGE_USER)
		rc = charge_user(b, npages);
	else if (b->mode == UFD_CHARGE_MM)
		rc = change_mm(b, npages, true);
	if (rc) {
		ufd_see_account(b, npages, rc);
		return rc;
	}
	atomic64_add(npages, &b->mm->pinned_vm);
	b->pinned_moved += npages;
	b->charged += npages;
	return 0;
}

/**
 * ufd_uncharge - give back the charge of pages that are not pinned any more
 * @b: the backing, locked
 * @npages: how many
 */
void ufd_uncharge(struct ufd_backing *b, unsigned long npages)
{
	int rc = 0;

	if (!npages)
		return;
	if (b->mode == UFD_CHARGE_USER)
		uncharge_user(b, npages);
	else if (b->mode == UFD_CHARGE_MM)
		rc = change_mm(b, npages, false);
	atomic64_sub(npages, &b->mm->pinned_vm);
	b->pinned_moved -= npages;
	b->charged -= npages;
	/* The counter went with the mm, nobody is charged too much. */
	if (rc) {
		ufd_see_account(b, -npages, rc);
		b->told = min(b->told, b->charged);
	}
}

/* The operation is over: say what it changed. */
void ufd_account_settle(struct ufd_backing *b)
{
	WARN_ON(b->charged != b->pinned);
	if (b->told == b->charged)
		return;
	ufd_see_account(b, b->charged - b->told, 0);
	b->told = b->charged;
}
