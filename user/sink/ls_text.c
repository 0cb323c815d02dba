// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot as a tree for people:
 *
 *	qemu-system-x86/712 fd 14, uid 0
 *	  device 3  0000:03:00.0, group 5, on HWPT 4
 *	  IOAS 2  alignment 4K, areas 2, domains 1
 *	    HWPT 4  auto, aperture 0-0xffff..., pages 4K 2M 1G
 *	    area  0x100000-0x1fffff  1M  read|write|cache  from 0x7f...  pinned 256 of 256, ...
 *	    reserved  0xfee00000-0xfeefffff  by 0000:03:00.0
 *
 * and a table of what each process holds.
 */
#include <inttypes.h>
#include <string.h>

#include "record/desc.h"
#include "sink/ls.h"
#include "sink/show.h"
#include "source/holders.h"

/* ---- parts ---- */

static void put_holders(FILE *f, const struct snap_context *c)
{
	for (size_t i = 0; i < c->holders.n; i++) {
		const struct snap_file *h = &c->holders.at[i];

		fputs(i ? ", and " : "", f);
		show_text(f, h->comm, sizeof(h->comm));
		fprintf(f, "/%u fd %u", h->tgid, h->h.id);
		if (!i)
			fprintf(f, ", uid %u", h->uid);
	}
}

static void put_device(FILE *f, const struct snap_device *d)
{
	fprintf(f, "  device %u  ", d->h.id);
	show_text(f, d->name, sizeof(d->name));
	if (snap_has_group(d))
		fprintf(f, ", group %u", d->group);
	else
		fputs(", no IOMMU group", f);
	if (d->hwpt)
		fprintf(f, ", on HWPT %u\n", d->hwpt);
	else
		fputs(", not attached\n", f);
}

static void put_page_sizes(FILE *f, uint64_t bitmap)
{
	for (unsigned int bit = 0; bit < 64; bit++)
		if (bitmap >> bit & 1) {
			putc(' ', f);
			show_bytes(f, 1ULL << bit);
		}
}

static const struct snap_domain *domain_of(const struct snap_space *s, uint64_t domain)
{
	for (size_t i = 0; i < s->domains.n; i++)
		if (s->domains.at[i].domain == domain)
			return &s->domains.at[i];
	return NULL;
}

static void put_hwpt(FILE *f, const struct snap_space *s, const struct snap_hwpt *h)
{
	const struct snap_domain *d = domain_of(s, h->domain);

	fprintf(f, "    HWPT %u", h->h.id);
	if (h->flags) {
		fputs("  ", f);
		show_flags(f, ims_hwpt_flags, h->flags);
	}
	if (h->parent_id)
		fprintf(f, ", on HWPT %u", h->parent_id);
	if (d) {
		fprintf(f, ", aperture %#" PRIx64 "-%#" PRIx64 ", pages", (uint64_t)d->aperture_start,
			(uint64_t)d->aperture_last);
		put_page_sizes(f, d->pgsize_bitmap);
	}
	putc('\n', f);
}

static void put_pages(FILE *f, const struct snap_area *a)
{
	const char *of = a->flags & SNAP_AREA_DMABUF ? "dma-buf at " : a->file ? "file at " : "";

	fprintf(f, "  from %s%#" PRIx64 "  pinned %" PRIu64 " of %" PRIu64, of,
		(uint64_t)(a->uptr + a->start_byte), (uint64_t)a->npinned, (uint64_t)a->npages);
	if (a->mode != IMS_ACCT_NONE)
		fprintf(f, ", charged %" PRIu64 " to the %s of %u", (uint64_t)a->charged,
			a->mode == IMS_ACCT_USER ? "user" : "mm", a->tgid);
	if (a->nacc)
		fprintf(f, ", %u accesses", a->nacc);
	if (a->flags & SNAP_AREA_BUSY)
		fputs(" (changing)", f);
}

static void put_area(FILE *f, const struct snap_area *a)
{
	fprintf(f, "    area  %#" PRIx64 "-%#" PRIx64 "  ", (uint64_t)a->iova, (uint64_t)a->last);
	show_bytes(f, a->last - a->iova + 1);
	fputs("  ", f);
	show_flags(f, ims_dma_prot, a->prot);
	if (a->pages)
		put_pages(f, a);
	else
		fputs("  just being mapped or unmapped", f);
	putc('\n', f);
}

static void put_owner(FILE *f, const struct snap_context *c, const struct snap_space *s,
		      uint64_t owner)
{
	const struct snap_device *d = snap_device_of_owner(c, owner);
	const struct snap_hwpt *h = snap_hwpt_of_domain(s, owner);

	if (d) {
		fputs("  by ", f);
		show_text(f, d->name, sizeof(d->name));
	} else if (h) {
		fprintf(f, "  by HWPT %u", h->h.id);
	} else if (owner) {
		fprintf(f, "  by %#" PRIx64, owner);
	}
}

static void put_ranges(FILE *f, const struct snap_context *c, const struct snap_space *s)
{
	for (size_t i = 0; i < s->reserved.n; i++) {
		const struct snap_range *r = &s->reserved.at[i];

		fprintf(f, "    reserved  %#" PRIx64 "-%#" PRIx64, (uint64_t)r->start, (uint64_t)r->last);
		put_owner(f, c, s, r->owner);
		putc('\n', f);
	}
	for (size_t i = 0; i < s->allowed.n; i++)
		fprintf(f, "    allowed  %#" PRIx64 "-%#" PRIx64 "\n", (uint64_t)s->allowed.at[i].start,
			(uint64_t)s->allowed.at[i].last);
}

static void put_space(FILE *f, const struct snap_context *c, const struct snap_space *s)
{
	fprintf(f, "  IOAS %u  alignment ", s->ioas.h.id);
	show_bytes(f, s->ioas.align);
	fprintf(f, ", areas %zu, domains %zu", s->areas.n, s->domains.n);
	if (s->ioas.large_off)
		fputs(", no large pages", f);
	if (s->ioas.h.id == c->row.vfio_ioas)
		fputs(", of the VFIO interface", f);
	if (s->sections > 1)
		fprintf(f, ", read in %u parts", s->sections);
	putc('\n', f);
	for (size_t i = 0; i < s->hwpts.n; i++)
		put_hwpt(f, s, &s->hwpts.at[i]);
	for (size_t i = 0; i < s->accesses.n; i++)
		fprintf(f, "    access %u  alignment %" PRIu64 "\n", s->accesses.at[i].h.id,
			(uint64_t)s->accesses.at[i].align);
	put_ranges(f, c, s);
	for (size_t i = 0; i < s->areas.n; i++)
		put_area(f, &s->areas.at[i]);
}

static void put_context(FILE *f, const struct snap_context *c)
{
	put_holders(f, c);
	if (c->changed)
		fputs("  (objects came and went meanwhile)", f);
	putc('\n', f);
	for (size_t i = 0; i < c->devices.n; i++)
		put_device(f, &c->devices.at[i]);
	for (size_t i = 0; i < c->spaces.n; i++)
		put_space(f, c, &c->spaces.at[i]);
}

/* ---- totals ---- */

static void put_row(FILE *f, const struct snap_totals *t)
{
	fprintf(f, " %8" PRIu64 " %6" PRIu64 " %8" PRIu64 " %7" PRIu64 " ", t->contexts, t->spaces,
		t->areas, t->devices);
	fprintf(f, "%*s", 12 - show_width(t->mapped), "");
	show_bytes(f, t->mapped);
	fprintf(f, " %12" PRIu64 " %12" PRIu64 "\n", t->pinned, t->charged);
}

static void put_table(FILE *f, const struct snap_processes *p)
{
	fprintf(f, "%-26s contexts ioases    areas devices       mapped pages pinned      charged\n",
		"PROCESS");
	for (size_t i = 0; i < p->list.n; i++) {
		const struct snap_process *one = &p->list.at[i];
		char number[16];

		snprintf(number, sizeof(number), "/%u", one->tgid);
		show_text(f, one->comm, sizeof(one->comm));
		fprintf(f, "%-*s", 26 - (int)strnlen(one->comm, sizeof(one->comm)), number);
		put_row(f, &one->totals);
	}
	fprintf(f, "%-26s", "all");
	put_row(f, &p->all);
}

int ims_ls_text(FILE *f, const struct snapshot *s, bool summary)
{
	struct snap_processes p = {};
	int rc = snap_processes_of(s, &p);

	for (size_t i = 0; !rc && !summary && i < s->contexts.n; i++) {
		put_context(f, &s->contexts.at[i]);
		putc('\n', f);
	}
	if (!rc)
		put_table(f, &p);
	snap_processes_free(&p);
	return rc;
}
