/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_header.c - the headers of an answer, read and checked. */
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "net/http.h"

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Step to the next line that is "name: value" with this name. *at is where
 * to go on. NULL where there is none.
 */
static const char *
find(const char *headers, size_t size, const char *name, size_t *at,
    size_t *len)
{
	size_t name_len = strlen(name);
	const char *line, *end;

	while (*at < size) {
		line = headers + *at;
		end = memchr(line, '\n', size - *at);
		end = end == NULL ? headers + size : end;
		*at = (size_t)(end - headers) + (end < headers + size);
		if ((size_t)(end - line) <= name_len ||
		    strncasecmp(line, name, name_len) != 0 ||
		    line[name_len] != ':')
			continue;
		line += name_len + 1;
		while (line < end && is_space(*line))
			line++;
		while (end > line && is_space(end[-1]))
			end--;
		*len = (size_t)(end - line);
		return line;
	}
	return NULL;
}

const char *
csn_http_header(const struct csn_http_response *res, const char *name,
    size_t *len)
{
	size_t at = 0;

	if (res->headers == NULL)
		return NULL;
	return find(res->headers, res->headers_len, name, &at, len);
}

#define LARGEST 999999999999999999u	/* 18 digits */

/* Digits alone, up to 18 of them; -1 where it is something else. */
static int64_t
number(const char *s, size_t len)
{
	uint64_t v;

	return csn_decimal(s, len, LARGEST, &v) == 0 ? (int64_t)v : -1;
}

const char *
csn_http_headers_check(const char *headers, size_t size, int64_t *length)
{
	size_t at = 0, len;
	const char *value;
	int64_t v;

	*length = -1;
	if (headers == NULL)
		return NULL;
	while ((value = find(headers, size, "Content-Length", &at,
	    &len)) != NULL) {
		if ((v = number(value, len)) < 0)
			return "its Content-Length is not a number";
		if (*length >= 0 && v != *length)
			return "it gives two different Content-Lengths";
		*length = v;
	}
	at = 0;
	if ((value = find(headers, size, "Transfer-Encoding", &at,
	    &len)) != NULL) {
		/* RFC 9112, 6.3: the mark of a smuggled answer. */
		if (*length >= 0)
			return "it gives both a Content-Length and a "
			    "Transfer-Encoding";
		if (len != 7 || strncasecmp(value, "chunked", 7) != 0)
			return "its Transfer-Encoding is not chunked";
	}
	at = 0;
	if ((value = find(headers, size, "Content-Encoding", &at,
	    &len)) != NULL && !(len == 8 &&
	    strncasecmp(value, "identity", 8) == 0))
		return "its body is in a Content-Encoding that nobody asked "
		    "for";
	return NULL;
}

void
csn_http_response_free(struct csn_http_response *res)
{
	if (res == NULL)
		return;
	csn_free(res->body);
	csn_free(res->headers);
	memset(res, 0, sizeof(*res));
}
