/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: a verifier that looks at what it is told, and a check
 * of what it says in the end.  Beside crashes, leaks and hangs, a broken promise
 * of verifier.h is a finding too.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rules/verifier.h"
#include "say.h"

/* A million reasons why a recording is refused are not read by anyone. */
void ims_error(const char *format, ...) { (void)format; }
void ims_note(const char *format, ...) { (void)format; }
void ims_detail(const char *format, ...) { (void)format; }

#define FUZZ_CHECK(x) do {	\
		if (!(x))	\
			abort();	\
	} while (0)

static uint64_t fuzz_told;
static struct ims_verifier *fuzz_of;

static void fuzz_violation(void *arg, const struct ims_violation *viol)
{
	const struct ims_record *life[64];
	unsigned int n = ims_verifier_life(fuzz_of, viol, life, 64);

	(void)arg;
	fuzz_told++;
	FUZZ_CHECK(viol->rule && viol->statement && viol->text[0] && viol->object[0]);
	FUZZ_CHECK(memchr(viol->text, 0, sizeof(viol->text)));
	FUZZ_CHECK(memchr(viol->object, 0, sizeof(viol->object)));
	FUZZ_CHECK(viol->nhistory && viol->nhistory <= IMS_HISTORY && n && n <= 64);
	FUZZ_CHECK(viol->history[viol->nhistory - 1]->h.seq == viol->seq);
	for (unsigned int i = 0; i < n; i++)
		FUZZ_CHECK(ims_record_size(life[i]) > 0);
}

static struct ims_verifier *fuzz_verifier(uint64_t hpage, uint64_t absent)
{
	struct ims_verifier_opts opts = { .on_violation = fuzz_violation, .reports = 1,
					  .hpage = hpage, .kinds_absent = absent,
					  .absent_why = "fuzz" };

	fuzz_told = 0;
	fuzz_of = ims_verifier_new(&opts);
	FUZZ_CHECK(fuzz_of);
	return fuzz_of;
}

static void fuzz_verdict(struct ims_verifier *v)
{
	struct ims_summary sum;
	uint64_t of_rules = 0;

	ims_verifier_summary(v, &sum);
	for (unsigned int i = 0; i < sum.nrules; i++) {
		FUZZ_CHECK(!sum.rule[i].why_not || !sum.rule[i].violations);
		of_rules += sum.rule[i].violations;
	}
	FUZZ_CHECK(of_rules == sum.violations && sum.violations >= fuzz_told);
	FUZZ_CHECK((sum.verdict == IMS_FAIL) == !!sum.violations);
	FUZZ_CHECK(sum.ctxs_unknown <= sum.ctxs && sum.inconsistent <= sum.ctxs);
	FUZZ_CHECK(sum.why[0]);
	ims_verifier_free(v);
}

#endif
