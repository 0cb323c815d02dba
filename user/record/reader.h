/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a recording, frame by frame, from its beginning.
 *
 * Nothing in the file is believed: every record that comes out is of a known
 * kind, whole, and has the runs that it says it has.
 */
#ifndef IMS_READER_H
#define IMS_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "record/origin.h"

struct ims_reader;

/* NULL after one line that says why not. */
struct ims_reader *ims_reader_open(const char *path);
/*
 * The records of the next frame, one behind the other: 1.  0: no more; whether
 * the recording is complete is known then.  Or -EBADMSG after one line that says
 * what is wrong with the file.
 */
int ims_reader_next(struct ims_reader *r, const char **records, const char **end);
struct ims_origin *ims_reader_origin(struct ims_reader *r);
uint64_t ims_reader_records(const struct ims_reader *r);	/* read so far */
unsigned int ims_reader_permille(const struct ims_reader *r);	/* of the file, read so far */
bool ims_reader_over(const struct ims_reader *r);
bool ims_reader_complete(const struct ims_reader *r);
void ims_reader_close(struct ims_reader *r);

#endif
