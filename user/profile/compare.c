// SPDX-License-Identifier: GPL-2.0-only
/*
 * See compare.h; stats.h has the method.
 */
#include "profile/compare.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/stats.h"
#include "say.h"
#include "sink/show.h"

/* What a file says of all processes together. */
struct side {
	struct sample phase[IMS_PHASES];
	uint64_t pages, huge, runs;
};

/* ---- reading ---- */

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_uint64(v) : 0;
}

static const char *word(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
	       json_object_get_string(v) : "";
}

/* The list @key, or NULL; and how long it is. */
static struct json_object *list(struct json_object *o, const char *key, size_t *n)
{
	struct json_object *v = NULL;

	*n = 0;
	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_array))
		return NULL;
	*n = json_object_array_length(v);
	return v;
}

static enum ims_phase phase_by_name(const char *name)
{
	enum ims_phase phase = 0;

	while (phase < IMS_PHASES && strcmp(profile_phase_name(phase), name))
		phase++;
	return phase;
}

static void read_phase(struct side *s, struct json_object *o)
{
	enum ims_phase phase = phase_by_name(word(o, "phase"));
	struct json_object *buckets;
	uint64_t all = number(o, "calls");
	struct sample *to;
	size_t n;

	if (phase == IMS_PHASES)	/* of a later version */
		return;
	to = &s->phase[phase];
	buckets = list(o, "latencies", &n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *b = json_object_array_get_idx(buckets, i);
		uint64_t calls = number(b, "calls");

		to->hist.bucket[hist_bucket(number(b, "from_ns"))] += calls;
		to->hist.n += calls;
	}
	to->mean = all ? (double)number(o, "ns") / all : 0;
}

static void read_memory(struct side *s, struct json_object *root)
{
	struct json_object *memory, *runs;
	size_t n;

	if (!json_object_object_get_ex(root, "memory", &memory))
		return;
	s->huge = number(memory, "huge_pages");
	runs = list(memory, "runs", &n);
	for (size_t i = 0; i < n; i++) {
		s->runs += number(json_object_array_get_idx(runs, i), "runs");
		s->pages += number(json_object_array_get_idx(runs, i), "pages");
	}
}

static int read_side(struct side *s, const char *path)
{
	struct json_object *root = json_object_from_file(path), *phases;
	size_t n;

	if (!root) {
		ims_error("cannot read %s: %s", path, errno == ENOENT || errno == EACCES ?
			  strerror(errno) : "it is no JSON");
		return -1;
	}
	if (strcmp(word(root, "type"), "profile")) {
		ims_error("%s is no profile; make one with 'iommuscope profile -f json'", path);
		json_object_put(root);
		return -1;
	}
	phases = list(root, "phases", &n);
	for (size_t i = 0; i < n; i++)
		read_phase(s, json_object_array_get_idx(phases, i));
	read_memory(s, root);
	json_object_put(root);
	return 0;
}

/* ---- printing ---- */

static void put_mean(FILE *f, const struct sample *a, const struct sample *b)
{
	struct interval d = stats_mean_difference(a, b);
	bool changed = d.known && (d.low > 0 || d.high < 0);
	char before[SHOW_SIZE], after[SHOW_SIZE];

	fprintf(f, "%10s %10s", show_ns(before, a->mean), show_ns(after, b->mean));
	if (!d.known || !a->mean)
		fprintf(f, " %22s  ", "too few");
	else
		fprintf(f, " %+9.1f%% +- %6.1f%% %c ", 100 * (b->mean / a->mean - 1),
			100 * (d.high - d.low) / 2 / a->mean, changed ? '*' : ' ');
}

static void put_quantile(FILE *f, const struct hist *a, const struct hist *b, double q)
{
	struct interval before = stats_quantile(a, q), after = stats_quantile(b, q);
	uint64_t was = hist_quantile(a, q * 1000), is = hist_quantile(b, q * 1000);

	if (!before.known || !after.known || !was)
		fprintf(f, " %9s  ", "too few");
	else
		fprintf(f, " %+8.1f%% %c", 100 * ((double)is / was - 1),
			stats_apart(before, after) ? '*' : ' ');
}

static void put_phase(FILE *f, enum ims_phase phase, const struct sample *a, const struct sample *b)
{
	if (!a->hist.n && !b->hist.n)
		return;
	fprintf(f, "%-16s %9llu %9llu ", profile_phase_title(phase), a->hist.n, b->hist.n);
	if (!a->hist.n || !b->hist.n) {
		fputs(a->hist.n ? "gone\n" : "new\n", f);
		return;
	}
	put_mean(f, a, b);
	put_quantile(f, &a->hist, &b->hist, 0.5);
	put_quantile(f, &a->hist, &b->hist, 0.99);
	putc('\n', f);
}

static void put_memory(FILE *f, const struct side *a, const struct side *b)
{
	const struct side *const sides[] = { a, b };
	char mean[SHOW_SIZE];

	if (!a->pages || !b->pages)
		return;
	fputs("\nmemory: ", f);
	for (int i = 0; i < 2; i++) {
		const struct side *s = sides[i];

		fprintf(f, "%s%.1f%% in 2 MiB pages, runs of %s on average", i ? "; now " : "",
			100.0 * s->huge / s->pages, show_size(mean, s->pages * 4096.0 / s->runs));
	}
	putc('\n', f);
}

static void put_table(FILE *f, const struct side *a, const struct side *b)
{
	fprintf(f, "%-16s %9s %9s %10s %10s %22s   %9s   %9s\n", "PHASE", "calls", "now", "mean",
		"now", "change of mean", "of p50", "of p99");
	for (enum ims_phase phase = 0; phase < IMS_PHASES; phase++)
		put_phase(f, phase, &a->phase[phase], &b->phase[phase]);
	put_memory(f, a, b);
	fputs("\n* is more than noise at 99 %: means by Welch's t interval, quantiles by order "
	      "statistics\n", f);
}

int profile_compare(FILE *f, const char *before, const char *after)
{
	static struct side a, b;

	if (read_side(&a, before) || read_side(&b, after))
		return -1;
	put_table(f, &a, &b);
	return 0;
}
