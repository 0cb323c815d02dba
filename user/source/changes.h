/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What made the difference between kernels, upstream: for who wants to know why something
 * is not there, or to take it into a kernel of their own.  Nothing is decided by it: what
 * a kernel has is found by looking and trying.
 */
#ifndef IMS_CHANGES_H
#define IMS_CHANGES_H

/* The commit that brought that kind of record, or took that function away; NULL: none did. */
const char *ims_change_of_kind(unsigned int kind);
const char *ims_change_of_function(const char *name);

#endif
