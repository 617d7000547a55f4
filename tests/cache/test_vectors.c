/* SPDX-License-Identifier: Apache-2.0 */
/* test_vectors.c - what CacheKit's SDKs make of keys, values and entries. */
#include "crypto/vectors.h"
#include "key_args.h"
#include "lib/test.h"

#include <caisson/advanced.h>
#include <caisson/aead.h>
#include <caisson/cachekit.h>

#include "base/text.h"
#include "cache/envelope.h"
#include "cache/kit.h"
#include "cache/mp.h"

/* The protocol's own vectors, beside the tree. */
static json_t *
shared(const char *name)
{
	char rel[64], *path;

	snprintf(rel, sizeof(rel), "cachekit/%s", name);
	if ((path = test_shared_path(rel)) == NULL)
		return NULL;
	return vectors_load(path);
}

/* And those of the tree, in the same form. */
static json_t *
own(const char *name)
{
	char rel[64];

	snprintf(rel, sizeof(rel), "tests/vectors/cachekit/%s", name);
	return vectors_load(test_source_path(rel));
}

static const char *
optional(const json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

/* --- keys ------------------------------------------------------------- */

static void
check_auto_keys(const json_t *root)
{
	const json_t *vectors = json_object_get(root, "vectors"), *v;
	struct csn_cachekit_key *key;
	char text[CSN_CACHEKIT_KEY_SIZE];
	size_t i;

	assert_true(json_array_size(vectors) >= 10);
	assert_int_equal(csn_cachekit_key_new(test_ctx, CSN_CACHEKIT_KEY_AUTO,
	    &key), 0);
	json_array_foreach(vectors, i, v) {
		csn_cachekit_key_reset(key);
		assert_int_equal(key_args(key, json_object_get(v, "args"),
		    json_object_get(v, "kwargs")), 0);
		assert_int_equal(csn_cachekit_key_auto(key,
		    optional(v, "namespace"),
		    vectors_text(v, "function_module"),
		    vectors_text(v, "function_qualname"),
		    json_is_true(json_object_get(v, "integrity_checking")),
		    vectors_text(v, "serializer_type"), text), 0);
		assert_string_equal(text, vectors_text(v, "expected_key"));
	}
	csn_cachekit_key_free(key);
}

TEST(test_shared_auto_keys)
{
	json_t *root = shared("cache-keys.json");

	if (root == NULL)
		test_skip("CacheKit's vectors are not beside this tree");
	check_auto_keys(root);
	json_decref(root);
}

TEST(test_own_auto_keys)
{
	json_t *root = own("auto-keys.json");

	check_auto_keys(root);
	json_decref(root);
}

static void
check_interop_keys(const json_t *root)
{
	const json_t *vectors = json_object_get(root, "key_vectors"), *v;
	struct csn_cachekit_key *key;
	char text[CSN_CACHEKIT_KEY_SIZE];
	struct bytes want;
	const uint8_t *p;
	size_t i, len;

	assert_true(json_array_size(vectors) >= 10);
	assert_int_equal(csn_cachekit_key_new(test_ctx,
	    CSN_CACHEKIT_KEY_INTEROP, &key), 0);
	json_array_foreach(vectors, i, v) {
		csn_cachekit_key_reset(key);
		assert_int_equal(key_args(key, json_object_get(v, "args"),
		    NULL), 0);
		want = vectors_hex(v, "canonical_args_hex");
		assert_int_equal(csn_cachekit_key_args(key, &p, &len), 0);
		assert_int_equal(len, want.len);
		assert_memory_equal(p, want.p, len);
		assert_int_equal(csn_cachekit_key_interop(key,
		    vectors_text(v, "namespace"),
		    vectors_text(v, "operation"), text), 0);
		assert_string_equal(text, vectors_text(v, "expected_key"));
		vectors_release();
	}
	csn_cachekit_key_free(key);
}

static void
check_refused(const json_t *root)
{
	const json_t *vectors = json_object_get(root, "error_vectors"), *v;
	struct csn_cachekit_key *key;
	char text[CSN_CACHEKIT_KEY_SIZE];
	const char *space, *operation;
	size_t i;
	int rc;

	assert_true(json_array_size(vectors) >= 9);
	assert_int_equal(csn_cachekit_key_new(test_ctx,
	    CSN_CACHEKIT_KEY_INTEROP, &key), 0);
	json_array_foreach(vectors, i, v) {
		csn_cachekit_key_reset(key);
		space = optional(v, "namespace");
		operation = optional(v, "operation");
		rc = key_args(key, json_object_get(v, "args"), NULL);
		if (rc == 0)
			rc = csn_cachekit_key_interop(key,
			    space != NULL ? space : "t",
			    operation != NULL ? operation : "op", text);
		if (rc != CSN_E_POLICY && rc != CSN_E_ARG)
			fail_msg("%s gave %s", vectors_text(v, "name"),
			    csn_error_name(rc));
	}
	csn_cachekit_key_free(key);
}

TEST(test_shared_interop_keys)
{
	json_t *root = shared("interop-mode.json");

	if (root == NULL)
		test_skip("CacheKit's vectors are not beside this tree");
	check_interop_keys(root);
	check_refused(root);
	json_decref(root);
}

TEST(test_own_interop_keys)
{
	json_t *root = own("interop.json");

	check_interop_keys(root);
	check_refused(root);
	json_decref(root);
}

/* --- values, AAD, encryption ------------------------------------------ */

static void
check_values(const json_t *root)
{
	const json_t *vectors = json_object_get(root, "value_vectors"), *v;
	struct csn_cachekit_entry entry = { .size = sizeof(entry),
	    .shape = CSN_CACHEKIT_INTEROP, .key = "a:b:c", .key_len = 5 };
	struct csn_cache_buffer out = { 0 };
	struct bytes value;
	size_t i;

	json_array_foreach(vectors, i, v) {
		value = vectors_hex(v, "canonical_msgpack_hex");
		assert_int_equal(csn_mp_check(test_ctx, value.p, value.len,
		    1), 0);
		assert_int_equal(csn_cachekit_pack(test_ctx, NULL, &entry,
		    value.p, value.len, &out), 0);
		assert_int_equal(out.len, value.len);
		assert_memory_equal(out.p, value.p, value.len);
		vectors_release();
	}
	csn_cache_buffer_free(&out);
}

static struct csn_cachekit_bind
bind_of(const json_t *v)
{
	struct csn_cachekit_bind bind = {
		.tenant = vectors_text(v, "tenant_id"),
		.key = vectors_text(v, "cache_key"),
		.format = vectors_text(v, "format"),
		.compressed = json_is_true(json_object_get(v, "compressed")),
		.type = optional(v, "original_type"),
	};

	bind.tenant_len = strlen(bind.tenant);
	bind.key_len = strlen(bind.key);
	return bind;
}

static void
check_aad(const json_t *v)
{
	struct csn_cachekit_bind bind = bind_of(v);
	struct bytes want = vectors_hex(v, "aad_hex");
	uint8_t aad[CSN_KIT_AAD_MAX];
	size_t len;

	assert_int_equal(csn_kit_aad(test_ctx, &bind, aad, &len), 0);
	assert_int_equal(len, want.len);
	assert_memory_equal(aad, want.p, len);
}

/* Open the vector's ciphertext, and make it again under its nonce. */
static void
check_encryption(const json_t *v)
{
	struct csn_cachekit_bind bind = bind_of(v);
	struct bytes master = vectors_hex(v, "master_key_hex");
	struct bytes print = vectors_hex(v, "derived_key_fingerprint_hex");
	struct bytes plain = vectors_hex(v, "plaintext_hex");
	struct bytes sealed = vectors_hex(v, "ciphertext_hex");
	struct csn_bytes current = { master.p, master.len };
	struct csn_cachekit_ring *keys;
	struct csn_cachekit *kit;
	uint8_t got[16], *out, key[CSN_KEY_SIZE], aad[CSN_KIT_AAD_MAX];
	size_t which = 9, aad_len;

	assert_int_equal(csn_cachekit_ring_new(test_ctx, &current, NULL, 0, 0,
	    &keys), 0);
	assert_int_equal(csn_cachekit_new(test_ctx, keys, NULL, &kit), 0);
	csn_cachekit_ring_free(keys);
	assert_int_equal(csn_cachekit_fingerprint(kit, bind.tenant,
	    bind.tenant_len, 0, got), 0);
	assert_int_equal(print.len, 16);
	assert_memory_equal(got, print.p, 16);
	assert_non_null(out = malloc(sealed.len));
	assert_int_equal(csn_cachekit_open(kit, &bind, NULL, sealed.p,
	    sealed.len, out, &which), 0);
	assert_int_equal(which, 0);
	assert_int_equal(sealed.len, plain.len + CSN_CACHEKIT_OVERHEAD);
	assert_memory_equal(out, plain.p, plain.len);

	assert_int_equal(csn_cachekit_derive(kit, bind.tenant,
	    bind.tenant_len, CSN_CACHEKIT_ENCRYPTION, key), 0);
	assert_int_equal(csn_kit_aad(test_ctx, &bind, aad, &aad_len), 0);
	assert_int_equal(csn_aead_seal(test_ctx, key, sealed.p, aad, aad_len,
	    plain.p, plain.len, out, out + plain.len), 0);
	assert_memory_equal(out, sealed.p + CSN_NONCE_SIZE,
	    plain.len + CSN_TAG_SIZE);
	free(out);
	csn_cachekit_free(kit);
}

static void
check_sealed(const json_t *root)
{
	const json_t *v;
	size_t i;

	assert_true(json_array_size(json_object_get(root,
	    "aad_vectors")) > 0);
	json_array_foreach(json_object_get(root, "aad_vectors"), i, v) {
		check_aad(v);
		vectors_release();
	}
	assert_true(json_array_size(json_object_get(root,
	    "encryption_vectors")) > 0);
	json_array_foreach(json_object_get(root, "encryption_vectors"), i,
	    v) {
		check_aad(v);
		check_encryption(v);
		vectors_release();
	}
}

TEST(test_shared_values)
{
	json_t *root = shared("interop-mode.json");

	if (root == NULL)
		test_skip("CacheKit's vectors are not beside this tree");
	check_values(root);
	check_sealed(root);
	json_decref(root);
}

TEST(test_own_values)
{
	json_t *root = own("interop.json");

	check_values(root);
	check_sealed(root);
	json_decref(root);
}

/* --- containers ------------------------------------------------------- */

static void
check_envelopes(const json_t *root)
{
	const json_t *vectors = json_object_get(root, "vectors"), *v;
	struct bytes in, stored;
	struct csn_envelope e;
	uint8_t *room, *out;
	size_t i, len;

	assert_true(json_array_size(vectors) > 0);
	json_array_foreach(vectors, i, v) {
		in = vectors_hex(v, "input_hex");
		stored = vectors_hex(v, "envelope_hex");
		assert_int_equal(csn_envelope_read(test_ctx, stored.p,
		    stored.len, &e), 0);
		assert_int_equal(e.original, in.len);
		assert_int_equal(e.format_len,
		    strlen(vectors_text(v, "format")));
		assert_memory_equal(e.format, vectors_text(v, "format"),
		    e.format_len);
		assert_int_equal(e.spelled == 0 || e.data_len == 0,
		    optional(v, "envelope_encoding") != NULL);
		assert_non_null(room = malloc(e.data_len + 1));
		assert_non_null(out = malloc(in.len + 1));
		assert_int_equal(csn_envelope_unpack(test_ctx, &e, room, out),
		    0);
		assert_memory_equal(out, in.p, in.len);
		free(room);
		free(out);

		/* Ours differs in how LZ4 chose, and reads the same. */
		assert_non_null(room = malloc(csn_envelope_bound(in.len)));
		assert_int_equal(csn_envelope_write(test_ctx,
		    vectors_text(v, "format"), in.p, in.len, room, &len), 0);
		assert_int_equal(csn_envelope_read(test_ctx, room, len, &e),
		    0);
		assert_int_equal(e.spelled, 0);
		assert_non_null(out = malloc(in.len + 1));
		assert_int_equal(csn_envelope_unpack(test_ctx, &e, NULL, out),
		    0);
		assert_memory_equal(out, in.p, in.len);
		free(room);
		free(out);
		vectors_release();
	}
}

TEST(test_shared_envelopes)
{
	json_t *root = shared("wire-format.json");

	if (root == NULL)
		test_skip("CacheKit's vectors are not beside this tree");
	check_envelopes(root);
	json_decref(root);
}

TEST(test_own_envelopes)
{
	json_t *root = own("wire.json");

	check_envelopes(root);
	json_decref(root);
}

/* --- what the Python SDK stored --------------------------------------- */

static uint32_t
shape_of(const char *name)
{
	if (strcmp(name, "default") == 0)
		return CSN_CACHEKIT_AUTO_MSGPACK;
	if (strcmp(name, "orjson") == 0)
		return CSN_CACHEKIT_AUTO_ORJSON;
	if (strcmp(name, "arrow") == 0)
		return CSN_CACHEKIT_AUTO_ARROW;
	assert_string_equal(name, "interop");
	return CSN_CACHEKIT_INTEROP;
}

static void
check_entry(const json_t *v)
{
	struct bytes stored = vectors_hex(v, "stored_hex");
	struct bytes value = vectors_hex(v, "value_hex");
	const char *master = optional(v, "master_key_hex");
	struct csn_cachekit_entry entry = { .size = sizeof(entry),
	    .shape = shape_of(vectors_text(v, "serializer")),
	    .flags = json_is_true(json_object_get(v, "integrity")) ? 0 :
	    CSN_CACHEKIT_NO_INTEGRITY, .tenant = optional(v, "tenant_id"),
	    .key = vectors_text(v, "cache_key") };
	struct csn_cache_buffer out = { 0 };
	struct csn_cachekit_ring *keys;
	struct csn_cachekit *kit = NULL;
	size_t which = 9;

	entry.key_len = strlen(entry.key);
	entry.tenant_len = entry.tenant != NULL ? strlen(entry.tenant) : 0;
	if (master != NULL) {
		assert_int_equal(csn_cachekit_ring_hex(test_ctx, "the vector",
		    master, optional(v, "previous_hex"), 0, &keys), 0);
		assert_int_equal(csn_cachekit_new(test_ctx, keys, NULL, &kit),
		    0);
		csn_cachekit_ring_free(keys);
	}
	if (csn_cachekit_unpack(test_ctx, kit, &entry, stored.p, stored.len,
	    &out, &which) != 0)
		fail_msg("%s: %s", vectors_text(v, "name"),
		    csn_message());
	assert_int_equal(out.len, value.len);
	assert_memory_equal(out.p, value.p, value.len);
	assert_int_equal(which, optional(v, "previous_hex") != NULL ? 1 : 0);
	csn_cache_buffer_free(&out);
	csn_cachekit_free(kit);
}

static void
check_entries(const char *name)
{
	json_t *root = own(name), *v;
	size_t i;

	assert_true(json_array_size(json_object_get(root, "entries")) >= 10);
	json_array_foreach(json_object_get(root, "entries"), i, v) {
		check_entry(v);
		vectors_release();
	}
	json_decref(root);
}

TEST(test_own_entries)
{
	check_entries("entries.json");
}

/* Base64 in JSON, and blocks spelled as integers. */
TEST(test_own_older_entries)
{
	check_entries("entries-older.json");
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
