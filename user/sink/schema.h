/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IMS_SCHEMA_H
#define IMS_SCHEMA_H

#include <stdio.h>

/* The JSON schema (2020-12) of every line that the JSON format writes. */
void ims_schema_put(FILE *f);

#endif
