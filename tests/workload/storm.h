/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world of the storm: what its threads know of what exists.
 *
 * A thread draws an operation and its arguments from its own random numbers and
 * from the tables here, which other threads and processes change at the same
 * time. A table may name what is gone, or what has become something else: then
 * the kernel refuses, and that is part of the storm.
 *
 * Contexts come in three kinds: shared by all processes, shared by the threads
 * of one, private to a thread. An unmodified 6.12 does some things wrong, and
 * warns when the selftest is raced; what would do that is kept out of the storm:
 *
 *  - dirty bits are read and cleared by one thread per context only, and made
 *    only in a private one: the mock IOMMU keeps them without a lock;
 *  - an IOAS is destroyed in private contexts only: an IOAS_COPY that fails takes
 *    its areas back after it let go of the IOAS;
 *  - a device or an access is destroyed in private contexts only: who waits for
 *    the others to let go of it is not woken, and comes back a minute later;
 *  - areas that are not whole pages live in contexts of their own ("fine"), where
 *    no copy spans two of them and HUGE_PAGES stays on: iommufd checks the sum of
 *    the pieces of a copy, not each;
 *  - physical runs of more than 3 pages live in contexts of their own ("runs"),
 *    where no access pins and only the start of a mapping is copied: when others
 *    hold two pieces of a run, iommufd reads back what it has just unmapped;
 *  - who charges an mm (RLIMIT_MODE 1) shares the context with no other process:
 *    the charge of a dead mm is never given back, and then the next attach hangs.
 *
 * The program `upstream` shows these one by one.
 */
#ifndef WORKLOAD_STORM_H
#define WORKLOAD_STORM_H

#include <stdatomic.h>

#include "mock_ops.h"

#define NIOAS 4
#define NHWPT 6
#define NDEVICE 3
#define NACCESS 3
#define NITEM 4
#define NQUEUE 2
/* Memory: the first SHORT_RUNS have short physical runs. */
#define SHORT_RUNS 2
#define NARENA 5

typedef _Atomic uint32_t id_t32;

struct world_ctx {
	_Atomic int fd; /* -1: closed */
	bool fine; /* areas need not be whole pages */
	bool runs; /* memory of long physical runs, and no pins */
	bool shared; /* all processes use it */
	bool private; /* one thread uses it */
	bool by_mm; /* RLIMIT_MODE 1 */
	unsigned int number;
	id_t32 ioas[NIOAS], hwpt[NHWPT], nested[NHWPT], queue[NQUEUE];
	id_t32 stdev[NDEVICE], device[NDEVICE];
};

struct world_access {
	int fd; /* 0: none */
	struct world_ctx *ctx;
	uint32_t item[NITEM];
};

struct world_queue {
	int fd; /* 0: none */
	uint32_t cookie;
};

/* One thread, all that it decides with. */
struct weather {
	uint64_t random;
	struct world_ctx **ctxs;
	unsigned int nctxs;
	unsigned int process, thread, threads;
	struct mem *arena; /* NARENA of them, those that exist */
	struct mem soft; /* of this thread: it comes and goes */
	struct world_access access[NACCESS];
	struct world_queue queue[NQUEUE];
};

struct storm_op {
	const char *name;
	unsigned int weight;
	int (*run)(struct weather *w, struct world_ctx *c); /* 0 or -errno */
};

extern const struct storm_op storm_ops[];
extern const unsigned int storm_nops;

uint64_t draw(struct weather *w); /* 64 random bits */
uint64_t below(struct weather *w, uint64_t limit); /* 0 .. limit - 1 */
bool one_in(struct weather *w, unsigned int n);

/* An empty context with two IOASes; RLIMIT_MODE 1 if `by_mm`. */
void world_open(struct world_ctx *c, bool by_mm);
void world_close(struct world_ctx *c);

/* Memory of this thread that it may take away from the kernel. */
void soft_open(struct weather *w);

#endif
