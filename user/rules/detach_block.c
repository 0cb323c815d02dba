// SPDX-License-Identifier: GPL-2.0-only
/*
 * DETACH-BLOCK (security): a group that is owned but not attached reaches no memory:
 * after its last device was detached, or could not be attached, its domain is a
 * blocking one; not the one it left, and not that of the kernel's own DMA.
 *
 * Exceptions: drivers without a blocking domain use a paging domain that is empty
 * and no HWPT's.  When the group is claimed, another thread may have attached
 * another device of it already, so just the kernel's own domains are wrong then.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_detach_block;

static const char *const names[] = {
	[IMS_DT_NONE] = "no", [IMS_DT_BLOCKED] = "a blocking", [IMS_DT_PAGING] = "a paging",
	[IMS_DT_NESTED] = "a nested", [IMS_DT_DMA_API] = "the kernel's DMA",
	[IMS_DT_IDENTITY] = "an identity", [IMS_DT_OTHER] = "another",
};

static bool blocks(const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;

	return r->type == IMS_DT_BLOCKED ||
	       (r->type == IMS_DT_PAGING && r->now != r->domain &&
		!table_get(&ev->ctx->hwpts, r->now));
}

static bool kernels_own(const struct m_event *ev)
{
	return ev->r->p.hw.type == IMS_DT_DMA_API || ev->r->p.hw.type == IMS_DT_IDENTITY;
}

static void hw(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_hw *r = &ev->r->p.hw;
	uint8_t action = ev->r->h.action;
	bool bad;

	if (action == IMS_HW_DETACH || (action == IMS_HW_ATTACH && r->rc))
		bad = !blocks(ev);
	else
		bad = action == IMS_HW_CLAIM && !r->rc && kernels_own(ev);
	if (bad)
		violate(v, &rule_detach_block, ev,
			"group %u is not attached, but translates through %s domain %#llx",
			r->group, r->type <= IMS_DT_OTHER ? names[r->type] : "a strange",
			(unsigned long long)r->now);
}

/* Also when nobody has asked the IOMMU core to detach it. */
static void device(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_device *r = &ev->r->p.device;
	const struct m_group *g = table_get(&ev->ctx->groups, (uint64_t)r->group + 1);

	if (ev->r->h.action == IMS_DEV_DETACH && g && !model_group_domain(ev->ctx, r->group) &&
	    g->now && (g->now == r->domain || table_get(&ev->ctx->hwpts, g->now)))
		violate(v, &rule_detach_block, ev,
			"the last device of group %u was detached, but it translates through domain %#llx",
			r->group, (unsigned long long)g->now);
}

const struct ims_rule rule_detach_block = {
	.id = "DETACH-BLOCK", .severity = 'S',
	.statement = "a group that is not attached reaches no memory",
	.before = { { IMS_HW, hw } },
	.after = { { IMS_DEVICE, device } },
	.needs = IMS_NEEDS(IMS_HWPT),
};
