// SPDX-License-Identifier: GPL-2.0-only
#include "sink/jsonw.h"

#include <string.h>

size_t utf8_len(const unsigned char *s, size_t max)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > max)
		return 0;
	c = s[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

static void quote(FILE *f, const char *text, size_t max)
{
	const unsigned char *s = (const unsigned char *)text;
	const unsigned char *end = s + strnlen(text, max);

	putc_unlocked('"', f);
	while (s < end) {
		size_t n = utf8_len(s, end - s);

		if (!n || *s < 0x20 || *s == 0x7f) {
			fprintf(f, "\\u%04x", *s++);
			continue;
		}
		if (*s == '"' || *s == '\\')
			putc_unlocked('\\', f);
		while (n--)
			putc_unlocked(*s++, f);
	}
	putc_unlocked('"', f);
}

static void begin(struct jsonw *w, const char *key)
{
	if (w->comma)
		putc_unlocked(',', w->f);
	w->comma = true;
	if (!key)
		return;
	quote(w->f, key, SIZE_MAX);
	putc_unlocked(':', w->f);
}

static void open_with(struct jsonw *w, const char *key, char bracket)
{
	begin(w, key);
	putc_unlocked(bracket, w->f);
	w->comma = false;
}

static void close_with(struct jsonw *w, char bracket)
{
	putc_unlocked(bracket, w->f);
	w->comma = true;
}

void jw_object(struct jsonw *w, const char *key)
{
	open_with(w, key, '{');
}

void jw_object_end(struct jsonw *w)
{
	close_with(w, '}');
}

void jw_array(struct jsonw *w, const char *key)
{
	open_with(w, key, '[');
}

void jw_array_end(struct jsonw *w)
{
	close_with(w, ']');
}

/* printf would be most of the cost of a record. */
static void put_u64(FILE *f, uint64_t value)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = '0' + value % 10;
	} while (value /= 10);
	while (n--)
		putc_unlocked(digits[n], f);
}

void jw_u64(struct jsonw *w, const char *key, uint64_t value)
{
	begin(w, key);
	put_u64(w->f, value);
}

void jw_s64(struct jsonw *w, const char *key, int64_t value)
{
	begin(w, key);
	if (value < 0)
		putc_unlocked('-', w->f);
	put_u64(w->f, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void jw_hex(struct jsonw *w, const char *key, uint64_t value)
{
	char digits[16];
	int n = 0;

	begin(w, key);
	fputs("\"0x", w->f);
	do {
		digits[n++] = "0123456789abcdef"[value & 15];
	} while (value >>= 4);
	while (n--)
		putc_unlocked(digits[n], w->f);
	putc_unlocked('"', w->f);
}

void jw_bool(struct jsonw *w, const char *key, bool value)
{
	begin(w, key);
	fputs(value ? "true" : "false", w->f);
}

void jw_textn(struct jsonw *w, const char *key, const char *s, size_t max)
{
	begin(w, key);
	if (s)
		quote(w->f, s, max);
	else
		fputs("null", w->f);
}

void jw_text(struct jsonw *w, const char *key, const char *s)
{
	jw_textn(w, key, s, SIZE_MAX);
}

void jw_line_end(struct jsonw *w)
{
	putc_unlocked('\n', w->f);
	w->comma = false;
}
