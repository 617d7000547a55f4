/* SPDX-License-Identifier: Apache-2.0 */
/* test_native.c - Caisson's own entries: replay, expiry, epochs, commitment. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/vectors.h"
#include "identity/people.h"
#include "lib/test.h"

#include <caisson/cache_native.h>

#include "cache/native.h"
#include "crypto/aead_internal.h"

static const uint8_t plain[] = "what a cache keeps";
#define LEN sizeof(plain)
#define SEALED (LEN + CSN_CACHE_NATIVE_OVERHEAD)

static struct csn_ctx *ctx;
static const uint8_t id_1[16] = "master key one", id_2[16] = "number two";
static const uint8_t key_1[32] = { 1 }, key_2[32] = { 2 };

BEFORE_ALL
{
	people_now = PEOPLE_START;
	ctx = people_ctx();
	test_ctx = ctx;
	assert_non_null(ctx);
}

AFTER_ALL { csn_ctx_free(ctx); }

static struct csn_cache_native *
made(int epochs)
{
	struct csn_cache_native *n;

	assert_int_equal(csn_cache_native_new(ctx, NULL, &n), 0);
	if (epochs >= 1)
		assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1),
		    0);
	if (epochs >= 2)
		assert_int_equal(csn_cache_native_add_key(n, 2, id_2, key_2),
		    0);
	return n;
}

static struct csn_cache_native_bind
bind_of(const char *tenant, const char *key)
{
	struct csn_cache_native_bind b = { .tenant = tenant, .key = key,
	    .key_len = strlen(key), .format = "msgpack" };

	return b;
}

static int
opens(struct csn_cache_native *n, const struct csn_cache_native_bind *b,
    const uint8_t *sealed, size_t len, int *old)
{
	static const uint8_t zero[LEN];
	uint8_t out[LEN];
	int rc;

	memset(out, 0xee, sizeof(out));
	rc = csn_cache_native_open(n, b, sealed, len, out, old);
	if (rc == 0)
		assert_memory_equal(out, plain, LEN);
	else if (len >= CSN_CACHE_NATIVE_OVERHEAD)
		assert_memory_equal(out, zero,
		    len - CSN_CACHE_NATIVE_OVERHEAD);
	return rc;
}

static void
seal(struct csn_cache_native *n, const struct csn_cache_native_bind *b,
    uint8_t sealed[SEALED])
{
	assert_int_equal(csn_cache_native_seal(n, b, 0, plain, LEN, sealed),
	    0);
}

TEST(test_swapped)
{
	struct csn_cache_native *n = made(1), *other;
	struct csn_cache_native_bind b = bind_of("one", "a:b:c"), c;
	uint8_t sealed[SEALED];

	seal(n, &b, sealed);
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), 0);
	c = bind_of("two", "a:b:c");
	assert_int_equal(opens(n, &c, sealed, SEALED, NULL), CSN_E_TENANT);
	c = bind_of("one", "a:b:d");
	assert_int_equal(opens(n, &c, sealed, SEALED, NULL), CSN_E_TAG);
	c = b;
	c.format = "orjson";
	assert_int_equal(opens(n, &c, sealed, SEALED, NULL), CSN_E_TAG);
	/* The same epoch with another master key. */
	assert_int_equal(csn_cache_native_new(ctx, NULL, &other), 0);
	assert_int_equal(csn_cache_native_add_key(other, 1, id_1, key_2), 0);
	assert_int_equal(opens(other, &b, sealed, SEALED, NULL), CSN_E_TAG);
	csn_cache_native_free(other);
	assert_int_equal(csn_cache_native_new(ctx, NULL, &other), 0);
	assert_int_equal(opens(other, &b, sealed, SEALED, NULL),
	    CSN_E_EPOCH);
	assert_int_equal(csn_cache_native_add_key(other, 1, id_2, key_1), 0);
	assert_int_equal(opens(other, &b, sealed, SEALED, NULL),
	    CSN_E_EPOCH);
	csn_cache_native_free(other);
	csn_cache_native_free(n);
}

TEST(test_each_bit_and_each_cut)
{
	struct csn_cache_native *n = made(1), *cold;
	struct csn_cache_native_bind b = bind_of("one", "a:b:c");
	uint8_t sealed[SEALED];
	size_t i;

	seal(n, &b, sealed);
	/* A reader that never saw the writer, and takes none on trust. */
	cold = made(1);
	for (i = 0; i < 8 * SEALED; i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(opens(n, &b, sealed, SEALED, NULL), 0);
		assert_int_not_equal(opens(cold, &b, sealed, SEALED, NULL),
		    0);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < SEALED; i++)
		assert_int_equal(opens(n, &b, sealed, i, NULL), CSN_E_FORM);
	assert_int_equal(cold->writers.shards[0].n, 0);
	assert_int_equal(opens(cold, &b, sealed, SEALED, NULL), 0);
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), 0);
	csn_cache_native_free(cold);
	csn_cache_native_free(n);
}

/* An older value that a backend puts back is refused, by all who saw newer. */
TEST(test_an_old_value_is_refused)
{
	struct csn_cache_native *writer = made(1), *reader = made(1);
	struct csn_cache_native_bind b = bind_of("one", "k"),
	    c = bind_of("one", "l");
	uint8_t first[SEALED], second[SEALED], other[SEALED];

	seal(writer, &b, first);
	seal(writer, &c, other);
	assert_int_equal(opens(reader, &b, first, SEALED, NULL), 0);
	seal(writer, &b, second);
	assert_int_equal(opens(writer, &b, first, SEALED, NULL),
	    CSN_E_REPLAY);
	/* The reader saw no newer one yet, and reads as often as it likes. */
	assert_int_equal(opens(reader, &b, first, SEALED, NULL), 0);
	assert_int_equal(opens(reader, &b, second, SEALED, NULL), 0);
	assert_int_equal(opens(reader, &b, second, SEALED, NULL), 0);
	assert_int_equal(opens(reader, &b, first, SEALED, NULL),
	    CSN_E_REPLAY);
	/* Another key is another matter. */
	assert_int_equal(opens(reader, &c, other, SEALED, NULL), 0);
	/* What the reader writes is newer than all that it saw. */
	seal(reader, &b, first);
	assert_int_equal(opens(writer, &b, first, SEALED, NULL), 0);
	assert_int_equal(opens(writer, &b, second, SEALED, NULL),
	    CSN_E_REPLAY);
	csn_cache_native_free(writer);
	csn_cache_native_free(reader);
}

TEST(test_a_deleted_value_stays_deleted)
{
	struct csn_cache_native *n = made(1);
	struct csn_cache_native_bind b = bind_of("one", "k");
	uint8_t sealed[SEALED];

	seal(n, &b, sealed);
	assert_int_equal(csn_cache_native_forget(n, &b), 0);
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), CSN_E_REPLAY);
	seal(n, &b, sealed);
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), 0);
	csn_cache_native_free(n);
}

/* Versions have a bound: what was forgotten is refused, not believed. */
TEST(test_bounded_versions)
{
	struct csn_cache_native_options o = { .size = sizeof(o),
	    .versions = 16 };
	struct csn_cache_native *n;
	struct csn_cache_native_bind b = bind_of("one", "k"), c;
	uint8_t old[SEALED], fresh[SEALED], more[SEALED];
	char name[8];
	int i;

	assert_int_equal(csn_cache_native_new(ctx, &o, &n), 0);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1), 0);
	seal(n, &b, old);
	seal(n, &b, fresh);
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		c = bind_of("one", name);
		seal(n, &c, more);
		assert_int_equal(opens(n, &c, more, SEALED, NULL), 0);
	}
	assert_int_equal(opens(n, &b, old, SEALED, NULL), CSN_E_REPLAY);
	csn_cache_native_free(n);
}

TEST(test_expiry)
{
	struct csn_cache_native *n = made(1);
	struct csn_cache_native_bind b = bind_of("one", "k");
	uint8_t sealed[SEALED];

	assert_int_equal(csn_cache_native_seal(n, &b, people_now + 1000,
	    plain, LEN, sealed), 0);
	people_now += 999;
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), 0);
	people_now += 1;
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), CSN_E_EXPIRED);
	/* A clock that is set back extends nothing. */
	people_now -= 500;
	assert_int_equal(opens(n, &b, sealed, SEALED, NULL), CSN_E_EXPIRED);
	csn_cache_native_free(n);
}

TEST(test_epochs)
{
	struct csn_cache_native *n = made(0);
	struct csn_cache_native_bind b = bind_of("one", "k");
	uint8_t sealed[SEALED];
	uint32_t i;
	int old = 9;

	assert_int_equal(csn_cache_native_epoch(n), 0);
	assert_int_equal(csn_cache_native_seal(n, &b, 0, plain, LEN, sealed),
	    CSN_E_EPOCH);
	assert_int_equal(csn_cache_native_add_key(n, 0, id_1, key_1),
	    CSN_E_ARG);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1), 0);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1), 0);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_2),
	    CSN_E_EXISTS);
	seal(n, &b, sealed);
	assert_int_equal(opens(n, &b, sealed, SEALED, &old), 0);
	assert_int_equal(old, 0);
	assert_int_equal(csn_cache_native_add_key(n, 2, id_2, key_2), 0);
	assert_int_equal(csn_cache_native_epoch(n), 2);
	assert_int_equal(opens(n, &b, sealed, SEALED, &old), 0);
	assert_int_equal(old, 1);
	/* Dropped, its entries are noise. */
	assert_int_equal(csn_cache_native_drop(n, 1), 0);
	assert_int_equal(csn_cache_native_drop(n, 1), CSN_E_EPOCH);
	assert_int_equal(opens(n, &b, sealed, SEALED, &old), CSN_E_EPOCH);
	seal(n, &b, sealed);
	assert_int_equal(opens(n, &b, sealed, SEALED, &old), 0);
	for (i = 3; i < 2 + CSN_CACHE_NATIVE_MASTERS; i++)
		assert_int_equal(csn_cache_native_add_key(n, i, id_1, key_1),
		    0);
	assert_int_equal(csn_cache_native_add_key(n, 99, id_1, key_1),
	    CSN_E_LIMIT);
	csn_cache_native_free(n);
}

/* A writer that is used up gives way to one with another key. */
TEST(test_writers_end)
{
	struct csn_cache_native *n = made(1);
	struct csn_cache_native_bind b = bind_of("one", "k");
	struct csn_native_name name = { .epoch = 1, .tenant = "one" };
	struct csn_native_writer *w;
	uint8_t first[SEALED], next[SEALED];

	seal(n, &b, first);
	w = (struct csn_native_writer *)csn_held_find(&n->writers,
	    csn_native_hash(n, &name), &name);
	assert_non_null(w);
	atomic_store(&w->messages, CSN_KEY_MAX_MESSAGES - 1);
	seal(n, &b, next);
	assert_memory_equal(first + CSN_H_WRITER, next + CSN_H_WRITER, 16);
	seal(n, &b, next);
	assert_memory_not_equal(first + CSN_H_WRITER, next + CSN_H_WRITER,
	    16);
	assert_int_equal(csn_load64(next + CSN_H_SEQUENCE), 0);
	assert_int_equal(opens(n, &b, next, SEALED, NULL), 0);
	csn_held_release(&n->writers, &w->held);
	csn_cache_native_free(n);
}

TEST(test_arguments)
{
	struct csn_cache_native *n = made(1);
	struct csn_cache_native_bind b;
	uint8_t sealed[SEALED];
	char tenant[CSN_TENANT_ID_MAX + 2];

	memset(tenant, 't', sizeof(tenant));
	tenant[CSN_TENANT_ID_MAX + 1] = '\0';
	b = bind_of(tenant, "k");
	assert_int_equal(csn_cache_native_seal(n, &b, 0, plain, LEN, sealed),
	    CSN_E_ARG);
	tenant[CSN_TENANT_ID_MAX] = '\0';
	seal(n, &b, sealed);
	b = bind_of("", "k");
	assert_int_equal(csn_cache_native_seal(n, &b, 0, plain, LEN, sealed),
	    CSN_E_ARG);
	b = bind_of("t", "");
	assert_int_equal(csn_cache_native_seal(n, &b, 0, plain, LEN, sealed),
	    CSN_E_ARG);
	b = bind_of("t", "k");
	b.format = NULL;
	assert_int_equal(csn_cache_native_seal(n, &b, 0, plain, LEN, sealed),
	    CSN_E_ARG);
	csn_cache_native_free(n);
	csn_cache_native_free(NULL);
}

TEST(test_a_child_makes_its_own)
{
	struct csn_cache_native *n = made(1);
	struct csn_cache_native_bind b = bind_of("one", "k");
	uint8_t sealed[SEALED];
	int status;
	pid_t child;

	seal(n, &b, sealed);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (csn_cache_native_seal(n, &b, 0, plain, LEN, sealed) !=
		    CSN_E_FORK)
			_exit(1);
		_exit(csn_cache_native_add_key(n, 2, id_2, key_2) !=
		    CSN_E_FORK);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	csn_cache_native_free(n);
}

/* --- sealed master keys ----------------------------------------------- */

TEST(test_sealed_master_keys)
{
	struct csn_identity *maker, *user, *stranger;
	struct csn_trust *trust, *nobody;
	const struct csn_document *to[1];
	struct csn_document *document;
	const uint8_t *bytes;
	struct csn_cache_native *a = made(0), *b = made(0);
	struct csn_cache_native_bind bind = bind_of("one", "k");
	uint8_t *sealed, *broken, out[SEALED];
	size_t len, i;

	maker = people_make(ctx, 1, CSN_SIGN_ML_DSA_65, CSN_KEM_ML_KEM_768,
	    "maker");
	user = people_make(ctx, 2, CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_768,
	    "user");
	stranger = people_quick(ctx, 3, "stranger");
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	assert_int_equal(csn_trust_new(ctx, &nobody), 0);
	people_trust(ctx, trust, maker, CSN_PURPOSE_SEALER);
	bytes = csn_identity_document(user, &len);
	assert_int_equal(csn_document_verify(ctx, bytes, len, &document), 0);
	to[0] = document;
	assert_int_equal(csn_cache_native_make_master(ctx, maker, to, 1, 0,
	    &sealed, &len), CSN_E_ARG);
	assert_int_equal(csn_cache_native_make_master(ctx, maker, to, 1, 7,
	    &sealed, &len), 0);
	assert_int_equal(csn_cache_native_add(a, user, trust, sealed, len),
	    0);
	assert_int_equal(csn_cache_native_add(b, user, trust, sealed, len),
	    0);
	assert_int_equal(csn_cache_native_epoch(a), 7);
	seal(a, &bind, out);
	assert_int_equal(opens(b, &bind, out, SEALED, NULL), 0);
	/* Not for everybody, and not from anybody. */
	assert_int_equal(csn_cache_native_add(a, stranger, trust, sealed,
	    len), CSN_E_NOT_FOUND);
	assert_int_equal(csn_cache_native_add(a, user, nobody, sealed, len),
	    CSN_E_SIGNER);
	assert_non_null(broken = malloc(len));
	for (i = 0; i < len; i += 97) {
		memcpy(broken, sealed, len);
		broken[i] ^= 0x10;
		assert_int_not_equal(csn_cache_native_add(a, user, trust,
		    broken, len), 0);
	}
	free(broken);
	csn_wipe(sealed, len);
	csn_free(sealed);
	/* A sealed file of another kind is no master key. */
	assert_int_equal(csn_sealed_make(ctx, maker, to, 1, "text/plain", plain,
	    LEN, &sealed, &len), 0);
	assert_int_equal(csn_cache_native_add(a, user, trust, sealed, len),
	    CSN_E_POLICY);
	csn_free(sealed);
	assert_int_equal(csn_sealed_make(ctx, maker, to, 1,
	    CSN_CACHE_MASTER_TYPE, plain, LEN, &sealed, &len), 0);
	assert_int_equal(csn_cache_native_add(a, user, trust, sealed, len),
	    CSN_E_FORM);
	csn_free(sealed);
	csn_cache_native_free(a);
	csn_cache_native_free(b);
	csn_document_free(document);
	csn_trust_free(trust);
	csn_trust_free(nobody);
	csn_identity_free(maker);
	csn_identity_free(user);
	csn_identity_free(stranger);
}

/* --- threads ---------------------------------------------------------- */

#define THREADS 4

struct worker {
	struct csn_cache_native *n;
	int number;
	int bad;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint8_t sealed[SEALED], out[LEN];
	struct csn_cache_native_bind b;
	char tenant[8], key[16];
	int i;

	for (i = 0; i < 1500; i++) {
		snprintf(tenant, sizeof(tenant), "t%d", i % 30);
		snprintf(key, sizeof(key), "k%d.%d", w->number, i % 7);
		b = bind_of(tenant, key);
		if (csn_cache_native_seal(w->n, &b, 0, plain, LEN,
		    sealed) != 0 || csn_cache_native_open(w->n, &b, sealed,
		    SEALED, out, NULL) != 0)
			w->bad++;
	}
	return NULL;
}

TEST(test_threads)
{
	struct csn_cache_native_options o = { .size = sizeof(o),
	    .writers = 20 };
	struct csn_cache_native *n;
	struct worker w[THREADS];
	pthread_t threads[THREADS];
	uint8_t id[16] = { 0 };
	uint32_t e;
	int i;

	assert_int_equal(csn_cache_native_new(ctx, &o, &n), 0);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1), 0);
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ n, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	/* Meanwhile epochs come, and the oldest but two go. */
	for (e = 2; e < 60; e++) {
		id[0] = (uint8_t)e;
		assert_int_equal(csn_cache_native_add_key(n, e, id, key_2),
		    0);
		if (e > 12)
			assert_int_equal(csn_cache_native_drop(n, e - 10),
			    0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		/* An entry whose epoch went between the two is lost. */
		assert_true(w[i].bad < 100);
	}
	csn_cache_native_free(n);
}

/* What was sealed once opens for ever. */
TEST(test_vectors)
{
	json_t *root = vectors_load(test_source_path(
	    "tests/vectors/cache.json")), *v;
	struct csn_cache_native *n = made(0);
	struct csn_cache_native_bind b;
	struct bytes id, key, value, sealed;
	uint8_t *out;
	size_t i;
	int rc;

	people_now = vectors_number(root, "clock_ms");
	json_array_foreach(json_object_get(root, "masters"), i, v) {
		id = vectors_hex(v, "id");
		key = vectors_hex(v, "key");
		assert_int_equal(csn_cache_native_add_key(n,
		    (uint32_t)vectors_number(v, "epoch"), id.p, key.p), 0);
	}
	assert_true(json_array_size(json_object_get(root, "entries")) == 8);
	json_array_foreach(json_object_get(root, "entries"), i, v) {
		b = bind_of(vectors_text(v, "tenant"),
		    vectors_text(v, "key"));
		b.format = vectors_text(v, "format");
		value = vectors_hex(v, "value");
		sealed = vectors_hex(v, "sealed");
		assert_non_null(out = malloc(value.len + 1));
		rc = csn_cache_native_open(n, &b, sealed.p, sealed.len, out,
		    NULL);
		/* By then another test's clock may be past the expiry. */
		if (vectors_number(v, "expires_ms") == 0 || rc == 0) {
			assert_int_equal(rc, 0);
			assert_int_equal(sealed.len,
			    value.len + CSN_CACHE_NATIVE_OVERHEAD);
			assert_memory_equal(out, value.p, value.len);
		} else {
			assert_int_equal(rc, CSN_E_EXPIRED);
		}
		free(out);
		vectors_release();
	}
	csn_cache_native_free(n);
	json_decref(root);
}

/* An engine that drops an epoch before it opens, and may bring another master
 * key of its number. */
static struct csn_cache_native *dropping;
static int replacing;

static int
drop_and_open(void *state, const struct csn_aead_msg *msg)
{
	static const uint8_t id[16] = "another one";
	static const uint8_t key[CSN_KEY_SIZE] = "another key";

	if (dropping != NULL)
		assert_int_equal(csn_cache_native_drop(dropping, 1), 0);
	if (dropping != NULL && replacing)
		assert_int_equal(csn_cache_native_add_key(dropping, 1, id,
		    key), 0);
	dropping = NULL;
	return csn_aead_openssl.open(state, msg);
}

TEST(test_an_epoch_dropped_while_an_entry_opens_leaves_no_key)
{
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .aead_engine = "dropping" };
	struct csn_cache_native_bind b = bind_of("acme", "ns:k");
	static struct csn_aead_engine engine;
	struct csn_ctx *whole = ctx;
	struct csn_cache_native *a, *n;
	uint8_t sealed[SEALED];

	engine = csn_aead_openssl;
	engine.name = "dropping";
	engine.preference = 0;
	engine.open = drop_and_open;
	assert_int_equal(csn_aead_register(&engine), 0);
	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	for (replacing = 0; replacing < 2; replacing++) {
		a = made(1);
		n = made(1);
		assert_int_equal(csn_cache_native_seal(a, &b, 0, plain, LEN,
		    sealed), 0);
		/* The entry's key was held already: this once it opens. */
		dropping = n;
		assert_int_equal(opens(n, &b, sealed, SEALED, NULL), 0);
		assert_int_equal(opens(n, &b, sealed, SEALED, NULL),
		    CSN_E_EPOCH);
		csn_cache_native_free(n);
		csn_cache_native_free(a);
	}
	csn_ctx_free(ctx);
	ctx = whole;
}
