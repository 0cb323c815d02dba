/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by minimize.c (what is tried) and group.c (what belongs together). */
#ifndef IMS_MINIMIZE_IMPL_H
#define IMS_MINIMIZE_IMPL_H

#include <stdint.h>

#include "minimize/minimize.h"

#define NO_GROUP UINT32_MAX

/*
 * Each gives every record of list[n] a group and returns how many groups there
 * are.  Records with NO_GROUP stay.
 */

/* The life of a pages object: its records, and operations that are about no other. */
uint32_t group_by_pages(const struct ims_record *const *list, size_t n, uint32_t *group);
/* From the enter to the exit of an ioctl, by thread; or what it did outside of one. */
uint32_t group_by_operation(const struct ims_record *const *list, size_t n, uint32_t *group);
uint32_t group_by_record(const struct ims_record *const *list, size_t n, uint32_t *group);

/* Does @r name the object @cookie? */
bool record_names(const struct ims_record *r, uint64_t cookie);

#endif
