/* SPDX-License-Identifier: Apache-2.0 */
/* url.c - the options of a provider's URL. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "providers/region/url.h"

#define ROOM "region"

/* Decode %XX in place. -1 for one that is broken or a NUL. */
static int
decode(char *s)
{
	uint8_t byte;
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (strnlen(s + 1, 2) != 2 ||
		    csn_hex_decode(s + 1, 2, &byte, 1) != 0 || byte == 0)
			return -1;
		*to++ = (char)byte;
		s += 2;
	}
	*to = '\0';
	return 0;
}

int
csn_url_open(struct csn_ctx *ctx, const char *rest, struct csn_url *out)
{
	char *mark;

	memset(out, 0, sizeof(*out));
	out->ctx = ctx;
	if ((out->copy = csn_strdup(rest)) == NULL)
		return csn_nomem(ctx, ROOM, "a URL");
	if ((mark = strchr(out->copy, '?')) != NULL) {
		*mark = '\0';
		out->next = mark + 1;
	}
	out->path = out->copy;
	if (decode(out->copy) != 0) {
		csn_url_close(out);
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "%.60s: a %% is followed by two hexadecimal digits", rest);
	}
	return 0;
}

int
csn_url_next(struct csn_url *url, const char **name, const char **value)
{
	char *option = url->next, *end, *eq;

	if (option == NULL || *option == '\0')
		return 0;
	if ((end = strchr(option, '&')) != NULL) {
		*end = '\0';
		url->next = end + 1;
	} else {
		url->next = NULL;
	}
	if ((eq = strchr(option, '=')) == NULL || eq == option)
		return csn_fail(url->ctx, CSN_E_ARG, ROOM, "an option is "
		    "written name=value, not %.60s", option);
	*eq = '\0';
	if (decode(eq + 1) != 0)
		return csn_fail(url->ctx, CSN_E_ARG, ROOM, "the option %.60s: "
		    "a %% is followed by two hexadecimal digits", option);
	*name = option;
	*value = eq + 1;
	return 1;
}

void
csn_url_close(struct csn_url *url)
{
	free(url->copy);
	memset(url, 0, sizeof(*url));
}

int
csn_url_number(const char *s, uint64_t most, uint64_t *out)
{
	uint64_t v = 0, digit;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		digit = (uint64_t)(*s - '0');
		if (digit > most || v > (most - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}
