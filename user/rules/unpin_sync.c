// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNPIN-SYNC (security): between the removal of a translation and the unpin of
 * its page the IOTLB was synchronised.
 *
 * iommu_unmap() returns after the sync; iommu_unmap_fast() needs an explicit one
 * on the same domain.  One sync for many unmaps is fine as long as it comes
 * before the first unpin.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unpin_sync;

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	for (const struct m_area *a = ev->pages ? ev->pages->areas : NULL; a; a = a->next_of_pages)
		for (const struct m_domain *d = a->ioas->domains; d; d = d->next)
			if (d->unsynced) {
				violate(v, &rule_unpin_sync, ev,
					"pages from %llu on were unpinned before the IOTLB of domain %#llx was synchronised",
					(unsigned long long)ev->r->p.unpin.index,
					(unsigned long long)d->cookie);
				return;
			}
}

const struct ims_rule rule_unpin_sync = {
	.id = "UNPIN-SYNC", .severity = 'S',
	.statement = "the IOTLB is synchronised between unmap and unpin",
	.before = { { IMS_UNPIN, unpin } },
};
