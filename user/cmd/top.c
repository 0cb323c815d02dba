// SPDX-License-Identifier: GPL-2.0-only
/*
 * top: who maps and pins how much, how often and how fast, now and again.
 *
 * The verifier runs on the stream as for check; what it knows is shown once per
 * interval, on the screen or as lines. Time is that of the records: on a recording
 * the screen waits for it, and lines do not.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/session.h"
#include "cmd/stop.h"
#include "rules/verifier.h"
#include "say.h"
#include "sink/kept.h"
#include "top/json.h"
#include "top/screen.h"
#include "top/view.h"

#define FIRST_NS 500000000ULL	/* nobody wants to wait longer for the first numbers */
#define NAP_NS 10000000L

struct top {
	const struct ims_settings *set;
	bool batch;
	struct ims_verifier *verifier;
	struct top_stats stats;
	struct top_opts opts;
	struct top_table table;
	struct top_view view;
	struct ims_sink keeper;		/* of violations */
	uint64_t next;			/* refresh, ns; 0: no record has come yet */
	uint64_t epoch, wall_epoch;	/* of a recording: its first record, and when it was shown */
	uint32_t refreshes;
	bool ended;			/* the recording has */
	bool failed;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static enum top_page page_of(const struct ims_settings *set)
{
	return set->by && !strcmp(set->by, "process") ? TOP_PROCESSES : TOP_IOASES;
}

static const struct top_column *sort_of(const struct ims_settings *set)
{
	return top_column_find(set->sort ? set->sort : "mapped");
}

/* ---- showing ---- */

static struct top_scene scene_of(struct top *t)
{
	return (struct top_scene){
		.table = &t->table,
		.model = ims_verifier_model(t->verifier),
		.kept = t->keeper.kept,
		.note = t->ended ? "end of the recording" : screen_note(),
	};
}

static void draw(struct top *t)
{
	struct top_scene scene = scene_of(t);
	struct grid g;
	int rows, cols;

	screen_size(&rows, &cols);
	if (grid_init(&g, rows, cols))
		return;
	top_view_draw(&t->view, &scene, &g);
	screen_show(&g);
	grid_free(&g);
}

static int print(struct top *t, FILE *f)
{
	const struct ims_settings *set = t->set;
	struct top_scene scene = scene_of(t);
	int rc;

	if (set->output == IMS_OUTPUT_JSON) {
		rc = top_json(f, &t->table);
	} else {
		fputs(t->refreshes > 1 ? "\n" : "", f);
		rc = top_view_print(&scene, page_of(set), sort_of(set), set->reverse, set->rows, f);
	}
	if (rc)
		ims_error("out of memory");
	return rc;
}

static void refresh(struct session *s, uint64_t now)
{
	struct top *t = s->priv;

	top_table_free(&t->table);
	t->next = now + t->set->interval_ns;
	t->refreshes++;
	if (top_table_take(&t->table, &t->stats, ims_verifier_model(t->verifier), &t->opts, now)) {
		ims_error("out of memory");
		t->failed = s->enough = true;
		return;
	}
	if (t->batch)
		t->failed |= print(t, s->out.file[0].f) || output_flush(&s->out);
	else
		draw(t);
	s->enough |= t->failed || t->refreshes == t->set->count;
}

/* ---- keys ---- */

static void obey_keys(struct session *s)
{
	struct top *t = s->priv;
	struct top_scene scene = scene_of(t);
	bool pressed = false;
	int key;

	while ((key = screen_key()) != TOP_KEY_NONE) {
		pressed = true;
		switch (top_view_key(&t->view, &scene, key)) {
		case TOP_QUIT: s->enough = true; return;
		case TOP_CLEAR: top_stats_clear(&t->stats); break;
		case TOP_GO_ON: break;
		}
		if (!t->view.typing)	/* the next key may be about what this one has changed */
			draw(t);
	}
	if (screen_stale() || pressed)
		draw(t);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
}

/* ---- the stream ---- */

static void on_violation(void *arg, const struct ims_violation *v)
{
	struct top *t = ((struct session *)arg)->priv;

	if (!t->batch)
		kept_violation(&t->keeper, v);
}

static void on_count(void *arg, const struct m_event *ev)
{
	struct top *t = ((struct session *)arg)->priv;

	top_stats_violation(&t->stats, ev);
}

/* The results are written here, and there is no summary. */
static void no_violation(struct ims_sink *s, const struct ims_violation *v)
{
	(void)s;
	(void)v;
}

static void no_end(struct ims_sink *s, const struct ims_outcome *o)
{
	(void)s;
	(void)o;
}

static const struct ims_sink_ops silent = { .violation = no_violation, .end = no_end };

static int top_start(struct session *s)
{
	const struct ims_origin *o = s->source->origin;
	struct ims_verifier_opts opts = {
		.on_violation = on_violation, .on_count = on_count, .arg = s,
		.hpage = o->hpage, .kinds_absent = o->absent, .absent_why = o->absent_why,
	};
	struct top *t = s->priv;

	s->out.file[0].sink.ops = &silent;
	if (opts.kinds_absent && !opts.absent_why)
		opts.absent_why = "this source cannot give what it needs";
	t->verifier = ims_verifier_new(&opts);
	t->keeper = (struct ims_sink){ .kept = kept_new(), .explain = t->verifier };
	if (!t->verifier || !t->keeper.kept) {
		ims_error("out of memory");
		return -1;
	}
	top_stats_init(&t->stats, s->set->replay ? 0 : now_ns());
	if (!s->set->replay)
		t->next = t->stats.window_end + (t->batch || s->set->interval_ns < FIRST_NS ?
						 s->set->interval_ns : FIRST_NS);
	return t->batch ? 0 : screen_open();
}

/* Shows what was until now, for as long as it was so. */
static void wait_for(struct session *s, uint64_t ktime)
{
	struct top *t = s->priv;

	while (!s->enough && !stop_requested()) {
		uint64_t shown = (now_ns() - t->wall_epoch) * s->set->speed;

		if (ktime <= t->epoch || ktime - t->epoch <= shown)
			return;
		if (t->epoch + shown >= t->next)
			refresh(s, t->epoch + shown);
		obey_keys(s);
		nap();
	}
	s->enough = true;
}

/* The time of a recording is that of its records. */
static void keep_time(struct session *s, const struct ims_record *r)
{
	struct top *t = s->priv;

	if (!t->next) {
		t->epoch = t->stats.window_end = r->h.ktime_ns;
		t->wall_epoch = now_ns();
		t->next = r->h.ktime_ns + s->set->interval_ns;
	}
	if (!t->batch)
		wait_for(s, r->h.ktime_ns);
	else if (r->h.ktime_ns >= t->next)
		refresh(s, r->h.ktime_ns);
}

static void top_record(struct session *s, const struct ims_record *r)
{
	struct top *t = s->priv;

	if (s->set->replay && r->h.kind != IMS_END)
		keep_time(s, r);
	if (s->enough)
		return;
	ims_verifier_feed(t->verifier, r);
	top_stats_feed(&t->stats, ims_verifier_model(t->verifier), r);
}

/* The recording is over, and is looked at until somebody quits. */
static void look_at_end(struct session *s)
{
	struct top *t = s->priv;

	t->ended = true;
	refresh(s, t->stats.ktime_ns);
	while (!s->enough && !stop_requested()) {
		obey_keys(s);
		nap();
	}
}

static void end_of_recording(struct session *s)
{
	struct top *t = s->priv;

	if (!t->next || s->enough || stop_requested())
		return;
	if (t->batch)
		refresh(s, t->stats.ktime_ns);
	else
		look_at_end(s);
}

/* What was made within the interval may still be waiting: then time is that of the records. */
static void keep_live_time(struct session *s, bool idle)
{
	struct top *t = s->priv;
	uint64_t now = idle ? now_ns() : t->stats.ktime_ns;

	if (!s->enough && now >= t->next)
		refresh(s, now);
}

static void top_turn(struct session *s, enum session_turn turn)
{
	struct top *t = s->priv;

	if (turn == SESSION_OVER) {
		if (s->set->replay)
			end_of_recording(s);
		screen_close();		/* what follows may take a moment, or fail */
		return;
	}
	if (!t->batch)
		obey_keys(s);
	if (!s->set->replay)
		keep_live_time(s, turn == SESSION_IDLE);
}

static void top_finish(struct session *s, struct ims_outcome *o)
{
	(void)s;
	(void)o;	/* nothing is judged at the end */
}

static const struct session_ops top_ops = {
	.job = IMS_JOB_SCREEN,
	.start = top_start,
	.record = top_record,
	.turn = top_turn,
	.finish = top_finish,
};

/* ---- the command ---- */

static bool fits(const struct ims_settings *set)
{
	if (set->by && strcmp(set->by, "process") && strcmp(set->by, "ioas")) {
		ims_error("--by: '%s' is neither process nor ioas", set->by);
		return false;
	}
	if (!sort_of(set)) {
		ims_error("--sort: '%s' is no column; 'iommuscope help top' lists them", set->sort);
		return false;
	}
	return true;
}

int top_run(const struct ims_settings *given)
{
	struct ims_settings set = *given;
	struct top top = {
		.set = &set,
		.batch = set.batch || set.file || set.output == IMS_OUTPUT_JSON,
		.opts = { .ioas = set.ioas, .limit_of = set.replay ? NULL : top_limit_here },
	};
	struct session s = { .ops = &top_ops, .set = &set, .priv = &top };
	int rc;

	if (!fits(&set))
		return IMS_EXIT_USAGE;
	set.ioas = 0;		/* whole contexts are followed, and some rows shown */
	if (set.replay) {	/* else the kernel has chosen */
		top.opts.pids = set.pids.pid;
		top.opts.npids = set.pids.n;
		top.opts.comm = set.comm;
	}
	top_view_init(&top.view, page_of(&set), sort_of(&set), set.reverse);
	rc = session_run(&s);
	screen_close();
	top_table_free(&top.table);
	top_stats_destroy(&top.stats);
	kept_free(top.keeper.kept);
	ims_verifier_free(top.verifier);
	return rc || top.failed ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static const struct ims_opt top_opts[] = {
	IMS_OPTS_OPENER,
	{ "ioas", 0, IMS_OPT_U32, IMS_SET(ioas), 1, UINT32_MAX, "ID",
	  "rows of IOASes with this object id" },
	IMS_OPTS_TOP,
	IMS_OPTS_LIVE,
	IMS_OPTS_OUTPUT,
	{}
};

const struct ims_command ims_top = {
	.name = "top",
	.usage = "[OPTION]...",
	.summary = "show who maps and pins how much, how often and how fast",
	.text = "Shows each process and IOAS: what is mapped, pinned and charged, the limit, how\n"
		"often it is mapped and unmapped and how long that takes, and how often a rule was\n"
		"broken; Enter shows an IOAS with its IOVA map and violations, '?' the keys.\n"
		"'?' in a cell: not known, since records were lost, or the context was open before\n"
		"and somebody has been at work on it ever since.\n\n"
		"--batch, -o FILE and --format json print a table, or an object, per interval.\n\n"
		"Columns: process, ioas, mapped, pinned, charged, limit, mode, maps, unmaps, map-p50,\n"
		"map-p99, unmap-p50, unmap-p99, failed, violations.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = top_opts,
	.no_command = true,
	.run = top_run,
};
