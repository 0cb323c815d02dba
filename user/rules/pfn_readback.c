// SPDX-License-Identifier: GPL-2.0-only
/*
 * PFN-READBACK (security): the physical addresses that iommufd reads out of a domain,
 * to unpin the pages or to give them to somebody else, are those that it has mapped
 * there: it reads in time, before the unmap, and at the right places.
 *
 * A record carries a sum over all pages that were read, so here it is summed over the
 * runs of the model.  Only the first page may be read from its middle, when the area
 * begins there.  What was mapped before we came has addresses that nobody knows.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_pfn_readback;

/* 1 + ... + n, and of the squares, modulo 2^64: divide first. */
static uint64_t sum(uint64_t n)
{
	return n % 2 ? n * ((n + 1) / 2) : n / 2 * (n + 1);
}

static uint64_t sum_of_squares(uint64_t n)
{
	uint64_t a = n % 2 ? n : n / 2, b = n % 2 ? (n + 1) / 2 : n + 1, c = 2 * n + 1;

	if (a % 3 == 0)
		a /= 3;
	else if (b % 3 == 0)
		b /= 3;
	else
		c /= 3;
	return a * b * c;
}

/* Of the pages first..last, which are contiguous from @addr on: each times its number. */
static uint64_t hash_run(uint64_t addr, uint64_t first, uint64_t last)
{
	uint64_t k = sum(last) - sum(first - 1);
	uint64_t squares = sum_of_squares(last) - sum_of_squares(first - 1);

	return addr * k + IMS_PAGE * (squares - first * k);
}

/* What @d translates, read like the kernel does; false at *iova, which it does not translate. */
static bool hash_pages(struct m_domain *d, uint64_t skip, uint64_t npages, uint64_t *iova,
		       uint64_t *hash, bool *known)
{
	struct runmap_pos pos;
	struct run run;

	*hash = 0;
	*known = true;
	for (uint64_t k = 1, n; k <= npages; k += n) {
		uint64_t offset, most = npages - k + 1;

		if (!runmap_first(&d->pt, *iova, *iova, &pos, &run))
			return false;
		*known &= !(run.addr & IMS_ADDR_UNKNOWN);
		offset = *iova - run.start;
		n = skip ? 1 : (run.len - offset + IMS_PAGE - 1) / IMS_PAGE;
		n = n < most ? n : most;
		*hash += hash_run(run.addr + offset, k, k + n - 1);
		*iova += n * IMS_PAGE - skip;
		skip = 0;
	}
	return true;
}

static void readback(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_readback *r = &ev->r->p.readback;
	uint64_t iova = r->iova, hash, skip, most;
	bool known;

	if (!ev->area || !ev->domain || !r->npages)
		return;
	if (iova < ev->area->iova || iova > ev->area->last) {
		violate(v, &rule_pfn_readback, ev,
			"IOVA %#llx was read back for an area that covers %#llx-%#llx",
			(unsigned long long)iova, (unsigned long long)ev->area->iova,
			(unsigned long long)ev->area->last);
		return;
	}
	skip = area_byte(ev->area, iova) & (IMS_PAGE - 1);
	most = area_last_index(ev->area) - (area_byte(ev->area, iova) >> IMS_PAGE_SHIFT) + 1;
	if (r->npages > most)
		violate(v, &rule_pfn_readback, ev,
			"%llu pages were read back from IOVA %#llx on, the area has %llu there",
			(unsigned long long)r->npages, (unsigned long long)iova,
			(unsigned long long)most);
	else if (!hash_pages(ev->domain, skip, r->npages, &iova, &hash, &known))
		violate(v, &rule_pfn_readback, ev,
			"%llu pages were read back from IOVA %#llx on, but the domain does not translate %#llx",
			(unsigned long long)r->npages, (unsigned long long)r->iova,
			(unsigned long long)iova);
	else if (known && hash != r->hash)
		violate(v, &rule_pfn_readback, ev,
			"%llu pages were read back from IOVA %#llx on, but not those that are mapped there",
			(unsigned long long)r->npages, (unsigned long long)r->iova);
}

const struct ims_rule rule_pfn_readback = {
	.id = "PFN-READBACK", .severity = 'S',
	.statement = "PFNs that are read out of a domain are those that were mapped there",
	.before = { { IMS_READBACK, readback } },
	.needs = IMS_NEEDS(IMS_DMA_MAP, IMS_DMA_UNMAP, IMS_AREA, IMS_DOMAIN),
};
