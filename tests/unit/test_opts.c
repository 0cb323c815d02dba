// SPDX-License-Identifier: GPL-2.0-only
/*
 * The option parser: every type with good, bad and extreme values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/record.h"
#include "cmd/cmd.h"

static const struct ims_opt opts[] = {
	IMS_OPTS_OPENER,
	{ "ioas", 0, IMS_OPT_U32, IMS_SET(ioas), 1, UINT32_MAX, "ID", "" },
	{ "kinds", 'k', IMS_OPT_KINDS, IMS_SET(kinds), 0, 0, "LIST", "" },
	{ "iova", 0, IMS_OPT_RANGE, IMS_SET(iova), 0, 0, "RANGE", "" },
	{ "weight", 'w', IMS_OPT_CHOICE, IMS_SET(weight), 0, 0, "ns|calls|bytes", "" },
	{ "device", 0, IMS_OPT_REFUSED, 0, 0, 0, "NAME", "not here" },
	IMS_OPTS_LIVE,
	IMS_OPTS_VIOLATION,
	IMS_OPTS_OUTPUT,
	{}
};

static const struct ims_command cmd = { .name = "test", .opts = opts };

/* Parse up to six words behind the command's name. */
static int parse(struct ims_settings *set, char *a, char *b, char *c, char *d, char *e, char *f)
{
	char *argv[] = { "test", a, b, c, d, e, f, NULL };
	int argc = 0;

	while (argv[argc])
		argc++;
	ims_settings_init(set);
	/* the words outlive this call, and so does their array */
	char **copy = memcpy(malloc(sizeof(argv)), argv, sizeof(argv));
	int rc = ims_opts_parse(&cmd, argc, copy, set);

	if (!set->command || rc)
		free(copy);
	return rc;
}

#define PARSE6(set, a, b, c, d, e, f, ...) parse(set, a, b, c, d, e, f)
#define PARSE(set, ...) PARSE6(set, __VA_ARGS__, NULL, NULL, NULL, NULL, NULL, NULL)
#define GOOD(...) assert_int_equal(PARSE(&set, __VA_ARGS__), 0)
#define BAD(...) assert_true(PARSE(&set, __VA_ARGS__) < 0)

static void defaults(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD(NULL);
	assert_int_equal(set.rings, 4);
	assert_int_equal(set.ring_size, 16 << 20);
	assert_int_equal(set.output, IMS_OUTPUT_TEXT);
	assert_false(set.quiet);
	assert_null(set.command);
}

static void numbers(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("--ioas", "7");
	assert_int_equal(set.ioas, 7);
	GOOD("--ioas=4294967295");
	assert_int_equal(set.ioas, UINT32_MAX);
	BAD("--ioas", "4294967296");
	BAD("--ioas", "99999999999999999999");
	BAD("--ioas", "0");
	BAD("--ioas", "-1");
	BAD("--ioas", "7x");
	BAD("--ioas", "");
	BAD("--ioas", " 7");
	GOOD("--ring-size", "1M");
	assert_int_equal(set.ring_size, 1 << 20);
	GOOD("--ring-size", "0x100000");
	assert_int_equal(set.ring_size, 1 << 20);
	BAD("--ring-size", "1");
	BAD("--ring-size", "2G");
	BAD("--ring-size", "16777216T");	/* overflows 64 bits */
	BAD("--ring-size", "1MB");
	BAD("--rings", "65");
}

static void seconds(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-d", "10");
	assert_int_equal(set.duration_ns, 10000000000);
	GOOD("--duration", "0.5");
	assert_int_equal(set.duration_ns, 500000000);
	BAD("-d", "0");
	BAD("-d", "-1");
	BAD("-d", "1s");
	BAD("-d", "nan");
	BAD("-d", "inf");
	BAD("-d", "1e300");
}

static void pids(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-p", "1", "-p2", "--pid", "3");
	assert_int_equal(set.pids.n, 3);
	assert_int_equal(set.pids.pid[0], 1);
	assert_int_equal(set.pids.pid[2], 3);
	BAD("-p", "0");
	BAD("-p", "x");
}

static void texts(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("--comm", "fifteen-letters");
	assert_string_equal(set.comm, "fifteen-letters");
	BAD("--comm", "sixteen-letters-");
	BAD("--comm", "");
}

static void kinds(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-k", "map");
	assert_true(set.kinds == 1ULL << IMS_MAP);
	GOOD("-k", "map,unmap", "-k", "end");
	assert_true(set.kinds == (1ULL << IMS_MAP | 1ULL << IMS_UNMAP | 1ULL << IMS_END));
	BAD("-k", "");
	BAD("-k", "map,");
	BAD("-k", ",map");
	BAD("-k", "mapp");
	BAD("-k", "a-name-that-is-longer-than-any-kind-could-be");
}

static void ranges(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("--iova", "0x1000-0x1fff");
	assert_true(set.iova.set && set.iova.start == 0x1000 && set.iova.last == 0x1fff);
	GOOD("--iova", "1M+4K");
	assert_true(set.iova.start == 1 << 20 && set.iova.last == (1 << 20) + 4095);
	GOOD("--iova", "0-0xffffffffffffffff");
	assert_true(set.iova.last == UINT64_MAX);
	GOOD("--iova", "0xffffffffffffffff+1");
	assert_true(set.iova.last == UINT64_MAX);
	BAD("--iova", "0xffffffffffffffff+2");
	BAD("--iova", "5+0");
	BAD("--iova", "2-1");
	BAD("--iova", "5");
	BAD("--iova", "5-");
	BAD("--iova", "5-6-7");
	BAD("--iova", "");
}

static void formats(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-f", "json", "-q");
	assert_int_equal(set.output, IMS_OUTPUT_JSON);
	assert_true(set.quiet);
	BAD("-f", "xml");
}

static void reactions(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("--on-violation", "stop", "--on-violation", "exec touch a b");
	assert_int_equal(set.reactions.n, 2);
	assert_int_equal(set.reactions.list[0].kind, IMS_REACT_STOP);
	assert_int_equal(set.reactions.list[1].kind, IMS_REACT_EXEC);
	assert_string_equal(set.reactions.list[1].command, "touch a b");
	GOOD("--on-violation", "signal 12", "--on-violation=signal:13");
	assert_int_equal(set.reactions.list[0].pid, 12);
	assert_int_equal(set.reactions.list[1].pid, 13);
	BAD("--on-violation", "");
	BAD("--on-violation", "stopp");
	BAD("--on-violation", "exec");
	BAD("--on-violation", "exec ");
	BAD("--on-violation", "signal");
	BAD("--on-violation", "signal 0");
	BAD("--on-violation", "signal -1");
	BAD("--on-violation", "signal 4294967295");
	BAD("--on-violation", "signal 1x");
}

static int parse_words(struct ims_settings *set, int argc, char **argv)
{
	static const struct ims_command two = {
		.name = "test", .opts = opts, .words = 2, .no_command = true,
	};

	ims_settings_init(set);
	return ims_opts_parse(&two, argc, argv, set);
}

#define WORDS(...) parse_words(&set, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *), \
			       (char *[]){ __VA_ARGS__, NULL })

/* Words may stand between options, as many as the command takes. */
static void words(void **state)
{
	struct ims_settings set;

	(void)state;
	assert_int_equal(WORDS("test", "file", "check", "-q"), 0);
	assert_int_equal(set.nwords, 2);
	assert_string_equal(set.word[0], "file");
	assert_string_equal(set.word[1], "check");
	assert_true(set.quiet);
	assert_int_equal(WORDS("test", "-f", "json", "file", "-v"), 0);
	assert_int_equal(set.nwords, 1);
	assert_true(set.verbose && set.output == IMS_OUTPUT_JSON);
	assert_int_equal(WORDS("test"), 0);
	assert_int_equal(set.nwords, 0);
	assert_true(WORDS("test", "a", "b", "c") < 0);
	assert_true(WORDS("test", "a", "--", "ls") < 0);
	assert_true(WORDS("test", "a", "--") < 0);
	assert_true(WORDS("test", "a", "-Z") < 0);
}

static void command(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-q", "--", "ls", "-v", "-p");
	assert_string_equal(set.command[0], "ls");
	assert_string_equal(set.command[2], "-p");
	assert_null(set.command[3]);
	assert_false(set.verbose);
	free(&set.command[-3]);
	BAD("ls");
	BAD("-q", "ls");
	BAD("--");
	BAD("-q", "--");
}

static void unknown(void **state)
{
	struct ims_settings set;

	(void)state;
	BAD("--nonsense");
	BAD("-Z");
	BAD("-qZ");
	BAD("--ioas");		/* no value */
	BAD("-p");
	BAD("--quiet=yes");	/* takes none */
	BAD("--device", "x");	/* refused here */
	BAD("--ring", "4");	/* ambiguous: --rings, --ring-size */
}

static void help(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	static const struct ims_command c = {
		.name = "test", .usage = "", .summary = "", .text = "", .opts = opts,
	};

	(void)state;
	ims_opts_help(&c, f);
	fclose(f);
	for (const struct ims_opt *o = opts; o->name; o++) {
		char name[40];

		snprintf(name, sizeof(name), " --%s ", o->name);
		assert_int_equal(!strstr(text, name), o->type == IMS_OPT_REFUSED);
	}
	assert_non_null(strstr(text, "dma_unmap"));
	free(text);
}

static void choices(void **state)
{
	struct ims_settings set;

	(void)state;
	GOOD("-w", "ns");
	assert_int_equal(set.weight, 0);
	GOOD("--weight=calls");
	assert_int_equal(set.weight, 1);
	GOOD("-wbytes");
	assert_int_equal(set.weight, 2);
	BAD("-w", "");
	BAD("-w", "n");
	BAD("-w", "byte");
	BAD("-w", "bytess");
	BAD("-w", "calls|bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(numbers), cmocka_unit_test(seconds),
		cmocka_unit_test(pids), cmocka_unit_test(texts), cmocka_unit_test(kinds),
		cmocka_unit_test(ranges), cmocka_unit_test(formats), cmocka_unit_test(command),
		cmocka_unit_test(unknown), cmocka_unit_test(help),
		cmocka_unit_test(reactions), cmocka_unit_test(words),
		cmocka_unit_test(choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
