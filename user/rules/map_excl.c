// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP-EXCL (security): a mapping never targets an IOVA that the domain already
 * translates.  Drivers differ in what they do then: warn, or overwrite.
 * No exceptions.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_map_excl;

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t iova = ev->r->p.dma_map.iova, len = 0;
	struct runmap_pos pos;
	struct run hit;

	if (!ev->domain || ev->r->p.dma_map.rc)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		len += ev->runs[i].len;
	if (len && runmap_first(&ev->domain->pt, iova, iova + (len - 1), &pos, &hit))
		violate(v, &rule_map_excl, ev,
			"IOVA %#llx-%#llx was mapped though %#llx-%#llx already translates to %#llx",
			(unsigned long long)iova, (unsigned long long)(iova + len - 1),
			(unsigned long long)hit.start,
			(unsigned long long)(hit.start + hit.len - 1),
			(unsigned long long)hit.addr);
}

const struct ims_rule rule_map_excl = {
	.id = "MAP-EXCL", .severity = 'S',
	.statement = "a mapping never targets an IOVA that is already mapped",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_DMA_UNMAP, IMS_DOMAIN),
};
