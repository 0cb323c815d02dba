// SPDX-License-Identifier: GPL-2.0-only
#include "source/recording.h"

#include <errno.h>
#include <stdlib.h>

#include "record/reader.h"
#include "say.h"

struct recording {
	struct ims_source source;
	struct ims_reader *reader;
};

static int deliver(const char *at, const char *end, ims_record_fn fn, void *arg)
{
	int n = 0, rc;

	for (; at < end; n++) {
		const struct ims_record *r = (const void *)at;

		rc = fn(arg, r);
		if (rc < 0)
			return rc;
		at += ims_record_size(r);
	}
	return n;
}

/* One frame. */
static int recording_poll(struct ims_source *s, ims_record_fn fn, void *arg, int timeout_ms)
{
	struct recording *rec = (struct recording *)s;
	const char *records, *end;
	int rc = ims_reader_next(rec->reader, &records, &end);

	(void)timeout_ms;
	s->permille = ims_reader_permille(rec->reader);
	s->records = ims_reader_records(rec->reader);
	if (rc > 0)
		return deliver(records, end, fn, arg);
	s->damaged = rc;
	return -ENODATA;
}

/* Who stops early does not want the rest. */
static int recording_finish(struct ims_source *s, ims_record_fn fn, void *arg)
{
	struct recording *rec = (struct recording *)s;

	(void)fn;
	(void)arg;
	s->records = ims_reader_records(rec->reader);
	if (s->damaged)
		s->cut_short = "damaged recording: ends";
	else if (!ims_reader_over(rec->reader))
		s->cut_short = "interrupted replay: stopped";
	else if (!ims_reader_complete(rec->reader))
		s->cut_short = "incomplete recording: ends";
	return 0;
}

static void recording_close(struct ims_source *s)
{
	struct recording *rec = (struct recording *)s;

	ims_reader_close(rec->reader);
	free(rec);
}

static const struct ims_source_ops recording_ops = {
	.poll = recording_poll,
	.finish = recording_finish,
	.close = recording_close,
};

struct ims_source *ims_recording_open(const char *path)
{
	struct recording *rec = calloc(1, sizeof(*rec));

	if (!rec) {
		ims_error("out of memory");
		return NULL;
	}
	rec->source.ops = &recording_ops;
	rec->reader = ims_reader_open(path);
	if (!rec->reader) {
		free(rec);
		return NULL;
	}
	rec->source.origin = ims_reader_origin(rec->reader);
	return &rec->source;
}
