// SPDX-License-Identifier: GPL-2.0-only
/* Profiles that are made here: sums of parts, and each format that they can be written in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "profile/compare.h"
#include "sink/profile.h"
#include "source/snap.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static void add_who(struct profile *p, uint32_t id, uint32_t tgid, uint32_t ioas, const char *comm)
{
	struct profile_who w = { .key = { .ctx = 0x1000, .tgid = tgid, .ioas = ioas }, .who.id = id };

	strncpy(w.who.comm, comm, sizeof(w.who.comm) - 1);
	assert_int_equal(snap_list_add(p->who, &w), 0);
}

static void add_sum(struct profile *p, uint32_t who, enum ims_phase op, enum ims_phase phase,
		    uint64_t calls, uint64_t ns, uint64_t self, uint64_t bytes)
{
	struct profile_sum s = {
		.key = { .who = who, .op = op, .phase = phase, .ustack = -1, .kstack = -1 },
		.sum = { .calls = calls, .ns = ns, .self = self, .bytes = bytes, .pages = bytes / 4096 },
	};

	assert_int_equal(snap_list_add(p->sums, &s), 0);
}

static void add_hist(struct profile *p, uint32_t who, enum ims_phase phase, uint64_t ns, int n)
{
	struct profile_hist *h = calloc(1, sizeof(*h));

	h->key = (struct ims_hist_key){ who, phase };
	while (n--)
		hist_add(&h->hist, ns + 10 * n);
	assert_int_equal(snap_list_add(p->hists, h), 0);
	free(h);
}

/* Two processes; one has maps with a pin each, the other an unmap. All is @scale times as slow. */
static struct profile example(int scale)
{
	struct profile p = { .start = 0, .end = 2000000000 };
	struct profile_shape shape = { .who = 1 };

	add_who(&p, 1, 100, 2, "qemu;x y");
	add_who(&p, 2, 200, 3, "other");
	add_sum(&p, 1, IMS_PH_MAP, IMS_PH_MAP, 100, 100000 * scale, 40000 * scale, 4096000);
	add_sum(&p, 1, IMS_PH_MAP, IMS_PH_PIN_FAST, 100, 60000 * scale, 60000 * scale, 4096000);
	add_sum(&p, 2, IMS_PH_UNMAP, IMS_PH_UNMAP, 1, 700, 700, 8192);
	add_hist(&p, 1, IMS_PH_MAP, 505 * scale, 100);
	add_hist(&p, 1, IMS_PH_PIN_FAST, 105 * scale, 100);
	add_hist(&p, 2, IMS_PH_UNMAP, 700, 1);
	shape.shape.runs[0] = 488;
	shape.shape.pages[0] = 488;
	shape.shape.runs[9] = 1;
	shape.shape.pages[9] = shape.shape.huge = 512;
	shape.shape.pins[3] = 100;
	assert_int_equal(snap_list_add(p.shapes, &shape), 0);
	p.slow[0] = (struct ims_slow){ .ns = 5000, .who = 1, .tid = 101, .op = IMS_PH_MAP, .ustack = -1,
				       .kstack = -1 };
	p.slow[0].phase[IMS_PH_MAP] = (struct ims_sum){ .calls = 1, .ns = 5000, .self = 1000 };
	p.slow[0].phase[IMS_PH_PIN_FAST] = (struct ims_sum){ .calls = 1, .ns = 4000, .self = 4000 };
	p.nslow = 1;
	profile_sort(&p);
	return p;
}

static char *written(int (*put)(FILE *, const struct profile_report *), const struct profile *p)
{
	struct profile_report r = { .profile = p, .symbols = symbols_new(), .absent = "" };
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(put(f, &r), 0);
	fclose(f);
	symbols_free(r.symbols);
	return text;
}

TEST(parts_add_up)
{
	struct profile p = example(1);
	struct profile_part all = {}, one = { .tgid = 100 }, ioas = { .ctx = 0x1000, .ioas = 3 },
			    op = { .by_op = true, .op = IMS_PH_UNMAP }, none = { .tgid = 300 };
	struct ims_sum sum;
	struct hist hist;

	profile_total(&p, &all, IMS_PH_MAP, &sum, &hist);
	assert_int_equal(sum.calls, 100);
	assert_int_equal(hist.n, 100);
	profile_total(&p, &one, IMS_PH_UNMAP, &sum, &hist);
	assert_int_equal(sum.calls + hist.n, 0);
	profile_total(&p, &ioas, IMS_PH_UNMAP, &sum, &hist);
	assert_int_equal(sum.calls, 1);
	assert_int_equal(hist_quantile(&hist, 500) / 32, 700 / 32);
	profile_total(&p, &op, IMS_PH_PIN_FAST, &sum, NULL);
	assert_int_equal(sum.calls, 0);
	profile_total(&p, &none, IMS_PH_MAP, &sum, NULL);
	assert_int_equal(sum.calls, 0);
	profile_free(&p);
}

static int put_ns(FILE *f, const struct profile_report *r)
{
	return ims_profile_folded(f, r, PROFILE_NS);
}

static int put_bytes(FILE *f, const struct profile_report *r)
{
	return ims_profile_folded(f, r, PROFILE_BYTES);
}

TEST(folded)
{
	struct profile p = example(1);
	char *ns = written(put_ns, &p), *bytes = written(put_bytes, &p);

	assert_string_equal(ns, "qemu_x_y;[map] 40000\n"
			    "qemu_x_y;[map];[pin, GUP fast] 60000\n"
			    "other;[unmap] 700\n");
	assert_string_equal(bytes, "qemu_x_y;[map] 4096000\nother;[unmap] 8192\n");
	free(ns);
	free(bytes);
	profile_free(&p);
}

TEST(text)
{
	struct profile p = example(1);
	char *s = written(ims_profile_text, &p);

	assert_non_null(strstr(s, "101 operations in 2.0 s\n"));
	assert_non_null(strstr(s, "\nmap: 100 calls, 100 us in all\n"
			       "  pin, GUP fast    ##############            60.0%     60 us\n"
			       "  other            ##########                40.0%     40 us\n"));
	assert_non_null(strstr(s, "3.91 MiB in 489 contiguous runs"));
	assert_non_null(strstr(s, "51.2% is in whole 2 MiB pages; 0.0% is so and at IOVAs"));
	assert_non_null(strstr(s, "|PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP........|"));
	free(s);
	profile_free(&p);
}

TEST(nothing_happened)
{
	struct profile p = { .end = 1000000000 };
	char *s = written(ims_profile_text, &p);

	assert_string_equal(s, "0 operations in 1.0 s\n");
	free(s);
	s = written(put_ns, &p);
	assert_string_equal(s, "");
	free(s);
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v;
}

TEST(json)
{
	struct profile p = example(1);
	char *s = written(ims_profile_json, &p);
	struct json_object *o = json_tokener_parse(s), *phase;

	assert_non_null(o);
	assert_int_equal(json_object_array_length(member(o, "phases")), 3);
	phase = json_object_array_get_idx(member(o, "phases"), 2);
	assert_string_equal(json_object_get_string(member(phase, "phase")), "pin_fast");
	assert_int_equal(json_object_get_int64(member(phase, "self_ns")), 60000);
	assert_int_equal(json_object_array_length(member(o, "processes")), 2);
	assert_int_equal(json_object_array_length(member(o, "ioases")), 2);
	assert_int_equal(json_object_array_length(member(o, "devices")), 0);
	assert_int_equal(json_object_get_int64(member(member(o, "memory"), "huge_pages")), 512);
	json_object_put(o);
	free(s);
	profile_free(&p);
}

/* ---- compare ---- */

static void save(char *path, int scale)
{
	struct profile p = example(scale);
	char *s = written(ims_profile_json, &p);
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s, strlen(s)), strlen(s));
	close(fd);
	free(s);
	profile_free(&p);
}

static char *compared(int before, int after)
{
	char a[] = "/tmp/profile.XXXXXX", b[] = "/tmp/profile.XXXXXX", *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	save(a, before);
	save(b, after);
	assert_int_equal(profile_compare(f, a, b), 0);
	fclose(f);
	unlink(a);
	unlink(b);
	return text;
}

TEST(compare)
{
	char *same = compared(1, 1), *slower = compared(1, 2);

	assert_null(strstr(same, "% *"));
	assert_non_null(strstr(same, "too few"));	/* of one unmap */
	assert_non_null(strstr(slower, "+100.0% +- "));
	assert_non_null(strstr(slower, "% * "));
	free(same);
	free(slower);
}

/* What is no profile is refused, and what is half of one does no harm. */
TEST(compare_with_anything)
{
	static const char *const refused[] = { "", "{", "[]", "3", "{\"type\": 3}", "{\"type\": \"totals\"}" };
	static const char *const odd[] = {
		"{\"type\": \"profile\"}", "{\"type\": \"profile\", \"phases\": 3, \"memory\": []}",
		"{\"type\": \"profile\", \"phases\": [3, null, {\"phase\": \"map\", \"latencies\": "
		"[{\"from_ns\": -1, \"calls\": 7}, null]}, {\"phase\": \"x\"}], \"memory\": {\"runs\": [1]}}",
	};
	char path[] = "/tmp/profile.XXXXXX";
	int fd = mkstemp(path), said = dup(STDERR_FILENO);
	FILE *f = fopen("/dev/null", "w");

	dup2(fileno(f), STDERR_FILENO);		/* what is wrong is told, rightly */
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(*refused) + sizeof(odd) / sizeof(*odd); i++) {
		bool bad = i < sizeof(refused) / sizeof(*refused);
		const char *s = bad ? refused[i] : odd[i - sizeof(refused) / sizeof(*refused)];

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, s, strlen(s), 0), strlen(s));
		assert_int_equal(profile_compare(f, path, path), bad ? -1 : 0);
	}
	assert_int_equal(profile_compare(f, "/nonexistent", path), -1);
	dup2(said, STDERR_FILENO);
	close(said);
	fclose(f);
	close(fd);
	unlink(path);
}

/* ---- symbols ---- */

static __attribute__((noinline)) int somewhere(void)
{
	return getpid();
}

TEST(own_symbols)
{
	struct symbols *s = symbols_new();
	char name[SYMBOL_MAX];

	symbols_user(s, getpid(), (uintptr_t)somewhere, name);
	assert_int_equal(strncmp(name, "0x", 2), 0);
	symbols_note(s, getpid());
	symbols_user(s, getpid(), (uintptr_t)somewhere + 1, name);
	assert_string_equal(name, "somewhere");
	symbols_user(s, getpid(), 16, name);
	assert_string_equal(name, "0x10");
	symbols_free(s);
	assert_true(somewhere() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(folded),
		cmocka_unit_test(text),
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(json),
		cmocka_unit_test(compare),
		cmocka_unit_test(own_symbols),
		cmocka_unit_test(compare_with_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
