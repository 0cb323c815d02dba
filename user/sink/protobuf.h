/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing protocol buffers: what pprof and Perfetto read.
 *
 * A message is a sequence of fields.  A field is a key (number << 3 | wire type)
 * and a value: a varint, eight bytes, or a length and as many bytes.  A nested
 * message is of the last sort; pb_begin() starts it, pb_end() puts its length in
 * front.  Order does not matter to a reader, and a field that is 0 may be left out.
 *
 *	size_t event = pb_begin(&pb, 11);
 *	pb_u64(&pb, 9, type);
 *	pb_text(&pb, 23, "IOAS_MAP");
 *	pb_end(&pb, event);
 *
 * Without memory nothing more is added and pb_failed() tells; so it is enough to
 * ask once, before the bytes are used.
 */
#ifndef IMS_PROTOBUF_H
#define IMS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {} is an empty one. */
struct pb {
	unsigned char *data;
	size_t size, cap;
	bool failed;
};

/* int32, int64, uint32, uint64, bool, enum; a negative number is cast. */
void pb_u64(struct pb *pb, uint32_t field, uint64_t value);
/* fixed64, sfixed64 and, by its bits, double. */
void pb_fixed64(struct pb *pb, uint32_t field, uint64_t value);
/* bytes and string; text must be UTF-8, what is not becomes '?'. */
void pb_bytes(struct pb *pb, uint32_t field, const void *data, size_t size);
void pb_text(struct pb *pb, uint32_t field, const char *text);
void pb_textn(struct pb *pb, uint32_t field, const char *text, size_t max);

/* A nested message, or packed numbers; the result is for pb_end(). */
size_t pb_begin(struct pb *pb, uint32_t field);
void pb_end(struct pb *pb, size_t begun);
/* One of packed numbers: a varint without a key. */
void pb_varint(struct pb *pb, uint64_t value);

static inline bool pb_failed(const struct pb *pb)
{
	return pb->failed;
}

/* Empty again, with the memory it has. */
void pb_reset(struct pb *pb);
void pb_free(struct pb *pb);

#endif
