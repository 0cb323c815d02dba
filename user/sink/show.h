/* SPDX-License-Identifier: GPL-2.0-only */
/* How values look in text for people. */
#ifndef IMS_SHOW_H
#define IMS_SHOW_H

#include <stdint.h>
#include <stdio.h>

struct ims_name;

/* 4096 -> 4K, where nothing is lost by it. */
void show_bytes(FILE *f, uint64_t bytes);
/* How many characters that takes. */
int show_width(uint64_t bytes);
/* Other processes choose their names: nothing that a terminal may obey. */
void show_text(FILE *f, const char *s, size_t max);
/* read|write; what has no name as a number. */
void show_flags(FILE *f, const struct ims_name *names, uint64_t value);
/* 1.23 ms, 64 MiB: about as much; the result is @buf. */
#define SHOW_SIZE 32
const char *show_ns(char buf[SHOW_SIZE], uint64_t ns);
const char *show_size(char buf[SHOW_SIZE], double bytes);

#endif
