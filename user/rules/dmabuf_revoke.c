// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMABUF-REVOKE (security): when the exporter has taken back a dma-buf, no domain
 * translates to its memory, and none ever does again.
 *
 * The exporter gives the memory to somebody else then.  The areas stay, and a revoke is
 * final.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_dmabuf_revoke;

static void still_mapped(struct ims_verifier *v, const struct m_event *ev,
			 const struct m_area *a)
{
	struct runmap_pos pos;
	struct run r;

	for (struct m_domain *d = a->ioas->domains; d; d = d->next)
		if (runmap_first(&d->pt, a->iova, a->last, &pos, &r))
			violate(v, &rule_dmabuf_revoke, ev,
				"a dma-buf is revoked, but domain %#llx still translates IOVA %#llx to %#llx",
				(unsigned long long)d->cookie, (unsigned long long)r.start,
				(unsigned long long)r.addr);
}

static void file(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action != IMS_FILE_REVOKE || !ev->pages)
		return;
	for (const struct m_area *a = ev->pages->areas; a; a = a->next_of_pages)
		still_mapped(v, ev, a);
}

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->r->p.dma_map.rc && ev->pages && ev->pages->revoked)
		violate(v, &rule_dmabuf_revoke, ev, "IOVA %#llx was mapped to a dma-buf that is revoked",
			(unsigned long long)ev->r->p.dma_map.iova);
}

const struct ims_rule rule_dmabuf_revoke = {
	.id = "DMABUF-REVOKE", .severity = 'S',
	.statement = "nothing of a revoked dma-buf is mapped",
	.before = { { IMS_FILE, file }, { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES, IMS_DMA_UNMAP, IMS_DOMAIN),
};
