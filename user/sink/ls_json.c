// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot as JSON: a line "context" for each, and a line "totals".
 */
#include "record/desc.h"
#include "sink/ls.h"
#include "sink/members.h"
#include "source/holders.h"

/* ---- rows ---- */

static void put_holder(struct jm *o, const void *item)
{
	const struct snap_file *f = item;

	jm_number(o, "tgid", f->tgid);
	jm_number(o, "fd", f->h.id);
	jm_number(o, "uid", f->uid);
	jm_text(o, "comm", f->comm, sizeof(f->comm));
}

static void put_object(struct jm *o, const void *item)
{
	const struct snap_object *x = item;

	jm_number(o, "id", x->h.id);
	jm_named(o, "object_type", ims_object_types, x->type);
}

static void put_device(struct jm *o, const void *item)
{
	const struct snap_device *d = item;

	jm_number(o, "id", d->h.id);
	jm_text(o, "name", d->name, sizeof(d->name));
	jm_integer(o, "group", snap_has_group(d) ? d->group : -1LL);
	jm_number(o, "hwpt", d->hwpt);
	jm_cookie(o, "domain", d->domain);
}

static void put_area(struct jm *o, const void *item)
{
	const struct snap_area *a = item;

	jm_number(o, "iova", a->iova);
	jm_number(o, "last", a->last);
	jm_truth(o, "live", a->flags & SNAP_AREA_LIVE);
	jm_number(o, "user_address", a->pages && !a->file ? a->uptr + a->start_byte : 0);
	jm_cookie(o, "file", a->file);
	jm_number(o, "file_offset", a->file ? a->uptr + a->start_byte : 0);
	jm_flags(o, "prot", ims_dma_prot, a->prot);
	jm_cookie(o, "pages", a->pages);
	jm_number(o, "pages_count", a->npages);
	jm_number(o, "pages_pinned", a->npinned);
	jm_number(o, "pages_charged", a->mode == IMS_ACCT_NONE ? 0 : a->charged);
	jm_truth(o, "pages_busy", a->flags & SNAP_AREA_BUSY);
	jm_named(o, "account", ims_account_modes, a->mode);
	jm_number(o, "charged_tgid", a->tgid);
	jm_number(o, "accesses", a->nacc);
	jm_cookie(o, "stored_in", a->storage);
}

static void put_range(struct jm *o, const void *item)
{
	const struct snap_range *r = item;

	jm_number(o, "start", r->start);
	jm_number(o, "last", r->last);
	jm_cookie(o, "owner", r->owner);
}

static void put_domain(struct jm *o, const void *item)
{
	const struct snap_domain *d = item;

	jm_cookie(o, "domain", d->domain);
	jm_number(o, "aperture_start", d->aperture_start);
	jm_number(o, "aperture_last", d->aperture_last);
	jm_number(o, "page_sizes", d->pgsize_bitmap);
}

static void put_hwpt(struct jm *o, const void *item)
{
	const struct snap_hwpt *h = item;

	jm_number(o, "id", h->h.id);
	jm_cookie(o, "domain", h->domain);
	jm_number(o, "parent", h->parent_id);
	jm_flags(o, "flags", ims_hwpt_flags, h->flags);
}

static void put_access(struct jm *o, const void *item)
{
	const struct snap_access *a = item;

	jm_number(o, "id", a->h.id);
	jm_number(o, "alignment", a->align);
}

static void put_space(struct jm *o, const void *item)
{
	const struct snap_space *s = item;

	jm_number(o, "id", s->ioas.h.id);
	jm_cookie(o, "ioas", s->ioas.ioas);
	jm_number(o, "alignment", s->ioas.align);
	jm_truth(o, "large_pages", !s->ioas.large_off);
	jm_number(o, "sections", s->sections);
	JM_ARRAY(o, "reserved", put_range, s->reserved);
	JM_ARRAY(o, "allowed", put_range, s->allowed);
	JM_ARRAY(o, "domains", put_domain, s->domains);
	JM_ARRAY(o, "hwpts", put_hwpt, s->hwpts);
	JM_ARRAY(o, "accesses", put_access, s->accesses);
	JM_ARRAY(o, "areas", put_area, s->areas);
}

static void put_totals(struct jm *o, const struct snap_totals *t)
{
	jm_number(o, "contexts", t->contexts);
	jm_number(o, "ioases", t->spaces);
	jm_number(o, "areas", t->areas);
	jm_number(o, "devices", t->devices);
	jm_number(o, "bytes_mapped", t->mapped);
	jm_number(o, "pages_pinned", t->pinned);
	jm_number(o, "pages_charged", t->charged);
}

static void put_process(struct jm *o, const void *item)
{
	const struct snap_process *p = item;

	jm_number(o, "tgid", p->tgid);
	jm_text(o, "comm", p->comm, sizeof(p->comm));
	put_totals(o, &p->totals);
}

/* ---- lines ---- */

static void put_context(struct jm *o, const void *item)
{
	const struct snap_context *c = item;

	jm_kind(o, "context");
	jm_cookie(o, "ctx", c->row.ctx);
	jm_named(o, "account", ims_account_modes, c->row.mode);
	jm_number(o, "vfio_ioas", c->row.vfio_ioas);
	jm_truth(o, "changed", c->changed);
	JM_ARRAY(o, "holders", put_holder, c->holders);
	JM_ARRAY(o, "objects", put_object, c->objects);
	JM_ARRAY(o, "devices", put_device, c->devices);
	JM_ARRAY(o, "ioases", put_space, c->spaces);
}

static void put_all_totals(struct jm *o, const void *item)
{
	const struct snap_processes *p = item;

	jm_kind(o, "totals");
	put_totals(o, &p->all);
	JM_ARRAY(o, "processes", put_process, p->list);
}

int ims_ls_json(FILE *f, const struct snapshot *s, bool summary)
{
	struct jm o = { .w = { .f = f } };
	struct snap_processes p = {};
	int rc = snap_processes_of(s, &p);

	for (size_t i = 0; !rc && !summary && i < s->contexts.n; i++) {
		jm_object(&o, NULL, put_context, &s->contexts.at[i]);
		jw_line_end(&o.w);
	}
	if (!rc) {
		jm_object(&o, NULL, put_all_totals, &p);
		jw_line_end(&o.w);
	}
	snap_processes_free(&p);
	return rc;
}

void ims_ls_schema(struct jsonw *w)
{
	static const struct snap_context context;
	static const struct snap_processes processes;
	struct jm o = { .w = *w, .mode = JM_TYPE };

	jm_object(&o, "context", put_context, &context);
	jm_object(&o, "totals", put_all_totals, &processes);
	*w = o.w;
}
