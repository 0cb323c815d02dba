// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACCT-MODE (resource): the mode of a pages object never changes, and is the ctx's:
 * user->locked_vm by default, mm->locked_vm in RLIMIT mode 1, nothing when the
 * mapper has CAP_IPC_LOCK.  The user, the mm and the process that it names are those of
 * who mapped, also when others pin later: in another process, by a COPY or an access.
 *
 * Exceptions: a kernel that does not tell who mapped; a dma-buf, for which nobody is
 * charged; a ctx opened through
 * /dev/vfio/vfio starts in the other mode, so that the choice between user and mm is not
 * judged before an RLIMIT_MODE was seen.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acct_mode;

static void mapper(struct ims_verifier *v, const struct m_event *ev, uint32_t flags,
		   uint32_t mode)
{
	const char *stranger = !(flags & IMS_MAPPER_USER) ? "user" :
			       !(flags & IMS_MAPPER_MM) ? "mm" :
			       !(flags & IMS_MAPPER_TASK) ? "process" : NULL;

	if (stranger)
		violate(v, &rule_acct_mode, ev, "the %s of a pages object is not that of who mapped",
			stranger);
	if (flags & IMS_MAPPER_DMABUF)
		return;
	if ((mode == IMS_ACCT_NONE) != !!(flags & IMS_MAPPER_IPC_LOCK))
		violate(v, &rule_acct_mode, ev, "a pages object is %s though who mapped has %s",
			mode == IMS_ACCT_NONE ? "charged to nobody" : "charged",
			flags & IMS_MAPPER_IPC_LOCK ? "CAP_IPC_LOCK" : "no CAP_IPC_LOCK");
}

static void pages(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t mode = ev->r->p.pages.mode;

	if (ev->r->h.action == IMS_PAGES_ALLOC && ev->r->p.pages.mapper)
		mapper(v, ev, ev->r->p.pages.mapper, mode);
	if (ev->r->h.action == IMS_PAGES_ALLOC && mode != IMS_ACCT_NONE &&
	    ev->ctx->rlimit_mode >= 0 && mode != (uint32_t)ev->ctx->rlimit_mode &&
	    !model_others_in(ev, M_CMD_OPTION))
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
