/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.c - UTF-8 (RFC 3629). */
#include "base/text.h"

/*
 * The length of the character at s, or 0 where there is none. Section 4's
 * grammar: the second byte's range is what keeps out surrogates, longer
 * forms than needed, and what lies past U+10FFFF.
 */
static size_t
character(const uint8_t *s, size_t len)
{
	uint8_t from = 0x80, to = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (s[0] == 0xe0)
		from = 0xa0;
	else if (s[0] == 0xed)
		to = 0x9f;
	else if (s[0] == 0xf0)
		from = 0x90;
	else if (s[0] == 0xf4)
		to = 0x8f;
	if (s[1] < from || s[1] > to)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

int
csn_utf8_valid(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t n;

	for (; len > 0; p += n, len -= n)
		if ((n = character(p, len)) == 0)
			return 0;
	return 1;
}

int
csn_utf8_ok(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			return 0;
	return csn_utf8_valid(s, len);
}
