// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-ISO (security): a device is bound only if the interrupts of its group are
 * isolated: else a DMA write of the device raises any interrupt of the host.
 *
 * Exceptions: the administrator has said that this is all right (the parameter
 * allow_unsafe_interrupts, as it was when the device was claimed); devices of the
 * selftest, which raise none.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_msi_iso;

static void bind(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_claim *claim = table_get(&ev->ctx->claims, r->dev);

	if (ev->r->h.action != IMS_DEV_BIND || !claim ||
	    claim->flags & (IMS_HW_ISOLATED_MSI | IMS_HW_UNSAFE_MSI_OK | IMS_HW_MOCK))
		return;
	violate(v, &rule_msi_iso, ev,
		"%.*s was bound, but its interrupts are not isolated and nobody allowed that",
		IMS_NAME, r->name);
}

const struct ims_rule rule_msi_iso = {
	.id = "MSI-ISO", .severity = 'S',
	.statement = "a device is bound only if its interrupts are isolated, or need not be",
	.before = { { IMS_DEVICE, bind } },
	.needs = IMS_NEEDS(IMS_HW),
};
