/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may be in something that has no beginning in the stream.
 *
 * What a thread has begun before we were attached, or while records of it were lost, is
 * not seen.  It may have taken an object out of the table and still be unmapping it,
 * which no snapshot shows.  So nothing of a ctx is believed before each thread of its
 * holders was seen outside of iommufd once: what it begins from then on is seen.
 *
 * Seen outside is who is not on the list of those who may be inside, whose time in user
 * mode has grown since, or who begins or ends an ioctl in the stream.
 */
#ifndef IMS_UNSEEN_H
#define IMS_UNSEEN_H

#include "source/snap.h"

struct unseen {		/* zeroed: anybody may be */
	bool looked;
	struct snap_threads threads;
};

/* Whether somebody may still be. */
bool unseen_left(const struct unseen *u);
/* @now may be inside at this moment; it is taken over. */
void unseen_look(struct unseen *u, struct snap_threads *now);
/* @tid begins or ends an ioctl. */
void unseen_forget(struct unseen *u, uint32_t tid);
/* Anybody may be, again. */
void unseen_begin(struct unseen *u);

#endif
