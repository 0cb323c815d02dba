// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERRNO-CLEAN (semantic): an ioctl that fails leaves objects, areas, reserved ranges,
 * domains, the allowed list, the accounting mode and the alignment as they were.
 *
 * Each is counted for the thread between enter and exit, so what others do meanwhile is
 * not seen here.  Areas that a failed map leaves are MAP-ROLLBACK's.  Exceptions:
 *  - an unmap (IOAS_UNMAP, VFIO_IOMMU_UNMAP_DMA) has removed the areas before the one
 *    that it failed at;
 *  - the answer of IOAS_MAP, IOAS_COPY, an unmap, OPTION or a command of the selftest
 *    could not be copied to the user (-EFAULT): what was done stays;
 *  - the alignment may become smaller: it is calculated again when a domain leaves, and
 *    may have been larger than necessary;
 *  - bytes that were read, written or invalidated, and dirty bits that were cleared, are
 *    not undone, and are not looked at.
 */
#include <errno.h>
#include <linux/ioctl.h>

#include "rules/rules.h"

extern const struct ims_rule rule_errno_clean;

/* Of linux/iommufd.h, which old distributions lack, and linux/vfio.h. */
#define CMD_IOAS_COPY _IO(';', 0x83)
#define CMD_IOAS_MAP _IO(';', 0x85)
#define CMD_IOAS_UNMAP _IO(';', 0x86)
#define CMD_OPTION _IO(';', 0x87)
#define CMD_TEST _IO(';', 0xa0)
#define CMD_VFIO_UNMAP_DMA _IO(';', 100 + 14)

static bool unmaps(uint32_t cmd)
{
	return cmd == CMD_IOAS_UNMAP || cmd == CMD_VFIO_UNMAP_DMA;
}

static bool answer_is_lost(const struct ims_ioctl *r)
{
	return r->rc == -EFAULT &&
	       (unmaps(r->cmd) || r->cmd == CMD_IOAS_MAP || r->cmd == CMD_IOAS_COPY ||
		r->cmd == CMD_OPTION || r->cmd == CMD_TEST);
}

/* By how much the alignment has grown, if this thread alone can have done that. */
static int64_t aligned(const struct m_event *ev)
{
	const struct m_changes *c = &ev->op->changes;
	const struct m_ioas *s = table_get(&ev->ctx->ioases, c->align_of);

	if (!s || s->align <= c->align || ioas_changed_by_others(s, ev->op->enter, ev->op->tid))
		return 0;
	return s->align - c->align;
}

static void ioctl(struct ims_verifier *v, const struct m_event *ev)
{
	const struct ims_ioctl *r = &ev->r->p.ioctl;
	const struct m_changes *c = ev->op ? &ev->op->changes : NULL;

	if (ev->r->h.action != IMS_IOCTL_EXIT || r->rc >= 0 || !c || !ev->op->enter ||
	    answer_is_lost(r))
		return;

	const struct {
		int64_t n;
		const char *what;
	} changed[] = {
		{ c->objects, "objects more than before" },
		{ c->domains, "domains more in an IOAS than before" },
		{ c->reserved, "reserved ranges more than before" },
		{ unmaps(r->cmd) ? 0 : c->removed, "areas were removed" },
		{ c->allowed, "changes of the allowed ranges" },
		{ c->mode, "changes of the accounting mode" },
		{ aligned(ev), "bytes more to align to" },
	};

	for (unsigned int i = 0; i < sizeof(changed) / sizeof(*changed); i++)
		if (changed[i].n)
			violate(v, &rule_errno_clean, ev, "ioctl %#x failed (%d), but: %+lld %s",
				r->cmd, r->rc, (long long)changed[i].n, changed[i].what);
}

const struct ims_rule rule_errno_clean = {
	.id = "ERRNO-CLEAN", .severity = 'M',
	.statement = "an ioctl that fails leaves everything as it was",
	.before = { { IMS_IOCTL, ioctl } },
	.needs = IMS_NEEDS(IMS_OBJECT, IMS_AREA, IMS_RESERVE, IMS_DOMAIN, IMS_ALLOW, IMS_ALIGN) |
		 IMS_NEEDS(IMS_RLIMIT_MODE),
};
