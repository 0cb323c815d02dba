// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams that no kernel writes: random bytes, and random records about few
 * objects.  Nothing may crash, hang, leak, or eat the memory, whatever a broken
 * recording says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stream.h"

#define MOST_MEMORY (64 << 20)

/* Only there with ASan. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static uint64_t violations;

static void check_violation(void *arg __attribute__((unused)), const struct ims_violation *viol)
{
	assert_true(strlen(viol->text) && strlen(viol->object));
	assert_true(viol->nhistory <= IMS_HISTORY);
	for (unsigned int i = 0; i < viol->nhistory; i++)
		assert_true(ims_record_size(viol->history[i]) > 0);
	violations++;
}

static struct ims_verifier *start(unsigned int seed)
{
	struct ims_verifier_opts opts = { .on_violation = check_violation };

	srand(seed);
	violations = 0;
	return ims_verifier_new(&opts);
}

static void finish(struct ims_verifier *v)
{
	struct ims_summary sum;

	if (__sanitizer_get_current_allocated_bytes)
		assert_true(__sanitizer_get_current_allocated_bytes() < MOST_MEMORY);
	ims_verifier_summary(v, &sum);
	assert_true(sum.violations >= violations);	/* each rule is reported a few times only */
	assert_true(strlen(sum.why));
	ims_verifier_free(v);
}

static void fill(void *p, size_t n)
{
	for (unsigned char *c = p; n--; c++)
		*c = rand() % 4 ? rand() : 0;
}

/* A record of its own memory, so that reading on is seen. */
static struct ims_record *record(uint8_t kind, uint8_t nruns, size_t *size)
{
	struct ims_record *r;

	*size = sizeof(r->h) + ims_payload_size(kind) + nruns * sizeof(struct ims_run);
	r = malloc(*size);
	assert_non_null(r);
	memset(r, 0, *size);
	r->h.kind = kind;
	r->h.nruns = nruns;
	return r;
}

/* ---- random bytes ---- */

TEST(random_bytes)
{
	struct ims_verifier *v = start(1);

	for (int i = 0; i < 100000; i++) {
		size_t size;
		struct ims_record *r = record(rand() % (IMS_NR_KINDS + 2), rand() % 256, &size);
		struct ims_hdr h = r->h;

		fill(r, size);
		r->h.kind = h.kind;
		r->h.nruns = h.nruns;
		r->h.action = rand() % 8;
		r->h.ctx = rand() % 4;
		ims_verifier_feed(v, r);
		free(r);
	}
	finish(v);
}

/* ---- random records about few objects ---- */

/* Numbers that make sense now and then. */
static uint64_t number(void)
{
	switch (rand() % 8) {
	case 0: return 0;
	case 1: return UINT64_MAX - rand() % 3;
	case 2: return (uint64_t)rand() << 33;
	default: return rand() % 32 * (rand() % 2 ? PG : 1);
	}
}

static uint64_t cookie(void)
{
	return 0x1000 + rand() % 6;
}

/* The first fields are cookies, the others are not; ends of ranges follow starts. */
static void fill_payload(struct ims_record *r)
{
	uint64_t *p = (uint64_t *)((char *)r + sizeof(r->h));
	unsigned int n = ims_payload_size(r->h.kind) / 8;

	for (unsigned int i = 0; i < n; i++)
		p[i] = i < 2 || rand() % 4 == 0 ? cookie() : number();
	switch (r->h.kind) {
	case IMS_PAGES:
		r->p.pages.npages = rand() % 64;
		break;
	case IMS_AREA:
		r->p.area.pages = cookie();
		r->p.area.last = r->p.area.iova + rand() % 16 * PG + PG - 1;
		r->p.area.start_byte = rand() % 16 * PG;
		break;
	case IMS_PIN:
		r->p.pin.index = rand() % 32;
		r->p.pin.got = rand() % 8;
		break;
	case IMS_DMA_MAP:
		r->p.dma_map.rc = rand() % 4 ? 0 : -12;
		break;
	case IMS_DOMAIN:
		r->p.domain.rc = rand() % 4 ? 0 : -12;
		break;
	case IMS_RESERVE:
		r->p.reserve.rc = rand() % 4 ? 0 : -12;
		break;
	case IMS_DEVICE:
		r->p.device.rc = rand() % 4 ? 0 : -12;
		break;
	case IMS_ACCESS_RANGE:
		r->p.access_range.rc = rand() % 8 ? 0 : -12;
		break;
	case IMS_ACCOUNT:
		r->p.account.rc = rand() % 8 ? 0 : -12;
		break;
	}
}

static void random_objects(unsigned int seed, int often_open)
{
	struct ims_verifier *v = start(seed);

	for (int i = 0; i < 50000; i++) {
		bool runs = rand() % 2;
		uint8_t kind = rand() % IMS_NR_KINDS;
		size_t size;
		struct ims_record *r;

		if (kind == IMS_LOSS && rand() % 50)
			kind = IMS_AREA;
		r = record(rand() % often_open ? kind : IMS_CTX, runs ? rand() % 5 : 0, &size);
		fill_payload(r);
		for (unsigned int k = 0; k < r->h.nruns; k++)
			((struct ims_run *)ims_runs(r))[k] = (struct ims_run){ number(), number() };
		r->h.action = r->h.kind == IMS_CTX && rand() % 4 ? IMS_CTX_OPEN : 1 + rand() % 6;
		r->h.ctx = 0x2000 + rand() % 3;
		r->h.tid = rand() % 3;
		ims_verifier_feed(v, r);
		free(r);
	}
	finish(v);
}

TEST(random_records)
{
	for (unsigned int seed = 1; seed <= 6; seed++)
		random_objects(seed, 3 + seed * 2);
}

/* ---- a good story that is bent ---- */

static struct {
	struct ims_record *r[512];
	unsigned int n;
} tape;

static void on_tape(uint8_t kind, uint8_t action, const void *payload, const struct ims_run *runs,
		    unsigned int nruns)
{
	size_t size;
	struct ims_record *r = record(kind, nruns, &size);

	r->h.action = action;
	r->h.ctx = C1;
	r->h.tid = 1;
	memcpy((char *)r + sizeof(r->h), payload, ims_payload_size(kind));
	if (nruns)
		memcpy((struct ims_run *)ims_runs(r), runs, nruns * sizeof(*runs));
	assert_true(tape.n < 512);
	tape.r[tape.n++] = r;
}

/* The stream's own feed(): stories go on the tape. */
void feed(struct stream *s __attribute__((unused)), uint8_t kind, uint8_t action,
	  const void *payload, const struct ims_run *runs, unsigned int nruns)
{
	on_tape(kind, action, payload, runs, nruns);
}

#define STREAM_OWN_FEED
#include "stream.c"

static void record_story(void)
{
	struct stream *s = with_domain();

	ioas_new(s, S2, 2);
	domain_add(s, S2, D2, 0x1000, APERTURE_48);
	large_pages(s, S1, false);
	map(s, S1, A1, P1, 0x100000, 16);
	copy(s, S2, A2, P1, 0x700000, 8 * PG, 4 * PG);
	access_pin(s, A2, 4, 7);
	r_device(s, IMS_DEV_BIND, X1, 1, 0, 0, 0);
	device_attach(s, X1, S1, D1, 0xfee00000, 0xfeefffff);
	split(s, A1, 5, A3, A4);
	unmap(s, A3);
	map_refused(s, S2, A5, P2, 0x200000, 20);
	device_detach(s, X1, S1, D1, 0xfee00000, 0xfeefffff);
	r_device(s, IMS_DEV_UNBIND, X1, 1, 0, 0, 0);
	domain_del(s, S2, D2);
	access_unpin(s, A2, 4, 7);
	unmap(s, A4);
	unmap(s, A2);
	domain_del(s, S1, D1);
	ioas_destroy(s, S2, 2);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	ims_verifier_free(s->v);
	free(s);
}

static void bend(struct ims_record *r)
{
	unsigned char *p = (unsigned char *)r + sizeof(r->h);
	size_t size = ims_record_size(r) - sizeof(r->h);

	if (rand() % 3 == 0)
		r->h.action = rand() % 7;
	else if (size)
		p[rand() % size] ^= 1 << rand() % 8;
}

/* Records are left out, doubled, swapped, or have a bit flipped. */
TEST(bent_stories)
{
	if (!tape.n)
		record_story();
	for (unsigned int seed = 1; seed <= 60; seed++) {
		struct ims_verifier *v = start(seed);

		for (int times = 0; times < 3; times++)
			for (unsigned int i = 0; i < tape.n; i++) {
				size_t size = ims_record_size(tape.r[i]);
				struct ims_record *r = malloc(size);

				assert_non_null(r);
				memcpy(r, tape.r[i], size);
				switch (rand() % 60) {
				case 0: break;
				case 1: ims_verifier_feed(v, r); ims_verifier_feed(v, r); break;
				case 2: bend(r); ims_verifier_feed(v, r); break;
				case 3: ims_verifier_feed(v, tape.r[rand() % tape.n]); break;
				default: ims_verifier_feed(v, r);
				}
				free(r);
			}
		finish(v);
	}
}

/* Unbent it is a good one. */
TEST(straight_story)
{
	struct ims_verifier *v = start(0);
	struct ims_summary sum;

	record_story();
	for (unsigned int i = 0; i < tape.n; i++)
		ims_verifier_feed(v, tape.r[i]);
	ims_verifier_summary(v, &sum);
	assert_int_equal(sum.verdict, IMS_PASS);
	finish(v);
}

static int drop_tape(void **state __attribute__((unused)))
{
	while (tape.n)
		free(tape.r[--tape.n]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(random_bytes), T(random_records), T(straight_story), T(bent_stories),
	};

	return cmocka_run_group_tests(tests, NULL, drop_tape);
}
