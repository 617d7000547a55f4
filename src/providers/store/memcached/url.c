/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached/url.c - "memcached://host:port,host2:port?timeout=MS", or
 * "memcached:/path/of/a/socket".
 */

#include <stdio.h>
#include <string.h>

#include "base/crc32.h"
#include "providers/store/memcached/memcached.h"

#define STANDARD_PORT 11211
#define DEFAULT_TIMEOUT 1000
#define DEFAULT_CONNECT 500
#define DEFAULT_POOL 32
#define MOST_MS 3600000
#define MOST_POOL 4096

static int
bad_host(struct csn_ctx *ctx, const char *s, size_t len, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, "store", "the memcached store's host "
	    "%.*s: %s", (int)(len > 80 ? 80 : len), s, what);
}

/* "name", "name:port", "[v6]", "[v6]:port" */
static int
add_host(struct csn_ctx *ctx, const char *s, size_t len, struct csn_mc *m)
{
	const char *name = s, *port = NULL, *end = s + len, *close;
	struct csn_mc_host *h;
	uint64_t number = STANDARD_PORT;
	size_t name_len;

	if (m->nhosts == CSN_MC_MAX_HOSTS)
		return csn_fail(ctx, CSN_E_ARG, "store", "the memcached store "
		    "takes up to %d hosts", CSN_MC_MAX_HOSTS);
	/* What stands before it may be a password: it is not repeated. */
	if (memchr(s, '@', len) != NULL)
		return csn_fail(ctx, CSN_E_ARG, "store", "memcached takes no "
		    "user and no password: write memcached://host:port, with "
		    "no @ in it");
	if (len > 0 && *s == '[') {
		if ((close = memchr(s, ']', len)) == NULL)
			return bad_host(ctx, s, len, "its ] is missing");
		name++;
		name_len = (size_t)(close - name);
		if (close + 1 != end && close[1] != ':')
			return bad_host(ctx, s, len,
			    "only :port may stand behind ]");
		port = close + 1 == end ? NULL : close + 2;
	} else {
		port = memchr(s, ':', len);
		name_len = port == NULL ? len : (size_t)(port - s);
		port = port == NULL ? NULL : port + 1;
	}
	if (name_len == 0 || name_len >= CSN_MC_HOST_SIZE ||
	    memchr(name, '/', name_len) != NULL)
		return bad_host(ctx, s, len, "give a name or an address, and "
		    ":port behind it");
	if (port != NULL && (csn_decimal(port, (size_t)(end - port),
	    65535, &number) != 0 || number == 0))
		return bad_host(ctx, s, len, "a port is 1 to 65535");
	h = &m->hosts[m->nhosts++];
	memcpy(h->host, name, name_len);
	h->host[name_len] = '\0';
	h->port = (uint16_t)number;
	(void)snprintf(h->name, sizeof(h->name), "%.*s:%u", (int)name_len,
	    name, (unsigned)number);
	h->hash = csn_crc32(0, h->name, strlen(h->name));
	return 0;
}

static int
add_socket(struct csn_ctx *ctx, const char *path, size_t len,
    struct csn_mc *m)
{
	struct csn_mc_host *h = &m->hosts[0];

	/* What sun_path holds (unix(7)). */
	if (len > 107)
		return bad_host(ctx, path, len,
		    "a socket's path has up to 107 bytes");
	memcpy(h->host, path, len);
	memcpy(h->name, path, len);
	m->nhosts = 1;
	return 0;
}

int
csn_mc_parse(struct csn_ctx *ctx, const char *rest, struct csn_mc *m)
{
	struct csn_url_option o;
	const char *p = rest, *end, *comma;
	uint64_t v;
	int rc = 0;

	m->timeout_ms = DEFAULT_TIMEOUT;
	m->connect_ms = DEFAULT_CONNECT;
	m->pool = DEFAULT_POOL;
	end = rest + strcspn(rest, "?");
	if (strncmp(p, "//", 2) == 0) {
		for (p += 2; rc == 0; p = comma + 1) {
			comma = memchr(p, ',', (size_t)(end - p));
			if (comma == NULL)
				comma = end;
			rc = add_host(ctx, p, (size_t)(comma - p), m);
			if (comma == end)
				break;
		}
	} else if (*p == '/') {
		rc = add_socket(ctx, p, (size_t)(end - p), m);
	} else {
		rc = csn_fail(ctx, CSN_E_ARG, "store", "write "
		    "memcached://host:port, or memcached:/path/of/its/socket");
	}
	if (rc != 0)
		return rc;
	p = end + (*end == '?');
	while ((rc = csn_store_option_next(ctx, "memcached", &p, &o)) == 1) {
		if (csn_url_is(&o, "timeout") ||
		    csn_url_is(&o, "connect")) {
			if (csn_decimal(o.value, o.len, MOST_MS, &v) !=
			    0 || v == 0)
				return csn_store_option_bad(ctx, "memcached",
				    &o, "give milliseconds, up to an hour");
			if (*o.name == 't')
				m->timeout_ms = v;
			else
				m->connect_ms = v;
		} else if (csn_url_is(&o, "pool")) {
			if (csn_decimal(o.value, o.len, MOST_POOL, &v) !=
			    0 || v == 0)
				return csn_store_option_bad(ctx, "memcached",
				    &o, "give 1 to 4096 connections");
			m->pool = (unsigned)v;
		} else {
			return csn_store_option_unknown(ctx, "memcached", &o,
			    "timeout, connect and pool");
		}
	}
	return rc;
}
