// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the programs themselves remember of a ctx, for one that was open before them:
 * without it they could not tell whose a domain is, or the right end of an object.
 *
 * It is filled in from a snapshot. What is not there yet has an effect from now on only,
 * so a snapshot counts when all of it was there already. And what a snapshot shows may
 * be gone by now, and its memory another ctx's: of whom a program has seen the birth,
 * it knows better.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "bpf/tables.h"
#include "source/live_impl.h"

static bool owner_known(int fd, __u64 cookie, __u64 ctx)
{
	__u64 owner;

	if (!bpf_map_lookup_elem(fd, &cookie, &owner))
		return owner == ctx;
	bpf_map_update_elem(fd, &cookie, &ctx, BPF_NOEXIST);
	return false;
}

static bool domains_known(const struct live *live, const struct snap_context *c)
{
	int fd = bpf_map__fd(live->probes.domain_ctx);
	bool known = true;

	for (size_t i = 0; i < c->spaces.n; i++)
		for (size_t k = 0; k < c->spaces.at[i].domains.n; k++)
			if (!owner_known(fd, c->spaces.at[i].domains.at[k].domain, c->row.ctx))
				known = false;
	return known;
}

/* The programs may have noted a later object with this id. */
static bool ids_known(const struct bpf_map *ids, const struct snap_context *c)
{
	bool known = true;

	for (size_t i = 0; i < c->objects.n; i++) {
		const struct snap_object *o = &c->objects.at[i];
		struct ims_id_key key = { .ctx = c->row.ctx, .id = o->h.id };
		struct ims_id_state state = { .obj = o->obj, .type = o->type, .visible = 1 };

		if (!bpf_map_update_elem(bpf_map__fd(ids), &key, &state, BPF_NOEXIST))
			known = false;
	}
	return known;
}

static bool ranges_known(const struct bpf_map *ranges, const struct snap_context *c)
{
	int fd = bpf_map__fd(ranges);
	bool known = true;

	for (size_t i = 0; i < c->pins.n; i++) {
		const struct snap_pin *p = &c->pins.at[i];
		struct ims_range_key key = { p->pages, p->index, p->last };
		struct ims_range_state now, state = { .users = p->h.id, .ctx = c->row.ctx };
		bool there = !bpf_map_lookup_elem(fd, &key, &now);

		if (there && now.ctx == state.ctx && now.users == state.users)
			continue;
		if (!there || now.ctx == state.ctx)
			bpf_map_update_elem(fd, &key, &state, there ? BPF_EXIST : BPF_NOEXIST);
		known = false;
	}
	return known;
}

/* Who takes one back is not at work for any ctx. */
static bool dmabufs_known(const struct bpf_map *dmabufs, const struct snap_context *c)
{
	int fd = bpf_map__fd(dmabufs);
	bool known = true;

	for (size_t i = 0; i < c->spaces.n; i++)
		for (size_t k = 0; k < c->spaces.at[i].areas.n; k++) {
			const struct snap_area *a = &c->spaces.at[i].areas.at[k];

			if (a->flags & SNAP_AREA_DMABUF && !owner_known(fd, a->pages, c->row.ctx))
				known = false;
		}
	return known;
}

bool live_knows(const struct live *live, const struct snap_context *c)
{
	const struct bpf_map *ids = bpf_object__find_map_by_name(live->probes.obj, "objects");
	const struct bpf_map *ranges = bpf_object__find_map_by_name(live->probes.obj, "ranges");
	const struct bpf_map *dmabufs = bpf_object__find_map_by_name(live->probes.obj, "dmabufs");
	bool known = domains_known(live, c);

	if (ids && !ids_known(ids, c))
		known = false;
	if (ranges && !ranges_known(ranges, c))
		known = false;
	if (dmabufs && !dmabufs_known(dmabufs, c))
		known = false;
	return known;
}
