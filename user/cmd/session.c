// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/react.h"
#include "cmd/stop.h"
#include "here.h"
#include "say.h"
#include "source/live.h"
#include "source/recording.h"

#define POLL_MS 20
#define WAIT_MS 50
#define GRACE_NS 5000000000ULL	/* for CMD to end after it was told to */

/* ---- source ---- */

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* What would fail afterwards fails before: it may take long. */
static int wait_for_iommufd(void)
{
	if (ims_iommufd_here() != IMS_IOMMUFD_NONE)
		return 0;
	ims_note("iommufd is not loaded; waiting for it");
	while (ims_iommufd_here() == IMS_IOMMUFD_NONE) {
		if (stop_requested()) {
			ims_error("stopped before iommufd was loaded; nothing was seen");
			return -1;
		}
		usleep(WAIT_MS * 1000);
	}
	ims_note("iommufd is loaded");
	return 0;
}

static int live_open(struct session *s)
{
	const struct ims_settings *set = s->set;
	uint32_t tgids[IMS_MAX_PIDS + 1];
	struct ims_live_opts opts = {
		.scope = {
			.tgids = tgids,
			.ntgids = set->pids.n,
			.late_join = s->ops->late_join || set->join,
			.present = !set->command,
			.comm = set->comm,
			.cgroup = set->cgroup,
			.ioas = set->ioas,
			.device = set->device,
		},
		.probes = set->probes,
		.rings = set->rings,
		.ring_size = set->ring_size,
	};

	if (!power_of_two(set->rings) || !power_of_two(set->ring_size)) {
		ims_error("--rings and --ring-size must be powers of two; try 4 and 16M");
		return -1;
	}
	memcpy(tgids, set->pids.pid, set->pids.n * sizeof(*tgids));
	if (s->child.pid) {
		tgids[opts.scope.ntgids++] = s->child.pid;
		opts.scope.descendants = true;
	}
	if (set->wait && (ims_live_may(&opts) || wait_for_iommufd()))
		return -1;
	s->source = ims_live_open(&opts);
	return s->source ? 0 : -1;
}

static int source_open(struct session *s)
{
	if (!s->set->replay)
		return live_open(s);
	s->source = ims_recording_open(s->set->replay);
	return s->source ? 0 : -1;
}

/* ---- records ---- */

static void count(struct ims_outcome *o, const struct ims_record *r)
{
	if (r->h.kind == IMS_LOSS)
		for (int c = 0; c < IMS_LOSS_CLASSES; c++)
			o->lost[c] += r->p.loss.lost[c];
	else if (r->h.kind != IMS_END)
		o->records[r->h.kind]++;
}

/* Who only records is done when that fails; a verdict is still worth having. */
static int keep(struct session *s, const struct ims_record *r)
{
	if (s->recording && !s->recording_err)
		s->recording_err = ims_writer_add(s->recording, r);
	return s->ops->record ? 0 : s->recording_err;
}

static int on_record(void *arg, const struct ims_record *r)
{
	struct session *s = arg;
	int rc = keep(s, r);

	if (rc || s->enough)
		return rc;
	count(&s->outcome, r);
	output_see(&s->out, r);
	if (s->ops->record)
		s->ops->record(s, r);
	return output_failed(&s->out);
}

/* ---- the loop ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/*
 * Whether it is time to stop.  A command is told first, and what it does until
 * it ends is still recorded; one that does not listen is killed.
 */
static bool over(struct session *s, uint64_t start, uint64_t *kill_at)
{
	bool late = s->enough ||
		    (s->set->duration_ns && now_ns() - start >= s->set->duration_ns);
	int sig = stop_requested();

	if (s->child.pid && child_ended(&s->child))
		return true;
	if (!late && !sig)
		return false;
	if (!s->child.pid)
		return true;
	if (!*kill_at) {
		*kill_at = now_ns() + GRACE_NS;
		if (!sig || !stop_from_terminal())
			child_signal(&s->child, sig ? sig : SIGTERM);
	} else if (now_ns() >= *kill_at) {
		ims_note("%s does not end; killing it", s->set->command[0]);
		child_signal(&s->child, SIGKILL);
		*kill_at = now_ns() + GRACE_NS;
	}
	return false;
}

/* Nothing that came in waits long. */
static int flush(struct session *s, bool idle)
{
	if (s->recording && !s->recording_err)
		s->recording_err = ims_writer_tick(s->recording, now_ns());
	if (s->recording_err && !s->ops->record)
		return s->recording_err;
	return idle ? output_flush(&s->out) : 0;
}

/* Live there is none to show, and a bar between records would be in the way. */
static bool may_show_progress(const struct session *s)
{
	return s->set->replay && s->ops->job != IMS_JOB_SCREEN &&
	       (s->ops->at_end || s->set->file || !isatty(STDOUT_FILENO));
}

static int stream(struct session *s)
{
	uint64_t start = now_ns(), kill_at = 0;
	int n = 0;

	progress_begin(&s->progress, may_show_progress(s));
	while (n >= 0 && !over(s, start, &kill_at)) {
		n = ims_source_poll(s->source, on_record, s, POLL_MS);
		if (n >= 0 && flush(s, !n))
			n = -EPIPE;
		if (s->ops->turn)
			s->ops->turn(s, n ? SESSION_BUSY : SESSION_IDLE);
		progress_draw(&s->progress, s->source->permille, "%3u%%  %llu records", s->source->permille / 10,
			      (unsigned long long)s->source->records);
	}
	progress_wipe(&s->progress);
	if (s->ops->turn)
		s->ops->turn(s, SESSION_OVER);
	if (n >= 0 || n == -ENODATA)
		n = ims_source_finish(s->source, on_record, s);
	return n < 0 ? n : 0;
}

/* ---- the life ---- */

/* What can fail at once fails before anything is attached or started. */
static int open_files(struct session *s)
{
	if (s->set->record) {
		s->recording = ims_writer_open(s->set->record);
		if (!s->recording)
			return -1;
	}
	return output_open(&s->out, s->set, s->ops->record);
}

static int begin(struct session *s)
{
	struct ims_origin *o = s->source->origin;

	if (s->set->command && ims_origin_command(o, s->set->command)) {
		ims_error("out of memory");
		return -1;
	}
	if (s->recording && ims_writer_begin(s->recording, o))
		return -1;
	output_begin(&s->out, o);
	return s->ops->start ? s->ops->start(s) : 0;
}

/* Who does later what we shall have no right to; a recording needs nobody for files. */
static int appoint(struct session *s)
{
	struct ims_duties *d = &s->duties;

	d->files = !s->set->replay;
	if (s->child.pid)
		d->pid[d->npids++] = s->child.pid;
	react_duties(&s->set->reactions, d);
	return d->files || d->npids || d->ncommands ? ims_deputy_start(d) : 0;
}

/* People are told; who has started us in a script may ask for it: only from here on is all seen. */
static void say_ready(const struct session *s)
{
	if (s->set->replay || s->set->command)
		return;
	if (s->ops->job != IMS_JOB_SCREEN && isatty(STDERR_FILENO))
		ims_note("watching; Ctrl-C ends it");
	else
		ims_detail("watching; Ctrl-C ends it");
}

static int start(struct session *s)
{
	if (open_files(s))
		return -1;
	if (s->set->command && child_spawn(&s->child, s->set->command))
		return -1;
	if (appoint(s))
		return -1;
	stop_catch();
	if (source_open(s) || begin(s))
		return -1;
	if (s->child.pid && child_go(&s->child, s->set->command[0]))
		return -1;
	if (ims_confine(s->ops->job, 0))
		return -1;
	say_ready(s);
	return 0;
}

static void seal(struct session *s)
{
	struct ims_origin *o = s->source->origin;

	if (s->child.ended) {
		o->ended = true;
		o->code = s->child.code;
		o->signaled = s->child.signaled;
	}
	if (s->recording && !s->recording_err)
		s->recording_err = ims_writer_seal(s->recording, o);
}

static void say_missing(const struct session *s)
{
	if (ims_outcome_lost(&s->outcome) && !s->set->replay)
		ims_note("%llu records were lost; use larger rings (--ring-size)",
			 (unsigned long long)ims_outcome_lost(&s->outcome));
	if (s->source->cut_short && !s->source->damaged && !s->outcome.summary)
		ims_note("%s after %llu records", s->source->cut_short,
			 (unsigned long long)s->source->records);
}

static void report(struct session *s)
{
	const struct ims_origin *o = s->source->origin;
	struct ims_command_result cmd = {
		.argv = o->argv,
		.code = o->code,
		.signaled = o->signaled,
	};

	if (o->ended && o->argv)
		s->outcome.command = &cmd;
	s->ops->finish(s, &s->outcome);
	output_end(&s->out, &s->outcome);
	s->outcome.command = NULL;
	output_flush(&s->out);
	say_missing(s);
}

int session_run(struct session *s)
{
	int rc = start(s);

	if (!rc) {
		rc = stream(s);
		if (!rc) {
			seal(s);
			report(s);
			rc = s->source->damaged ? -EBADMSG : 0;
		} else if (rc != -EBADMSG && !s->recording_err && !output_failed(&s->out)) {
			ims_error("reading the records failed: %s", strerror(-rc));
		}
	}
	ims_source_close(s->source);
	child_end(&s->child);
	ims_deputy_end();
	ims_writer_close(s->recording);
	if (output_close(&s->out) || s->recording_err)
		rc = -1;
	return rc ? -1 : 0;
}
