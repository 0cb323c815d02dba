// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-CONTIG (security): an access that pinned a range found live areas over all of
 * it, without a hole.
 *
 * The record is written when the call is over and the lock dropped, so it is not
 * judged when the IOAS was changed while the call ran.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_contig;

static void pin(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;
	uint64_t x = r->iova, last = r->iova + (r->length - 1);

	if (ev->r->h.action != IMS_ACC_PIN || r->rc || !r->length || last < r->iova ||
	    !ev->ioas || !ev->op || !ev->op->enter || ev->ioas->changed >= ev->op->enter)
		return;
	for (;;) {
		const struct m_area *a = model_area_first(ev->ioas, x, x, NULL);

		if (!a || a->state != M_LIVE) {
			violate(v, &rule_acc_contig, ev,
				"an access pinned IOVA %#llx-%#llx, but nothing is mapped at %#llx",
				(unsigned long long)r->iova, (unsigned long long)last,
				(unsigned long long)x);
			return;
		}
		if (a->last >= last)
			return;
		x = a->last + 1;
	}
}

const struct ims_rule rule_acc_contig = {
	.id = "ACC-CONTIG", .severity = 'S',
	.statement = "an access pins only what is mapped without a hole",
	.before = { { IMS_ACCESS_OP, pin } },
	.needs = IMS_NEEDS(IMS_AREA),
};
