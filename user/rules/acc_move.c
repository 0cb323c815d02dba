// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-MOVE (security): an access joins the list of an IOAS when it is attached and
 * leaves that list when it is detached or moved; an IOAS that lists an access that
 * has gone would call into freed memory.  Only accesses on the list are asked to let go.
 *
 * Exception: who asks does not hold the lock of the list, so another thread may take the
 * access off in between.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_move;

static bool listed(const struct m_ioas *s, uint64_t access)
{
	for (const struct m_range *a = s->accesses; a; a = a->next)
		if (a->owner == access)
			return true;
	return false;
}

static void access(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access *r = &ev->r->p.access;

	if (!ev->ioas || r->rc)
		return;
	if (ev->r->h.action == IMS_ACC_REMOVE && !listed(ev->ioas, r->access))
		violate(v, &rule_acc_move, ev, "access %u left IOAS %u, which does not list it", r->id,
			ev->ioas->id);
}

static bool just_left(const struct m_event *ev)
{
	const struct m_ioas *s = ev->ioas;

	return s->access_left && s->access_left_tid != ev->r->h.tid &&
	       s->access_left >= (ev->op ? ev->op->enter : 0);
}

static void op(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;

	if (ev->r->h.action == IMS_ACC_NOTIFY_BEGIN && ev->ioas && r->access &&
	    !listed(ev->ioas, r->access) && !just_left(ev))
		violate(v, &rule_acc_move, ev,
			"access %#llx is asked to let go of IOVA %#llx of IOAS %u, which does not list it",
			(unsigned long long)r->access, (unsigned long long)r->iova, ev->ioas->id);
}

static void ctx(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ioas *s;
	uint32_t i;

	if (ev->r->h.action != IMS_CTX_FREED)
		return;
	table_for_each(&ev->ctx->ioases, i, s)
		if (s->accesses)
			violate(v, &rule_acc_move, ev, "IOAS %u still lists access %#llx at the end",
				s->id, (unsigned long long)s->accesses->owner);
}

const struct ims_rule rule_acc_move = {
	.id = "ACC-MOVE", .severity = 'S',
	.statement = "an access is listed exactly by the IOAS it is attached to",
	.before = { { IMS_ACCESS, access }, { IMS_ACCESS_OP, op }, { IMS_CTX, ctx } },
};
