/* SPDX-License-Identifier: Apache-2.0 */
/* test_master.c - master keys: where they come from, and what is refused. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/vectors.h"
#include "lib/test.h"

#include <caisson/cachekit.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
#define D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define E "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define SHORT "00112233445566778899aabbccddeeff"

static const char *const names[] = { "CAISSON_MASTER_KEY",
    "CACHEKIT_MASTER_KEY", "CACHEKIT_PREVIOUS_MASTER_KEYS",
    "CACHEKIT_MASTER_KEY_ROTATION" };

BEFORE_EACH
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static void
set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* The ring's fingerprints are those of the hex keys, in order. */
static void
expect(struct csn_cachekit_ring *keys, const char *const *hex, size_t n)
{
	struct csn_cachekit_ring *one;
	char want[33], got[33];
	size_t i;

	assert_int_equal(csn_cachekit_ring_count(keys), n);
	for (i = 0; i < n; i++) {
		assert_int_equal(csn_cachekit_ring_hex(test_ctx, "test", hex[i],
		    NULL, 0, &one), 0);
		assert_int_equal(csn_cachekit_ring_fingerprint(one, 0, want),
		    0);
		csn_cachekit_ring_free(one);
		assert_int_equal(csn_cachekit_ring_fingerprint(keys, i, got),
		    0);
		assert_string_equal(got, want);
	}
	assert_int_equal(csn_cachekit_ring_fingerprint(keys, n, got),
	    CSN_E_ARG);
	csn_cachekit_ring_free(keys);
}

TEST(test_environment)
{
	const char *const one[] = { A }, *const three[] = { A, B, C };
	const char *const rotated[] = { D, A, B };
	struct csn_cachekit_ring *keys;

	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys),
	    CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(),
	    "CACHEKIT_MASTER_KEY"));
	assert_non_null(strstr(csn_message(), "64 hex digits"));
	set("CACHEKIT_MASTER_KEY", " " A "\n");
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys), 0);
	expect(keys, one, 1);
	set("CACHEKIT_PREVIOUS_MASTER_KEYS", B " , " C);
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys), 0);
	expect(keys, three, 3);
	/* The older way: the new key writes, the old one goes on opening. */
	set("CACHEKIT_PREVIOUS_MASTER_KEYS", B);
	set("CACHEKIT_MASTER_KEY_ROTATION", D);
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys), 0);
	expect(keys, rotated, 3);
	unsetenv("CACHEKIT_MASTER_KEY");
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys),
	    CSN_E_NOT_FOUND);
}

TEST(test_own_variable)
{
	const char *const one[] = { A };
	struct csn_cachekit_ring *keys;

	set("CAISSON_MASTER_KEY", A);
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys), 0);
	expect(keys, one, 1);
	set("CACHEKIT_MASTER_KEY", A);
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys), 0);
	expect(keys, one, 1);
	set("CACHEKIT_MASTER_KEY", B);
	assert_int_equal(csn_cachekit_ring_env(test_ctx, 0, &keys),
	    CSN_E_POLICY);
}

/* The sentence names the variable and the form, and no digit of the key. */
static void
refused(const char *name, const char *value, int code)
{
	struct csn_cachekit_ring *keys;
	int rc;

	set(name, value);
	rc = csn_cachekit_ring_env(test_ctx, 0, &keys);
	assert_string_equal(csn_error_name(rc), csn_error_name(code));
	assert_non_null(strstr(csn_message(), name));
	assert_null(strstr(csn_message(), "aaaa"));
	assert_null(strstr(csn_message(), "bbbb"));
}

TEST(test_refused)
{
	refused("CACHEKIT_MASTER_KEY", "not_hex", CSN_E_FORM);
	refused("CACHEKIT_MASTER_KEY", "not_hexy" A, CSN_E_FORM);
	refused("CACHEKIT_MASTER_KEY", "my secret.", CSN_E_FORM);
	refused("CACHEKIT_MASTER_KEY", A "a", CSN_E_FORM);
	refused("CACHEKIT_MASTER_KEY", SHORT, CSN_E_ARG);
	set("CACHEKIT_MASTER_KEY", A);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", A, CSN_E_POLICY);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", B "," B, CSN_E_POLICY);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", B ",", CSN_E_FORM);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", B ",,", CSN_E_FORM);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", SHORT, CSN_E_ARG);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", B "," C "," D "," E,
	    CSN_E_LIMIT);
	set("CACHEKIT_MASTER_KEY_ROTATION", E);
	refused("CACHEKIT_PREVIOUS_MASTER_KEYS", B "," C "," D, CSN_E_LIMIT);
	set("CACHEKIT_PREVIOUS_MASTER_KEYS", "");
	set("CACHEKIT_MASTER_KEY_ROTATION", A);
	refused("CACHEKIT_MASTER_KEY", A, CSN_E_POLICY);
}

TEST(test_short_keys_want_a_flag)
{
	struct csn_bytes b = { (const uint8_t *)A, 16 };
	struct csn_cachekit_ring *keys;

	assert_int_equal(csn_cachekit_ring_new(test_ctx, &b, NULL, 0, 0, &keys),
	    CSN_E_ARG);
	assert_int_equal(csn_cachekit_ring_new(test_ctx, &b, NULL, 0,
	    CSN_CACHEKIT_MASTER_SHORT_OK, &keys), 0);
	csn_cachekit_ring_free(keys);
	b.len = 15;
	assert_int_equal(csn_cachekit_ring_new(test_ctx, &b, NULL, 0,
	    CSN_CACHEKIT_MASTER_SHORT_OK, &keys), CSN_E_ARG);
	b.len = CSN_CACHEKIT_MASTER_MAX + 1;
	assert_int_equal(csn_cachekit_ring_new(test_ctx, &b, NULL, 0, 0, &keys),
	    CSN_E_ARG);
	assert_int_equal(csn_cachekit_ring_new(test_ctx, NULL, NULL, 0, 0,
	    &keys), CSN_E_ARG);
}

TEST(test_file)
{
	const char *const two[] = { A, B };
	struct csn_cachekit_ring *keys;
	char path[] = "/tmp/caisson-master-XXXXXX";
	const char text[] = "# the current one\n" A "\n\n  " B "\r\n";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys), 0);
	expect(keys, two, 2);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys),
	    CSN_E_POLICY);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, 18), 0);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys),
	    CSN_E_NOT_FOUND);
	assert_int_equal(pwrite(fd, "\nzz\n", 4, 18), 4);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys),
	    CSN_E_FORM);
	assert_int_equal(pwrite(fd, "\0\0", 2, 18), 2);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys),
	    CSN_E_FORM);
	close(fd);
	unlink(path);
	assert_int_equal(csn_cachekit_ring_file(test_ctx, path, 0, &keys),
	    CSN_E_NOT_FOUND);
}

TEST(test_keystore)
{
	struct csn_keystore *ks;
	uint8_t one[CSN_KEYSTORE_MAX_WRAP], two[CSN_KEYSTORE_MAX_WRAP];
	struct csn_bytes wrapped[] = { { one, sizeof(one) },
	    { two, sizeof(two) } };
	struct csn_cachekit_ring *keys;

	assert_int_equal(csn_keystore_open(test_ctx, "memory:", NULL, 0, &ks),
	    0);
	assert_int_equal(csn_keystore_create(ks, "cache"), 0);
	assert_int_equal(csn_cachekit_ring_wrap(test_ctx, ks, "cache", one,
	    &wrapped[0].len), 0);
	assert_int_equal(csn_cachekit_ring_wrap(test_ctx, ks, "cache", two,
	    &wrapped[1].len), 0);
	assert_int_equal(csn_cachekit_ring_keystore(test_ctx, ks, "cache",
	    wrapped, 2, &keys), 0);
	assert_int_equal(csn_cachekit_ring_count(keys), 2);
	csn_cachekit_ring_free(keys);
	one[5] ^= 1;
	assert_int_equal(csn_cachekit_ring_keystore(test_ctx, ks, "cache",
	    wrapped, 2, &keys), CSN_E_TAG);
	csn_keystore_close(ks);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
