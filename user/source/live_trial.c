// SPDX-License-Identifier: GPL-2.0-only
/*
 * What could be had from this kernel: by loading and attaching all there is, and taking
 * it away again before it has made a record.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/hooks.h"
#include "source/live_impl.h"

#define MAX_HOOKS 256

void live_tried(struct live *live, const struct bpf_program *prog, bool attached)
{
	struct ims_trial *t = live->trial;
	struct ims_hook *h;

	if (!t || t->nhooks == MAX_HOOKS)
		return;
	h = &t->hook[t->nhooks++];
	snprintf(h->function, sizeof(h->function), "%s", hook_function(prog));
	h->kinds = hook_kinds(prog);
	h->attached = attached;
	t->nattached += attached;
}

int ims_live_try(enum ims_probes where, struct ims_trial *t)
{
	const struct ims_live_opts opts = { .rings = 1, .ring_size = getpagesize() };
	struct live *live = calloc(1, sizeof(*live));

	*t = (struct ims_trial){ .hook = calloc(MAX_HOOKS, sizeof(*t->hook)) };
	if (!live || !t->hook) {
		free(live);
		ims_trial_free(t);
		return -ENOMEM;
	}
	live->epoll = -1;
	live->trial = t;
	ims_keep_log();
	t->rc = (where == IMS_PROBES_TRACEPOINTS ? live_use_tracepoints : live_use_functions)(live,
											      &opts);
	t->absent = live->origin.absent;
	t->never = where == IMS_PROBES_FUNCTIONS ? hooks_never() : 0;
	probes_detach(&live->probes);
	live_rings_close(live);
	probes_close(&live->probes);
	ims_origin_free(&live->origin);
	free(live);
	return 0;
}

void ims_trial_free(struct ims_trial *t)
{
	free(t->hook);
	*t = (struct ims_trial){};
}
