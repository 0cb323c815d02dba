// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of what broke a rule, one sentence per record.
 *
 * Cookies get short names in the order of appearance: area A1, pages P1,
 * domain D1.  What the domains did elsewhere is left out.
 */
#define _GNU_SOURCE		/* strerrorname_np() */
#include "sink/story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/desc.h"

#define MAX_RECORDS 4096
#define FIRST 12		/* sentences at the beginning of a long life, */
#define LAST 28			/* and at its end */

struct story {
	FILE *f;
	const struct ims_violation *viol;
	struct ims_names *names;
};

/* ---- names ---- */

unsigned int ims_names_get(struct ims_names *names, char letter, uint64_t cookie, bool *is_new)
{
	unsigned int number = 1;

	*is_new = false;
	for (unsigned int i = 0; i < names->n; i++) {
		if (names->list[i].letter != letter)
			continue;
		if (names->list[i].cookie == cookie)
			return names->list[i].number;
		number++;
	}
	*is_new = true;
	if (names->n < IMS_NAMES) {
		names->list[names->n].cookie = cookie;
		names->list[names->n].letter = letter;
		names->list[names->n++].number = number;
	}
	return number;
}

static void put_name(struct story *s, char letter, uint64_t cookie)
{
	bool is_new;

	fprintf(s->f, "%c%u", letter, ims_names_get(s->names, letter, cookie, &is_new));
	if (is_new)
		fprintf(s->f, " (%#" PRIx64 ")", cookie);
}

/* %A area, %P pages, %D domain, of the cookies; %x and %u numbers; %s text. */
static void say(struct story *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%')
			putc(*format, s->f);
		else if (*++format == 'x')
			fprintf(s->f, "%#" PRIx64, va_arg(args, uint64_t));
		else if (*format == 'u')
			fprintf(s->f, "%" PRIu64, va_arg(args, uint64_t));
		else if (*format == 's')
			fputs(va_arg(args, const char *), s->f);
		else
			put_name(s, *format, va_arg(args, uint64_t));
	}
	va_end(args);
}

static void put_rc(struct story *s, int rc)
{
	const char *name = rc < 0 && rc > -4096 ? strerrorname_np(-rc) : NULL;

	if (rc)
		fprintf(s->f, ": refused, %s", name ? name : "error");
}

static const char *text_of(const char *s)
{
	return s ? s : "?";
}

static const char *action(const struct ims_record *r)
{
	return text_of(ims_action_name(r));
}

/* ---- a sentence per kind ---- */

static void tell_ctx(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_CTX_OPEN ? "opens /dev/iommu" :
	    r->h.action == IMS_CTX_RELEASE ? "closes /dev/iommu" : "frees the context");
}

static void tell_pages(struct story *s, const struct ims_record *r)
{
	if (r->h.action == IMS_PAGES_FREE) {
		say(s, "frees pages %P", r->p.pages.pages);
		return;
	}
	say(s, "makes pages %P: %u pages of user memory at %x, %s", r->p.pages.pages,
	    r->p.pages.npages, r->p.pages.uptr, r->p.pages.writable ? "writable" : "read-only");
}

static void tell_area(struct story *s, const struct ims_record *r)
{
	static const char *const verbs[] = {
		[IMS_AREA_INSERT] = "inserts", [IMS_AREA_READY] = "publishes",
		[IMS_AREA_DYING] = "begins to unmap", [IMS_AREA_FREE] = "removes",
		[IMS_AREA_REMOVE] = "takes out, to split it,",
		[IMS_AREA_REINSERT] = "puts back, as the split failed,",
		[IMS_AREA_PREVENT] = "shuts accesses out of",
	};
	unsigned int a = r->h.action;

	say(s, "%s area %A, IOVA %x-%x", a <= IMS_AREA_PREVENT ? text_of(verbs[a]) : "?",
	    r->p.area.area, r->p.area.iova, r->p.area.last);
	if (a == IMS_AREA_INSERT)
		say(s, ", which shows pages %P from byte %x", r->p.area.pages,
		    r->p.area.start_byte);
}

static void tell_split(struct story *s, const struct ims_record *r)
{
	say(s, "splits area %A into %A and %A", r->p.split.area, r->p.split.lhs, r->p.split.rhs);
}

static void tell_storage(struct story *s, const struct ims_record *r)
{
	if (r->p.storage.domain)
		say(s, "lets domain %D keep the frames of area %A", r->p.storage.domain,
		    r->p.storage.area);
	else
		say(s, "lets no domain keep the frames of area %A any more", r->p.storage.area);
}

static void tell_pin(struct story *s, const struct ims_record *r)
{
	if (r->p.pin.got < 0)
		say(s, "asks for %u pages of %P from page %u on", r->p.pin.wanted,
		    r->p.pin.pages, r->p.pin.index);
	else
		say(s, "gets %u of %u pages of %P pinned, from page %u on",
		    (uint64_t)r->p.pin.got, r->p.pin.wanted, r->p.pin.pages, r->p.pin.index);
	put_rc(s, r->p.pin.got < 0 ? r->p.pin.got : 0);
}

static void tell_frames(struct story *s, const struct ims_record *r, const char *verb,
			uint64_t pages, uint64_t index)
{
	uint64_t sum = ims_runs_sum(r);

	say(s, "%s pages %u-%u of %P", verb, index, index + (sum ? sum - 1 : 0), pages);
	for (unsigned int i = 0; i < r->h.nruns && i < 3; i++)
		say(s, i ? ", %x+%u" : ": PFN %x+%u", (uint64_t)ims_runs(r)[i].addr,
		    (uint64_t)ims_runs(r)[i].len);
	if (r->h.nruns > 3)
		say(s, " and %u more runs", (uint64_t)r->h.nruns - 3);
}

static void tell_pin_runs(struct story *s, const struct ims_record *r)
{
	tell_frames(s, r, "has", r->p.pin_runs.pages, r->p.pin_runs.index);
}

static void tell_unpin(struct story *s, const struct ims_record *r)
{
	tell_frames(s, r, "unpins", r->p.unpin.pages, r->p.unpin.index);
}

static void tell_xarray(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_XA_STORE ? "keeps the frames of pages %u-%u of %P in the xarray" :
	    "removes the frames of pages %u-%u of %P from the xarray", r->p.xarray.index,
	    r->p.xarray.last, r->p.xarray.pages);
}

static void tell_account(struct story *s, const struct ims_record *r)
{
	int64_t delta = r->p.account.delta;

	say(s, delta < 0 ? "gives back the charge for %u pages of %P, to %s" :
	    "charges %u pages of %P to %s", delta < 0 ? -(uint64_t)delta : (uint64_t)delta,
	    r->p.account.pages, r->p.account.mode == IMS_ACCT_USER ? "the user" :
	    r->p.account.mode == IMS_ACCT_MM ? "the process" : "nobody");
	put_rc(s, r->p.account.rc);
}

static void tell_domain(struct story *s, const struct ims_record *r)
{
	static const char *const verbs[] = {
		[IMS_DOM_ADD_BEGIN] = "begins to add domain %D to the IOAS",
		[IMS_DOM_ADD_END] = "has added domain %D",
		[IMS_DOM_DEL_BEGIN] = "begins to take domain %D out of the IOAS",
		[IMS_DOM_DEL_END] = "has taken domain %D out",
	};
	unsigned int a = r->h.action;

	if (a && a <= IMS_DOM_DEL_END)
		say(s, verbs[a], r->p.domain.domain);
	put_rc(s, r->p.domain.rc);
}

static void tell_dma_map(struct story *s, const struct ims_record *r)
{
	uint64_t sum = ims_runs_sum(r);

	say(s, "maps IOVA %x-%x of area %A in domain %D", r->p.dma_map.iova,
	    r->p.dma_map.iova + (sum ? sum - 1 : 0), r->p.dma_map.area, r->p.dma_map.domain);
	for (unsigned int i = 0; i < r->h.nruns && i < 3; i++)
		say(s, i ? ", %x" : " to %x", (uint64_t)ims_runs(r)[i].addr);
	if (r->h.nruns > 3)
		say(s, " and %u more runs", (uint64_t)r->h.nruns - 3);
	put_rc(s, r->p.dma_map.rc);
}

static void tell_dma_unmap(struct story *s, const struct ims_record *r)
{
	const struct ims_dma_unmap *p = &r->p.dma_unmap;

	say(s, "unmaps IOVA %x-%x in domain %D%s", p->iova, p->iova + (p->size ? p->size - 1 : 0),
	    p->domain, p->flags & IMS_DMA_SYNCED ? "" : ", without an IOTLB sync");
	if (p->unmapped != p->size)
		say(s, ", but only %u of %u bytes were there", p->unmapped, p->size);
}

static void tell_sync(struct story *s, const struct ims_record *r)
{
	say(s, "syncs the IOTLB of domain %D", r->p.iotlb_sync.domain);
}

static void tell_map(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_MAP_COPY ? "is done with IOAS_COPY of %x bytes to IOVA %x" :
	    "is done with IOAS_MAP of %x bytes at IOVA %x", r->p.map.length, r->p.map.iova);
	put_rc(s, r->p.map.rc);
}

static void tell_unmap(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_UNMAP_IOCTL ? "was told that %x bytes of IOVA %x-%x are unmapped" :
	    "has removed %x bytes of IOVA %x-%x", r->p.unmap.unmapped, r->p.unmap.iova,
	    r->p.unmap.last);
	put_rc(s, r->p.unmap.rc);
}

static void tell_reserve(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_RESV_ADD ? "reserves IOVA %x-%x for %x" :
	    "gives back the reserved IOVA %x-%x of %x", r->p.reserve.start, r->p.reserve.last,
	    r->p.reserve.owner);
	put_rc(s, r->p.reserve.rc);
}

static void tell_device(struct story *s, const struct ims_record *r)
{
	char name[IMS_NAME + 1] = "";

	for (unsigned int i = 0; i < IMS_NAME && r->p.device.name[i]; i++)
		name[i] = r->p.device.name[i] > 0x1f && r->p.device.name[i] < 0x7f ?
			  r->p.device.name[i] : '?';
	say(s, "%s: device %s", action(r), name);
	if (r->p.device.domain)
		say(s, ", domain %D", r->p.device.domain);
	put_rc(s, r->p.device.rc);
}

static void tell_access_range(struct story *s, const struct ims_record *r)
{
	say(s, r->h.action == IMS_ACC_RANGE_PIN ? "pins pages %u-%u of %P for an in-kernel access" :
	    "ends an in-kernel access to pages %u-%u of %P", r->p.access_range.index,
	    r->p.access_range.last, r->p.access_range.pages);
	put_rc(s, r->p.access_range.rc);
}

static void tell_hwpt(struct story *s, const struct ims_record *r)
{
	say(s, "gives HWPT %u the domain %D", (uint64_t)r->p.hwpt.id, r->p.hwpt.domain);
}

static void tell_ioctl(struct story *s, const struct ims_record *r)
{
	const char *name = ims_name_of(ims_desc(IMS_IOCTL)->fields[0].names, r->p.ioctl.cmd);

	say(s, "calls ioctl %s", name ? name : "?");
}

static void tell_other(struct story *s, const struct ims_record *r)
{
	const struct ims_desc *d = ims_desc(r->h.kind);
	const char *name = ims_action_name(r);

	say(s, name ? "%s.%s: %s" : "%s%s: %s", d->name, name ? name : "", d->about);
}

static void (*const tells[IMS_NR_KINDS])(struct story *s, const struct ims_record *r) = {
	[IMS_CTX] = tell_ctx, [IMS_PAGES] = tell_pages, [IMS_AREA] = tell_area,
	[IMS_SPLIT] = tell_split, [IMS_STORAGE] = tell_storage, [IMS_PIN] = tell_pin,
	[IMS_PIN_RUNS] = tell_pin_runs, [IMS_UNPIN] = tell_unpin, [IMS_XARRAY] = tell_xarray,
	[IMS_ACCOUNT] = tell_account, [IMS_DOMAIN] = tell_domain, [IMS_DMA_MAP] = tell_dma_map,
	[IMS_DMA_UNMAP] = tell_dma_unmap, [IMS_IOTLB_SYNC] = tell_sync, [IMS_MAP] = tell_map,
	[IMS_UNMAP] = tell_unmap, [IMS_RESERVE] = tell_reserve, [IMS_DEVICE] = tell_device,
	[IMS_ACCESS_RANGE] = tell_access_range, [IMS_IOCTL] = tell_ioctl,
	[IMS_HWPT] = tell_hwpt,
};

static void tell(struct story *s, const struct ims_record *r, bool offender)
{
	int64_t before = s->viol->ktime_ns - r->h.ktime_ns;

	fprintf(s->f, "%s%u:%-8llu %10.3f ms  thread %-7u ", offender ? "=>" : "  ", r->h.ring,
		r->h.seq, before ? -before / 1e6 : 0.0, r->h.tid);
	(tells[r->h.kind] ? tells[r->h.kind] : tell_other)(s, r);
	putc('\n', s->f);
}

/* ---- the life ---- */

static bool overlap(uint64_t start, uint64_t last, uint64_t other, uint64_t other_last)
{
	return start <= other_last && last >= other;
}

/* Is @r about the violation's IOVAs, those of an area of the story list[n], or about none? */
static bool near(const struct ims_violation *viol, const struct ims_record *const *list,
		 unsigned int n, const struct ims_record *r)
{
	uint64_t start, last, here, here_last;

	if (r->h.kind == IMS_AREA || !ims_violation_iova(viol, &here, &here_last) ||
	    !ims_record_iova(r, &start, &last) || overlap(start, last, here, here_last))
		return true;
	while (n--)
		if (list[n]->h.kind == IMS_AREA &&
		    overlap(start, last, list[n]->p.area.iova, list[n]->p.area.last))
			return true;
	return false;
}

/* What the domains did before the pages and areas of the story were born: only their life. */
static bool of_domain_life(const struct ims_record *r)
{
	return r->h.kind == IMS_DOMAIN || r->h.kind == IMS_HWPT || r->h.kind == IMS_DEVICE ||
	       r->h.kind == IMS_IOCTL;
}

/* Does @r tell of an area that the story, list[n] so far, did not tell of? */
static bool of_other_area(const struct ims_record *const *list, unsigned int n,
			  const struct ims_record *r)
{
	uint64_t area = r->h.kind == IMS_STORAGE ? r->p.storage.area :
			r->h.kind == IMS_DMA_MAP ? r->p.dma_map.area : 0;
	bool others = false;

	while (area && n--) {
		if (list[n]->h.kind != IMS_AREA)
			continue;
		if (list[n]->p.area.area == area)
			return false;
		others = true;
	}
	return others;
}

/* An ioctl of which nothing is told is forgotten when the next one comes. */
static unsigned int append(const struct ims_record **list, unsigned int n,
			   const struct ims_record *r)
{
	if (n && r->h.kind == IMS_IOCTL && list[n - 1]->h.kind == IMS_IOCTL &&
	    r->h.tid == list[n - 1]->h.tid)
		n--;
	list[n] = r;
	return n + 1;
}

static unsigned int choose(const struct ims_violation *viol, const struct ims_record **list,
			   unsigned int n)
{
	unsigned int birth = 0, k = 0;

	while (birth < n && list[birth]->h.kind != IMS_AREA && list[birth]->h.kind != IMS_PAGES)
		birth++;
	for (unsigned int i = 0; i < n; i++) {
		const struct ims_record *r = list[i];
		bool early = birth < n && i < birth && !of_domain_life(r);

		if (i == n - 1 || (!early && near(viol, list, k, r) && !of_other_area(list, k, r)))
			k = append(list, k, r);
	}
	return k;
}

static void tell_all(struct story *s, const struct ims_record **list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (n > FIRST + LAST && i == FIRST) {
			fprintf(s->f, "  ... %u records about the same objects are left out\n",
				n - FIRST - LAST);
			i = n - LAST;
		}
		tell(s, list[i], i == n - 1);
	}
}

char *ims_story(const struct ims_verifier *v, const struct ims_violation *viol,
		struct ims_names *names)
{
	const struct ims_record **list = calloc(MAX_RECORDS, sizeof(*list));
	struct story s = { .viol = viol, .names = names };
	char *text = NULL;
	unsigned int n;
	size_t size;

	s.f = list ? open_memstream(&text, &size) : NULL;
	if (s.f) {
		n = ims_verifier_life(v, viol, list, MAX_RECORDS);
		fputs("The story (ring:record, time before the violation):\n", s.f);
		tell_all(&s, list, choose(viol, list, n));
		fclose(s.f);
	}
	free(list);
	return text;
}
