// SPDX-License-Identifier: GPL-2.0-only
/*
 * story: a recording as long as one likes, made without a kernel.
 *
 *	story FILE RECORDS [break] [lose]
 *
 * Three processes open /dev/iommu one after the other and again, map memory that is
 * more or less fragmented, copy it, hold it for a while and unmap it, until there
 * are RECORDS. The sequences are those of tests/unit/stream.c, which is what a kernel
 * writes; the times are made up. "break": pages are unpinned while they are mapped.
 * "lose": records are lost. It always writes the same.
 */
#define STREAM_OWN_FEED
#include "../unit/stream.c"

#include "record/origin.h"
#include "record/writer.h"

#define CMD_MAP 0x3b85
#define CMD_ALLOC 0x3b81
#define CMD_UNMAP 0x3b86
#define CMD_COPY 0x3b83
#define CMD_DESTROY 0x3b80
#define LIMIT_PAGES 2048

static struct ims_writer *writer;
static const char *comm;
static uint32_t tgid, cmd;
static uint64_t now = 1000000000, made;

static uint32_t some(uint32_t below)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % below;
}

/* Pinning and mapping take the longer the more pages there are. */
static uint64_t takes(uint8_t kind, const void *payload, unsigned int nruns)
{
	const struct ims_pin *pin = payload;
	uint64_t ns = 200 + some(300);

	if (kind == IMS_PIN && pin->got > 0)
		ns += pin->got * (40 + some(40));
	if (kind == IMS_DMA_MAP)
		ns += nruns * (100 + some(100));
	return some(400) ? ns : ns * 200;	/* now and then somebody else runs */
}

void feed(struct stream *s, uint8_t kind, uint8_t action, const void *payload,
	  const struct ims_run *runs, unsigned int nruns)
{
	union {
		struct ims_record r;
		char bytes[sizeof(struct ims_record) + IMS_MAX_RUNS * sizeof(struct ims_run)];
	} u = {};
	size_t size = ims_payload_size(kind);

	now += takes(kind, payload, nruns);
	u.r.h = (struct ims_hdr){ .ktime_ns = now, .ctx = s->ctx, .seq = ++s->seq, .tgid = tgid,
				  .tid = tgid + s->tid - 1, .kind = kind, .action = action,
				  .nruns = nruns, .lost = s->lost };
	memcpy(&u.r.p, payload, size);
	if (nruns)
		memcpy((char *)&u.r.p + size, runs, nruns * sizeof(*runs));
	if (kind == IMS_CTX && action == IMS_CTX_OPEN)
		memcpy(u.r.p.ctx.comm, comm, strnlen(comm, IMS_COMM));
	if (kind == IMS_IOCTL)
		u.r.p.ioctl.cmd = cmd;
	made++;
	s->fed++;
	if (ims_writer_add(writer, &u.r))
		exit(1);
}

/* ---- what they do ---- */

static void hold(struct stream *s, uint64_t S, uint64_t A, uint64_t P, uint64_t iova, uint64_t n,
		 uint64_t chunk)
{
	s->chunk = chunk;
	cmd = CMD_MAP;
	map(s, S, A, P, iova, n);
	now += some(200000);
}

static void let_go(struct stream *s, uint64_t A)
{
	cmd = CMD_UNMAP;
	unmap(s, A);
	now += some(100000);
}

static void lose(struct stream *s)
{
	s->lost++;
	r_loss(s, s->ctx, IMS_LOSS_RING, 17);
}

static void life(struct stream *s, bool breaks)
{
	ctx_open(s);
	cmd = CMD_ALLOC;
	ioas_new(s, S1, 1);
	ioas_new(s, S2, 2);
	domain_add(s, S1, D1, 0x1000, APERTURE_48);
	domain_add(s, S2, D2, 0, 0xffffffff);
	r_reserve(s, IMS_RESV_ADD, S1, 0xfee00000, 0xfeefffff, X1, 0);
	hold(s, S1, A1, P1, 0x100000000, 512 + some(500), 0);
	hold(s, S1, A2, P2, 0x1000000, 64 + some(64), 1);
	cmd = CMD_COPY;
	copy(s, S2, A3, P1, 0x700000, 16 * PG, 4 * PG);
	for (unsigned int i = 0; i < 40; i++) {
		hold(s, S1, A4, P3, 0x2000000 + (i << 20), 1 + some(64), 1U << some(6));
		let_go(s, A4);
	}
	if (breaks) {
		cmd = CMD_UNMAP;
		r_ioctl(s, IMS_IOCTL_ENTER, 0);
		area_leaves(s, A2);
		r_unpin(s, P2, 2, IMS_UNPIN_DIRTY, RUNS({ PFN(P2) + 2, 2 }));
		r_ioctl(s, IMS_IOCTL_EXIT, -22);
		return;
	}
	let_go(s, A3);
	let_go(s, A2);
	let_go(s, A1);
	r_reserve(s, IMS_RESV_DEL, S1, 0xfee00000, 0xfeefffff, X1, 0);
	domain_del(s, S2, D2);
	domain_del(s, S1, D1);
	cmd = CMD_DESTROY;
	ioas_destroy(s, S2, 2);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
}

static void tell(uint64_t records, bool breaks, bool loses)
{
	static const char *const comms[] = { "qemu-system-x86", "dpdk-testpmd", "</script>\xff" };
	struct stream *s = stream_new();

	s->limit = LIMIT_PAGES;
	for (unsigned int i = 0; made < records || (records && i < 3); i++) {
		comm = comms[i % 3];
		tgid = 1000 + i % 3 * 10;
		s->ctx = C1 + 0x1000 * (i + 1);
		life(s, false);
		if (loses && i == 1)
			lose(s);
	}
	if (breaks) {
		s->ctx = C2;
		life(s, true);
	}
	feed(s, IMS_END, 0, &(struct ims_end){ s->seq }, NULL, 0);
	ims_verifier_free(s->v);
	free(s);
}

static bool has(char **words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct ims_origin o = {};

	if (argc < 3) {
		fprintf(stderr, "usage: story FILE RECORDS [break] [lose]\n");
		return 2;
	}
	writer = ims_writer_open(argv[1]);
	if (!writer || ims_origin_here(&o) || ims_writer_begin(writer, &o))
		return 2;
	tell(strtoull(argv[2], NULL, 0), has(argv + 3, "break"), has(argv + 3, "lose"));
	if (ims_writer_seal(writer, &o))
		return 2;
	ims_writer_close(writer);
	ims_origin_free(&o);
	return 0;
}
