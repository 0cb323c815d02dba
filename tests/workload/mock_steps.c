// SPDX-License-Identifier: GPL-2.0-only
/* See mock_steps.h. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "mock_steps.h"

struct context context_open(void)
{
	struct context c = { .fd = iommufd_open() };

	c.ioas = ioas_alloc(c.fd);
	return c;
}

void context_close(struct context *c)
{
	destroy_ok(c->fd, c->ioas, "the IOAS");
	close(c->fd);
}

int fail_nth_open(void)
{
	/* A stack on the console for each failure is of no use here. */
	write_file("/sys/kernel/debug/fail_iommufd/verbose", "0");
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

void fail_nth_arm(int nth_fd, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, length, 0) != length)
		fail("cannot write fail-nth");
}

bool fail_nth_hit(int nth_fd)
{
	char text[16] = "";
	bool hit;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		fail("cannot read fail-nth");
	hit = text[0] == '0';
	fail_nth_arm(nth_fd, 0);
	return hit;
}

struct queue queue_new(const struct context *c, const struct mock_device *device, uint32_t parent)
{
	struct queue queue = { 0 };

	expect_rc(fault_alloc(c->fd, &queue.id, &queue.fd), 0, "FAULT_QUEUE_ALLOC");
	expect_rc(hwpt_alloc_nested(c->fd, device->id, parent, queue.id, &queue.hwpt), 0, "HWPT_ALLOC (nested)");
	return queue;
}

void queue_destroy(const struct context *c, struct queue *queue)
{
	destroy_ok(c->fd, queue->hwpt, "the nested HWPT");
	close(queue->fd);
	destroy_ok(c->fd, queue->id, "the fault queue");
}

bool queue_pending(const struct queue *queue)
{
	struct pollfd poll_fd = { .fd = queue->fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLIN;
}

/* Only what poll() announces: the read of an empty queue waits for nobody. */
struct iommu_hwpt_pgfault queue_read(const struct queue *queue)
{
	struct iommu_hwpt_pgfault fault = { 0 };

	if (expect(queue_pending(queue), "no fault in the queue"))
		expect(read(queue->fd, &fault, sizeof(fault)) == sizeof(fault), "the fault queue gives no fault");
	return fault;
}

void queue_answer(const struct queue *queue, uint32_t cookie)
{
	struct iommu_hwpt_page_response answer = { .cookie = cookie, .code = IOMMUFD_PAGE_RESP_SUCCESS };

	expect(write(queue->fd, &answer, sizeof(answer)) == sizeof(answer), "the fault queue takes no answer");
}
