/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed between two profiles, and whether that is more than noise.
 */
#ifndef IMS_PROFILE_COMPARE_H
#define IMS_PROFILE_COMPARE_H

#include <stdio.h>

/* Both are files of 'profile --format json'; 0, or -1 after saying what is wrong. */
int profile_compare(FILE *f, const char *before, const char *after);

#endif
