/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of addresses: of the kernel by /proc/kallsyms, of processes by their ELF files.
 *
 * A process that has ended cannot be asked what it had mapped where.  So it is asked
 * while it is alive, as soon as it is known: symbols_note().  Of a command the kernel
 * itself tells it (profile/maps.h).
 */
#ifndef IMS_SYMBOLS_H
#define IMS_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#define SYMBOL_MAX 128

struct symbols;

/* NULL: no memory. */
struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);
/* Remember what @tgid has mapped; cheap when that was done. */
void symbols_note(struct symbols *s, uint32_t tgid);
/* From now on the code in [@start, @end) of @tgid is what @path has from byte @offset on. */
void symbols_mapped(struct symbols *s, uint32_t tgid, uint64_t start, uint64_t end, uint64_t offset,
		    const char *path);
/* @child has what @parent has. */
void symbols_forked(struct symbols *s, uint32_t child, uint32_t parent);

/* "iommufd_fops_ioctl", "main", or what is known instead: "libc.so.6+0x1234", "0x7f...". */
void symbols_kernel(struct symbols *s, uint64_t ip, char name[SYMBOL_MAX]);
void symbols_user(struct symbols *s, uint32_t tgid, uint64_t ip, char name[SYMBOL_MAX]);

#endif
