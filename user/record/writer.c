// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include "record/file.h"
#include "record/header.h"
#include "say.h"

#define ROOM (1U << 20)
#define DUE_NS 250000000ULL
#define LEVEL 1

struct ims_writer {
	char *path;
	int fd;
	int err;			/* once there is one, there is nothing more */
	bool sealed;
	uint64_t end;			/* of the file: behind the last whole frame */
	uint64_t records;		/* in whole frames */
	uint64_t since;			/* when the frame was begun, 0: at the next tick */
	struct ims_frame frame;		/* that is being filled */
	char *raw, *packed;
	ZSTD_CCtx *zstd;
	struct ims_index *index;
	uint32_t nindex, cap;
};

static int fail(struct ims_writer *w, int err)
{
	w->err = err;
	ims_error("cannot write to %s: %s%s", w->path, strerror(err),
		  err != ENOSPC && err != EDQUOT ? "" : w->records ?
		  "; what stands there can be replayed, but is incomplete" :
		  "; free some space or record somewhere else");
	return -err;
}

/* All of it behind the end of the file, or nothing. */
static int append(struct ims_writer *w, struct iovec *v, int n)
{
	uint64_t done = 0;

	while (n) {
		ssize_t got = pwritev(w->fd, v, n, w->end + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int err = got ? errno : ENOSPC;

			if (ftruncate(w->fd, w->end))
				ims_detail("cannot shorten %s: %s", w->path, strerror(errno));
			return fail(w, err);
		}
		done += got;
		for (; n && (size_t)got >= v->iov_len; v++, n--)
			got -= v->iov_len;
		if (n) {
			v->iov_base = (char *)v->iov_base + got;
			v->iov_len -= got;
		}
	}
	w->end += done;
	return 0;
}

static int append_frame(struct ims_writer *w, struct ims_frame *f, const void *data)
{
	size_t bound = ZSTD_compressBound(f->size);
	char *packed = bound > ZSTD_compressBound(ROOM) ? malloc(bound) : w->packed;
	size_t n = packed ? ZSTD_compress2(w->zstd, packed, bound, data, f->size) : 0;
	struct iovec v[] = { { f, sizeof(*f) }, { packed, n } };
	int rc;

	f->magic = IMS_FRAME_MAGIC;
	f->packed = n;
	f->crc = ims_crc32(f, offsetof(struct ims_frame, crc));
	rc = !packed || ZSTD_isError(n) ? fail(w, ENOMEM) : append(w, v, 2);
	if (packed != w->packed)
		free(packed);
	return rc;
}

static int remember(struct ims_writer *w)
{
	if (w->nindex == w->cap) {
		uint32_t cap = w->cap ? 2 * w->cap : 64;
		struct ims_index *index = realloc(w->index, cap * sizeof(*index));

		if (!index)
			return fail(w, ENOMEM);
		w->index = index;
		w->cap = cap;
	}
	w->index[w->nindex++] = (struct ims_index){ w->end, w->records, w->frame.first_ns };
	return 0;
}

static int flush(struct ims_writer *w)
{
	int rc;

	if (w->err || !w->frame.records)
		return -w->err;
	w->frame.kind = IMS_FRAME_RECORDS;
	rc = remember(w);
	if (!rc)
		rc = append_frame(w, &w->frame, w->raw);
	if (!rc)
		w->records += w->frame.records;
	w->frame = (struct ims_frame){};
	w->since = 0;
	return rc;
}

int ims_writer_add(struct ims_writer *w, const struct ims_record *r)
{
	size_t size = ims_record_size(r);
	int rc = w->err ? -w->err : 0;

	if (!rc && w->frame.size + size > ROOM)
		rc = flush(w);
	if (rc)
		return rc;
	memcpy(w->raw + w->frame.size, r, size);
	w->frame.size += size;
	if (!w->frame.records++)
		w->frame.first_ns = r->h.ktime_ns;
	w->frame.last_ns = r->h.ktime_ns;
	return 0;
}

int ims_writer_tick(struct ims_writer *w, uint64_t now_ns)
{
	if (w->err || !w->frame.records)
		return -w->err;
	if (!w->since)
		w->since = now_ns;
	return now_ns - w->since >= DUE_NS ? flush(w) : 0;
}

static int write_text(struct ims_writer *w, const struct ims_origin *o)
{
	struct ims_frame f = { .kind = IMS_FRAME_TEXT };
	size_t size;
	char *text = ims_header_write_end(o, &size);
	int rc;

	if (!text)
		return fail(w, ENOMEM);
	f.size = size;
	rc = append_frame(w, &f, text);
	free(text);
	return rc;
}

int ims_writer_seal(struct ims_writer *w, const struct ims_origin *o)
{
	struct ims_frame f = { .kind = IMS_FRAME_INDEX };
	struct ims_seal seal = { .magic = IMS_SEAL_MAGIC };
	struct iovec v = { &seal, sizeof(seal) };
	int rc = flush(w);

	if (!rc)
		rc = write_text(w, o);
	seal.index = w->end;
	seal.records = w->records;
	seal.frames = w->nindex;
	seal.crc = ims_crc32(&seal, offsetof(struct ims_seal, crc));
	f.size = w->nindex * sizeof(*w->index);
	if (!rc)
		rc = append_frame(w, &f, w->index ? (void *)w->index : "");
	if (!rc)
		rc = append(w, &v, 1);
	w->sealed = !rc;
	return rc;
}

uint64_t ims_writer_records(const struct ims_writer *w)
{
	return w->records + w->frame.records;
}

uint64_t ims_writer_bytes(const struct ims_writer *w)
{
	return w->end;
}

int ims_writer_begin(struct ims_writer *w, const struct ims_origin *o)
{
	struct ims_file_head head = { .magic = IMS_FILE_MAGIC, .order = IMS_FILE_ORDER,
				      .version = IMS_FILE_VERSION };
	size_t size;
	char *text = ims_header_write(o, &size);
	struct iovec v[] = { { &head, sizeof(head) }, { text, size } };
	int rc;

	if (!text)
		return fail(w, ENOMEM);
	head.text = size;
	head.text_crc = ims_crc32(text, size);
	head.crc = ims_crc32(&head, offsetof(struct ims_file_head, crc));
	rc = size > IMS_HEAD_TEXT_MAX ? fail(w, E2BIG) : append(w, v, 2);
	free(text);
	return rc;
}

static int create(struct ims_writer *w, const char *path)
{
	w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd >= 0)
		return 0;
	if (errno == EEXIST)
		ims_error("%s exists; choose another name, or remove it", path);
	else
		ims_error("cannot create %s: %s", path, strerror(errno));
	return -1;
}

static int prepare(struct ims_writer *w, const char *path)
{
	w->path = strdup(path);
	w->raw = malloc(ROOM);
	w->packed = malloc(ZSTD_compressBound(ROOM));
	w->zstd = ZSTD_createCCtx();
	if (!w->path || !w->raw || !w->packed || !w->zstd) {
		ims_error("out of memory");
		return -1;
	}
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
	return 0;
}

struct ims_writer *ims_writer_open(const char *path)
{
	struct ims_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		ims_error("out of memory");
		return NULL;
	}
	w->fd = -1;
	if (prepare(w, path) || create(w, path)) {
		ims_writer_close(w);
		return NULL;
	}
	return w;
}

void ims_writer_close(struct ims_writer *w)
{
	if (!w)
		return;
	if (!w->sealed)
		flush(w);
	if (w->fd >= 0) {
		if (!w->sealed && !w->records)
			unlink(w->path);
		close(w->fd);
	}
	free(w->path);
	free(w->raw);
	free(w->packed);
	free(w->index);
	ZSTD_freeCCtx(w->zstd);
	free(w);
}
