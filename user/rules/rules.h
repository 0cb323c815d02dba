/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule is one invariant: its id, what it says, what it needs to see, and
 * functions that are asked about records of certain kinds.
 *
 *  - before[kind] sees the model as it was: is this change allowed now?
 *  - after[kind] sees the model as it is: is the result what it must be?
 *  - pages_quiet is asked about each pages object that a thread touched, when
 *    the thread's operation is over and no other thread touched it since.
 *  - settled is asked when a thread that detached or moved a device goes on to
 *    something else: ranges, HWPT and page faults of the old attachment are gone.
 *
 * One rule, one file.  The file's header holds the statement, why it must hold
 * and the legitimate exceptions.  A rule is stateless: all state is the model's.
 */
#ifndef IMS_RULES_H
#define IMS_RULES_H

#include "model/model.h"

struct ims_verifier;
struct ims_rule;

typedef void (*rule_fn)(struct ims_verifier *v, const struct m_event *ev);

#define IMS_RULE_HOOKS 6

struct ims_rule_hook {
	uint8_t kind;
	rule_fn fn;
};

struct ims_rule {
	const char *id;
	char severity;		/* S security, R resource or limit, M semantic */
	const char *statement;	/* one line, in the words of INVARIANTS */
	struct ims_rule_hook before[IMS_RULE_HOOKS], after[IMS_RULE_HOOKS];
	void (*pages_quiet)(struct ims_verifier *v, const struct m_event *ev,
			    struct m_pages *p);
	rule_fn settled;
	/* kinds that it is wrong without, beside those it is asked about */
	uint64_t needs;
};

/* Up to six kinds as bits, for needs. */
#define IMS_NEEDS(...) ims_needs6(__VA_ARGS__, 64, 64, 64, 64, 64, 64)
#define ims_needs6(a, b, c, d, e, f, ...) \
	(ims_need(a) | ims_need(b) | ims_need(c) | ims_need(d) | ims_need(e) | ims_need(f))
#define ims_need(kind) ((kind) < 64 ? 1ULL << ((kind) & 63) : 0)

/* Ends with NULL; the order is the order of `iommuscope rules`. */
extern const struct ims_rule *const ims_rules[];

/* Report that @rule does not hold at @ev; one sentence with the numbers. */
void violate(struct ims_verifier *v, const struct ims_rule *rule, const struct m_event *ev,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Bytes of a huge page that auto-allocated IOVAs are aligned to at most. */
uint64_t verifier_hpage(const struct ims_verifier *v);

#endif
