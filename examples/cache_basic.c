/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/cache_basic.c - results kept where nobody but us can read them.
 *
 * A slow computation's result is kept in a backend (here one in memory; any
 * URL will do: redis://…, lmdb:…, file:…) that sees ciphertext only. It is
 * computed once, read again for nothing, and recomputed when somebody has
 * tampered with it.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/caisson.h>

/* A master key comes from the environment, a file or a keystore; this one is
 * for an example. */
static const char master_key[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static int computations;

/* The slow part. What it makes is MessagePack: {"ssn": "078-05-1120"}. */
static int
fetch_person(void *arg, const char *key, struct csn_cache_value *out)
{
	static const char person[] = "\x81\xa3ssn\xab" "078-05-1120";

	(void)arg;
	(void)key;
	computations++;
	return csn_cache_value_set(out, person, sizeof(person) - 1);
}

/* The key that the same call has in Python and in Rust. */
static int
key_of(struct csn_ctx *ctx, int64_t user, char key[CSN_CACHEKIT_KEY_SIZE])
{
	struct csn_cachekit_key *builder = NULL;
	int rc;

	if ((rc = csn_cachekit_key_new(ctx, CSN_CACHEKIT_KEY_INTEROP,
	    &builder)) == 0 &&
	    (rc = csn_cachekit_key_int(builder, user)) == 0)
		rc = csn_cachekit_key_interop(builder, "people", "fetch_person",
		    key);
	csn_cachekit_key_free(builder);
	return rc;
}

/* What an intruder does who can write to the backend. */
static int
tamper(struct csn_store *store, const char *key)
{
	struct csn_store_buf buf;
	uint8_t bytes[256];
	size_t len;
	int rc;

	if ((rc = csn_store_borrow(store, NULL, 0, (const uint8_t *)key,
	    strlen(key), &buf)) != 0)
		return rc;
	len = buf.len;
	memcpy(bytes, buf.p, len);
	csn_store_release(store, &buf);
	printf("the backend has %zu bytes, and 'ssn' is %s them\n", len,
	    memmem(bytes, len, "ssn", 3) == NULL ? "not in" : "IN");
	bytes[len / 2] ^= 1;
	return csn_store_put(store, NULL, 0, (const uint8_t *)key,
	    strlen(key), bytes, len);
}

int
main(void)
{
	struct csn_cache_options config = { .size = sizeof(config),
	    .form = CSN_CACHE_INTEROP, .ttl_ms = 3600000,
	    .flags = CSN_CACHE_NO_L1 };	/* so that each read shows L2 */
	struct csn_cache_value person = { .size = sizeof(person) };
	struct csn_cache_stat stat = { .size = sizeof(stat) };
	struct csn_cachekit_ring *keys = NULL;
	struct csn_cache *cache = NULL;
	struct csn_store *store = NULL;
	struct csn_ctx *ctx = NULL;
	char key[CSN_CACHEKIT_KEY_SIZE];
	int rc, i;

	if ((rc = csn_ctx_new(NULL, &ctx)) != 0 ||
	    (rc = csn_store_open(ctx, "memory:?bytes=16M", &store)) != 0 ||
	    (rc = csn_cachekit_ring_hex(ctx, "the example's key", master_key,
	    NULL, 0, &keys)) != 0)
		goto out;
	config.keys = keys;
	config.store = store;
	if ((rc = csn_cache_new(ctx, &config, &cache)) != 0 ||
	    (rc = key_of(ctx, 123, key)) != 0)
		goto out;
	printf("%s\n", key);
	for (i = 0; i < 3; i++) {
		if ((rc = csn_cache_get_or_compute(cache, key, NULL,
		    fetch_person, NULL, &person)) != 0)
			goto out;
		printf("read %d: %zu bytes, %s\n", i + 1, person.data.len,
		    person.source == CSN_CACHE_COMPUTED ? "computed" :
		    "from the backend, opened");
	}
	if ((rc = tamper(store, key)) != 0 ||
	    (rc = csn_cache_get_or_compute(cache, key, NULL, fetch_person,
	    NULL, &person)) != 0 || (rc = csn_cache_stat(cache, &stat)) != 0)
		goto out;
	printf("tampered with: refused %d time, computed anew\n",
	    (int)stat.tag_failures);
	if (computations != 2 || stat.l2_hits != 2 || stat.tag_failures != 1)
		rc = CSN_E_ARG;

out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", csn_error_name(rc),
		    csn_message());
	csn_cache_value_free(&person);	/* wipes */
	csn_cache_free(cache);
	csn_cachekit_ring_free(keys);
	csn_store_close(store);
	csn_ctx_free(ctx);
	return rc != 0;
}
