// SPDX-License-Identifier: GPL-2.0-only
/* PASS, FAIL, INCONCLUSIVE: what is lost is not judged, and never held against the kernel. */
#include <stdio.h>
#include <string.h>

#include "rules/rules.h"
#include "stream.c"

static struct ims_summary summary(struct stream *s)
{
	struct ims_summary sum;

	ims_verifier_summary(s->v, &sum);
	return sum;
}

static const struct ims_rule_result *result(const struct ims_summary *sum, const char *id)
{
	for (unsigned int i = 0; i < sum->nrules; i++)
		if (!strcmp(sum->rule[i].rule->id, id))
			return &sum->rule[i];
	fail_msg("no rule %s", id);
	return NULL;
}

TEST(good)
{
	struct stream *s = with_domain();
	struct ims_summary sum;

	map(s, S1, A1, P1, 0x100000, 16);
	unmap(s, A1);
	domain_del(s, S1, D1);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	r_end(s);
	sum = summary(s);
	assert_int_equal(sum.verdict, IMS_PASS);
	assert_string_equal(sum.why, "no rule was broken in 1 ctxs");
	assert_int_equal(sum.ctxs, 1);
	assert_int_equal(sum.ctxs_unknown, 0);
	assert_int_equal(sum.total, s->seq);
	assert_int_equal(sum.records[IMS_CTX], 3);
	assert_int_equal(sum.records[IMS_DMA_MAP], 1);
	assert_true(result(&sum, "APT-MAP")->checked == 1);
	assert_true(result(&sum, "PIN-USED")->checked > 0);
	stream_end_as(s, IMS_PASS);
}

TEST(nothing_seen)
{
	struct stream *s = stream_new();

	assert_non_null(strstr(summary(s).why, "nothing was checked"));
	stream_end_as(s, summary(s).verdict);
}

TEST(bad)
{
	struct stream *s = with_domain();
	struct ims_summary sum;

	map(s, S1, A1, P1, 0x100000, 16);
	also(s, "UNPIN-DOM", NULL);
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL, r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 16 })));
	sum = summary(s);
	assert_int_equal(sum.violations, 2);
	assert_int_equal(result(&sum, "UNPIN-AFTER-UNMAP")->violations, 1);
	assert_int_equal(result(&sum, "PIN-BAL")->violations, 0);
	stream_end_as(s, IMS_FAIL);
}

/* ---- loss ---- */

/* A record too many: here it would be a violation of half the rules. */
static void would_be_violations(struct stream *s)
{
	r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(9), 16 }));
	r_dma_unmap(s, D1, 0x900000, PG, PG, true);
	r_dma_map(s, D1, A1, 0x100000, 0, 0, RUNS({ PFN(9) * PG, 99 * PG }));
	r_account(s, P1, IMS_ACCT_USER, 99, 1, 2, 0);
	r_unmap(s, IMS_UNMAP_IOPT, S1, 0, UINT64_MAX, 77, 0);
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	r_domain(s, IMS_DOM_DEL_END, S1, D1, 0, APERTURE_48, 0);
	r_ctx(s, IMS_CTX_FREED);
}

TEST(header_tells_of_a_loss)
{
	struct stream *s = with_domain();
	struct ims_summary sum;

	map(s, S1, A1, P1, 0x100000, 16);
	s->lost++;
	would_be_violations(s);
	sum = summary(s);
	assert_int_equal(sum.ctxs_unknown, 1);
	assert_int_equal(sum.violations, 0);
	assert_int_equal(sum.inconsistent, 0);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

/* The low bits of the counter may come round, but not to the same value. */
TEST(header_counter_wraps)
{
	struct stream *s = stream_new();

	s->lost = UINT16_MAX;
	ctx_open(s);
	ioas_new(s, S1, 1);
	s->lost = 0;
	would_be_violations(s);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(loss_in_another_ring)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	s->ctx = C2;
	s->ring = 1;
	r_ctx(s, IMS_CTX_OPEN);
	s->lost = 3;
	would_be_violations(s);
	s->ctx = C1;
	s->ring = 0;
	s->lost = 0;
	assert_int_equal(summary(s).ctxs_unknown, 1);
	/* and this one is still judged */
	also(s, "UNPIN-DOM", NULL);
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL, r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 16 })));
	stream_end_as(s, IMS_FAIL);
}

TEST(loss_record_of_a_ctx)
{
	struct stream *s = with_domain();

	s->ctx = C2;
	r_ctx(s, IMS_CTX_OPEN);
	r_ioas(s, S1, 1);
	r_loss(s, C2, IMS_LOSS_RING, 5);
	would_be_violations(s);
	assert_int_equal(summary(s).ctxs_unknown, 1);
	assert_int_equal(summary(s).lost[IMS_LOSS_RING], 5);
	assert_non_null(strstr(summary(s).why, "5 records were lost; 1 of 2 ctxs"));
	s->ctx = C1;
	domain_del(s, S1, D1);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(loss_record_of_a_ring)
{
	for (int class = 0; class < IMS_LOSS_CLASSES; class++) {
		struct stream *s = with_domain();

		map(s, S1, A1, P1, 0x100000, 16);
		r_loss(s, 0, class, 1);
		would_be_violations(s);
		assert_int_equal(summary(s).lost[class], 1);
		stream_end_as(s, IMS_INCONCLUSIVE);
	}
}

/* Nobody known was hit, but something happened that nobody has seen. */
TEST(loss_of_nobody)
{
	struct stream *s = with_domain();

	r_loss(s, C2, IMS_LOSS_RING, 1);
	domain_del(s, S1, D1);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(loss_between_two_contexts)
{
	struct stream *s = with_ioas();

	ioas_destroy(s, S1, 1);
	ctx_close(s);
	s->lost++;			/* perhaps a whole ctx */
	ctx_open(s);
	ioas_new(s, S1, 1);
	ioas_destroy(s, S1, 1);
	ctx_close(s);
	assert_int_equal(summary(s).ctxs_unknown, 0);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(loss_before_the_first_record)
{
	struct stream *s = stream_new();

	s->lost = 2;
	ctx_open(s);
	ctx_close(s);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

TEST(violation_before_a_loss_stays)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	also(s, "UNPIN-DOM", NULL);
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL, r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 16 })));
	s->lost++;
	would_be_violations(s);
	stream_end_as(s, IMS_FAIL);
}

/* A ctx that was born after the loss is as good as any. */
TEST(new_ctx_after_a_loss)
{
	struct stream *s = with_domain();

	s->lost++;
	r_ctx(s, IMS_CTX_FREED);
	memset(s->ioases, 0, sizeof(s->ioases));
	ctx_open(s);
	ioas_new(s, S1, 1);
	domain_add(s, S1, D1, 0, APERTURE_48);
	map(s, S1, A1, P1, 0x100000, 16);
	also(s, "UNPIN-DOM", NULL);
	expect_violation(s, "UNPIN-AFTER-UNMAP", NULL, r_unpin(s, P1, 0, IMS_UNPIN_DIRTY, RUNS({ PFN(1), 16 })));
	stream_end_as(s, IMS_FAIL);
}

/* The collector hears of losses before it has read all that lies before them in the ring. */
TEST(loss_record_before_the_birth_of_its_ctx)
{
	for (uint64_t ctx = 0; ctx <= C1; ctx += C1) {
		struct stream *s = stream_new();

		r_loss_ahead(s, ctx, 10);
		ctx_open(s);
		would_be_violations(s);
		assert_int_equal(summary(s).ctxs_unknown, 1);
		assert_int_equal(summary(s).inconsistent, 0);
		stream_end_as(s, IMS_INCONCLUSIVE);
	}
}

TEST(loss_record_of_who_is_gone_spares_the_others)
{
	struct stream *s = stream_new();

	r_loss_ahead(s, C2, 10);
	ctx_open(s);
	ctx_close(s);
	assert_int_equal(summary(s).ctxs_unknown, 0);
	r_loss_ahead(s, C1, 0);
	ctx_open(s);
	assert_int_equal(summary(s).ctxs_unknown, 0);
	ctx_close(s);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

/* ---- streams that cannot be ---- */

TEST(inconsistent)
{
	struct stream *s = with_domain();

	s->may_contradict = true;
	r_pin(s, P1, 0, 4);
	would_be_violations(s);
	assert_int_equal(summary(s).inconsistent, 1);
	assert_non_null(strstr(summary(s).why, "a pin of an unknown pages object"));
	stream_end_as(s, IMS_INCONCLUSIVE);
}

/* We came too late for this ctx: nothing is known of it, nothing is judged. */
TEST(foreign_ctx)
{
	struct stream *s = with_domain();

	s->ctx = C2;
	would_be_violations(s);
	assert_int_equal(summary(s).foreign, 9);
	s->ctx = C1;
	end_with_domain(s);
}

/* Of this ctx the birth was seen: what follows the loss is not foreign. */
TEST(given_up_is_not_foreign)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	r_loss(s, C1, IMS_LOSS_RING, 1);
	would_be_violations(s);
	assert_int_equal(summary(s).foreign, 0);
	assert_int_equal(summary(s).ctxs_unknown, 1);
	r_ioas(s, S1, 1);			/* its end was in there, and this is nobody */
	assert_int_equal(summary(s).foreign, 1);
	stream_end_as(s, IMS_INCONCLUSIVE);
}

/* ---- what a source cannot give ---- */

#define KIND(k) (1ULL << (k))

static const char *const no_iova[] = { "ALW-AUTO" };
static const char *const no_pin[] = { "PIN-ONCE", "PIN-USED", "PIN-BAL", "PFN-ID", "ACCT-EQ",
				      "ACCT-STEP" };
static const char *const no_reserve[] = { "APT-AREA", "APT-ATTACH", "APT-NARROW", "RSV-DEV",
					  "ALW-KEEP", "ALW-AUTO", "ALW-NOAUTO" };
static const char *const no_access[] = { "PIN-USED", "UNPIN-ACC", "ACC-PREVENT" };
static const char *const no_account[] = { "ACCT-EQ", "ACCT-STEP", "RLIMIT" };
static const char *const no_dma_map[] = { "APT-MAP", "MIR-COMPLETE", "MAP-EXCL", "UNMAP-EXACT",
					  "PFN-ID", "PROT-MAP" };
static const char *const no_sync[] = { "UNPIN-SYNC" };
static const char *const no_storage[] = { "STORAGE", "UNPIN-DOM" };
static const char *const no_ioctl[] = { "ALW-NOAUTO" };

static const struct {
	uint64_t kind;
	const char *const *rules;
	unsigned int n;
} absent[] = {
#define ABSENT(kind, rules) { KIND(kind), rules, sizeof(rules) / sizeof(*rules) }
	ABSENT(IMS_IOVA, no_iova), ABSENT(IMS_PIN, no_pin), ABSENT(IMS_RESERVE, no_reserve),
	ABSENT(IMS_ACCESS_RANGE, no_access), ABSENT(IMS_ACCOUNT, no_account),
	ABSENT(IMS_DMA_MAP, no_dma_map), ABSENT(IMS_IOTLB_SYNC, no_sync),
	ABSENT(IMS_IOCTL, no_ioctl), ABSENT(IMS_STORAGE, no_storage),
};

/* Each rule that would be wrong without the kind says that it was not checked. */
TEST(absent_kinds)
{
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
		struct ims_verifier_opts opts = { .kinds_absent = absent[i].kind,
						  .absent_why = "not on this kernel" };
		struct stream *s = stream_new_opts(&opts);
		struct ims_summary sum;

		ctx_open(s);
		ctx_close(s);
		sum = summary(s);
		for (unsigned int k = 0; k < absent[i].n; k++)
			if (!result(&sum, absent[i].rules[k])->why_not)
				fail_msg("%s is checked without kind %zu", absent[i].rules[k], i);
		assert_null(result(&sum, "SPLIT")->why_not);
		stream_end_as(s, IMS_PASS);
	}
}

/* Nor do they fire: without RESERVE an attach looks like mutant O03. */
TEST(absent_kinds_break_no_rule)
{
	struct ims_verifier_opts opts = { .absent_why = "not on this kernel", .kinds_absent =
		KIND(IMS_RESERVE) | KIND(IMS_ACCOUNT) | KIND(IMS_ACCESS_RANGE) | KIND(IMS_DEV_REGION) };
	struct stream *s = stream_new_opts(&opts);
	struct ims_summary sum;

	ctx_open(s);
	ioas_new(s, S1, 1);
	r_domain(s, IMS_DOM_ADD_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_domain(s, IMS_DOM_ADD_END, S1, D1, 0, APERTURE_48, 0);
	pages_new(s, P1, 4);
	area_new(s, S1, A1, P1, 0x100000, 4 * PG, 0, RW);
	r_pin(s, P1, 0, 4);
	r_pin_runs(s, P1, 0, RUNS({ PFN(1), 4 }));
	r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 4 * PG }));
	r_storage(s, S1, A1, P1, D1);
	area_ready(s, A1);
	r_domain(s, IMS_DOM_DEL_BEGIN, S1, D1, 0, APERTURE_48, 0);
	r_storage(s, S1, A1, P1, 0);
	r_dma_unmap(s, D1, 0x100000, 4 * PG, 4 * PG, true);
	r_domain(s, IMS_DOM_DEL_END, S1, D1, 0, APERTURE_48, 0);	/* an access has them */
	r_ioctl(s, IMS_IOCTL_EXIT, 0);
	sum = summary(s);
	assert_string_equal(result(&sum, "APT-ATTACH")->why_not, "not on this kernel");
	assert_int_equal(result(&sum, "APT-ATTACH")->checked, 0);
	stream_end_as(s, IMS_PASS);
}

/* ---- the report ---- */

TEST(report_names_the_object)
{
	struct stream *s = with_domain();

	map(s, S1, A1, P1, 0x100000, 16);
	expect_violation(s, "MAP-EXCL", NULL,
			 r_dma_map(s, D1, A1, 0x100000, RW, 0, RUNS({ PFN(1) * PG, 16 * PG })));
	assert_non_null(strstr(s->object, "IOAS 1, area 0x100000-0x10ffff, domain 0xd001"));
	assert_true(s->nhistory > 4);
	stream_end(s);
}

TEST(names)
{
	assert_string_equal(ims_verdict_name(IMS_PASS), "PASS");
	assert_string_equal(ims_verdict_name(IMS_FAIL), "FAIL");
	assert_string_equal(ims_verdict_name(IMS_INCONCLUSIVE), "INCONCLUSIVE");
}

TESTS(T(good), T(nothing_seen), T(bad), T(header_tells_of_a_loss), T(header_counter_wraps),
      T(loss_in_another_ring), T(loss_record_of_a_ctx), T(loss_record_of_a_ring),
      T(loss_of_nobody), T(loss_between_two_contexts), T(loss_before_the_first_record),
      T(loss_record_before_the_birth_of_its_ctx), T(loss_record_of_who_is_gone_spares_the_others),
      T(violation_before_a_loss_stays), T(new_ctx_after_a_loss), T(inconsistent),
      T(foreign_ctx), T(given_up_is_not_foreign), T(absent_kinds), T(absent_kinds_break_no_rule),
      T(report_names_the_object), T(names))
