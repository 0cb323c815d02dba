// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings: what goes in comes out, what is damaged is noticed, and what is cut
 * off gives a prefix.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "record/desc.h"
#include "record/file.h"
#include "record/header.h"
#include "record/reader.h"
#include "record/writer.h"
#include "source/recording.h"

static char dir[] = "/tmp/test_recording.XXXXXX";
static char path[64], other[64];

/* ---- what is said to stderr ---- */

static char said[4096];
static int saved = -1;

static void listen_begin(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%s/stderr", dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	fflush(stderr);
	saved = dup(2);
	dup2(fd, 2);
	close(fd);
}

static unsigned int listen_end(void)
{
	unsigned int lines = 0;
	ssize_t n;

	fflush(stderr);
	n = pread(2, said, sizeof(said) - 1, 0);
	dup2(saved, 2);
	close(saved);
	said[n > 0 ? n : 0] = 0;
	for (char *c = said; *c; c++)
		lines += *c == '\n';
	return lines;
}

/* @expression says one line with @text in it. */
#define SAYS(text, expression) do {						\
		listen_begin();							\
		expression;							\
		assert_int_equal(listen_end(), 1);				\
		if (!strstr(said, text))					\
			fail_msg("'%s' is not in: %s", text, said);		\
	} while (0)

/* ---- records ---- */

union sample {
	struct ims_record r;
	char bytes[sizeof(struct ims_record) + IMS_MAX_RUNS * sizeof(struct ims_run)];
};

/* The n-th record of all streams in here: any kind, any runs, its number as seq. */
static void make(union sample *s, uint64_t n)
{
	unsigned int kind = 1 + n % (IMS_NR_KINDS - 1);

	for (size_t i = 0; i < sizeof(*s); i++)
		s->bytes[i] = (n * 31 + i * 7) >> 2;
	s->r.h.ktime_ns = 1000 + n;
	s->r.h.seq = n;
	s->r.h.kind = kind;
	s->r.h.nruns = ims_desc(kind)->run_addr ? n % (IMS_MAX_RUNS + 1) : 0;
}

static void here(struct ims_origin *o)
{
	char *argv[] = { "./a \\n\n b", "", "-c", NULL };

	assert_int_equal(ims_origin_here(o), 0);
	assert_int_equal(ims_origin_command(o, argv), 0);
	o->hpage = 12345;
	o->rings = 8;
	o->clock_offset = -77;
	o->note = strdup("two\nlines");
	o->absent = 1ULL << IMS_FAULT;
	o->absent_why = strdup("stock kernel");
}

static struct ims_writer *begin(void)
{
	struct ims_origin o;
	struct ims_writer *w;

	unlink(path);
	here(&o);
	w = ims_writer_open(path);
	assert_non_null(w);
	assert_int_equal(ims_writer_begin(w, &o), 0);
	ims_origin_free(&o);
	return w;
}

static void add(struct ims_writer *w, uint64_t from, uint64_t to)
{
	union sample s;

	for (; from < to; from++) {
		make(&s, from);
		assert_int_equal(ims_writer_add(w, &s.r), 0);
	}
}

static void seal(struct ims_writer *w)
{
	struct ims_origin end = { .ended = true, .signaled = true, .code = 9 };

	assert_int_equal(ims_writer_seal(w, &end), 0);
	ims_writer_close(w);
}

/* A small recording of three frames. */
static void small(void)
{
	struct ims_writer *w = begin();

	add(w, 0, 10);
	assert_int_equal(ims_writer_tick(w, 1), 0);
	assert_int_equal(ims_writer_tick(w, 1000000000), 0);
	add(w, 10, 20);
	assert_int_equal(ims_writer_tick(w, 2000000000), 0);
	assert_int_equal(ims_writer_tick(w, 2249999999), 0);
	add(w, 20, 30);
	assert_int_equal(ims_writer_tick(w, 2250000000), 0);
	add(w, 30, 35);
	seal(w);
}

/* Reads @name; all that comes must be records 0, 1, ...; returns how many, *rc the end. */
static uint64_t read_all(const char *name, int *rc, bool *complete)
{
	struct ims_reader *r = ims_reader_open(name);
	const char *at, *end;
	uint64_t n = 0;
	union sample s;

	*complete = false;
	*rc = -ENOENT;
	if (!r)
		return 0;
	while ((*rc = ims_reader_next(r, &at, &end)) > 0) {
		for (; at < end; n++) {
			const struct ims_record *rec = (const void *)at;

			make(&s, n);
			assert_int_equal(ims_record_size(rec), ims_record_size(&s.r));
			assert_memory_equal(rec, &s, ims_record_size(rec));
			at += ims_record_size(rec);
		}
	}
	assert_true(n == ims_reader_records(r));
	*complete = ims_reader_complete(r);
	if (!*rc)
		assert_int_equal(ims_reader_next(r, &at, &end), 0);
	ims_reader_close(r);
	return n;
}

static char *slurp(const char *name, size_t *size)
{
	FILE *f = fopen(name, "r");
	char *bytes = malloc(1 << 20);

	assert_non_null(f);
	*size = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static void spill(const char *bytes, size_t size)
{
	FILE *f = fopen(other, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

/* ---- tests ---- */

#define TEST(name) static void name(void **state __attribute__((unused)))

TEST(round_trip)
{
	bool complete;
	int rc;

	small();
	assert_int_equal(read_all(path, &rc, &complete), 35);
	assert_true(complete && !rc);
}

TEST(many_frames)
{
	struct ims_writer *w = begin();
	bool complete;
	int rc;

	add(w, 0, 50000);
	assert_true(ims_writer_records(w) == 50000);
	seal(w);
	assert_int_equal(read_all(path, &rc, &complete), 50000);
	assert_true(complete && !rc);
}

TEST(nothing_recorded)
{
	struct ims_writer *w = begin();
	bool complete;
	int rc;

	seal(w);
	assert_int_equal(read_all(path, &rc, &complete), 0);
	assert_true(complete && !rc);
	ims_writer_close(begin());	/* no seal, no record: no file */
	assert_int_equal(access(path, F_OK), -1);
}

TEST(origin)
{
	struct ims_reader *r;
	struct ims_origin *o, copy;
	const char *at, *end;

	small();
	r = ims_reader_open(path);
	assert_non_null(r);
	o = ims_reader_origin(r);
	assert_true(o->hpage == 12345 && o->rings == 8 && o->clock_offset == -77);
	assert_string_equal(o->note, "two\nlines");
	assert_string_equal(o->argv[0], "./a \\n\n b");
	assert_string_equal(o->argv[1], "");
	assert_string_equal(o->argv[2], "-c");
	assert_null(o->argv[3]);
	assert_true(o->absent == 1ULL << IMS_FAULT);
	assert_string_equal(o->absent_why, "stock kernel");
	assert_false(o->ended);
	while (ims_reader_next(r, &at, &end) > 0)
		;
	assert_true(o->ended && o->signaled && o->code == 9);
	assert_int_equal(ims_origin_copy(&copy, o), 0);
	assert_string_equal(copy.argv[2], "-c");
	assert_string_equal(copy.kernel, o->kernel);
	ims_origin_free(&copy);
	ims_reader_close(r);
}

/* Cut anywhere, a recording gives its first frames, and knows that it is not whole. */
TEST(cut_off)
{
	size_t size;
	char *bytes;
	uint64_t last = 0;

	small();
	bytes = slurp(path, &size);
	listen_begin();
	for (size_t len = 0; len < size; len++) {
		bool complete;
		uint64_t n;
		int rc;

		spill(bytes, len);
		n = read_all(other, &rc, &complete);
		assert_false(complete);
		assert_true(rc == 0 || (rc == -ENOENT && !n));
		assert_true(n == 0 || n == 10 || n == 20 || n == 30 || n == 35);
		assert_true(n >= last);
		last = n;
	}
	listen_end();
	assert_int_equal(last, 35);
	free(bytes);
}

/* As after a power loss. */
TEST(zeros_at_the_end)
{
	size_t size, cut;
	char *bytes, *longer = calloc(1, 1 << 20);
	bool complete;
	int rc;

	small();
	bytes = slurp(path, &size);
	cut = size - sizeof(struct ims_seal);
	memcpy(longer, bytes, cut);
	spill(longer, cut + 10000);
	assert_int_equal(read_all(other, &rc, &complete), 35);
	assert_true(!rc && !complete);
	free(bytes);
	free(longer);
}

/*
 * One bit wrong anywhere: one line, and no record that was not there.  Nobody
 * minds the few bits that zstd does not use: all is right then.
 */
TEST(damaged)
{
	unsigned int unused = 0;
	size_t size;
	char *bytes;

	small();
	bytes = slurp(path, &size);
	for (size_t at = 0; at < size; at++) {
		bool complete;
		int rc;

		bytes[at] ^= 1 << at % 8;
		spill(bytes, size);
		bytes[at] ^= 1 << at % 8;
		listen_begin();
		read_all(other, &rc, &complete);
		if (!listen_end()) {
			assert_true(complete && !rc);
			unused++;
			continue;
		}
		assert_int_equal(complete, false);
		assert_true(rc == -ENOENT || rc == -EBADMSG);
		assert_non_null(strstr(said, other));
	}
	assert_true(unused <= 8);
	SAYS("behind the seal", ({
		bool complete;
		int rc;

		bytes[size] = 0;
		spill(bytes, size + 1);
		read_all(other, &rc, &complete);
		assert_int_equal(rc, -EBADMSG);
	}));
	free(bytes);
}

/* ---- recordings that nobody wrote by accident ---- */

static size_t head_of(char *to)
{
	struct ims_file_head *h = (void *)to;
	size_t size;
	char *bytes;

	small();
	bytes = slurp(path, &size);
	memcpy(to, bytes, sizeof(*h));
	memcpy(to + sizeof(*h), bytes + sizeof(*h), h->text);
	free(bytes);
	return sizeof(*h) + h->text;
}

static void head_seal(struct ims_file_head *h)
{
	h->crc = ims_crc32(h, offsetof(struct ims_file_head, crc));
}

static size_t frame(char *to, uint32_t kind, const void *data, size_t size, uint64_t records)
{
	struct ims_frame f = { .magic = IMS_FRAME_MAGIC, .kind = kind, .size = size,
			       .records = records };

	f.packed = ZSTD_compress(to + sizeof(f), 1 << 18, data, size, 1);
	f.crc = ims_crc32(&f, offsetof(struct ims_frame, crc));
	memcpy(to, &f, sizeof(f));
	return sizeof(f) + f.packed;
}

static void expect_refused(const char *bytes, size_t size, const char *text)
{
	bool complete;
	int rc;

	spill(bytes, size);
	SAYS(text, read_all(other, &rc, &complete));
	assert_true(rc == -ENOENT || rc == -EBADMSG);
}

TEST(hostile_records)
{
	char *file = calloc(1, 1 << 19);
	size_t head = head_of(file);
	union sample s;

#define FRAME(size, records) head + frame(file + head, IMS_FRAME_RECORDS, &s, size, records)
	make(&s, IMS_CTX - 1);
	expect_refused(file, FRAME(ims_record_size(&s.r), 2), "has not the records");
	expect_refused(file, FRAME(sizeof(struct ims_hdr) - 8, 1), "cut off");
	expect_refused(file, FRAME(ims_record_size(&s.r) - 8, 1), "not the size");
	s.r.h.nruns = 1;
	expect_refused(file, FRAME(ims_record_size(&s.r), 1), "not the size");
	s.r.h.kind = IMS_NR_KINDS;
	expect_refused(file, FRAME(200, 1), "do not know");
	s.r.h.kind = IMS_UNPIN;
	s.r.h.nruns = IMS_MAX_RUNS + 1;
	expect_refused(file, FRAME(sizeof(s), 1), "not the size");
	free(file);
}

static void set_size(char *at, uint32_t size)
{
	struct ims_frame f;

	memcpy(&f, at, sizeof(f));
	f.size = size;
	f.crc = ims_crc32(&f, offsetof(struct ims_frame, crc));
	memcpy(at, &f, sizeof(f));
}

TEST(hostile_frames)
{
	char *file = calloc(1, 1 << 19);
	size_t head = head_of(file);
	uint64_t zero = 0;
	size_t end;

	end = head + frame(file + head, IMS_FRAME_RECORDS, &zero, 0, 0);
	set_size(file + head, IMS_FRAME_MAX + 1);
	expect_refused(file, end, "larger");
	set_size(file + head, 8);
	expect_refused(file, end, "not the size");
	end = head + frame(file + head, IMS_FRAME_INDEX, &zero, 8, 0);
	expect_refused(file, end, "index");
	end = head + frame(file + head, IMS_FRAME_TEXT, "kind ctx 1 7\n", 13, 0);
	expect_refused(file, end, "another layout of records of kind ctx");
	free(file);
}

TEST(other_files)
{
	char *file = calloc(1, 1 << 19);
	size_t size = head_of(file);
	struct ims_file_head *h = (void *)file;

	expect_refused(file, 0, "empty");
	expect_refused("hello, world\n", 13, "not a recording");
	expect_refused(file, 12, "ends in its head");
	expect_refused(file, size - 1, "ends in its head");
	h->version = IMS_FILE_VERSION + 1;
	head_seal(h);
	expect_refused(file, size, "another version");
	h->version = IMS_FILE_VERSION;
	h->order = __builtin_bswap32(IMS_FILE_ORDER);
	head_seal(h);
	expect_refused(file, size, "byte order");
	h->order = IMS_FILE_ORDER;
	h->text = UINT32_MAX;
	head_seal(h);
	expect_refused(file, size, "damaged");
	SAYS("No such file", assert_null(ims_reader_open("/nonexistent/x")));
	SAYS("Is a directory", assert_null(ims_reader_open(dir)));
	free(file);
}

/* ---- the description of records ---- */

static int parse(const char *text, struct ims_origin *o, char *why)
{
	char *copy = strdup(text);
	int rc;

	*o = (struct ims_origin){};
	rc = ims_header_parse(copy, strlen(copy), o, why, 128);
	free(copy);
	return rc;
}

TEST(other_layouts)
{
	struct ims_origin o;
	char why[128];

	assert_int_equal(parse("abi 99\n", &o, why), -EPROTO);
	assert_non_null(strstr(why, "ABI"));
	assert_int_equal(parse("kind unmap 6 48\n", &o, why), -EPROTO);
	assert_int_equal(parse("kind mapun 6 40\n", &o, why), -EPROTO);
	assert_int_equal(parse("kind unmap 6 40\nfield iova 16 8\n", &o, why), -EPROTO);
	assert_int_equal(parse("kind unmap 6 40\nfield iova 8 4\n", &o, why), -EPROTO);
	assert_int_equal(parse("kind\nkind x\nkind unmap 6\n", &o, why), -EPROTO);
	ims_origin_free(&o);
	/* what a newer one adds, and what an older one did not have */
	assert_int_equal(parse("new thing\nkind future 60 8\nfield x 0 8\n"
			       "kind unmap 6 40\nfield iova 8 8\nfield newer 36 4\n", &o, why), 0);
	assert_true(o.absent == (((1ULL << IMS_NR_KINDS) - 2) & ~(1ULL << IMS_UNMAP)));
	assert_non_null(o.absent_why);
	ims_origin_free(&o);
	/* ours */
	small();
	struct ims_reader *r = ims_reader_open(path);

	assert_true(ims_reader_origin(r)->absent == 1ULL << IMS_FAULT);
	ims_reader_close(r);
}

/* ---- writing ---- */

TEST(never_overwrites)
{
	size_t size, after;
	char *bytes;

	small();
	bytes = slurp(path, &size);
	SAYS("exists", assert_null(ims_writer_open(path)));
	free(bytes);
	bytes = slurp(path, &after);
	free(bytes);
	assert_int_equal(size, after);
	SAYS("No such file", assert_null(ims_writer_open("/nonexistent/x")));
}

TEST(private_to_its_owner)
{
	struct stat st;

	small();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* No more room: one line, whole frames stay, nothing is written any more. */
TEST(disk_full)
{
	struct rlimit old, few = { 1 << 19, RLIM_INFINITY };
	struct ims_writer *w = begin();
	struct ims_origin end = {};
	bool complete;
	union sample s;
	uint64_t n = 0;
	int rc = 0;

	getrlimit(RLIMIT_FSIZE, &old);
	few.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	listen_begin();
	srand(1);
	for (; !rc && n < 1000000; n++) {
		make(&s, n);
		rc = ims_writer_add(w, &s.r);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(ims_writer_add(w, &s.r), rc);
	assert_int_equal(ims_writer_tick(w, 1), rc);
	assert_int_equal(ims_writer_seal(w, &end), rc);
	ims_writer_close(w);
	assert_int_equal(listen_end(), 1);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(said, path));
	n = read_all(path, &rc, &complete);
	assert_true(n > 1000 && !rc && !complete);
}

/* ---- as a source ---- */

struct seen {
	uint64_t n, stop_at;
};

static int on_record(void *arg, const struct ims_record *r)
{
	struct seen *seen = arg;

	assert_true(r->h.seq == seen->n);
	return ++seen->n == seen->stop_at ? -EINTR : 0;
}

TEST(source)
{
	struct ims_source *src;
	struct seen seen = {};
	int rc;

	small();
	src = ims_recording_open(path);
	assert_non_null(src);
	while ((rc = ims_source_poll(src, on_record, &seen, 0)) > 0)
		;
	assert_int_equal(rc, -ENODATA);
	assert_int_equal(ims_source_finish(src, on_record, &seen), 0);
	assert_null(src->cut_short);
	assert_int_equal(seen.n, 35);
	ims_source_close(src);

	seen = (struct seen){ .stop_at = 15 };
	src = ims_recording_open(path);
	while ((rc = ims_source_poll(src, on_record, &seen, 0)) > 0)
		;
	assert_int_equal(rc, -EINTR);
	assert_int_equal(ims_source_finish(src, on_record, &seen), 0);
	assert_non_null(strstr(src->cut_short, "interrupted"));
	ims_source_close(src);

	assert_int_equal(truncate(path, 3000), 0);
	src = ims_recording_open(path);
	if (!src)
		return;
	while (ims_source_poll(src, on_record, &(struct seen){}, 0) > 0)
		;
	assert_int_equal(ims_source_finish(src, on_record, NULL), 0);
	assert_non_null(strstr(src->cut_short, "incomplete"));
	ims_source_close(src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(many_frames),
		cmocka_unit_test(nothing_recorded), cmocka_unit_test(origin),
		cmocka_unit_test(cut_off), cmocka_unit_test(zeros_at_the_end),
		cmocka_unit_test(damaged), cmocka_unit_test(hostile_records),
		cmocka_unit_test(hostile_frames), cmocka_unit_test(other_files),
		cmocka_unit_test(other_layouts), cmocka_unit_test(never_overwrites),
		cmocka_unit_test(private_to_its_owner), cmocka_unit_test(disk_full),
		cmocka_unit_test(source),
	};
	int rc;

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/recording", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(other);
	snprintf(path, sizeof(path), "%s/stderr", dir);
	unlink(path);
	rmdir(dir);
	return rc;
}
