/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - the providers by name: ours, and those a program registers.
 *
 * A list only grows, and is looked at when something is opened, so one lock
 * serves both.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "csn_config.h"
#include "providers/keystore/provider.h"
#include "providers/region/provider.h"
#include "providers/registry.h"
#include "providers/store/provider.h"

#define MAX_PROVIDERS 48
#define MAX_SCHEME 32

/* Full up to the first item without a name. */
struct list {
	const char *room;
	const char *example;	/* a URL, for who wrote none */
	struct {
		const char *name;
		const void *provider;
	} items[MAX_PROVIDERS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct list stores = { "store", "memory:", {
	{ "memory", &csn_store_memory },
	{ "file", &csn_store_file },
	{ "memcached", &csn_store_memcached },
#ifdef CSN_HAVE_LMDB
	{ "lmdb", &csn_store_lmdb },
#endif
#ifdef CSN_HAVE_REDIS
	{ "redis", &csn_store_redis },
	{ "rediss", &csn_store_rediss },
	{ "valkey", &csn_store_valkey },
	{ "valkeys", &csn_store_valkeys },
#endif
#ifdef CSN_HAVE_HTTP
	{ "http", &csn_store_http },
	{ "https", &csn_store_https },
#endif
} };

static struct list keystores = { "keystore", "memory:", {
	{ "memory", &csn_keystore_memory },
	{ "file", &csn_keystore_file },
	{ "tpm", &csn_keystore_tpm },
} };

static struct list regions = { "region provider",
    "process:1234?note=1", {
	{ "buffer", &csn_region_buffer },
	{ "process", &csn_region_process },
	{ "qemu", &csn_region_qemu },
	{ "sev_snp", &csn_region_sev_snp },
	{ "tdx", &csn_region_tdx },
} };

static int
scheme_ok(const char *name)
{
	size_t i;

	if (name == NULL || name[0] < 'a' || name[0] > 'z')
		return 0;
	for (i = 1; name[i] != '\0'; i++) {
		if (i >= MAX_SCHEME || !((name[i] >= 'a' && name[i] <= 'z') ||
		    (name[i] >= '0' && name[i] <= '9') || name[i] == '-' ||
		    name[i] == '+' || name[i] == '.' || name[i] == '_'))
			return 0;
	}
	return 1;
}

static size_t
count(const struct list *l)
{
	size_t n = 0;

	while (n < MAX_PROVIDERS && l->items[n].name != NULL)
		n++;
	return n;
}

static const void *
find(const struct list *l, const char *name, size_t len)
{
	size_t i, n = count(l);

	for (i = 0; i < n; i++) {
		if (strlen(l->items[i].name) == len &&
		    memcmp(l->items[i].name, name, len) == 0) /* public */
			return l->items[i].provider;
	}
	return NULL;
}

static int
add(struct list *l, const char *name, const void *provider)
{
	size_t n;
	int rc = 0;

	if (!scheme_ok(name))
		return csn_fail(NULL, CSN_E_ARG, l->room, "a provider's name "
		    "is 1 to %d of a-z, 0-9 and -+._, a letter first",
		    MAX_SCHEME);
	(void)pthread_mutex_lock(&lock);
	n = count(l);
	if (find(l, name, strlen(name)) != NULL) {
		rc = csn_fail(NULL, CSN_E_EXISTS, l->room,
		    "there is a provider named %s already", name);
	} else if (n == MAX_PROVIDERS) {
		rc = csn_fail(NULL, CSN_E_LIMIT, l->room,
		    "there are %d providers already", MAX_PROVIDERS);
	} else {
		l->items[n].name = name;
		l->items[n].provider = provider;
	}
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

static int
lookup(struct csn_ctx *ctx, const struct list *l, const char *url,
    const void **out, const char **rest)
{
	char names[MAX_PROVIDERS * (MAX_SCHEME + 2)];
	const char *colon;
	size_t i, n, at = 0;
	int rc = 0;

	colon = url == NULL ? NULL : strchr(url, ':');
	if (colon == NULL || colon == url)
		return csn_fail(ctx, CSN_E_ARG, l->room, "a %s is named by a "
		    "URL such as %s, not %.60s", l->room, l->example,
		    url == NULL ? "(null)" : url);
	(void)pthread_mutex_lock(&lock);
	*out = find(l, url, (size_t)(colon - url));
	if (*out == NULL) {
		for (i = 0, n = count(l); i < n; i++)
			at += (size_t)snprintf(names + at, sizeof(names) - at,
			    "%s%s", i > 0 ? ", " : "", l->items[i].name);
		rc = csn_fail(ctx, CSN_E_UNKNOWN_BACKEND, l->room,
		    "there is no %s named %.*s: there are %s", l->room,
		    (int)(colon - url > 40 ? 40 : colon - url), url, names);
	}
	(void)pthread_mutex_unlock(&lock);
	*rest = colon + 1;
	return rc;
}

int
csn_store_register(const struct csn_store_provider *p)
{
	int in_place;

	if (p == NULL || p->abi != CSN_STORE_ABI)
		return csn_fail(NULL, CSN_E_ARG, "store",
		    "a store provider of another abi than %d", CSN_STORE_ABI);
	if ((p->flags & ~CSN_STORE_PRIVATE) != 0)
		return csn_fail(NULL, CSN_E_ARG, "store",
		    "a store provider with flags that are not known");
	in_place = (p->reserve != NULL) + (p->commit != NULL) +
	    (p->abort != NULL) + (p->borrow != NULL) + (p->release != NULL);
	if (p->open == NULL || p->put == NULL || p->get == NULL ||
	    p->remove == NULL || p->drop == NULL || p->list == NULL ||
	    p->stat == NULL || p->close == NULL ||
	    (in_place != 0 && in_place != 5) ||
	    (p->put_for == NULL) != (p->ttl == NULL) ||
	    (p->add_for == NULL) != (p->remove_if == NULL))
		return csn_fail(NULL, CSN_E_ARG, "store",
		    "a store provider lacks a function that it must have");
	return add(&stores, p->name, p);
}

int
csn_keystore_register(const struct csn_keystore_provider *p)
{
	if (p == NULL || p->abi != CSN_KEYSTORE_ABI)
		return csn_fail(NULL, CSN_E_ARG, "keystore", "a keystore "
		    "provider of another abi than %d", CSN_KEYSTORE_ABI);
	if (p->open == NULL || p->create == NULL || p->remove == NULL ||
	    p->wrap == NULL || p->unwrap == NULL || p->list == NULL ||
	    p->lock == NULL || p->unlock == NULL || p->close == NULL ||
	    (p->generation == NULL) != (p->advance == NULL))
		return csn_fail(NULL, CSN_E_ARG, "keystore",
		    "a keystore provider lacks a function that it must have");
	return add(&keystores, p->name, p);
}

int
csn_store_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_store_provider **out, const char **rest)
{
	const void *found = NULL;
	int rc;

	rc = lookup(ctx, &stores, url, &found, rest);
	*out = found;
	return rc;
}

int
csn_keystore_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_keystore_provider **out, const char **rest)
{
	const void *found = NULL;
	int rc;

	rc = lookup(ctx, &keystores, url, &found, rest);
	*out = found;
	return rc;
}

int
csn_region_register(const struct csn_region_provider *p)
{
	if (p == NULL || p->abi != CSN_REGION_ABI)
		return csn_fail(NULL, CSN_E_ARG, "region", "a region provider "
		    "of another abi than %d", CSN_REGION_ABI);
	if (p->open == NULL || p->list == NULL || p->read == NULL ||
	    p->close == NULL || p->platform == NULL ||
	    (p->begin == NULL) != (p->end == NULL))
		return csn_fail(NULL, CSN_E_ARG, "region",
		    "a region provider lacks a function that it must have");
	return add(&regions, p->name, p);
}

int
csn_region_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_region_provider **out, const char **rest)
{
	const void *found = NULL;
	int rc;

	rc = lookup(ctx, &regions, url, &found, rest);
	*out = found;
	return rc;
}
