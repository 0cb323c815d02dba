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

/* The stream contradicts the state: give up on this ctx. */
void model_contradict(struct model *m, struct m_event *ev, const char *why);
/* The thread of @ev changed the pins or the charge of @p. */
void model_touch(struct model *m, struct m_event *ev, struct m_pages *p);

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
