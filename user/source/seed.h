/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot of one ctx as records: those that the kernel would have written if
 * the ctx had come to this state in the shortest way.
 *
 *	snapshot.begin, ctx.open, objects, IOASes, areas, domains, ..., snapshot.end
 *
 * Who reads them knows the ctx as if it had been there from the beginning, but
 * for PFNs: the kernel keeps these in the page tables of the IOMMU, where they
 * cannot be looked up. Runs of pins and mappings therefore have addresses with
 * IMS_ADDR_UNKNOWN set.
 *
 * That is right only if nobody was at work on the ctx. What of that shows in the
 * snapshot itself is told by snap_busy(): references that somebody holds, locks,
 * ids without object, areas that are not published, counts that do not agree.
 * The reader of the rings adds what only the order of records can tell.
 */
#ifndef IMS_SEED_H
#define IMS_SEED_H

#include "source/snap.h"
#include "source/source.h"

/* Why somebody seems to be at work on @c; NULL: nobody does. */
const char *snap_busy(const struct snap_context *c);

/*
 * Give all records to @fn. Kind, action, payload and runs are set, the rest of the
 * header is that of @h. 0, -ENOMEM, or what @fn returned below 0.
 */
int snap_seed(const struct snap_context *c, const struct ims_hdr *h, ims_record_fn fn, void *arg);

#endif
