/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_url.c - what stands behind the schemes of stores, regions and servers:
 * the first byte says whose it is. No file that an input names is read, but
 * for one that is here by chance; nothing is made.
 */
#include "csn_config.h"

#include <caisson/region.h>
#include <caisson/store.h>

#include "folder.h"
#include "net/endpoint.h"
#include "providers/region/process/process.h"
#include "providers/store/memcached/memcached.h"
#include "providers/store/memory/memory.h"
#ifdef CSN_HAVE_REDIS
#include "providers/store/redis/redis.h"
#endif
#ifdef CSN_HAVE_HTTP
#include "providers/store/http/http.h"
#endif

static void
region(struct csn_ctx *ctx, const char *s)
{
	const char *name, *value;
	struct csn_region_url url;
	uint64_t v;
	int rc;

	if (csn_region_url_open(ctx, s, &url) != 0)
		return;
	check(strlen(url.path) <= strlen(s));
	while ((rc = csn_region_url_next(&url, &name, &value)) == 1) {
		check(name[0] != '\0' && strlen(value) <= strlen(s));
		if (csn_decimal(value, strlen(value), 4096, &v) == 0)
			check(v <= 4096);
	}
	check(rc == 0 || rc == CSN_E_ARG);
	csn_region_url_close(&url);
}

static void
process(struct csn_ctx *ctx, const char *s)
{
	struct csn_process_config c;
	size_t i;

	if (csn_process_config_parse(ctx, s, &c) != 0)
		return;
	check(c.npaths <= CSN_PROCESS_SELECTORS);
	check(c.nperms <= CSN_PROCESS_SELECTORS);
	for (i = 0; i < c.nperms; i++)
		check(strlen(c.perms[i]) == 4);
	csn_process_config_free(&c);
}

static void
options(struct csn_ctx *ctx, const char *s)
{
	struct csn_url_option o;
	const char *p = s;
	uint64_t v;
	int rc;

	while ((rc = csn_store_option_next(ctx, "fuzz", &p, &o)) == 1) {
		check(o.name >= s && o.value + o.len <= s + strlen(s));
		(void)csn_url_bytes(o.value, o.len, &v);
		if (csn_decimal(o.value, o.len, 70, &v) == 0)
			check(v <= 70);
	}
	check(rc == 0 || rc == CSN_E_ARG);
}

static void
memory(struct csn_ctx *ctx, const char *s)
{
	struct csn_mem_config c;

	if (csn_mem_config_parse(ctx, s, &c) == 0)
		check(c.bytes > 0 && c.slab > 0 && c.slab <= c.bytes &&
		    c.share > 0 && c.share <= c.bytes);
}

static void
memcached(struct csn_ctx *ctx, const char *s)
{
	struct csn_mc m = { .ctx = ctx };
	size_t i;

	if (csn_mc_parse(ctx, s, &m) != 0)
		return;
	check(m.nhosts > 0 && m.nhosts <= CSN_MC_MAX_HOSTS && m.pool > 0);
	for (i = 0; i < m.nhosts; i++)
		check(m.hosts[i].host[0] != '\0');
}

static void
redis(struct csn_ctx *ctx, const char *s, int tls)
{
#ifdef CSN_HAVE_REDIS
	static const char login[] = "//user:hunter2@";
	struct csn_redis_config c;
	size_t i;

	if (csn_redis_config_parse(ctx, s, tls, &c) != 0) {
		/* A password is in no sentence. */
		check(strncmp(s, login, sizeof(login) - 1) != 0 ||
		    strstr(s + sizeof(login) - 1, "hunter2") != NULL ||
		    strstr(csn_message(), "hunter2") == NULL);
		return;
	}
	check(c.nhosts > 0 && c.nhosts <= CSN_REDIS_MAX_HOSTS);
	for (i = 0; i < c.nhosts; i++)
		check(c.hosts[i].port > 0 && c.hosts[i].name[0] != '\0');
	csn_redis_config_clear(&c);
#else
	(void)ctx;
	(void)s;
	(void)tls;
#endif
}

static void
blobs(struct csn_ctx *ctx, const char *s)
{
#ifdef CSN_HAVE_HTTP
	struct csn_blob_config c = { .url = NULL };

	if (csn_blob_config_parse(ctx, "http", s, &c) == 0)
		check(strncmp(c.url, "http:", 5) == 0);
	csn_blob_config_end(&c);
#else
	(void)ctx;
	(void)s;
#endif
}

static void
endpoint(struct csn_ctx *ctx, const char *s)
{
	struct csn_endpoint e;

	if (csn_endpoint_open(ctx, s, 1, 1, &e) != 0)
		return;
	check(e.tries >= 1 && e.tries <= 10);
	csn_endpoint_close(&e);
}

/* Options behind a path that cannot be opened: a file stands in its way. */
static void
opened(struct csn_ctx *ctx, const char *scheme, const char *s)
{
	static const char *file;
	struct csn_regions *regions;
	struct csn_store *store;
	char *url;
	int rc;

	if (file == NULL)
		file = fuzz_file("plain", "", 0);
	check(asprintf(&url, "%s:%s/x?%s", scheme, file, s) > 0);
	if (strcmp(scheme, "qemu") == 0)
		rc = csn_regions_open(ctx, url, &regions);
	else
		rc = csn_store_open(ctx, url, &store);
	check(rc != 0);
	free(url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	char *s;

	if (len == 0 || (s = malloc(len)) == NULL)
		return 0;
	memcpy(s, data + 1, len - 1);
	s[len - 1] = '\0';
	switch (data[0] < 0xf0 ? data[0] % 8 : data[0] % 4 + 8) {
	case 0:
		region(ctx, s);
		break;
	case 1:
		process(ctx, s);
		break;
	case 2:
		options(ctx, s);
		break;
	case 3:
		memory(ctx, s);
		break;
	case 4:
		memcached(ctx, s);
		break;
	case 5:
		redis(ctx, s, data[0] & 8);
		break;
	case 6:
		blobs(ctx, s);
		break;
	case 7:
		endpoint(ctx, s);
		break;
	case 8:
		opened(ctx, "file", s);
		break;
	case 9:
		opened(ctx, "lmdb", s);
		break;
	default:
		opened(ctx, "qemu", s);
		break;
	}
	free(s);
	return 0;
}
