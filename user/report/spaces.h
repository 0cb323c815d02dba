/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOVA spaces over time: rectangles of IOVAs by the time they were there.
 *
 * A space is an IOAS. In it there are areas, reserved and allowed ranges, and the
 * apertures of domains. Of more than can be drawn those stay that cover most: bytes
 * times nanoseconds; what was left away is counted. What is alive is kept besides,
 * so memory grows with that.
 */
#ifndef IMS_SPACES_H
#define IMS_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "model/table.h"
#include "record/desc.h"
#include "report/times.h"
#include "view/usage.h"

#define SPACES 48
#define MOST_AREAS 4000
#define MOST_RANGES 2000
#define NO_SPACE SPACES

enum rect_kind { RECT_AREA, RECT_RESERVED, RECT_ALLOWED, RECT_APERTURE };
enum rect_end { RECT_STILL, RECT_UNMAPPED, RECT_SPLIT, RECT_CLOSED };

extern const struct ims_name rect_kinds[], rect_ends[];

struct rect {
	uint64_t from, to;	/* ns since the first record */
	uint64_t start, last;	/* IOVAs */
	uint64_t cookie;	/* the area, or the owner of the range */
	uint64_t pages;		/* cookie */
	uint32_t prot;
	uint16_t space;
	uint8_t kind, end;
	struct rect *next;	/* while it is alive: of ranges */
};

struct rects {
	struct rect *at;
	size_t n, most;
};

struct space {
	uint64_t ctx, cookie;
	uint32_t id, tgid;
	char comm[IMS_COMM];
	uint64_t areas, left_out;	/* that it ever had; of these not drawn */
	uint64_t alive;
	uint64_t born;			/* ns since the first record */
	bool gone, keep;		/* keep: something is shown that refers to it */
};

struct spaces {
	const struct times *times;
	struct space at[SPACES];
	unsigned int n;
	uint64_t others;		/* IOASes that are not drawn at all */
	struct rects areas, ranges;
	struct table live;		/* areas, by usage_key() */
	struct rect *held;		/* ranges that are alive */
};

void spaces_init(struct spaces *s, const struct times *t);
/* After usage_feed() with the same record. */
void spaces_feed(struct spaces *s, const struct usage *u, const struct ims_record *r);
void spaces_gone(struct spaces *s, struct usage_ioas *ioas, uint64_t ns);
/* The number of the space, NO_SPACE; it is kept from now on. */
unsigned int spaces_keep(struct spaces *s, const struct usage_ioas *ioas);
/* What is still there stays until the end. */
void spaces_finish(struct spaces *s);
void spaces_destroy(struct spaces *s);

#endif
