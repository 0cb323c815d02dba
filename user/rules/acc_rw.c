// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACC-RW (semantic): an in-kernel access that reads or writes copies the bytes that the
 * areas show at its IOVAs, all of them, in order, and no others; through a PFN only
 * if that is what is pinned there.
 *
 * Exceptions: one that fails has copied some of the first bytes, or none.  A copy
 * through the user's address space may see another page than a device would: there
 * the address counts.  Whether all of it came is not judged when others changed the
 * IOAS meanwhile.  That areas permit it is PROT-ACC's business.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_acc_rw;

static void copy(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_copy *r = &ev->r->p.access_copy;
	struct runmap_pos pos;
	struct run run;

	if (!ev->pages)
		return;
	if (r->index >= ev->pages->npages || r->offset >= IMS_PAGE ||
	    r->length > ((ev->pages->npages - r->index) << IMS_PAGE_SHIFT) - r->offset ||
	    (r->path != IMS_COPY_USER && r->length > IMS_PAGE - r->offset))
		violate(v, &rule_acc_rw, ev,
			"an access copied %#llx bytes from %#x in page %llu on, of %llu pages",
			(unsigned long long)r->length, r->offset, (unsigned long long)r->index,
			(unsigned long long)ev->pages->npages);
	else if (r->path == IMS_COPY_PINNED &&
		 (!runmap_first(&ev->pages->pins, r->index, r->index, &pos, &run) ||
		  (run.addr + (r->index - run.start) != r->pfn &&
		   !(run.addr & IMS_ADDR_UNKNOWN))))
		violate(v, &rule_acc_rw, ev,
			"an access copied PFN %#llx for page %llu, which is not what is pinned there",
			(unsigned long long)r->pfn, (unsigned long long)r->index);
}

/* The copies are the bytes of live areas from *iova on; else *iova is where they are not. */
static bool follow(const struct m_ioas *s, const struct m_told *t, uint64_t *iova)
{
	for (uint32_t i = 0; i < t->ncopies; i++) {
		struct m_slice c = t->copy[i];

		while (c.length) {
			const struct m_area *a = model_area_first(s, *iova, *iova, NULL);
			uint64_t n;

			if (!a || !a->pages || a->pages->cookie != c.pages ||
			    area_byte(a, *iova) != c.byte)
				return false;
			n = a->last - *iova + 1;
			n = n && n < c.length ? n : c.length;
			c.length -= n;
			c.byte += n;
			*iova += n;
		}
	}
	return true;
}

static void rw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;
	const struct m_op *op = ev->op;
	const struct m_told *t = op ? &op->told : NULL;
	uint64_t iova = r->iova;

	if (ev->r->h.action != IMS_ACC_RW || !t || t->copies_missing || !ev->ioas ||
	    ioas_changed_by_others(ev->ioas, op->enter ? op->enter : op->since, ev->r->h.tid))
		return;
	if (!follow(ev->ioas, t, &iova))
		violate(v, &rule_acc_rw, ev,
			"an access was to copy IOVA %#llx-%#llx, but the copy that came for %#llx is not of that",
			(unsigned long long)r->iova, (unsigned long long)(r->iova + r->length - 1),
			(unsigned long long)iova);
	else if (iova - r->iova > r->length || (!r->rc && iova - r->iova != r->length))
		violate(v, &rule_acc_rw, ev,
			"an access was to copy %#llx bytes from IOVA %#llx on, and copied %#llx",
			(unsigned long long)r->length, (unsigned long long)r->iova,
			(unsigned long long)(iova - r->iova));
	else if (r->flags & M_RW_WRITE ? t->read : t->wrote)
		violate(v, &rule_acc_rw, ev, "an access %s IOVA %#llx-%#llx where it was to %s",
			r->flags & M_RW_WRITE ? "read" : "wrote", (unsigned long long)r->iova,
			(unsigned long long)(r->iova + r->length - 1),
			r->flags & M_RW_WRITE ? "write" : "read");
}

const struct ims_rule rule_acc_rw = {
	.id = "ACC-RW", .severity = 'M',
	.statement = "reads and writes of accesses copy exactly what is mapped at their IOVAs",
	.before = { { IMS_ACCESS_COPY, copy }, { IMS_ACCESS_OP, rw } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES, IMS_PIN, IMS_PIN_RUNS),
};
