// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts that were there before us, and those that a loss has made unknown: how
 * each was found is told at a place in the stream where nothing was going on.
 *
 * All programs are attached and records flow. For a ctx whose past we do not know,
 *
 *	mark; read its state from the kernel's structures; mark
 *
 * Both marks go through the ring of the ctx. When its reader comes to the second
 * one, the state is what all records up to there have led to, and what all later
 * ones start from, if
 *
 *  - the ctx has no record between the marks, and none was lost there: every
 *    change is a record, or part of an ioctl that begins or ends with one;
 *  - no ioctl that began since we attached was under way at the first mark, and none
 *    from before it (unseen.h);
 *  - nothing in the state tells of somebody at work, such as a driver: references,
 *    locks, areas that are not published, counts that do not agree (snap_busy()).
 *
 * Then the state is told as records (snap_seed()), and the ctx is followed from there.
 * Else it is read again, later and later: a ctx that never rests stays unknown. What
 * came before is delivered as it comes; who follows contexts ignores what it does not
 * know.
 *
 * The tables of the programs must know the ctx before the first mark: live_known.c.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "here.h"
#include "model/table.h"
#include "rights/caps.h"
#include "say.h"
#include "source/holders.h"
#include "source/live_impl.h"
#include "source/seed.h"
#include "source/snapshot.h"

#define SOON 1000000ULL			/* ns, doubled with each try */
#define LATEST 250000000ULL
#define PATIENCE 40			/* tries until it is said that one does not rest */
#define SEARCHES 3			/* for somebody who holds it */

enum state { WAITING, MARKED, BEGUN };	/* BEGUN: the first mark has come */

struct late_ctx {
	struct snap_context snap;
	enum state state;
	uint64_t first, second;		/* numbers of its marks */
	uint64_t next_try;		/* ns */
	unsigned int tries, searches;
	bool spoiled;			/* since the first mark */
	bool said;
	const char *why;		/* the last try was in vain */
	struct table busy;		/* threads in an ioctl, by number + 1 */
	struct unseen unseen;		/* and who else may be in one */
};

struct late {
	struct live *live;
	struct ims_snapshotter *sn;	/* NULL: cannot be had here */
	struct late_ctx **at;
	size_t n, cap;
	uint64_t marks;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Before it is known whether one will be needed: later we have no right to load it. */
static void open_snapshotter(struct late *l)
{
	struct ims_snap_opts opts = { .optional = true };
	char missing[128];

	ims_caps_missing(IMS_ACT_SNAPSHOT, missing, sizeof(missing));
	if (*missing || ims_addresses_hidden())
		ims_detail("who loses records is not read again: %s missing",
			   *missing ? missing : "addresses in /proc/kallsyms are");
	else
		l->sn = ims_snap_open(&opts);
}

/* ---- the list ---- */

static struct late_ctx *find(const struct late *l, uint64_t ctx)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i]->snap.row.ctx == ctx)
			return l->at[i];
	return NULL;
}

static void late_free(struct late_ctx *c)
{
	snap_context_free(&c->snap);
	table_destroy(&c->busy);
	unseen_begin(&c->unseen);
	free(c);
}

static void drop(struct late *l, struct late_ctx *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i] == c)
			l->at[i] = l->at[--l->n];
	late_free(c);
}

static struct late_ctx *add(struct late *l, uint64_t ctx)
{
	struct late_ctx *c = calloc(1, sizeof(*c));

	if (!c || snap_list_add(*l, &c)) {
		free(c);
		return NULL;
	}
	c->snap.row.ctx = ctx;
	c->next_try = now_ns();
	return c;
}

/* ---- before the first mark ---- */

static int mark(void *arg, uint64_t ctx)
{
	struct late *l = arg;
	__u64 args[] = { ctx, ++l->marks };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	return bpf_prog_test_run_opts(bpf_program__fd(l->live->probes.mark), &opts);
}

static void again(struct late_ctx *c, const char *why)
{
	uint64_t wait = SOON << (c->tries < 8 ? c->tries : 8);

	c->tries++;
	c->why = why;
	c->state = WAITING;
	c->next_try = now_ns() + (wait < LATEST ? wait : LATEST);
	if (c->tries < PATIENCE || c->said)
		return;
	c->said = true;
	ims_note("a ctx of %.*s/%u never rests, so it is not followed yet: %s", IMS_COMM,
		 c->snap.holders.n ? c->snap.holders.at[0].comm : "?",
		 c->snap.holders.n ? c->snap.holders.at[0].tgid : 0, why);
}

static int add_holders(struct late_ctx *c, const struct snap_context *from)
{
	for (size_t i = 0; i < from->holders.n; i++)
		if (snap_add(&c->snap, &from->holders.at[i].h))
			return -ENOMEM;
	return 0;
}

static bool same_ctx(void *arg, const struct snap_context *c)
{
	const struct late_ctx *late = arg;

	return c->row.ctx == late->snap.row.ctx;
}

/* Who holds it may have changed. */
static int find_holders(struct late *l, struct late_ctx *c)
{
	struct snapshot found = {};
	int rc = ims_snap_holders(l->sn, same_ctx, c, &found);

	for (size_t i = 0; !rc && i < found.contexts.n; i++)
		rc = add_holders(c, &found.contexts.at[i]);
	snap_free(&found);
	return rc;
}

static void forget_holders(struct late_ctx *c)
{
	uint64_t ctx = c->snap.row.ctx;

	snap_context_free(&c->snap);
	c->snap = (struct snap_context){ .row.ctx = ctx };
}

static int look_for_unseen(struct late *l, struct late_ctx *c)
{
	struct snap_threads now = {};
	int rc;

	if (!unseen_left(&c->unseen))
		return 0;
	rc = ims_snap_threads(l->sn, &c->snap, &now);
	if (rc)
		free(now.list.at);
	else
		unseen_look(&c->unseen, &now);
	return rc;
}

/* 0 also when it was in vain. */
static int try(struct late *l, struct late_ctx *c)
{
	int rc = c->snap.holders.n ? 0 : find_holders(l, c);

	if (!rc)
		rc = look_for_unseen(l, c);
	if (!rc && unseen_left(&c->unseen)) {
		again(c, "an ioctl from before has not ended");
		return 0;
	}
	c->first = l->marks + 1;
	if (!rc)
		rc = ims_snap_context(l->sn, &c->snap, mark, l);
	c->second = l->marks;
	if (rc == -ESRCH && ++c->searches == SEARCHES) {
		drop(l, c);
		return 0;
	}
	if (rc == -ESRCH || rc == -EAGAIN) {
		forget_holders(c);
		again(c, rc == -ESRCH ? "nobody holds it open" : "its objects come and go");
		return 0;
	}
	if (rc)
		return rc;
	if (!live_knows(l->live, &c->snap))
		again(c, "its domains or objects were not known");
	else
		c->state = MARKED;
	return 0;
}

/* ---- in the stream ---- */

/* What we ask of iommufd ourselves says nothing about others. */
static bool ours(const struct ims_record *r)
{
	return (r->h.kind == IMS_IOCTL || r->h.kind == IMS_IOVA_RANGE) &&
	       r->h.tgid == (uint32_t)getpid();
}

static void note_work(struct late_ctx *c, const struct ims_record *r)
{
	uint64_t tid = (uint64_t)r->h.tid + 1;

	if (ours(r))
		return;
	c->spoiled = true;
	if (r->h.kind != IMS_IOCTL)
		return;
	if (r->h.action == IMS_IOCTL_ENTER)
		table_put(&c->busy, tid, c);
	else
		table_del(&c->busy, tid);
}

/* The header of what is told: that of the second mark, but for who it is about. */
static int tell(struct late *l, struct late_ctx *c, const struct ims_record *r)
{
	struct ims_hdr h = r->h;

	h.tgid = c->snap.holders.n ? c->snap.holders.at[0].tgid : 0;
	h.tid = 0;
	return snap_seed(&c->snap, &h, l->live->fn, l->live->arg);
}

static int on_mark(struct late *l, struct late_ctx *c, const struct ims_record *r)
{
	uint64_t number = r->p.snapshot.number;
	const char *why = NULL;
	int rc;

	if (number == c->first && c->state == MARKED) {
		c->state = BEGUN;
		c->spoiled = c->busy.n;
	}
	if (number != c->second || c->state != BEGUN)
		return 0;
	why = c->spoiled ? "it was used meanwhile" : snap_busy(&c->snap);
	if (why) {
		again(c, why);
		return 0;
	}
	rc = tell(l, c, r);
	drop(l, c);
	return rc;
}

/* It was outside of iommufd for a moment, whichever ctx it turns to. */
static void note_thread(struct late *l, uint32_t tid)
{
	for (size_t i = 0; i < l->n; i++)
		unseen_forget(&l->at[i]->unseen, tid);
}

int live_late_record(struct live *live, const struct ims_record *r)
{
	struct late_ctx *c = live->late->n ? find(live->late, r->h.ctx) : NULL;

	if (r->h.kind == IMS_IOCTL)
		note_thread(live->late, r->h.tid);
	if (!c)
		return 0;
	if (r->h.kind == IMS_SNAPSHOT)
		return on_mark(live->late, c, r);
	if (r->h.kind == IMS_CTX && r->h.action != IMS_CTX_RELEASE)
		drop(live->late, c);	/* it is gone, or known from its birth */
	else
		note_work(c, r);
	return 0;
}

/*
 * Records are missing, of @ctx or of nobody knows whom: whatever is being read of the
 * ring is worth nothing, and @ctx must be read again.
 */
void live_late_lost(struct live *live, uint32_t ring, uint64_t ctx)
{
	struct late *l = live->late;

	(void)ring;
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		again(l->at[i], "records were lost");
		table_destroy(&l->at[i]->busy);
		unseen_begin(&l->at[i]->unseen);
	}
	if (ctx && !find(l, ctx))
		add(l, ctx);
}

/* ---- from time to time ---- */

/* Who has waited longest: one that never rests must not be in the way of others. */
int live_late_turn(struct live *live)
{
	struct late *l = live->late;
	uint64_t now = l && l->n ? now_ns() : 0;
	struct late_ctx *first = NULL;

	for (size_t i = 0; l && i < l->n; i++)
		if (l->at[i]->state == WAITING && l->at[i]->next_try <= now &&
		    (!first || l->at[i]->next_try < first->next_try))
			first = l->at[i];
	return first && l->sn ? try(l, first) : 0;
}

/* ---- who is looked at ---- */

static bool tgid_wanted(const struct ims_live_scope *scope, uint32_t tgid)
{
	for (uint32_t i = 0; i < scope->ntgids; i++)
		if (scope->tgids[i] == tgid)
			return true;
	return !scope->ntgids;
}

/* "0::/a/b" is in the directory of /a, or of /a/b. */
static bool in_cgroup(uint32_t tgid, const char *directory)
{
	static const char root[] = "/sys/fs/cgroup";
	char path[64], line[4096] = "", *real = realpath(directory, NULL);
	bool in = false;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", tgid);
	f = real ? fopen(path, "re") : NULL;
	while (f && fgets(line, sizeof(line), f) && strncmp(line, "0::", 3))
		;
	if (f && !strncmp(real, root, sizeof(root) - 1)) {
		n = strlen(real + sizeof(root) - 1);
		in = !strncmp(line, "0::", 3) && !strncmp(line + 3, real + sizeof(root) - 1, n) &&
		     strchr("/\n", line[3 + n]);
	}
	if (f)
		fclose(f);
	free(real);
	return in;
}

static bool wanted(void *arg, const struct snap_context *c)
{
	const struct ims_live_scope *scope = arg;

	for (size_t i = 0; i < c->holders.n; i++) {
		const struct snap_file *h = &c->holders.at[i];

		if (tgid_wanted(scope, h->tgid) &&
		    (!scope->comm || !strncmp(scope->comm, h->comm, sizeof(h->comm))) &&
		    (!scope->cgroup || in_cgroup(h->tgid, scope->cgroup)))
			return true;
	}
	return false;
}

/* Whether the programs will look at it, too. */
static bool let_in(struct late *l, const struct ims_live_scope *scope, uint64_t ctx)
{
	bool filtering = scope->ntgids || scope->comm || scope->cgroup || scope->ioas ||
			 scope->device;
	uint8_t yes = 1;

	return !filtering ||
	       !bpf_map_update_elem(bpf_map__fd(l->live->probes.scope), &ctx, &yes, BPF_ANY);
}

static int add_all(struct late *l, const struct ims_live_scope *scope, struct snapshot *all)
{
	for (size_t i = 0; i < all->contexts.n; i++) {
		struct snap_context *c = &all->contexts.at[i];
		struct late_ctx *late;

		if (!let_in(l, scope, c->row.ctx))
			continue;
		late = add(l, c->row.ctx);
		if (!late || add_holders(late, c))
			return -ENOMEM;
	}
	return 0;
}

/* Those whose holders are in scope, and who have what it names. What else they have is read when they rest. */
static int find_wanted(struct late *l, const struct ims_live_scope *scope, struct snapshot *all)
{
	int rc;

	if (scope->ioas || scope->device) {
		rc = ims_snap_take(l->sn, wanted, (void *)scope, all);
		snap_prune(all, scope->ioas, scope->device);
		return rc;
	}
	rc = ims_snap_holders(l->sn, wanted, (void *)scope, all);
	if (rc)
		ims_error("who holds which ctx cannot be read: %s", strerror(-rc));
	return rc;
}

/* Once, for those that are there already. */
static int look_around(struct late *l, const struct ims_live_scope *scope)
{
	struct snapshot all = {};
	int rc;

	if (!l->sn) {
		ims_note("contexts that are open already are not looked at: no snapshot of them can "
			 "be had (-v says why)");
		return 0;
	}
	rc = find_wanted(l, scope, &all);
	if (!rc)
		rc = add_all(l, scope, &all);
	snap_free(&all);
	return rc;
}

int live_late_open(struct live *live)
{
	struct late *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->live = live;
	live->late = l;
	open_snapshotter(l);
	return 0;
}

int live_late_start(struct live *live, const struct ims_live_scope *scope)
{
	return scope->present ? look_around(live->late, scope) : 0;
}

/* Of those that are still in the list nothing was known. */
void live_late_end(struct live *live)
{
	struct late *l = live->late;

	live->source.unfollowed = l->n;
	for (size_t i = 0; i < l->n; i++)
		ims_detail("a ctx was not followed: %s", l->at[i]->why ? : "too late");
}

void live_late_close(struct live *live)
{
	struct late *l = live->late;

	if (!l)
		return;
	while (l->n)
		late_free(l->at[--l->n]);
	free(l->at);
	ims_snap_close(l->sn);
	free(l);
	live->late = NULL;
}
