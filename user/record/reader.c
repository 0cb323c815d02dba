// SPDX-License-Identifier: GPL-2.0-only
#include "record/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "record/desc.h"
#include "record/file.h"
#include "record/header.h"
#include "say.h"

struct ims_reader {
	char *path;
	FILE *f;
	struct ims_origin origin;
	uint64_t offset;		/* of the next frame */
	uint64_t whole;			/* bytes, 0: nobody knows */
	uint64_t records, frames;
	bool text, index;		/* frames of these were read */
	uint64_t index_at;
	bool over, complete;
	ZSTD_DCtx *zstd;
	char *packed, *raw;
	size_t packed_room, raw_room;
};

/* ---- what is wrong ---- */

static int damaged(const struct ims_reader *r, const char *what)
{
	ims_error("%s is damaged at byte %" PRIu64 ": %s; the %" PRIu64
		  " records before it were read", r->path, r->offset, what, r->records);
	return -EBADMSG;
}

static int refuse(const struct ims_reader *r, const char *what)
{
	ims_error("%s: %s", r->path, what);
	return -EBADMSG;
}

static bool grow(char **buf, size_t *room, size_t need)
{
	char *more;

	if (*buf && need <= *room)
		return true;
	more = realloc(*buf, need + 1);
	if (!more)
		return false;
	*buf = more;
	*room = need;
	return true;
}

/* ---- the head ---- */

static int check_head(const struct ims_reader *r, const struct ims_file_head *h, size_t got)
{
	if (!got)
		return refuse(r, "the file is empty, not a recording");
	if (got < sizeof(h->magic) || memcmp(h->magic, IMS_FILE_MAGIC, sizeof(h->magic)))
		return refuse(r, "this is not a recording of iommuscope");
	if (got < sizeof(*h))
		return refuse(r, "the recording ends in its head; nothing was recorded");
	if (h->order == __builtin_bswap32(IMS_FILE_ORDER))
		return refuse(r, "recorded on a machine of the other byte order; replay it there");
	if (h->crc != ims_crc32(h, offsetof(struct ims_file_head, crc)))
		return refuse(r, "the head of the recording is damaged");
	if (h->version != IMS_FILE_VERSION || h->order != IMS_FILE_ORDER)
		return refuse(r, "a recording of another version; use the iommuscope that made it");
	return h->text <= IMS_HEAD_TEXT_MAX ? 0 :
	       refuse(r, "the head of the recording is damaged");
}

static int read_head(struct ims_reader *r)
{
	struct ims_file_head h;
	size_t got = fread(&h, 1, sizeof(h), r->f);
	char why[128];

	if (ferror(r->f))
		return refuse(r, strerror(errno));
	if (check_head(r, &h, got))
		return -EBADMSG;
	if (!grow(&r->raw, &r->raw_room, h.text))
		return refuse(r, "out of memory");
	if (fread(r->raw, 1, h.text, r->f) != h.text)
		return refuse(r, "the recording ends in its head; nothing was recorded");
	if (ims_crc32(r->raw, h.text) != h.text_crc)
		return refuse(r, "the head of the recording is damaged");
	r->raw[h.text] = 0;
	if (ims_header_parse(r->raw, h.text, &r->origin, why, sizeof(why))) {
		ims_error("%s: %s; use the iommuscope that made it", r->path, why);
		return -EBADMSG;
	}
	r->offset = sizeof(h) + h.text;
	return 0;
}

struct ims_reader *ims_reader_open(const char *path)
{
	struct ims_reader *r = calloc(1, sizeof(*r));
	struct stat st;

	if (!r) {
		ims_error("out of memory");
		return NULL;
	}
	r->path = strdup(path);
	r->zstd = ZSTD_createDCtx();
	r->f = fopen(path, "re");
	if (!r->f)
		ims_error("cannot read %s: %s", path, strerror(errno));
	else if (!r->path || !r->zstd)
		ims_error("out of memory");
	else if (!read_head(r)) {
		r->whole = fstat(fileno(r->f), &st) ? 0 : st.st_size;
		return r;
	}
	ims_reader_close(r);
	return NULL;
}

/* ---- frames ---- */

/* The file ends in the middle of something: it was never sealed, or cut off. */
static int cut_off(struct ims_reader *r)
{
	r->over = true;
	return 0;
}

static bool all_zero(const void *p, size_t n)
{
	const char *c = p;

	while (n && !*c) {
		c++;
		n--;
	}
	return !n;
}

/* After a power loss a file may end in zeros that were never written. */
static bool zeros_to_the_end(struct ims_reader *r)
{
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), r->f)))
		if (!all_zero(buf, n))
			return false;
	return true;
}

static int take_seal(struct ims_reader *r, const void *bytes)
{
	struct ims_seal copy, *s = memcpy(&copy, bytes, sizeof(copy));

	if (s->crc != ims_crc32(s, offsetof(struct ims_seal, crc)))
		return damaged(r, "the seal does not fit its checksum");
	if (s->records != r->records || s->frames != r->frames || !r->text || !r->index ||
	    s->index != r->index_at)
		return damaged(r, "the seal tells of other frames than there are");
	if (getc(r->f) != EOF)
		return damaged(r, "there is something behind the seal");
	r->over = r->complete = true;
	return 0;
}

static bool begins_like(const void *p, size_t size, const void *magic, size_t n)
{
	return !memcmp(p, magic, n < size ? n : size);
}

/* The first @size bytes may become a frame or the seal, or were never written. */
static bool begins_well(const void *p, size_t size)
{
	const uint32_t magic = IMS_FRAME_MAGIC;

	return begins_like(p, size, &magic, sizeof(magic)) ||
	       begins_like(p, size, IMS_SEAL_MAGIC, 8) || all_zero(p, size);
}

/* 1: a frame; 0: the end. */
static int read_frame_head(struct ims_reader *r, struct ims_frame *f)
{
	size_t got = fread(f, 1, sizeof(struct ims_seal), r->f);

	if (ferror(r->f))
		return damaged(r, strerror(errno));
	if (got == sizeof(struct ims_seal) && !memcmp(f, IMS_SEAL_MAGIC, 8))
		return take_seal(r, f);
	if (got == sizeof(struct ims_seal))
		got += fread((char *)f + got, 1, sizeof(*f) - got, r->f);
	if (!begins_well(f, got))
		return damaged(r, "there is no frame");
	if (got < sizeof(*f) || (all_zero(f, sizeof(*f)) && zeros_to_the_end(r)))
		return cut_off(r);
	if (f->crc != ims_crc32(f, offsetof(struct ims_frame, crc)))
		return damaged(r, "the head of a frame does not fit its checksum");
	if (f->size > IMS_FRAME_MAX || f->packed > ZSTD_compressBound(IMS_FRAME_MAX))
		return damaged(r, "a frame is larger than frames are");
	return 1;
}

static int read_frame(struct ims_reader *r, struct ims_frame *f)
{
	int rc = read_frame_head(r, f);
	size_t n;

	if (rc <= 0)
		return rc;
	if (!grow(&r->packed, &r->packed_room, f->packed) ||
	    !grow(&r->raw, &r->raw_room, f->size))
		return damaged(r, "out of memory");
	if (fread(r->packed, 1, f->packed, r->f) != f->packed)
		return ferror(r->f) ? damaged(r, strerror(errno)) : cut_off(r);
	n = ZSTD_decompressDCtx(r->zstd, r->raw, f->size, r->packed, f->packed);
	if (ZSTD_isError(n))
		return damaged(r, ZSTD_getErrorName(n));
	if (n != f->size)
		return damaged(r, "a frame has not the size that it says");
	return 1;
}

static int check_records(const struct ims_reader *r, const struct ims_frame *f)
{
	const char *at = r->raw, *end = r->raw + f->size;
	uint64_t n = 0;

	for (; at < end; n++) {
		const struct ims_record *rec = (const void *)at;
		size_t left = end - at, size;

		if (left < sizeof(rec->h))
			return damaged(r, "a record is cut off");
		size = ims_record_size(rec);
		if (!size)
			return damaged(r, "a record is of a kind that we do not know");
		if (size > left || rec->h.nruns > IMS_MAX_RUNS ||
		    (rec->h.nruns && !ims_desc(rec->h.kind)->run_addr))
			return damaged(r, "a record has not the size that it says");
		at += size;
	}
	return n == f->records ? 0 : damaged(r, "a frame has not the records that it says");
}

static int take_text(struct ims_reader *r, const struct ims_frame *f)
{
	char why[128];

	r->raw[f->size] = 0;
	if (ims_header_parse(r->raw, f->size, &r->origin, why, sizeof(why)))
		return damaged(r, why);
	r->text = true;
	return 0;
}

static int take_index(struct ims_reader *r, const struct ims_frame *f)
{
	if (f->size != r->frames * sizeof(struct ims_index))
		return damaged(r, "the index is of other frames than there are");
	r->index = true;
	r->index_at = r->offset;
	return 0;
}

static int take_records(struct ims_reader *r, const struct ims_frame *f)
{
	if (check_records(r, f))
		return -EBADMSG;
	r->records += f->records;
	r->frames++;
	return 1;
}

/* 1: records; 0: something else. */
static int take_frame(struct ims_reader *r, const struct ims_frame *f)
{
	switch (f->kind) {
	case IMS_FRAME_RECORDS:
		return take_records(r, f);
	case IMS_FRAME_TEXT:
		return take_text(r, f);
	case IMS_FRAME_INDEX:
		return take_index(r, f);
	default:
		return 0;	/* newer, and not needed to understand the others */
	}
}

int ims_reader_next(struct ims_reader *r, const char **records, const char **end)
{
	struct ims_frame f;
	int rc;

	while (!r->over) {
		rc = read_frame(r, &f);
		if (rc > 0)
			rc = take_frame(r, &f);
		else if (!rc)
			continue;
		if (rc < 0)
			return rc;
		r->offset += sizeof(f) + f.packed;
		if (!rc)
			continue;
		*records = r->raw;
		*end = r->raw + f.size;
		return 1;
	}
	return 0;
}

struct ims_origin *ims_reader_origin(struct ims_reader *r)
{
	return &r->origin;
}

uint64_t ims_reader_records(const struct ims_reader *r)
{
	return r->records;
}

unsigned int ims_reader_permille(const struct ims_reader *r)
{
	return r->whole ? r->offset * 1000 / r->whole : 0;
}

bool ims_reader_over(const struct ims_reader *r)
{
	return r->over;
}

bool ims_reader_complete(const struct ims_reader *r)
{
	return r->complete;
}

void ims_reader_close(struct ims_reader *r)
{
	if (!r)
		return;
	if (r->f)
		fclose(r->f);
	ims_origin_free(&r->origin);
	ZSTD_freeDCtx(r->zstd);
	free(r->packed);
	free(r->raw);
	free(r->path);
	free(r);
}
