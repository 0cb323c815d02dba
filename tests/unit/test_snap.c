// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots: rows put together, compared, counted, filtered and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink/ls.h"
#include "source/holders.h"

#define ROW(kind_, id_) .h = { .kind = SNAP_##kind_, .id = id_ }

static void add(struct snap_context *c, const void *row)
{
	assert_int_equal(snap_add(c, row), 0);
}

static void add_file(struct snap_context *c, uint32_t tgid, uint32_t fd, const char *comm)
{
	struct snap_file f = { ROW(FILE, fd), .tgid = tgid };

	strcpy(f.comm, comm);
	add(c, &f);
}

static void add_ioas(struct snap_context *c, uint32_t id, uint64_t obj)
{
	struct snap_object o = { ROW(OBJECT, id), .obj = obj, .type = IMS_T_IOAS, .users = 1 };
	struct snap_ioas_row i = { ROW(IOAS, id), .obj = obj, .ioas = obj + 16, .align = 4096 };

	add(c, &o);
	add(c, &i);
}

static void add_area(struct snap_context *c, uint64_t iova, uint64_t pages, uint64_t npinned,
		     uint32_t mode)
{
	struct snap_area a = {
		ROW(AREA, 0), .area = iova + 1, .iova = iova, .last = iova + 0xfff,
		.pages = pages, .npages = 8, .npinned = npinned, .charged = npinned,
		.mode = mode, .flags = pages ? SNAP_AREA_LIVE : 0, .prot = IMS_PROT_READ,
	};

	add(c, &a);
}

/* A ctx of two processes with two IOASes; the second one has a device. */
static struct snap_context sample(void)
{
	struct snap_context c = { .row = { ROW(CTX, 0), .ctx = 0x1000 } };
	struct snap_device d = { ROW(DEVICE, 3), .dev = 0x77, .domain = 0xd0, .hwpt = 4, .name = "dev0" };
	struct snap_hwpt h = { ROW(HWPT, 4), .domain = 0xd0, .ioas = 0x2010 };

	add_file(&c, 10, 3, "vmm");
	add_file(&c, 10, 4, "vmm");
	add_file(&c, 11, 3, "other");
	add(&c, &d);
	add_ioas(&c, 1, 0x1800);
	add_area(&c, 0x1000, 0xaa00, 5, IMS_ACCT_USER);
	add_area(&c, 0x3000, 0xaa00, 5, IMS_ACCT_USER);
	add_area(&c, 0x5000, 0, 0, 0);
	add_ioas(&c, 2, 0x2000);
	add(&c, &h);
	add_area(&c, 0x1000, 0xaa00, 5, IMS_ACCT_USER);
	add_area(&c, 0x2000, 0xbb00, 2, IMS_ACCT_NONE);
	return c;
}

static struct snapshot two_contexts(void)
{
	struct snap_context c = sample(), empty = { .row = { ROW(CTX, 0), .ctx = 0x9000 } };
	struct snapshot s = {};

	add_file(&empty, 11, 9, "other");
	assert_int_equal(snap_list_add(s.contexts, &c), 0);
	assert_int_equal(snap_list_add(s.contexts, &empty), 0);
	return s;
}

static void rows_go_where_they_belong(void **state)
{
	struct snap_context c = sample();

	(void)state;
	assert_int_equal(c.holders.n, 3);
	assert_int_equal(c.spaces.n, 2);
	assert_int_equal(c.spaces.at[0].areas.n, 3);
	assert_int_equal(c.spaces.at[1].areas.n, 2);
	assert_int_equal(c.spaces.at[1].hwpts.n, 1);
	assert_true(snap_attached(&c.spaces.at[1], &c.devices.at[0]));
	assert_false(snap_attached(&c.spaces.at[0], &c.devices.at[0]));
	snap_context_free(&c);
}

static void a_section_continues_the_ioas(void **state)
{
	struct snap_ioas_row again = { ROW(IOAS, 2), .obj = 0x2000 };
	struct snap_context c = sample();

	(void)state;
	add(&c, &again);
	add_area(&c, 0x9000, 0xbb00, 2, 0);
	assert_int_equal(c.spaces.n, 2);
	assert_int_equal(c.spaces.at[1].sections, 2);
	assert_int_equal(c.spaces.at[1].areas.n, 3);
	again.obj = 0x2222;	/* the id was given to another one meanwhile */
	add(&c, &again);
	assert_int_equal(c.spaces.n, 3);
	snap_context_free(&c);
}

static void rows_of_nothing_are_refused(void **state)
{
	struct snap_area area = { ROW(AREA, 0) };
	struct snap_row unknown = { .kind = 999 };
	struct snap_context c = {};

	(void)state;
	assert_int_not_equal(snap_add(&c, &area.h), 0);
	assert_int_not_equal(snap_add(&c, &unknown), 0);
	assert_int_equal(snap_row_size(999), 0);
	assert_int_equal(snap_row_size(0), 0);
	for (uint32_t kind = 1; kind < SNAP_NR_KINDS; kind++)
		assert_true(snap_row_size(kind) >= sizeof(struct snap_row));
}

static void changes_are_seen(void **state)
{
	struct snap_context a = sample(), b = sample();
	struct snap_object more = { ROW(OBJECT, 9), .obj = 0x99 };

	(void)state;
	assert_true(snap_same_objects(&a, &b));
	b.devices.at[0].hwpt = 5;
	assert_false(snap_same_objects(&a, &b));
	b.devices.at[0].hwpt = 4;
	b.objects.at[1].obj++;
	assert_false(snap_same_objects(&a, &b));
	b.objects.at[1].obj--;
	add(&b, &more);
	assert_false(snap_same_objects(&a, &b));
	snap_context_free(&a);
	snap_context_free(&b);
}

static void totals_count_pages_once(void **state)
{
	struct snapshot s = two_contexts();
	struct snap_processes p = {};

	(void)state;
	assert_int_equal(snap_processes_of(&s, &p), 0);
	assert_int_equal(p.all.contexts, 2);
	assert_int_equal(p.all.spaces, 2);
	assert_int_equal(p.all.areas, 5);
	assert_int_equal(p.all.mapped, 5 * 0x1000);
	assert_int_equal(p.all.pinned, 7);
	assert_int_equal(p.all.charged, 5);	/* mode none charges nobody */
	assert_int_equal(p.list.n, 2);
	assert_int_equal(p.list.at[0].tgid, 10);
	assert_int_equal(p.list.at[0].totals.contexts, 1);	/* held twice, counted once */
	assert_int_equal(p.list.at[1].totals.contexts, 2);
	snap_processes_free(&p);
	snap_free(&s);
}

static void filters_keep_what_was_asked(void **state)
{
	struct snapshot s = two_contexts();

	(void)state;
	snap_prune(&s, 0, NULL);
	assert_int_equal(s.contexts.n, 2);
	snap_prune(&s, 1, NULL);
	assert_int_equal(s.contexts.n, 1);
	assert_int_equal(s.contexts.at[0].spaces.n, 1);
	snap_prune(&s, 0, "dev0");	/* it uses the other one */
	assert_int_equal(s.contexts.n, 1);
	assert_int_equal(s.contexts.at[0].spaces.n, 0);
	snap_prune(&s, 0, "dev");
	assert_int_equal(s.contexts.n, 0);
	snap_free(&s);
}

static char *printed(int (*print)(FILE *f, const struct snapshot *s, bool summary))
{
	struct snapshot s = two_contexts();
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	strcpy(s.contexts.at[1].holders.at[0].comm, "\033[2J\"");	/* a name may be anything */
	assert_int_equal(print(f, &s, false), 0);
	fclose(f);
	snap_free(&s);
	return text;
}

static void text_is_a_tree(void **state)
{
	char *text = printed(ims_ls_text);

	(void)state;
	assert_ptr_equal(strstr(text, "vmm/10 fd 3, uid 0, and vmm/10 fd 4, and other/11 fd 3\n"), text);
	assert_non_null(strstr(text, "\n  device 3  dev0, group 0, on HWPT 4\n"));
	assert_non_null(strstr(text, "\n    area  0x5000-0x5fff  4K  read  just being mapped or unmapped\n"));
	assert_non_null(strstr(text, "pinned 5 of 8, charged 5 to the user of 0\n"));
	assert_non_null(strstr(text, "?[2J\"/11 fd 9"));
	assert_null(strchr(text, '\033'));
	free(text);
}

static void json_is_a_line_each(void **state)
{
	char *text = printed(ims_ls_json), *line = text;
	unsigned int lines = 0;

	(void)state;
	assert_null(strchr(text, '\033'));
	for (; *line; line = strchr(line, '\n') + 1, lines++)
		assert_int_equal(*line, '{');
	assert_int_equal(lines, 3);
	assert_non_null(strstr(text, "{\"type\":\"totals\",\"contexts\":2,"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_go_where_they_belong),
		cmocka_unit_test(a_section_continues_the_ioas),
		cmocka_unit_test(rows_of_nothing_are_refused),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(totals_count_pages_once),
		cmocka_unit_test(filters_keep_what_was_asked),
		cmocka_unit_test(text_is_a_tree),
		cmocka_unit_test(json_is_a_line_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
