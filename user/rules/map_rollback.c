// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP-ROLLBACK (security): when a map fails, its areas leave the tree with nothing of
 * them translated by any domain, and no area of it stays.
 *
 * Exceptions: a map whose answer could not be copied to user space (-EFAULT) stays;
 * the first half of a split that fails shows what the old area shows.
 */
#include <errno.h>

#include "rules/rules.h"

extern const struct ims_rule rule_map_rollback;

static void area(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = ev->area;
	struct runmap_pos pos;
	struct run r;

	if (ev->r->h.action != IMS_AREA_FREE || !a || a->state != M_PENDING ||
	    area_of_failed_split(a))
		return;
	for (struct m_domain *d = a->ioas->domains; d; d = d->next)
		if (runmap_first(&d->pt, a->iova, a->last, &pos, &r))
			violate(v, &rule_map_rollback, ev,
				"the map of area %#llx-%#llx failed but domain %#llx translates %#llx to %#llx",
				(unsigned long long)a->iova, (unsigned long long)a->last,
				(unsigned long long)d->cookie, (unsigned long long)r.start,
				(unsigned long long)r.addr);
}

static void ioctl(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_IOCTL_EXIT && ev->r->p.ioctl.rc < 0 &&
	    ev->r->p.ioctl.rc != -EFAULT && ev->op && ev->op->inserted)
		violate(v, &rule_map_rollback, ev, "the call failed (%d) but %u areas of it stay",
			ev->r->p.ioctl.rc, ev->op->inserted);
}

const struct ims_rule rule_map_rollback = {
	.id = "MAP-ROLLBACK", .severity = 'S',
	.statement = "a map that failed leaves nothing in any domain",
	.before = { { IMS_AREA, area }, { IMS_IOCTL, ioctl } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP, IMS_DOMAIN, IMS_IOVA),
};
