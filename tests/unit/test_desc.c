// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor table against record.h, and both formats made from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/desc.h"
#include "sink/sink.h"

/* A record with room for runs. */
union sample {
	struct ims_record r;
	char bytes[sizeof(struct ims_record) + IMS_MAX_RUNS * sizeof(struct ims_run)];
};

static void every_kind(void **state)
{
	(void)state;
	assert_null(ims_desc(IMS_NONE));
	assert_null(ims_desc(IMS_NR_KINDS));
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++) {
		const struct ims_desc *d = ims_desc(kind);

		assert_non_null(d);
		assert_non_null(d->about);
		assert_int_equal(ims_kind_by_name(d->name), kind);
		assert_true(d->nfields > 0);
	}
	assert_int_equal(ims_kind_by_name("nothing"), IMS_NONE);
}

/* The fields lie within the payload, in order, and leave only padding out. */
static void offsets(void **state)
{
	(void)state;
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++) {
		const struct ims_desc *d = ims_desc(kind);
		unsigned int end = 0;

		for (unsigned int i = 0; i < d->nfields; i++) {
			const struct ims_field *f = &d->fields[i];

			assert_int_equal(f->offset, end);
			end = f->offset + f->width;
			assert_true(f->show == IMS_SHOW_TEXT || f->width == 2 || f->width == 4 || f->width == 8);
			assert_int_equal(!f->names, f->show != IMS_SHOW_ENUM &&
							    f->show != IMS_SHOW_FLAGS);
		}
		/* _rsvd, and the spare loss class */
		assert_true(end <= ims_payload_size(kind));
		assert_true(end + 8 >= ims_payload_size(kind));
	}
}

/* No field hides a key that every record has. */
static void keys(void **state)
{
	static const char *const taken[] = { "type", "kind", "action", "ktime_ns", "ctx", "seq",
					     "tgid", "tid",  "cpu",    "ring",	   "runs" };

	(void)state;
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		for (unsigned int i = 0; i < ims_desc(kind)->nfields; i++)
			for (unsigned int k = 0; k < sizeof(taken) / sizeof(*taken); k++)
				assert_string_not_equal(ims_desc(kind)->fields[i].name, taken[k]);
}

static void iova(void **state)
{
	union sample s = {};
	struct ims_run *run;
	uint64_t start, last;

	(void)state;
	s.r.h.kind = IMS_MAP;
	s.r.p.map.iova = 0x1000;
	s.r.p.map.length = 0x2000;
	assert_true(ims_record_iova(&s.r, &start, &last));
	assert_true(start == 0x1000 && last == 0x2fff);
	s.r.p.map.iova = UINT64_MAX;	/* as asked by a caller who was refused */
	assert_true(ims_record_iova(&s.r, &start, &last));
	assert_true(last == UINT64_MAX);

	memset(&s, 0, sizeof(s));
	s.r.h.kind = IMS_UNMAP;
	s.r.p.unmap.last = UINT64_MAX;
	assert_true(ims_record_iova(&s.r, &start, &last));
	assert_true(start == 0 && last == UINT64_MAX);

	memset(&s, 0, sizeof(s));
	s.r.h.kind = IMS_DMA_MAP;
	s.r.h.nruns = 2;
	s.r.p.dma_map.iova = 0x10000;
	run = (struct ims_run *)ims_runs(&s.r);
	run[0].len = 0x1000;
	run[1].len = 0x3000;
	assert_true(ims_record_iova(&s.r, &start, &last));
	assert_true(start == 0x10000 && last == 0x13fff);

	s.r.h.kind = IMS_PIN;
	assert_false(ims_record_iova(&s.r, &start, &last));
}

/* ---- output ---- */

static char *shown(void (*init)(struct ims_sink *, FILE *), const struct ims_record *r)
{
	struct ims_sink sink;
	size_t size = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	init(&sink, f);
	sink.ops->record(&sink, r);
	fclose(f);
	ims_sink_destroy(&sink);
	return text;
}

static void text(void **state)
{
	union sample s = {};
	struct ims_run *run = (struct ims_run *)(s.bytes + sizeof(struct ims_hdr) +
						 sizeof(struct ims_dma_map));
	char *line;

	(void)state;
	s.r.h = (struct ims_hdr){ .ktime_ns = 12345678901, .ctx = 0xffff888001, .tgid = 7,
				  .tid = 8, .kind = IMS_DMA_MAP, .nruns = 1 };
	s.r.p.dma_map = (struct ims_dma_map){ .domain = 0xd0, .iova = 0x100000, .prot = 3,
					      .rc = -22 };
	run->addr = 0x40000000;
	run->len = 2 << 20;
	line = shown(ims_text_init, &s.r);
	assert_string_equal(line,
			    "   12.345678  -/8                   ctx1    dma_map           "
			    "domain=0xd0 area=0 iova=0x100000 prot=read|write rc=-EINVAL "
			    "paddr=0x40000000+2M\n");
	free(line);
}

static void json(void **state)
{
	union sample s = {};
	struct ims_run *run = (struct ims_run *)(s.bytes + sizeof(struct ims_hdr) +
						 sizeof(struct ims_unpin));
	char *line;

	(void)state;
	s.r.h = (struct ims_hdr){ .ktime_ns = 1, .ctx = 0xab, .seq = 2, .tgid = 3, .tid = 4,
				  .kind = IMS_UNPIN, .cpu = 5, .ring = 6, .nruns = 2 };
	s.r.p.unpin = (struct ims_unpin){ .pages = 0xcd, .index = UINT64_MAX, .flags = 9 };
	run[0] = (struct ims_run){ 16, 1 };
	run[1] = (struct ims_run){ 32, 2 };
	line = shown(ims_json_init, &s.r);
	assert_string_equal(line, "{\"type\":\"record\",\"kind\":\"unpin\",\"ktime_ns\":1,"
				  "\"ctx\":\"0xab\",\"seq\":2,\"tgid\":3,\"tid\":4,\"cpu\":5,"
				  "\"ring\":6,\"pages\":\"0xcd\",\"index\":18446744073709551615,"
				  "\"flags\":[\"dirty\",8],\"runs\":[[16,1],[32,2]]}\n");
	free(line);
}

/* A comm is chosen by others. */
static void hostile_names(void **state)
{
	static const char comm[IMS_COMM] = "a\"\\\n\x1b\xff\xc3\xa4\xc0\x80\xed\xa0\x80z!";
	union sample s = {};
	char *line;

	(void)state;
	s.r.h.kind = IMS_CTX;
	s.r.h.action = IMS_CTX_OPEN;
	s.r.h.ctx = 1;
	memcpy(s.r.p.ctx.comm, comm, sizeof(comm));	/* not terminated */
	line = shown(ims_json_init, &s.r);
	assert_non_null(strstr(line, "\"comm\":\"a\\\"\\\\\\u000a\\u001b\\u00ff\xc3\xa4"
				     "\\u00c0\\u0080\\u00ed\\u00a0\\u0080z!\""));
	free(line);
	line = shown(ims_text_init, &s.r);
	assert_null(strchr(line, 0x1b));
	assert_true(strchr(line, '\n') == line + strlen(line) - 1);
	free(line);
}

/* Whatever bytes come, both formats print one line and read nothing else. */
static void any_bytes(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 20000; i++) {
		size_t size = sizeof(union sample);
		union sample *s = malloc(size);
		char *line;

		for (size_t b = 0; b < size; b++)
			s->bytes[b] = rand();
		s->r.h.kind = 1 + i % (IMS_NR_KINDS - 1);
		s->r.h.nruns %= IMS_MAX_RUNS + 1;
		s = realloc(s, ims_record_size(&s->r));	/* for the sanitizer */
		line = shown(i & 1 ? ims_json_init : ims_text_init, &s->r);
		assert_true(strchr(line, '\n') == line + strlen(line) - 1);
		free(line);
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind), cmocka_unit_test(offsets),
		cmocka_unit_test(keys), cmocka_unit_test(iova), cmocka_unit_test(text),
		cmocka_unit_test(json), cmocka_unit_test(hostile_names),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
