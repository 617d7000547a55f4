/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/url.c - "//[user[:pass]@]host[:port][,host...][/db][?option=...]".
 *
 * What stands before the '@' may be a password, so sentences quote options
 * and hosts, and never the URL.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "providers/store/redis/redis.h"

#define PORT 6379
#define TIMEOUT_MS 1000
#define CONNECT_MS 500
#define MAX_MS 3600000
#define POOL 16
#define MAX_DB 65535
#define MAX_SECRET 4096
#define SECRET "the Redis store's password"
#define MAX_PEM ((size_t)4 << 20)

/* Where systems keep the CAs that everybody trusts. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

struct options {
	char *ca, *cert, *key;
	char *password_env, *password_file;
	int hybrid_only;
};

static int
no_memory(const struct csn_redis_config *c)
{
	return csn_nomem(c->ctx, "store", "the Redis store's configuration");
}

int
csn_redis_host_parse(const char *s, size_t len, uint16_t standard_port,
    struct csn_redis_host *out)
{
	const char *end = s + len, *colon, *name = s;
	size_t name_len = len, i;
	uint64_t port = standard_port;

	if (len > 0 && s[0] == '[') {
		if ((end = memchr(s, ']', len)) == NULL)
			return -1;
		name = s + 1;
		name_len = (size_t)(end - name);
		colon = end + 1 < s + len ? end + 1 : NULL;
		if (colon != NULL && *colon != ':')
			return -1;
	} else {
		colon = memchr(s, ':', len);
		/* Two of them, bare: an IPv6 address. */
		if (colon != NULL && memrchr(s, ':', len) != colon)
			colon = NULL;
		else if (colon != NULL)
			name_len = (size_t)(colon - s);
	}
	if (colon != NULL && (csn_decimal(colon + 1,
	    (size_t)(s + len - colon) - 1, 65535, &port) != 0 || port == 0))
		return -1;
	if (name_len == 0 || name_len >= sizeof(out->name))
		return -1;
	for (i = 0; i < name_len; i++) {
		if (name[i] <= ' ' || (unsigned char)name[i] >= 0x7f ||
		    strchr("%/?#[]@,", name[i]) != NULL)
			return -1;
	}
	memcpy(out->name, name, name_len);
	out->name[name_len] = '\0';
	out->port = (uint16_t)port;
	return 0;
}

static int
hosts_parse(struct csn_redis_config *c, const char *s, size_t len)
{
	const char *end = s + len, *comma;

	for (;; s = comma + 1) {
		comma = memchr(s, ',', (size_t)(end - s));
		if (comma == NULL)
			comma = end;
		if (c->nhosts == CSN_REDIS_MAX_HOSTS)
			return csn_fail(c->ctx, CSN_E_ARG, "store",
			    "a Redis store's URL names at most %d hosts: some "
			    "of a cluster are enough", CSN_REDIS_MAX_HOSTS);
		if (csn_redis_host_parse(s, (size_t)(comma - s), PORT,
		    &c->hosts[c->nhosts]) != 0)
			return csn_fail(c->ctx, CSN_E_ARG, "store",
			    "the Redis store's host %.*s: write host, "
			    "host:port or [v6]:port", (int)(comma - s > 60 ?
			    60 : comma - s), s);
		c->nhosts++;
		if (comma == end)
			return 0;
	}
}

static int
password_keep(struct csn_redis_config *c, const char *p, size_t len)
{
	if (len == 0 || len > MAX_SECRET)
		return csn_fail(c->ctx, CSN_E_ARG, "store", "the Redis "
		    "store's password has no bytes, or more than %d",
		    MAX_SECRET);
	if (c->password != NULL)
		return csn_fail(c->ctx, CSN_E_ARG, "store", "the Redis "
		    "store's password is given twice: once is enough");
	if ((c->password = csn_secret_alloc(len + 1, NULL)) == NULL)
		return csn_fail_memory(c->ctx, "store", SECRET);
	memcpy(c->password, p, len);
	c->password_len = len;
	return 0;
}

/* "user:pass", "user", ":pass". */
static int
user_parse(struct csn_redis_config *c, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t user_len = colon == NULL ? len : (size_t)(colon - s);
	char *text;
	size_t n = 0;
	int rc = 0;

	if ((text = csn_secret_alloc(len + 1, NULL)) == NULL)
		return csn_fail_memory(c->ctx, "store", SECRET);
	if (csn_url_decode(s, user_len, text, &n) != 0) {
		rc = csn_fail(c->ctx, CSN_E_ARG, "store", "the Redis "
		    "store's user has a %% that no two hex digits follow");
	} else if (n > 0 && (c->user = csn_memdup(text, n)) == NULL) {
		rc = no_memory(c);
	} else if (colon != NULL && len > user_len + 1) {
		if (csn_url_decode(colon + 1, len - user_len - 1, text,
		    &n) != 0)
			rc = csn_fail(c->ctx, CSN_E_ARG, "store", "the Redis "
			    "store's password has a %% that no two hex digits "
			    "follow");
		else
			rc = password_keep(c, text, n);
	}
	csn_secret_free(text, len + 1);
	return rc;
}

static int
bad(const struct csn_redis_config *c, const struct csn_url_option *o,
    const char *what)
{
	return csn_store_option_bad(c->ctx, "Redis", o, what);
}

static int
text_option(struct csn_redis_config *c, const struct csn_url_option *o,
    char **out)
{
	size_t n;

	if (o->len == 0)
		return bad(c, o, "it has no value");
	csn_free(*out);
	if ((*out = csn_calloc(o->len + 1, 1)) == NULL)
		return no_memory(c);
	if (csn_url_decode(o->value, o->len, *out, &n) != 0)
		return bad(c, o, "two hex digits follow a %");
	(*out)[n] = '\0';
	return 0;
}

static int
prefix_option(struct csn_redis_config *c, const struct csn_url_option *o)
{
	const char *v = o->value;
	size_t i;

	for (i = 0; i < o->len; i++) {
		if (!((v[i] >= 'a' && v[i] <= 'z') ||
		    (v[i] >= 'A' && v[i] <= 'Z') ||
		    (v[i] >= '0' && v[i] <= '9') ||
		    strchr("-_.:", v[i]) != NULL))
			break;
	}
	if (o->len == 0 || o->len > CSN_REDIS_MAX_PREFIX || i < o->len)
		return bad(c, o, "give 1 to 64 letters, digits and -_.:");
	memcpy(c->prefix, v, o->len);
	c->prefix[o->len] = '\0';
	return 0;
}

static int
time_option(struct csn_redis_config *c, const struct csn_url_option *o,
    uint64_t *out)
{
	if (csn_decimal(o->value, o->len, MAX_MS, out) != 0 || *out == 0)
		return bad(c, o, "give milliseconds, from 1 to 3600000");
	return 0;
}

static int
number_option(struct csn_redis_config *c, const struct csn_url_option *o)
{
	uint64_t n = 0;

	if (csn_url_is(o, "cluster")) {
		if (csn_decimal(o->value, o->len, 1, &n) != 0)
			return bad(c, o, "give 0 or 1");
		c->cluster = (int)n;
		return 0;
	}
	if (csn_decimal(o->value, o->len, CSN_REDIS_MAX_POOL, &n) != 0 ||
	    n == 0)
		return bad(c, o, "give how many connections to one server, "
		    "from 1 to 1024");
	c->pool = (unsigned)n;
	return 0;
}

static int
option(struct csn_redis_config *c, struct options *out,
    const struct csn_url_option *o)
{
	const struct {
		const char *name;
		char **text;
	} texts[] = {
		{ "password-env", &out->password_env },
		{ "password-file", &out->password_file },
		{ "ca", &out->ca },
		{ "cert", &out->cert },
		{ "key", &out->key },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (csn_url_is(o, texts[i].name))
			return text_option(c, o, texts[i].text);
	}
	if (csn_url_is(o, "timeout"))
		return time_option(c, o, &c->timeout_ms);
	if (csn_url_is(o, "connect"))
		return time_option(c, o, &c->connect_ms);
	if (csn_url_is(o, "prefix"))
		return prefix_option(c, o);
	if (csn_url_is(o, "pool") ||
	    csn_url_is(o, "cluster"))
		return number_option(c, o);
	if (csn_url_is(o, "hybrid")) {
		if (o->len != 7 || memcmp(o->value, "require", 7) != 0)
			return bad(c, o, "it can only be require: refuse a "
			    "server without X25519MLKEM768");
		out->hybrid_only = 1;
		return 0;
	}
	return csn_store_option_unknown(c->ctx, "Redis", o, "timeout, "
	    "connect, pool, cluster, prefix, password-env, password-file, "
	    "ca, cert, key and hybrid");
}

static int
options_parse(struct csn_redis_config *c, struct options *out, const char *p)
{
	struct csn_url_option o;
	int rc;

	while ((rc = csn_store_option_next(c->ctx, "Redis", &p, &o)) == 1) {
		if ((rc = option(c, out, &o)) != 0)
			return rc;
	}
	return rc;
}

static int
password_find(struct csn_redis_config *c, const struct options *o)
{
	const char *value;
	uint8_t *p;
	size_t len, n;
	int rc;

	if (o->password_env != NULL) {
		if ((value = getenv(o->password_env)) == NULL)
			return csn_fail(c->ctx, CSN_E_ARG, "store",
			    "password-env=%.60s: there is no such variable",
			    o->password_env);
		if ((rc = password_keep(c, value, strlen(value))) != 0)
			return rc;
	}
	if (o->password_file != NULL) {
		if ((rc = csn_file_read_secret(c->ctx, o->password_file,
		    MAX_SECRET + 2, &p, &len)) != 0)
			return rc;
		/* An editor ends the line. */
		for (n = len; n > 0 && (p[n - 1] == '\n' ||
		    p[n - 1] == '\r'); n--)
			;
		rc = password_keep(c, (char *)p, n);
		csn_wipe_free(p, len);
		return rc;
	}
	return 0;
}

/* The trusted CAs: those of the option, or the system's. */
static int
ca_read(struct csn_redis_config *c, const struct options *o, uint8_t **p,
    size_t *len)
{
	size_t i;
	int rc;

	if (o->ca != NULL)
		return csn_file_read_trusted(c->ctx, o->ca, MAX_PEM, p, len);
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		rc = csn_file_read(c->ctx, bundles[i], MAX_PEM, p, len);
		if (rc != CSN_E_NOT_FOUND)
			return rc;
	}
	return csn_fail(c->ctx, CSN_E_ARG, "store", "this system has no list "
	    "of trusted CAs (ca-certificates): name the server's with "
	    "ca=FILE");
}

static int
trust_read(struct csn_redis_config *c, const struct options *o)
{
	struct csn_tls_options tls = { .hybrid_only = o->hybrid_only };
	uint8_t *ca = NULL, *cert = NULL, *key = NULL;
	int rc;

	if (!c->tls) {
		if (o->ca != NULL || o->cert != NULL || o->key != NULL ||
		    o->hybrid_only)
			return csn_fail(c->ctx, CSN_E_ARG, "store",
			    "ca, cert, key and hybrid are for TLS: write "
			    "rediss:// or valkeys://");
		return 0;
	}
	if ((o->cert == NULL) != (o->key == NULL))
		return csn_fail(c->ctx, CSN_E_ARG, "store", "cert=FILE and "
		    "key=FILE belong together: give both or none");
	if ((rc = ca_read(c, o, &ca, &tls.ca_len)) == 0 && o->cert != NULL &&
	    (rc = csn_file_read(c->ctx, o->cert, MAX_PEM, &cert,
	    &tls.cert_len)) == 0)
		rc = csn_file_read_secret(c->ctx, o->key, MAX_PEM, &key,
		    &tls.key_len);
	tls.ca = ca;
	tls.cert = cert;
	tls.key = key;
	if (rc == 0)
		rc = csn_tls_config_new(c->ctx, &tls, &c->trust);
	csn_free(ca);
	csn_free(cert);
	csn_wipe_free(key, tls.key_len);
	return rc;
}

/* What stands between "//" and '?'. */
static int
place_parse(struct csn_redis_config *c, const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len), *slash;
	uint64_t db = 0;
	int rc;

	if (at != NULL) {
		if ((rc = user_parse(c, s, (size_t)(at - s))) != 0)
			return rc;
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if ((slash = memchr(s, '/', len)) != NULL) {
		if (s + len > slash + 1 && csn_decimal(slash + 1,
		    (size_t)(s + len - slash) - 1, MAX_DB, &db) != 0)
			return csn_fail(c->ctx, CSN_E_ARG, "store", "behind "
			    "the Redis store's host comes /N, the number of "
			    "a database");
		c->db = (unsigned)db;
		len = (size_t)(slash - s);
	}
	return hosts_parse(c, s, len);
}

static int
check(struct csn_redis_config *c)
{
	if (c->nhosts > 1 && !c->cluster)
		return csn_fail(c->ctx, CSN_E_ARG, "store", "several hosts "
		    "are one cluster's: add cluster=1, or name one host");
	if (c->cluster && c->db != 0)
		return csn_fail(c->ctx, CSN_E_ARG, "store", "a Redis cluster "
		    "has only database 0: leave out /%u", c->db);
	if (c->user != NULL && c->password == NULL)
		return csn_fail(c->ctx, CSN_E_ARG, "store", "the Redis "
		    "store's user has no password: give one by "
		    "password-env=NAME or password-file=FILE");
	return 0;
}

int
csn_redis_config_parse(struct csn_ctx *ctx, const char *rest, int tls,
    struct csn_redis_config *c)
{
	struct options o = { 0 };
	const char *query;
	int rc;

	memset(c, 0, sizeof(*c));
	c->ctx = ctx;
	c->tls = tls;
	c->pool = POOL;
	c->timeout_ms = TIMEOUT_MS;
	c->connect_ms = CONNECT_MS;
	memcpy(c->prefix, "csn", sizeof("csn"));
	if (strncmp(rest, "//", 2) != 0) {
		rc = csn_fail(ctx, CSN_E_ARG, "store", "a Redis store is "
		    "written redis://host:6379/0?timeout=1000");
		goto out;
	}
	rest += 2;
	query = rest + strcspn(rest, "?");
	if ((rc = place_parse(c, rest, (size_t)(query - rest))) != 0 ||
	    (*query == '?' && (rc = options_parse(c, &o, query + 1)) != 0) ||
	    (rc = password_find(c, &o)) != 0 || (rc = check(c)) != 0)
		goto out;
	rc = trust_read(c, &o);

out:
	csn_free(o.ca);
	csn_free(o.cert);
	csn_free(o.key);
	csn_free(o.password_env);
	csn_free(o.password_file);
	if (rc != 0)
		csn_redis_config_clear(c);
	return rc;
}

void
csn_redis_config_clear(struct csn_redis_config *c)
{
	csn_free(c->user);
	csn_secret_free(c->password, c->password_len + 1);
	csn_tls_config_free(c->trust);
	memset(c, 0, sizeof(*c));
}
