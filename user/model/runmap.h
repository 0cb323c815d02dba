/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * runmap: an ordered map from intervals to addresses, one entry per run.
 *
 * The model holds two kinds of truth that grow with memory: which PFN backs
 * which page of a pages object, and what a domain translates each IOVA to.
 * Both are long lists of runs, filled and emptied from front to back.  The map
 * keeps them in sorted leaves of packed 20-byte entries: an append touches one
 * cache line, a range is erased by moving a leaf's front, and a full map costs
 * little more than its entries.
 *
 * Keys, lengths and addresses share one unit, chosen by the user of the map:
 * bytes for a domain, pages for a pages object.  "last" is inclusive.  Runs
 * never overlap; neighbours are not merged, because a run is what one call to
 * the IOMMU made and unmapping may only cut between such calls.
 */
#ifndef IMS_RUNMAP_H
#define IMS_RUNMAP_H

#include <stdbool.h>
#include <stdint.h>

struct runmap_leaf;

struct runmap {
	struct runmap_leaf **leaf;
	unsigned int nleaf;
	unsigned int cap;
	unsigned int hint;	/* leaf of the last look-up */
	uint64_t nruns;
	uint64_t size;		/* sum of all lengths */
};

struct run {
	uint64_t start;
	uint64_t len;
	uint64_t addr;
};

struct runmap_pos {
	unsigned int leaf;
	unsigned int slot;
};

void runmap_init(struct runmap *rm);
void runmap_destroy(struct runmap *rm);

/*
 * Add [start, start + len) -> addr.  The range must be free.
 * 0, -EINVAL (empty or wraps), -EEXIST, -ENOMEM.  A run of 4 Gi units or more
 * is held as several entries.
 */
int runmap_add(struct runmap *rm, uint64_t start, uint64_t len, uint64_t addr);

/* First run that touches [start, last]; false when there is none. */
bool runmap_first(struct runmap *rm, uint64_t start, uint64_t last,
		  struct runmap_pos *pos, struct run *out);
/* The run after @pos; false at the end of the map. */
bool runmap_next(const struct runmap *rm, struct runmap_pos *pos, struct run *out);

/*
 * The run that covers @key, for who asks for one key after the other, going up
 * while the map does not change.  *out is the last answer; len 0 to begin.
 */
bool runmap_walk(struct runmap *rm, uint64_t key, struct runmap_pos *pos, struct run *out);

/* How much of [start, last] is covered by runs. */
uint64_t runmap_covered(struct runmap *rm, uint64_t start, uint64_t last);

/*
 * Whether @len units from @start in @a and from @other in @b say different things, a
 * hole against an address included; an unknown address (IMS_ADDR_UNKNOWN) is like
 * any other.  *at tells how far they are the same.
 */
bool runmap_differ(struct runmap *a, uint64_t start, struct runmap *b, uint64_t other,
		   uint64_t len, uint64_t *at);

/*
 * Forget all of [start, last].  Runs that cross an end are shortened; *cut
 * (may be NULL) tells whether one was.  Returns how much was erased.
 */
uint64_t runmap_erase(struct runmap *rm, uint64_t start, uint64_t last, bool *cut);

/* Bytes of memory the map uses. */
uint64_t runmap_memory(const struct runmap *rm);

#endif
