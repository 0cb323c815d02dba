// SPDX-License-Identifier: GPL-2.0-only
#include "sink/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "sink/jsonw.h"

#define VARINT_MAX 10		/* bytes of a 64-bit number, seven bits in each */

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

/* Room for @size more bytes; NULL: there is none. */
static unsigned char *room(struct pb *pb, size_t size)
{
	size_t cap = pb->cap ? pb->cap : 256;
	unsigned char *data;

	if (pb->failed)
		return NULL;
	while (cap - pb->size < size)
		cap *= 2;
	if (cap > pb->cap) {
		data = realloc(pb->data, cap);
		if (!data) {
			pb->failed = true;
			return NULL;
		}
		pb->data = data;
		pb->cap = cap;
	}
	return pb->data + pb->size;
}

static size_t encode(unsigned char *to, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		to[n++] = value | 0x80;
	to[n++] = value;
	return n;
}

void pb_varint(struct pb *pb, uint64_t value)
{
	unsigned char *to = room(pb, VARINT_MAX);

	if (to)
		pb->size += encode(to, value);
}

static void put_key(struct pb *pb, uint32_t field, enum wire wire)
{
	pb_varint(pb, (uint64_t)field << 3 | wire);
}

void pb_u64(struct pb *pb, uint32_t field, uint64_t value)
{
	put_key(pb, field, WIRE_VARINT);
	pb_varint(pb, value);
}

void pb_fixed64(struct pb *pb, uint32_t field, uint64_t value)
{
	unsigned char *to;

	put_key(pb, field, WIRE_FIXED64);
	to = room(pb, sizeof(value));
	for (unsigned int i = 0; to && i < sizeof(value); i++)
		to[i] = value >> 8 * i;		/* little endian on any machine */
	pb->size += to ? sizeof(value) : 0;
}

void pb_bytes(struct pb *pb, uint32_t field, const void *data, size_t size)
{
	unsigned char *to;

	put_key(pb, field, WIRE_BYTES);
	pb_varint(pb, size);
	to = room(pb, size);
	if (!to || !size)
		return;
	memcpy(to, data, size);
	pb->size += size;
}

/* A name that the kernel gives is any bytes; one that is no UTF-8 would spoil the file. */
static void make_utf8(unsigned char *s, size_t size)
{
	while (size) {
		size_t n = utf8_len(s, size);

		if (!n) {
			*s = '?';
			n = 1;
		}
		s += n;
		size -= n;
	}
}

void pb_textn(struct pb *pb, uint32_t field, const char *text, size_t max)
{
	size_t size = strnlen(text, max);

	pb_bytes(pb, field, text, size);
	if (!pb->failed)
		make_utf8(pb->data + pb->size - size, size);
}

void pb_text(struct pb *pb, uint32_t field, const char *text)
{
	pb_textn(pb, field, text, SIZE_MAX);
}

size_t pb_begin(struct pb *pb, uint32_t field)
{
	put_key(pb, field, WIRE_BYTES);
	return pb->size;
}

void pb_end(struct pb *pb, size_t begun)
{
	unsigned char length[VARINT_MAX];
	size_t size = pb->size - begun, n = encode(length, size);

	if (!room(pb, n))
		return;
	memmove(pb->data + begun + n, pb->data + begun, size);
	memcpy(pb->data + begun, length, n);
	pb->size += n;
}

void pb_reset(struct pb *pb)
{
	pb->size = 0;
	pb->failed = false;
}

void pb_free(struct pb *pb)
{
	free(pb->data);
	*pb = (struct pb){};
}
