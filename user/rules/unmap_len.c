// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP-LEN (semantic): the length an unmap reports is the sum of the lengths of
 * the areas it removed, and the ioctl hands that number on.
 *
 * Exception: a failing ioctl does not copy the length back; VFIO_IOMMU_UNMAP_DMA does, unless
 * that is what failed.
 */
#include <errno.h>

#include "rules/rules.h"

extern const struct ims_rule rule_unmap_len;

static bool is_told(const struct m_event *ev)
{
	int rc = ev->r->p.unmap.rc;

	return !rc || (ev->op->enter && ev->op->cmd == M_CMD_VFIO_UNMAP && rc != -EFAULT);
}

static void unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_unmap *r = &ev->r->p.unmap;

	if (!ev->op)
		return;
	if (ev->r->h.action == IMS_UNMAP_IOPT && r->unmapped != ev->op->removed)
		violate(v, &rule_unmap_len, ev,
			"areas of %#llx bytes were removed but %#llx reported",
			(unsigned long long)ev->op->removed, (unsigned long long)r->unmapped);
	else if (ev->r->h.action == IMS_UNMAP_IOCTL && is_told(ev) &&
		 r->unmapped != ev->op->reported)
		violate(v, &rule_unmap_len, ev,
			"the IOVA space removed %#llx bytes but the caller was told %#llx",
			(unsigned long long)ev->op->reported, (unsigned long long)r->unmapped);
}

const struct ims_rule rule_unmap_len = {
	.id = "UNMAP-LEN", .severity = 'M',
	.statement = "an unmap reports the sum of the areas it removed",
	.before = { { IMS_UNMAP, unmap } },
	.needs = IMS_NEEDS(IMS_AREA),
};
