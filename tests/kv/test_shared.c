/* SPDX-License-Identifier: Apache-2.0 */
/* test_shared.c - sealed bytes that somebody else writes to meanwhile. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

/* The engine as it is, but that AES's every call goes by here. */
static int cipher(EVP_CIPHER_CTX *evp, unsigned char *out,
    const unsigned char *in, unsigned n);
#define EVP_Cipher(evp, out, in, n) cipher(evp, out, in, n)
#define csn_aead_openssl watched
#include "crypto/engine_openssl.c"
#undef csn_aead_openssl
#undef EVP_Cipher

#define ROOM (1 << 20)
#define ROUNDS 400		/* of the two threads */

/* A store of one value in place, in memory that is everybody's. */
static _Alignas(64) uint8_t window[ROOM];
static size_t held, lent;

static void (*at_cipher)(int after);
static unsigned long calls, within;

static int
is_within(const uint8_t *p)
{
	return (uintptr_t)p - (uintptr_t)window < sizeof(window);
}

static int
cipher(EVP_CIPHER_CTX *evp, unsigned char *out, const unsigned char *in,
    unsigned n)
{
	int rc;

	/* Of the data: AAD has no output, the end no input. */
	if (out == NULL || in == NULL)
		return EVP_Cipher(evp, out, in, n);
	calls++;
	within += (unsigned long)(is_within(in) || is_within(out));
	if (at_cipher != NULL)
		at_cipher(0);
	rc = EVP_Cipher(evp, out, in, n);
	if (at_cipher != NULL)
		at_cipher(1);
	return rc;
}

static int
open_window(struct csn_ctx *ctx, const char *rest, void **state)
{
	(void)ctx;
	(void)rest;
	*state = window;
	held = lent = 0;
	return 0;
}

static int
put(void *state, const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len)
{
	(void)state;
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	memcpy(window, value, len);
	held = len;
	return 0;
}

static int
get(void *state, const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, uint8_t *value, size_t *len)
{
	(void)state;
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	if (held == 0)
		return CSN_E_NOT_FOUND;
	if (*len >= held)
		memcpy(value, window, held);
	else
		return *len = held, CSN_E_BUFFER;
	*len = held;
	return 0;
}

static int
no_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	(void)state;
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	held = 0;
	return 0;
}

static int
drop(void *state, const uint8_t *space, size_t space_len)
{
	(void)state;
	(void)space;
	(void)space_len;
	held = 0;
	return 0;
}

/* The KV store asks for it when it reseals. */
static const uint8_t *listed;

static int
list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	(void)state;
	(void)space;
	(void)space_len;
	return held == 0 ? 0 : visit(arg, listed, 56, held);
}

static int
stat_window(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	(void)state;
	(void)space;
	(void)space_len;
	out->entries = held != 0;
	return 0;
}

static void
close_window(void *state)
{
	(void)state;
}

static int
reserve(void *state, const uint8_t *space, size_t space_len, size_t len,
    struct csn_store_buf *out)
{
	(void)space;
	(void)space_len;
	assert_true(len <= ROOM && lent == 0);
	lent = 1;
	*out = (struct csn_store_buf){ window, len, state };
	return 0;
}

static uint8_t last_key[56];

static int
commit(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *buf)
{
	(void)state;
	(void)space;
	(void)space_len;
	assert_int_equal(key_len, sizeof(last_key));
	memcpy(last_key, key, key_len);
	listed = last_key;
	held = buf->len;
	lent = 0;
	return 0;
}

static void
give_up(void *state, struct csn_store_buf *buf)
{
	(void)state;
	(void)buf;
	held = lent = 0;
}

static int
borrow(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *out)
{
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	if (held == 0)
		return CSN_E_NOT_FOUND;
	*out = (struct csn_store_buf){ window, held, state };
	return 0;
}

static void
release(void *state, struct csn_store_buf *buf)
{
	(void)state;
	(void)buf;
}

#define WINDOW(scheme, says) { .abi = CSN_STORE_ABI, .flags = (says),	\
	.name = (scheme), .open = open_window, .put = put, .get = get,	\
	.remove = no_remove, .drop = drop, .list = list,		\
	.stat = stat_window, .close = close_window, .reserve = reserve,	\
	.commit = commit, .abort = give_up, .borrow = borrow,		\
	.release = release }
static const struct csn_store_provider shared = WINDOW("shared", 0);
static const struct csn_store_provider own =
	WINDOW("own", CSN_STORE_PRIVATE);

static struct store_fixture sh;
static struct csn_kv_slot slot;

static void
start(const char *url)
{
	const struct csn_session_options session = { .size = sizeof(session),
	    .ttl_ms = CSN_NEVER };
	const struct store_options o = { .session = &session,
	    .ctx = pair_ctx_with("watched", 0) };

	store_start(&sh, url, &o);
	slot = slot_entry(1, 2);
	at_cipher = NULL;
	calls = within = 0;
}

static void
rotate(void)
{
	struct csn_session *s;

	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	csn_session_free(s);
}

/* All lengths that matter: of blocks, of pieces, of two parts. */
static const size_t lens[][2] = { { 0, 0 }, { 1, 0 }, { 15, 2 }, { 16, 0 },
    { 100, 60 }, { 8191, 1 }, { 8192, 0 }, { 8193, 8191 }, { 16384, 16384 },
    { 20000, 30001 } };
#define NLENS (sizeof(lens) / sizeof(lens[0]))

TEST(aes_never_touches_what_others_write_to)
{
	static const char *const urls[] = { "shared:", "own:", "memory:",
	    "copying:" };
	size_t i, u, done;

	for (u = 0; u < 4; u++) {
		start(urls[u]);
		for (i = 0; i < NLENS; i++) {
			assert_int_equal(store_put(&sh, "acme", &slot,
			    lens[i][0], lens[i][1], (unsigned)i), 0);
			assert_int_equal(store_get(&sh, "acme", &slot,
			    lens[i][0], lens[i][1], (unsigned)i), 0);
			rotate();
			assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0,
			    &done), 0);
			assert_int_equal(done, 1);
			assert_int_equal(store_get(&sh, "acme", &slot,
			    lens[i][0], lens[i][1], (unsigned)i), 0);
		}
		assert_int_equal(csn_store_is_private(sh.store), u != 0);
		/* Where the memory is private AES works on it: no copy. */
		assert_int_equal(within != 0, u == 1);
		if (u == 1)
			assert_int_equal(within, calls);
		store_end(&sh);
	}
}

/* What AES reads was copied: all of it may change under its hands. */
static void
change_all(int after)
{
	size_t i;

	(void)after;
	for (i = CSN_SEAL_OVERHEAD; i < held; i++)
		window[i] ^= 0x80;
}

TEST(a_message_that_changes_while_it_is_opened_opens_right)
{
	size_t i;

	start("shared:");
	for (i = 0; i < NLENS; i++) {
		assert_int_equal(store_put(&sh, "acme", &slot, lens[i][0],
		    lens[i][1], (unsigned)i), 0);
		at_cipher = change_all;
		assert_int_equal(store_get(&sh, "acme", &slot, lens[i][0],
		    lens[i][1], (unsigned)i), 0);
		at_cipher = NULL;
	}
	store_end(&sh);
}

static size_t spot;

static void
change_spot(int after)
{
	if (after)
		return;
	window[spot] ^= 0x80;
}

TEST(no_tag_is_made_over_what_others_wrote)
{
	start("shared:");
	for (spot = CSN_SEAL_OVERHEAD; spot < 30000; spot += 7919) {
		at_cipher = change_spot;
		assert_int_equal(store_put(&sh, "acme", &slot, 30000, 0, 1),
		    0);
		at_cipher = NULL;
		/* Either what was sealed is there, or it does not open. */
		if (store_get(&sh, "acme", &slot, 30000, 0, 1) != 0) {
			window[spot] ^= 0x80;
			assert_int_equal(store_get(&sh, "acme", &slot, 30000,
			    0, 1), 0);
		}
	}
	store_end(&sh);
}

/* In earnest: another thread, and whatever OpenSSL runs on here. */
static _Atomic int stop;

static void *
flip(void *arg)
{
	volatile uint8_t *p = window + CSN_SEAL_OVERHEAD + 2053;

	(void)arg;
	while (!atomic_load(&stop))
		*p ^= 0x80;
	return NULL;
}

TEST(another_thread_gets_nothing_wrong_accepted)
{
	pthread_t thread;
	int i, rc;

	start("shared:");
	atomic_store(&stop, 0);
	assert_int_equal(pthread_create(&thread, NULL, flip, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0)
			assert_int_equal(store_put(&sh, "acme", &slot, 4096,
			    0, (unsigned)i / 4), 0);
		/* store_get() compares what it was given. */
		rc = store_get(&sh, "acme", &slot, 4096, 0, (unsigned)i / 4);
		assert_true(rc == 0 || rc == CSN_E_TAG);
	}
	atomic_store(&stop, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	store_end(&sh);
}

/* AES-NI alone reads ciphertext twice: this program again, without more. */
TEST(nor_without_avx_512)
{
	char name[4096], *const args[] = { name, NULL };
	ssize_t len;
	int status;
	pid_t pid;

#ifndef __x86_64__
	test_skip("other processors have no such switch");
#endif
	if (getenv("OPENSSL_ia32cap") != NULL)
		return;		/* it is that already */
	/* By its name: another program may run this one, as valgrind does. */
	len = readlink("/proc/self/exe", name, sizeof(name) - 1);
	assert_true(len > 0);
	name[len] = '\0';
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		/* Its words would be counted as this one's. */
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		if (setenv("OPENSSL_ia32cap", ":~0xd0230000", 1) == 0)
			execv(name, args);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

BEFORE_ALL
{
	static struct csn_aead_engine engine;

	engine = watched;
	engine.name = "watched";
	engine.preference = 0;
	store_register_copying();
	assert_int_equal(csn_aead_register(&engine), 0);
	assert_int_equal(csn_store_register(&shared), 0);
	assert_int_equal(csn_store_register(&own), 0);
}
