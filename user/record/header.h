/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text in the head of a recording: `head -c 4000 FILE` shows it.
 *
 *	abi 1
 *	kernel 6.12.117 #1 SMP
 *	arg ./test			one line per word of the command
 *	kind unmap 6 40			name, number, bytes of the payload
 *	field ioas 0 8			of the kind above: name, offset, bytes
 *	...
 *
 * A line is a word, a space and a value in which \n and \\ are escaped.  Words
 * that a reader does not know are skipped; what it must understand is checked:
 * every field that the file and the reader both know is at the same place.
 */
#ifndef IMS_HEADER_H
#define IMS_HEADER_H

#include <stddef.h>

#include "record/origin.h"

/* Allocated; NULL: out of memory. */
char *ims_header_write(const struct ims_origin *o, size_t *size);
/* What is only known at the end. */
char *ims_header_write_end(const struct ims_origin *o, size_t *size);

/*
 * Both kinds of text; *o must be initialized, text[size] must be 0.  0, or
 * -errno with a reason in @why.
 */
int ims_header_parse(char *text, size_t size, struct ims_origin *o, char *why, size_t room);

#endif
