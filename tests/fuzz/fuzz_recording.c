// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arbitrary bytes become a file, the reader of recordings reads it, and a verifier
 * gets its records.
 *
 * Every piece of a recording has a check sum, and what is in it is compressed: a
 * fuzzer alone does not get past that.  So the input is the file only when it
 * begins with 0.  Else it is what is in the file, and packed here: the first byte
 * says how well (see enum how), then come pieces: a byte of struct piece, 2 bytes of
 * length, the content.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "fuzz.h"
#include "record/file.h"
#include "record/reader.h"

enum how {
	HOW_OWN_HEAD = 1,	/* a short head that is right, and not the first piece */
	HOW_END = 2,		/* text, index and seal follow the pieces */
	HOW_BAD_SEAL = 4,	/* which counts wrong */
	HOW_CUT = 8,		/* the last bytes are missing */
};

/* Of the byte before a piece: the lowest bits are its kind. */
enum { PIECE_KIND = 3, PIECE_PLAIN = 0x20, PIECE_COUNT = 0x40, PIECE_SIZE = 0x80 };

#define MOST (1 << 20)

static char file[MOST], path[64];
static const char head[] = "abi 1\nhpage 2097152\nrings 1\n";
static size_t size;
static int fd;
static ZSTD_CCtx *zstd;
static struct ims_index indices[256];
static uint64_t records;
static uint32_t frames;

static void put(const void *p, size_t n)
{
	if (n > MOST - size)
		n = MOST - size;
	memcpy(file + size, p, n);
	size += n;
}

static void put_head(const void *text, size_t n)
{
	struct ims_file_head h = { .magic = IMS_FILE_MAGIC, .order = IMS_FILE_ORDER,
				   .version = IMS_FILE_VERSION, .text = n,
				   .text_crc = ims_crc32(text, n) };

	h.crc = ims_crc32(&h, offsetof(struct ims_file_head, crc));
	put(&h, sizeof(h));
	put(text, n);
}

static uint64_t count(const uint8_t *at, size_t left)
{
	uint64_t n = 0;

	while (left >= sizeof(struct ims_hdr)) {
		struct ims_hdr h;
		size_t need;

		memcpy(&h, at, sizeof(h));
		need = sizeof(h) + ims_payload_size(h.kind) + h.nruns * sizeof(struct ims_run);
		if (need > left)
			break;
		at += need;
		left -= need;
		n++;
	}
	return n;
}

static void put_frame(uint8_t how, const void *content, size_t n)
{
	static char packed[ZSTD_COMPRESSBOUND(1 << 16)];
	struct ims_frame f = { .magic = IMS_FRAME_MAGIC, .kind = 1 + (how & PIECE_KIND), .size = n };

	if (f.kind == IMS_FRAME_RECORDS) {
		f.records = count(content, n);
		if (frames < 256)
			indices[frames] = (struct ims_index){ size, records, 0 };
		records += f.records;
		frames++;
	}
	f.records += !!(how & PIECE_COUNT);
	f.size += !!(how & PIECE_SIZE);
	if (how & PIECE_PLAIN)
		memcpy(packed, content, f.packed = n);
	else
		f.packed = ZSTD_compressCCtx(zstd, packed, sizeof(packed), content, n, 1);
	f.crc = ims_crc32(&f, offsetof(struct ims_frame, crc));
	put(&f, sizeof(f));
	put(packed, f.packed);
}

static void put_end(bool bad)
{
	struct ims_seal s = { .magic = IMS_SEAL_MAGIC, .records = records + bad, .frames = frames };

	put_frame(IMS_FRAME_TEXT - 1, "command_status 3\nend\n", 21);
	s.index = size;
	put_frame(IMS_FRAME_INDEX - 1, indices, (frames < 256 ? frames : 256) * sizeof(*indices));
	s.crc = ims_crc32(&s, offsetof(struct ims_seal, crc));
	put(&s, sizeof(s));
}

static void pack(const uint8_t *at, const uint8_t *end)
{
	uint8_t how = *at++;
	bool first = true;

	if (how & HOW_OWN_HEAD)
		put_head(head, sizeof(head) - 1);
	while (end - at >= 3) {
		uint8_t piece = *at++;
		size_t n = at[0] | at[1] << 8;

		at += 2;
		if (n > (size_t)(end - at))
			n = end - at;
		if (first && !(how & HOW_OWN_HEAD))
			put_head(at, n);
		else
			put_frame(piece, at, n);
		first = false;
		at += n;
	}
	if (how & HOW_END)
		put_end(how & HOW_BAD_SEAL);
	if (how & HOW_CUT && size)
		size -= size < 7 ? size : 7;
}

/* What replay does, without its output. */
static void replay(void)
{
	struct ims_reader *r = ims_reader_open(path);
	struct ims_verifier *v;
	const char *at, *end;
	uint64_t n = 0;
	int rc;

	if (!r)
		return;
	v = fuzz_verifier(ims_reader_origin(r)->hpage, ims_reader_origin(r)->absent);
	while ((rc = ims_reader_next(r, &at, &end)) > 0)
		for (; at < end; at += ims_record_size((const void *)at), n++)
			ims_verifier_feed(v, (const void *)at);
	FUZZ_CHECK(rc < 0 || ims_reader_over(r));
	FUZZ_CHECK(!ims_reader_complete(r) || !rc);
	FUZZ_CHECK(ims_reader_records(r) == n);
	fuzz_verdict(v);
	ims_reader_close(r);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	zstd = ZSTD_createCCtx();
	fd = memfd_create("recording", 0);
	FUZZ_CHECK(zstd && fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size = records = frames = 0;
	if (n && data[0])
		pack(data, data + n);
	else if (n)
		put(data + 1, n - 1);
	FUZZ_CHECK(!ftruncate(fd, 0) && pwrite(fd, file, size, 0) == (ssize_t)size);
	replay();
	return 0;
}
