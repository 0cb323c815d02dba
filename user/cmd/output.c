// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/output.h"

#include <errno.h>
#include <string.h>

#include "say.h"

#define BUFFER (1 << 20)

static struct output_file *add(struct output *o, const char *path)
{
	struct output_file *file = &o->file[o->n];

	file->name = path ? path : "standard output";
	file->f = path ? fopen(path, "we") : stdout;
	if (!file->f) {
		ims_error("cannot write to %s: %s", file->name, strerror(errno));
		return NULL;
	}
	setvbuf(file->f, NULL, _IOFBF, BUFFER);
	o->n++;
	return file;
}

static void init_sink(struct output_file *file, enum ims_output format)
{
	switch (format) {
	case IMS_OUTPUT_JSON:
		ims_json_init(&file->sink, file->f);
		break;
	case IMS_OUTPUT_KTAP:
		ims_ktap_init(&file->sink, file->f);
		break;
	case IMS_OUTPUT_TEXT:
		ims_text_init(&file->sink, file->f);
		break;
	}
}

int output_open(struct output *o, const struct ims_settings *set)
{
	struct output_file *file = add(o, set->file);

	if (!file)
		return -1;
	init_sink(file, set->ktap ? IMS_OUTPUT_KTAP : set->output);
	if (!set->junit)
		return 0;
	file = add(o, set->junit);
	if (!file)
		return -1;
	ims_junit_init(&file->sink, file->f);
	return 0;
}

void output_record(struct output *o, const struct ims_record *r)
{
	for (unsigned int i = 0; i < o->n; i++)
		if (o->file[i].sink.ops->record)
			o->file[i].sink.ops->record(&o->file[i].sink, r);
}

void output_violation(struct output *o, const struct ims_violation *v)
{
	for (unsigned int i = 0; i < o->n; i++)
		o->file[i].sink.ops->violation(&o->file[i].sink, v);
}

void output_end(struct output *o, const struct ims_outcome *outcome)
{
	for (unsigned int i = 0; i < o->n; i++)
		o->file[i].sink.ops->end(&o->file[i].sink, outcome);
}

int output_failed(struct output *o)
{
	bool failed = false;

	for (unsigned int i = 0; i < o->n; i++) {
		struct output_file *file = &o->file[i];

		if (ferror(file->f) && !file->err)
			file->err = errno ? errno : EIO;
		failed |= file->err;
	}
	return failed ? -EPIPE : 0;
}

int output_flush(struct output *o)
{
	for (unsigned int i = 0; i < o->n; i++)
		fflush(o->file[i].f);
	return output_failed(o);
}

int output_close(struct output *o)
{
	int rc = 0;

	for (unsigned int i = 0; i < o->n; i++) {
		struct output_file *file = &o->file[i];

		if (file->f != stdout && fclose(file->f) && !file->err)
			file->err = errno;
		ims_sink_destroy(&file->sink);
		if (!file->err)
			continue;
		ims_error("cannot write to %s: %s", file->name, strerror(file->err));
		rc = -1;
	}
	return rc;
}
