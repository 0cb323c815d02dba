/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that apply records share; nobody else needs it. See model.h. */
#ifndef IMS_APPLY_H
#define IMS_APPLY_H

#include "model/model.h"

typedef void (*apply_fn)(struct model *m, struct m_event *ev);

/* One per record kind, NULL where the state does not change. */
extern const apply_fn apply_space[IMS_NR_KINDS];	/* life, IOAS, aperture */
extern const apply_fn apply_dma[IMS_NR_KINDS];		/* pages, pins, domains, charges */
extern const apply_fn apply_device[IMS_NR_KINDS];	/* devices, accesses */
extern const apply_fn apply_told[IMS_NR_KINDS];		/* the IOMMU core, answers */
extern const apply_fn apply_newer[IMS_NR_KINDS];	/* what 6.12 does not have */

/* The stream contradicts the state: give up on this ctx. */
void model_contradict(struct model *m, struct m_event *ev, const char *why);
/* The thread of @ev changed the pins or the charge of @p. */
void model_touch(struct model *m, struct m_event *ev, struct m_pages *p);

/* The device of @ev left what it was attached to; 0 for what it did not leave. */
void model_left(struct m_event *ev, uint64_t ioas, uint64_t domain, uint64_t handle);

/* loss.c: a record was lost before this one; a LOSS record; the end of the model. */
void model_check_loss(struct model *m, const struct ims_hdr *h);
void model_apply_loss(struct model *m, const struct m_event *ev);
void model_forget_doubts(struct model *m);
/* May the ctx that is born by this record be one that lost records? */
bool model_doubts(struct model *m, const struct ims_hdr *h);

/* The IOAS of VFIO's ioctls is @ioas from now on, 0: none. */
void model_set_compat(struct m_event *ev, uint64_t ioas);

/* Records of other kinds that what was told depends on. */
void told_pinned(struct m_event *ev);		/* an access has pinned a slice */
void told_pin(struct m_event *ev);		/* one was made or refused */
void told_access_over(struct m_event *ev);	/* the call of the access is over */
void told_synced(struct m_event *ev);
void told_ioctl(struct m_event *ev);		/* another call begins, or ends */
void told_free(struct m_told *t);

void area_link(struct m_area *a);	/* into its IOAS */
void area_unlink(struct m_area *a);
void area_free(struct m_area *a);
/* What a pages object owns, not the object. */
void pages_disown(void *pages);
void ranges_free(struct m_range **list);
int range_add(struct m_range **list, uint64_t start, uint64_t last, uint64_t owner);
/* Remove one range with these bounds and owner. */
bool range_del(struct m_range **list, uint64_t start, uint64_t last, uint64_t owner);
void range_del_owner(struct m_range **list, uint64_t owner);
/* Forget everything that belongs to @c. */
void ctx_purge(struct m_ctx *c);
void ctx_free(struct model *m, struct m_ctx *c);

#endif
