// SPDX-License-Identifier: GPL-2.0-only
/*
 * burst - more records in a moment than any ring holds
 *
 *   burst [N]        two threads map and unmap a page N times, each in an IOAS of its own
 *
 * Both IOASes belong to one context, so that two CPUs write into one ring. Half a
 * dozen records come from each map and unmap, a hundred thousand from the default
 * of 10,000: what a watcher does not read meanwhile is lost.
 */
#include <pthread.h>
#include <stdlib.h>

#include "common.h"

#define THREADS 2

struct burst {
	int fd;
	unsigned long count;
};

static void *map_and_unmap(void *argument)
{
	const struct burst *burst = argument;
	struct mem mem = mem_alloc(MEM_4K, PAGE);
	uint32_t ioas = ioas_alloc(burst->fd);

	for (unsigned long i = 0; i < burst->count; i++) {
		expect_rc(ioas_map_at(burst->fd, ioas, mem.va, PAGE, MIB), 0, "IOAS_MAP");
		unmap_exactly(burst->fd, ioas, MIB, PAGE);
	}
	destroy_ok(burst->fd, ioas, "the IOAS");
	mem_free(&mem);
	return NULL;
}

int main(int argc, char **argv)
{
	struct burst burst = { .count = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000 };
	pthread_t threads[THREADS];

	program_start("burst");
	if (argc > 2 || !burst.count)
		fail("usage: burst [N]");
	burst.fd = iommufd_open();
	for (unsigned int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, map_and_unmap, &burst))
			fail("cannot create a thread");
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
