/* SPDX-License-Identifier: Apache-2.0 */
/* test_keystore.c - the suite over every keystore, and the file one's own. */
#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore/file/file.h"
#include "providers/keystore_suite.h"

#define PASS "a passphrase", 12
#define AAD (const uint8_t *)"aad", 3

static struct csn_ctx *ctx;
static char *folder;
static char url[300];

BEFORE_EACH
{
	folder = folder_new();
	snprintf(url, sizeof(url), "file:%s/keys", folder);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_EACH
{
	csn_ctx_free(ctx);
	folder_remove(folder);
}

static void
path_of(const char *name, char out[400])
{
	snprintf(out, 400, "%s/keys/%s", folder, name);
}

static size_t
read_file(const char *name, uint8_t *p, size_t cap)
{
	char path[400];
	size_t n;
	FILE *f;

	path_of(name, path);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(p, 1, cap, f);
	(void)fclose(f);
	return n;
}

static void
write_file(const char *name, const uint8_t *p, size_t len)
{
	char path[400];
	FILE *f;

	path_of(name, path);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct csn_keystore *
open_keys(void)
{
	struct csn_keystore *ks;

	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks), 0);
	return ks;
}

TEST(file_keystore_is_there_again)
{
	uint8_t key[CSN_KEY_SIZE], got[CSN_KEY_SIZE], wrap[128];
	struct csn_keystore *ks;
	size_t len = sizeof(wrap);
	struct stat st;
	char path[400];

	memset(key, 3, sizeof(key));
	/* Making one needs a passphrase. */
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_open(ctx, url, "", 0, &ks),
	    CSN_E_PASSPHRASE);
	ks = open_keys();
	assert_int_equal(csn_keystore_create(ks, "acme/1"), 0);
	assert_int_equal(csn_keystore_wrap(ks, "acme/1", AAD, key, wrap,
	    &len), 0);
	csn_keystore_close(ks);
	path_of("acme%2F1.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	path_of("keystore", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	assert_int_equal(csn_keystore_open(ctx, url, "wrong", 5, &ks),
	    CSN_E_PASSPHRASE);
	assert_non_null(strstr(csn_message(), "passphrase"));
	ks = open_keys();
	assert_int_equal(csn_keystore_unwrap(ks, "acme/1", AAD, wrap, len,
	    got), 0);
	assert_memory_equal(got, key, sizeof(key));
	csn_keystore_close(ks);
	/* Without a passphrase it is there, and locked. */
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "acme/1", AAD, wrap, len,
	    got), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(ks, PASS), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "acme/1", AAD, wrap, len,
	    got), 0);
	csn_keystore_close(ks);
}

TEST(changed_header_is_refused)
{
	uint8_t header[256];
	struct csn_keystore *ks = open_keys();
	size_t n, i;
	int rc;

	csn_keystore_close(ks);
	n = read_file("keystore", header, sizeof(header));
	assert_int_equal(n, CSN_KSF_HEADER_SIZE);
	for (i = 0; i < n; i += 3) {
		/* Costs that are refused or different, salt, wrap. */
		header[i] ^= 1;
		write_file("keystore", header, n);
		rc = csn_keystore_open(ctx, url, PASS, &ks);
		assert_true(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_PASSPHRASE);
		header[i] ^= 1;
	}
	write_file("keystore", header, n - 1);
	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks), CSN_E_FORM);
	header[7] = 2;
	write_file("keystore", header, n);
	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks),
	    CSN_E_VERSION);
}

/* Nobody can make us spend an hour, or all memory, on a passphrase. */
TEST(costs_are_bounded)
{
	struct csn_ksf_header h = { 65536, 3, 4, { 0 }, { 0 } }, got;
	static const uint32_t bad[][3] = {
		{ (1u << 20) + 1, 3, 4 }, { UINT32_MAX, 3, 4 },
		{ 65536, 17, 4 }, { 65536, 0, 4 }, { 65536, 3, 17 },
		{ 65536, 3, 0 }, { 31, 3, 4 }, { 0, 0, 0 },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX },
	};
	uint8_t bytes[CSN_KSF_HEADER_SIZE];
	size_t i;

	csn_ksf_header_write(&h, bytes);
	assert_int_equal(csn_ksf_header_read(bytes, sizeof(bytes), &got), 0);
	assert_int_equal(got.memory_kib, 65536);
	for (i = 0; i < sizeof(bytes); i++)
		assert_int_not_equal(csn_ksf_header_read(bytes, i, &got), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h.memory_kib = bad[i][0];
		h.passes = bad[i][1];
		h.lanes = bad[i][2];
		csn_ksf_header_write(&h, bytes);
		assert_int_equal(csn_ksf_header_read(bytes, sizeof(bytes),
		    &got), CSN_E_FORM);
	}
}

TEST(key_files_cannot_be_changed_or_swapped)
{
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[128], a[256], b[256];
	struct csn_keystore *ks = open_keys();
	size_t len = sizeof(wrap), an, bn, i;
	char path[400];
	int rc;

	assert_int_equal(csn_keystore_create(ks, "a"), 0);
	assert_int_equal(csn_keystore_create(ks, "b"), 0);
	assert_int_equal(csn_keystore_wrap(ks, "a", AAD, key, wrap, &len), 0);
	an = read_file("a.key", a, sizeof(a));
	bn = read_file("b.key", b, sizeof(b));
	for (i = 0; i < an; i++) {
		a[i] ^= 0x10;
		write_file("a.key", a, an);
		a[i] ^= 0x10;
		rc = csn_keystore_unwrap(ks, "a", AAD, wrap, len, key);
		assert_true(rc == CSN_E_FORM || rc == CSN_E_VERSION);
	}
	write_file("a.key", a, an - 1);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    CSN_E_FORM);
	/* Even where the name inside is made to fit. */
	b[10] = 'a';
	write_file("a.key", b, bn);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    CSN_E_FORM);
	write_file("a.key", a, an);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	path_of("a.key", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    CSN_E_POLICY);
	csn_keystore_close(ks);
}

TEST(new_passphrase_writes_one_file)
{
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[128], before[256], after[256];
	struct csn_keystore *ks = open_keys();
	size_t len = sizeof(wrap), n;

	assert_int_equal(csn_keystore_create(ks, "a"), 0);
	assert_int_equal(csn_keystore_wrap(ks, "a", AAD, key, wrap, &len), 0);
	n = read_file("a.key", before, sizeof(before));
	assert_int_equal(csn_keystore_change_secret(ks, PASS, "", 0),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_change_secret(ks, PASS, "other", 5), 0);
	csn_keystore_close(ks);
	assert_int_equal(read_file("a.key", after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_open(ctx, url, "other", 5, &ks), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	csn_keystore_close(ks);
}

TEST(file_names_have_one_spelling)
{
	static const char *const bad[] = { ".key", "a", "a.KEY", "%6.key",
	    "%.key", "%61.key", "%2f.key", "a.b.key", "%00.key", "%FF.key",
	    "%0A.key", ".caisson-0123.key", "keystore" };
	char name[CSN_KEYSTORE_MAX_NAME + 1], file[CSN_KSF_FILE_NAME];
	char longest[CSN_KEYSTORE_MAX_NAME + 1];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_ksf_name_read(bad[i], name), -1);
	csn_ksf_name_write("..", file);
	assert_string_equal(file, "%2E%2E.key");
	memset(longest, '%', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	csn_ksf_name_write(longest, file);
	assert_int_equal(strlen(file), CSN_KSF_FILE_NAME - 1);
	assert_int_equal(csn_ksf_name_read(file, name), 0);
	assert_string_equal(name, longest);
}

TEST(unknown_scheme_names_those_there_are)
{
	struct csn_keystore_provider p = keystore_array;
	struct csn_keystore *ks = NULL;

	assert_int_equal(csn_keystore_open(ctx, "tape:", NULL, 0, &ks),
	    CSN_E_UNKNOWN_BACKEND);
	assert_non_null(strstr(csn_message(), "memory, file"));
	assert_int_equal(csn_keystore_open(ctx, "file:", PASS, &ks),
	    CSN_E_ARG);
	assert_int_equal(csn_keystore_open(ctx, "memory:x", PASS, &ks),
	    CSN_E_ARG);
	assert_int_equal(csn_keystore_open(ctx, "memory", PASS, &ks),
	    CSN_E_ARG);
	assert_null(ks);
	assert_int_equal(csn_keystore_register(&keystore_array),
	    CSN_E_EXISTS);
	p.name = "more";
	p.abi = 9;
	assert_int_equal(csn_keystore_register(&p), CSN_E_ARG);
	p.abi = CSN_KEYSTORE_ABI;
	p.unwrap = NULL;
	assert_int_equal(csn_keystore_register(&p), CSN_E_ARG);
	/* A provider without sentences gets one. */
	assert_int_equal(csn_keystore_open(ctx, "array:", PASS, &ks), 0);
	assert_int_equal(csn_keystore_remove(ks, "x"), CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(), "array keystore"));
	assert_int_equal(csn_keystore_change_secret(ks, PASS, PASS),
	    CSN_E_BACKEND);
	csn_keystore_close(ks);
	csn_keystore_close(NULL);
}

/* A pipe of such a name is waited for by nobody. */
TEST(a_removal_that_was_cut_short_is_finished)
{
	struct csn_keystore *ks = open_keys();
	char left[400], fifo[400];

	csn_keystore_close(ks);
	write_file(".removed-0011223344556677", (const uint8_t *)"wrap", 4);
	path_of(".removed-0011223344556677", left);
	path_of(".removed-8899aabbccddeeff", fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks), 0);
	assert_int_equal(access(left, F_OK), -1);
	csn_keystore_close(ks);
}

int
test_main(void)
{
	static const char *const urls[] = { "memory:", "file:%s", "array:" };
	int failed;

	if (csn_keystore_register(&keystore_array) != 0)
		return 1;
	failed = keystore_suite(urls, sizeof(urls) / sizeof(urls[0]));
	return failed + test_run("keystores");
}
