/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/cache_tenants.c - one backend, a key for each tenant, a rotation.
 *
 * The tenant of a call comes from an extractor, as a web server would take
 * it from the request. Each has keys of its own, derived from one master key,
 * which is then rotated while everything stays readable.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/caisson.h>

static const char old_key[] =
    "1111111111111111111111111111111111111111111111111111111111111111";
static const char new_key[] =
    "2222222222222222222222222222222222222222222222222222222222222222";

struct request {
	const char *tenant;
};

/* Whose call this is. */
static int
tenant_of(void *arg, const void *request, const char *key, char *out,
    size_t cap)
{
	const struct request *r = request;

	(void)arg;
	(void)key;
	return r == NULL || snprintf(out, cap, "%s", r->tenant) >= (int)cap;
}

static int
open_cache(struct csn_ctx *ctx, struct csn_store *store, const char *current,
    const char *former, struct csn_cache **out)
{
	struct csn_cache_options config = { .size = sizeof(config),
	    .store = store, .format = CSN_CACHE_JSON,
	    .tenant_of = tenant_of };
	struct csn_cachekit_ring *keys = NULL;
	int rc;

	if ((rc = csn_cachekit_ring_hex(ctx, "the example's keys", current,
	    former, 0, &keys)) != 0)
		return rc;
	config.keys = keys;
	rc = csn_cache_new(ctx, &config, out);
	csn_cachekit_ring_free(keys);
	return rc;
}

static int
progress(void *arg, const struct csn_cache_reseal *so_far)
{
	(void)arg;
	printf("  %llu of %llu looked at\n",
	    (unsigned long long)so_far->seen,
	    (unsigned long long)so_far->total);
	return 0;
}

int
main(void)
{
	static const struct request acme = { "acme" }, globex = { "globex" };
	struct csn_cache_call_options as_acme = { .size = sizeof(as_acme),
	    .flags = CSN_CACHE_STRICT, .tenant_arg = &acme };
	struct csn_cache_call_options as_globex = { .size = sizeof(as_globex),
	    .flags = CSN_CACHE_STRICT, .tenant_arg = &globex };
	struct csn_cache_value value = { .size = sizeof(value) };
	struct csn_cache_reseal moved = { .size = sizeof(moved) };
	struct csn_cache *before = NULL, *during = NULL, *after = NULL;
	struct csn_store *store = NULL;
	struct csn_ctx *ctx = NULL;
	int rc, other = 0;

	if ((rc = csn_ctx_new(NULL, &ctx)) != 0 ||
	    (rc = csn_store_open(ctx, "memory:?bytes=16M", &store)) != 0 ||
	    (rc = open_cache(ctx, store, old_key, NULL, &before)) != 0 ||
	    (rc = open_cache(ctx, store, new_key, old_key, &during)) != 0 ||
	    (rc = open_cache(ctx, store, new_key, NULL, &after)) != 0)
		goto out;
	if ((rc = csn_cache_set(before, "ns:plans:acme", &as_acme,
	    "{\"plan\": \"secret\"}", 18)) != 0)
		goto out;
	other = csn_cache_get(before, "ns:plans:acme", &as_globex, &value);
	printf("globex asks for acme's value: %s\n", csn_error_name(other));
	if (other != CSN_E_TENANT && other != CSN_E_TAG)
		rc = CSN_E_ARG;
	if (rc != 0)
		goto out;
	printf("the master key is rotated; the old one goes on opening\n");
	if ((rc = csn_cache_get(during, "ns:plans:acme", &as_acme,
	    &value)) != 0)
		goto out;
	printf("acme reads %.*s, sealed under key %u of the ring\n",
	    (int)value.data.len, (const char *)value.data.p, value.which);
	if ((rc = csn_cache_reseal(during, "plans", &as_acme, progress, NULL,
	    &moved)) != 0)
		goto out;
	printf("%llu moved to the new key; the old one can go\n",
	    (unsigned long long)moved.moved);
	rc = csn_cache_get(after, "ns:plans:acme", &as_acme, &value);
	if (rc == 0 && (moved.moved != 1 || value.which != 0))
		rc = CSN_E_ARG;

out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", csn_error_name(rc),
		    csn_message());
	csn_cache_value_free(&value);	/* wipes */
	csn_cache_free(before);
	csn_cache_free(during);
	csn_cache_free(after);
	csn_store_close(store);
	csn_ctx_free(ctx);
	return rc != 0;
}
