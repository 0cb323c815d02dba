// SPDX-License-Identifier: GPL-2.0-only
/* See kinds.h. */
#include "sink/kinds.h"

#include "record/desc.h"

void ims_kinds_text(FILE *f, uint64_t kinds)
{
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (kinds >> kind & 1)
			fprintf(f, " %s", ims_desc(kind)->name);
}

void ims_kinds_json(struct jsonw *w, const char *key, uint64_t kinds)
{
	jw_array(w, key);
	for (unsigned int kind = 1; kind < IMS_NR_KINDS; kind++)
		if (kinds >> kind & 1)
			jw_text(w, NULL, ims_desc(kind)->name);
	jw_array_end(w);
}
