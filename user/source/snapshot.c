// SPDX-License-Identifier: GPL-2.0-only
/*
 * See snapshot.h, and bpf/snapshot.bpf.c for what happens in the kernel.
 *
 * A ctx is reached through a copy of its holder's file, which the deputy
 * fetches (rights/deputy.h). The command of IOVA_RANGES stands in a page of a memfd that is
 * mapped twice: shared, where it is written, and private, where the kernel reads
 * it and then faults to write the answer.
 */
#define _GNU_SOURCE		/* memfd_create() */
#include "source/snapshot.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/table.h"
#include "rights/caps.h"
#include "rights/deputy.h"
#include "say.h"
#include "snapshot.skel.h"
#include "source/hooks.h"
#include "source/live.h"

/* linux/iommufd.h, which distributions with older headers do not have. */
struct iova_ranges {
	__u32 size, ioas_id, num_iovas, reserved;
	__u64 allowed_iovas, out_iova_alignment;
};

#define IOVA_RANGES _IO(';', 0x84)

#define PAGE 4096UL
#define TRIES 16		/* for a ctx whose objects come and go */

struct ims_snapshotter {
	struct ims_snap_opts opts;
	struct ims_snap_progress progress;
	struct snapshot_bpf *skel;
	struct bpf_link *space, *files, *threads;
	struct ring_buffer *rows;
	struct iova_ranges *command;	/* shared */
	char *answer;				/* private */
	uint32_t section;
	/* where rows go, and whether that worked */
	struct snapshot *into;
	struct snap_context *context;
	struct snap_threads *into_threads;
	int err;
};

/* ---- rows ---- */

static struct snap_context *context_of(struct ims_snapshotter *sn, uint64_t ctx)
{
	struct snapshot *s = sn->into;
	struct snap_context new = { .row.ctx = ctx };

	for (size_t i = 0; i < s->contexts.n; i++)
		if (s->contexts.at[i].row.ctx == ctx)
			return &s->contexts.at[i];
	return snap_list_add(s->contexts, &new) ? NULL : &s->contexts.at[s->contexts.n - 1];
}

static int on_row(void *arg, void *data, size_t len)
{
	struct ims_snapshotter *sn = arg;
	const struct snap_row *r = data;
	struct snap_context *c = sn->context;
	size_t size = len < sizeof(*r) ? 0 : snap_row_size(r->kind);

	if (!size || len < size) {
		sn->err = -EBADMSG;
		return 0;
	}
	if (r->kind == SNAP_FILE)
		c = context_of(sn, ((const struct snap_file *)r)->ctx);
	if (r->kind == SNAP_THREAD)
		sn->err = sn->err ? : snap_list_add(sn->into_threads->list, r);
	else if (!sn->err)
		sn->err = c ? snap_add(c, r) : -ENOMEM;
	return 0;
}

/* Rows that have come; -ENOBUFS when there was no room for all. */
static int take_rows(struct ims_snapshotter *sn)
{
	struct snapshot_bpf__bss *bss = sn->skel->bss;
	int rc = ring_buffer__consume(sn->rows);

	if (rc >= 0)
		rc = sn->err;
	if (!rc && bss->dropped)
		rc = -ENOBUFS;
	bss->dropped = 0;
	sn->err = 0;
	return rc;
}

/* ---- who holds what ---- */

/* Of all files, or all threads. */
static int iterate(struct ims_snapshotter *sn, const struct bpf_link *over)
{
	int fd = bpf_iter_create(bpf_link__fd(over)), rc;
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {	/* the kernel pauses after a million */
		n = read(fd, nothing, sizeof(nothing));
		rc = n < 0 && errno != EAGAIN ? -errno : take_rows(sn);
	} while (!rc && n);
	close(fd);
	return rc;
}

/* ---- one ctx ---- */

static int run(struct bpf_program *prog)
{
	__u64 none = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &none, .ctx_size_in = sizeof(none));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static int read_objects(struct ims_snapshotter *sn, int fd, struct snap_context *c)
{
	int rc;

	sn->context = c;
	sn->skel->bss->want_fd = fd;
	rc = run(sn->skel->progs.objects);
	return rc ? rc : take_rows(sn);
}

/* The ctx itself, by way of any of its holders; -1: it is gone. */
static int open_context(struct ims_snapshotter *sn, const struct snap_context *c)
{
	for (size_t i = 0; i < c->holders.n; i++) {
		struct snap_context probe = {};
		int fd = ims_deputy_file(c->holders.at[i].tgid, c->holders.at[i].h.id), rc;

		if (fd < 0)
			continue;
		rc = read_objects(sn, fd, &probe);
		snap_context_free(&probe);
		if (!rc && probe.row.ctx == c->row.ctx)
			return fd;
		close(fd);
	}
	return -1;
}

/* A reader holds it, and no writer: see struct rw_semaphore. */
static bool locked(uint64_t count)
{
	return !(count & 1) && count >> 8 & 0xffffffffffffff;
}

static void tell(struct ims_snapshotter *sn, const struct snap_space *s)
{
	struct ims_snap_progress *p = &sn->progress;

	if (s && s->areas.n) {
		p->part = s->areas.at[s->areas.n - 1].iova - s->areas.at[0].iova;
		p->whole = s->ioas.end - s->areas.at[0].iova;
		p->ioas = s->ioas.h.id;
	}
	if (sn->opts.progress)
		sn->opts.progress(sn->opts.progress_arg, p);
}

/* Every page fault of the machine runs the program: not before it is needed. */
static int hook_faults(struct ims_snapshotter *sn)
{
	if (!sn->space)
		sn->space = bpf_program__attach(sn->skel->progs.space);
	return sn->space ? 0 : -errno;
}

/* Areas from @from on, under one lock. 1: that was all. -ENOENT: there is no such IOAS. */
static int read_section(struct ims_snapshotter *sn, int fd, uint32_t id, uint64_t from)
{
	struct snapshot_bpf__bss *bss = sn->skel->bss;
	int rc;

	*sn->command = (struct iova_ranges){ .size = sizeof(*sn->command), .ioas_id = id };
	if (madvise(sn->answer, PAGE, MADV_DONTNEED))
		return -errno;
	bss->want_ioas = id;
	bss->want_page = (uintptr_t)sn->answer;
	bss->from = from;
	bss->limit = sn->section;
	bss->next = bss->walked = 0;
	rc = ioctl(fd, IOVA_RANGES, sn->answer) && errno != EMSGSIZE ? -errno : 0;
	bss->want_page = 0;
	if (!rc && !bss->walked)
		rc = -EIO;
	if (rc)
		return rc;
	rc = take_rows(sn);
	return rc ? rc : bss->walked == 2;
}

/* What a section with too many rows left behind is dropped, and smaller ones are read. */
static int read_space(struct ims_snapshotter *sn, int fd, uint32_t id)
{
	struct snap_context *c = sn->context;
	size_t spaces = c->spaces.n, areas;
	struct snap_space *s;
	uint64_t from = 0;
	int rc = 0;

	while (!rc) {
		areas = c->spaces.n > spaces ? c->spaces.at[spaces].areas.n : 0;
		rc = read_section(sn, fd, id, from);
		if (rc == -ENOBUFS && sn->section > 64 && c->spaces.n > spaces && from) {
			c->spaces.at[spaces].areas.n = areas;
			sn->section /= 2;
			rc = 0;
			continue;
		}
		if (rc < 0)
			break;
		if (c->spaces.n != spaces + 1)
			return -EAGAIN;		/* the id is another IOAS's now */
		s = &c->spaces.at[spaces];
		if (!locked(s->ioas.lock))
			return -EIO;
		sn->progress.areas += s->areas.n - areas;
		from = sn->skel->bss->next;
		tell(sn, s);
	}
	return rc == -ENOENT ? 0 : rc < 0 ? rc : 0;
}

static int read_spaces(struct ims_snapshotter *sn, int fd, struct snap_context *c)
{
	uint64_t before = sn->progress.areas;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->objects.n; i++)
		if (c->objects.at[i].type == IMS_T_IOAS)
			rc = read_space(sn, fd, c->objects.at[i].h.id);
	if (rc)
		sn->progress.areas = before;
	return rc;
}

/* Objects, spaces, objects again; c->changed unless both agree. */
static int read_once(struct ims_snapshotter *sn, int fd, struct snap_context *c)
{
	struct snap_context after = {};
	int rc;

	snap_forget(c);
	c->unlocked = false;
	sn->skel->bss->torn = 0;
	rc = hook_faults(sn);
	if (!rc)
		rc = read_objects(sn, fd, c);
	if (!rc)
		rc = read_spaces(sn, fd, c);
	if (!rc || rc == -EAGAIN)
		rc = read_objects(sn, fd, &after) ? : rc;
	c->changed = rc || sn->skel->bss->torn || !snap_same_objects(c, &after);
	snap_context_free(&after);
	return rc;
}

static int read_context(struct ims_snapshotter *sn, int fd, struct snap_context *c)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && (rc == -EAGAIN || (!rc && c->changed)); i++)
		rc = read_once(sn, fd, c);
	return rc;
}

/* What accesses hold of each pages object of which they hold something. */
static int read_pins(struct ims_snapshotter *sn, struct snap_context *c)
{
	struct table seen = {};
	int rc = 0;

	sn->context = c;
	for (size_t i = 0; i < c->spaces.n; i++)
		for (size_t k = 0; !rc && k < c->spaces.at[i].areas.n; k++) {
			const struct snap_area *a = &c->spaces.at[i].areas.at[k];

			if (!a->pages || !a->nacc || table_get(&seen, a->pages))
				continue;
			sn->skel->bss->want_pages = a->pages;
			rc = run(sn->skel->progs.pins);
			if (!rc)
				rc = take_rows(sn);
			if (!rc)
				rc = table_put(&seen, a->pages, c);
		}
	table_destroy(&seen);
	return rc;
}

/* All at once, unless it is too much for that: then piece by piece under the locks. */
static int read_everything(struct ims_snapshotter *sn, int fd, struct snap_context *c)
{
	struct snapshot_bpf__bss *bss = sn->skel->bss;
	int rc;

	snap_forget(c);
	sn->context = c;
	bss->want_fd = fd;
	bss->from = bss->torn = 0;
	bss->limit = SNAP_MOST_AREAS;
	rc = run(sn->skel->progs.everything);
	if (!rc)
		rc = take_rows(sn);
	c->unlocked = true;
	c->changed = bss->torn;
	return rc == -ENOBUFS || c->changed ? read_once(sn, fd, c) : rc;
}

int ims_snap_context(struct ims_snapshotter *sn, struct snap_context *c,
		     int (*mark)(void *arg, uint64_t ctx), void *arg)
{
	int fd = open_context(sn, c), rc;

	if (fd < 0)
		return -ESRCH;
	rc = mark(arg, c->row.ctx);
	if (!rc)
		rc = read_everything(sn, fd, c);
	if (!rc)
		rc = read_pins(sn, c);
	if (!rc)
		rc = mark(arg, c->row.ctx);
	close(fd);
	return rc;
}

static int visit(struct ims_snapshotter *sn, struct snap_context *c)
{
	int fd, rc;

	sn->progress.holder = &c->holders.at[0];
	fd = open_context(sn, c);
	if (fd < 0) {		/* closed since */
		snap_context_free(c);
		return 0;
	}
	rc = read_context(sn, fd, c);
	close(fd);
	return rc == -EAGAIN ? 0 : rc;
}

/* Those without a holder are not in the list any more. */
static void drop_freed(struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->contexts.n; i++)
		if (s->contexts.at[i].holders.n)
			s->contexts.at[kept++] = s->contexts.at[i];
	s->contexts.n = kept;
}

static int visit_all(struct ims_snapshotter *sn, struct snapshot *s)
{
	int rc = 0;

	sn->progress = (struct ims_snap_progress){ .contexts = s->contexts.n };
	for (size_t i = 0; !rc && i < s->contexts.n; i++) {
		rc = visit(sn, &s->contexts.at[i]);
		sn->progress.contexts_done++;
		tell(sn, NULL);
	}
	drop_freed(s);
	return rc;
}

int ims_snap_holders(struct ims_snapshotter *sn, ims_snap_wanted wanted, void *arg,
		     struct snapshot *out)
{
	int rc;

	sn->into = out;
	rc = iterate(sn, sn->files);
	for (size_t i = 0; i < out->contexts.n; i++)
		if (!wanted(arg, &out->contexts.at[i]))
			snap_context_free(&out->contexts.at[i]);
	drop_freed(out);
	return rc;
}

int ims_snap_threads(struct ims_snapshotter *sn, const struct snap_context *c, struct snap_threads *out)
{
	struct snapshot_bpf__bss *bss = sn->skel->bss;

	bss->want_ntgids = c->holders.n <= SNAP_MOST_TGIDS ? c->holders.n : 0;
	for (size_t i = 0; i < bss->want_ntgids; i++)
		bss->want_tgids[i] = c->holders.at[i].tgid;
	sn->into_threads = out;
	return iterate(sn, sn->threads);
}

int ims_snap_take(struct ims_snapshotter *sn, ims_snap_wanted wanted, void *arg,
		  struct snapshot *out)
{
	int rc;

	rc = ims_snap_holders(sn, wanted, arg, out);
	if (!rc)
		rc = visit_all(sn, out);
	if (rc == -ENOBUFS)
		ims_error("more contexts, objects or ranges than fit; name fewer with --pid");
	else if (rc == -EIO)
		ims_error("iommufd did not answer under its lock; this kernel is not one we know");
	else if (rc)
		ims_error("the snapshot failed: %s", strerror(-rc));
	return rc;
}

/* ---- life ---- */

static int map_pages(struct ims_snapshotter *sn)
{
	int fd = memfd_create("iommuscope", MFD_CLOEXEC);
	void *shared = MAP_FAILED, *private = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, PAGE)) {
		shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	sn->command = shared == MAP_FAILED ? NULL : shared;
	sn->answer = private == MAP_FAILED ? NULL : private;
	return sn->command && sn->answer ? 0 : -ENOMEM;
}

static int load(struct ims_snapshotter *sn)
{
	struct text_range text;

	sn->skel = snapshot_bpf__open_and_load();
	if (!sn->skel)
		return -errno;
	sn->rows = ring_buffer__new(bpf_map__fd(sn->skel->maps.rows), on_row, sn, NULL);
	if (!sn->rows)
		return -errno;
	text = text_of_iommufd();
	sn->skel->bss->text_start = text.start;
	sn->skel->bss->text_end = text.end;
	sn->files = bpf_program__attach_iter(sn->skel->progs.files, NULL);
	sn->threads = bpf_program__attach_iter(sn->skel->progs.threads, NULL);
	return sn->files && sn->threads ? 0 : -errno;
}

struct ims_snapshotter *ims_snap_open(const struct ims_snap_opts *opts)
{
	struct ims_snapshotter *sn;
	int rc;

	if (!opts->optional &&
	    (ims_env_before_load(IMS_ACT_LOAD | IMS_ACT_SNAPSHOT) || ims_env_iommufd("")))
		return NULL;
	sn = calloc(1, sizeof(*sn));
	if (!sn) {
		ims_error("out of memory");
		return NULL;
	}
	sn->opts = *opts;
	sn->section = opts->section ? opts->section : SNAP_MOST_AREAS;
	ims_keep_log();
	rc = map_pages(sn);
	if (!rc)
		rc = load(sn);
	if (!rc)
		return sn;
	if (opts->optional)
		ims_detail("no snapshot of contexts can be had: %s", strerror(-rc));
	else
		ims_env_load_failed(rc, ims_kept_log());
	ims_snap_close(sn);
	return NULL;
}

void ims_snap_close(struct ims_snapshotter *sn)
{
	if (!sn)
		return;
	bpf_link__destroy(sn->space);
	bpf_link__destroy(sn->files);
	bpf_link__destroy(sn->threads);
	ring_buffer__free(sn->rows);
	snapshot_bpf__destroy(sn->skel);
	if (sn->command)
		munmap(sn->command, PAGE);
	if (sn->answer)
		munmap(sn->answer, PAGE);
	free(sn);
}
