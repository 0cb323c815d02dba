// SPDX-License-Identifier: GPL-2.0-only
/*
 * record: keep what iommufd does in a file, to be replayed.
 */
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "say.h"

static void record_finish(struct session *s, struct ims_outcome *o)
{
	(void)o;	/* nothing is judged */
	if (!s->recording_err)
		ims_note("%llu records in %s (%llu bytes)",
			 (unsigned long long)ims_writer_records(s->recording), s->set->record,
			 (unsigned long long)ims_writer_bytes(s->recording));
}

static const struct session_ops record_ops = { .finish = record_finish };

static int record_run(const struct ims_settings *set)
{
	struct session s = { .ops = &record_ops, .set = set };

	if (!set->record) {
		ims_error("where to? name the recording with -o FILE");
		return IMS_EXIT_USAGE;
	}
	return session_run(&s) ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static const struct ims_opt record_opts[] = {
	{ "output", 'o', IMS_OPT_TEXT, IMS_SET(record), 1, 0, "FILE",
	  "the recording, a new file" },
	IMS_OPTS_OPENER,
	{ "join", 0, IMS_OPT_BOOL, IMS_SET(join), 0, 0, NULL,
	  "also contexts of others, when a task that fits the filters uses them" },
	IMS_OPTS_LIVE,
	IMS_OPT_PERFETTO,
	IMS_OPTS_SAYING,
	{}
};

const struct ims_command ims_record = {
	.name = "record",
	.usage = "-o FILE [OPTION]... [-- CMD...]",
	.summary = "record what iommufd does, live or while CMD runs, into a file",
	.text = "Records the same contexts as check would look at, with snapshots of those that are\n"
		"open already. 'iommuscope replay FILE' reads the recording, anywhere and without root. It\n"
		"holds addresses of the kernel, so only its owner may read it. An existing file is\n"
		"never overwritten. After a crash or with a full disk, what stands there can be\n"
		"replayed, and is known to be incomplete.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = record_opts,
	.run = record_run,
};
