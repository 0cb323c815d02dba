// SPDX-License-Identifier: GPL-2.0-only
#include "report/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink.h"
#include "sink/story.h"

/* The records as trace prints them. */
static char *history_text(const struct ims_violation *v)
{
	struct ims_sink text;
	char *lines = NULL;
	size_t size;
	FILE *f = open_memstream(&lines, &size);

	if (!f)
		return NULL;
	ims_text_init(&text, f);
	for (unsigned int i = 0; i < v->nhistory; i++)
		text.ops->record(&text, v->history[i]);
	ims_sink_destroy(&text);
	fclose(f);
	return lines;
}

void found_add(struct founds *f, const struct ims_violation *v,
	       const struct ims_verifier *explain, unsigned int space)
{
	struct ims_names names = {};
	struct found *x;

	if (f->n == MOST_FOUND) {
		f->others++;
		return;
	}
	x = &f->at[f->n++];
	*x = (struct found){ .rule = v->rule, .statement = v->statement, .severity = v->severity,
			     .text = strdup(v->text), .object = strdup(v->object),
			     .ktime_ns = v->ktime_ns, .seq = v->seq, .tgid = v->tgid,
			     .tid = v->tid, .space = space };
	memcpy(x->comm, v->comm, sizeof(x->comm));
	x->about_iova = ims_violation_iova(v, &x->start, &x->last);
	x->history = history_text(v);
	x->story = ims_story(explain, v, &names);
	x->map = ims_iova_map(v, &names);
}

void found_destroy(struct founds *f)
{
	for (struct found *x = f->at; x < f->at + f->n; x++) {
		free(x->text);
		free(x->object);
		free(x->story);
		free(x->map);
		free(x->history);
	}
	f->n = 0;
}
