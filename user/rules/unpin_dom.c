// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNPIN-DOM (security): a page is not unpinned while an area that is filled into a
 * domain shows it, whoever unpins: the end of an access, a read, or an unwinding.
 *
 * The area leaves the pages object before its pages are unpinned.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_unpin_dom;

static void unpin(struct ims_verifier *v, const struct m_event *ev)
{
	uint64_t index = ev->r->p.unpin.index, n = 0, last;

	for (unsigned int i = 0; i < ev->r->h.nruns; i++)
		n += ev->runs[i].len;
	last = index + (n - 1);
	for (const struct m_area *a = ev->pages && n ? ev->pages->areas : NULL; a;
	     a = a->next_of_pages)
		if (a->storage && a->state != M_REMOVED && area_first_index(a) <= last &&
		    area_last_index(a) >= index) {
			violate(v, &rule_unpin_dom, ev,
				"pages %llu-%llu were unpinned while area %#llx-%#llx keeps them in a domain",
				(unsigned long long)index, (unsigned long long)last,
				(unsigned long long)a->iova, (unsigned long long)a->last);
			return;
		}
}

const struct ims_rule rule_unpin_dom = {
	.id = "UNPIN-DOM", .severity = 'S',
	.statement = "a page is not unpinned while an area that a domain holds shows it",
	.before = { { IMS_UNPIN, unpin } },
	.needs = IMS_NEEDS(IMS_STORAGE, IMS_AREA),
};
