// SPDX-License-Identifier: GPL-2.0-only
#include "sink/kept.h"

#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "sink/story.h"

struct kept *kept_new(void)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k)
		ims_text_init(&k->text, NULL);
	return k;
}

static char *as_text(struct kept *k, const struct ims_violation *v)
{
	char *text = NULL;
	size_t size;

	k->text.f = open_memstream(&text, &size);
	if (!k->text.f)
		return NULL;
	k->text.ops->violation(&k->text, v);
	fclose(k->text.f);
	return text;
}

static bool room_for_one(struct kept *k)
{
	unsigned int cap = k->cap ? 2 * k->cap : 16;
	struct kept_violation *list;

	if (k->n < k->cap)
		return true;
	list = realloc(k->list, cap * sizeof(*list));
	if (!list)
		return false;
	k->list = list;
	k->cap = cap;
	return true;
}

void kept_violation(struct ims_sink *s, const struct ims_violation *v)
{
	const struct m_ioas *in = ims_event_ioas(v->event);
	struct kept *k = s->kept;

	if (!k || !room_for_one(k))
		return;
	k->text.explain = s->explain;
	k->list[k->n++] = (struct kept_violation){
		.rule = v->rule, .ctx = v->ctx, .ioas = in ? in->cookie : 0,
		.said = strdup(v->text), .lines = as_text(k, v),
	};
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	for (unsigned int i = 0; i < k->n; i++) {
		free(k->list[i].said);
		free(k->list[i].lines);
	}
	free(k->list);
	ims_sink_destroy(&k->text);
	free(k);
}
