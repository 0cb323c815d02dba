/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IMS_DOCTOR_H
#define IMS_DOCTOR_H

#include <stdio.h>

#include "sink/jsonw.h"

void doctor_rights_text(FILE *f);
void doctor_rights_json(struct jsonw *w);

#endif
