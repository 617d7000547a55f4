/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_identity_file.c - identities in folders, and PEM. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "identity/did.h"
#include "identity/people.h"
#include "lib/test.h"

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice;
	char *folder;
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "Alice");
	f->folder = folder_new();
}

static void
teardown(struct fixture *f)
{
	csn_identity_free(f->alice);
	folder_remove(f->folder);
	csn_ctx_free(f->ctx);
}

FIXTURE(struct fixture, setup, teardown);

static unsigned
mode_of(const char *folder, const char *name)
{
	char *path = path_in(folder, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_mode & 07777;
}

TEST(a_new_identity_is_what_was_asked_for, struct fixture *f)
{
	struct csn_identity_options o = { .size = sizeof(o), .name = "Bob" };
	struct csn_identity *id;

	assert_int_equal(csn_identity_new(f->ctx, &o, &id), 0);
	assert_string_equal(csn_identity_name(id), "Bob");
	assert_string_equal(csn_identity_capabilities(id), "");
	assert_int_equal(csn_identity_purposes(id), CSN_PURPOSE_ALL);
	assert_int_equal(csn_sign_of(csn_identity_sign_key(id)),
	    CSN_SIGN_ML_DSA_65);
	assert_int_equal(csn_kem_of(csn_identity_kem_key(id)),
	    CSN_KEM_ML_KEM_768);
	assert_true(csn_sign_is_private(csn_identity_sign_key(id)));
	assert_int_equal(csn_identity_created_ms(id), PEOPLE_START);
	assert_int_equal(csn_identity_expires_ms(id),
	    PEOPLE_START + 400ull * 86400000);
	assert_true(csn_did_matches(f->ctx, csn_identity_did(id),
	    csn_identity_sign_key(id)));
	assert_true(csn_did_matches(f->ctx, csn_identity_alias(id),
	    csn_identity_sign_key(id)));
	csn_identity_free(id);

	o.sign = CSN_SIGN_ML_DSA_87;
	o.kem = CSN_KEM_ML_KEM_1024;
	o.capabilities = "attest,kv:seal";
	o.purposes = CSN_PURPOSE_AUDIT;
	o.lifetime_ms = 1000;
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), 0);
	assert_string_equal(csn_identity_capabilities(id), "attest,kv:seal");
	assert_int_equal(csn_identity_purposes(id), CSN_PURPOSE_AUDIT);
	assert_int_equal(csn_identity_expires_ms(id), PEOPLE_START + 1000);
	csn_identity_free(id);
	csn_identity_free(NULL);
}

TEST(options_that_make_no_sense_are_refused, struct fixture *f)
{
	struct csn_identity_options o = { .size = sizeof(o) };
	struct csn_identity *id = NULL;
	char name[130];

	assert_int_equal(csn_identity_new(f->ctx, NULL, &id), CSN_E_ARG);
	assert_int_equal(csn_identity_new(f->ctx, &o, NULL), CSN_E_ARG);
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.name = "";
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.name = "\xff";
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	memset(name, 'n', sizeof(name));
	name[129] = '\0';
	o.name = name;
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.name = "ok";
	o.capabilities = "kv:*";
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.capabilities = NULL;
	o.purposes = 1u << 9;
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.purposes = 0;
	o.lifetime_ms = 999;
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.lifetime_ms = UINT64_MAX;
	assert_int_equal(csn_identity_new(f->ctx, &o, &id), CSN_E_ARG);
	o.lifetime_ms = 0;
	o.sign = 4;
	assert_int_not_equal(csn_identity_new(f->ctx, &o, &id), 0);
	o.sign = 0;
	o.kem = 9;
	assert_int_not_equal(csn_identity_new(f->ctx, &o, &id), 0);
	assert_null(id);
}

TEST(what_was_saved_is_loaded, struct fixture *f)
{
	const uint8_t *a, *b;
	char *home = path_in(f->folder, "deep/er/alice");
	struct csn_identity *back;
	size_t an, bn;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, NULL, 0),
	    0);
	assert_int_equal(mode_of(home, "sign.pem"), 0600);
	assert_int_equal(mode_of(home, "kem.pem"), 0600);
	assert_int_equal(mode_of(home, "identity.cose"), 0600);
	assert_int_equal(mode_of(home, "."), 0700);
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back), 0);
	assert_string_equal(csn_identity_did(back),
	    csn_identity_did(f->alice));
	a = csn_identity_document(f->alice, &an);
	b = csn_identity_document(back, &bn);
	assert_int_equal(an, bn);
	assert_memory_equal(a, b, an);
	csn_identity_free(back);
	/* A second one does not go over the first. */
	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, NULL, 0),
	    CSN_E_EXISTS);
	assert_int_equal(csn_identity_load(f->ctx, f->folder, NULL, 0,
	    &back), CSN_E_NOT_FOUND);
	free(home);
}

/* What another program has written so far looks like a save that a power cut
 * ended. */
TEST(what_another_is_writing_is_not_taken_for_unfinished, struct fixture *f)
{
	char *mark = path_in(f->folder, ".caisson-unfinished");
	char *sign = path_in(f->folder, "sign.pem");
	struct csn_identity *back;
	int fd;

	file_write(mark, "", 0);
	file_write(sign, "another's", 9);
	fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(csn_identity_save(f->ctx, f->alice, f->folder, NULL,
	    0), CSN_E_BUSY);
	assert_int_equal(access(mark, F_OK), 0);
	assert_int_equal(access(sign, F_OK), 0);
	/* It died: now that is what it left behind. */
	assert_int_equal(close(fd), 0);
	assert_int_equal(csn_identity_save(f->ctx, f->alice, f->folder, NULL,
	    0), 0);
	assert_int_equal(csn_identity_load(f->ctx, f->folder, NULL, 0, &back),
	    0);
	csn_identity_free(back);
	free(mark);
	free(sign);
}

TEST(a_half_made_folder_is_left_as_it_was, struct fixture *f)
{
	char *kem = path_in(f->folder, "kem.pem");
	char *sign = path_in(f->folder, "sign.pem");

	file_write(kem, "mine", 4);
	assert_int_equal(csn_identity_save(f->ctx, f->alice, f->folder, NULL,
	    0), CSN_E_EXISTS);
	assert_int_not_equal(access(sign, F_OK), 0);
	assert_int_equal(access(kem, F_OK), 0);
	free(kem);
	free(sign);
}

TEST(a_passphrase_is_needed_and_has_to_be_right, struct fixture *f)
{
	struct csn_identity *back = NULL;
	char *home = path_in(f->folder, "alice"), *path, *pem;
	size_t len;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, "sesame",
	    6), 0);
	path = path_in(home, "sign.pem");
	pem = (char *)file_read(path, &len);
	assert_non_null(strstr(pem, "ENCRYPTED PRIVATE KEY"));
	free(pem);
	free(path);
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_identity_load(f->ctx, home, "Sesame", 6, &back),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_identity_load(f->ctx, home, "sesame ", 7,
	    &back), CSN_E_PASSPHRASE);
	assert_null(back);
	assert_int_equal(csn_identity_load(f->ctx, home, "sesame", 6, &back),
	    0);
	csn_identity_free(back);
	free(home);
}

TEST(a_key_that_others_can_read_is_refused, struct fixture *f)
{
	static const char *const names[] = { "sign.pem", "kem.pem" };
	char *home = path_in(f->folder, "alice"), *path;
	struct csn_identity *back;
	size_t i;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, NULL, 0),
	    0);
	for (i = 0; i < 2; i++) {
		path = path_in(home, names[i]);
		assert_int_equal(chmod(path, 0644), 0);
		assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0,
		    &back), CSN_E_POLICY);
		assert_non_null(strstr(csn_message(), names[i]));
		assert_int_equal(chmod(path, 0600), 0);
		free(path);
	}
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back), 0);
	csn_identity_free(back);
	free(home);
}

TEST(a_folder_that_others_may_write_is_refused, struct fixture *f)
{
	char *home = path_in(f->folder, "alice"), *path;
	struct csn_identity *back = NULL;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, NULL, 0),
	    0);
	assert_int_equal(chmod(home, 0707), 0);
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back),
	    CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "the folder"));
	assert_int_equal(chmod(home, 0700), 0);
	path = path_in(home, "identity.cose");
	assert_int_equal(chmod(path, 0606), 0);
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back),
	    CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), path));
	assert_null(back);
	free(path);
	free(home);
}

/* Put a file of one folder in the other's place. */
static void
swap_in(const char *from, const char *to, const char *name)
{
	char *a = path_in(from, name), *b = path_in(to, name);
	uint8_t *p;
	size_t len;

	p = file_read(a, &len);
	file_write(b, p, len);
	free(p);
	free(a);
	free(b);
}

TEST(files_of_two_identities_do_not_mix, struct fixture *f)
{
	static const char *const names[] = {
		"sign.pem", "kem.pem", "identity.cose"
	};
	char *a = path_in(f->folder, "a"), *b = path_in(f->folder, "b");
	struct csn_identity *bob = people_quick(f->ctx, 2, "Bob"), *back;
	size_t i;

	assert_int_equal(csn_identity_save(f->ctx, bob, b, NULL, 0), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(csn_identity_save(f->ctx, f->alice, a, NULL,
		    0), 0);
		swap_in(b, a, names[i]);
		assert_int_equal(csn_identity_load(f->ctx, a, NULL, 0,
		    &back), CSN_E_SIGNER);
		folder_remove(a);
		a = path_in(f->folder, "a");
	}
	csn_identity_free(bob);
	free(a);
	free(b);
}

TEST(a_public_key_in_the_place_of_a_private_one_is_refused, struct fixture *f)
{
	char *home = path_in(f->folder, "alice"), *path, *pem;
	struct csn_identity *back;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, NULL, 0),
	    0);
	path = path_in(home, "sign.pem");
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &pem), 0);
	file_write(path, pem, strlen(pem));
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back),
	    CSN_E_FORM);
	file_write(path, "nonsense", 8);
	assert_int_equal(csn_identity_load(f->ctx, home, NULL, 0, &back),
	    CSN_E_FORM);
	csn_free(pem);
	free(path);
	free(home);
}

TEST(an_expired_identity_loads_and_is_renewed, struct fixture *f)
{
	char *home = path_in(f->folder, "alice");
	struct csn_document *doc;
	struct csn_identity *id;
	const uint8_t *p;
	size_t len;

	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, "x", 1),
	    0);
	people_now = PEOPLE_START + 401ull * 86400000;
	assert_int_equal(csn_identity_load(f->ctx, home, "x", 1, &id), 0);
	p = csn_identity_document(id, &len);
	assert_int_equal(csn_document_verify(f->ctx, p, len, &doc),
	    CSN_E_EXPIRED);
	csn_identity_free(id);
	assert_int_equal(csn_identity_renew(f->ctx, home, "y", 1, 0),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_identity_renew(f->ctx, home, "x", 1, 60000), 0);
	assert_int_equal(csn_identity_load(f->ctx, home, "x", 1, &id), 0);
	p = csn_identity_document(id, &len);
	assert_int_equal(csn_document_verify(f->ctx, p, len, &doc), 0);
	assert_int_equal(csn_document_expires_ms(doc), people_now + 60000);
	assert_int_equal(csn_document_created_ms(doc), PEOPLE_START);
	assert_string_equal(csn_document_did(doc),
	    csn_identity_did(f->alice));
	assert_string_equal(csn_document_capabilities(doc),
	    "attest,kv:seal");
	csn_document_free(doc);
	csn_identity_free(id);
	free(home);
}

TEST(an_x_wing_identity_cannot_be_saved, struct fixture *f)
{
	struct csn_identity *id;

	id = people_make(f->ctx, 1, CSN_SIGN_ML_DSA_44, CSN_KEM_X_WING, "X");
	assert_int_equal(csn_identity_save(f->ctx, id, f->folder, NULL, 0),
	    CSN_E_ALGORITHM);
	csn_identity_free(id);
}

TEST(import_takes_pem_of_either_kind, struct fixture *f)
{
	struct csn_identity_options o = { .size = sizeof(o), .name = "In" };
	char *sign, *kem, *public;
	struct csn_identity *id = NULL;

	assert_int_equal(csn_sign_to_pem(f->ctx,
	    csn_identity_sign_key(f->alice), 1, "pw", 2, &sign), 0);
	assert_int_equal(csn_kem_to_pem(f->ctx,
	    csn_identity_kem_key(f->alice), 1, NULL, 0, &kem), 0);
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &public), 0);

	assert_int_equal(csn_identity_import(f->ctx, &o, sign, strlen(sign),
	    kem, strlen(kem), "pw", 2, &id), 0);
	assert_string_equal(csn_identity_did(id), csn_identity_did(f->alice));
	assert_true(csn_kem_same(f->ctx, csn_identity_kem_key(id),
	    csn_identity_kem_key(f->alice)));
	csn_identity_free(id);
	id = NULL;

	/* Without an ML-KEM key it gets a fresh one. */
	assert_int_equal(csn_identity_import(f->ctx, &o, sign, strlen(sign),
	    NULL, 0, "pw", 2, &id), 0);
	assert_int_equal(csn_kem_of(csn_identity_kem_key(id)),
	    CSN_KEM_ML_KEM_768);
	csn_identity_free(id);
	id = NULL;

	assert_int_equal(csn_identity_import(f->ctx, &o, sign, strlen(sign),
	    NULL, 0, "no", 2, &id), CSN_E_PASSPHRASE);
	assert_int_equal(csn_identity_import(f->ctx, &o, public,
	    strlen(public), NULL, 0, NULL, 0, &id), CSN_E_FORM);
	assert_int_equal(csn_identity_import(f->ctx, &o, kem, strlen(kem),
	    NULL, 0, NULL, 0, &id), CSN_E_ALGORITHM);
	o.sign = CSN_SIGN_ML_DSA_65;
	assert_int_equal(csn_identity_import(f->ctx, &o, sign, strlen(sign),
	    NULL, 0, "pw", 2, &id), CSN_E_ALGORITHM);
	o.sign = CSN_SIGN_ML_DSA_44;
	o.kem = CSN_KEM_ML_KEM_1024;
	assert_int_equal(csn_identity_import(f->ctx, &o, sign, strlen(sign),
	    kem, strlen(kem), "pw", 2, &id), CSN_E_ALGORITHM);
	assert_null(id);
	csn_free(sign);
	csn_free(kem);
	csn_free(public);
}

TEST(a_private_key_is_not_taken_for_a_public_one, struct fixture *f)
{
	struct csn_sign_key *key;
	char *pem;

	assert_int_equal(csn_sign_to_pem(f->ctx,
	    csn_identity_sign_key(f->alice), 1, NULL, 0, &pem), 0);
	assert_int_equal(csn_sign_from_public_pem(f->ctx, pem, strlen(pem),
	    &key), CSN_E_FORM);
	csn_free(pem);
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &pem), 0);
	assert_int_equal(csn_sign_from_public_pem(f->ctx, pem, strlen(pem),
	    &key), 0);
	assert_true(csn_sign_same(f->ctx, key,
	    csn_identity_sign_key(f->alice)));
	csn_sign_free(key);
	csn_free(pem);
}

/* --- beside OpenSSL's own program -------------------------------------- */

/* The program, or NULL after saying why the case is skipped. */
static const char *
openssl(void)
{
	const char *program = getenv("CAISSON_OPENSSL");

	return program != NULL && access(program, X_OK) == 0 ? program : NULL;
}

/* Run a command made of the format; its exit status. */
static int
shell(const char *fmt, ...) CSN_PRINTF(1, 2);

static int
shell(const char *fmt, ...)
{
	char *command;
	va_list ap;
	int status;

	va_start(ap, fmt);
	assert_true(vasprintf(&command, fmt, ap) > 0);
	va_end(ap);
	status = system(command);
	free(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(openssl_reads_what_we_write, struct fixture *f)
{
	const char *program = openssl();
	char *home = path_in(f->folder, "alice");
	char *ours, *theirs, *path, *pem;
	size_t n;

	if (program == NULL) {
		free(home);
		test_skip("no openssl program of 3.5 or newer");
	}
	assert_int_equal(csn_identity_save(f->ctx, f->alice, home, "pw", 2),
	    0);
	assert_int_equal(shell("'%s' pkey -in '%s/sign.pem' -passin pass:pw "
	    "-pubout -out '%s/pub.pem'", program, home, home), 0);
	path = path_in(home, "pub.pem");
	theirs = (char *)file_read(path, &n);
	free(path);
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &ours), 0);
	assert_string_equal(ours, theirs);
	csn_free(ours);
	free(theirs);

	assert_int_equal(shell("'%s' pkey -in '%s/kem.pem' -passin pass:pw "
	    "-pubout -out '%s/kpub.pem'", program, home, home), 0);
	path = path_in(home, "kpub.pem");
	theirs = (char *)file_read(path, &n);
	free(path);
	assert_int_equal(csn_kem_public_pem(f->ctx,
	    csn_identity_kem_key(f->alice), &pem), 0);
	assert_string_equal(pem, theirs);
	csn_free(pem);
	free(theirs);
	assert_int_not_equal(shell("'%s' pkey -in '%s/sign.pem' "
	    "-passin pass:no -noout 2>/dev/null", program, home), 0);
	/* scrypt, not OpenSSL's default of few PBKDF2 rounds. */
	assert_int_equal(shell("'%s' asn1parse -in '%s/sign.pem' | "
	    "grep -qi scrypt", program, home), 0);
	free(home);
}

TEST(we_read_what_openssl_writes, struct fixture *f)
{
	const char *program = openssl();
	struct csn_identity_options o = { .size = sizeof(o), .name = "O" };
	char *sign, *kem, *spath, *kpath;
	struct csn_identity *id;
	size_t sn, kn;

	if (program == NULL)
		test_skip("no openssl program of 3.5 or newer");
	spath = path_in(f->folder, "s.pem");
	kpath = path_in(f->folder, "k.pem");
	assert_int_equal(shell("'%s' genpkey -algorithm ML-DSA-65 -aes256 "
	    "-pass pass:pw -out '%s' 2>/dev/null", program, spath), 0);
	assert_int_equal(shell("'%s' genpkey -algorithm ML-KEM-1024 "
	    "-out '%s' 2>/dev/null", program, kpath), 0);
	sign = (char *)file_read(spath, &sn);
	kem = (char *)file_read(kpath, &kn);
	assert_int_equal(csn_identity_import(f->ctx, &o, sign, sn, kem, kn,
	    "pw", 2, &id), 0);
	assert_int_equal(csn_sign_of(csn_identity_sign_key(id)),
	    CSN_SIGN_ML_DSA_65);
	assert_int_equal(csn_kem_of(csn_identity_kem_key(id)),
	    CSN_KEM_ML_KEM_1024);
	csn_identity_free(id);
	free(sign);
	free(kem);
	free(spath);
	free(kpath);
}

TEST(openssl_verifies_the_documents_signature, struct fixture *f)
{
	const char *program = openssl();
	char *tbs, *sig, *key, *pem;
	struct csn_cose c;
	const uint8_t *p;
	size_t len, i;
	FILE *out;

	if (program == NULL)
		test_skip("no openssl program of 3.5 or newer");
	p = csn_identity_document(f->alice, &len);
	assert_int_equal(csn_cose_parse(f->ctx, p, len, &c), 0);
	tbs = path_in(f->folder, "tbs");
	sig = path_in(f->folder, "sig");
	key = path_in(f->folder, "key");
	/* Sig_structure (RFC 9052, 4.4) by hand, from docs/wire. */
	assert_non_null(out = fopen(tbs, "wb"));
	fputs("\x84\x6aSignature1\x58", out);
	fputc((int)c.header_len, out);
	fwrite(c.header, 1, c.header_len, out);
	fputs("\x58\x21" "application/caisson-identity+cbor", out);
	fputc(0x59, out);
	for (i = 2; i > 0; i--)
		fputc((int)(c.payload_len >> (8 * (i - 1)) & 255), out);
	fwrite(c.payload, 1, c.payload_len, out);
	assert_int_equal(fclose(out), 0);
	file_write(sig, c.sig, c.sig_len);
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &pem), 0);
	file_write(key, pem, strlen(pem));
	csn_free(pem);
	assert_int_equal(shell("'%s' pkeyutl -verify -pubin -inkey '%s' "
	    "-rawin -in '%s' -sigfile '%s' >/dev/null", program, key, tbs,
	    sig), 0);
	assert_int_equal(shell("printf x >>'%s'; ! '%s' pkeyutl -verify "
	    "-pubin -inkey '%s' -rawin -in '%s' -sigfile '%s' >/dev/null "
	    "2>&1", tbs, program, key, tbs, sig), 0);
	free(tbs);
	free(sig);
	free(key);
}
