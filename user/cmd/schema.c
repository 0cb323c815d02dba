// SPDX-License-Identifier: GPL-2.0-only
/*
 * schema: what the JSON output looks like, for programs.
 */
#include "sink/schema.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "say.h"

static int schema_run(const struct ims_settings *set)
{
	(void)set;
	ims_schema_put(stdout);
	if (!fflush(stdout) && !ferror(stdout))
		return IMS_EXIT_OK;
	ims_error("cannot write to standard output: %s", strerror(errno));
	return IMS_EXIT_USAGE;
}

static const struct ims_opt schema_opts[] = { IMS_OPTS_SAYING, {} };

const struct ims_command ims_schema = {
	.name = "schema",
	.usage = "",
	.summary = "print the JSON schema of all output",
	.text = "Prints a JSON schema (draft 2020-12) that every line of --format json fits.\n\n"
		"Exit status: 0, or 2 usage or environment.\n",
	.opts = schema_opts,
	.no_command = true,
	.run = schema_run,
};
