// SPDX-License-Identifier: GPL-2.0-only
/*
 * REPLAY (semantic): a domain that joins an IOAS gets every live area, all of it, and
 * each exactly once.
 *
 * Checked when it has joined.  The record before that began it, and in between nobody
 * else fills a domain of this IOAS, so all that the domain was ever told to map belongs
 * to the replay; unless that record is late and others changed areas.  Exceptions: a
 * domain that could not join; areas that are not live, whose own map fills this domain
 * later, or already empties it; a dma-buf that is revoked, before this or in the middle
 * of it.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_replay;

static bool is_dmabuf(const struct m_area *a)
{
	return a->pages && a->pages->dmabuf;
}

/* Whether @a is all there. */
static bool judge(struct ims_verifier *v, const struct m_event *ev, const struct m_area *a)
{
	uint64_t want = a->last - a->iova + 1;
	uint64_t have = runmap_covered(&ev->domain->pt, a->iova, a->last);

	if (have == want || (is_dmabuf(a) && a->pages->revoked))
		return true;
	violate(v, &rule_replay, ev,
		"domain %#llx joined with only %#llx of the %#llx bytes of area %#llx-%#llx",
		(unsigned long long)ev->domain->cookie, (unsigned long long)have,
		(unsigned long long)want, (unsigned long long)a->iova,
		(unsigned long long)a->last);
	return false;
}

/* Between the end of the replay and its record, where that is written late. */
static bool others_came(const struct m_event *ev)
{
	const struct m_op *op = ev->op;

	return !op || ioas_changed_by_others(ev->ioas, op->enter ? op->enter : op->start, op->tid);
}

static void domain(struct ims_verifier *v, const struct m_event *ev)
{
	const struct m_ioas *s = ev->ioas;
	uint64_t sum = 0;
	bool all = true, dmabuf = false;

	if (ev->r->h.action != IMS_DOM_ADD_END || ev->r->p.domain.rc || !ev->domain || !s)
		return;
	for (uint32_t i = 0; i < s->nareas; i++)
		if (s->areas[i]->state == M_LIVE) {
			all &= judge(v, ev, s->areas[i]);
			dmabuf |= is_dmabuf(s->areas[i]);
			sum += s->areas[i]->last - s->areas[i]->iova + 1;
		}
	if (all && !dmabuf && ev->domain->mapped != sum && !others_came(ev))
		violate(v, &rule_replay, ev,
			"domain %#llx was told to map %#llx bytes to join with areas of %#llx",
			(unsigned long long)ev->domain->cookie,
			(unsigned long long)ev->domain->mapped, (unsigned long long)sum);
}

const struct ims_rule rule_replay = {
	.id = "REPLAY", .severity = 'M',
	.statement = "a domain that joins an IOAS gets all of every live area, once",
	.after = { { IMS_DOMAIN, domain } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP, IMS_AREA),
};
