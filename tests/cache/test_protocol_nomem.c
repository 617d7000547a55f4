/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_protocol_nomem.c - each allocation of keys, kits and entries fails
 * once: the right code, nothing leaked, nothing half done.
 */
#include "crypto/vectors.h"
#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"

#include <caisson/cachekit_key.h>
#include <caisson/cache_native.h>
#include <caisson/cachekit.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const uint8_t value[] = { 0x81, 0xa1, 'a', 0x01 };

static int
build_key(void)
{
	struct csn_cachekit_key *key = NULL;
	char text[CSN_CACHEKIT_KEY_SIZE];
	int rc;

	if ((rc = csn_cachekit_key_new(test_ctx, CSN_CACHEKIT_KEY_AUTO,
	    &key)) == 0 &&
	    (rc = csn_cachekit_key_map_begin(key)) == 0 &&
	    (rc = csn_cachekit_key_map_key(key, "b", 1)) == 0 &&
	    (rc = csn_cachekit_key_int(key, 1)) == 0 &&
	    (rc = csn_cachekit_key_map_key(key, "a", 1)) == 0 &&
	    (rc = csn_cachekit_key_list_begin(key)) == 0 &&
	    (rc = csn_cachekit_key_str(key, "x", 1)) == 0 &&
	    (rc = csn_cachekit_key_list_end(key)) == 0 &&
	    (rc = csn_cachekit_key_map_end(key)) == 0 &&
	    (rc = csn_cachekit_key_name(key, "n", 1)) == 0 &&
	    (rc = csn_cachekit_key_float(key, 1.5)) == 0)
		rc = csn_cachekit_key_auto(key, "ns", "m", "f", 1, "mine",
		    text);
	if (rc == 0)
		assert_memory_equal(text, "ns:ns:func:m.f:args:", 20);
	csn_cachekit_key_free(key);
	return rc;
}

/* Sealed under the former key, in an older frame, moved on, described. */
static int
use_kit(void)
{
	struct csn_cachekit_entry e = { .size = sizeof(e),
	    .shape = CSN_CACHEKIT_AUTO_MSGPACK, .key = "k", .key_len = 1 };
	struct csn_cachekit_ring *old = NULL, *both = NULL;
	struct csn_cachekit *before = NULL, *now = NULL;
	struct csn_cache_buffer a = { 0 }, b = { 0 }, c = { 0 };
	char *json = NULL;
	int rc;

	if ((rc = csn_cachekit_ring_hex(test_ctx, "t", A, NULL, 0,
	    &old)) == 0 &&
	    (rc = csn_cachekit_ring_hex(test_ctx, "t", B, A, 0, &both)) == 0 &&
	    (rc = csn_cachekit_new(test_ctx, old, NULL, &before)) == 0 &&
	    (rc = csn_cachekit_new(test_ctx, both, NULL, &now)) == 0 &&
	    (rc = csn_cachekit_pack(test_ctx, before, &e, value,
	    sizeof(value), &a)) == 0 &&
	    (rc = csn_cachekit_reseal(test_ctx, now, &e, a.p, a.len, &b,
	    NULL)) == 0 &&
	    (rc = csn_cachekit_inspect(test_ctx, b.p, b.len, &json)) == 0)
		rc = csn_cachekit_unpack(test_ctx, now, &e, b.p, b.len, &c,
		    NULL);
	if (rc == 0)
		assert_memory_equal(c.p, value, sizeof(value));
	else
		assert_int_equal(c.len, 0);
	csn_free(json);
	csn_cache_buffer_free(&a);
	csn_cache_buffer_free(&b);
	csn_cache_buffer_free(&c);
	csn_cachekit_free(before);
	csn_cachekit_free(now);
	csn_cachekit_ring_free(old);
	csn_cachekit_ring_free(both);
	return rc;
}

/* The older frame: base64 in JSON. */
static int
read_old(void)
{
	static const char stored[] = "{\"data\": \"lJCYLQbMgAU4zNPMlMzCAKdtc2"
	    "dwYWNr\", \"metadata\": {\"format\": \"msgpack\", "
	    "\"compressed\": true}, \"serializer\": \"default\"}";
	struct csn_cachekit_entry e = { .size = sizeof(e),
	    .shape = CSN_CACHEKIT_AUTO_MSGPACK, .key = "k", .key_len = 1 };
	struct csn_cache_buffer out = { 0 };
	int rc = csn_cachekit_unpack(test_ctx, NULL, &e,
	    (const uint8_t *)stored, sizeof(stored) - 1, &out, NULL);

	csn_cache_buffer_free(&out);
	return rc;
}

static int
use_native(void)
{
	static const uint8_t id[16] = { 1 }, key[32] = { 2 };
	struct csn_cache_native_bind bind = { .tenant = "t", .key = "k",
	    .key_len = 1, .format = "msgpack" };
	uint8_t sealed[sizeof(value) + CSN_CACHE_NATIVE_OVERHEAD];
	uint8_t out[sizeof(value)];
	struct csn_cache_native *a = NULL, *b = NULL;
	int rc;

	if ((rc = csn_cache_native_new(test_ctx, NULL, &a)) == 0 &&
	    (rc = csn_cache_native_new(test_ctx, NULL, &b)) == 0 &&
	    (rc = csn_cache_native_add_key(a, 1, id, key)) == 0 &&
	    (rc = csn_cache_native_add_key(b, 1, id, key)) == 0 &&
	    (rc = csn_cache_native_seal(a, &bind, 0, value, sizeof(value),
	    sealed)) == 0 &&
	    (rc = csn_cache_native_open(b, &bind, sealed, sizeof(sealed), out,
	    NULL)) == 0) {
		assert_memory_equal(out, value, sizeof(value));
		rc = csn_cache_native_forget(b, &bind);
	}
	csn_cache_native_free(a);
	csn_cache_native_free(b);
	return rc;
}

static void
check(const char *name, int (*life)(void))
{
	if (!failmalloc_works())
		test_skip("the sanitizer has an allocator of its own");
	/* jansson at times blames the text. */
	nomem_each(name, life, CSN_E_FORM);
}

TEST(test_kit)
{
	check("a kit", use_kit);
}

/* By now OpenSSL's queue of errors has all that it keeps. */
TEST(test_key)
{
	check("a key", build_key);
}

TEST(test_old_frame)
{
	check("an older frame", read_old);
}

TEST(test_native)
{
	check("a native cache", use_native);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
