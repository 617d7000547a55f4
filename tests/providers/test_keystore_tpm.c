/* SPDX-License-Identifier: Apache-2.0 */
/* test_keystore_tpm.c - the suite over a TPM, and what only a TPM does. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore/tpm/tpm.h"
#include "providers/keystore_suite.h"
#include "providers/tpm_stand.h"

#define PASS "a passphrase", 12
#define STRONG "0123456789abcdef", 16
#define AAD (const uint8_t *)"aad", 3

/* Commands by their numbers. */
#define CREATE_PRIMARY 0x131
#define SHUTDOWN 0x145
#define LOAD 0x157
#define UNSEAL 0x15e
#define FLUSH 0x165

static struct tpm_stand stand;
static struct csn_ctx *ctx;
static char *folder;
static char url[500];

static void
url_with(const char *options)
{
	snprintf(url, sizeof(url), "tpm:%s?folder=%s/keys%s", stand.tcti,
	    folder, options);
}

BEFORE_EACH
{
	if (!tpm_stand_possible())
		test_skip("swtpm, tpm2-tools or libtss2-tcti-swtpm0 is not "
		    "installed");
	if (stand.pid == 0)
		tpm_stand_start(&stand);
	folder = folder_new();
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	tpm_wire_tap(ctx, NULL);
	url_with("");
}

AFTER_EACH
{
	csn_ctx_free(ctx);
	folder_remove(folder);
	ctx = NULL;
	folder = NULL;
}

AFTER_ALL { tpm_stand_end(&stand); }

static int
try_open(const void *secret, size_t len)
{
	struct csn_keystore *ks = NULL;
	int rc = csn_keystore_open(ctx, url, secret, len, &ks);

	csn_keystore_close(ks);
	return rc;
}

/* A keystore with a key and a wrap of 7s under it. */
static size_t
make(const void *secret, size_t secret_len, uint8_t *wrap)
{
	uint8_t key[CSN_KEY_SIZE];
	struct csn_keystore *ks;
	size_t len = CSN_KEYSTORE_MAX_WRAP;

	memset(key, 7, sizeof(key));
	if (csn_keystore_open(ctx, url, secret, secret_len, &ks) != 0)
		fail_msg("%s", csn_message());
	assert_int_equal(csn_keystore_create(ks, "a"), 0);
	assert_int_equal(csn_keystore_wrap(ks, "a", AAD, key, wrap, &len), 0);
	csn_keystore_close(ks);
	return len;
}

static void
comes_back(const void *secret, size_t secret_len, const uint8_t *wrap,
    size_t len)
{
	uint8_t key[CSN_KEY_SIZE], sevens[CSN_KEY_SIZE];
	struct csn_keystore *ks;

	memset(sevens, 7, sizeof(sevens));
	assert_int_equal(csn_keystore_open(ctx, url, secret, secret_len, &ks),
	    0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	assert_memory_equal(key, sevens, sizeof(key));
	csn_keystore_close(ks);
}

TEST(keys_survive_the_machine)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = make(NULL, 0, wrap);

	comes_back(NULL, 0, wrap, len);
	tpm_stand_kill(&stand);
	tpm_stand_start(&stand);
	comes_back(NULL, 0, wrap, len);
}

TEST(a_keystore_with_a_secret_stays_locked_without_it)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP], key[CSN_KEY_SIZE];
	struct csn_keystore *ks;
	char *path;
	size_t len;

	url_with("&strong=1&auth=1");
	assert_int_equal(try_open(NULL, 0), CSN_E_PASSPHRASE);
	assert_int_equal(try_open("too short", 9), CSN_E_PASSPHRASE);
	len = make(STRONG, wrap);
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(ks, STRONG), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	csn_keystore_close(ks);
	/* Another's keystore that opens by itself does not pass for it. */
	path = path_in(folder, "keys");
	tree_remove(path);
	free(path);
	url_with("");
	(void)make(NULL, 0, wrap);
	url_with("&auth=1");
	assert_int_equal(try_open(NULL, 0), CSN_E_POLICY);
}

TEST(other_registers_are_refused)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len;

	url_with("&pcr=sha256:8,0");
	len = make(PASS, wrap);
	comes_back(PASS, wrap, len);
	url_with("&pcr=sha256:9");
	assert_int_equal(try_open(PASS), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "sha256:0,8"));
	url_with("");
	tpm_stand_do(&stand, "tpm2_pcrextend 8:sha256="
	    "0000000000000000000000000000000000000000000000000000000000000001");
	assert_int_equal(try_open(PASS), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "registers"));
	/* The same again as after a boot. */
	tpm_stand_kill(&stand);
	tpm_stand_start(&stand);
	comes_back(PASS, wrap, len);
}

static int extends;

static int
extend_at_unseal(uint32_t code)
{
	if (code == UNSEAL && extends-- > 0)
		tpm_stand_do(&stand, "tpm2_pcrextend 10:sha256="
		    "0000000000000000000000000000000000000000000000000000000"
		    "000000001");
	return 0;
}

TEST(registers_that_change_meanwhile_are_asked_again)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	unsigned i;
	size_t len;

	url_with("&pcr=sha256:0");
	len = make(PASS, wrap);
	extends = 3;
	tpm_wire_tap(ctx, extend_at_unseal);
	comes_back(PASS, wrap, len);
	assert_int_equal(extends, -1);
	/* In one conversation. */
	assert_int_equal(tpm_wire_code(0), CREATE_PRIMARY);
	for (i = 1; i < tpm_wire_count(); i++)
		assert_int_not_equal(tpm_wire_code(i), CREATE_PRIMARY);
	tpm_wire_tap(ctx, NULL);
}

TEST(another_tpm_is_refused_before_a_session_is_salted)
{
	struct tpm_stand other = { 0 };
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = make(PASS, wrap);

	tpm_stand_start(&other);
	snprintf(url, sizeof(url), "tpm:%s?folder=%s/keys", other.tcti,
	    folder);
	tpm_wire_reset();
	assert_int_equal(try_open(PASS), CSN_E_TAG);
	assert_non_null(strstr(csn_message(), "another TPM"));
	/* And closing ends orderly. */
	assert_int_equal(tpm_wire_count(), 3);
	assert_int_equal(tpm_wire_code(0), CREATE_PRIMARY);
	assert_int_equal(tpm_wire_code(1), FLUSH);
	assert_int_equal(tpm_wire_code(2), SHUTDOWN);
	tpm_stand_end(&other);
	url_with("");
	comes_back(PASS, wrap, len);
}

TEST(lockout_is_told_with_its_time)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = make(PASS, wrap);
	int rc = 0, n;

	assert_int_equal(try_open("wrong", 5), CSN_E_PASSPHRASE);
	assert_non_null(strstr(csn_message(), "more wrong ones"));
	for (n = 0; n < 10 && rc != CSN_E_LOCKED; n++)
		rc = try_open("wrong", 5);
	assert_int_equal(rc, CSN_E_LOCKED);
	assert_int_equal(try_open(PASS), CSN_E_LOCKED);
	assert_non_null(strstr(csn_message(), "one more every 1000 s"));
	tpm_stand_do(&stand, "tpm2_dictionarylockout -c");
	comes_back(PASS, wrap, len);
}

static int
kill_at_shutdown(uint32_t code)
{
	if (code == SHUTDOWN)
		tpm_stand_kill(&stand);
	return 0;
}

TEST(what_failed_stays_said_where_closing_fails_too)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];

	(void)make(PASS, wrap);
	tpm_wire_tap(ctx, kill_at_shutdown);
	assert_int_equal(try_open("wrong", 5), CSN_E_PASSPHRASE);
	assert_int_equal(stand.pid, 0);
	assert_non_null(strstr(csn_message(), "secret does not open"));
	tpm_wire_tap(ctx, NULL);
	tpm_stand_start(&stand);
	tpm_stand_do(&stand, "tpm2_dictionarylockout -c");
}

TEST(strong_secrets_are_not_counted)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len;
	int n;

	url_with("&strong=1");
	len = make(STRONG, wrap);
	for (n = 0; n < 6; n++)
		assert_int_equal(try_open("wrong", 5), CSN_E_PASSPHRASE);
	comes_back(STRONG, wrap, len);
}

TEST(an_unclean_death_after_closing_counts_no_try)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = make(PASS, wrap);
	int n;

	for (n = 0; n < 5; n++) {
		comes_back(PASS, wrap, len);
		tpm_stand_kill(&stand);
		tpm_stand_start(&stand);
	}
}

static int
kill_at_load(uint32_t code)
{
	if (code == LOAD)
		tpm_stand_kill(&stand);
	return 0;
}

static int
lose_at_unseal(uint32_t code)
{
	return code == UNSEAL;
}

TEST(a_tpm_that_goes_and_comes_is_used_again)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP], key[CSN_KEY_SIZE];
	size_t len = make(NULL, 0, wrap);
	struct csn_keystore *ks;

	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_lock(ks), 0);
	tpm_wire_tap(ctx, kill_at_load);
	assert_int_equal(csn_keystore_unlock(ks, NULL, 0), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "gone"));
	tpm_wire_tap(ctx, NULL);
	assert_int_equal(csn_keystore_unlock(ks, NULL, 0), CSN_E_BACKEND);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    CSN_E_LOCKED);
	tpm_stand_start(&stand);
	tpm_wire_tap(ctx, lose_at_unseal);
	assert_int_equal(csn_keystore_unlock(ks, NULL, 0), CSN_E_BACKEND);
	tpm_wire_tap(ctx, NULL);
	/* What it could not flush is still there: a bare TPM has 3 slots. */
	assert_int_equal(csn_keystore_unlock(ks, NULL, 0), CSN_E_BUSY);
	assert_non_null(strstr(csn_message(), "tpm2_flushcontext"));
	tpm_stand_do(&stand, "tpm2_flushcontext -t");
	tpm_stand_do(&stand, "tpm2_flushcontext -l");
	assert_int_equal(csn_keystore_unlock(ks, NULL, 0), 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	csn_keystore_close(ks);
}

TEST(unlocking_takes_ten_commands_at_most)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	struct csn_keystore *ks;
	uint64_t first, is;

	url_with("&pcr=sha256:0,7&strong=1");
	(void)make(STRONG, wrap);
	tpm_wire_reset();
	assert_int_equal(csn_keystore_open(ctx, url, STRONG, &ks), 0);
	assert_int_equal(tpm_wire_count(), 8);
	assert_int_equal(csn_keystore_generation(ks, &first), 0);
	assert_int_equal(csn_keystore_advance(ks, first + 1), 0);
	csn_keystore_close(ks);
	tpm_wire_reset();
	assert_int_equal(csn_keystore_open(ctx, url, STRONG, &ks), 0);
	assert_int_equal(csn_keystore_generation(ks, &is), 0);
	assert_int_equal(is, first + 1);
	assert_int_equal(tpm_wire_count(), 10);
	/* What unlocking saw serves once; then the TPM is asked. */
	assert_int_equal(csn_keystore_generation(ks, &is), 0);
	assert_int_equal(is, first + 1);
	assert_true(tpm_wire_count() > 10);
	csn_keystore_close(ks);
	/* A counted secret makes the TPM ask once more after a shutdown. */
	tree_remove(folder);
	url_with("&pcr=sha256:0,7");
	(void)make(PASS, wrap);
	tpm_wire_reset();
	assert_int_equal(csn_keystore_open(ctx, url, PASS, &ks), 0);
	assert_in_range(tpm_wire_count(), 8, 9);
	csn_keystore_close(ks);
	/* Nothing stays behind in its three slots. */
	tpm_stand_do(&stand, "tpm2_getcap handles-transient | "
	    "awk 'END { exit NR > 0 }'");
	tpm_stand_do(&stand, "tpm2_getcap handles-loaded-session | "
	    "awk 'END { exit NR > 0 }'");
}

TEST(counters_do_not_go_back_with_the_folder)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	struct csn_keystore *ks;
	uint64_t first, is;

	(void)make(NULL, 0, wrap);
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_generation(ks, &first), 0);
	assert_int_equal(csn_keystore_advance(ks, first + 1), 0);
	csn_keystore_close(ks);
	tpm_stand_kill(&stand);
	tpm_stand_start(&stand);
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_advance(ks, first), CSN_E_REPLAY);
	assert_int_equal(csn_keystore_generation(ks, &is), 0);
	assert_int_equal(is, first + 1);
	/* An increment that a crash left undone. */
	assert_int_equal(csn_keystore_advance(ks, first + 2), 0);
	assert_int_equal(csn_keystore_generation(ks, &is), 0);
	assert_int_equal(is, first + 2);
	csn_keystore_close(ks);
	/* The owner can remove it; what it was for is told, keys still open. */
	tpm_stand_do(&stand, "for i in $(tpm2_getcap handles-nv-index | "
	    "grep -ioE '0x1[89ab][0-9a-f]{5}'); do tpm2_nvundefine $i; done");
	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_keystore_generation(ks, &is), CSN_E_DRIFT);
	assert_int_equal(csn_keystore_advance(ks, first + 2), CSN_E_DRIFT);
	csn_keystore_close(ks);
}

/* Whoever may write the folder cannot change what it says. */
TEST(changed_files_do_not_open)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP], *p;
	char *path;
	size_t n, i;
	int rc;

	url_with("&pcr=sha256:0&strong=1");
	(void)make(STRONG, wrap);
	url_with("");
	path = path_in(folder, "keys/keystore");
	p = file_read(path, &n);
	assert_true(n > 200 && n <= CSN_TPM_HEAD_MAX);
	for (i = 0; i < n; i += 7) {
		p[i] ^= 2;
		file_write(path, p, n);
		p[i] ^= 2;
		rc = try_open(STRONG);
		if (rc != CSN_E_FORM && rc != CSN_E_VERSION &&
		    rc != CSN_E_TAG && rc != CSN_E_POLICY &&
		    rc != CSN_E_PASSPHRASE)
			fail_msg("byte %zu: %s (%s)", i, csn_error_name(rc),
			    csn_message());
	}
	file_write(path, p, n - 1);
	assert_int_equal(try_open(STRONG), CSN_E_FORM);
	file_write(path, p, n);
	assert_int_equal(try_open(STRONG), 0);
	free(p);
	free(path);
}

TEST(a_child_goes_on_with_what_its_parent_opened)
{
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP], key[CSN_KEY_SIZE];
	size_t len = make(NULL, 0, wrap);
	struct csn_keystore *ks;
	int status, ok;
	pid_t pid;

	assert_int_equal(csn_keystore_open(ctx, url, NULL, 0, &ks), 0);
	if ((pid = fork()) == 0) {
		ok = csn_keystore_unwrap(ks, "a", AAD, wrap, len, key) == 0 &&
		    key[0] == 7 && csn_keystore_lock(ks) == 0 &&
		    csn_keystore_unlock(ks, NULL, 0) == 0 &&
		    csn_keystore_unwrap(ks, "a", AAD, wrap, len, key) == 0;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(csn_keystore_unwrap(ks, "a", AAD, wrap, len, key),
	    0);
	csn_keystore_close(ks);
}

TEST(a_device_that_may_not_be_opened_is_told)
{
	char name[300];
	int status;
	pid_t pid;

	snprintf(url, sizeof(url), "tpm:device:/nonexistent?folder=%s",
	    folder);
	assert_int_equal(try_open(NULL, 0), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "/nonexistent"));
	snprintf(url, sizeof(url), "tpm:nosuch:?folder=%s", folder);
	assert_int_equal(try_open(NULL, 0), CSN_E_BACKEND);
	if (geteuid() != 0)
		test_skip("only root can become who may not");
	snprintf(name, sizeof(name), "%s/tpmrm0", folder);
	file_write(name, "", 0);
	assert_int_equal(chmod(name, 0600), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(url, sizeof(url), "tpm:device:%s?folder=%s", name, folder);
	if ((pid = fork()) == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		_exit(try_open(NULL, 0) == CSN_E_IO &&
		    strstr(csn_message(), "group") != NULL ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(urls_are_read_and_never_hold_a_secret)
{
	static const char *const bad[] = { "?folder=/x&auth=hunter2",
	    "?folder=/x&strong=hunter2", "?folder=", "?folder=/x&folder=/y",
	    "?folder=/x&pcr=sha256", "?folder=/x&pcr=sha256:",
	    "?folder=/x&pcr=sha256:24", "?folder=/x&pcr=md5:1",
	    "?folder=/x&pcr=sha256:1,", "?folder=/x&pcr=sha256:1&pcr=sha1:1",
	    "?folder=/x&hunter2", "?folder=/x%zz", "device:/dev/tpm0?folder=/x",
	    "", "?pcr=sha256:1" };
	struct csn_tpm_url u;
	char text[CSN_TPM_PCR_TEXT];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(url, sizeof(url), "tpm:%s", bad[i]);
		assert_int_equal(try_open(NULL, 0), CSN_E_ARG);
		assert_true(strstr(bad[i], "=hunter2") == NULL ||
		    strstr(csn_message(), "hunter2") == NULL);
	}
	assert_int_equal(csn_tpm_url_read(ctx, "swtpm:path=/a%3Fb?folder=/c%26"
	    "&pcr=sha384:23,0,7&auth=1&strong=0", &u), 0);
	assert_string_equal(u.tcti, "swtpm:path=/a?b");
	assert_string_equal(u.folder, "/c&");
	assert_int_equal(u.flags, CSN_TPM_AUTH | CSN_TPM_PCR);
	csn_tpm_pcr_text(u.pcr_hash, u.pcrs, text);
	assert_string_equal(text, "sha384:0,7,23");
	csn_tpm_url_free(&u);
}

TEST(a_place_may_be_given_beside_the_url)
{
	struct csn_keystore *ks;
	char *place = path_in(folder, "vault");

	snprintf(url, sizeof(url), "tpm:%s", stand.tcti);
	assert_int_equal(csn_keystore_open_in(ctx, url, place, NULL, 0, &ks),
	    0);
	csn_keystore_close(ks);
	free(place);
	place = path_in(folder, "vault/keystore");
	assert_int_equal(access(place, F_OK), 0);
	free(place);
}

int
test_main(void)
{
	const char *urls[1] = { url };
	int failed = 0;

	if (tpm_stand_possible()) {
		tpm_stand_start(&stand);
		snprintf(url, sizeof(url), "tpm:%s?strong=1&folder=%%s",
		    stand.tcti);
		failed = keystore_suite(urls, 1);
	}
	return failed + test_run("keystore in a TPM");
}
