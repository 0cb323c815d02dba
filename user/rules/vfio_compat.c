// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO-COMPAT (semantic): VFIO's container interface acts on the IOAS that was set for
 * it, for as long as that exists; type 1, which may cut mappings, goes without large pages; that DMA is always
 * cache coherent is promised if and only if every HWPT of the IOAS enforces it; what
 * iommufd does not have is not promised, and other types cannot be set.
 *
 * Which IOAS was set is not judged when others set one during the call: it may have
 * looked before.  Nor are large pages when others changed the IOAS meanwhile.  A HWPT
 * that is about to be destroyed may enforce or not.  VFIO_NOIOMMU_IOMMU depends on the
 * configuration.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_vfio_compat;

enum { TYPE1 = 1, TYPE1V2 = 3, DMA_CC = 4, NOIOMMU = 8, UNMAP_ALL = 9 };	/* linux/vfio.h */

static void right_ioas(struct ims_verifier *v, const struct m_event *ev, uint64_t ioas)
{
	const struct m_ctx *c = ev->ctx;

	if (!c->compat_changed ||
	    (c->compat_tid != ev->r->h.tid && c->compat_changed > ev->op->since))
		return;
	if (!c->compat)
		violate(v, &rule_vfio_compat, ev, "VFIO works on IOAS %#llx, but none is set for it",
			(unsigned long long)ioas);
	else if (ioas != c->compat)
		violate(v, &rule_vfio_compat, ev,
			"VFIO works on IOAS %#llx, but %#llx was set for it",
			(unsigned long long)ioas, (unsigned long long)c->compat);
}

/* -1: may be either */
static int all_enforce(const struct m_ctx *c, const struct m_ioas *s)
{
	bool leaving = false;

	for (const struct m_domain *d = s->domains; d; d = d->next) {
		const struct m_hwpt *h = table_get(&c->hwpts, d->cookie);

		if (h && d->added && !(h->flags & IMS_HWPT_ENFORCE_CC))
			return 0;
		leaving |= !h || !d->added;
	}
	return leaving ? -1 : 1;
}

static void extension(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_vfio *r = &ev->r->p.vfio;
	int want;

	if (r->arg == DMA_CC) {
		want = r->rc >= 0 && ev->ioas ? all_enforce(ev->ctx, ev->ioas) : -1;
		if (want >= 0 && r->rc != want)
			violate(v, &rule_vfio_compat, ev,
				"VFIO was told that DMA is%s always cache coherent, but it is%s",
				r->rc ? "" : " not", want ? "" : " not");
	} else if (r->rc && r->arg != TYPE1 && r->arg != TYPE1V2 && r->arg != NOIOMMU &&
		   r->arg != UNMAP_ALL) {
		violate(v, &rule_vfio_compat, ev, "VFIO was promised extension %llu",
			(unsigned long long)r->arg);
	}
}

static void set_iommu(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_vfio *r = &ev->r->p.vfio;
	const struct m_ioas *s = ev->ioas;

	if (r->rc)
		return;
	if (r->arg != TYPE1 && r->arg != TYPE1V2 && r->arg != NOIOMMU)
		violate(v, &rule_vfio_compat, ev, "VFIO has got IOMMU type %llu",
			(unsigned long long)r->arg);
	else if (r->arg == TYPE1 && s && !s->large_off &&
		 !ioas_changed_by_others(s, ev->op->since, ev->r->h.tid))
		violate(v, &rule_vfio_compat, ev,
			"VFIO has got type 1, which may cut mappings, but they have large pages");
}

static void vfio(struct ims_verifier *v, const struct m_event *ev)
{
	if (!ev->op || ev->r->h.action == IMS_VFIO_IOAS)
		return;
	if (ev->r->p.vfio.rc >= 0 && ev->ioas)
		right_ioas(v, ev, ev->ioas->cookie);
	if (ev->r->h.action == IMS_VFIO_EXTENSION)
		extension(v, ev);
	else
		set_iommu(v, ev);
}

static void iova(struct ims_verifier *v, const struct m_event *ev)
{
	if (ev->op && ev->op->enter && ev->op->cmd == M_CMD_VFIO_MAP)
		right_ioas(v, ev, ev->r->p.iova.ioas);
}

const struct ims_rule rule_vfio_compat = {
	.id = "VFIO-COMPAT", .severity = 'M',
	.statement = "VFIO's container interface does what the IOAS that was set for it does",
	.before = { { IMS_VFIO, vfio }, { IMS_IOVA, iova } },
	.needs = IMS_NEEDS(IMS_HWPT, IMS_DOMAIN, IMS_ALIGN, IMS_IOCTL, IMS_IOAS),
};
