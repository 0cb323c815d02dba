// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/stop.h"
#include "say.h"
#include "source/live.h"

#define POLL_MS 20
#define OUT_BUFFER (1 << 20)
#define GRACE_NS 5000000000ULL	/* for CMD to end after it was told to */

/* ---- output ---- */

static const char *out_name(const struct session *s)
{
	return s->set->file ? s->set->file : "standard output";
}

static int out_open(struct session *s)
{
	s->out = s->set->file ? fopen(s->set->file, "we") : stdout;
	if (!s->out) {
		ims_error("cannot write to %s: %s", out_name(s), strerror(errno));
		return -1;
	}
	setvbuf(s->out, NULL, _IOFBF, OUT_BUFFER);
	if (s->set->output == IMS_OUTPUT_JSON)
		ims_json_init(&s->sink, s->out);
	else
		ims_text_init(&s->sink, s->out);
	return 0;
}

static int out_failed(struct session *s)
{
	if (ferror(s->out) && !s->write_errno)
		s->write_errno = errno ? errno : EIO;
	return s->write_errno ? -EPIPE : 0;
}

static int out_flush(struct session *s)
{
	fflush(s->out);
	return out_failed(s);
}

static void out_close(struct session *s)
{
	if (s->out && s->out != stdout && fclose(s->out) && !s->write_errno)
		s->write_errno = errno;
	ims_sink_destroy(&s->sink);
}

/* ---- source ---- */

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int source_open(struct session *s)
{
	const struct ims_settings *set = s->set;
	uint32_t tgids[IMS_MAX_PIDS + 1];
	struct ims_live_opts opts = {
		.scope = {
			.tgids = tgids,
			.ntgids = set->pids.n,
			.late_join = s->ops->late_join,
			.comm = set->comm,
			.cgroup = set->cgroup,
			.ioas = set->ioas,
			.device = set->device,
		},
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
	s->source = ims_live_open(&opts);
	return s->source ? 0 : -1;
}

static void count(struct ims_outcome *o, const struct ims_record *r)
{
	if (r->h.kind == IMS_LOSS)
		for (int c = 0; c < IMS_LOSS_CLASSES; c++)
			o->lost[c] += r->p.loss.lost[c];
	else if (r->h.kind != IMS_END)
		o->records[r->h.kind]++;
}

static int on_record(void *arg, const struct ims_record *r)
{
	struct session *s = arg;

	count(&s->outcome, r);
	s->ops->record(s, r);
	return out_failed(s);
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
	bool late = s->set->duration_ns && now_ns() - start >= s->set->duration_ns;
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

static int stream(struct session *s)
{
	uint64_t start = now_ns(), kill_at = 0;
	int n = 0;

	while (n >= 0 && !over(s, start, &kill_at)) {
		n = ims_source_poll(s->source, on_record, s, POLL_MS);
		if (!n)
			n = out_flush(s);
	}
	if (n >= 0 || n == -ENODATA)
		n = ims_source_finish(s->source, on_record, s);
	return n < 0 ? n : 0;
}

/* ---- the life ---- */

static int start(struct session *s)
{
	if (out_open(s))
		return -1;
	if (s->set->command && child_spawn(&s->child, s->set->command))
		return -1;
	stop_catch();
	if (source_open(s))
		return -1;
	return s->child.pid ? child_go(&s->child, s->set->command[0]) : 0;
}

static void report(struct session *s)
{
	struct ims_command_result cmd = {
		.argv = s->set->command,
		.code = s->child.code,
		.signaled = s->child.signaled,
	};

	if (s->child.ended)
		s->outcome.command = &cmd;
	s->ops->finish(s, &s->outcome);
	s->sink.ops->end(&s->sink, &s->outcome);
	s->outcome.command = NULL;
	out_flush(s);
	if (ims_outcome_lost(&s->outcome))
		ims_note("%llu records were lost; use larger rings (--ring-size)",
			 (unsigned long long)ims_outcome_lost(&s->outcome));
}

int session_run(struct session *s)
{
	int rc = start(s);

	if (!rc) {
		rc = stream(s);
		if (!rc)
			report(s);
		else if (!s->write_errno)
			ims_error("reading the records failed: %s", strerror(-rc));
	}
	ims_source_close(s->source);
	child_end(&s->child);
	out_close(s);
	if (s->write_errno)
		ims_error("cannot write to %s: %s", out_name(s), strerror(s->write_errno));
	return rc || s->write_errno ? -1 : 0;
}
