// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommuscope: says what iommufd does to DMA mappings, and whether it is right.
 *
 * Only dispatches; the commands are in cmd/.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "say.h"

#ifndef IMS_VERSION
#define IMS_VERSION "unknown"
#endif

static void help(FILE *f)
{
	fputs("Usage: iommuscope COMMAND [OPTION]... [-- CMD...]\n\n"
	      "Says what iommufd does to DMA mappings, and whether it is right.\n\nCommands:\n", f);
	for (unsigned int i = 0; ims_commands[i]; i++)
		fprintf(f, "  %-10s %s\n", ims_commands[i]->name, ims_commands[i]->summary);
	fputs("  help       this text; 'help COMMAND' for a command\n"
	      "\n'iommuscope --version' prints the version.\n", f);
}

/* Help that nobody received is an error like any other lost output. */
static int written(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return IMS_EXIT_OK;
	ims_error("cannot write to standard output");
	return IMS_EXIT_USAGE;
}

static int unknown(const char *name)
{
	ims_error("'%s' is not a command; see 'iommuscope help'", name);
	return IMS_EXIT_USAGE;
}

static int run_help(const char *name)
{
	const struct ims_command *cmd = name ? ims_command_find(name) : NULL;

	if (name && !cmd)
		return unknown(name);
	if (cmd)
		ims_opts_help(cmd, stdout);
	else
		help(stdout);
	return written();
}

static int run_command(const struct ims_command *cmd, int argc, char **argv)
{
	struct ims_settings set;

	ims_settings_init(&set);
	if (ims_opts_parse(cmd, argc, argv, &set))
		return IMS_EXIT_USAGE;
	if (set.help)
		return run_help(cmd->name);
	if (set.quiet || set.verbose)
		ims_say_level = set.quiet ? IMS_SAY_QUIET : IMS_SAY_VERBOSE;
	return cmd->run(&set);
}

/*
 * If one of the three standard files is closed, the next one to be opened gets
 * its number: records would be written into a pipe or a BPF object of our own.
 * A file that cannot be written takes the place, so that writing fails as it should.
 */
static void occupy_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct ims_command *cmd;

	occupy_standard_files();
	if (!name) {
		ims_error("which command? see 'iommuscope help'");
		return IMS_EXIT_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("iommuscope " IMS_VERSION);
		return written();
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return run_help(argc > 2 ? argv[2] : NULL);
	cmd = ims_command_find(name);
	return cmd ? run_command(cmd, argc - 1, argv + 1) : unknown(name);
}
