/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that a page is made of, as they are in the binary.
 */
#ifndef IMS_ASSETS_H
#define IMS_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name;
	const char *start, *end;
};

/* Ends with a NULL name. */
extern const struct asset report_assets[];

#endif
