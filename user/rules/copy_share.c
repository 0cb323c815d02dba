// SPDX-License-Identifier: GPL-2.0-only
/*
 * COPY-SHARE (security): each piece of a COPY shows the pages object of its source at
 * the byte that the source shows there.
 *
 * Not judged when another thread changed the source while the COPY ran.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_copy_share;

static bool same(const struct m_area *dst, const struct m_area *src, uint64_t src_iova)
{
	return dst->pages == src->pages && dst->start_byte == area_byte(src, src_iova);
}

static void map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_map *r = &ev->r->p.map;
	const struct m_ioas *from = table_get(&ev->ctx->ioases, r->src);
	uint64_t done = 0;

	if (!copy_is_settled(ev, from))
		return;
	while (done < r->length) {
		const struct m_area *d = model_area_first(ev->ioas, r->iova + done, r->iova + done, NULL);
		const struct m_area *s = model_area_first(from, r->uptr + done, r->uptr + done, NULL);

		if (!d || !s || d->iova != r->iova + done || !same(d, s, r->uptr + done)) {
			violate(v, &rule_copy_share, ev,
				"the copy of IOVA %#llx at IOVA %#llx shows something else",
				(unsigned long long)(r->uptr + done),
				(unsigned long long)(r->iova + done));
			return;
		}
		if (d->last - d->iova >= r->length - done)
			return;		/* to its end; more than asked is MAP-FIXED's */
		done += d->last - d->iova + 1;
	}
}

const struct ims_rule rule_copy_share = {
	.id = "COPY-SHARE", .severity = 'S',
	.statement = "a copy shows the same pages at the same places",
	.before = { { IMS_MAP, map } },
	.needs = IMS_NEEDS(IMS_AREA, IMS_PAGES),
};
