// SPDX-License-Identifier: GPL-2.0-only
/*
 * FILE-SEAL (security): pages of a file are mapped for writing only if the file was opened
 * for writing and is not sealed against it.
 *
 * Who hands out a memfd read-only, or sealed, relies on nobody writing to it; mmap() and
 * udmabuf refuse such a request.  No exceptions.
 */
#include "rules/rules.h"

extern const struct ims_rule rule_file_seal;

static void file(struct ims_verifier *v, const struct m_event *ev)
{
	uint32_t flags = ev->r->p.file.flags;

	if (ev->r->h.action != IMS_FILE_MEMFD || !ev->pages || !ev->pages->writable)
		return;
	if (!(flags & IMS_FILE_WRITE))
		violate(v, &rule_file_seal, ev,
			"a file that was opened for reading only is mapped for writing");
	else if (flags & (IMS_FILE_SEAL_WRITE | IMS_FILE_SEAL_FUTURE))
		violate(v, &rule_file_seal, ev,
			"a file that is sealed against writing is mapped for writing");
}

const struct ims_rule rule_file_seal = {
	.id = "FILE-SEAL", .severity = 'S',
	.statement = "a file that may not be written to is not mapped for writing",
	.before = { { IMS_FILE, file } },
	.needs = IMS_NEEDS(IMS_PAGES),
};
