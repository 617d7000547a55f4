/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as PEM: our own, OpenSSL's program's, and broken ones. */
#include <unistd.h>

#include "lib/test.h"
#include "vectors.h"

#include "base/file.h"
#include "crypto/crypto.h"

#define PASS "correct horse"
#define PASS_LEN (sizeof(PASS) - 1)

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The DER bytes of a PEM block. */
static size_t
unarmour(const char *pem, uint8_t *der, size_t cap)
{
	const char *p = strchr(pem, '\n'), *d;
	unsigned bits = 0, n = 0;
	size_t len = 0;

	assert_non_null(p);
	for (; *p != '-' && *p != '='; p++) {
		if (*p == '\n')
			continue;
		d = strchr(digits, *p);
		assert_non_null(d);
		bits = (bits << 6 | (unsigned)(d - digits)) & 0xffffff;
		if ((n += 6) >= 8) {
			n -= 8;
			assert_true(len < cap);
			der[len++] = (uint8_t)(bits >> n);
		}
	}
	return len;
}

/* The other way, under label. The caller frees it. */
static char *
armour(const char *label, const uint8_t *der, size_t len)
{
	char *body = malloc(len * 2 + 8), *p = body, *text;
	size_t i, column = 0;

	assert_non_null(body);
	for (i = 0; i < len; i += 3) {
		unsigned v = (unsigned)der[i] << 16;

		v |= i + 1 < len ? (unsigned)der[i + 1] << 8 : 0;
		v |= i + 2 < len ? der[i + 2] : 0;
		*p++ = digits[v >> 18];
		*p++ = digits[v >> 12 & 63];
		*p++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[v & 63] : '=';
		if ((column += 4) == 64 || i + 3 >= len) {
			*p++ = '\n';
			column = 0;
		}
	}
	*p = '\0';
	assert_true(asprintf(&text, "-----BEGIN %s-----\n%s-----END %s-----\n",
	    label, body, label) > 0);
	free(body);
	return text;
}

static void
same_sign_public(const struct csn_sign_key *a, const struct csn_sign_key *b)
{
	uint8_t x[CSN_SIGN_MAX_PUBLIC] = { 0 }, y[CSN_SIGN_MAX_PUBLIC] = { 0 };

	assert_int_equal(csn_sign_of(a), csn_sign_of(b));
	assert_int_equal(csn_sign_public(test_ctx, a, x, sizeof(x)), 0);
	assert_int_equal(csn_sign_public(test_ctx, b, y, sizeof(y)), 0);
	assert_memory_equal(x, y, sizeof(x));
}

static void
same_kem_public(const struct csn_kem_key *a, const struct csn_kem_key *b)
{
	uint8_t x[CSN_KEM_MAX_PUBLIC] = { 0 }, y[CSN_KEM_MAX_PUBLIC] = { 0 };

	assert_int_equal(csn_kem_of(a), csn_kem_of(b));
	assert_int_equal(csn_kem_public(test_ctx, a, x, sizeof(x)), 0);
	assert_int_equal(csn_kem_public(test_ctx, b, y, sizeof(y)), 0);
	assert_memory_equal(x, y, sizeof(x));
}

TEST(test_sign_keys_come_back)
{
	static const char *const passes[] = { NULL, PASS, "" };
	struct csn_sign_key *key, *back;
	uint8_t der[8192];
	char *pem;
	size_t i;
	int alg;

	for (alg = 1; csn_sign_name(alg) != NULL; alg++) {
		assert_int_equal(csn_sign_generate(test_ctx, alg, &key), 0);
		/* Sealed ones take scrypt's time: one algorithm's do. */
		for (i = 0; i < (alg == 1 ? 3u : 1u); i++) {
			size_t n = passes[i] != NULL ? strlen(passes[i]) : 0;

			assert_int_equal(csn_sign_to_pem(test_ctx, key, 1,
			    passes[i], n, &pem), 0);
			/* RFC 9881: PKCS#8 of the seed alone. */
			if (passes[i] == NULL)
				assert_int_equal(unarmour(pem, der,
				    sizeof(der)), 54);
			assert_int_equal(csn_sign_from_pem(test_ctx, pem,
			    strlen(pem), passes[i], n, &back), 0);
			assert_int_equal(csn_sign_is_private(back), 1);
			same_sign_public(key, back);
			csn_sign_free(back);
			csn_free(pem);
		}
		assert_int_equal(csn_sign_to_pem(test_ctx, key, 0, NULL, 0,
		    &pem), 0);
		assert_int_equal(csn_sign_from_pem(test_ctx, pem,
		    strlen(pem), NULL, 0, &back), 0);
		assert_int_equal(csn_sign_is_private(back), 0);
		same_sign_public(key, back);
		csn_free(pem);
		assert_int_equal(csn_sign_to_pem(test_ctx, back, 1, NULL, 0,
		    &pem), CSN_E_ARG);
		csn_sign_free(back);
		csn_sign_free(key);
	}
}

TEST(test_kem_keys_come_back)
{
	struct csn_kem_key *key, *back;
	uint8_t der[8192];
	char *pem;
	int kem;

	for (kem = 1; kem <= CSN_KEM_ML_KEM_1024; kem++) {
		assert_int_equal(csn_kem_generate(test_ctx, kem, &key), 0);
		assert_int_equal(csn_kem_to_pem(test_ctx, key, 1, NULL, 0,
		    &pem), 0);
		/* RFC 9935: PKCS#8 of the seed alone. */
		assert_int_equal(unarmour(pem, der, sizeof(der)), 86);
		assert_int_equal(csn_kem_from_pem(test_ctx, pem, strlen(pem),
		    NULL, 0, &back), 0);
		assert_int_equal(csn_kem_is_private(back), 1);
		same_kem_public(key, back);
		csn_kem_free(back);
		csn_free(pem);

		if (kem == CSN_KEM_ML_KEM_768) {
			assert_int_equal(csn_kem_to_pem(test_ctx, key, 1,
			    PASS, PASS_LEN, &pem), 0);
			assert_int_equal(csn_kem_from_pem(test_ctx, pem,
			    strlen(pem), PASS, PASS_LEN, &back), 0);
			same_kem_public(key, back);
			csn_kem_free(back);
			csn_free(pem);
		}

		assert_int_equal(csn_kem_to_pem(test_ctx, key, 0, NULL, 0,
		    &pem), 0);
		assert_int_equal(csn_kem_from_pem(test_ctx, pem, strlen(pem),
		    NULL, 0, &back), 0);
		assert_int_equal(csn_kem_is_private(back), 0);
		same_kem_public(key, back);
		csn_free(pem);
		assert_int_equal(csn_kem_to_pem(test_ctx, back, 1, NULL, 0,
		    &pem), CSN_E_ARG);
		csn_kem_free(back);
		csn_kem_free(key);
	}
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_X_WING, &key),
	    0);
	assert_int_equal(csn_kem_to_pem(test_ctx, key, 1, NULL, 0, &pem),
	    CSN_E_ALGORITHM);
	csn_kem_free(key);
}

TEST(test_the_passphrase_is_needed_and_right)
{
	struct csn_sign_key *key, *none = NULL;
	char *pem;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key), 0);
	assert_int_equal(csn_sign_to_pem(test_ctx, key, 1, PASS, PASS_LEN,
	    &pem), 0);
	assert_non_null(strstr(pem, "BEGIN ENCRYPTED PRIVATE KEY"));
	assert_int_equal(csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL,
	    0, &none), CSN_E_PASSPHRASE);
	assert_int_equal(csn_sign_from_pem(test_ctx, pem, strlen(pem), "", 0,
	    &none), CSN_E_PASSPHRASE);
	assert_int_equal(csn_sign_from_pem(test_ctx, pem, strlen(pem), PASS,
	    PASS_LEN - 1, &none), CSN_E_PASSPHRASE);
	assert_null(none);
	csn_free(pem);
	csn_sign_free(key);
}

TEST(test_a_key_of_another_kind)
{
	/* Ed25519 (RFC 8410, 10.1), and a block that is no key. */
	static const char ed25519[] =
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
	    "-----END PUBLIC KEY-----\n";
	static const char other[] =
	    "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
	static const char old[] =
	    "-----BEGIN RSA PRIVATE KEY-----\n"
	    "Proc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-256-CBC,000102030405060708090A0B0C0D0E0F\n\n"
	    "MAA=\n-----END RSA PRIVATE KEY-----\n";
	struct csn_sign_key *sign, *no_sign = NULL;
	struct csn_kem_key *kem, *no_kem = NULL;
	char *pem;

	assert_int_equal(csn_sign_from_pem(test_ctx, ed25519,
	    strlen(ed25519), NULL, 0, &no_sign), CSN_E_ALGORITHM);
	assert_int_equal(csn_kem_from_pem(test_ctx, ed25519,
	    strlen(ed25519), NULL, 0, &no_kem), CSN_E_ALGORITHM);
	assert_int_equal(csn_sign_from_pem(test_ctx, other, strlen(other),
	    NULL, 0, &no_sign), CSN_E_ALGORITHM);
	assert_int_equal(csn_sign_from_pem(test_ctx, old, strlen(old), PASS,
	    PASS_LEN, &no_sign), CSN_E_ALGORITHM);

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &sign), 0);
	assert_int_equal(csn_sign_to_pem(test_ctx, sign, 1, NULL, 0, &pem),
	    0);
	assert_int_equal(csn_kem_from_pem(test_ctx, pem, strlen(pem), NULL,
	    0, &no_kem), CSN_E_ALGORITHM);
	csn_free(pem);
	csn_sign_free(sign);

	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_ML_KEM_512,
	    &kem), 0);
	assert_int_equal(csn_kem_to_pem(test_ctx, kem, 0, NULL, 0, &pem), 0);
	assert_int_equal(csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL,
	    0, &no_sign), CSN_E_ALGORITHM);
	csn_free(pem);
	csn_kem_free(kem);
	assert_null(no_sign);
	assert_null(no_kem);
}

TEST(test_text_that_is_no_key)
{
	static const char *const texts[] = {
		"",
		"\n",
		"caisson",
		"-----BEGIN PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	};
	static const struct {
		const char *begin, *body, *end;
	} blocks[] = {
		{ "PRIVATE KEY", "MAA=", "PUBLIC KEY" },
		{ "PRIVATE KEY", "MAA=", "PRIVATE KEY" },
		{ "PRIVATE KEY", "!!!!", "PRIVATE KEY" },
		{ "PUBLIC KEY", "MAA=", "PUBLIC KEY" },
		{ "ENCRYPTED PRIVATE KEY", "MAA=", "ENCRYPTED PRIVATE KEY" },
	};
	char text[200];
	struct csn_sign_key *none = NULL;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(csn_sign_from_pem(test_ctx, texts[i],
		    strlen(texts[i]), PASS, PASS_LEN, &none), CSN_E_FORM);
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		snprintf(text, sizeof(text),
		    "-----BEGIN %s-----\n%s\n-----END %s-----\n",
		    blocks[i].begin, blocks[i].body, blocks[i].end);
		assert_int_equal(csn_sign_from_pem(test_ctx, text,
		    strlen(text), PASS, PASS_LEN, &none), CSN_E_FORM);
	}
	assert_null(none);
}

/* Each prefix, and each byte changed: an error, or a whole other key. */
static void
damage(const char *label, const uint8_t *der, size_t len)
{
	struct csn_sign_key *key;
	uint8_t *copy = malloc(len + 1);
	char *pem;
	size_t i;
	int rc;

	assert_non_null(copy);
	memcpy(copy, der, len);
	copy[len] = 0;
	for (i = 0; i <= len + 1; i++) {
		size_t n = i <= len ? i : len + 1;

		if (n == len)
			continue;
		pem = armour(label, copy, n);
		key = NULL;
		rc = csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL, 0,
		    &key);
		assert_int_equal(rc, CSN_E_FORM);
		assert_null(key);
		free(pem);
	}
	for (i = 0; i < len; i++) {
		copy[i] ^= 0x04;
		pem = armour(label, copy, len);
		key = NULL;
		rc = csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL, 0,
		    &key);
		assert_true(rc == 0 || rc == CSN_E_FORM ||
		    rc == CSN_E_ALGORITHM);
		assert_int_equal(key != NULL, rc == 0);
		csn_sign_free(key);
		free(pem);
		copy[i] ^= 0x04;
	}
	free(copy);
}

TEST(test_damaged_keys)
{
	struct csn_sign_key *key;
	uint8_t der[2048];
	char *pem;
	size_t len;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key), 0);
	assert_int_equal(csn_sign_to_pem(test_ctx, key, 1, NULL, 0, &pem),
	    0);
	len = unarmour(pem, der, sizeof(der));
	damage("PRIVATE KEY", der, len);
	csn_free(pem);
	assert_int_equal(csn_sign_to_pem(test_ctx, key, 0, NULL, 0, &pem),
	    0);
	len = unarmour(pem, der, sizeof(der));
	damage("PUBLIC KEY", der, len);
	csn_free(pem);
	csn_sign_free(key);
}

/* The place of needle, which is there once. */
static uint8_t *
find(uint8_t *p, size_t len, const void *needle, size_t n)
{
	uint8_t *at = memmem(p, len, needle, n);

	assert_non_null(at);
	assert_null(memmem(at + 1, len - (size_t)(at + 1 - p), needle, n));
	return at;
}

TEST(test_a_file_cannot_ask_for_endless_work)
{
	/* scrypt's N = 2^14, r = 8, p = 5 as three INTEGERs. */
	static const uint8_t cost[] = { 2, 2, 0x40, 0, 2, 1, 8, 2, 1, 5 };
	struct csn_sign_key *key, *none = NULL;
	uint8_t der[512], *at;
	char *pem, *greedy;
	size_t len;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key), 0);
	assert_int_equal(csn_sign_to_pem(test_ctx, key, 1, PASS, PASS_LEN,
	    &pem), 0);
	len = unarmour(pem, der, sizeof(der));
	at = find(der, len, cost, sizeof(cost));
	at[6] = 0x7f;
	at[9] = 0x7f;
	greedy = armour("ENCRYPTED PRIVATE KEY", der, len);
	assert_int_equal(csn_sign_from_pem(test_ctx, greedy, strlen(greedy),
	    PASS, PASS_LEN, &none), CSN_E_LIMIT);
	free(greedy);
	at[9] = 0xff;	/* less than nothing */
	greedy = armour("ENCRYPTED PRIVATE KEY", der, len);
	assert_int_equal(csn_sign_from_pem(test_ctx, greedy, strlen(greedy),
	    PASS, PASS_LEN, &none), CSN_E_LIMIT);
	free(greedy);
	assert_null(none);
	csn_free(pem);
	csn_sign_free(key);
}

/* --- Beside OpenSSL's own program ----------------------------------- */

static char *folder;

static void
spill(const char *name, const char *text)
{
	char *path = path_in(folder, name);

	assert_int_equal(csn_file_replace(test_ctx, path, text, strlen(text),
	    0600), 0);
	free(path);
}

static char *
slurp(const char *name, size_t *len)
{
	char *path = path_in(folder, name);
	uint8_t *text;

	assert_int_equal(csn_file_read(test_ctx, path, 65536, &text, len), 0);
	free(path);
	return (char *)text;
}

/* Run the program with these arguments in the folder; its exit status. */
static int
openssl(const char *arguments)
{
	char *command;
	int rc;

	assert_true(asprintf(&command, "cd %s && %s %s >log 2>&1", folder,
	    getenv("CAISSON_OPENSSL"), arguments) > 0);
	rc = system(command);
	free(command);
	return rc;
}

static int
have_openssl(void)
{
	const char *program = getenv("CAISSON_OPENSSL");

	return program != NULL && access(program, X_OK) == 0;
}

TEST(test_the_openssl_program_reads_ours)
{
	struct csn_sign_key *key, *back;
	size_t len;
	char *pem, *want;
	int alg;

	if (!have_openssl())
		test_skip("no openssl program of 3.5 or newer is here");
	folder = folder_new();
	spill("pass", PASS);
	for (alg = 1; csn_sign_name(alg) != NULL; alg++) {
		assert_int_equal(csn_sign_generate(test_ctx, alg, &key), 0);
		assert_int_equal(csn_sign_to_pem(test_ctx, key, 0, NULL, 0,
		    &want), 0);
		assert_int_equal(csn_sign_to_pem(test_ctx, key, 1, NULL, 0,
		    &pem), 0);
		spill("plain", pem);
		csn_free(pem);
		assert_int_equal(csn_sign_to_pem(test_ctx, key, 1, PASS,
		    PASS_LEN, &pem), 0);
		spill("sealed", pem);
		csn_free(pem);

		assert_int_equal(openssl("pkey -in plain -pubout -out pub"),
		    0);
		pem = slurp("pub", &len);
		assert_string_equal(pem, want);
		csn_free(pem);
		assert_int_equal(openssl("pkey -in sealed -passin file:pass "
		    "-pubout -out pub"), 0);
		pem = slurp("pub", &len);
		assert_string_equal(pem, want);
		csn_free(pem);

		/* And what it wrote from ours comes back. */
		assert_int_equal(openssl("pkey -in plain -out again"), 0);
		pem = slurp("again", &len);
		assert_int_equal(csn_sign_from_pem(test_ctx, pem, len, NULL,
		    0, &back), 0);
		same_sign_public(key, back);
		csn_free(pem);
		csn_sign_free(back);
		csn_free(want);
		csn_sign_free(key);
	}
	folder_remove(folder);
}

/* Read a private key that the program wrote; write and read it again. */
static void
read_kem(const char *name, const char *pass)
{
	struct csn_kem_key *public, *key, *back;
	uint8_t ct[1088], a[CSN_KEM_SECRET_SIZE], b[CSN_KEM_SECRET_SIZE];
	size_t len, n = pass != NULL ? strlen(pass) : 0;
	char *pem;

	pem = slurp("pub", &len);
	assert_int_equal(csn_kem_from_pem(test_ctx, pem, len, NULL, 0,
	    &public), 0);
	assert_int_equal(csn_kem_is_private(public), 0);
	csn_free(pem);
	pem = slurp(name, &len);
	assert_int_equal(csn_kem_from_pem(test_ctx, pem, len, pass, n, &key),
	    0);
	csn_free(pem);
	same_kem_public(public, key);
	assert_int_equal(csn_kem_to_pem(test_ctx, key, 1, NULL, 0, &pem), 0);
	assert_int_equal(csn_kem_from_pem(test_ctx, pem, strlen(pem), NULL,
	    0, &back), 0);
	csn_free(pem);
	assert_int_equal(csn_kem_encapsulate(test_ctx, public, ct,
	    sizeof(ct), a), 0);
	assert_int_equal(csn_kem_decapsulate(test_ctx, back, ct, sizeof(ct),
	    b), 0);
	assert_memory_equal(a, b, sizeof(a));
	csn_kem_free(public);
	csn_kem_free(key);
	csn_kem_free(back);
}

TEST(test_we_read_the_openssl_programs)
{
	static const char *const forms[] = { "seed-only", "seed-priv",
	    "priv-only", "bare-seed", "bare-priv", "oqskeypair" };
	struct csn_kem_key *none = NULL;
	char command[160], *pem;
	size_t i, len;

	if (!have_openssl())
		test_skip("no openssl program of 3.5 or newer is here");
	folder = folder_new();
	spill("pass", PASS);
	assert_int_equal(openssl("genpkey -algorithm ML-KEM-768 -out key"),
	    0);
	assert_int_equal(openssl("pkey -in key -pubout -out pub"), 0);
	read_kem("key", NULL);
	/* Every form that it can write, with and without the seed. */
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(command, sizeof(command), "pkey -in key -out form "
		    "-provparam ml-kem.output_formats=%s", forms[i]);
		assert_int_equal(openssl(command), 0);
		read_kem("form", NULL);
	}
	assert_int_equal(openssl("pkey -in key -aes-256-cbc "
	    "-passout file:pass -out sealed"), 0);
	read_kem("sealed", PASS);
	assert_int_equal(openssl("pkcs8 -topk8 -in key -scrypt "
	    "-passout file:pass -out sealed"), 0);
	read_kem("sealed", PASS);
	pem = slurp("sealed", &len);
	assert_int_equal(csn_kem_from_pem(test_ctx, pem, len, NULL, 0,
	    &none), CSN_E_PASSPHRASE);
	assert_null(none);
	csn_free(pem);
	folder_remove(folder);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
