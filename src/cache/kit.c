/* SPDX-License-Identifier: Apache-2.0 */
/* cache/kit.c - tenants' keys, derived once and kept in a bounded table. */
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "cache/kit.h"

#define ROOM "cache"
#define TENANTS 1024		/* by default */

static const char *const domains[] = { NULL, "encryption", "authentication",
    "cache_keys" };

int
csn_kit_derive(struct csn_ctx *ctx, const uint8_t *master, size_t master_len,
    const char *domain, const char *tenant, size_t tenant_len,
    uint8_t out[CSN_KEY_SIZE])
{
	static const char label[] = "cachekit_v1_";
	uint8_t salt[sizeof(label) + 255 + 2 + CSN_CACHEKIT_TENANT_MAX];
	size_t domain_len = strlen(domain), n = sizeof(label) - 1;

	memcpy(salt, label, n);
	salt[n++] = (uint8_t)domain_len;
	memcpy(salt + n, domain, domain_len);
	n += domain_len;
	salt[n++] = (uint8_t)(tenant_len >> 8);
	salt[n++] = (uint8_t)tenant_len;
	memcpy(salt + n, tenant, tenant_len);
	return csn_hkdf(ctx, CSN_HKDF_SHA256, salt, n + tenant_len, master,
	    master_len, (const uint8_t *)domain, domain_len, out,
	    CSN_KEY_SIZE);
}

/* --- the kit ---------------------------------------------------------- */

struct name {
	const char *p;
	size_t len;
};

static int
same_tenant(const struct csn_held *h, const void *name)
{
	const struct csn_kit_tenant *t = (const struct csn_kit_tenant *)h;
	const struct name *n = name;

	return t->name_len == n->len &&
	    memcmp(t->name, n->p, n->len) == 0;		/* public */
}

static void
wipe_tenant(void *arg, struct csn_held *h)
{
	struct csn_kit_tenant *t = (struct csn_kit_tenant *)h;
	struct csn_cachekit *kit = arg;
	size_t i;

	for (i = 0; i < t->nkeys; i++)
		csn_key_wipe(kit->ctx, &t->keys[i]);
	for (i = 0; i < CSN_KIT_FRAMES; i++)
		free(atomic_load(&t->frames[i]));
	csn_wipe_free(t, sizeof(*t) + t->name_len);
}

int
csn_cachekit_new(struct csn_ctx *ctx, const struct csn_cachekit_ring *keys,
    const struct csn_cachekit_options *options, struct csn_cachekit **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cachekit_options o;
	struct csn_cachekit *kit;
	int rc;

	if (keys == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a CacheKit wants master keys");
	if ((rc = CSN_TAKE(&o, options, csn_cachekit_options, tenants)) != 0)
		return rc;
	if (o.tenants == 0)
		o.tenants = TENANTS;
	if ((kit = csn_calloc(1, sizeof(*kit))) == NULL)
		return csn_nomem(ctx, ROOM, "a CacheKit");
	kit->ctx = ctx;
	kit->generation = csn_fork_generation(ctx);
	kit->tenants.same = same_tenant;
	kit->tenants.wipe = wipe_tenant;
	kit->tenants.arg = kit;
	if ((rc = csn_held_init(ctx, &kit->tenants, o.tenants)) != 0)
		goto err;
	if ((kit->keys = csn_secret_alloc(sizeof(*keys), NULL)) == NULL) {
		rc = csn_fail_memory(ctx, ROOM, "master keys");
		goto err;
	}
	memcpy(kit->keys, keys, sizeof(*keys));
	kit->keys->ctx = ctx;
	*out = kit;
	return 0;

err:
	csn_cachekit_free(kit);
	return rc;
}

int
csn_cachekit_after_fork(struct csn_cachekit *kit)
{
	if (CSN_NEEDS(kit) != 0)
		return CSN_E_ARG;

	if (csn_fork_check(kit->ctx, kit->generation) == 0)
		return 0;
	/* Adopts the context, so that no lane waits for a thread of old. */
	kit->generation = csn_fork_generation(kit->ctx);
	/* Each tenant draws a new prefix. */
	return csn_held_after_fork(kit->ctx, &kit->tenants);
}

void
csn_cachekit_free(struct csn_cachekit *kit)
{
	if (kit == NULL)
		return;
	csn_held_free(&kit->tenants);
	csn_cachekit_ring_free(kit->keys);
	csn_wipe_free(kit, sizeof(*kit));
}

/* --- tenants ---------------------------------------------------------- */

static int
make_tenant(struct csn_cachekit *kit, const char *name, size_t len,
    struct csn_kit_tenant **out)
{
	struct csn_kit_tenant *t;
	uint8_t key[CSN_KEY_SIZE];
	size_t i;
	int rc;

	if (!csn_utf8_valid(name, len) || memchr(name, 0, len) != NULL)
		return csn_fail(kit->ctx, CSN_E_ARG, ROOM,
		    "a tenant's name is UTF-8 without a NUL");
	if ((t = csn_calloc(1, sizeof(*t) + len)) == NULL)
		return csn_nomem(kit->ctx, ROOM, "a tenant's keys");
	t->name_len = len;
	memcpy(t->name, name, len);
	if ((rc = csn_random(kit->ctx, t->prefix, sizeof(t->prefix))) != 0)
		goto err;
	for (i = 0; i < kit->keys->n; i++) {
		if ((rc = csn_kit_derive(kit->ctx, kit->keys->keys[i].p,
		    kit->keys->keys[i].len, domains[CSN_CACHEKIT_ENCRYPTION],
		    name, len, key)) == 0 &&
		    (rc = csn_key_fingerprint(kit->ctx, key, sizeof(key),
		    t->fingerprints[i])) == 0)
			rc = csn_key_mask(kit->ctx, key, &t->keys[i]);
		csn_wipe(key, sizeof(key));
		if (rc != 0)
			goto err;
		t->nkeys++;
	}
	*out = t;
	return 0;

err:
	wipe_tenant(kit, &t->held);
	return rc;
}

int
csn_kit_forked(const struct csn_cachekit *kit)
{
	return csn_fail(kit->ctx, CSN_E_FORK, ROOM, "this process was "
	    "forked: call csn_cachekit_after_fork first");
}

int
csn_kit_hold(struct csn_cachekit *kit, const char *name, size_t len,
    struct csn_kit_tenant **out)
{
	struct name n = { name, len };
	struct csn_kit_tenant *t = NULL;
	struct csn_held *h;
	uint64_t hash;
	int rc;

	if (csn_fork_check(kit->ctx, kit->generation) != 0)
		return csn_kit_forked(kit);
	if (name == NULL || len == 0 || len > CSN_CACHEKIT_TENANT_MAX)
		return csn_fail(kit->ctx, CSN_E_ARG, ROOM, "a tenant's name "
		    "has 1 to %d bytes, not %zu", CSN_CACHEKIT_TENANT_MAX,
		    name != NULL ? len : 0);
	hash = csn_held_hash(&kit->tenants, name, len);
	if ((h = csn_held_find(&kit->tenants, hash, &n)) == NULL) {
		if ((rc = make_tenant(kit, name, len, &t)) != 0)
			return rc;
		h = csn_held_add(&kit->tenants, &t->held, hash, &n);
	}
	*out = (struct csn_kit_tenant *)h;
	return 0;
}

void
csn_kit_release(struct csn_cachekit *kit, struct csn_kit_tenant *t)
{
	csn_held_release(&kit->tenants, &t->held);
}

int
csn_cachekit_fingerprint(struct csn_cachekit *kit, const char *tenant,
    size_t tenant_len, size_t index, uint8_t out[16])
{
	if (CSN_NEEDS(kit) != 0)
		return CSN_E_ARG;

	struct csn_kit_tenant *t = NULL;
	int rc;

	if (index >= kit->keys->n)
		return csn_fail(kit->ctx, CSN_E_ARG, ROOM,
		    "the ring has no key %zu", index);
	if ((rc = csn_kit_hold(kit, tenant, tenant_len, &t)) != 0)
		return rc;
	memcpy(out, t->fingerprints[index], CSN_FINGERPRINT_SIZE);
	csn_kit_release(kit, t);
	return 0;
}

int
csn_cachekit_derive(struct csn_cachekit *kit, const char *tenant,
    size_t tenant_len, int domain, uint8_t out[CSN_KEY_SIZE])
{
	if (CSN_NEEDS(kit) != 0)
		return CSN_E_ARG;

	if (tenant == NULL || tenant_len == 0 ||
	    tenant_len > CSN_CACHEKIT_TENANT_MAX)
		return csn_fail(kit->ctx, CSN_E_ARG, ROOM, "a tenant's name "
		    "has 1 to %d bytes", CSN_CACHEKIT_TENANT_MAX);
	if (domain < CSN_CACHEKIT_ENCRYPTION ||
	    domain > CSN_CACHEKIT_CACHE_KEYS)
		return csn_fail(kit->ctx, CSN_E_ARG, ROOM,
		    "the protocol has no domain %d", domain);
	return csn_kit_derive(kit->ctx, kit->keys->keys[0].p,
	    kit->keys->keys[0].len, domains[domain], tenant, tenant_len, out);
}
