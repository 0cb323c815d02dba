// SPDX-License-Identifier: GPL-2.0-only
/*
 * NESTED-NOMAP (semantic): a nested domain is the guest's; iommufd maps and unmaps
 * nothing in it and adds it to no IOAS.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_nested_nomap;

static void touch(struct ims_verifier *v, const struct m_event *ev, uint64_t domain)
{
	const struct m_hwpt *h = table_get(&ev->ctx->hwpts, domain);

	if (h && h->parent)
		violate(v, &rule_nested_nomap, ev, "iommufd changed the translation of nested HWPT %u",
			h->id);
}

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	touch(v, ev, ev->r->p.dma_map.domain);
}

static void dma_unmap(struct ims_verifier *v, const struct m_event *ev)
{
	touch(v, ev, ev->r->p.dma_unmap.domain);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->r->h.action == IMS_DOM_ADD_BEGIN)
		touch(v, ev, ev->r->p.domain.domain);
}

const struct ims_rule rule_nested_nomap = {
	.id = "NESTED-NOMAP", .severity = 'M',
	.statement = "iommufd maps nothing in a nested domain",
	.before = { { IMS_DMA_MAP, dma_map }, { IMS_DMA_UNMAP, dma_unmap }, { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_HWPT),
};
