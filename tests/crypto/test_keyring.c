/* SPDX-License-Identifier: Apache-2.0 */
/* test_keyring.c - keys at rest, and the lanes that they are expanded in. */
#include <endian.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <caisson/advanced.h>
#include <caisson/aead.h>

#include "crypto/crypto.h"
#include "base/context.h"
#include "crypto/arena.h"
#include "crypto/keyring.h"
#include "crypto/vectors.h"
#include "lib/test.h"
#include "session/scan.h"

/* The system's randomness, which one case lets fail. */
static int no_randomness;
ssize_t getrandom(void *p, size_t len, unsigned flags);

ssize_t
getrandom(void *p, size_t len, unsigned flags)
{
	if (no_randomness)
		return -1;
	return syscall(SYS_getrandom, p, len, flags);
}

/* The library's own counter mode over 32 zero bytes. */
static void
library_pad(const uint8_t key[32], uint64_t salt, uint64_t id,
    uint8_t out[32])
{
	EVP_CIPHER *ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint64_t iv[2] = { salt, htobe64(id << 8) };
	uint8_t zero[32] = { 0 };
	int n;

	assert_non_null(ctr);
	assert_non_null(c);
	assert_int_equal(EVP_EncryptInit_ex2(c, ctr, key,
	    (const uint8_t *)iv, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out, &n, zero, 32), 1);
	assert_int_equal(n, 32);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(ctr);
}

TEST(the_mask_is_the_librarys_counter_mode)
{
	static const uint64_t ids[] = { 1, 2, 255, 256, 0x0123456789abcd,
	    ((uint64_t)1 << 56) - 1 };
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t key[32], ours[32], theirs[32];
	uint64_t salt;
	size_t round, i;

	assert_non_null(ecb);
	assert_non_null(c);
	for (round = 0; round < 32; round++) {
		assert_int_equal(csn_random(test_ctx, key, sizeof(key)), 0);
		assert_int_equal(csn_random(test_ctx, &salt, sizeof(salt)), 0);
		assert_int_equal(EVP_EncryptInit_ex2(c, ecb, key, NULL,
		    NULL), 1);
		for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			assert_int_equal(csn_key_pad(c, salt, ids[i], ours),
			    0);
			library_pad(key, salt, ids[i], theirs);
			assert_memory_equal(ours, theirs, 32);
		}
	}
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(ecb);
}

TEST(a_key_is_masked_and_unmasks_to_what_it_was)
{
	const uint8_t plain[CSN_KEY_SIZE] = { 1, 2, 3 };
	struct csn_key a, b;
	uint8_t unmasked[CSN_KEY_SIZE];

	assert_int_equal(csn_key_mask(test_ctx, plain, &a), 0);
	assert_int_equal(csn_key_mask(test_ctx, plain, &b), 0);
	/* One key twice: neither itself, nor to be told for the same. */
	assert_memory_not_equal(a.wrapped, plain, CSN_KEY_SIZE);
	assert_memory_not_equal(a.wrapped, b.wrapped, CSN_KEY_SIZE);
	assert_memory_not_equal(a.wrapped, a.wrapped + 16, 16);
	assert_int_not_equal(a.id, b.id);
	assert_int_equal(csn_key_unmask(test_ctx, &b, unmasked), 0);
	assert_memory_equal(unmasked, plain, CSN_KEY_SIZE);
	assert_int_equal(csn_key_unmask(test_ctx, &a, unmasked), 0);
	assert_memory_equal(unmasked, plain, CSN_KEY_SIZE);
	csn_key_wipe(test_ctx, &a);
	csn_key_wipe(test_ctx, &b);
	assert_int_equal(a.id, 0);
}

/* More keys than lanes, in turns: each seals with its own. */
TEST(guests_push_nobody_out)
{
	enum { KEYS = 3000 };
	static struct csn_key keys[KEYS];
	uint8_t plain[CSN_KEY_SIZE] = { 0 }, tag[16], expected[16];
	const uint8_t nonce[12] = { 7 };
	struct csn_aead_msg msg = { .tag = tag };
	struct csn_lane *lane;
	uint32_t used, all, i, round;

	memcpy(msg.nonce, nonce, sizeof(nonce));
	for (i = 0; i < KEYS; i++) {
		memcpy(plain, &i, sizeof(i));
		assert_int_equal(csn_key_mask(test_ctx, plain, &keys[i]), 0);
	}
	for (round = 0; round < 3; round++)
		for (i = 0; i < KEYS; i++) {
			assert_int_equal(csn_lane_acquire(test_ctx, &keys[i],
			    &lane), 0);
			assert_int_equal(csn_lane_seal(lane, &msg), 0);
			csn_lane_release(lane);
			memcpy(plain, &i, sizeof(i));
			assert_int_equal(csn_aead_seal(test_ctx, plain, nonce,
			    NULL, 0, NULL, 0, NULL, expected), 0);
			assert_memory_equal(tag, expected, sizeof(tag));
		}
	csn_keyring_stat(test_ctx, &used, &all);
	assert_in_range(used, 1, all);
	for (i = 0; i < KEYS; i++)
		csn_key_wipe(test_ctx, &keys[i]);
	csn_keyring_stat(test_ctx, &used, &all);
	assert_int_equal(used, 0);
}

/* A context with few lanes. */
static struct csn_ctx *
few_lanes(uint32_t lanes)
{
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .lanes = lanes };
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	return ctx;
}

/* What a child of a fork finds, by its exit status: 0 is right. */
static int
in_child(int (*fn)(struct csn_ctx *ctx))
{
	int status;
	pid_t pid;

	fflush(stdout);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(fn(test_ctx));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct csn_key of_parent;

static int
masks_apart(struct csn_ctx *ctx)
{
	const uint8_t plain[CSN_KEY_SIZE] = { 9 };
	struct csn_key key;

	(void)csn_fork_generation(ctx);
	if (csn_key_mask(ctx, plain, &key) != 0)
		return 2;
	/* The parent gives that number away as well. */
	if (key.id != of_parent.id + 1)
		return 3;
	return key.salt == of_parent.salt;
}

TEST(a_forked_child_masks_with_another_salt)
{
	const uint8_t plain[CSN_KEY_SIZE] = { 9 };

	assert_int_equal(csn_key_mask(test_ctx, plain, &of_parent), 0);
	assert_int_equal(in_child(masks_apart), 0);
	csn_key_wipe(test_ctx, &of_parent);
}

/* No counter block is left that could not be the parent's. */
static int
masks_nothing(struct csn_ctx *ctx)
{
	const uint8_t plain[CSN_KEY_SIZE] = { 9 };
	struct csn_key key;
	int i;

	no_randomness = 1;
	(void)csn_fork_generation(ctx);
	no_randomness = 0;
	for (i = 0; i < 3; i++)
		if (csn_key_mask(ctx, plain, &key) != CSN_E_RANDOM)
			return 1 + i;
	return 0;
}

TEST(a_child_without_randomness_masks_no_key_ever)
{
	assert_int_equal(in_child(masks_nothing), 0);
}

/*
 * Nine keys at once in eight lanes and a guest's: wherever they have their
 * home, some stray. Which they are is another nine each time.
 */
TEST(a_key_that_strayed_is_forgotten_as_well)
{
	enum { HELD = 9, MOST = 128 };
	struct csn_ctx *ctx = few_lanes(8);
	struct csn_key keys[MOST];
	struct csn_lane *lanes[HELD];
	uint8_t plain[CSN_KEY_SIZE] = { 0 };
	uint32_t used, all, stride, i;

	for (stride = 1; stride <= 12; stride++) {
		for (i = 0; i < HELD * stride; i++) {
			plain[0] = (uint8_t)i;
			assert_int_equal(csn_key_mask(ctx, plain, &keys[i]),
			    0);
		}
		for (i = 0; i < HELD; i++)
			assert_int_equal(csn_lane_acquire(ctx,
			    &keys[i * stride], &lanes[i]), 0);
		for (i = 0; i < HELD; i++)
			csn_lane_release(lanes[i]);
		csn_keyring_stat(ctx, &used, &all);
		assert_true(used >= HELD);
		for (i = 0; i < HELD * stride; i++)
			csn_key_wipe(ctx, &keys[i]);
		csn_keyring_stat(ctx, &used, &all);
		assert_int_equal(used, 0);
	}
	csn_ctx_free(ctx);
}

/* Threads push each other's keys out of few lanes, again and again. */
struct turns {
	struct csn_ctx *ctx;
	struct csn_key *keys;
	uint8_t (*tags)[CSN_TAG_SIZE];
	unsigned number;
	int wrong;
};

#define TURN_KEYS 6
#define TURN_THREADS 4
#define TURNS 40000

static void *
take_turns(void *arg)
{
	struct turns *t = arg;
	uint8_t tag[CSN_TAG_SIZE];
	struct csn_aead_msg msg = { .nonce = { 7 }, .tag = tag };
	struct csn_lane *lane;
	unsigned i, k;

	for (i = 0; i < TURNS; i++) {
		k = (i * 5 + t->number * 3 + i / 7) % TURN_KEYS;
		if (csn_lane_acquire(t->ctx, &t->keys[k], &lane) != 0) {
			t->wrong++;
			continue;
		}
		if (csn_lane_seal(lane, &msg) != 0 ||
		    memcmp(tag, t->tags[k], sizeof(tag)) != 0)
			t->wrong++;
		csn_lane_release(lane);
	}
	return NULL;
}

TEST(each_message_gets_its_own_key_however_threads_push)
{
	struct csn_ctx *ctx = few_lanes(4);
	struct csn_key keys[TURN_KEYS];
	uint8_t tags[TURN_KEYS][CSN_TAG_SIZE], plain[CSN_KEY_SIZE] = { 0 };
	const uint8_t nonce[CSN_NONCE_SIZE] = { 7 };
	struct turns t[TURN_THREADS];
	pthread_t threads[TURN_THREADS];
	unsigned i;

	for (i = 0; i < TURN_KEYS; i++) {
		plain[0] = (uint8_t)(i + 1);
		assert_int_equal(csn_key_mask(ctx, plain, &keys[i]), 0);
		assert_int_equal(csn_aead_seal(ctx, plain, nonce, NULL, 0,
		    NULL, 0, NULL, tags[i]), 0);
	}
	for (i = 0; i < TURN_THREADS; i++) {
		t[i] = (struct turns){ ctx, keys, tags, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns,
		    &t[i]), 0);
	}
	for (i = 0; i < TURN_THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < TURN_THREADS; i++)
		assert_int_equal(t[i].wrong, 0);
	for (i = 0; i < TURN_KEYS; i++)
		csn_key_wipe(ctx, &keys[i]);
	csn_ctx_free(ctx);
}

/* --- What is left --------------------------------------------------------- */

struct fresh {
	struct csn_key key;
	struct csn_lane *lane;
};

static void
acquire(void *arg)
{
	struct fresh *f = arg;

	assert_int_equal(csn_lane_acquire(test_ctx, &f->key, &f->lane), 0);
}

TEST(a_key_that_is_expanded_lies_in_its_lane_alone)
{
	uint8_t plain[CSN_KEY_SIZE];
	struct needle n;
	struct fresh f;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_int_equal(csn_random(test_ctx, plain, sizeof(plain)), 0);
	needle_set(&n, plain, sizeof(plain));
	assert_int_equal(csn_key_mask(test_ctx, plain, &f.key), 0);
	csn_wipe(plain, sizeof(plain));
	assert_int_equal(needle_count(&n), 0);
	needle_deep(acquire, &f);
	/* Once in the lane's round keys, where they are kept as they are. */
	assert_in_range(needle_count(&n), 0, 1);
	csn_lane_release(f.lane);
	csn_key_wipe(test_ctx, &f.key);
	assert_int_equal(needle_count(&n), 0);
}

/* --- Where expanded keys lie ---------------------------------------------- */

static int
private_openssl(void)
{
	const char *is = getenv("CAISSON_OPENSSL_PRIVATE");

	return is != NULL && strcmp(is, "1") == 0;
}

TEST(expanded_keys_lie_in_the_arena)
{
	struct csn_arena_stat is;
	const uint8_t plain[CSN_KEY_SIZE] = { 1 };
	struct csn_key keys[600];
	struct csn_lane *lane;
	uint32_t i;
	int hashed = strcmp(csn_keyring_mask(test_ctx), "AES-256") != 0;

	if (private_openssl())
		assert_int_equal(hashed, 0);
	for (i = 0; i < 600; i++) {
		assert_int_equal(csn_key_mask(test_ctx, plain, &keys[i]), 0);
		assert_int_equal(csn_lane_acquire(test_ctx, &keys[i], &lane),
		    0);
		csn_lane_release(lane);
	}
	csn_arena_stat(&is);
	if (hashed) {
		/* Where the tests before this one may have made them all. */
		assert_true(is.outside > 0);
	} else {
		/* All lanes and the masks: as DESIGN says, 356 KiB. */
		assert_int_equal(is.outside, 0);
		assert_in_range(is.used, 200u << 10, 512u << 10);
		assert_true(is.size >= is.used);
		assert_true(is.locked <= is.size);
	}
	for (i = 0; i < 600; i++)
		csn_key_wipe(test_ctx, &keys[i]);
}

/* OpenSSL wipes most of what it frees, and not all. */
TEST(what_the_arena_takes_back_is_wiped)
{
	struct csn_arena_stat before, is;
	static const uint8_t zero[200];
	uint8_t *p;

	csn_arena_stat(&before);
	csn_arena_enter();
	assert_non_null(p = OPENSSL_malloc(sizeof(zero)));
	(void)csn_arena_leave();
	csn_arena_stat(&is);
	memset(p, 0xa5, sizeof(zero));
	OPENSSL_free(p);
	if (is.used == before.used)
		test_skip("the hooks of this OpenSSL are not ours");
	/* The range is never unmapped. */
	assert_memory_equal(p, zero, sizeof(zero));
}

/* Each unmasks to what it was, in a full arena, where masks are hashes. */
TEST(a_full_arena_keeps_the_process_key_inside)
{
	struct csn_arena_stat before, is;
	uint8_t plain[CSN_KEY_SIZE] = { 1, 2, 3 }, unmasked[CSN_KEY_SIZE];
	struct csn_key a, b;
	struct csn_lane *lane;
	struct csn_ctx *ctx;

	csn_arena_stat(&before);
	csn_arena_limit(0);
	ctx = few_lanes(4);
	csn_arena_limit(SIZE_MAX);
	assert_string_equal(csn_keyring_mask(ctx), "SHA3-256");
	assert_int_equal(csn_key_mask(ctx, plain, &a), 0);
	assert_int_equal(csn_key_mask(ctx, plain, &b), 0);
	assert_memory_not_equal(a.wrapped, plain, CSN_KEY_SIZE);
	assert_memory_not_equal(a.wrapped, b.wrapped, CSN_KEY_SIZE);
	assert_int_equal(csn_key_unmask(ctx, &a, unmasked), 0);
	assert_memory_equal(unmasked, plain, CSN_KEY_SIZE);
	assert_int_equal(csn_lane_acquire(ctx, &b, &lane), 0);
	csn_lane_release(lane);
	csn_arena_stat(&is);
	assert_true(is.outside > before.outside);
	csn_key_wipe(ctx, &a);
	csn_key_wipe(ctx, &b);
	csn_ctx_free(ctx);
	/* What lay inside has come back. */
	csn_arena_stat(&before);
	ctx = few_lanes(4);
	csn_ctx_free(ctx);
	csn_arena_stat(&is);
	assert_int_equal(is.used, before.used);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
