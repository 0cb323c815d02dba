// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps of mock in which threads must meet inside of iommufd.
 *
 * Nothing is left to the scheduler: a page fault that userfaultfd holds back
 * stops a pin in the middle, with the mutex of its pages object held, and whoever
 * needs that mutex next sleeps until the fault is answered. /proc tells that it
 * does. So the moment that a bug needs, microseconds wide otherwise, lasts as long
 * as the step wants it to.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "mock_steps.h"

#define PATIENCE_MS 10000

/* --- memory whose first touch waits ------------------------------------- */

static int userfault_open(void *va, size_t length)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)va, .len = length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		fail("userfaultfd: %m (CONFIG_USERFAULTFD, root)");
	return fd;
}

/* Somebody waits for a page of it now. */
static void userfault_wait(int fd)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	struct uffd_msg message;

	expect(poll(&in, 1, PATIENCE_MS) == 1 && read(fd, &message, sizeof(message)) == sizeof(message),
	       "nobody touched the page");
}

static void userfault_answer(int fd, void *va)
{
	struct uffdio_zeropage zero = { .range = { .start = (uintptr_t)va, .len = PAGE } };

	expect(!ioctl(fd, UFFDIO_ZEROPAGE, &zero), "the page cannot be filled: %m");
}

/* --- calls in threads of their own -------------------------------------- */

struct caller {
	struct context c;
	int access; /* that pins, or -1: it unmaps */
	uint64_t iova;
	size_t length;
	volatile pid_t tid;
	volatile bool done;
	int rc;
	pthread_t thread;
};

static void *caller_run(void *argument)
{
	struct caller *caller = argument;
	uint32_t item;

	caller->tid = gettid();
	if (caller->access < 0)
		caller->rc = ioas_unmap(caller->c.fd, caller->c.ioas, caller->iova, caller->length, NULL);
	else
		caller->rc = access_pin(caller->c.fd, caller->access, caller->iova, caller->length, NULL, &item);
	caller->done = true;
	return NULL;
}

static void caller_start(struct caller *caller)
{
	if (pthread_create(&caller->thread, NULL, caller_run, caller))
		fail("cannot create a thread");
}

static char thread_state(pid_t tid)
{
	char path[64], text[64] = "", *end;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

/* Until it sleeps in the kernel, on a mutex, or has returned. */
static void caller_wait_blocked(const struct caller *caller)
{
	for (unsigned int ms = 0; ms < PATIENCE_MS && !caller->done; ms++) {
		if (caller->tid && thread_state(caller->tid) == 'D')
			return;
		usleep(1000);
	}
	expect(caller->done, "a call neither sleeps nor returns");
}

/* --- unmap against pin -------------------------------------------------- */

/*
 * A page is pinned by an access, so the unmap asks for it back and must wait: the
 * pages are shared with a second IOAS, in which a pin of another page does not get
 * on. Who pins the page now is too late, and must be refused.
 */
void pin_while_unmap(void)
{
	struct context from = context_open(), to = { .fd = from.fd, .ioas = ioas_alloc(from.fd) };
	char *va = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int holder = access_open(from.fd, from.ioas);
	struct caller stuck = { to, access_open(to.fd, to.ioas), BASE + PAGE, PAGE };
	struct caller unmapper = { from, -1, BASE, 2 * PAGE };
	struct caller late = { from, access_open(from.fd, from.ioas), BASE, PAGE };
	uint32_t item;
	int fault;

	va[0] = 1; /* the other page is still missing */
	fault = userfault_open(va, 2 * PAGE);
	expect_rc(ioas_map_at(from.fd, from.ioas, va, 2 * PAGE, BASE), 0, "IOAS_MAP");
	expect_rc(ioas_copy(from.fd, from.ioas, BASE, to.ioas, BASE, 2 * PAGE, MAP_AT), 0, "IOAS_COPY");
	expect_rc(access_pin(from.fd, holder, BASE, PAGE, NULL, &item), 0, "access pin");
	caller_start(&stuck);
	userfault_wait(fault);
	caller_start(&unmapper);
	caller_wait_blocked(&unmapper);
	caller_start(&late);
	caller_wait_blocked(&late);
	userfault_answer(fault, va + PAGE);
	pthread_join(stuck.thread, NULL);
	pthread_join(unmapper.thread, NULL);
	pthread_join(late.thread, NULL);
	expect_rc(stuck.rc, 0, "the pin in the other IOAS");
	expect_rc(unmapper.rc, 0, "IOAS_UNMAP");
	expect_rc(late.rc, -EINVAL, "a pin in an area that is being unmapped");
	close(late.access);
	close(stuck.access);
	close(holder);
	unmap_exactly(to.fd, to.ioas, BASE, 2 * PAGE);
	check_pins(from.fd, va, 2 * PAGE, 0);
	destroy_ok(to.fd, to.ioas, "the second IOAS");
	munmap(va, 2 * PAGE);
	close(fault);
	context_close(&from);
}
