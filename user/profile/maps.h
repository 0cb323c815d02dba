/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command and its descendants map as code, as the kernel tells it.
 *
 * Some live for less than a look at /proc takes, and whoever has ended has no maps to
 * look at.  So perf's side band, which says of each exec, mmap and fork what perf's own
 * tools need for the same purpose, is kept from before the command starts:
 *
 *	m = maps_open(pid);	pid waits to start
 *	... maps_keep(m), often enough that the rings do not fill
 *	maps_tell(m, symbols);
 *	maps_close(m);
 */
#ifndef IMS_MAPS_H
#define IMS_MAPS_H

#include <stdint.h>

struct maps;
struct symbols;

/* NULL: it cannot be had here; what can be is in /proc (-v says so). */
struct maps *maps_open(uint32_t tgid);
/* All of these do nothing when @m is NULL. */
void maps_keep(struct maps *m);
/* All that was kept, in the order of time. */
void maps_tell(struct maps *m, struct symbols *s);
void maps_close(struct maps *m);

#endif
