// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROT-ACC (security): an access that pins for writing needs a writeable area of
 * writable pages, one that pins for reading a readable area.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_prot_acc;

static void range(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_range *r = &ev->r->p.access_range;
	const struct m_area *a = ev->area;
	bool ok;

	if (ev->r->h.action != IMS_ACC_RANGE_PIN || r->rc || !a || !ev->pages)
		return;
	ok = r->flags & M_RW_WRITE ? a->prot & IMS_PROT_WRITE && ev->pages->writable :
				   a->prot & IMS_PROT_READ;
	if (!ok)
		violate(v, &rule_prot_acc, ev,
			"an access pinned pages %llu-%llu for %s, the area permits %#x",
			(unsigned long long)r->index, (unsigned long long)r->last,
			r->flags & M_RW_WRITE ? "writing" : "reading", a->prot);
}

/* Reads and writes say what they did when they are done: not judged if others changed the IOAS. */
static void rw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;
	uint32_t need = r->flags & M_RW_WRITE ? IMS_PROT_WRITE : IMS_PROT_READ;
	uint64_t last = r->iova + (r->length - 1);
	const struct m_area *a;
	uint32_t pos = 0;

	if (ev->r->h.action != IMS_ACC_RW || r->rc || !r->length || !ev->ioas || !ev->op ||
	    !ev->op->enter || ev->ioas->changed >= ev->op->enter)
		return;
	for (a = model_area_first(ev->ioas, r->iova, last, &pos); a && a->iova <= last;
	     a = ++pos < ev->ioas->nareas ? ev->ioas->areas[pos] : NULL)
		if (!(a->prot & need) ||
		    (need == IMS_PROT_WRITE && a->pages && !a->pages->writable)) {
			violate(v, &rule_prot_acc, ev,
				"an access %s IOVA %#llx-%#llx, area %#llx-%#llx permits %#x",
				need == IMS_PROT_WRITE ? "wrote" : "read",
				(unsigned long long)r->iova, (unsigned long long)last,
				(unsigned long long)a->iova, (unsigned long long)a->last, a->prot);
			return;
		}
}

const struct ims_rule rule_prot_acc = {
	.id = "PROT-ACC", .severity = 'S',
	.statement = "an access pins for what the area permits",
	.before = { { IMS_ACCESS_RANGE, range }, { IMS_ACCESS_OP, rw } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
