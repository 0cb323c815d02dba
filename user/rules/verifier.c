// SPDX-License-Identifier: GPL-2.0-only
/* See verifier.h. Rules are sorted into one list per record kind when it starts. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/history.h"
#include "rules/rules.h"
#include "rules/verifier.h"

#define MAX_RULES 128
#define MAX_PER_KIND 24
#define REPORTS 8	/* a broken kernel breaks a rule thousands of times */

struct hook {
	rule_fn fn;
	uint64_t *checked;
};

struct hooks {
	struct hook list[MAX_PER_KIND];
	unsigned int n;
};

struct ims_verifier {
	struct ims_verifier_opts opts;
	struct model model;
	struct history history;
	struct hooks before[IMS_NR_KINDS], after[IMS_NR_KINDS];
	struct ims_rule_result result[MAX_RULES];
	unsigned int nrules;
	uint64_t records[IMS_NR_KINDS], lost[IMS_LOSS_CLASSES], violations;
};

uint64_t verifier_hpage(const struct ims_verifier *v)
{
	return v->opts.hpage ? v->opts.hpage : 2ULL << 20;
}

const char *ims_verdict_name(enum ims_verdict verdict)
{
	static const char *const names[] = { "PASS", "FAIL", "INCONCLUSIVE" };

	return names[verdict];
}

/* ---- start ---- */

uint64_t ims_rule_needs(const struct ims_rule *r)
{
	uint64_t need = r->needs;

	for (int i = 0; i < IMS_RULE_HOOKS; i++) {
		if (r->before[i].fn)
			need |= 1ULL << r->before[i].kind;
		if (r->after[i].fn)
			need |= 1ULL << r->after[i].kind;
	}
	return need;
}

static void hook_up(struct hooks *table, const struct ims_rule_hook *h, uint64_t *checked)
{
	for (int i = 0; i < IMS_RULE_HOOKS; i++) {
		struct hooks *t = &table[h[i].kind];

		if (!h[i].fn)
			continue;
		assert(t->n < MAX_PER_KIND);	/* else a rule would be silent */
		t->list[t->n++] = (struct hook){ h[i].fn, checked };
	}
}

static void load_rules(struct ims_verifier *v)
{
	for (; ims_rules[v->nrules]; v->nrules++) {
		struct ims_rule_result *res = &v->result[v->nrules];

		assert(v->nrules < MAX_RULES);
		res->rule = ims_rules[v->nrules];
		if (ims_rule_needs(res->rule) & v->opts.kinds_absent) {
			res->why_not = v->opts.absent_why;
			continue;
		}
		hook_up(v->before, res->rule->before, &res->checked);
		hook_up(v->after, res->rule->after, &res->checked);
	}
}

struct ims_verifier *ims_verifier_new(const struct ims_verifier_opts *opts)
{
	struct ims_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->opts = *opts;
	if (history_init(&v->history)) {
		history_destroy(&v->history);
		free(v);
		return NULL;
	}
	model_init(&v->model);
	load_rules(v);
	return v;
}

void ims_verifier_free(struct ims_verifier *v)
{
	if (!v)
		return;
	model_destroy(&v->model);
	history_destroy(&v->history);
	free(v);
}

/* ---- feeding ---- */

static void ask(struct ims_verifier *v, const struct hooks *h, const struct m_event *ev)
{
	for (unsigned int i = 0; i < h->n; i++) {
		(*h->list[i].checked)++;
		h->list[i].fn(v, ev);
	}
}

/* The thread's operation is over: what it touched last must be in order. */
static void judge_touched(struct ims_verifier *v, const struct m_event *ev)
{
	struct m_op *op = ev->op;

	for (uint32_t i = 0; i < op->ntouched; i++) {
		struct m_pages *p = table_get(&ev->ctx->pages, op->touched[i]);

		if (!p || p->touched_op != op->number || p->touched_tid != op->tid)
			continue;
		for (unsigned int k = 0; k < v->nrules; k++)
			if (v->result[k].rule->pages_quiet && !v->result[k].why_not) {
				v->result[k].checked++;
				v->result[k].rule->pages_quiet(v, ev, p);
			}
	}
	model_op_reset(&v->model, ev->ctx, op);
}

/*
 * What still belongs to a detach or replace: its ranges, its HWPT and its page faults
 * go.  A tracepoint tells of it after its faults, the functions of iommufd before.
 */
static bool settling(const struct ims_record *r)
{
	return (r->h.kind == IMS_RESERVE && r->h.action == IMS_RESV_DEL) ||
	       (r->h.kind == IMS_OBJECT && r->h.action != IMS_OBJ_ALLOC) ||
	       (r->h.kind == IMS_FAULT && r->h.action == IMS_FLT_AUTO) ||
	       r->h.kind == IMS_HWPT;
}

static void judge_settled(struct ims_verifier *v, const struct m_event *ev)
{
	for (unsigned int k = 0; k < v->nrules; k++)
		if (v->result[k].rule->settled && !v->result[k].why_not) {
			v->result[k].checked++;
			v->result[k].rule->settled(v, ev);
		}
	ev->op->detached = 0;
}

static void count(struct ims_verifier *v, const struct ims_record *r)
{
	v->records[r->h.kind]++;
	for (int i = 0; r->h.kind == IMS_LOSS && i < IMS_LOSS_CLASSES; i++)
		v->lost[i] += r->p.loss.lost[i];
}

/* Rules are asked about what is known, not about what a snapshot tells. */
static bool judged(const struct ims_verifier *v, const struct m_event *ev)
{
	return ev->ctx && ev->ctx->known && v->model.telling != ev->ctx->cookie;
}

void ims_verifier_feed(struct ims_verifier *v, const struct ims_record *r)
{
	struct m_event ev;
	bool known;

	if (r->h.kind >= IMS_NR_KINDS || !ims_payload_size(r->h.kind))
		return;
	count(v, r);
	history_add(&v->history, r);
	model_resolve(&v->model, r, &ev);
	known = judged(v, &ev);
	if (known && ev.op && ev.op->detached && !settling(r))
		judge_settled(v, &ev);
	if (known)
		ask(v, &v->before[r->h.kind], &ev);
	model_apply(&v->model, &ev);
	if (judged(v, &ev))
		ask(v, &v->after[r->h.kind], &ev);
	if (judged(v, &ev) && ev.op && model_op_over(&ev))
		judge_touched(v, &ev);
}

/* ---- reporting ---- */

static void describe_object(const struct m_event *ev, char *buf, size_t size)
{
	int n = 0;

	if (ev->ioas)
		n = snprintf(buf, size, "IOAS %u", ev->ioas->id);
	if (ev->area && n < (int)size)
		n += snprintf(buf + n, size - n, "%sarea %#llx-%#llx", n ? ", " : "",
			      (unsigned long long)ev->area->iova,
			      (unsigned long long)ev->area->last);
	if (ev->domain && n < (int)size)
		n += snprintf(buf + n, size - n, "%sdomain %#llx", n ? ", " : "",
			      (unsigned long long)ev->domain->cookie);
	if (ev->pages && n < (int)size)
		n += snprintf(buf + n, size - n, "%spages of user address %#llx", n ? ", " : "",
			      (unsigned long long)ev->pages->uptr);
	if (!n)
		snprintf(buf, size, "ctx %#llx", (unsigned long long)ev->r->h.ctx);
}

static unsigned int cookies_of(const struct m_event *ev, uint64_t *c)
{
	unsigned int n = 0;

	if (ev->area)
		c[n++] = ev->area->cookie;
	if (ev->pages)
		c[n++] = ev->pages->cookie;
	for (const struct m_area *a = ev->pages ? ev->pages->areas : NULL; a && n < 4;
	     a = a->next_of_pages)
		if (a != ev->area)
			c[n++] = a->cookie;
	if (ev->domain)
		c[n++] = ev->domain->cookie;
	if (ev->device)
		c[n++] = ev->device->cookie;
	if (!n && ev->ioas)
		c[n++] = ev->ioas->cookie;
	return n;
}

/* How often @rule was violated, this time included. */
static uint64_t count_violation(struct ims_verifier *v, const struct ims_rule *rule)
{
	for (unsigned int k = 0; k < v->nrules; k++)
		if (v->result[k].rule == rule)
			return ++v->result[k].violations;
	return 0;
}

void violate(struct ims_verifier *v, const struct ims_rule *rule, const struct m_event *ev,
	     const char *fmt, ...)
{
	const struct ims_hdr *h = &ev->r->h;
	struct ims_violation viol = {
		.rule = rule->id, .severity = rule->severity, .statement = rule->statement,
		.seq = h->seq, .ktime_ns = h->ktime_ns, .ctx = ev->ctx ? ev->ctx->cookie : h->ctx,
		.ring = h->ring, .tgid = h->tgid, .tid = h->tid, .event = ev,
	};
	uint64_t cookies[8];
	va_list ap;

	v->violations++;
	if (v->opts.on_count)
		v->opts.on_count(v->opts.arg, ev);
	if (count_violation(v, rule) > (v->opts.reports ? v->opts.reports : REPORTS) ||
	    !v->opts.on_violation)
		return;
	va_start(ap, fmt);
	vsnprintf(viol.text, sizeof(viol.text), fmt, ap);
	va_end(ap);
	if (ev->ctx)
		memcpy(viol.comm, ev->ctx->comm, sizeof(viol.comm));
	describe_object(ev, viol.object, sizeof(viol.object));
	viol.nhistory = history_find(&v->history, viol.ctx, cookies, cookies_of(ev, cookies),
				     false, viol.history, IMS_HISTORY);
	v->opts.on_violation(v->opts.arg, &viol);
}

unsigned int ims_verifier_life(const struct ims_verifier *v, const struct ims_violation *viol,
			       const struct ims_record **out, unsigned int max)
{
	const struct m_event *ev = viol->event;
	uint64_t cookies[16];
	unsigned int n = cookies_of(ev, cookies);
	const struct m_ioas *s = ev->ioas;

	if (!s && ev->pages && ev->pages->areas)
		s = ev->pages->areas->ioas;
	for (const struct m_domain *d = s ? s->domains : NULL; d && n < 16; d = d->next)
		if (d != ev->domain)
			cookies[n++] = d->cookie;
	return history_find(&v->history, viol->ctx, cookies, n, true, out, max);
}

const struct model *ims_verifier_model(const struct ims_verifier *v)
{
	return &v->model;
}

static void decide(const struct ims_verifier *v, struct ims_summary *s)
{
	uint64_t lost = 0;

	for (int i = 0; i < IMS_LOSS_CLASSES; i++)
		lost += s->lost[i];
	if (s->violations) {
		s->verdict = IMS_FAIL;
		snprintf(s->why, sizeof(s->why), "%llu violations",
			 (unsigned long long)s->violations);
	} else if (lost || s->ctxs_unknown || v->model.gaps || v->model.telling) {
		s->verdict = IMS_INCONCLUSIVE;
		if (s->inconsistent)
			snprintf(s->why, sizeof(s->why),
				 "inconsistent stream: %s; %llu of %llu ctxs were not checked to the end",
				 v->model.why_inconsistent, (unsigned long long)s->ctxs_unknown,
				 (unsigned long long)s->ctxs);
		else if (!lost)
			snprintf(s->why, sizeof(s->why),
				 "records were lost; %llu of %llu ctxs were not checked to the end",
				 (unsigned long long)s->ctxs_unknown, (unsigned long long)s->ctxs);
		else
			snprintf(s->why, sizeof(s->why),
				 "%llu records were lost; %llu of %llu ctxs were not checked to the end",
				 (unsigned long long)lost, (unsigned long long)s->ctxs_unknown,
				 (unsigned long long)s->ctxs);
	} else if (!s->ctxs) {
		s->verdict = IMS_INCONCLUSIVE;
		snprintf(s->why, sizeof(s->why), "no ctx was seen: nothing was checked");
	} else {
		s->verdict = IMS_PASS;
		snprintf(s->why, sizeof(s->why), "no rule was broken in %llu ctxs",
			 (unsigned long long)s->ctxs);
	}
}

void ims_verifier_summary(struct ims_verifier *v, struct ims_summary *s)
{
	*s = (struct ims_summary){
		.ctxs = v->model.ctxs_seen, .ctxs_unknown = v->model.ctxs_unknown,
		.foreign = v->model.unknown_ctx, .inconsistent = v->model.inconsistent,
		.violations = v->violations, .rule = v->result, .nrules = v->nrules,
	};
	for (int i = 0; i < IMS_NR_KINDS; i++) {
		s->records[i] = v->records[i];
		s->total += v->records[i];
	}
	memcpy(s->lost, v->lost, sizeof(s->lost));
	decide(v, s);
}
