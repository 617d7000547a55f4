/* SPDX-License-Identifier: Apache-2.0 */
/* platform/json_span.c - where in a JSON text a member's value stands. */
#include <string.h>

#include "platform/json_span.h"

/* Behind the string that begins at p, or end. */
static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/* Behind the value that begins at p, or end. */
static const char *
skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			if (depth == 0)
				return p;
			continue;
		}
		if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			/* The end of what is around a bare word or number. */
			if (depth == 0)
				return p;
			if (--depth == 0)
				return p + 1;
		} else if ((*p == ',' || *p == ':') && depth == 0) {
			return p;
		}
		p++;
	}
	return end;
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' ||
	    *p == '\r'))
		p++;
	return p;
}

/* Behind the one character c, with space around it, or NULL. */
static const char *
skip_mark(const char *p, const char *end, char c)
{
	p = skip_space(p, end);
	return p < end && *p == c ? skip_space(p + 1, end) : NULL;
}

const char *
csn_json_span(const char *text, size_t len, const char *name, size_t *span)
{
	const char *end = text + len, *p, *key, *value;
	size_t n = strlen(name), key_len;

	p = skip_mark(text, end, '{');
	while (p != NULL && p < end && *p == '"') {
		key = p + 1;
		p = skip_string(p, end);
		key_len = (size_t)(p - key) - 1;
		if ((value = skip_mark(p, end, ':')) == NULL)
			return NULL;
		p = skip_value(value, end);
		if (p == value)
			return NULL;
		if (key_len == n && strncmp(key, name, n) == 0) {
			*span = (size_t)(p - value);
			return value;
		}
		p = skip_mark(p, end, ',');
	}
	return NULL;
}
