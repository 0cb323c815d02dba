// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protocol buffers, byte by byte: what is expected is worked out by the public
 * description of the encoding. tests/test_perfetto.py reads them with protoc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sink/protobuf.h"

static struct pb pb;

/* What was written since the last time, and nothing else. */
#define WROTE(...) do {								\
		const unsigned char want[] = { __VA_ARGS__ };			\
										\
		assert_false(pb_failed(&pb));					\
		assert_int_equal(pb.size, sizeof(want));			\
		assert_memory_equal(pb.data, want, sizeof(want));		\
		pb_reset(&pb);							\
	} while (0)

static int forget(void **state)
{
	(void)state;
	pb_free(&pb);
	return 0;
}

static void test_numbers_take_as_many_bytes_as_they_need(void **state)
{
	(void)state;
	pb_u64(&pb, 1, 0);
	WROTE(0x08, 0x00);
	pb_u64(&pb, 1, 127);
	WROTE(0x08, 0x7f);
	pb_u64(&pb, 1, 128);
	WROTE(0x08, 0x80, 0x01);
	pb_u64(&pb, 1, 150);
	WROTE(0x08, 0x96, 0x01);
	pb_u64(&pb, 1, UINT64_MAX);
	WROTE(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
	pb_u64(&pb, 1, (uint64_t)-2);
	WROTE(0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

static void test_field_numbers_beyond_fifteen_take_more_bytes(void **state)
{
	(void)state;
	pb_u64(&pb, 15, 1);
	WROTE(0x78, 0x01);
	pb_u64(&pb, 16, 1);
	WROTE(0x80, 0x01, 0x01);
	pb_u64(&pb, (1U << 29) - 1, 1);	/* the largest there is */
	WROTE(0xf8, 0xff, 0xff, 0xff, 0x0f, 0x01);
}

static void test_fixed64_is_little_endian(void **state)
{
	(void)state;
	pb_fixed64(&pb, 2, 0x0102030405060708);
	WROTE(0x11, 8, 7, 6, 5, 4, 3, 2, 1);
}

static void test_bytes_and_text(void **state)
{
	(void)state;
	pb_text(&pb, 2, "testing");
	WROTE(0x12, 7, 't', 'e', 's', 't', 'i', 'n', 'g');
	pb_text(&pb, 2, "");
	WROTE(0x12, 0);
	pb_textn(&pb, 2, "comm\0rubbish", 12);
	WROTE(0x12, 4, 'c', 'o', 'm', 'm');
	pb_textn(&pb, 2, "comm", 2);
	WROTE(0x12, 2, 'c', 'o');
	pb_bytes(&pb, 2, "\0\xff", 2);
	WROTE(0x12, 2, 0x00, 0xff);
	pb_bytes(&pb, 2, NULL, 0);
	WROTE(0x12, 0);
}

static void test_text_is_utf8(void **state)
{
	(void)state;
	pb_text(&pb, 1, "\xc3\xa4");
	WROTE(0x0a, 2, 0xc3, 0xa4);
	pb_text(&pb, 1, "a\xff" "b\xc3");
	WROTE(0x0a, 4, 'a', '?', 'b', '?');
	pb_text(&pb, 1, "\xed\xa0\x80");	/* half of a surrogate pair */
	WROTE(0x0a, 3, '?', '?', '?');
	pb_bytes(&pb, 1, "\xff", 1);		/* these are any bytes */
	WROTE(0x0a, 1, 0xff);
}

static void test_messages_nest(void **state)
{
	size_t outer, inner;

	(void)state;
	outer = pb_begin(&pb, 3);
	pb_u64(&pb, 1, 150);
	inner = pb_begin(&pb, 4);
	pb_u64(&pb, 5, 1);
	pb_end(&pb, inner);
	pb_u64(&pb, 6, 2);
	pb_end(&pb, outer);
	pb_u64(&pb, 7, 3);
	WROTE(0x1a, 9, 0x08, 0x96, 0x01, 0x22, 2, 0x28, 1, 0x30, 2, 0x38, 3);
	pb_end(&pb, pb_begin(&pb, 3));
	WROTE(0x1a, 0);
}

static void test_packed_numbers(void **state)
{
	size_t list;

	(void)state;
	list = pb_begin(&pb, 6);
	pb_varint(&pb, 3);
	pb_varint(&pb, 270);
	pb_varint(&pb, 86942);
	pb_end(&pb, list);
	WROTE(0x32, 6, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05);
}

/* Its length takes more bytes than one, and all that was written moves. */
static void test_long_messages(void **state)
{
	static char text[100000];
	size_t outer;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	outer = pb_begin(&pb, 1);
	pb_text(&pb, 2, text);
	pb_end(&pb, outer);
	assert_int_equal(pb.size, 1 + 3 + 1 + 3 + 99999);
	assert_memory_equal(pb.data, "\x0a\xa3\x8d\x06\x12\x9f\x8d\x06xxx", 11);
	for (size_t i = 8; i < pb.size; i++)
		assert_int_equal(pb.data[i], 'x');
}

/* What cannot be had is noticed once, and writing on does no harm. */
static void test_no_memory(void **state)
{
	size_t begun;

	(void)state;
	pb_u64(&pb, 1, 1);
	pb.failed = true;
	begun = pb_begin(&pb, 3);
	pb_u64(&pb, 1, 150);
	pb_fixed64(&pb, 1, 150);
	pb_text(&pb, 2, "testing");
	pb_end(&pb, begun);
	assert_true(pb_failed(&pb));
	assert_int_equal(pb.size, 2);
	pb_reset(&pb);
	pb_u64(&pb, 1, 2);
	WROTE(0x08, 0x02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_numbers_take_as_many_bytes_as_they_need, forget),
		cmocka_unit_test_teardown(test_field_numbers_beyond_fifteen_take_more_bytes, forget),
		cmocka_unit_test_teardown(test_fixed64_is_little_endian, forget),
		cmocka_unit_test_teardown(test_bytes_and_text, forget),
		cmocka_unit_test_teardown(test_text_is_utf8, forget),
		cmocka_unit_test_teardown(test_messages_nest, forget),
		cmocka_unit_test_teardown(test_packed_numbers, forget),
		cmocka_unit_test_teardown(test_long_messages, forget),
		cmocka_unit_test_teardown(test_no_memory, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
