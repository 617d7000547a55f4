/* SPDX-License-Identifier: Apache-2.0 */
/* redis/map.c - which server has which slots, as a cluster says itself. */
#include <string.h>

#include "providers/store/redis/redis.h"

static int
is_number(const struct csn_redis_reply *r, long long least, long long most)
{
	return r != NULL && r->type == CSN_REDIS_INTEGER &&
	    r->integer >= least && r->integer <= most;
}

/* A name that goes into sentences and to the resolver. */
static int
host_take(const uint8_t *p, size_t len, struct csn_redis_host *out)
{
	size_t i;

	if (len == 0 || len >= sizeof(out->name))
		return -1;
	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return -1;
	}
	memcpy(out->name, p, len);
	out->name[len] = '\0';
	return 0;
}

/* A server is an array of host, port, and things that do not matter here. */
static int
server_read(const struct csn_redis_reply *r,
    const struct csn_redis_host *asked, struct csn_redis_host *out)
{
	const struct csn_redis_reply *host;

	if (r == NULL || r->type != CSN_REDIS_ARRAY || r->len < 2 ||
	    !is_number(r->item[1], 1, 65535))
		return -1;
	out->port = (uint16_t)r->item[1]->integer;
	host = r->item[0];
	/* It does not know its name: then it is the one that was asked. */
	if (host->type == CSN_REDIS_NIL ||
	    (host->type == CSN_REDIS_STRING && (host->len == 0 ||
	    (host->len == 1 && host->p[0] == '?')))) {
		memcpy(out->name, asked->name, sizeof(out->name));
		return 0;
	}
	if (host->type != CSN_REDIS_STRING)
		return -1;
	return host_take(host->p, host->len, out);
}

int
csn_redis_map_read(const struct csn_redis_reply *reply,
    const struct csn_redis_host *asked, struct csn_redis_range **ranges,
    size_t *n)
{
	struct csn_redis_range *out, *at;
	const struct csn_redis_reply *line;
	size_t i;

	if (reply->type != CSN_REDIS_ARRAY || reply->len > CSN_REDIS_SLOTS)
		return CSN_E_FORM;
	out = csn_calloc(reply->len + 1, sizeof(*out));
	if (out == NULL)
		return CSN_E_NOMEM;
	for (i = 0; i < reply->len; i++) {
		line = reply->item[i];
		at = &out[i];
		if (line->type != CSN_REDIS_ARRAY || line->len < 3 ||
		    !is_number(line->item[0], 0, CSN_REDIS_SLOTS - 1) ||
		    !is_number(line->item[1], line->item[0]->integer,
		    CSN_REDIS_SLOTS - 1) ||
		    server_read(line->item[2], asked, &at->master) != 0) {
			csn_free(out);
			return CSN_E_FORM;
		}
		at->from = (uint16_t)line->item[0]->integer;
		at->to = (uint16_t)line->item[1]->integer;
	}
	*ranges = out;
	*n = reply->len;
	return 0;
}

int
csn_redis_redirect_read(const struct csn_redis_reply *r,
    const struct csn_redis_host *asked, unsigned *slot,
    struct csn_redis_host *to)
{
	const char *p = (const char *)r->p, *end = p + r->len, *space, *colon;
	uint64_t number, port;

	if (csn_redis_is_error(r, "MOVED"))
		p += 6;
	else if (csn_redis_is_error(r, "ASK"))
		p += 4;
	else
		return CSN_E_FORM;
	if (p > end ||
	    (space = memchr(p, ' ', (size_t)(end - p))) == NULL ||
	    csn_decimal(p, (size_t)(space - p), CSN_REDIS_SLOTS - 1,
	    &number) != 0)
		return CSN_E_FORM;
	*slot = (unsigned)number;
	p = space + 1;
	/* The last colon: an IPv6 address has some of its own. */
	if ((colon = memrchr(p, ':', (size_t)(end - p))) == NULL)
		return CSN_E_FORM;
	if (csn_decimal(colon + 1, (size_t)(end - colon) - 1, 65535,
	    &port) != 0 || port == 0)
		return CSN_E_FORM;
	to->port = (uint16_t)port;
	if (colon == p || (colon - p == 1 && *p == '?')) {
		memcpy(to->name, asked->name, sizeof(to->name));
		return 0;
	}
	return host_take((const uint8_t *)p, (size_t)(colon - p),
	    to) == 0 ? 0 : CSN_E_FORM;
}
