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
is_control(uint32_t c)
{
	return (c < 0x20 && c != '\n' && c != '\t') ||
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

	/* Each byte has room for "\x9b", two of a code point for "\u009b". */
	if ((out = to = malloc(4 * len + ROOM)) == NULL)
		return NULL;
	for (; p < end; p += n) {
		if (kind == CLI_SHOWN_COLOURS &&
		    (n = colour(p, (size_t)(end - p))) != 0) {
			memcpy(to, p, n);
			to += n;
		} else if ((n = decode(p, (size_t)(end - p), &c)) == 0) {
			n = 1;
			to += snprintf(to, ROOM, "\\x%02x", p[0]);
		} else if (!is_control(c)) {
			memcpy(to, p, n);
			to += n;
		} else if (c < 0x80 && kind != CLI_SHOWN_JSON) {
			to += snprintf(to, ROOM, "\\x%02x", (unsigned)c);
		} else if (c < 0x80) {
			/* JSON has its own form of it, but for DEL. */
			memcpy(to, p, n);
			to += n;
		} else {
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
	    CLI_SHOWN_PLAIN, &len)) == NULL)
		return value;
	value = json_stringn(shown, len);
	free(shown);
	return value;
}

void
cli_put(FILE *to, int kind, const char *fmt, va_list ap)
{
	char *text = NULL, *shown;
	int len = vasprintf(&text, fmt, ap);
	size_t n;

	if (len < 0)
		return;
	if ((shown = cli_shown(text, (size_t)len, kind, &n)) != NULL)
		(void)fwrite(shown, 1, n, to);
	free(shown);
	free(text);
}
