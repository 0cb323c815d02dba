// SPDX-License-Identifier: GPL-2.0-only
/*
 * A profile for pprof: its profile.proto, not compressed, which pprof takes as well.
 *
 * Frames have names but no addresses, since addresses of a kernel with KASLR mean nothing
 * elsewhere.  As in folded stacks the innermost frames are the operation and its phase;
 * the time of a sample is without phases in it, calls and bytes are of operations.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/profile.h"
#include "sink/protobuf.h"
#include "source/snap.h"

/* Numbers of fields: message Profile, ValueType, Sample, Label, Location, Line, Function. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_LOCATION = 4, PROFILE_FUNCTION,
       PROFILE_STRING_TABLE, PROFILE_DURATION_NANOS = 10 };
enum { VALUE_TYPE = 1, VALUE_UNIT };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STR, LABEL_NUM };
enum { LOCATION_ID = 1, LOCATION_LINE = 4 };
enum { LINE_FUNCTION_ID = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME };

struct pprof {
	struct pb pb;
	const struct profile_report *report;
	struct view_stack stack;
	/* a string's number; a function has its name's, a location its function's */
	struct { char **at; size_t n, cap; } strings;
	struct { uint64_t *at; size_t n, cap; } functions;
};

static uint64_t string_of(struct pprof *pp, const char *s)
{
	char *copy;

	for (size_t i = 0; i < pp->strings.n; i++)
		if (!strcmp(pp->strings.at[i], s))
			return i;
	copy = strdup(s);
	if (!copy || snap_list_add(pp->strings, &copy)) {
		free(copy);
		pp->pb.failed = true;
		return 0;
	}
	return pp->strings.n - 1;
}

static uint64_t function_of(struct pprof *pp, const char *name)
{
	uint64_t id = string_of(pp, name);

	for (size_t i = 0; i < pp->functions.n; i++)
		if (pp->functions.at[i] == id)
			return id;
	if (snap_list_add(pp->functions, &id))
		pp->pb.failed = true;
	return id;
}

static uint64_t bracketed(struct pprof *pp, enum ims_phase phase)
{
	char name[64];

	snprintf(name, sizeof(name), "[%s]", profile_phase_title(phase));
	return function_of(pp, name);
}

/* ---- samples ---- */

static void put_type(struct pprof *pp, const char *type, const char *unit)
{
	size_t at = pb_begin(&pp->pb, PROFILE_SAMPLE_TYPE);

	pb_u64(&pp->pb, VALUE_TYPE, string_of(pp, type));
	pb_u64(&pp->pb, VALUE_UNIT, string_of(pp, unit));
	pb_end(&pp->pb, at);
}

static void put_locations(struct pprof *pp, const struct ims_sum_key *key)
{
	size_t at = pb_begin(&pp->pb, SAMPLE_LOCATION_ID);

	if (key->phase != key->op)
		pb_varint(&pp->pb, bracketed(pp, key->phase));
	pb_varint(&pp->pb, bracketed(pp, key->op));
	view_stack(pp->report, key->who, key->ustack, key->kstack, &pp->stack);
	for (unsigned int i = pp->stack.n; i; i--)
		pb_varint(&pp->pb, function_of(pp, pp->stack.frame[i - 1]));
	pb_end(&pp->pb, at);
}

static void put_label(struct pprof *pp, const char *key, const char *text, uint64_t number)
{
	size_t at = pb_begin(&pp->pb, SAMPLE_LABEL);

	pb_u64(&pp->pb, LABEL_KEY, string_of(pp, key));
	if (text)
		pb_u64(&pp->pb, LABEL_STR, string_of(pp, text));
	else
		pb_u64(&pp->pb, LABEL_NUM, number);
	pb_end(&pp->pb, at);
}

static void put_labels(struct pprof *pp, uint32_t who)
{
	const struct profile_who *w = profile_who_find(pp->report->profile, who);
	char text[IMS_NAME + 1];

	if (!w)
		return;
	snprintf(text, sizeof(text), "%.*s", IMS_COMM, w->who.comm);
	put_label(pp, "comm", text, 0);
	put_label(pp, "tgid", NULL, w->key.tgid);
	if (w->key.ioas)
		put_label(pp, "ioas", NULL, w->key.ioas);
	if (w->key.device) {
		snprintf(text, sizeof(text), "%.*s", IMS_NAME, w->who.device);
		put_label(pp, "device", text, 0);
	}
}

static void put_sample(struct pprof *pp, const struct profile_sum *s)
{
	bool whole = s->key.op == s->key.phase;
	size_t at = pb_begin(&pp->pb, PROFILE_SAMPLE), values;

	put_locations(pp, &s->key);
	values = pb_begin(&pp->pb, SAMPLE_VALUE);
	pb_varint(&pp->pb, whole ? s->sum.calls : 0);
	pb_varint(&pp->pb, whole ? s->sum.bytes : 0);
	pb_varint(&pp->pb, s->sum.self);
	pb_end(&pp->pb, values);
	put_labels(pp, s->key.who);
	pb_end(&pp->pb, at);
}

/* ---- names ---- */

static void put_function(struct pprof *pp, uint64_t id)
{
	size_t at = pb_begin(&pp->pb, PROFILE_LOCATION), line;

	pb_u64(&pp->pb, LOCATION_ID, id);
	line = pb_begin(&pp->pb, LOCATION_LINE);
	pb_u64(&pp->pb, LINE_FUNCTION_ID, id);
	pb_end(&pp->pb, line);
	pb_end(&pp->pb, at);
	at = pb_begin(&pp->pb, PROFILE_FUNCTION);
	pb_u64(&pp->pb, FUNCTION_ID, id);
	pb_u64(&pp->pb, FUNCTION_NAME, id);
	pb_end(&pp->pb, at);
}

static void put_all(struct pprof *pp)
{
	const struct profile *p = pp->report->profile;

	string_of(pp, "");	/* the first must be empty */
	put_type(pp, "calls", "count");
	put_type(pp, "mapped", "bytes");
	put_type(pp, "time", "nanoseconds");
	for (size_t i = 0; i < p->sums.n; i++)
		put_sample(pp, &p->sums.at[i]);
	for (size_t i = 0; i < pp->functions.n; i++)
		put_function(pp, pp->functions.at[i]);
	pb_u64(&pp->pb, PROFILE_DURATION_NANOS, p->end - p->start);
	for (size_t i = 0; i < pp->strings.n; i++)
		pb_text(&pp->pb, PROFILE_STRING_TABLE, pp->strings.at[i]);
}

int ims_profile_pprof(FILE *f, const struct profile_report *r)
{
	struct pprof *pp = calloc(1, sizeof(*pp));
	int rc = -ENOMEM;

	if (!pp)
		return rc;
	pp->report = r;
	put_all(pp);
	if (!pb_failed(&pp->pb)) {
		fwrite(pp->pb.data, 1, pp->pb.size, f);
		rc = 0;
	}
	for (size_t i = 0; i < pp->strings.n; i++)
		free(pp->strings.at[i]);
	free(pp->strings.at);
	free(pp->functions.at);
	pb_free(&pp->pb);
	free(pp);
	return rc;
}
