// SPDX-License-Identifier: GPL-2.0-only
/*
 * BATCH-GRAN (semantic, performance): with large pages one call maps what is
 * physically contiguous in a batch; without them every call maps one page.
 *
 * Exception: a piece of a page at the start or the end of an area.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_batch_gran;

static void dma_map(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_run *r = ev->runs;

	if (!ev->ioas || ev->r->p.dma_map.rc)
		return;
	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		if (ev->ioas->large_off && r[i].len > IMS_PAGE) {
			violate(v, &rule_batch_gran, ev,
				"%#llx bytes were mapped in one call though large pages are off",
				(unsigned long long)r[i].len);
			return;
		} else if (!ev->ioas->large_off && i && r[i - 1].addr + r[i - 1].len == r[i].addr) {
			violate(v, &rule_batch_gran, ev,
				"%#llx and %#llx bytes from address %#llx on were mapped in two calls",
				(unsigned long long)r[i - 1].len, (unsigned long long)r[i].len,
				(unsigned long long)r[i - 1].addr);
			return;
		}
}

const struct ims_rule rule_batch_gran = {
	.id = "BATCH-GRAN", .severity = 'M',
	.statement = "contiguous pages are mapped in one call, or page by page if so asked",
	.before = { { IMS_DMA_MAP, dma_map } },
	.needs = IMS_NEEDS(IMS_ALIGN, IMS_AREA),
};
