// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/cmd.h"

#include <string.h>

const struct ims_command *const ims_commands[] = {
	&ims_check, &ims_trace, &ims_top, &ims_ls, &ims_profile, &ims_record, &ims_replay,
	&ims_report, &ims_schema, &ims_rules_command, &ims_doctor, NULL
};

const struct ims_command *ims_command_find(const char *name)
{
	for (unsigned int i = 0; ims_commands[i]; i++)
		if (!strcmp(ims_commands[i]->name, name))
			return ims_commands[i];
	return NULL;
}
