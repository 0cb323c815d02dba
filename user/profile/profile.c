// SPDX-License-Identifier: GPL-2.0-only
/* See profile.h. */
#include "profile/profile.h"

#include <stdlib.h>

static const struct {
	const char *name, *title;
} phases[IMS_PHASES] = {
	[IMS_PH_MAP] = { "map", "map" },
	[IMS_PH_COPY] = { "copy", "copy" },
	[IMS_PH_UNMAP] = { "unmap", "unmap" },
	[IMS_PH_HWPT_ALLOC] = { "hwpt_alloc", "HWPT alloc" },
	[IMS_PH_DESTROY] = { "destroy", "destroy" },
	[IMS_PH_IOCTL] = { "ioctl", "other ioctl" },
	[IMS_PH_RELEASE] = { "release", "close" },
	[IMS_PH_ATTACH] = { "attach", "attach" },
	[IMS_PH_REPLACE] = { "replace", "replace" },
	[IMS_PH_DETACH] = { "detach", "detach" },
	[IMS_PH_ACCESS_PIN] = { "access_pin", "access pin" },
	[IMS_PH_ACCESS_UNPIN] = { "access_unpin", "access unpin" },
	[IMS_PH_ACCESS_RW] = { "access_rw", "access rw" },
	[IMS_PH_PIN_FAST] = { "pin_fast", "pin, GUP fast" },
	[IMS_PH_PIN_SLOW] = { "pin_slow", "pin, GUP slow" },
	[IMS_PH_PIN_MEMFD] = { "pin_memfd", "pin, memfd" },
	[IMS_PH_FAULT] = { "fault", "page fault" },
	[IMS_PH_DOMAIN_MAP] = { "domain_map", "domain map" },
	[IMS_PH_DOMAIN_UNMAP] = { "domain_unmap", "domain unmap" },
	[IMS_PH_IOTLB_SYNC] = { "iotlb_sync", "IOTLB sync" },
	[IMS_PH_READBACK] = { "readback", "read PFNs back" },
	[IMS_PH_UNPIN] = { "unpin", "unpin" },
	[IMS_PH_ACCOUNT] = { "account", "account" },
	[IMS_PH_REPLAY] = { "replay", "replay" },
};

const char *profile_phase_name(enum ims_phase phase)
{
	return phase < IMS_PHASES ? phases[phase].name : "unknown";
}

const char *profile_phase_title(enum ims_phase phase)
{
	return phase < IMS_PHASES ? phases[phase].title : "unknown";
}

const char *profile_lost_name(enum ims_profile_loss class)
{
	static const char *const names[IMS_PL_CLASSES] = {
		[IMS_PL_WHO] = "who", [IMS_PL_SUM] = "sums", [IMS_PL_HIST] = "latencies",
		[IMS_PL_STACK] = "stacks", [IMS_PL_DEPTH] = "nested", [IMS_PL_THREAD] = "threads",
	};

	return names[class];
}

void ims_sum_add(struct ims_sum *to, const struct ims_sum *from)
{
	to->calls += from->calls;
	to->errors += from->errors;
	to->ns += from->ns;
	to->self += from->self;
	to->pages += from->pages;
	to->bytes += from->bytes;
	to->runs += from->runs;
}

static int by_id(const void *a, const void *b)
{
	const struct profile_who *x = a, *y = b;

	return (x->who.id > y->who.id) - (x->who.id < y->who.id);
}

void profile_sort(struct profile *p)
{
	if (p->who.n)
		qsort(p->who.at, p->who.n, sizeof(*p->who.at), by_id);
}

const struct profile_who *profile_who_find(const struct profile *p, uint32_t id)
{
	const struct profile_who key = { .who.id = id };

	return p->who.n ? bsearch(&key, p->who.at, p->who.n, sizeof(key), by_id) : NULL;
}

const struct profile_stack *profile_stack_find(const struct profile *p, int32_t id)
{
	for (size_t i = 0; i < p->stacks.n; i++)
		if (p->stacks.at[i].id == id)
			return &p->stacks.at[i];
	return NULL;
}

static bool everybody(const struct profile_part *part)
{
	return !part->tgid && !part->ctx && !part->ioas && !part->device;
}

bool profile_fits(const struct profile_who *w, const struct profile_part *part)
{
	if (!w)
		return everybody(part);
	return (!part->tgid || part->tgid == w->key.tgid) &&
	       (!part->ctx || part->ctx == w->key.ctx) &&
	       (!part->ioas || part->ioas == w->key.ioas) &&
	       (!part->device || part->device == w->key.device);
}

bool profile_in_part(const struct profile *p, const struct profile_part *part, uint32_t who)
{
	return everybody(part) || profile_fits(profile_who_find(p, who), part);
}

void profile_total(const struct profile *p, const struct profile_part *part,
		   enum ims_phase phase, struct ims_sum *sum, struct hist *hist)
{
	*sum = (struct ims_sum){};
	for (size_t i = 0; i < p->sums.n; i++) {
		const struct profile_sum *s = &p->sums.at[i];

		if (s->key.phase == phase && (!part->by_op || s->key.op == part->op) &&
		    profile_in_part(p, part, s->key.who))
			ims_sum_add(sum, &s->sum);
	}
	if (!hist)
		return;
	*hist = (struct hist){};
	for (size_t i = 0; i < p->hists.n; i++)
		if (p->hists.at[i].key.phase == phase && profile_in_part(p, part, p->hists.at[i].key.who))
			hist_merge(hist, &p->hists.at[i].hist);
}

void ims_shape_add(struct ims_shape *to, const struct ims_shape *from)
{
	for (int i = 0; i < IMS_CLASSES; i++) {
		to->runs[i] += from->runs[i];
		to->pages[i] += from->pages[i];
		to->pins[i] += from->pins[i];
	}
	to->huge += from->huge;
	to->huge_mapped += from->huge_mapped;
}

void profile_shape_total(const struct profile *p, const struct profile_part *part,
			 struct ims_shape *shape)
{
	*shape = (struct ims_shape){};
	for (size_t i = 0; i < p->shapes.n; i++)
		if (profile_in_part(p, part, p->shapes.at[i].who))
			ims_shape_add(shape, &p->shapes.at[i].shape);
}

void profile_free(struct profile *p)
{
	free(p->who.at);
	free(p->sums.at);
	free(p->hists.at);
	free(p->shapes.at);
	free(p->stacks.at);
	*p = (struct profile){};
}
