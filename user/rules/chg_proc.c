// SPDX-License-Identifier: GPL-2.0-only
/*
 * CHG-PROC (resource): a change of process moves pages of files only, all of them, and
 * charges the new process before it releases the old one, for just as many pages.
 *
 * User memory has no meaning in another process.  When the call succeeds, every pages
 * object that was there names the mm of the new process.  Exceptions: in between both are
 * charged; what others map once the locks are dropped, before the call returns.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_chg_proc;

static void process(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_PROC_MOVE && ev->pages && !ev->pages->memfd)
		violate(v, &rule_chg_proc, ev,
			"pages that are not of a file were moved to another process");
}

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_account *r = &ev->r->p.account;
	uint64_t released = -(uint64_t)r->delta;

	if (op_changes_process(ev->op) && !r->rc && r->delta < 0 &&
	    (ev->op->taken < 0 || (uint64_t)ev->op->taken < released))
		violate(v, &rule_chg_proc, ev,
			"%llu pages were released, but only %lld are charged to the new process and not released yet",
			(unsigned long long)released, (long long)ev->op->taken);
}

static void left_behind(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_pages *p;
	uint32_t i;

	table_for_each(&ev->ctx->pages, i, p)
		if (p->areas && p->born < ev->op->moving && p->mm != ev->op->new_mm) {
			violate(v, &rule_chg_proc, ev,
				"the process changed, but pages at %#llx still belong to mm %#llx",
				(unsigned long long)p->uptr, (unsigned long long)p->mm);
			return;
		}
}

static void ioctl(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action != IMS_IOCTL_EXIT || !op_changes_process(ev->op))
		return;
	if (ev->op->taken)
		violate(v, &rule_chg_proc, ev,
			"the new process was charged for %lld pages more than the old one was released of",
			(long long)ev->op->taken);
	if (ev->r->p.ioctl.rc && ev->op->moving)
		violate(v, &rule_chg_proc, ev, "the call failed (%d) after it had moved pages",
			ev->r->p.ioctl.rc);
	else if (ev->op->moving)
		left_behind(v, ev);
}

const struct ims_rule rule_chg_proc = {
	.id = "CHG-PROC", .severity = 'R',
	.statement = "another process takes over all pages, all of files, and their charge",
	.before = { { IMS_PROCESS, process }, { IMS_ACCOUNT, account }, { IMS_IOCTL, ioctl } },
	.needs = IMS_NEEDS(IMS_FILE, IMS_PAGES),
};
