// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace: print what iommufd does.
 */
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "record/desc.h"

static bool wanted(const struct ims_settings *set, const struct ims_record *r)
{
	uint64_t start, last;

	if (r->h.kind == IMS_LOSS)
		return true;	/* never hide that something is missing */
	if (set->kinds ? !(set->kinds >> r->h.kind & 1) : r->h.kind == IMS_END)
		return false;
	if (!set->iova.set)
		return true;
	return ims_record_iova(r, &start, &last) && start <= set->iova.last &&
	       last >= set->iova.start;
}

static void trace_record(struct session *s, const struct ims_record *r)
{
	if (wanted(s->set, r))
		output_record(&s->out, r);
}

static void trace_finish(struct session *s, struct ims_outcome *o)
{
	(void)s;
	(void)o;	/* nothing is judged */
}

static const struct session_ops trace_ops = {
	.late_join = true,
	.record = trace_record,
	.finish = trace_finish,
};

int trace_run(const struct ims_settings *set)
{
	struct session s = { .ops = &trace_ops, .set = set };

	return session_run(&s) ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

static const struct ims_opt trace_opts[] = {
	IMS_OPTS_OPENER,
	{ "ioas", 0, IMS_OPT_U32, IMS_SET(ioas), 1, UINT32_MAX, "ID",
	  "contexts that get an IOAS with this object id" },
	{ "device", 0, IMS_OPT_TEXT, IMS_SET(device), 1, 31, "NAME",
	  "contexts that get this device, such as 0000:03:00.0" },
	{ "kinds", 'k', IMS_OPT_KINDS, IMS_SET(kinds), 0, 0, "LIST",
	  "print only these kinds of records, comma-separated" },
	{ "iova", 0, IMS_OPT_RANGE, IMS_SET(iova), 0, 0, "RANGE",
	  "print only records that touch FIRST-LAST or FIRST+LENGTH" },
	IMS_OPTS_LIVE,
	IMS_OPTS_OUTPUT,
	{}
};

const struct ims_command ims_trace = {
	.name = "trace",
	.usage = "[OPTION]... [-- CMD...]",
	.summary = "print what iommufd does, live or while CMD runs",
	.text = "Prints records of whole contexts (files of /dev/iommu): of all, of those used by\n"
		"tasks that fit every filter given, or of those used by CMD and its descendants.\n"
		"A context that is picked by --ioas or --device is printed from there on. --kinds\n"
		"and --iova then choose among its records. Losses are always printed.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = trace_opts,
	.run = trace_run,
};
