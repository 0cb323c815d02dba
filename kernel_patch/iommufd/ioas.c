// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls on an IOAS: what user space may ask of an IOVA space.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "device.h"
#include "observe.h"

/**
 * ufd_ioas_new - an empty IOAS that nobody can find yet
 * @ctx: the context
 *
 * Return: the IOAS or an error
 */
struct ufd_ioas *ufd_ioas_new(struct iommufd_ctx *ctx)
{
	struct ufd_ioas *ioas = ufd_obj_new(ctx, sizeof(*ioas), UFD_IOAS);

	if (IS_ERR(ioas))
		return ioas;
	ufd_space_init(&ioas->space, ctx);
	mutex_init(&ioas->hwpts_lock);
	INIT_LIST_HEAD(&ioas->hwpts);
	ufd_see_ioas(ioas);
	return ioas;
}

/* The end of one that was never shown. */
void ufd_ioas_discard(struct iommufd_ctx *ctx, struct ufd_ioas *ioas)
{
	ufd_space_destroy(&ioas->space);
	mutex_destroy(&ioas->hwpts_lock);
	ufd_obj_abort(ctx, &ioas->obj);
}

void ufd_ioas_teardown(struct iommufd_ctx *ctx, struct ufd_obj *obj)
{
	struct ufd_ioas *ioas = container_of(obj, struct ufd_ioas, obj);
	unsigned long unmapped;

	WARN_ON(ufd_unmap(&ioas->space, 0, ULONG_MAX, &unmapped));
	ufd_space_destroy(&ioas->space);
	WARN_ON(!list_empty(&ioas->hwpts));
	mutex_destroy(&ioas->hwpts_lock);
}

int ufd_ioas_alloc(struct ufd_call *call)
{
	struct iommu_ioas_alloc *cmd = call->cmd;
	struct ufd_ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	ioas = ufd_ioas_new(call->ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	cmd->out_ioas_id = ioas->obj.id;
	rc = ufd_reply(call, sizeof(*cmd));
	if (rc)
		ufd_ioas_discard(call->ctx, ioas);
	else
		ufd_obj_show(call->ctx, &ioas->obj);
	return rc;
}

/* ---- ranges ---- */

int ufd_ioas_ranges(struct ufd_call *call)
{
	struct iommu_ioas_iova_ranges *cmd = call->cmd;
	struct iommu_iova_range __user *out = u64_to_user_ptr(cmd->allowed_iovas);
	struct interval_tree_span_iter span;
	struct ufd_ioas *ioas;
	u32 room = cmd->num_iovas;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ufd_obj_find(call->ctx, cmd->ioas_id, UFD_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	cmd->num_iovas = 0;
	down_read(&ioas->space.map_lock);
	cmd->out_iova_alignment = ioas->space.align;
	interval_tree_for_each_span(&span, &ioas->space.keepouts, 0, ULONG_MAX) {
		struct iommu_iova_range range = {
			.start = span.start_hole, .last = span.last_hole,
		};

		if (!span.is_hole)
			continue;
		if (!rc && cmd->num_iovas < room) {
			if (copy_to_user(out + cmd->num_iovas, &range, sizeof(range)))
				rc = -EFAULT;
			else
				ufd_see_range(&ioas->space, range.start, range.last);
		}
		cmd->num_iovas++;
	}
	if (!rc)
		rc = ufd_reply(call, sizeof(*cmd));
	if (!rc && cmd->num_iovas > room)
		rc = -EMSGSIZE;
	ufd_see_range_end(&ioas->space, cmd->out_iova_alignment, cmd->num_iovas, rc);
	up_read(&ioas->space.map_lock);
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct iommu_iova_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int check_allowed(struct ufd_allowed *a)
{
	unsigned int i;

	for (i = 0; i < a->n; i++)
		if (a->range[i].start >= a->range[i].last)
			return -EINVAL;
	sort(a->range, a->n, sizeof(a->range[0]), by_start, NULL);
	for (i = 1; i < a->n; i++)
		if (a->range[i].start <= a->range[i - 1].last)
			return -EINVAL;
	return 0;
}

/* The room grows with what could be read, so that a wrong number costs nothing. */
static struct ufd_allowed *load_allowed(const struct iommu_iova_range __user *in, u32 n)
{
	u32 room = 0, have = 0;
	struct ufd_allowed *a = NULL, *larger;
	int rc = -ENOMEM;

	do {
		room = min_t(u64, n, room ? 2 * (u64)room : 64);
		larger = kvrealloc(a, struct_size(a, range, room), GFP_KERNEL_ACCOUNT);
		if (!larger)
			goto err;
		a = larger;
		a->n = room;
		rc = -EFAULT;
		if (copy_from_user(a->range + have, in + have, (room - have) * sizeof(*in)))
			goto err;
		have = room;
		rc = -ENOMEM;
	} while (have < n);
	rc = check_allowed(a);
	if (!rc)
		return a;
err:
	kvfree(a);
	return ERR_PTR(rc);
}

int ufd_ioas_allow(struct ufd_call *call)
{
	struct iommu_ioas_allow_iovas *cmd = call->cmd;
	struct ufd_allowed *allowed;
	struct ufd_ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ufd_obj_find(call->ctx, cmd->ioas_id, UFD_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	allowed = load_allowed(u64_to_user_ptr(cmd->allowed_iovas), cmd->num_iovas);
	rc = PTR_ERR_OR_ZERO(allowed);
	if (!rc) {
		rc = ufd_allowed_set(&ioas->space, &allowed);
		kvfree(allowed);
	}
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

/* ---- map, copy, unmap ---- */

#define MAP_FLAGS (IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)

static int check_map_flags(u32 flags)
{
	if (flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	return 0;
}

/* Nobody can flush caches for the user, so devices have to snoop. */
static int prot_of(u32 flags)
{
	return IOMMU_CACHE | (flags & IOMMU_IOAS_MAP_WRITEABLE ? IOMMU_WRITE : 0) |
	       (flags & IOMMU_IOAS_MAP_READABLE ? IOMMU_READ : 0);
}

static bool has_access(u32 flags)
{
	return flags & (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE);
}

int ufd_ioas_map(struct ufd_call *call)
{
	struct iommu_ioas_map *cmd = call->cmd;
	unsigned long iova = cmd->iova;
	struct ufd_ioas *ioas;
	int rc;

	if (check_map_flags(cmd->flags) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX)
		return -EOVERFLOW;
	if (!has_access(cmd->flags))
		return -EINVAL;
	ioas = ufd_obj_find(call->ctx, cmd->ioas_id, UFD_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = ufd_map_user(&ioas->space, cmd->user_va, cmd->length, prot_of(cmd->flags),
			  !(cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA), &iova);
	if (!rc) {
		cmd->iova = iova;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	ufd_see_map(&ioas->space, NULL, iova, cmd->length, cmd->user_va, cmd->flags, rc);
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

/* What the source shows; where that is from is only a name afterwards. */
static int copy_source(struct ufd_call *call, struct list_head *windows,
		       const struct ufd_space **name)
{
	struct iommu_ioas_copy *cmd = call->cmd;
	struct ufd_ioas *src = ufd_obj_find(call->ctx, cmd->src_ioas_id, UFD_IOAS);
	int rc;

	if (IS_ERR(src))
		return PTR_ERR(src);
	rc = ufd_copy_windows(&src->space, cmd->src_iova, cmd->length, windows);
	*name = &src->space;
	ufd_obj_put(call->ctx, &src->obj);
	return rc;
}

int ufd_ioas_copy(struct ufd_call *call)
{
	struct iommu_ioas_copy *cmd = call->cmd;
	const struct ufd_space *src;
	struct ufd_ioas *dst;
	unsigned long iova;
	LIST_HEAD(windows);
	int rc;

	ufd_selftest_pick_iova(call, cmd->src_ioas_id, &cmd->src_iova, &cmd->flags);
	rc = check_map_flags(cmd->flags);
	if (rc)
		return rc;
	if (cmd->length >= ULONG_MAX || cmd->src_iova >= ULONG_MAX || cmd->dst_iova >= ULONG_MAX)
		return -EOVERFLOW;
	if (!has_access(cmd->flags))
		return -EINVAL;
	rc = copy_source(call, &windows, &src);
	if (rc)
		return rc;
	dst = ufd_obj_find(call->ctx, cmd->dst_ioas_id, UFD_IOAS);
	if (IS_ERR(dst)) {
		rc = PTR_ERR(dst);
		goto out;
	}

	iova = cmd->dst_iova;
	rc = ufd_map_copy(&dst->space, &windows, cmd->length, prot_of(cmd->flags),
			  !(cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA), &iova);
	if (!rc) {
		cmd->dst_iova = iova;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	ufd_see_map(&dst->space, src, iova, cmd->length, cmd->src_iova, cmd->flags, rc);
	ufd_obj_put(call->ctx, &dst->obj);
out:
	ufd_free_windows(&windows);
	return rc;
}

/* Everything, or a range in which something must be. */
static int unmap_some(struct ufd_space *s, u64 iova, u64 length, unsigned long *unmapped)
{
	unsigned long last;
	int rc;

	if (iova == 0 && length == U64_MAX)
		return ufd_unmap(s, 0, ULONG_MAX, unmapped);
	if (iova >= ULONG_MAX || length >= ULONG_MAX)
		return -EOVERFLOW;
	if (!length)
		return -EINVAL;
	if (check_add_overflow((unsigned long)iova, (unsigned long)length - 1, &last))
		return -EOVERFLOW;
	rc = ufd_unmap(s, iova, last, unmapped);
	return rc || *unmapped ? rc : -ENOENT;
}

int ufd_ioas_unmap(struct ufd_call *call)
{
	struct iommu_ioas_unmap *cmd = call->cmd;
	unsigned long unmapped = 0;
	u64 length = cmd->length;
	struct ufd_ioas *ioas;
	int rc;

	ioas = ufd_obj_find(call->ctx, cmd->ioas_id, UFD_IOAS);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = unmap_some(&ioas->space, cmd->iova, cmd->length, &unmapped);
	if (!rc) {
		cmd->length = unmapped;
		rc = ufd_reply(call, sizeof(*cmd));
	}
	ufd_see_unmap_ioctl(&ioas->space, cmd->iova, length, rc ? 0 : unmapped, rc);
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

/* ---- options ---- */

static int set_rlimit_mode(struct iommufd_ctx *ctx, u64 value)
{
	int rc = 0;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	xa_lock(&ctx->objects);
	/* Who is charged for what exists does not change. */
	if (!xa_empty(&ctx->objects))
		rc = -EBUSY;
	else if (value > 1)
		rc = -EINVAL;
	else
		ctx->charge = value ? UFD_CHARGE_MM : UFD_CHARGE_USER;
	ufd_see_rlimit_mode(ctx, rc);
	xa_unlock(&ctx->objects);
	return rc;
}

static int rlimit_mode(struct ufd_call *call)
{
	struct iommu_option *cmd = call->cmd;

	if (cmd->object_id)
		return -EOPNOTSUPP;
	if (cmd->op == IOMMU_OPTION_OP_SET)
		return set_rlimit_mode(call->ctx, cmd->val64);
	if (cmd->op != IOMMU_OPTION_OP_GET)
		return -EOPNOTSUPP;
	cmd->val64 = call->ctx->charge == UFD_CHARGE_MM;
	return 0;
}

static int huge_pages(struct ufd_call *call)
{
	struct iommu_option *cmd = call->cmd;
	struct ufd_ioas *ioas = ufd_obj_find(call->ctx, cmd->object_id, UFD_IOAS);
	int rc = -EOPNOTSUPP;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (cmd->op == IOMMU_OPTION_OP_SET) {
		rc = cmd->val64 > 1 ? -EINVAL : ufd_small_only(&ioas->space, !cmd->val64);
	} else if (cmd->op == IOMMU_OPTION_OP_GET) {
		cmd->val64 = !READ_ONCE(ioas->space.small_only);
		rc = 0;
	}
	ufd_obj_put(call->ctx, &ioas->obj);
	return rc;
}

int ufd_option(struct ufd_call *call)
{
	struct iommu_option __user *user = call->uarg;
	struct iommu_option *cmd = call->cmd;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->option_id == IOMMU_OPTION_RLIMIT_MODE)
		rc = rlimit_mode(call);
	else if (cmd->option_id == IOMMU_OPTION_HUGE_PAGES)
		rc = huge_pages(call);
	else
		rc = -EOPNOTSUPP;
	if (!rc && copy_to_user(&user->val64, &cmd->val64, sizeof(cmd->val64)))
		rc = -EFAULT;
	return rc;
}
