// SPDX-License-Identifier: GPL-2.0-only
/*
 * report: a recording as a page to look at.
 *
 * It is checked on the way, as replay does, so that violations are part of it.
 */
#include "cmd/cmd.h"
#include "say.h"

static int report_run(const struct ims_settings *given)
{
	struct ims_settings set = *given;

	if (!set.nwords) {
		ims_error("which recording? see 'iommuscope help report'");
		return IMS_EXIT_USAGE;
	}
	if (!set.file && set.output != IMS_OUTPUT_JSON) {
		ims_error("where to? name the page with -o FILE");
		return IMS_EXIT_USAGE;
	}
	set.replay = set.word[0];
	set.explain = true;
	set.output = set.output == IMS_OUTPUT_JSON ? IMS_OUTPUT_REPORT_JSON :
						     IMS_OUTPUT_REPORT_PAGE;
	return check_run(&set);
}

static const struct ims_opt report_opts[] = {
	{ "output", 'o', IMS_OPT_TEXT, IMS_SET(file), 1, 0, "FILE", "the page, such as report.html" },
	{ "format", 'f', IMS_OPT_OUTPUT, IMS_SET(output), 0, 0, "FORMAT",
	  "text: the page; json: the numbers that it shows" },
	IMS_OPTS_SAYING,
	{}
};

const struct ims_command ims_report = {
	.name = "report",
	.usage = "FILE -o PAGE [OPTION]...",
	.summary = "make a page of a recording, to be looked at in a browser",
	.text = "One HTML file that needs nothing else, neither network nor server: the IOVA spaces\n"
		"over time, pinned and charged memory against its limit, how long ioctls took and\n"
		"where, and all violations with their stories. A recording that was not finished, or\n"
		"is damaged, is shown as far as it goes, and the page says so.\n\n"
		"Exit status: that of replay: 0 PASS, 1 FAIL, 2 usage or a damaged FILE,\n"
		"3 INCONCLUSIVE.\n",
	.opts = report_opts,
	.words = 1,
	.no_command = true,
	.run = report_run,
};
