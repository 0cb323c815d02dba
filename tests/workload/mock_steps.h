/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the steps of mock share, and the steps that live in other files: what
 * concerns the IOVA space (mock_space.c), who uses it (mock_users.c), VFIO's ioctls
 * (mock_vfio.c), and threads that meet in iommufd (mock_race.c).
 */
#ifndef WORKLOAD_MOCK_STEPS_H
#define WORKLOAD_MOCK_STEPS_H

#include "mock_ops.h"

#define BASE ((uint64_t)MOCK_APERTURE_START)

/* An iommufd with one IOAS: what almost every step starts with. */
struct context {
	int fd;
	uint32_t ioas;
};

struct context context_open(void);
void context_close(struct context *c); /* also that nothing holds the IOAS any more */

/* The fault injection of the calling thread; -1 if the kernel has none. */
int fail_nth_open(void);
void fail_nth_arm(int nth_fd, unsigned int nth);
bool fail_nth_hit(int nth_fd); /* it has been injected; switches the rest off */

/* A page fault queue and a nested HWPT that reports to it. */
struct queue {
	uint32_t id, hwpt;
	int fd;
};

struct queue queue_new(const struct context *c, const struct mock_device *device, uint32_t parent);
void queue_destroy(const struct context *c, struct queue *queue);
bool queue_pending(const struct queue *queue);
struct iommu_hwpt_pgfault queue_read(const struct queue *queue);
void queue_answer(const struct queue *queue, uint32_t cookie);

void fail_nth_hwpt(void);
void small_read_only(void);
void attach_refused(void);
void align_follows(void);
void auto_iova(void);
void area_outside(void);
void map_endless(void);
void huge_filled(void);
void copy_pieces(void);
void two_batches(void);
void dirty_bits(void);

#define MOCK_STEPS_SPACE                                                                   \
	{ "fail_nth_hwpt", "HWPT_ALLOC fails at each place, two areas", fail_nth_hwpt },   \
	{ "small_read_only", "a read-only area, large pages off", small_read_only },       \
	{ "attach_refused", "a refused attach leaves the IOVA ranges alone", attach_refused }, \
	{ "align_follows", "the IOVA alignment follows who uses the IOAS", align_follows }, \
	{ "auto_iova", "automatic IOVAs, with and without allowed ranges", auto_iova },    \
	{ "area_outside", "a device that cannot reach what is mapped", area_outside },     \
	{ "map_endless", "a map of more than any memory, in no domain", map_endless },     \
	{ "huge_filled", "large pages stay on while a domain has them", huge_filled },     \
	{ "copy_pieces", "copy of a part, and across two areas", copy_pieces },            \
	{ "two_batches", "a map in several batches into two domains", two_batches },       \
	{ "dirty_bits", "dirty tracking on, bits read and cleared", dirty_bits }

void vfio_promises(void);
void one_way(void);
void vfio_moves(void);
void vfio_ends(void);
void vfio_uncut(void);

#define MOCK_STEPS_VFIO                                                                    \
	{ "vfio_promises", "what VFIO's container interface promises", vfio_promises },    \
	{ "one_way", "maps for reading, or for writing, alone", one_way },                 \
	{ "vfio_moves", "another IOAS is set for VFIO", vfio_moves },                      \
	{ "vfio_ends", "the IOAS that was set for VFIO is destroyed", vfio_ends },         \
	{ "vfio_uncut", "an unmap that would have to cut", vfio_uncut }

void access_prot(void);
void access_two(void);
void access_twice(void);
void access_hole(void);
void access_tail(void);
void access_sparse(void);
void access_overlap(void);
void charge_handover(void);
void charge_limit(void);
void option_rlimit(void);
void option_right(void);
void access_page(void);
void queue_held(void);
void nested_parent(void);
void fault_lost(void);
void replace_refused(void);
void fail_nth_attach(void);

void pin_while_unmap(void);

#define MOCK_STEPS_RACE                                                                    \
	{ "pin_while_unmap", "one thread unmaps, another one pins", pin_while_unmap }

#define MOCK_STEPS_USERS                                                                   \
	{ "access_prot", "accesses may do what their area may", access_prot },             \
	{ "access_two", "one of two accesses leaves for another IOAS", access_two },       \
	{ "access_twice", "two accesses pin the same range", access_twice },               \
	{ "access_hole", "an access does not pin across a hole", access_hole },            \
	{ "access_tail", "an access holds the end of an area that loses its domain", access_tail }, \
	{ "access_sparse", "an access pins the middle of what nobody pinned", access_sparse }, \
	{ "charge_handover", "one user maps, another one unmaps", charge_handover },       \
	{ "charge_limit", "one process maps, one without a limit makes it pin", charge_limit }, \
	{ "option_rlimit", "RLIMIT_MODE is for empty contexts", option_rlimit },           \
	{ "option_right", "RLIMIT_MODE is for who has CAP_SYS_RESOURCE", option_right },   \
	{ "access_page", "an access reads and writes pages that nobody has touched", access_page }, \
	{ "queue_held", "a HWPT keeps its fault queue", queue_held },                      \
	{ "nested_parent", "who may be parent of a nested HWPT, and for how long", nested_parent }, \
	{ "fault_lost", "a page fault whose read fails", fault_lost },                     \
	{ "replace_refused", "a replace that the IOMMU refuses", replace_refused },        \
	{ "fail_nth_attach", "binding and attaching fails at each place", fail_nth_attach }, \
	{ "access_overlap", "accesses whose ranges overlap, on a device and without", access_overlap }

#endif
