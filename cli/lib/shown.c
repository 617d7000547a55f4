/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/shown.c - text of others as a terminal may have it. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/*
 * One code point of UTF-8 at p: its bytes, and *c; 0 where there is none
 * (RFC 3629, 4: no overlong form, no surrogate, at most U+10FFFF).
 */
static size_t
decode(const uint8_t *p, size_t len, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
	    (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	*c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	return *c < least[n] || *c > 0x10ffff ||
	    (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

/*
 * What moves a cursor, changes the order of what is read, or cannot be seen:
 * C0 and C1 (U+009B begins a sequence as ESC [ does), the bidirectional
 * controls (UAX 9), line and paragraph separators, and invisible joiners.
 */
static int
is_control(uint32_t c, int kind)
{
	if (c == '\n' || c == '\t')
		return (kind & CLI_SHOWN_NAME) != 0;
	return c < 0x20 ||
	    (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0xfeff ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f);
}

/* The length of "ESC [ 1;31 m" at p, 0 where it is none. */
static size_t
colour(const uint8_t *p, size_t len)
{
	size_t n = 2;

	if (len < 3 || p[0] != '\033' || p[1] != '[')
		return 0;
	while (n < len && ((p[n] >= '0' && p[n] <= '9') || p[n] == ';'))
		n++;
	return n < len && p[n] == 'm' ? n + 1 : 0;
}

#define ROOM 8			/* for one, and a NUL */

char *
cli_shown(const char *text, size_t len, int kind, size_t *out_len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;
	char *out, *to;
	uint32_t c;
	size_t n;

	/* Room for "\u007f", of one byte. */
	if ((out = to = malloc(6 * len + ROOM)) == NULL)
		return NULL;
	for (; p < end; p += n) {
		if ((kind & CLI_SHOWN_COLOURS) != 0 &&
		    (n = colour(p, (size_t)(end - p))) != 0) {
			memcpy(to, p, n);
			to += n;
		} else if ((n = decode(p, (size_t)(end - p), &c)) == 0) {
			n = 1;
			to += snprintf(to, ROOM, "\\x%02x", p[0]);
		} else if (!is_control(c, kind)) {
			memcpy(to, p, n);
			to += n;
		} else if (c < 0x80 && (kind & CLI_SHOWN_JSON) == 0) {
			to += snprintf(to, ROOM, "\\x%02x", (unsigned)c);
		} else {
			/* In JSON too: it lets DEL stand as it is. */
			to += snprintf(to, ROOM, "\\u%04x", (unsigned)c);
		}
	}
	*to = '\0';
	*out_len = (size_t)(to - out);
	return out;
}

json_t *
cli_name(const char *name)
{
	json_t *value = json_string(name);
	char *shown;
	size_t len;

	if (value != NULL || (shown = cli_shown(name, strlen(name),
	    CLI_SHOWN_NAME, &len)) == NULL)
		return value;
	value = json_stringn(shown, len);
	free(shown);
	return value;
}

static size_t
lines_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n' || *text == '\t';
	return n;
}

/* fmt with mark and the character itself for each newline and tab in it. */
static char *
marked(const char *fmt, const char *mark)
{
	char *out = malloc(strlen(fmt) + lines_of(fmt) * strlen(mark) + 1);
	char *to = out;

	if (out == NULL)
		return NULL;
	for (; *fmt != '\0'; *to++ = *fmt++)
		if (*fmt == '\n' || *fmt == '\t')
			to = stpcpy(to, mark);
	*to = '\0';
	return out;
}

/*
 * The lines of what is said are those of fmt. A newline or a tab in what it
 * is filled in with may be part of anybody's name: it would make a line of its
 * own. So those of fmt stand behind a mark that text, which is what came of
 * them, has nowhere. No mark begins as another one ends.
 */
static void
put_marked(FILE *to, int kind, const char *fmt, va_list ap, const char *text)
{
	char mark[24], *own, *whole = NULL, *shown;
	const char *p, *end;
	unsigned i = 0;
	size_t n;

	do
		snprintf(mark, sizeof(mark), "\001%u\002", i++);
	while (strstr(text, mark) != NULL);
	if ((own = marked(fmt, mark)) == NULL ||
	    vasprintf(&whole, own, ap) < 0)
		whole = NULL;
	free(own);
	for (p = whole; p != NULL; p = end) {
		if ((end = strstr(p, mark)) == NULL)
			n = strlen(p);
		else
			n = (size_t)(end - p);
		if ((shown = cli_shown(p, n, kind, &n)) != NULL)
			(void)fwrite(shown, 1, n, to);
		free(shown);
		if (end != NULL) {
			end += strlen(mark);
			(void)putc(*end++, to);
		}
	}
	free(whole);
}

void
cli_put(FILE *to, int kind, const char *fmt, va_list ap)
{
	char *text = NULL, *shown;
	va_list again;
	size_t n;
	int len;

	va_copy(again, ap);
	len = vasprintf(&text, fmt, ap);
	if (len < 0)
		text = NULL;
	else if (lines_of(text) != lines_of(fmt))
		put_marked(to, kind | CLI_SHOWN_NAME, fmt, again, text);
	else if ((shown = cli_shown(text, (size_t)len, kind, &n)) != NULL) {
		(void)fwrite(shown, 1, n, to);
		free(shown);
	}
	va_end(again);
	free(text);
}
