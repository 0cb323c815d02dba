/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of fentry.bpf.c that the live source fills for contexts that were there
 * before.  Never recorded, so never an ABI.
 */
#ifndef IMS_TABLES_H
#define IMS_TABLES_H

#include "record.h"

/* Whose an id is. */
struct ims_id_key {
	__u64 ctx;
	__u32 id;
	__u32 _rsvd;
};

struct ims_id_state {
	__u64 obj;		/* 0: its end was told */
	__u32 type;		/* enum ims_object_type */
	__u32 visible;
};

/* Pages that accesses hold; more than one can hold the very same range. */
struct ims_range_key {
	__u64 pages, first, last;
};

struct ims_range_state {
	__u32 users;
	__u32 _rsvd;
	__u64 area;		/* of who is to be told last */
	__u64 ctx;
};

#endif /* IMS_TABLES_H */
