// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records per second one core takes through the model and all rules.
 *
 * The stream is what 6.12 writes for maps and unmaps at fixed IOVAs in an IOAS
 * with one domain, made once in memory and fed again and again: --runs N is the
 * number of PFN runs per map (1: huge pages; 512: 2 MiB of scattered pages).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/verifier.h"

#define CTX 0xffff888100000000ULL
#define IOAS 0xffff888100001000ULL
#define DOMAIN 0xffff888100002000ULL
#define MAPS 64

static char *stream;
static size_t used, room;
static uint64_t records, runs_fed;

static void emit(uint8_t kind, uint8_t action, const void *payload, const struct ims_run *runs,
		 unsigned int nruns)
{
	struct ims_hdr h = { .ktime_ns = records, .ctx = CTX, .seq = records, .tgid = 100,
			     .tid = 100, .kind = kind, .action = action, .nruns = nruns };
	size_t size = sizeof(h) + ims_payload_size(kind) + nruns * sizeof(*runs);

	if (used + size > room) {
		room = room ? room * 2 : 1 << 20;
		stream = realloc(stream, room);
		if (!stream)
			exit(2);
	}
	memcpy(stream + used, &h, sizeof(h));
	memcpy(stream + used + sizeof(h), payload, ims_payload_size(kind));
	if (nruns)
		memcpy(stream + used + sizeof(h) + ims_payload_size(kind), runs,
		       nruns * sizeof(*runs));
	used += size;
	runs_fed += nruns;
	records++;
}

#define EMIT(kind, action, ...) emit(kind, action, &(__VA_ARGS__), NULL, 0)

/* Page k of a map, or its physical address: no two neighbours unless one run. */
static void emit_runs(uint8_t kind, const void *payload_at(uint64_t first), unsigned int nruns,
		      uint64_t pages_per_run, uint64_t unit)
{
	struct ims_run runs[IMS_MAX_RUNS];

	for (unsigned int done = 0; done < nruns;) {
		unsigned int n = nruns - done < IMS_MAX_RUNS ? nruns - done : IMS_MAX_RUNS;

		for (unsigned int i = 0; i < n; i++)
			runs[i] = (struct ims_run){ (0x100000 + (done + i) * 2 * pages_per_run) * unit,
						    pages_per_run * unit };
		emit(kind, 0, payload_at(done * pages_per_run), runs, n);
		done += n;
	}
}

static uint64_t cur_area, cur_pages, cur_iova;

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

static void map(unsigned int i, unsigned int nruns)
{
	uint64_t npages = 512, len = npages * 4096, per_run = npages / nruns;

	cur_area = 0xffff888200000000ULL + i * 256;
	cur_pages = 0xffff888300000000ULL + i * 256;
	cur_iova = 0x10000000ULL + i * len;
	EMIT(IMS_IOCTL, IMS_IOCTL_ENTER, (struct ims_ioctl){ 0x3b85, 0 });
	EMIT(IMS_PAGES, IMS_PAGES_ALLOC,
	     (struct ims_pages){ cur_pages, cur_iova, npages, 0, 1, 2, 0, 1 });
	EMIT(IMS_IOVA, IMS_IOVA_FIXED, (struct ims_iova){ IOAS, cur_iova, len, cur_iova });
	EMIT(IMS_AREA, IMS_AREA_INSERT, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_PIN, IMS_PIN_HELD,
	     (struct ims_pin){ cur_pages, 0, npages, npages, cur_iova, 3, 0 });
	emit_runs(IMS_PIN_RUNS, pin_runs_at, nruns, per_run, 1);
	emit_runs(IMS_DMA_MAP, dma_map_at, nruns, per_run, 4096);
	EMIT(IMS_ACCOUNT, 0, (struct ims_account){ cur_pages, npages, npages, npages, 0, 0, npages, 0, 0 });
	EMIT(IMS_STORAGE, 0, (struct ims_storage){ IOAS, cur_area, cur_pages, DOMAIN });
	EMIT(IMS_AREA, IMS_AREA_READY, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_MAP, IMS_MAP_USER, (struct ims_map){ IOAS, 0, cur_iova, len, cur_iova, 7, 0 });
	EMIT(IMS_IOCTL, IMS_IOCTL_EXIT, (struct ims_ioctl){ 0x3b85, 0 });
}

static void unmap(unsigned int i, unsigned int nruns)
{
	uint64_t npages = 512, len = npages * 4096;

	cur_area = 0xffff888200000000ULL + i * 256;
	cur_pages = 0xffff888300000000ULL + i * 256;
	cur_iova = 0x10000000ULL + i * len;
	EMIT(IMS_IOCTL, IMS_IOCTL_ENTER, (struct ims_ioctl){ 0x3b86, 0 });
	EMIT(IMS_AREA, IMS_AREA_DYING, (struct ims_area){ IOAS, cur_area, cur_pages, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_STORAGE, 0, (struct ims_storage){ IOAS, cur_area, cur_pages, 0 });
	EMIT(IMS_DMA_UNMAP, 0, (struct ims_dma_unmap){ DOMAIN, cur_iova, len, len, IMS_DMA_SYNCED, 0 });
	emit_runs(IMS_UNPIN, unpin_at, nruns, npages / nruns, 1);
	EMIT(IMS_ACCOUNT, 0, (struct ims_account){ cur_pages, -(int64_t)npages, 0, 0, 0, 0, 0, 0, 0 });
	EMIT(IMS_AREA, IMS_AREA_FREE, (struct ims_area){ IOAS, cur_area, 0, cur_iova,
	     cur_iova + len - 1, 0, 7, 0 });
	EMIT(IMS_PAGES, IMS_PAGES_FREE,
	     (struct ims_pages){ cur_pages, cur_iova, npages, 0, 1, 2, 0, 1 });
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

int main(int argc, char **argv)
{
	unsigned int nruns = argc > 2 && !strcmp(argv[1], "--runs") ? atoi(argv[2]) : 1;
	struct ims_verifier_opts opts = { .on_violation = print_violation };
	struct ims_verifier *v = ims_verifier_new(&opts);
	struct ims_summary sum;
	struct timespec a, b;
	size_t setup;
	double secs;

	if (!v || !nruns || nruns > 512 || 512 % nruns) {
		fprintf(stderr, "usage: verifier_speed [--runs 1|2|4|...|512]\n");
		return 2;
	}
	EMIT(IMS_CTX, IMS_CTX_OPEN, (struct ims_ctx){ .comm = "bench" });
	EMIT(IMS_IOAS, 0, (struct ims_ioas){ IOAS, IOAS, 1, 0 });
	EMIT(IMS_DOMAIN, IMS_DOM_ADD_BEGIN, (struct ims_domain){ IOAS, DOMAIN, 0, UINT64_MAX, 4096, 0, 0 });
	EMIT(IMS_ALIGN, 0, (struct ims_align){ IOAS, 4096, 1, 0 });
	EMIT(IMS_DOMAIN, IMS_DOM_ADD_END, (struct ims_domain){ IOAS, DOMAIN, 0, UINT64_MAX, 4096, 0, 0 });
	setup = used;
	records = runs_fed = 0;
	for (unsigned int i = 0; i < MAPS; i++)
		map(i, nruns);
	for (unsigned int i = 0; i < MAPS; i++)
		unmap(i, nruns);
	feed_from(v, 0, setup);
	clock_gettime(CLOCK_MONOTONIC, &a);
	uint64_t fed = 0;
	do {
		feed_from(v, setup, used);
		fed += records;
		clock_gettime(CLOCK_MONOTONIC, &b);
		secs = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	} while (secs < 2);
	ims_verifier_summary(v, &sum);
	printf("{\"runs_per_map\":%u,\"rules\":%u,\"records\":%llu,\"records_per_second\":%.0f,"
	       "\"runs_per_second\":%.0f,\"verdict\":\"%s\"}\n",
	       nruns, sum.nrules, (unsigned long long)fed, fed / secs,
	       fed / secs * runs_fed / records,
	       ims_verdict_name(sum.verdict));
	ims_verifier_free(v);
	free(stream);
	return sum.verdict != IMS_PASS;
}
