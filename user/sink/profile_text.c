// SPDX-License-Identifier: GPL-2.0-only
/*
 * A profile for people: from what was asked, over where the time went and in what pieces
 * memory is, to who asked and which single operations were the slowest.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/profile.h"
#include "sink/show.h"

#define BAR 24
#define TOP_WHO 20
#define TOP_STACKS 5
#define TOP_SLOW 5

static const struct profile_part everything;

static void put_bar(FILE *f, double share)
{
	int n = share * BAR + 0.5;

	fprintf(f, "%.*s%*s", n, "########################", BAR - n, "");
}

static double part_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

/* ---- operations and phases ---- */

static void put_latencies(FILE *f, const struct hist *h)
{
	static const unsigned int permille[] = { 500, 900, 990, 1000 };
	char buf[SHOW_SIZE];

	for (unsigned int i = 0; i < sizeof(permille) / sizeof(*permille); i++)
		fprintf(f, " %9s", show_ns(buf, hist_quantile(h, permille[i])));
}

static void put_operation_row(FILE *f, const struct view_row *row)
{
	const struct ims_sum *s = &row->sum;
	char total[SHOW_SIZE], bytes[SHOW_SIZE], rate[SHOW_SIZE] = "";

	if (s->bytes && s->ns)
		show_size(rate, s->bytes * 1e9 / s->ns);
	fprintf(f, "%-16s %9" PRIu64 " %7" PRIu64 " %9s %9s %11s", profile_phase_title(row->phase),
		(uint64_t)s->calls, (uint64_t)s->errors, show_ns(total, s->ns),
		s->bytes ? show_size(bytes, s->bytes) : "", rate);
	put_latencies(f, &row->hist);
	putc('\n', f);
}

static void put_phase_row(FILE *f, const struct view_row *row)
{
	const struct ims_sum *s = &row->sum;
	char total[SHOW_SIZE], pages[SHOW_SIZE] = "";

	if (s->pages)
		snprintf(pages, sizeof(pages), "%.1f", (double)s->pages / s->calls);
	fprintf(f, "%-16s %9" PRIu64 " %7" PRIu64 " %9s %9" PRIu64 " %11s",
		profile_phase_title(row->phase), (uint64_t)s->calls, (uint64_t)s->errors,
		show_ns(total, s->ns), (uint64_t)s->pages, pages);
	put_latencies(f, &row->hist);
	putc('\n', f);
}

static void put_tables(FILE *f, const struct view_rows *rows)
{
	static const char *const latencies = "       p50       p90       p99       max";
	bool said = false;

	fprintf(f, "%-16s %9s %7s %9s %9s %11s%s\n", "OPERATION", "calls", "failed", "time", "bytes",
		"bytes/s", latencies);
	for (size_t i = 0; i < rows->n; i++)
		if (rows->at[i].phase < IMS_PH_OPS)
			put_operation_row(f, &rows->at[i]);
	for (size_t i = 0; i < rows->n; i++) {
		if (rows->at[i].phase < IMS_PH_OPS)
			continue;
		if (!said)
			fprintf(f, "\n%-16s %9s %7s %9s %9s %11s%s\n", "PHASE", "calls", "failed",
				"time", "pages", "pages/call", latencies);
		said = true;
		put_phase_row(f, &rows->at[i]);
	}
}

/* ---- where the time of one kind of operation went ---- */

static void put_share(FILE *f, const struct view_row *row, uint64_t whole)
{
	char self[SHOW_SIZE];

	fprintf(f, "  %-16s ", row->phase == row->op ? "other" : profile_phase_title(row->phase));
	put_bar(f, part_of(row->sum.self, whole));
	fprintf(f, " %5.1f%% %9s\n", 100 * part_of(row->sum.self, whole),
		show_ns(self, row->sum.self));
}

static int put_breakdown(FILE *f, const struct profile *p, enum ims_phase op)
{
	const struct profile_part part = { .by_op = true, .op = op };
	struct view_rows rows = {};
	struct ims_sum whole;
	char total[SHOW_SIZE];
	int rc = view_operation(p, op, &rows);

	profile_total(p, &part, op, &whole, NULL);
	if (!rc && rows.n > 1) {
		fprintf(f, "\n%s: %" PRIu64 " calls, %s in all\n", profile_phase_title(op),
			(uint64_t)whole.calls, show_ns(total, whole.ns));
		for (size_t i = 0; i < rows.n; i++)
			put_share(f, &rows.at[i], whole.ns);
	}
	view_free(&rows);
	return rc;
}

/* ---- histograms: a line for each power of two ---- */

static uint64_t octave(const struct hist *h, unsigned int log2)
{
	uint64_t n = 0;

	for (unsigned int i = hist_bucket(1ULL << log2); i < HIST_BUCKETS; i++) {
		if (hist_first(i) >> log2 > 1)
			break;
		n += h->bucket[i];
	}
	return n;
}

static void put_histogram(FILE *f, const struct view_row *row)
{
	uint64_t n[41] = {}, most = 0;
	unsigned int first = 40, last = 0;
	char from[SHOW_SIZE];

	for (unsigned int i = 0; i <= 40; i++) {
		n[i] = octave(&row->hist, i);
		most = n[i] > most ? n[i] : most;
		if (n[i]) {
			first = i < first ? i : first;
			last = i;
		}
	}
	fprintf(f, "\nlatency of %s\n", profile_phase_title(row->phase));
	for (unsigned int i = first; i <= last; i++) {
		fprintf(f, "  from %9s  ", show_ns(from, 1ULL << i));
		put_bar(f, part_of(n[i], most));
		fprintf(f, " %" PRIu64 "\n", n[i]);
	}
}

/* Those that were slow at all, and often enough that a picture says more than numbers. */
static void put_histograms(FILE *f, const struct view_rows *rows)
{
	uint64_t whole = 0;

	for (size_t i = 0; i < rows->n; i++)
		whole += rows->at[i].sum.self;
	for (size_t i = 0; i < rows->n; i++) {
		bool dear = rows->at[i].sum.ns * 20 >= whole;
		bool asked = rows->at[i].phase == IMS_PH_MAP || rows->at[i].phase == IMS_PH_UNMAP;

		if (rows->at[i].sum.calls >= 8 && (dear || asked))
			put_histogram(f, &rows->at[i]);
	}
}

/* ---- memory ---- */

/* Run lengths that matter to an IOMMU: by the log2 of pages at which each begins. */
static const struct {
	const char *title;
	unsigned int from, end;
} sizes[] = {
	{ "4 KiB to 64 KiB", 0, 4 }, { "64 KiB to 2 MiB", 4, 9 }, { "2 MiB to 1 GiB", 9, 18 },
	{ "1 GiB and more", 18, IMS_CLASSES },
};

static void put_size(FILE *f, const struct ims_shape *s, unsigned int size, uint64_t whole)
{
	uint64_t runs = 0, pages = 0;
	char bytes[SHOW_SIZE];

	for (unsigned int i = sizes[size].from; i < sizes[size].end; i++) {
		runs += s->runs[i];
		pages += s->pages[i];
	}
	fprintf(f, "  %-16s ", sizes[size].title);
	put_bar(f, part_of(pages, whole));
	fprintf(f, " %5.1f%% %9s in %" PRIu64 " runs\n", 100 * part_of(pages, whole),
		show_size(bytes, pages * 4096.0), runs);
}

static void put_memory(FILE *f, const struct profile *p)
{
	struct ims_shape s;
	uint64_t pages = 0, runs = 0;
	char bytes[SHOW_SIZE], mean[SHOW_SIZE];

	profile_shape_total(p, &everything, &s);
	for (int i = 0; i < IMS_CLASSES; i++) {
		pages += s.pages[i];
		runs += s.runs[i];
	}
	if (!pages)
		return;
	fprintf(f, "\nMEMORY that went into domains: %s in %" PRIu64 " contiguous runs of %s on average\n",
		show_size(bytes, pages * 4096.0), runs, show_size(mean, pages * 4096.0 / runs));
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		put_size(f, &s, i, pages);
	fprintf(f, "  %.1f%% is in whole 2 MiB pages", 100 * part_of(s.huge, pages));
	if (s.huge)
		fprintf(f, "; %.1f%% is so and at IOVAs that let the IOMMU use them",
			100 * part_of(s.huge_mapped, pages));
	putc('\n', f);
}

static void put_pins(FILE *f, const struct profile *p)
{
	struct ims_shape s;
	uint64_t most = 0;
	unsigned int last = 0;

	profile_shape_total(p, &everything, &s);
	for (unsigned int i = 0; i < IMS_CLASSES; i++)
		if (s.pins[i]) {
			most = s.pins[i] > most ? s.pins[i] : most;
			last = i;
		}
	if (!most)
		return;
	fprintf(f, "\nPINS by pages per call\n");
	for (unsigned int i = 0; i <= last; i++) {
		if (!s.pins[i])
			continue;
		fprintf(f, "  from %-11llu ", 1ULL << i);
		put_bar(f, part_of(s.pins[i], most));
		fprintf(f, " %" PRIu64 "\n", (uint64_t)s.pins[i]);
	}
}

static void put_faults(FILE *f, const struct profile *p)
{
	struct ims_sum fault, fast, slow;
	char ns[SHOW_SIZE];

	profile_total(p, &everything, IMS_PH_FAULT, &fault, NULL);
	profile_total(p, &everything, IMS_PH_PIN_FAST, &fast, NULL);
	profile_total(p, &everything, IMS_PH_PIN_SLOW, &slow, NULL);
	if (fault.calls)
		fprintf(f, "\nFAULTS: %" PRIu64 " pages were not there yet when they were pinned; "
			"faulting them in took %s, %.0f%% of the time of pins\n",
			(uint64_t)fault.calls, show_ns(ns, fault.ns),
			100 * part_of(fault.ns, fast.ns + slow.ns));
}

/* ---- who ---- */

struct who_row {
	char title[96];
	uint64_t time, unmaps;
	struct view_row map;
};

static int fill_row(struct who_row *row, const struct profile *p, enum view_by by,
		    const struct view_who *w)
{
	struct view_rows rows = {};
	int rc = view_phases(p, &w->part, &rows);

	view_who_title(w, by, row->title, sizeof(row->title));
	for (size_t i = 0; i < rows.n; i++) {
		row->time += rows.at[i].sum.self;
		if (rows.at[i].phase == IMS_PH_MAP)
			row->map = rows.at[i];
		if (rows.at[i].phase == IMS_PH_UNMAP)
			row->unmaps = rows.at[i].sum.calls;
	}
	view_free(&rows);
	return rc;
}

static int by_time(const void *a, const void *b)
{
	const struct who_row *x = a, *y = b;

	return (x->time < y->time) - (x->time > y->time);
}

static void put_row(FILE *f, const struct who_row *row)
{
	char bytes[SHOW_SIZE], ns[SHOW_SIZE];

	show_text(f, row->title, sizeof(row->title));
	fprintf(f, "%*s %9s %9" PRIu64 " %9" PRIu64 " %9s",
		(int)(strlen(row->title) < 36 ? 36 - strlen(row->title) : 0), "",
		show_ns(ns, row->time), (uint64_t)row->map.sum.calls, row->unmaps,
		show_size(bytes, row->map.sum.bytes));
	if (row->map.sum.calls)
		put_latencies(f, &row->map.hist);
	putc('\n', f);
}

static int put_who(FILE *f, const struct profile *p, enum view_by by, const char *title)
{
	struct view_whos whos = {};
	int rc = view_by(p, by, &whos);
	struct who_row *rows = calloc(whos.n + 1, sizeof(*rows));

	for (size_t i = 0; !rc && i < whos.n; i++)
		rc = rows ? fill_row(&rows[i], p, by, &whos.at[i]) : -1;
	if (!rc && whos.n) {
		qsort(rows, whos.n, sizeof(*rows), by_time);
		fprintf(f, "\n%-36s %9s %9s %9s %9s   map: p50       p90       p99       max\n", title,
			"time", "maps", "unmaps", "mapped");
		for (size_t i = 0; i < whos.n && i < TOP_WHO; i++)
			put_row(f, &rows[i]);
		if (whos.n > TOP_WHO)
			fprintf(f, "and %zu more; --format json has them all\n", whos.n - TOP_WHO);
	}
	free(rows);
	free(whos.at);
	return rc;
}

/* ---- stacks ---- */

static void put_stack(FILE *f, const struct view_stack *stack)
{
	fputs("    ", f);
	for (unsigned int i = 0; i < stack->n; i++) {
		fputs(i ? " > " : "", f);
		show_text(f, stack->frame[i], SYMBOL_MAX);
	}
	fputs(stack->n ? "\n" : "(not known)\n", f);
}

static int put_callers(FILE *f, const struct profile_report *r)
{
	struct view_stack *stack = malloc(sizeof(*stack));
	struct view_callers callers = {};
	char ns[SHOW_SIZE];
	int rc = stack ? view_callers(r->profile, &callers) : -1;

	if (!rc && callers.n)
		fputs("\nWHO ASKED, the dearest first\n", f);
	for (size_t i = 0; !rc && i < callers.n && i < TOP_STACKS; i++) {
		const struct view_caller *c = &callers.at[i];
		const struct profile_who *w = profile_who_find(r->profile, c->who);

		fprintf(f, "  %9s  %s, %" PRIu64 " calls by ", show_ns(ns, c->sum.ns),
			profile_phase_title(c->op), (uint64_t)c->sum.calls);
		show_text(f, w ? w->who.comm : "others", IMS_COMM);
		putc('\n', f);
		view_stack(r, c->who, c->ustack, c->kstack, stack);
		put_stack(f, stack);
	}
	free(callers.at);
	free(stack);
	return rc;
}

/* ---- the slowest ---- */

/* One line: each phase has as many letters as its share, "other" has dots. */
static void put_slow_bar(FILE *f, const struct ims_slow *s)
{
	static const char letters[] = "PPPFMUIRNAL";
	int n = 0;

	putc('|', f);
	for (enum ims_phase phase = IMS_PH_OPS; phase < IMS_PHASES; phase++)
		for (int i = s->phase[phase].self * 40 / s->ns; i > 0 && n < 40; i--, n++)
			putc(letters[phase - IMS_PH_OPS], f);
	fprintf(f, "%.*s|", 40 - n, "........................................");
}

static void put_slow_parts(FILE *f, const struct ims_slow *s)
{
	uint64_t other = s->ns;
	char ns[SHOW_SIZE];

	for (enum ims_phase phase = 0; phase < IMS_PHASES; phase++) {
		if (phase == s->op || !s->phase[phase].self)
			continue;
		fprintf(f, "%s %s, ", profile_phase_title(phase), show_ns(ns, s->phase[phase].self));
		other -= s->phase[phase].self;
	}
	fprintf(f, "other %s\n", show_ns(ns, other));
}

static void put_slow(FILE *f, const struct profile_report *r, const struct ims_slow *s,
		     struct view_stack *stack)
{
	const struct profile_who *w = profile_who_find(r->profile, s->who);
	char ns[SHOW_SIZE], bytes[SHOW_SIZE];

	fprintf(f, "  %9s  ", show_ns(ns, s->ns));
	put_slow_bar(f, s);
	fprintf(f, " %s %s by ", profile_phase_title(s->op),
		s->phase[s->op].bytes ? show_size(bytes, s->phase[s->op].bytes) : "");
	show_text(f, w ? w->who.comm : "others", IMS_COMM);
	fprintf(f, "/%u", s->tid);
	if (s->rc)
		fprintf(f, ", result %d", s->rc);
	fputs("\n             ", f);
	put_slow_parts(f, s);
	view_stack(r, s->who, s->ustack, s->kstack, stack);
	put_stack(f, stack);
}

static int put_slowest(FILE *f, const struct profile_report *r)
{
	struct view_stack *stack = malloc(sizeof(*stack));
	const struct profile *p = r->profile;

	if (!stack)
		return -1;
	if (p->nslow)
		fputs("\nTHE SLOWEST  (P pin, F fault, M domain map, U unmap, I IOTLB sync, R read back, "
		      "N unpin, A account, L replay, . other)\n", f);
	for (size_t i = 0; i < p->nslow && i < TOP_SLOW; i++)
		put_slow(f, r, &p->slow[i], stack);
	free(stack);
	return 0;
}

/* ---- what is missing ---- */

static void put_missing(FILE *f, const struct profile_report *r)
{
	const struct profile *p = r->profile;
	const char *between = "\nnot kept:";

	if (*r->absent)
		fprintf(f, "\nnot measured on this kernel: %s\n", r->absent);
	for (enum ims_profile_loss class = 0; class < IMS_PL_CLASSES; class++) {
		if (!p->lost[class])
			continue;
		fprintf(f, "%s %s %" PRIu64, between, profile_lost_name(class), p->lost[class]);
		between = ",";
	}
	if (*between == ',')
		putc('\n', f);
}

/* ---- all ---- */

static void put_head(FILE *f, const struct profile *p, const struct view_rows *rows)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->at[i].phase < IMS_PH_OPS)
			calls += rows->at[i].sum.calls;
	fprintf(f, "%" PRIu64 " operations in %.1f s\n", calls, (p->end - p->start) / 1e9);
}

int ims_profile_text(FILE *f, const struct profile_report *r)
{
	const struct profile *p = r->profile;
	struct view_rows rows = {};
	int rc = view_phases(p, &everything, &rows);

	if (!rc) {
		put_head(f, p, &rows);
		if (rows.n) {
			putc('\n', f);
			put_tables(f, &rows);
		}
		put_histograms(f, &rows);
	}
	for (enum ims_phase op = 0; !rc && op < IMS_PH_OPS; op++)
		rc = put_breakdown(f, p, op);
	put_memory(f, p);
	put_pins(f, p);
	put_faults(f, p);
	rc = rc ? : put_who(f, p, VIEW_PROCESS, "PROCESS");
	rc = rc ? : put_who(f, p, VIEW_IOAS, "IOAS");
	rc = rc ? : put_who(f, p, VIEW_DEVICE, "DEVICE (what it was attached for)");
	rc = rc ? : put_callers(f, r);
	rc = rc ? : put_slowest(f, r);
	put_missing(f, r);
	view_free(&rows);
	return rc;
}
