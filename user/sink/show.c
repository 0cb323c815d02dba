// SPDX-License-Identifier: GPL-2.0-only
#include "sink/show.h"

#include <inttypes.h>

#include "record/desc.h"

/* -1: plain bytes. */
static int unit_of(uint64_t *bytes)
{
	int unit = -1;

	while (*bytes && !(*bytes & 1023) && unit < 3) {
		*bytes >>= 10;
		unit++;
	}
	return unit;
}

void show_bytes(FILE *f, uint64_t bytes)
{
	int unit = unit_of(&bytes);

	fprintf(f, "%" PRIu64, bytes);
	if (unit >= 0)
		putc("KMGT"[unit], f);
}

int show_width(uint64_t bytes)
{
	int n = unit_of(&bytes) >= 0;

	do
		n++;
	while (bytes /= 10);
	return n;
}

void show_text(FILE *f, const char *s, size_t max)
{
	for (size_t i = 0; i < max && s[i]; i++)
		putc(s[i] < 0x20 || s[i] > 0x7e ? '?' : s[i], f);
}

void show_flags(FILE *f, const struct ims_name *names, uint64_t value)
{
	const char *between = "";

	for (; names->name; names++) {
		if (!(value & names->value))
			continue;
		fprintf(f, "%s%s", between, names->name);
		value &= ~names->value;
		between = "|";
	}
	if (value || !*between)
		fprintf(f, "%s%#" PRIx64, between, value);
}

/* Three digits, in the unit that suits. */
static const char *scaled(char *buf, double v, const char *const *units, double step)
{
	while (v >= step * 0.9995 && units[1]) {
		v /= step;
		units++;
	}
	snprintf(buf, SHOW_SIZE, v < 9.995 && v != (int)v ? "%.2f %s" :
		 v < 99.95 && v != (int)v ? "%.1f %s" : "%.0f %s", v, *units);
	return buf;
}

const char *show_ns(char buf[SHOW_SIZE], uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s", NULL };

	return scaled(buf, ns, units, 1000);
}

const char *show_size(char buf[SHOW_SIZE], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", NULL };

	return scaled(buf, bytes, units, 1024);
}
