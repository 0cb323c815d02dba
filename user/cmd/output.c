// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/output.h"

#include <errno.h>
#include <string.h>

#include "report/report.h"
#include "say.h"
#include "sink/perfetto.h"

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

static bool init_sink(struct output_file *file, enum ims_output format)
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
	case IMS_OUTPUT_REPORT_PAGE:
		return ims_report_page_init(&file->sink, file->f);
	case IMS_OUTPUT_REPORT_JSON:
		return ims_report_json_init(&file->sink, file->f);
	}
	return true;
}

static int open_results(struct output *o, const struct ims_settings *set)
{
	struct output_file *file = add(o, set->file);

	if (!file)
		return -1;
	if (!init_sink(file, set->ktap ? IMS_OUTPUT_KTAP : set->output)) {
		ims_error("out of memory");
		return -1;
	}
	if (!set->junit)
		return 0;
	file = add(o, set->junit);
	if (!file)
		return -1;
	ims_junit_init(&file->sink, file->f);
	return 0;
}

int output_open(struct output *o, const struct ims_settings *set, bool results)
{
	struct output_file *file;

	if (results && open_results(o, set))
		return -1;
	if (!set->perfetto)
		return 0;
	file = add(o, set->perfetto);
	if (!file)
		return -1;
	if (ims_perfetto_init(&file->sink, file->f))
		return 0;
	ims_error("out of memory");
	return -1;
}

void output_begin(struct output *o, const struct ims_origin *origin)
{
	for (unsigned int i = 0; i < o->n; i++)
		if (o->file[i].sink.ops->begin)
			o->file[i].sink.ops->begin(&o->file[i].sink, origin);
}

void output_see(struct output *o, const struct ims_record *r)
{
	for (unsigned int i = 0; i < o->n; i++)
		if (o->file[i].sink.ops->see)
			o->file[i].sink.ops->see(&o->file[i].sink, r);
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
		if (file->sink.ops)
			ims_sink_destroy(&file->sink);
		if (!file->err)
			continue;
		ims_error("cannot write to %s: %s", file->name, strerror(file->err));
		rc = -1;
	}
	return rc;
}
