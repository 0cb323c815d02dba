// SPDX-License-Identifier: GPL-2.0-only
/*
 * VDEV-TOMB (security): a vDEVICE does not outlive its device; its id is not given to
 * another object when it had to go without user space having asked for that; no two
 * devices have the same name in one vIOMMU.
 *
 * User space would address another object, or another device, by a number that it still
 * believes in.  Exception: a vDEVICE that user space destroyed leaves no tombstone.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_vdev_tomb;

static void vdevice(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_vdevice *r = &ev->r->p.vdevice;
	const struct m_vdevice *d;
	uint32_t i;

	if (ev->r->h.action != IMS_VDEV_ADD)
		return;
	table_for_each(&ev->ctx->vdevices, i, d)
		if (d->cookie != r->vdev && d->viommu == r->viommu && d->virt_id == r->virt_id) {
			violate(v, &rule_vdev_tomb, ev,
				"vDEVICEs %u and %u have the same name %#llx in one vIOMMU", d->id,
				r->id, (unsigned long long)r->virt_id);
			return;
		}
}

static void object(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_object *r = &ev->r->p.object;

	if (ev->r->h.action == IMS_OBJ_ALLOC && model_range_hit(ev->ctx->tombs, r->id, r->id))
		violate(v, &rule_vdev_tomb, ev, "id %u was given again, which is a tombstone", r->id);
}

static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_vdevice *d;
	uint32_t i;

	if (ev->r->h.action != IMS_DEV_UNBIND)
		return;
	table_for_each(&ev->ctx->vdevices, i, d)
		if (d->dev_id == r->id) {
			violate(v, &rule_vdev_tomb, ev, "device %u was unbound while vDEVICE %u uses it",
				r->id, d->id);
			return;
		}
	if (ev->op && ev->op->vdev_of == r->id && !ev->op->vdev_tomb)
		violate(v, &rule_vdev_tomb, ev,
			"the vDEVICE of device %u went with it and left no tombstone", r->id);
}

const struct ims_rule rule_vdev_tomb = {
	.id = "VDEV-TOMB", .severity = 'S',
	.statement = "a vDEVICE goes with its device, and its id is not used again",
	.before = { { IMS_VDEVICE, vdevice }, { IMS_OBJECT, object }, { IMS_DEVICE, device } },
};
