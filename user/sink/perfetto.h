/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Perfetto trace: what ui.perfetto.dev and trace_processor read.
 *
 *	process track		pages pinned and charged as counters
 *	  thread track		an ioctl is a slice, its phases are slices within
 *	  IOAS track		areas, bytes mapped; violations
 *	iommuscope track	losses
 *
 * Packets are of the public TrackEvent format, without interning: each can be read
 * without those before.  They are written as the records come, so they are in order
 * of time per track, but not over all tracks; who reads them sorts.
 */
#ifndef IMS_PERFETTO_H
#define IMS_PERFETTO_H

#include "sink/sink.h"

/* false: out of memory */
bool ims_perfetto_init(struct ims_sink *s, FILE *f);

#endif
