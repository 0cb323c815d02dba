// SPDX-License-Identifier: GPL-2.0-only
/* See header.h. */
#include "record/header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/desc.h"

/* ---- writing ---- */

static void put_line(FILE *f, const char *word, const char *value)
{
	if (!value)
		return;
	fprintf(f, "%s ", word);
	for (; *value; value++) {
		if (*value == '\n' || *value == '\\')
			putc('\\', f);
		putc(*value == '\n' ? 'n' : *value, f);
	}
	putc('\n', f);
}

static void put_kinds(FILE *f)
{
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++) {
		const struct ims_desc *d = ims_desc(kind);

		fprintf(f, "kind %s %u %u\n", d->name, kind, ims_payload_size(kind));
		for (unsigned int i = 0; i < d->nfields; i++)
			fprintf(f, "field %s %u %u\n", d->fields[i].name, d->fields[i].offset,
				d->fields[i].width);
	}
}

static void put_absent(FILE *f, const struct ims_origin *o)
{
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (o->absent >> kind & 1)
			put_line(f, "absent", ims_desc(kind)->name);
	put_line(f, "absent_why", o->absent_why);
}

static char *finish(FILE *f, char **text)
{
	bool bad = ferror(f);

	if (!fclose(f) && !bad)
		return *text;
	free(*text);
	return NULL;
}

char *ims_header_write(const struct ims_origin *o, size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	fprintf(f, "abi %d\n", IMS_ABI);
	put_line(f, "program", o->program);
	put_line(f, "kernel", o->kernel);
	put_line(f, "machine", o->machine);
	put_line(f, "kernel_cmdline", o->cmdline);
	put_line(f, "note", o->note);
	fprintf(f, "hpage %" PRIu64 "\nrings %" PRIu64 "\nclock_offset_ns %" PRId64 "\n",
		o->hpage, o->rings, o->clock_offset);
	for (char **arg = o->argv; arg && *arg; arg++)
		put_line(f, "arg", *arg);
	put_absent(f, o);
	put_kinds(f);
	return finish(f, &text);
}

char *ims_header_write_end(const struct ims_origin *o, size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	if (o->ended)
		fprintf(f, "command_%s %d\n", o->signaled ? "signal" : "status", o->code);
	fputs("end\n", f);
	return finish(f, &text);
}

/* ---- reading ---- */

struct parse {
	struct ims_origin *o;
	const struct ims_desc *desc;	/* of the kind whose fields come */
	uint64_t kinds;			/* that the file has */
	unsigned int nargs;
	char *why;
	size_t room;
};

static int complain(struct parse *p, const char *what, const char *name)
{
	snprintf(p->why, p->room, "%s%s", what, name);
	return -EPROTO;
}

static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			*to++ = *s == 'n' ? '\n' : *s;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

static int keep(struct parse *p, char **to, char *value)
{
	(void)p;
	unescape(value);
	free(*to);
	*to = strdup(value);
	return *to ? 0 : -ENOMEM;
}

#define KEEPER(name, field)						\
	static int name(struct parse *p, char *value)			\
	{								\
		return keep(p, &p->o->field, value);			\
	}
KEEPER(on_program, program)
KEEPER(on_kernel, kernel)
KEEPER(on_machine, machine)
KEEPER(on_cmdline, cmdline)
KEEPER(on_note, note)
KEEPER(on_absent_why, absent_why)

static int on_abi(struct parse *p, char *value)
{
	if (strtoul(value, NULL, 10) == IMS_ABI)
		return 0;
	return complain(p, "its records have another ABI than ours: ", value);
}

static int on_hpage(struct parse *p, char *value)
{
	p->o->hpage = strtoull(value, NULL, 10);
	return 0;
}

static int on_rings(struct parse *p, char *value)
{
	p->o->rings = strtoull(value, NULL, 10);
	return 0;
}

static int on_clock(struct parse *p, char *value)
{
	p->o->clock_offset = strtoll(value, NULL, 10);
	return 0;
}

static int on_arg(struct parse *p, char *value)
{
	char **argv = realloc(p->o->argv, (p->nargs + 2) * sizeof(*argv));

	if (!argv)
		return -ENOMEM;
	p->o->argv = argv;
	argv[p->nargs] = argv[p->nargs + 1] = NULL;
	return keep(p, &argv[p->nargs++], value);
}

static int on_absent(struct parse *p, char *value)
{
	p->o->absent |= 1ULL << ims_kind_by_name(value) & ~1ULL;
	return 0;
}

static int on_kind(struct parse *p, char *value)
{
	unsigned int number, size;
	char name[64];

	if (sscanf(value, "%63s %u %u", name, &number, &size) != 3)
		return complain(p, "its description is damaged at kind ", value);
	p->desc = ims_desc(number);
	if (!p->desc)
		return 0;	/* newer than us: we fail if there is such a record */
	if (strcmp(p->desc->name, name) || ims_payload_size(number) != size)
		return complain(p, "we know another layout of records of kind ", name);
	p->kinds |= 1ULL << number;
	return 0;
}

/* A field that only we know was reserved, and 0, when this was recorded. */
static int on_field(struct parse *p, char *value)
{
	unsigned int offset, width;
	char name[64];

	if (sscanf(value, "%63s %u %u", name, &offset, &width) != 3)
		return complain(p, "its description is damaged at field ", value);
	for (unsigned int i = 0; p->desc && i < p->desc->nfields; i++) {
		const struct ims_field *f = &p->desc->fields[i];

		if (!strcmp(f->name, name))
			return f->offset == offset && f->width == width ? 0 :
			       complain(p, "we know another place of the field ", name);
	}
	return 0;
}

static int on_status(struct parse *p, char *value)
{
	p->o->ended = true;
	p->o->code = strtol(value, NULL, 10);
	return 0;
}

static int on_signal(struct parse *p, char *value)
{
	p->o->signaled = true;
	return on_status(p, value);
}

static const struct {
	const char *word;
	int (*take)(struct parse *p, char *value);
} words[] = {
	{ "abi", on_abi }, { "program", on_program }, { "kernel", on_kernel },
	{ "machine", on_machine }, { "kernel_cmdline", on_cmdline }, { "note", on_note },
	{ "hpage", on_hpage }, { "rings", on_rings }, { "clock_offset_ns", on_clock },
	{ "arg", on_arg }, { "absent", on_absent }, { "absent_why", on_absent_why },
	{ "kind", on_kind }, { "field", on_field },
	{ "command_status", on_status }, { "command_signal", on_signal },
};

static int take_line(struct parse *p, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return 0;
	*value++ = 0;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].word, line))
			return words[i].take(p, value);
	return 0;
}

/* Kinds that we have and the file does not know are absent. */
static int note_older(struct parse *p)
{
	uint64_t ours = (1ULL << IMS_NR_KINDS) - 2;

	if (!(ours & ~p->kinds))
		return 0;
	p->o->absent |= ours & ~p->kinds;
	if (p->o->absent_why)
		return 0;
	p->o->absent_why = strdup("the recording is of an iommuscope that did not know what it needs");
	return p->o->absent_why ? 0 : -ENOMEM;
}

int ims_header_parse(char *text, size_t size, struct ims_origin *o, char *why, size_t room)
{
	struct parse p = { .o = o, .why = why, .room = room };
	int rc = 0;

	while (o->argv && o->argv[p.nargs])
		p.nargs++;
	snprintf(why, room, "out of memory");
	for (char *line = text, *end; !rc && line < text + size; line = end + 1) {
		end = line + strcspn(line, "\n");
		*end = 0;
		rc = take_line(&p, line);
	}
	return !rc && p.kinds ? note_older(&p) : rc;
}
