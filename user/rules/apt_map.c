// SPDX-License-Identifier: GPL-2.0-only
/*
 * APT-MAP (security): every mapping in a domain lies in the domain's aperture.
 *
 * The geometry is the one the domain had when it was added to the IOAS: drivers
 * that finish a domain at the first attach change it before that, never after.
 * Exceptions: MSI pages are mapped by the IRQ layer, not by iommufd, and are
 * not seen here; nested domains are never mapped by iommufd.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_apt_map;

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_domain *d = ev->domain;
	uint64_t first = ev->r->p.dma_map.iova, len = 0, last;

	if (!d || ev->r->p.dma_map.rc)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		len += ev->runs[i].len;
	last = first + (len - 1);
	if (len && (first < d->aperture_start || last > d->aperture_last || last < first))
		violate(v, &rule_apt_map, ev,
			"IOVA %#llx-%#llx was mapped outside the aperture %#llx-%#llx of the domain",
			(unsigned long long)first, (unsigned long long)last,
			(unsigned long long)d->aperture_start,
			(unsigned long long)d->aperture_last);
}

const struct ims_rule rule_apt_map = {
	.id = "APT-MAP", .severity = 'S',
	.statement = "every mapping lies in the aperture of its domain",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_DOMAIN),
};
