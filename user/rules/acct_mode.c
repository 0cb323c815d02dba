// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-MODE (resource): the mode of a pages object never changes, and is the ctx's:
 * user->locked_vm by default, mm->locked_vm in RLIMIT mode 1, nothing when the
 * mapper has CAP_IPC_LOCK.
 *
 * Exception: a ctx opened through /dev/vfio/vfio starts in the other mode, so the
 * default is not judged before an RLIMIT_MODE was seen.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_mode;

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t mode = ev->r->p.pages.mode;

	if (ev->r->h.action == IMS_PAGES_ALLOC && mode != IMS_ACCT_NONE &&
	    ev->ctx->rlimit_mode >= 0 && mode != (uint32_t)ev->ctx->rlimit_mode)
		violate(v, &rule_acct_mode, ev,
			"a pages object is charged in mode %u, the ctx is in mode %d", mode,
			ev->ctx->rlimit_mode);
}

static void account(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->pages && ev->r->p.account.mode != ev->pages->mode)
		violate(v, &rule_acct_mode, ev,
			"a charge in mode %u of a pages object that was made in mode %u",
			ev->r->p.account.mode, ev->pages->mode);
}

const struct ims_rule rule_acct_mode = {
	.id = "ACCT-MODE", .severity = 'R',
	.statement = "a pages object is charged the way its ctx says, all its life",
	.before = { { IMS_PAGES, pages }, { IMS_ACCOUNT, account } },
};
