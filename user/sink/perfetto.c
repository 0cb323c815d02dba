// SPDX-License-Identifier: GPL-2.0-only
#include "sink/perfetto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "sink/protobuf.h"
#include "sink/sink.h"
#include "view/calls.h"
#include "view/usage.h"

/* ---- the format: numbers of fields as Perfetto has published them ---- */

enum { TRACE_PACKET = 1 };
enum packet {
	PACKET_CLOCK_SNAPSHOT = 6, PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_EVENT = 11,
	PACKET_CLOCK = 58, PACKET_TRACK = 60
};
enum clocks { CLOCKS_CLOCK = 1, CLOCKS_PRIMARY = 2, CLOCK_ID = 1, CLOCK_TIMESTAMP = 2 };
enum builtin_clock { BUILTIN_REALTIME = 1, BUILTIN_MONOTONIC = 3 };
enum track {
	TRACK_UUID = 1, TRACK_NAME = 2, TRACK_PROCESS = 3, TRACK_THREAD = 4, TRACK_PARENT = 5,
	TRACK_COUNTER = 8
};
enum process { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum thread { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum counter { COUNTER_UNIT = 3, UNIT_COUNT = 2, UNIT_BYTES = 3 };
enum event {
	EVENT_NOTE = 4, EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_CATEGORY = 22, EVENT_NAME = 23,
	EVENT_VALUE = 30
};
enum event_type { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3, COUNTER = 4 };
enum note { NOTE_UINT = 3, NOTE_INT = 4, NOTE_TEXT = 6, NOTE_POINTER = 7, NOTE_NAME = 10 };

#define SEQUENCE 1

/* What a track is of; the rest of its uuid says of which. */
enum of {
	OF_LOSSES = 1, OF_PROCESS, OF_THREAD, OF_IOAS, OF_PINNED, OF_CHARGED, OF_AREAS, OF_MAPPED
};

struct perfetto {
	FILE *f;
	struct pb pb;
	struct calls calls;
	struct usage usage;
	struct table threads;	/* tid -> the tgid whose thread it was described as */
	struct table processes;	/* tgid of those that are described */
	uint64_t last_ns;
	int64_t clock_offset;
};

static uint64_t uuid(enum of of, uint64_t a, uint64_t b)
{
	uint64_t x = (a + of * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	x = (x ^ x >> 32 ^ b) * 0xc4ceb9fe1a85ec53ULL;
	return (x ^ x >> 29) | 1;	/* 0 is that of all */
}

/* ---- packets ---- */

static size_t begin_packet(struct perfetto *p)
{
	pb_reset(&p->pb);
	return pb_begin(&p->pb, TRACE_PACKET);
}

static void end_packet(struct perfetto *p, size_t begun)
{
	pb_u64(&p->pb, PACKET_SEQUENCE, SEQUENCE);
	pb_end(&p->pb, begun);
	if (!pb_failed(&p->pb))
		fwrite(p->pb.data, 1, p->pb.size, p->f);
}

static void put_clock(struct perfetto *p, enum builtin_clock id, uint64_t ns)
{
	size_t clock = pb_begin(&p->pb, CLOCKS_CLOCK);

	pb_u64(&p->pb, CLOCK_ID, id);
	pb_u64(&p->pb, CLOCK_TIMESTAMP, ns);
	pb_end(&p->pb, clock);
}

/* Records have CLOCK_MONOTONIC; this tells what time of day that was. */
static void put_clocks(struct perfetto *p, uint64_t ns)
{
	size_t packet = begin_packet(p), clocks;

	pb_u64(&p->pb, PACKET_TIMESTAMP, ns);
	pb_u64(&p->pb, PACKET_CLOCK, BUILTIN_MONOTONIC);
	clocks = pb_begin(&p->pb, PACKET_CLOCK_SNAPSHOT);
	put_clock(p, BUILTIN_MONOTONIC, ns);
	put_clock(p, BUILTIN_REALTIME, ns + p->clock_offset);
	pb_u64(&p->pb, CLOCKS_PRIMARY, BUILTIN_MONOTONIC);
	pb_end(&p->pb, clocks);
	end_packet(p, packet);
}

struct event_marks {
	size_t packet, event;
};

static struct event_marks begin_event(struct perfetto *p, uint64_t ns, enum event_type type,
				      uint64_t track)
{
	struct event_marks m = { .packet = begin_packet(p) };

	pb_u64(&p->pb, PACKET_TIMESTAMP, ns);
	pb_u64(&p->pb, PACKET_CLOCK, BUILTIN_MONOTONIC);
	m.event = pb_begin(&p->pb, PACKET_EVENT);
	pb_u64(&p->pb, EVENT_TYPE, type);
	pb_u64(&p->pb, EVENT_TRACK, track);
	return m;
}

static void end_event(struct perfetto *p, struct event_marks m)
{
	pb_end(&p->pb, m.event);
	end_packet(p, m.packet);
}

static void put_name(struct perfetto *p, const char *category, const char *name)
{
	pb_text(&p->pb, EVENT_CATEGORY, category);
	pb_text(&p->pb, EVENT_NAME, name);
}

static void note_u64(struct perfetto *p, enum note type, const char *name, uint64_t value)
{
	size_t note = pb_begin(&p->pb, EVENT_NOTE);

	pb_text(&p->pb, NOTE_NAME, name);
	pb_u64(&p->pb, type, value);
	pb_end(&p->pb, note);
}

static void note_text(struct perfetto *p, const char *name, const char *text)
{
	size_t note = pb_begin(&p->pb, EVENT_NOTE);

	pb_text(&p->pb, NOTE_NAME, name);
	pb_text(&p->pb, NOTE_TEXT, text);
	pb_end(&p->pb, note);
}

static void put_counter(struct perfetto *p, uint64_t track, uint64_t value)
{
	struct event_marks m = begin_event(p, p->last_ns, COUNTER, track);

	pb_u64(&p->pb, EVENT_VALUE, value);
	end_event(p, m);
}

/* ---- tracks ---- */

struct track_marks {
	size_t packet, track;
};

static struct track_marks begin_track(struct perfetto *p, uint64_t id, uint64_t parent)
{
	struct track_marks m = { .packet = begin_packet(p) };

	m.track = pb_begin(&p->pb, PACKET_TRACK);
	pb_u64(&p->pb, TRACK_UUID, id);
	if (parent)
		pb_u64(&p->pb, TRACK_PARENT, parent);
	return m;
}

static void end_track(struct perfetto *p, struct track_marks m)
{
	pb_end(&p->pb, m.track);
	end_packet(p, m.packet);
}

static void named_track(struct perfetto *p, uint64_t id, uint64_t parent, const char *name)
{
	struct track_marks m = begin_track(p, id, parent);

	pb_text(&p->pb, TRACK_NAME, name);
	end_track(p, m);
}

static void counter_track(struct perfetto *p, uint64_t id, uint64_t parent, const char *name,
			  enum counter unit)
{
	struct track_marks m = begin_track(p, id, parent);
	size_t counter;

	pb_text(&p->pb, TRACK_NAME, name);
	counter = pb_begin(&p->pb, TRACK_COUNTER);
	pb_u64(&p->pb, COUNTER_UNIT, unit);
	pb_end(&p->pb, counter);
	end_track(p, m);
}

static uint64_t process_track(struct perfetto *p, uint32_t tgid, const char *comm)
{
	uint64_t id = uuid(OF_PROCESS, tgid, 0);
	struct track_marks m;
	size_t process;

	if (!tgid || table_get(&p->processes, tgid) || table_put(&p->processes, tgid, p))
		return id;
	m = begin_track(p, id, 0);
	process = pb_begin(&p->pb, TRACK_PROCESS);
	pb_u64(&p->pb, PROCESS_PID, tgid);
	if (comm)
		pb_textn(&p->pb, PROCESS_NAME, comm, IMS_COMM);
	pb_end(&p->pb, process);
	end_track(p, m);
	counter_track(p, uuid(OF_PINNED, tgid, 0), id, "pinned pages", UNIT_COUNT);
	counter_track(p, uuid(OF_CHARGED, tgid, 0), id, "charged pages", UNIT_COUNT);
	return id;
}

static const char *comm_of(const struct perfetto *p, uint64_t ctx)
{
	const struct usage_ctx *c = table_get(&p->usage.ctxs, ctx);

	return c ? c->process->comm : NULL;
}

static uint64_t thread_track(struct perfetto *p, const struct call *c)
{
	uint64_t id = uuid(OF_THREAD, c->tgid, c->tid);
	void *tgid = (void *)(uintptr_t)c->tgid;
	const char *comm = comm_of(p, c->ctx);
	struct track_marks m;
	size_t thread;

	if (table_get(&p->threads, c->tid) == tgid)
		return id;
	process_track(p, c->tgid, comm);
	if (table_put(&p->threads, c->tid, tgid))
		return id;
	m = begin_track(p, id, 0);
	thread = pb_begin(&p->pb, TRACK_THREAD);
	pb_u64(&p->pb, THREAD_PID, c->tgid);
	pb_u64(&p->pb, THREAD_TID, c->tid);
	if (comm)
		pb_textn(&p->pb, THREAD_NAME, comm, IMS_COMM);
	pb_end(&p->pb, thread);
	end_track(p, m);
	return id;
}

static uint64_t ioas_track(const struct usage_ioas *s)
{
	return uuid(OF_IOAS, s->ctx, s->cookie);
}

static void describe_ioas(struct perfetto *p, struct usage_ioas *s)
{
	uint64_t parent = process_track(p, s->process->tgid, s->process->comm);
	uint64_t id = ioas_track(s);
	char name[48];

	snprintf(name, sizeof(name), "IOAS %u", s->id);
	named_track(p, id, parent, name);
	snprintf(name, sizeof(name), "IOAS %u areas", s->id);
	counter_track(p, uuid(OF_AREAS, s->ctx, s->cookie), id, name, UNIT_COUNT);
	snprintf(name, sizeof(name), "IOAS %u mapped", s->id);
	counter_track(p, uuid(OF_MAPPED, s->ctx, s->cookie), id, name, UNIT_BYTES);
	s->of_sink = p;
}

/* ---- ioctls ---- */

static void call_begin(void *arg, const struct call *c)
{
	struct perfetto *p = arg;
	uint64_t track = thread_track(p, c);
	struct event_marks m = begin_event(p, c->enter_ns, SLICE_BEGIN, track);
	char name[32];

	ims_call_text(c->cmd, name, sizeof(name));
	put_name(p, "ioctl", name);
	note_u64(p, NOTE_POINTER, "ctx", c->ctx);
	end_event(p, m);
}

static void call_span(void *arg, const struct call *c)
{
	struct perfetto *p = arg;
	uint64_t track = thread_track(p, c);
	struct event_marks m = begin_event(p, c->from_ns, SLICE_BEGIN, track);

	put_name(p, "phase", ims_stage_name(c->phase));
	if (c->span_bytes)
		note_u64(p, NOTE_UINT, "bytes", c->span_bytes);
	end_event(p, m);
	end_event(p, begin_event(p, c->last_ns, SLICE_END, track));
}

static void call_end(void *arg, const struct call *c, uint64_t end_ns, int rc, bool told)
{
	struct perfetto *p = arg;
	struct event_marks m = begin_event(p, end_ns, SLICE_END, thread_track(p, c));

	if (c->bytes)
		note_u64(p, NOTE_UINT, "bytes", c->bytes);
	if (told)
		note_u64(p, NOTE_INT, "rc", (uint64_t)(int64_t)rc);
	else
		note_text(p, "end", "not seen: it lasted at least so long");
	end_event(p, m);
}

static const struct calls_ops call_ops = {
	.begin = call_begin, .span = call_span, .end = call_end,
};

/* ---- counters ---- */

static void put_process(struct perfetto *p, const struct usage_process *u)
{
	process_track(p, u->tgid, u->comm);
	put_counter(p, uuid(OF_PINNED, u->tgid, 0), u->pinned);
	put_counter(p, uuid(OF_CHARGED, u->tgid, 0), u->charged);
}

static void put_ioas(struct perfetto *p, struct usage_ioas *s)
{
	if (!s->of_sink)
		describe_ioas(p, s);
	put_counter(p, uuid(OF_AREAS, s->ctx, s->cookie), s->areas);
	put_counter(p, uuid(OF_MAPPED, s->ctx, s->cookie), s->mapped);
}

static void process_gone(void *arg, struct usage_process *u)
{
	struct perfetto *p = arg;

	put_process(p, u);
	table_del(&p->processes, u->tgid);	/* its number may come back as another one */
}

static void ioas_gone(void *arg, struct usage_ioas *s)
{
	s->areas = s->mapped = 0;
	put_ioas(arg, s);
}

static const struct usage_ops usage_ops = {
	.process_gone = process_gone, .ioas_gone = ioas_gone,
};

/* ---- what is wrong ---- */

static void put_loss(struct perfetto *p, const struct ims_record *r)
{
	struct event_marks m = begin_event(p, p->last_ns, INSTANT, uuid(OF_LOSSES, 0, 0));

	put_name(p, "loss", "records lost");
	if (r->h.ctx)
		note_u64(p, NOTE_POINTER, "ctx", r->h.ctx);
	note_u64(p, NOTE_UINT, "in ring", r->h.ring);
	for (int c = 0; c < IMS_LOSS_CLASSES; c++)
		note_u64(p, NOTE_UINT, ims_loss_names[c], r->p.loss.lost[c]);
	end_event(p, m);
}

/* On the IOAS it is about, or on the process. */
static uint64_t track_of(struct perfetto *p, const struct ims_violation *v)
{
	const struct m_event *ev = v->event;
	struct usage_ioas *s = ev->ioas ? usage_ioas_of(&p->usage, v->ctx, ev->ioas->cookie) : NULL;

	if (!s)
		return process_track(p, v->tgid, v->comm);
	if (!s->of_sink)
		describe_ioas(p, s);
	return ioas_track(s);
}

static void perfetto_violation(struct ims_sink *s, const struct ims_violation *v)
{
	struct perfetto *p = s->state;
	struct event_marks m = begin_event(p, v->ktime_ns, INSTANT, track_of(p, v));

	put_name(p, "violation", v->rule);
	note_text(p, "severity", ims_severity_name(v->severity));
	note_text(p, "text", v->text);
	note_text(p, "statement", v->statement);
	note_text(p, "object", v->object);
	note_u64(p, NOTE_UINT, "thread", v->tid);
	note_u64(p, NOTE_UINT, "number", v->seq);
	end_event(p, m);
}

/* ---- the stream ---- */

static void perfetto_begin(struct ims_sink *s, const struct ims_origin *o)
{
	struct perfetto *p = s->state;

	p->clock_offset = o->clock_offset;
}

static void perfetto_see(struct ims_sink *s, const struct ims_record *r)
{
	struct perfetto *p = s->state;
	struct usage_event ev;

	if (r->h.kind == IMS_END)
		return;		/* its time is that of the reader */
	if (!p->last_ns) {
		put_clocks(p, r->h.ktime_ns);
		named_track(p, uuid(OF_LOSSES, 0, 0), 0, "iommuscope");
	}
	p->last_ns = r->h.ktime_ns;
	usage_feed(&p->usage, r, &ev);
	calls_feed(&p->calls, r);
	if (ev.process)
		put_process(p, ev.process);
	if (ev.ioas)
		put_ioas(p, ev.ioas);
	if (r->h.kind == IMS_LOSS)
		put_loss(p, r);
}

/* What is still open is closed. */
static void perfetto_end(struct ims_sink *s, const struct ims_outcome *o)
{
	struct perfetto *p = s->state;

	(void)o;
	calls_finish(&p->calls);
}

static void perfetto_destroy(struct ims_sink *s)
{
	struct perfetto *p = s->state;

	calls_destroy(&p->calls);
	usage_destroy(&p->usage);
	table_destroy(&p->threads);
	table_destroy(&p->processes);
	pb_free(&p->pb);
	free(p);
}

static const struct ims_sink_ops perfetto_ops = {
	.begin = perfetto_begin,
	.see = perfetto_see,
	.violation = perfetto_violation,
	.end = perfetto_end,
	.destroy = perfetto_destroy,
};

bool ims_perfetto_init(struct ims_sink *s, FILE *f)
{
	struct perfetto *p = calloc(1, sizeof(*p));

	if (!p)
		return false;
	p->f = f;
	p->calls.ops = &call_ops;
	p->usage.ops = &usage_ops;
	p->calls.arg = p->usage.arg = p;
	*s = (struct ims_sink){ .ops = &perfetto_ops, .f = f, .state = p };
	return true;
}
