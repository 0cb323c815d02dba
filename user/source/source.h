/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where records come from: the running kernel, or a recording.
 *
 * A source delivers whole records; those of one ctx in the order in which they
 * were made.  It also tells what is missing, by IMS_LOSS records in the place
 * where the loss was noticed, and ends with IMS_END.
 *
 * A record belongs to the source and is gone when the callback returns.  It is
 * ims_record_size() bytes long: shorter than struct ims_record, or longer.
 */
#ifndef IMS_SOURCE_H
#define IMS_SOURCE_H

#include <stdbool.h>

#include "bpf/record.h"
#include "record/origin.h"

/* A negative value stops the delivery; poll() or finish() returns it. */
typedef int (*ims_record_fn)(void *arg, const struct ims_record *r);

struct ims_source;

struct ims_source_ops {
	/* How many were delivered; 0: none within the timeout; -ENODATA: no more will come. */
	int (*poll)(struct ims_source *s, ims_record_fn fn, void *arg, int timeout_ms);
	/* No new records from now on; deliver what is left.  0 or negative errno. */
	int (*finish)(struct ims_source *s, ims_record_fn fn, void *arg);
	void (*close)(struct ims_source *s);
};

struct ims_source {
	const struct ims_source_ops *ops;
	struct ims_origin *origin;	/* of the records; its end is known at the end */
	/* after finish(): why records are missing at the end, or NULL, and how many there were */
	const char *cut_short;
	uint64_t records;
	unsigned int permille;	/* of a recording: how much was read */
	uint64_t unfollowed;	/* contexts that were there before us and never rested */
	bool damaged;	/* more records were unreadable, and that was said */
};

static inline int ims_source_poll(struct ims_source *s, ims_record_fn fn, void *arg,
				  int timeout_ms)
{
	return s->ops->poll(s, fn, arg, timeout_ms);
}

static inline int ims_source_finish(struct ims_source *s, ims_record_fn fn, void *arg)
{
	return s->ops->finish(s, fn, arg);
}

static inline void ims_source_close(struct ims_source *s)
{
	if (s)
		s->ops->close(s);
}

#endif
