/* SPDX-License-Identifier: Apache-2.0 */
/* base/url.c - the options of a URL: "name=value&name=value". */
#include <string.h>

#include "base/text.h"
#include "base/url.h"

int
csn_url_next(const char **p, struct csn_url_option *o)
{
	const char *end, *eq;

	if (**p == '\0')
		return 0;
	end = *p + strcspn(*p, "&");
	eq = memchr(*p, '=', (size_t)(end - *p));
	o->name = *p;
	o->name_len = (size_t)((eq == NULL ? end : eq) - *p);
	if (eq == NULL)
		return -1;
	o->value = eq + 1;
	o->len = (size_t)(end - eq - 1);
	*p = *end == '&' ? end + 1 : end;
	return 1;
}

int
csn_url_is(const struct csn_url_option *o, const char *name)
{
	return o->name_len == strlen(name) &&
	    memcmp(o->name, name, o->name_len) == 0; /* public */
}

int
csn_url_decode(const char *s, size_t len, char *out, size_t *out_len)
{
	uint8_t byte;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		byte = (uint8_t)s[i];
		if (s[i] == '%') {
			if (len - i < 3 ||
			    csn_hex_decode(s + i + 1, 2, &byte, 1) != 0)
				return -1;
			i += 2;
		}
		out[n++] = (char)byte;
	}
	*out_len = n;
	return 0;
}

int
csn_url_bytes(const char *s, size_t len, uint64_t *out)
{
	uint64_t v;
	unsigned shift = 0;

	if (len == 0)
		return -1;
	switch (s[len - 1]) {
	case 'K': shift = 10; break;
	case 'M': shift = 20; break;
	case 'G': shift = 30; break;
	case 'T': shift = 40; break;
	default: break;
	}
	if (csn_decimal(s, len - (shift > 0), UINT64_MAX >> shift, &v) != 0)
		return -1;
	*out = v << shift;
	return 0;
}
