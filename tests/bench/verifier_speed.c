// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records per second one core takes through the model and all rules, and
 * how much memory they need.
 *
 *	--runs N	2 MiB maps of N PFN runs each (1: huge pages; 512: scattered
 *			pages), mapped and unmapped: what 6.12 writes for them in an
 *			IOAS with one domain, made once, fed again and again
 *	--recording F	the records of a recording, fed again and again
 *	--memory huge	1 TiB in 2 MiB runs, mapped and kept
 *	--memory small	16 GiB in 4 KiB runs, mapped and kept
 *
 * A live run is an entry of the model: each run of memory is one in its pages
 * object and one in each domain.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/reader.h"
#include "rules/verifier.h"

#define CTX 0xffff888100000000ULL
#define IOAS 0xffff888100001000ULL
#define DOMAIN 0xffff888100002000ULL
#define MAPS 64
#define SECONDS 2

static char *stream;
static size_t used, room;
static uint64_t records, runs_fed;
static struct ims_verifier *fed_at_once;	/* NULL: keep the stream */

static char *room_for(size_t size)
{
	if (fed_at_once)
		used = 0;
	while (used + size > room) {
		room = room ? room * 2 : 1 << 20;
		stream = realloc(stream, room);
		if (!stream)
			exit(2);
	}
	used += size;
	return stream + used - size;
}

static void emit(uint8_t kind, uint8_t action, const void *payload, const struct ims_run *runs,
		 unsigned int nruns)
{
	struct ims_hdr h = { .ktime_ns = records, .ctx = CTX, .seq = records, .tgid = 100,
			     .tid = 100, .kind = kind, .action = action, .nruns = nruns };
	size_t size = ims_payload_size(kind);
	char *at = room_for(sizeof(h) + size + nruns * sizeof(*runs));

	memcpy(at, &h, sizeof(h));
	memcpy(at + sizeof(h), payload, size);
	if (nruns)
		memcpy(at + sizeof(h) + size, runs, nruns * sizeof(*runs));
	runs_fed += nruns;
	records++;
	if (fed_at_once)
		ims_verifier_feed(fed_at_once, (const void *)at);
}

static void emit_account(uint64_t pages, int64_t delta)
{
	uint64_t now = delta > 0 ? delta : 0;
	struct ims_account a = { .pages = pages, .delta = delta, .npinned = now,
				 .last_npinned = now, .pinned_vm = now, .pinned_moved = delta };

	emit(IMS_ACCOUNT, 0, &a, NULL, 0);
}

#define EMIT(kind, action, ...) emit(kind, action, &(__VA_ARGS__), NULL, 0)

/* All maps of a stream are alike. */
static struct {
	uint64_t pages, runs;	/* of one map */
} shape;

/* The runs of map @i, pages or bytes: no two are neighbours. */
static void emit_runs(unsigned int i, uint8_t kind, const void *payload_at(uint64_t first),
		      uint64_t unit)
{
	uint64_t per_run = shape.pages / shape.runs;
	struct ims_run runs[IMS_MAX_RUNS];

	for (uint64_t done = 0; done < shape.runs;) {
		unsigned int n = shape.runs - done < IMS_MAX_RUNS ? shape.runs - done : IMS_MAX_RUNS;
		uint64_t at = i * shape.runs + done;

		for (unsigned int k = 0; k < n; k++)
			runs[k] = (struct ims_run){ (0x100000 + (at + k) * 2 * per_run) * unit,
						    per_run * unit };
		emit(kind, 0, payload_at(done * per_run), runs, n);
		done += n;
	}
}

static uint64_t cur_area, cur_pages, cur_iova;

static void emit_pages(uint8_t action)
{
	struct ims_pages p = { .pages = cur_pages, .uptr = cur_iova, .npages = shape.pages,
			       .mm = 1, .user = 2, .writable = 1 };

	emit(IMS_PAGES, action, &p, NULL, 0);
}

static const void *pin_runs_at(uint64_t first)
{
	static struct ims_pin_runs p;

	p = (struct ims_pin_runs){ cur_pages, first };
	return &p;
}

static const void *unpin_at(uint64_t first)
{
	static struct ims_unpin p;

	p = (struct ims_unpin){ cur_pages, first, IMS_UNPIN_DIRTY, 0 };
	return &p;
}

static const void *dma_map_at(uint64_t first)
{
	static struct ims_dma_map p;

	p = (struct ims_dma_map){ DOMAIN, cur_area, cur_iova + first * 4096, 7, 0 };
	return &p;
}

static void choose(unsigned int i)
{
	cur_area = 0xffff888200000000ULL + i * 256;
	cur_pages = 0xffff888300000000ULL + i * 256;
	cur_iova = 0x10000000ULL + i * shape.pages * 4096;
}

static void map(unsigned int i)
{
	uint64_t npages = shape.pages, len = npages * 4096;

	choose(i);
	EMIT(IMS_IOCTL, IMS_IOCTL_ENTER, (struct ims_ioctl){ 0x3b85, 0 });
	emit_pages(IMS_PAGES_ALLOC);
	EMIT(IMS_IOVA, IMS_IOVA_FIXED, (struct ims_iova){ IOAS, cur_iova, len, cur_iova });
	EMIT(IMS_AREA, IMS_AREA_INSERT, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_PIN, IMS_PIN_HELD,
	     (struct ims_pin){ cur_pages, 0, npages, npages, cur_iova, 3, 0 });
	emit_runs(i, IMS_PIN_RUNS, pin_runs_at, 1);
	emit_runs(i, IMS_DMA_MAP, dma_map_at, 4096);
	emit_account(cur_pages, npages);
	EMIT(IMS_STORAGE, 0, (struct ims_storage){ IOAS, cur_area, cur_pages, DOMAIN });
	EMIT(IMS_AREA, IMS_AREA_READY, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_MAP, IMS_MAP_USER, (struct ims_map){ IOAS, 0, cur_iova, len, cur_iova, 7, 0 });
	EMIT(IMS_IOCTL, IMS_IOCTL_EXIT, (struct ims_ioctl){ 0x3b85, 0 });
}

static void unmap(unsigned int i)
{
	uint64_t npages = shape.pages, len = npages * 4096;

	choose(i);
	EMIT(IMS_IOCTL, IMS_IOCTL_ENTER, (struct ims_ioctl){ 0x3b86, 0 });
	EMIT(IMS_AREA, IMS_AREA_DYING, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_STORAGE, 0, (struct ims_storage){ IOAS, cur_area, cur_pages, 0 });
	EMIT(IMS_DMA_UNMAP, 0, (struct ims_dma_unmap){ DOMAIN, cur_iova, len, len, IMS_DMA_SYNCED, 0 });
	emit_runs(i, IMS_UNPIN, unpin_at, 1);
	emit_account(cur_pages, -(int64_t)npages);
	EMIT(IMS_AREA, IMS_AREA_FREE, (struct ims_area){ IOAS, cur_area, 0, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	emit_pages(IMS_PAGES_FREE);
	EMIT(IMS_UNMAP, IMS_UNMAP_IOPT,
	     (struct ims_unmap){ IOAS, cur_iova, cur_iova + len - 1, len, 0, 0 });
	EMIT(IMS_UNMAP, IMS_UNMAP_IOCTL,
	     (struct ims_unmap){ IOAS, cur_iova, cur_iova + len - 1, len, 0, 0 });
	EMIT(IMS_IOCTL, IMS_IOCTL_EXIT, (struct ims_ioctl){ 0x3b86, 0 });
}

static void print_violation(void *arg, const struct ims_violation *viol)
{
	(void)arg;
	fprintf(stderr, "%s: %s\n", viol->rule, viol->text);
}

static size_t feed_from(struct ims_verifier *v, size_t at, size_t end)
{
	while (at < end) {
		const struct ims_record *r = (const void *)(stream + at);

		ims_verifier_feed(v, r);
		at += ims_record_size(r);
	}
	return at;
}

static void with_domain(void)
{
	EMIT(IMS_CTX, IMS_CTX_OPEN, (struct ims_ctx){ .comm = "bench" });
	EMIT(IMS_IOAS, 0, (struct ims_ioas){ IOAS, IOAS, 1, 0 });
	EMIT(IMS_DOMAIN, IMS_DOM_ADD_BEGIN, (struct ims_domain){ IOAS, DOMAIN, 0, UINT64_MAX, 4096, 0, 0 });
	EMIT(IMS_ALIGN, 0, (struct ims_align){ IOAS, 4096, 1, 0 });
	EMIT(IMS_DOMAIN, IMS_DOM_ADD_END, (struct ims_domain){ IOAS, DOMAIN, 0, UINT64_MAX, 4096, 0, 0 });
}

static struct ims_verifier *verifier(void)
{
	struct ims_verifier_opts opts = { .on_violation = print_violation };
	struct ims_verifier *v = ims_verifier_new(&opts);

	if (!v)
		exit(2);
	return v;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- speed ---- */

static int report_speed(struct ims_verifier *v, uint64_t passes, double secs)
{
	struct ims_summary sum;

	ims_verifier_summary(v, &sum);
	printf("{\"rules\":%u,\"records\":%llu,\"records_per_second\":%.0f,"
	       "\"runs_per_second\":%.0f,\"verdict\":\"%s\"}\n",
	       sum.nrules, (unsigned long long)(passes * records), passes * records / secs,
	       passes * runs_fed / secs, ims_verdict_name(sum.verdict));
	ims_verifier_free(v);
	return sum.verdict != IMS_PASS;
}

static int speed_of_maps(unsigned int nruns)
{
	struct ims_verifier *v = verifier();
	uint64_t passes = 0;
	double start, secs;
	size_t setup;

	shape.pages = 512;
	shape.runs = nruns;
	with_domain();
	setup = used;
	records = runs_fed = 0;
	for (unsigned int i = 0; i < MAPS; i++)
		map(i);
	for (unsigned int i = 0; i < MAPS; i++)
		unmap(i);
	feed_from(v, 0, setup);
	for (start = now(), secs = 0; secs < SECONDS; passes++, secs = now() - start)
		feed_from(v, setup, used);
	return report_speed(v, passes, secs);
}

static void load(const char *path)
{
	struct ims_reader *reader = ims_reader_open(path);
	const char *at, *end;

	while (reader && ims_reader_next(reader, &at, &end) > 0) {
		memcpy(room_for(end - at), at, end - at);
		for (; at < end; at += ims_record_size((const void *)at))
			runs_fed += ((const struct ims_record *)at)->h.nruns;
	}
	if (!reader || !ims_reader_complete(reader))
		exit(2);
	records = ims_reader_records(reader);
	ims_reader_close(reader);
}

static int speed_of_recording(const char *path)
{
	struct ims_verifier *v = NULL;
	uint64_t passes = 0;
	double start, secs;

	load(path);
	for (start = now(), secs = 0; secs < SECONDS; passes++, secs = now() - start) {
		ims_verifier_free(v);
		v = verifier();
		feed_from(v, 0, used);
	}
	return report_speed(v, passes, secs);
}

/* ---- memory ---- */

/* Not getrusage(): that counts what the process was before exec, too. */
static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) != 1)
			kib = -1;
	if (f)
		fclose(f);
	return kib;
}

static int memory(uint64_t bytes, uint64_t run)
{
	const uint64_t gib = 1ULL << 30;
	struct ims_summary sum;
	size_t empty;

	fed_at_once = verifier();
	shape.pages = gib / 4096;
	shape.runs = gib / run;
	room_for(8192);
	empty = mallinfo2().uordblks + mallinfo2().hblkhd;
	with_domain();
	runs_fed = 0;
	for (uint64_t i = 0; i < bytes / gib; i++)
		map(i);
	ims_verifier_summary(fed_at_once, &sum);
	printf("{\"runs\":%llu,\"bytes_per_run\":%.1f,\"peak_kib\":%ld,\"rules\":%u,"
	       "\"verdict\":\"%s\"}\n", (unsigned long long)runs_fed,
	       (double)(mallinfo2().uordblks + mallinfo2().hblkhd - empty) / runs_fed, peak_kib(),
	       sum.nrules, ims_verdict_name(sum.verdict));
	ims_verifier_free(fed_at_once);
	return sum.verdict != IMS_PASS;
}

/* ---- command line ---- */

static int run(const char *what, const char *value)
{
	int n = atoi(value);

	if (!strcmp(what, "--recording"))
		return speed_of_recording(value);
	if (!strcmp(what, "--memory") && !strcmp(value, "huge"))
		return memory(1ULL << 40, 2ULL << 20);
	if (!strcmp(what, "--memory") && !strcmp(value, "small"))
		return memory(16ULL << 30, 4096);
	if (!strcmp(what, "--runs") && n > 0 && n <= 512 && !(512 % n))
		return speed_of_maps(n);
	fprintf(stderr, "usage: verifier_speed --runs 1|2|4|...|512 | --recording FILE | --memory huge|small\n");
	return 2;
}

int main(int argc, char **argv)
{
	int rc = run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "");

	free(stream);
	return rc;
}
