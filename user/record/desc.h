/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a record looks like, as data.
 *
 * One table says for each kind which fields its payload has, where they are and
 * how to show them.  Everything that prints, filters or documents records walks
 * this table, so that text, JSON and the schema cannot disagree.
 */
#ifndef IMS_DESC_H
#define IMS_DESC_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

enum ims_show {
	IMS_SHOW_COOKIE,	/* identity: "0x..." also in JSON */
	IMS_SHOW_ADDRESS,	/* hexadecimal; a number in JSON */
	IMS_SHOW_BYTES,		/* a size: 2M; a number in JSON */
	IMS_SHOW_COUNT,
	IMS_SHOW_SIGNED,
	IMS_SHOW_RC,		/* 0 or -errno */
	IMS_SHOW_BOOL,
	IMS_SHOW_ENUM,		/* one of names */
	IMS_SHOW_FLAGS,		/* a set of names */
	IMS_SHOW_TEXT,		/* char[width], NUL padded */
};

/* What a field says about the IOVA range of its record. */
enum ims_role { IMS_ROLE_NONE, IMS_ROLE_IOVA, IMS_ROLE_LAST, IMS_ROLE_LENGTH, IMS_ROLE_PAGES };

/* A list ends with a NULL name. */
struct ims_name {
	uint64_t value;
	const char *name;
};

struct ims_field {
	const char *name;
	uint16_t offset;	/* in the payload */
	uint16_t width;
	enum ims_show show;
	enum ims_role role;
	const struct ims_name *names;
};

struct ims_desc {
	const char *name;
	const char *about;
	const struct ims_name *actions;	/* NULL: the kind has none */
	const struct ims_field *fields;
	unsigned int nfields;
	const char *run_addr;	/* what a run is made of; NULL: no runs */
	const char *run_len;
};

/* NULL when there is no such kind. */
const struct ims_desc *ims_desc(uint32_t kind);
/* Names that are shown elsewhere, too. */
extern const struct ims_name ims_object_types[], ims_hwpt_flags[], ims_account_modes[],
			     ims_dma_prot[], ims_ioctl_cmds[];
/* IMS_NONE when there is no such name. */
enum ims_kind ims_kind_by_name(const char *name);
/* NULL when the value has no name. */
const char *ims_name_of(const struct ims_name *names, uint64_t value);
const char *ims_action_name(const struct ims_record *r);

/* How many of its kind's fields the record really has: only an OPEN has an opener. */
unsigned int ims_record_nfields(const struct ims_record *r);
uint64_t ims_field_u64(const struct ims_record *r, const struct ims_field *f);
int64_t ims_field_s64(const struct ims_record *r, const struct ims_field *f);
const char *ims_field_text(const struct ims_record *r, const struct ims_field *f);

/* The lengths of all its runs, in their unit. */
uint64_t ims_runs_sum(const struct ims_record *r);

/* The IOVAs that the record is about; false when it is not about IOVAs. */
bool ims_record_iova(const struct ims_record *r, uint64_t *start, uint64_t *last);

#endif
