// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink.h"

#include <stdlib.h>

#include "sink/kept.h"

const char *const ims_loss_names[IMS_LOSS_CLASSES] = {
	[IMS_LOSS_RING] = "ring",
	[IMS_LOSS_READ] = "read",
	[IMS_LOSS_TABLE] = "table",
};

const char *ims_severity_name(char severity)
{
	switch (severity) {
	case 'S':
		return "security";
	case 'R':
		return "resource";
	default:
		return "semantic";
	}
}

static uint64_t sum(const uint64_t *values, unsigned int n)
{
	uint64_t total = 0;

	while (n--)
		total += values[n];
	return total;
}

uint64_t ims_outcome_records(const struct ims_outcome *o)
{
	return sum(o->records, IMS_NR_KINDS);
}

uint64_t ims_outcome_lost(const struct ims_outcome *o)
{
	return sum(o->lost, IMS_LOSS_CLASSES);
}

void ims_sink_destroy(struct ims_sink *s)
{
	void *name;
	uint32_t i;

	if (s->ops->destroy)
		s->ops->destroy(s);
	table_for_each(&s->ctxs, i, name)
		free(name);
	table_destroy(&s->ctxs);
	kept_free(s->kept);
}
