// SPDX-License-Identifier: GPL-2.0-only
/* See maps.h; the records are described in perf_event_open(2). */
#include "profile/maps.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "profile/symbols.h"
#include "say.h"
#include "source/snap.h"

#define RING_PAGES 16	/* a power of two; about 500 maps of code */

/* As they stand in a ring, without what of them is not asked for. */
struct mmap_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint64_t file[3];
	uint32_t prot, flags;
	char path[];
};

struct fork_record {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
};

struct ring {
	int fd;
	struct perf_event_mmap_page *page;	/* and the records, behind it */
};

struct kept {
	uint64_t time;
	struct perf_event_header *record;
};

struct maps {
	size_t page_size;
	struct { struct ring *at; size_t n, cap; } rings;	/* one per CPU */
	struct { struct kept *at; size_t n, cap; } kept;
};

/* ---- rings ---- */

static int open_event(uint32_t tgid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.inherit = 1,
		.exclude_kernel = 1,
		.mmap = 1,
		.mmap2 = 1,
		.task = 1,
	};

	return syscall(SYS_perf_event_open, &attr, tgid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static size_t ring_size(const struct maps *m)
{
	return (1 + RING_PAGES) * m->page_size;
}

static void close_ring(const struct maps *m, struct ring *r)
{
	if (r->page != MAP_FAILED)
		munmap(r->page, ring_size(m));
	close(r->fd);
}

/* 0 also for a CPU that is not there. */
static int add_ring(struct maps *m, uint32_t tgid, int cpu)
{
	struct ring r = { .fd = open_event(tgid, cpu) };
	int err;

	if (r.fd < 0)
		return errno == ENODEV ? 0 : -errno;
	r.page = mmap(NULL, ring_size(m), PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	err = r.page == MAP_FAILED ? errno : 0;
	if (!err && snap_list_add(m->rings, &r))
		err = ENOMEM;
	if (err)
		close_ring(m, &r);
	return -err;
}

struct maps *maps_open(uint32_t tgid)
{
	struct maps *m = calloc(1, sizeof(*m));
	int cpus = sysconf(_SC_NPROCESSORS_CONF), rc = m ? 0 : -ENOMEM;

	if (m)
		m->page_size = sysconf(_SC_PAGESIZE);
	for (int cpu = 0; !rc && cpu < cpus; cpu++)
		rc = add_ring(m, tgid, cpu);
	if (!rc)
		return m;
	ims_detail("names of programs that end quickly may be missing: perf events: %s", strerror(-rc));
	maps_close(m);
	return NULL;
}

void maps_close(struct maps *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->rings.n; i++)
		close_ring(m, &m->rings.at[i]);
	for (size_t i = 0; i < m->kept.n; i++)
		free(m->kept.at[i].record);
	free(m->rings.at);
	free(m->kept.at);
	free(m);
}

/* ---- while the command runs ---- */

/* @n bytes from @at on, which counts on and on; the end of the ring may be among them. */
static void copy_out(const struct maps *m, const struct ring *r, uint64_t at, void *to, size_t n)
{
	const char *data = (const char *)r->page + m->page_size;
	size_t size = RING_PAGES * m->page_size, from = at & (size - 1);
	size_t first = n < size - from ? n : size - from;

	memcpy(to, data + from, first);
	memcpy((char *)to + first, data, n - first);
}

static void keep_record(struct maps *m, const struct ring *r, uint64_t at, size_t size)
{
	struct kept k = { .record = malloc(size) };

	if (!k.record)
		return;
	copy_out(m, r, at, k.record, size);
	memcpy(&k.time, (char *)k.record + size - sizeof(k.time), sizeof(k.time));
	if (snap_list_add(m->kept, &k))
		free(k.record);
}

static void keep_ring(struct maps *m, struct ring *r)
{
	uint64_t head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t at = r->page->data_tail;
	struct perf_event_header h;

	for (; at < head; at += h.size) {
		copy_out(m, r, at, &h, sizeof(h));
		if (h.type == PERF_RECORD_MMAP2 || h.type == PERF_RECORD_FORK)
			keep_record(m, r, at, h.size);
	}
	__atomic_store_n(&r->page->data_tail, at, __ATOMIC_RELEASE);
}

void maps_keep(struct maps *m)
{
	for (size_t i = 0; m && i < m->rings.n; i++)
		keep_ring(m, &m->rings.at[i]);
}

/* ---- at the end ---- */

static int by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static void tell(const struct perf_event_header *record, struct symbols *s)
{
	const struct mmap_record *map = (const void *)record;
	const struct fork_record *fork = (const void *)record;

	if (record->type == PERF_RECORD_MMAP2)
		symbols_mapped(s, map->pid, map->addr, map->addr + map->len, map->pgoff, map->path);
	else if (fork->pid != fork->ppid)	/* else it is a thread */
		symbols_forked(s, fork->pid, fork->ppid);
}

void maps_tell(struct maps *m, struct symbols *s)
{
	maps_keep(m);
	if (!m || !m->kept.n)
		return;
	qsort(m->kept.at, m->kept.n, sizeof(*m->kept.at), by_time);
	for (size_t i = 0; i < m->kept.n; i++)
		tell(m->kept.at[i].record, s);
}
