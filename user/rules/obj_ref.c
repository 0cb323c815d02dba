// SPDX-License-Identifier: GPL-2.0-only
/*
 * OBJ-REF (security): an IOAS is destroyed after its HWPTs and without accesses, a
 * paging HWPT after the devices that are attached to it, a fault queue after the HWPTs that
 * send their faults there.
 *
 * Which queue a HWPT has is not told: judged is the last one.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_obj_ref;

static const struct m_hwpt *hwpt_of(const struct m_ctx *c, uint64_t obj)
{
	const struct m_hwpt *h;
	uint32_t i;

	table_for_each(&c->hwpts, i, h)
		if (h->obj == obj)
			return h;
	return NULL;
}

/*
 * The IOAS with this id that somebody uses.  Nothing tells when an IOAS is gone, so
 * an unused one may be a dead one whose id was given again.
 */
static const struct m_ioas *used_ioas(const struct m_ctx *c, uint32_t id)
{
	const struct m_ioas *s;
	uint32_t i;

	table_for_each(&c->ioases, i, s)
		if (s->id == id && (s->domains || s->accesses))
			return s;
	return NULL;
}

/* A HWPT with a fault queue that others can see, so that it is complete; NULL if another queue is left. */
static const struct m_hwpt *needs_queue(const struct m_ctx *c, uint64_t queue)
{
	const struct m_hwpt *h, *found = NULL;
	const struct m_object *o;
	uint32_t i;

	table_for_each(&c->objects, i, o)
		if (o->type == IMS_T_FAULT && o->cookie != queue)
			return NULL;
	table_for_each(&c->hwpts, i, h) {
		o = h->flags & IMS_HWPT_FAULT ? table_get(&c->objects, h->obj) : NULL;
		if (o && o->state == M_OBJ_VISIBLE)
			found = h;
	}
	return found;
}

static void object(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_object *r = &ev->r->p.object;
	const struct m_hwpt *h;
	const struct m_ioas *s;

	if (ev->r->h.action != IMS_OBJ_DESTROY)
		return;
	h = hwpt_of(ev->ctx, r->obj);
	if (h && model_domain_in_use(ev->ctx, h->cookie))
		violate(v, &rule_obj_ref, ev, "HWPT %u is destroyed while a device is attached to it",
			r->id);
	h = r->type == IMS_T_FAULT ? needs_queue(ev->ctx, r->obj) : NULL;
	if (h)
		violate(v, &rule_obj_ref, ev, "fault queue %u is destroyed while HWPT %u uses it", r->id,
			h->id);
	s = r->type == IMS_T_IOAS ? used_ioas(ev->ctx, r->id) : NULL;
	if (s)
		violate(v, &rule_obj_ref, ev, "IOAS %u is destroyed while %s uses it", r->id,
			s->domains ? "a domain" : "an access");
}

const struct ims_rule rule_obj_ref = {
	.id = "OBJ-REF", .severity = 'S',
	.statement = "an object outlives those that use it",
	.before = { { IMS_OBJECT, object } },
	.needs = IMS_NEEDS(IMS_HWPT, IMS_ACCESS, IMS_DEVICE, IMS_DOMAIN),
};
