/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording as a source: the records as they were delivered, in that order.
 */
#ifndef IMS_RECORDING_H
#define IMS_RECORDING_H

#include "source/source.h"

/* NULL after one line that says what is wrong. */
struct ims_source *ims_recording_open(const char *path);

#endif
