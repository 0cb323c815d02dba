/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recording: a stream of records in a file that says by itself what it is.
 *
 *	head     magic, byte order, version; then text: see header.h
 *	frame    records, as in memory, compressed; its own check sums    } any
 *	frame    ...                                                      } number
 *	frame    text: what was known at the end
 *	frame    index: where the frames of records are
 *	seal     where the index is, how many records there are
 *
 * The file only grows.  Until the seal stands there the recording is incomplete:
 * whoever is killed, or runs out of disk, leaves all whole frames readable, and
 * none of them needs another one.  Numbers have the byte order of the machine
 * that recorded, which is in the head; a reader of the other order refuses.
 *
 * What is in a record is said by the text of the head, kind by kind and field by
 * field, so a reader of another version finds out whether it understands them.
 */
#ifndef IMS_FILE_H
#define IMS_FILE_H

#include <stddef.h>
#include <stdint.h>

#define IMS_FILE_MAGIC "IMSREC\r\n"	/* \r\n: shows what a text transfer did */
#define IMS_SEAL_MAGIC "IMSEND\r\n"
#define IMS_FRAME_MAGIC 0x464d5349	/* "ISMF" */
#define IMS_FILE_VERSION 1
#define IMS_FILE_ORDER 0x01020304

#define IMS_HEAD_TEXT_MAX (1U << 20)
#define IMS_FRAME_MAX (16U << 20)	/* bytes of a frame's content, unpacked */

struct ims_file_head {
	char magic[8];
	uint32_t order;		/* IMS_FILE_ORDER */
	uint32_t version;
	uint32_t text;		/* bytes of text that follow, no NUL */
	uint32_t text_crc;
	uint32_t _rsvd;
	uint32_t crc;		/* of all before */
};

enum ims_frame_kind { IMS_FRAME_RECORDS = 1, IMS_FRAME_TEXT, IMS_FRAME_INDEX };

/* Behind it: @packed bytes, one zstd frame with a checksum of its content. */
struct ims_frame {
	uint32_t magic;
	uint32_t kind;
	uint32_t packed;
	uint32_t size;		/* unpacked */
	uint64_t records;	/* in this frame */
	uint64_t first_ns;	/* ktime of its first and its last record */
	uint64_t last_ns;
	uint32_t _rsvd;
	uint32_t crc;		/* of all before */
};

/* One for each frame of records. */
struct ims_index {
	uint64_t offset;	/* of struct ims_frame in the file */
	uint64_t before;	/* records in the frames before */
	uint64_t first_ns;
};

struct ims_seal {
	char magic[8];
	uint64_t index;		/* offset of the frame with the index */
	uint64_t records;
	uint32_t frames;	/* of records */
	uint32_t crc;		/* of all before */
};

_Static_assert(sizeof(struct ims_file_head) == 32, "ims_file_head");
_Static_assert(sizeof(struct ims_frame) == 48, "ims_frame");
_Static_assert(sizeof(struct ims_index) == 24, "ims_index");
_Static_assert(sizeof(struct ims_seal) == 32, "ims_seal");

/* CRC-32 as in zlib and PNG. */
static inline uint32_t ims_crc32(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint32_t crc = ~0U;

	while (size--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

#endif
