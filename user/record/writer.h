/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing a recording.
 *
 * Records are gathered into frames; a frame is written when it is full or when
 * it was due (see ims_writer_tick()), so that little is lost with the writer.
 */
#ifndef IMS_WRITER_H
#define IMS_WRITER_H

#include <stdint.h>

#include "bpf/record.h"
#include "record/origin.h"

struct ims_writer;

/* A new file, readable by its owner only; NULL after one line that says why not. */
struct ims_writer *ims_writer_open(const char *path);
/* Comes before the first record. */
int ims_writer_begin(struct ims_writer *w, const struct ims_origin *o);
/* 0, or -errno after one line that says why; then nothing more is written. */
int ims_writer_add(struct ims_writer *w, const struct ims_record *r);
/* Write what has waited for 250 ms. */
int ims_writer_tick(struct ims_writer *w, uint64_t now_ns);
/* The end: what is known of @o by now, the index, the seal. */
int ims_writer_seal(struct ims_writer *w, const struct ims_origin *o);
uint64_t ims_writer_records(const struct ims_writer *w);
uint64_t ims_writer_bytes(const struct ims_writer *w);
/* Without a seal the recording stays incomplete; without a record it is removed. */
void ims_writer_close(struct ims_writer *w);

#endif
