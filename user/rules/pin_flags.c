// SPDX-License-Identifier: GPL-2.0-only
/*
 * PIN-FLAGS (security): a pin that is held is FOLL_LONGTERM, and FOLL_WRITE if and only
 * if the pages object is writable.  Without the first, DMA goes to movable memory;
 * without the second, to a page that other processes share.  So does an access that
 * writes: what it pins for the time of the copy is FOLL_WRITE.
 *
 * Exceptions: the transient pin of a read, which needs neither; pages of a file, which
 * are always pinned for long, and never copied when they are written to.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pin_flags;

static void pin(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t flags = ev->r->p.pin.flags;

	if (ev->r->h.action != IMS_PIN_HELD || !ev->pages || flags & IMS_PIN_FILE)
		return;
	if (!(flags & IMS_PIN_LONGTERM))
		violate(v, &rule_pin_flags, ev, "pages from %llu on were pinned without FOLL_LONGTERM",
			(unsigned long long)ev->r->p.pin.index);
	else if (!(flags & IMS_PIN_WRITE) == ev->pages->writable)
		violate(v, &rule_pin_flags, ev,
			"pages from %llu on were pinned %s FOLL_WRITE, but the object is %s",
			(unsigned long long)ev->r->p.pin.index,
			flags & IMS_PIN_WRITE ? "with" : "without",
			ev->pages->writable ? "writable" : "read-only");
}

static void access_op(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_access_op *r = &ev->r->p.access_op;

	if (ev->r->h.action == IMS_ACC_RW && r->flags & M_RW_WRITE && ev->op &&
	    ev->op->told.pinned_to_read)
		violate(v, &rule_pin_flags, ev,
			"an access wrote to IOVA %#llx-%#llx, to a page that was pinned without FOLL_WRITE",
			(unsigned long long)r->iova, (unsigned long long)(r->iova + r->length - 1));
}

const struct ims_rule rule_pin_flags = {
	.id = "PIN-FLAGS", .severity = 'S',
	.statement = "held pins are long-term, and for writing iff the pages are writable",
	.before = { { IMS_PIN, pin }, { IMS_ACCESS_OP, access_op } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
