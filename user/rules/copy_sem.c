// SPDX-License-Identifier: GPL-2.0-only
/*
 * COPY-SEM (semantic): after a COPY both places translate alike, wherever both IOAS have
 * a domain; to unmap one of them later takes nothing from the other.
 *
 * The first is judged when the COPY ends, in the first domain of each IOAS; that the
 * others are alike is MIR-EQUAL.  The second when a domain unmaps: it must not be a live
 * area that loses something while another area of the same pages is going.
 * Exceptions: an IOAS without a domain; a COPY while another thread changed one of both;
 * a domain that is joining or leaving.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_copy_sem;

static struct m_domain *joined(const struct m_ioas *s)
{
	struct m_domain *d = s->domains;

	while (d && !d->added)
		d = d->next;
	return d;
}

static void map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_map *r = &ev->r->p.map;
	const struct m_ioas *from = table_get(&ev->ctx->ioases, r->src);
	struct m_domain *d, *s;
	uint64_t at;

	if (!copy_is_settled(ev, from))
		return;
	d = joined(ev->ioas);
	s = joined(from);
	if (d && s && runmap_differ(&d->pt, r->iova, &s->pt, r->uptr, r->length, &at))
		violate(v, &rule_copy_sem, ev,
			"IOVA %#llx in domain %#llx does not translate as IOVA %#llx in domain %#llx, of which it is a copy",
			(unsigned long long)(r->iova + at), (unsigned long long)d->cookie,
			(unsigned long long)(r->uptr + at), (unsigned long long)s->cookie);
}

static void dma_unmap(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_area *a = model_area_that_loses(ev), *going;

	for (going = a && a->pages ? a->pages->areas : NULL; going; going = going->next_of_pages)
		if (going->state == M_DYING) {
			violate(v, &rule_copy_sem, ev,
				"domain %#llx lost IOVA %#llx-%#llx when IOVA %#llx-%#llx, a copy, was unmapped",
				(unsigned long long)ev->domain->cookie, (unsigned long long)a->iova,
				(unsigned long long)a->last, (unsigned long long)going->iova,
				(unsigned long long)going->last);
			return;
		}
}

const struct ims_rule rule_copy_sem = {
	.id = "COPY-SEM", .severity = 'M',
	.statement = "a copy translates as its source does, and each lives on without the other",
	.before = { { IMS_MAP, map }, { IMS_DMA_UNMAP, dma_unmap } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES, IMS_DOMAIN, IMS_DMA_MAP, IMS_IOCTL),
};
