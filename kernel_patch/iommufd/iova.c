// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a window may be.
 */
#include <linux/interval_tree.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "space.h"

/**
 * ufd_iova_check - may a window be at an IOVA that user space chose?
 * @s: the space, map_lock is held
 * @iova: start
 * @length: bytes
 *
 * Return: 0, -EINVAL when it is not aligned or kept out, -EEXIST when it is used,
 * -EOVERFLOW
 */
int ufd_iova_check(struct ufd_space *s, unsigned long iova, unsigned long length)
{
	unsigned long last;

	if (!IS_ALIGNED(iova, s->align))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (interval_tree_iter_first(&s->keepouts, iova, last))
		return -EINVAL;
	if (ufd_window_first(s, iova, last))
		return -EEXIST;
	return 0;
}

/*
 * The first place in [@low, @high] that is congruent to @offset modulo @step.
 * Whatever is in the way is skipped whole, so there are as many tries as
 * obstacles.
 */
static bool search(struct ufd_space *s, unsigned long low, unsigned long high,
		   unsigned long length, unsigned long step, unsigned long offset,
		   unsigned long *iova)
{
	struct interval_tree_node *node;
	unsigned long at, last;

	for (;;) {
		at = (low & ~(step - 1)) + offset;
		if (at < low && check_add_overflow(at, step, &at))
			return false;
		if (check_add_overflow(at, length - 1, &last) || last > high)
			return false;
		node = interval_tree_iter_first(&s->keepouts, at, last) ?:
		       interval_tree_iter_first(&s->windows, at, last);
		if (!node) {
			*iova = at;
			return true;
		}
		if (node->last >= high)
			return false;
		low = node->last + 1;
	}
}

/*
 * What is aligned in user memory should be aligned in IOVA space, so that large
 * pages of one become large pages of the other; but not more than that is worth.
 */
static unsigned long wanted_alignment(unsigned long hint, unsigned long length)
{
	unsigned long most = IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? HPAGE_SIZE : PAGE_SIZE;
	unsigned long align = roundup_pow_of_two(length);

	if (hint)
		align = min(align, 1UL << __ffs(hint));
	return min(align, most);
}

/**
 * ufd_iova_choose - find a place for a window
 * @s: the space, map_lock is held
 * @hint: user address that it shows
 * @length: bytes
 * @iova: result, never in the first or in the last page
 *
 * Return: 0, -ENOSPC; -EINVAL when the hint is not aligned as the space demands;
 * -EOVERFLOW
 */
int ufd_iova_choose(struct ufd_space *s, unsigned long hint, unsigned long length,
		    unsigned long *iova)
{
	const unsigned long low = PAGE_SIZE, high = ULONG_MAX - PAGE_SIZE;
	unsigned long align, step;
	unsigned int i;

	if (!length || length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	align = wanted_alignment(hint, length);
	if (align < s->align)
		return -EINVAL;
	step = max(align, PAGE_SIZE);

	if (!s->allowed || !s->allowed->n)
		return search(s, low, high, length, step, offset_in_page(hint), iova) ? 0 :
										 -ENOSPC;
	for (i = 0; i < s->allowed->n; i++) {
		unsigned long first = max_t(unsigned long, s->allowed->range[i].start, low);
		unsigned long last = min_t(unsigned long, s->allowed->range[i].last, high);

		if (first <= last &&
		    search(s, first, last, length, step, offset_in_page(hint), iova))
			return 0;
	}
	return -ENOSPC;
}
