// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-PFN (security): the pages that an in-kernel access gets when it pins are, one by
 * one, those that are pinned for it, all of them and no others.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_pfn;

/* How many pages from @index on are pinned as that PFN and the next ones; at most @n. */
static uint64_t same(struct m_pages *p, uint64_t index, uint64_t pfn, uint64_t n)
{
	struct runmap_pos pos;
	struct run r;

	if (!runmap_first(&p->pins, index, index, &pos, &r) ||
	    (r.addr + (index - r.start) != pfn && !(r.addr & IMS_ADDR_UNKNOWN)))
		return 0;
	r.len -= index - r.start;
	return n < r.len ? n : r.len;
}

static bool run_ok(struct ims_verifier *v, const struct m_event *ev, uint64_t index,
		   const struct ims_run *run)
{
	for (uint64_t done = 0, n; done < run->len; done += n) {
		n = same(ev->pages, index + done, run->addr + done, run->len - done);
		if (n)
			continue;
		violate(v, &rule_acc_pfn, ev,
			"an access was given PFN %#llx for page %llu, which is not what is pinned there",
			(unsigned long long)(run->addr + done), (unsigned long long)(index + done));
		return false;
	}
	return true;
}

static void pfns(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_pfns *r = &ev->r->p.access_pfns;
	const struct m_told *t = ev->op ? &ev->op->told : NULL;
	uint64_t index = r->index, left;

	if (!t || !ev->pages)
		return;
	left = t->pages == r->pages && t->index == r->index ? t->left : 0;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++) {
		const struct ims_run *run = &ev->runs[i];

		if (run->len > left) {
			violate(v, &rule_acc_pfn, ev,
				"an access was given %llu pages from page %llu on, but has pinned %llu of them",
				(unsigned long long)run->len, (unsigned long long)index,
				(unsigned long long)left);
			return;
		}
		if (!run_ok(v, ev, index, run))
			return;
		index += run->len;
		left -= run->len;
	}
}

/* The slice before, if any, was given completely. */
static void complete(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_told *t = ev->op ? &ev->op->told : NULL;

	if (t && t->left)
		violate(v, &rule_acc_pfn, ev,
			"an access has pinned %llu pages from page %llu on that it was not given",
			(unsigned long long)t->left, (unsigned long long)t->index);
}

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_ACC_RANGE_PIN && !ev->r->p.access_range.rc)
		complete(v, ev);
}

static void op(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_ACC_PIN && !ev->r->p.access_op.rc)
		complete(v, ev);
}

const struct ims_rule rule_acc_pfn = {
	.id = "ACC-PFN", .severity = 'S',
	.statement = "an in-kernel access is given exactly the pages that are pinned for it",
	.before = { { IMS_ACCESS_PFNS, pfns }, { IMS_ACCESS_RANGE, range }, { IMS_ACCESS_OP, op } },
	.needs = IMS_NEEDS(IMS_PIN, IMS_PIN_RUNS, IMS_PAGES),
};
