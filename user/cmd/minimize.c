// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay --minimize: a recording that fails, made small.
 *
 * A process of its own does it, which gives up all rights before it reads a record; so
 * somebody is left to remove what was begun when nothing comes of it.
 */
#define _GNU_SOURCE		/* asprintf() */
#include "minimize/minimize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "progress.h"
#include "record/reader.h"
#include "record/writer.h"
#include "rights/confine.h"
#include "say.h"

/* All records of a recording, in memory. */
struct load {
	struct ims_reader *reader;
	char *bytes;
	size_t size, room;
	const struct ims_record **list;
	size_t n;
};

static int keep_bytes(struct load *l, const char *at, size_t size)
{
	char *bytes;

	if (l->size + size > l->room) {
		l->room = 2 * (l->size + size);
		bytes = realloc(l->bytes, l->room);
		if (!bytes)
			return -ENOMEM;
		l->bytes = bytes;
	}
	memcpy(l->bytes + l->size, at, size);
	l->size += size;
	return 0;
}

static int list_records(struct load *l)
{
	l->list = calloc(ims_reader_records(l->reader) + 1, sizeof(*l->list));
	if (!l->list)
		return -ENOMEM;
	for (size_t at = 0; at < l->size; at += ims_record_size(l->list[l->n++]))
		l->list[l->n] = (const void *)(l->bytes + at);
	return 0;
}

static int load(struct load *l, const char *path)
{
	const char *at, *end;
	int rc;

	l->reader = ims_reader_open(path);
	if (!l->reader)
		return -EBADMSG;
	if (ims_confine(IMS_JOB_READER, 0))
		return -EPERM;
	while ((rc = ims_reader_next(l->reader, &at, &end)) > 0) {
		rc = keep_bytes(l, at, end - at);
		if (rc)
			break;
	}
	if (!rc)
		rc = list_records(l);
	if (rc == -ENOMEM)
		ims_error("%s: not enough memory for all of its records", path);
	return rc;
}

static void unload(struct load *l)
{
	ims_reader_close(l->reader);
	free(l->bytes);
	free(l->list);
}

/* ---- the result ---- */

static int note_origin(struct ims_origin *o, const struct load *l, const struct ims_target *t,
		       size_t before)
{
	if (ims_origin_copy(o, ims_reader_origin(l->reader)))
		return -ENOMEM;
	free(o->note);
	if (asprintf(&o->note, "minimised: %zu of %zu records, which break %s", l->n, before,
		     t->rule) < 0)
		o->note = NULL;
	return o->note ? 0 : -ENOMEM;
}

static int write_all(struct ims_writer *w, const struct load *l, const struct ims_origin *o)
{
	int rc = ims_writer_begin(w, o);

	for (size_t i = 0; !rc && i < l->n; i++)
		rc = ims_writer_add(w, l->list[i]);
	return rc ? rc : ims_writer_seal(w, o);
}

static void draw(void *arg, size_t left, unsigned int permille)
{
	progress_draw(arg, permille, "%3u%% of the time it may take, %zu records left", permille / 10, left);
}

static int shrink(struct load *l, struct ims_writer *w, const struct ims_settings *set)
{
	struct ims_origin *from = ims_reader_origin(l->reader), o = {};
	struct ims_verifier_opts opts = {
		.hpage = from->hpage,
		.kinds_absent = from->absent,
		.absent_why = from->absent_why ? from->absent_why : "",
	};
	struct progress progress;
	struct ims_target target = { .tried = draw, .arg = &progress };
	size_t before = l->n;
	int rc;

	progress_begin(&progress, true);
	rc = ims_minimize(l->list, &l->n, &opts, &target);
	progress_wipe(&progress);
	if (rc == -ENOENT) {
		ims_error("%s breaks no rule; there is nothing to minimise", set->replay);
		return rc;
	}
	if (!rc)
		rc = note_origin(&o, l, &target, before);
	if (rc)
		ims_error("out of memory");
	else
		rc = write_all(w, l, &o);
	ims_origin_free(&o);
	if (rc)
		return rc;
	printf("%zu of %zu records still break %s; they are in %s\n", l->n, before, target.rule,
	       set->file);
	if (target.gave_up)
		ims_note("it may get smaller still: minimise %s again", set->file);
	return 0;
}

static int minimize(struct ims_writer *w, const struct ims_settings *set)
{
	struct load l = {};
	int rc = load(&l, set->replay);

	if (!rc)
		rc = shrink(&l, w, set);
	unload(&l);
	return rc || fflush(stdout) ? IMS_EXIT_USAGE : IMS_EXIT_OK;
}

int minimize_run(const struct ims_settings *set)
{
	int status = 0;
	struct ims_writer *w;
	pid_t pid;

	if (!set->file || set->nwords > 1 || set->perfetto) {
		ims_error("--minimize needs a recording and -o for the result, nothing else");
		return IMS_EXIT_USAGE;
	}
	w = ims_writer_open(set->file);
	if (!w)
		return IMS_EXIT_USAGE;
	pid = fork();
	if (!pid)
		_exit(minimize(w, set));
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == IMS_EXIT_OK)
		return IMS_EXIT_OK;
	if (pid < 0)
		ims_error("cannot start a process to minimise in: %s", strerror(errno));
	else if (!WIFEXITED(status))
		ims_error("minimising was killed by signal %d", WTERMSIG(status));
	ims_writer_close(w);	/* nothing was written by us: removes it */
	return IMS_EXIT_USAGE;
}
