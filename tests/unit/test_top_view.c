// SPDX-License-Identifier: GPL-2.0-only
/* The view as text: what fits into which width, and what keys do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.c"

#include "top/view.h"

#define GIB (1ULL << 30)

/* ---- a scene ---- */

static struct top_table table;
static struct top_scene scene = { .table = &table };
static struct top_view view;
static char *drawn;		/* the last drawing, as text */

static void add(struct top_list *l, const struct top_row *row)
{
	l->at = realloc(l->at, (l->n + 1) * sizeof(*l->at));
	assert_non_null(l->at);
	l->at[l->n++] = *row;
}

static struct top_row row(const char *comm, uint32_t tgid, uint32_t id, uint64_t mapped)
{
	struct top_row r = {
		.tgid = tgid, .ctx = 0xc000 + tgid, .ioas = 0x5000 + id, .id = id, .ordinal = 1,
		.contexts = 1, .ioases = 1, .known = true, .counted = true, .limited = true,
		.limit = 8 << 20, .mapped = mapped, .pinned = mapped / 2, .charged = mapped / 4,
		.modes = 1 << IMS_ACCT_USER,
		.call = { { 12, 1200, 250000, true }, { 0, 0, 0, false } },
	};

	snprintf(r.comm, sizeof(r.comm), "%s", comm);
	return r;
}

static int begin(void **state)
{
	(void)state;
	table = (struct top_table){ .window_ns = 1000000000, .contexts = 3, .records_window = 1234 };
	scene = (struct top_scene){ .table = &table };
	top_view_init(&view, TOP_IOASES, top_column_find("mapped"), false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	top_table_free(&table);
	free(drawn);
	drawn = NULL;
	return 0;
}

static void three(void)
{
	struct top_row a = row("qemu-system-x86", 712, 1, GIB), b = row("dpdk", 99, 1, 4 * GIB),
		       c = row("dpdk", 99, 2, 3 * 4096);

	add(&table.ioases, &a);
	add(&table.ioases, &b);
	add(&table.ioases, &c);
	add(&table.processes, &a);
	b.mapped += c.mapped;
	b.ioases = 2;
	b.ctx = b.ioas = 0;
	add(&table.processes, &b);
}

static void draw(int rows, int cols)
{
	struct grid g;
	size_t size;
	FILE *f;

	free(drawn);
	f = open_memstream(&drawn, &size);
	assert_non_null(f);
	assert_int_equal(grid_init(&g, rows, cols), 0);
	top_view_draw(&view, &scene, &g);
	grid_write(&g, f);
	grid_free(&g);
	fclose(f);
	for (const char *s = drawn; *s; s += strcspn(s, "\n") + 1, rows--)
		assert_true((int)strcspn(s, "\n") <= cols);
	assert_int_equal(rows, 0);
}

/* The line at @n, from 0. */
static const char *line(int n)
{
	static char text[512];
	const char *s = drawn;

	while (n--)
		s += strcspn(s, "\n") + 1;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(s, "\n"), s);
	return text;
}

static bool shows(const char *text)
{
	return strstr(drawn, text);
}

static void key(int k)
{
	assert_int_equal(top_view_key(&view, &scene, k), TOP_GO_ON);
	draw(24, 80);
}

static void keys(const char *s)
{
	while (*s)
		key(*s++);
}

/* ---- values ---- */

TEST(values)
{
	static const struct {
		uint64_t value;
		const char *bytes, *ns;
	} v[] = {
		{ 0, "0", "0n" }, { 999, "999", "999n" }, { 1000, "1000", "1u" }, { 1023, "1023", "1.0u" },
		{ 1536, "1.5K", "1.5u" }, { 65536, "64K", "66u" }, { 999999, "977K", "1.0m" },
		{ GIB, "1G", "1.1s" }, { GIB - 1, "1.0G", "1.1s" }, { 999 * GIB, "999G", "1073s" },
	};
	char cell[TOP_CELL];

	for (unsigned int i = 0; i < sizeof(v) / sizeof(*v); i++) {
		top_show_bytes(v[i].value, cell);
		assert_string_equal(cell, v[i].bytes);
		top_show_ns(v[i].value, cell);
		assert_string_equal(cell, v[i].ns);
	}
	top_show_rate(0.5, cell);
	assert_string_equal(cell, "0.5");
	top_show_rate(12000, cell);
	assert_string_equal(cell, "12k");
}

/* No value is wider than its column. */
TEST(values_are_narrow)
{
	char cell[TOP_CELL];

	for (double v = 1; v < 1e12; v *= 1.01) {
		top_show_bytes(v, cell);
		assert_true(strlen(cell) <= 5);
		top_show_rate(v, cell);
		assert_true(strlen(cell) <= 4);
		if (v < 9e11)
			top_show_ns(v, cell);
		assert_true(strlen(cell) <= 4);
	}
}

/* ---- the list ---- */

TEST(eighty_columns_have_all_that_matters)
{
	three();
	draw(24, 80);
	assert_string_equal(line(0), "top  0 violations  0 lost  2 processes  3 contexts  1.2k records/s");
	assert_string_equal(line(1), "IOASes by mapped");
	assert_string_equal(line(3), "PROCESS         IOAS  MAPD  PIND  CHRG LIMIT  MAP UNMAP  p50  p99  p50  p99 VIOL");
	assert_string_equal(line(4), "dpdk/99            1    4G    2G    1G    8M   12     0 1.2u 250u    -    -    0");
	assert_string_equal(line(5), "qemu-system/712    1    1G  512M  256M    8M   12     0 1.2u 250u    -    -    0");
	assert_string_equal(line(6), "dpdk/99            2   12K    6K    3K    8M   12     0 1.2u 250u    -    -    0");
}

TEST(forty_columns)
{
	three();
	draw(12, 40);
	assert_string_equal(line(0), "top  0 violations  0 lost  2 processes");
	assert_string_equal(line(3), "PROCESS      IOAS  MAPD  PIND  CHRG VIOL");
	assert_string_equal(line(5), "qemu-sys/712    1    1G  512M  256M    0");
}

TEST(two_hundred_columns)
{
	three();
	draw(50, 200);
	assert_true(shows("qemu-system-x86/712 "));
	assert_true(shows("user"));
	assert_true(shows("FAIL"));
}

TEST(no_size_is_too_small)
{
	three();
	for (int rows = 1; rows < 9; rows++)
		for (int cols = 1; cols < 60; cols++) {
			view.page = rows % 2 ? TOP_IOASES : TOP_HELP;
			draw(rows, cols);
		}
}

TEST(unknown_is_no_number)
{
	struct top_row r = row("lossy", 7, 0, 77 * GIB);

	r.known = r.counted = r.limited = false;
	r.ioas = 0;
	add(&table.ioases, &r);
	draw(24, 80);
	assert_string_equal(line(4), "lossy/7            ?     ?     ?     ?     ?    ?     ?    ?    ?    ?    ?    ?");
	table.ioases.at[0].violations = 3;
	draw(24, 80);
	assert_string_equal(line(4), "lossy/7            ?     ?     ?     ?     ?    ?     ?    ?    ?    ?    ?    3");
}

TEST(nobody)
{
	draw(24, 80);
	assert_true(shows("nobody has /dev/iommu open"));
	three();
	keys("/nosuch");
	assert_true(shows("no row passes the filter"));
}

/* What a process calls itself must not reach the terminal as it is. */
TEST(names_are_tamed)
{
	struct top_row r = row("\033[2J\tx\n", 7, 1, 1);

	add(&table.ioases, &r);
	draw(24, 80);
	assert_true(shows("?[2J?x?/7"));
	assert_false(shows("\033"));
}

TEST(thousands_of_rows)
{
	for (unsigned int i = 0; i < 5000; i++) {
		struct top_row r = row("vm", 1000 + i, 1, GIB + i * 4096);

		add(&table.ioases, &r);
	}
	draw(24, 80);
	assert_true(shows("vm/5999 "));
	assert_true(strstr(line(23), "4981 more: mapped 4.9T, pinned 2.5T, 0 violations"));
	key(TOP_KEY_END);
	assert_true(shows("vm/1000 "));
	assert_false(shows("vm/5999 "));
	key(TOP_KEY_HOME);
	assert_true(shows("vm/5999 "));
	table.ioases.at[4999].known = false;
	draw(24, 80);
	assert_true(strstr(line(23), "mapped ?"));
}

/* ---- keys ---- */

TEST(sorting)
{
	three();
	draw(24, 80);
	keys("r");
	assert_true(strstr(line(1), "by mapped reversed"));
	assert_true(strstr(line(4), "  12K "));
	keys("r>");
	assert_true(strstr(line(1), "by pinned"));
	keys("<<<");
	assert_true(strstr(line(1), "by process"));
	assert_true(strstr(line(4), "dpdk/99            1"));
	assert_true(strstr(line(5), "dpdk/99            2"));
	keys("<");
	assert_true(strstr(line(1), "by violations"));
}

TEST(unknown_rows_come_last)
{
	three();
	table.ioases.at[1].known = false;
	draw(24, 80);
	assert_true(strstr(line(6), "?"));
	keys("r");
	assert_true(strstr(line(6), "?"));
}

TEST(filtering)
{
	three();
	keys("/qemu");
	assert_true(strstr(line(1), "filter: qemu_"));
	assert_true(shows("qemu-system/712") && !shows("dpdk"));
	key(TOP_KEY_BACK);
	assert_true(strstr(line(1), "filter: qem_"));
	key(TOP_KEY_ENTER);
	assert_true(strstr(line(1), "filter: qem") && !shows("_"));
	key(TOP_KEY_ESCAPE);
	assert_true(shows("dpdk"));
	keys("/d");	/* nothing is left of the last one */
	assert_true(strstr(line(1), "filter: d_"));
	key(TOP_KEY_ESCAPE);
	keys("/q");	/* a letter now, and not the end */
	key(TOP_KEY_ESCAPE);
	assert_true(shows("dpdk") && !shows("filter:"));
}

TEST(into_a_process_and_back)
{
	three();
	keys("p");
	assert_true(strstr(line(1), "processes by mapped"));
	assert_string_equal(line(4), "dpdk/99            2  4.0G    2G    1G    8M   12     0 1.2u 250u    -    -    0");
	key(TOP_KEY_ENTER);
	assert_true(strstr(line(1), "IOASes by mapped of process 99"));
	assert_true(shows("dpdk/99            2   12K") && !shows("qemu"));
	key(TOP_KEY_BACK);
	assert_true(strstr(line(1), "processes by mapped"));
	keys("i");
	assert_true(shows("qemu"));
}

/* The chosen row stays chosen when rows change places. */
TEST(choice_follows_its_row)
{
	three();
	draw(24, 80);
	key(TOP_KEY_DOWN);
	assert_int_equal(view.tgid, 712);
	keys("r");
	assert_int_equal(view.tgid, 712);
	assert_int_equal(view.at, 1);
	keys("/dpdk");
	assert_int_equal(view.tgid, 99);
}

TEST(quitting)
{
	assert_int_equal(top_view_key(&view, &scene, 'q'), TOP_QUIT);
	assert_int_equal(top_view_key(&view, &scene, 'z'), TOP_CLEAR);
}

TEST(help_names_every_column)
{
	key('?');
	for (unsigned int i = 0; i < 5; i++)
		assert_true(shows(top_columns[i].about));
	key('x');
	assert_true(shows("nobody"));
}

TEST(notes_are_shown)
{
	scene.note = "a ctx of vm/3 never rests";
	draw(24, 80);
	assert_string_equal(line(1), "IOASes by mapped  a ctx of vm/3 never rests");
}

/* ---- an IOAS ---- */

TEST(into_an_ioas)
{
	struct stream *s = with_domain();
	struct top_row r = row("vm", 1, 1, 24 * PG);
	struct kept kept = {};
	struct kept_violation told = { "UNPIN-DOM", C1, S1, NULL, "VIOLATION UNPIN-DOM\n  its story\n" };

	map(s, S1, A1, P1, 0x100000, 16);
	map(s, S1, A2, P2, 0x120000, 8);
	r.ctx = C1;
	r.ioas = S1;
	r.violations = 5;
	kept.list = &told;
	kept.n = 1;
	scene.kept = &kept;
	scene.model = ims_verifier_model(s->v);
	add(&table.ioases, &r);
	draw(24, 80);
	key(TOP_KEY_ENTER);
	draw(60, 80);
	assert_string_equal(line(0), "IOAS 1 of vm/1, context 1 of its process (0xc001)");
	assert_true(shows("IOVA map of IOAS 1, 0x100000-"));
	assert_true(shows("areas    AAAAAAAA"));
	assert_true(shows("D1       ########"));
	assert_true(shows("is 'B', 0x120000-0x127fff live"));
	assert_true(shows("VIOLATION UNPIN-DOM") && shows("its story"));
	assert_true(shows("4 more violations were counted"));
	s->may_violate = true;	/* as a snapshot tells what it found: nobody knows to where */
	r_dma_unmap(s, D1, 0x120000, 8 * PG, 8 * PG, true);
	r_dma_map(s, D1, A2, 0x120000, RW, 0, RUNS({ IMS_ADDR_UNKNOWN, 8 * PG }));
	draw(60, 80);
	assert_true(shows("0x120000-0x127fff -> an unknown address"));
	keys("++");
	assert_true(shows("IOVA map of IOAS 1") && !shows("IOAS 1, 0x100000-"));
	keys("0");
	assert_true(shows("IOVA map of IOAS 1, 0x100000-"));
	key(TOP_KEY_END);
	assert_true(shows("4 more violations were counted"));
	for (int cols = 1; cols < 120; cols++)
		draw(7, cols);
	key(TOP_KEY_BACK);
	assert_true(shows("IOASes by mapped"));
	key(TOP_KEY_ENTER);
	unmap(s, A1);
	unmap(s, A2);
	domain_del(s, S1, D1);
	draw(24, 80);
	assert_true(shows("IOVA map of IOAS 1"));
	ioas_destroy(s, S1, 1);
	draw(24, 80);
	assert_true(shows("IOASes by mapped"));
	ctx_close(s);
	stream_end(s);
}

/* ---- as lines ---- */

TEST(printed)
{
	size_t size;
	FILE *f;

	three();
	f = open_memstream(&drawn, &size);
	assert_int_equal(top_view_print(&scene, TOP_IOASES, top_column_find("process"), false, 2, f), 0);
	fclose(f);
	assert_true(!strncmp(line(3), "dpdk/99 ", 8));
	assert_true(!strncmp(line(4), "dpdk/99 ", 8));
	assert_true(!strncmp(line(5), "1 more: mapped 1G, pinned 512M", 30));
}

#define V(name) cmocka_unit_test_setup_teardown(name, begin, end)

TESTS(V(values), V(values_are_narrow), V(eighty_columns_have_all_that_matters), V(forty_columns),
      V(two_hundred_columns), V(no_size_is_too_small), V(unknown_is_no_number), V(nobody),
      V(names_are_tamed), V(thousands_of_rows), V(sorting), V(unknown_rows_come_last), V(filtering),
      V(into_a_process_and_back), V(choice_follows_its_row), V(quitting), V(help_names_every_column),
      V(notes_are_shown), V(into_an_ioas), V(printed))
