/* SPDX-License-Identifier: Apache-2.0 */
/* test_attest_key.c - attesters' keys: derived, and out of a keystore. */
#include <sys/stat.h>

#include <caisson/advanced.h>
#include <caisson/attest_key.h>

#include "attest/scene.h"
#include "guest/sim/guest.h"
#include "guest/snp_key.h"
#include "lib/test.h"

static char *folder, *path;

static void
start(struct scene *s)
{
	scene_start(s);
	folder = folder_new();
	path = path_in(folder, "attester.key");
}

static void
end(struct scene *s)
{
	free(path);
	folder_remove(folder);
	scene_end(s);
}

FIXTURE(struct scene, start, end);

static struct csn_identity_options
options(void)
{
	struct csn_identity_options o = {
		.size = sizeof(o), .sign = CSN_SIGN_ML_DSA_44,
		.kem = CSN_KEM_ML_KEM_512, .name = "attester"
	};

	return o;
}

/* Its report is accepted where it is trusted, and only there. */
static void
attests(struct scene *s, const struct csn_identity *id)
{
	struct csn_attester_options o = scene_options(s);
	uint8_t *report, nonce[32];
	size_t len;

	o.identity = id;
	csn_attester_free(s->attester);
	s->attester = scene_attester(s, &o);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_SIGNER);
	csn_free(report);
	people_trust(s->ctx, s->trust, id, CSN_PURPOSE_REPORT);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(s->attester, nonce, sizeof(nonce), &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
}

TEST(the_same_secret_is_the_same_identity, struct scene *s)
{
	static const char salt[] = "caisson attester key";
	struct csn_identity_options o = options();
	struct csn_identity *first, *second, *other;
	struct csn_sign_key *key;
	uint8_t secret[32] = { 7, 7, 7 }, seed[32];
	char alias[CSN_ALIAS_SIZE];

	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &first),
	    0);
	people_now += 1000000;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &second),
	    0);
	assert_string_equal(csn_identity_did(first),
	    csn_identity_did(second));
	assert_int_equal(csn_identity_purposes(first), CSN_PURPOSE_REPORT);
	/* As it is written down. */
	assert_int_equal(csn_hkdf(s->ctx, CSN_HKDF_SHA3_256,
	    (const uint8_t *)salt, sizeof(salt) - 1, secret, 32,
	    (const uint8_t *)"ML-DSA-44", 9, seed, 32), 0);
	assert_int_equal(csn_sign_from_seed(s->ctx, CSN_SIGN_ML_DSA_44, seed,
	    32, &key), 0);
	assert_int_equal(csn_did_alias(s->ctx, key, alias, sizeof(alias)),
	    0);
	assert_string_equal(alias, csn_identity_alias(first));
	csn_sign_free(key);
	/* Another secret, another parameter set. */
	secret[31] = 1;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &other),
	    0);
	assert_string_not_equal(csn_identity_did(first),
	    csn_identity_did(other));
	csn_identity_free(other);
	secret[31] = 0;
	o.sign = CSN_SIGN_ML_DSA_65;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &other),
	    0);
	assert_string_not_equal(csn_identity_did(first),
	    csn_identity_did(other));
	csn_identity_free(other);
	csn_identity_free(first);
	csn_identity_free(second);
}

TEST(what_cannot_be_derived_is_refused, struct scene *s)
{
	struct csn_identity_options o = options();
	struct csn_identity *id = NULL;
	uint8_t secret[32] = { 1 };

	o.kem = CSN_KEM_X_WING;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &id),
	    CSN_E_ALGORITHM);
	o.kem = 0;
	o.sign = 99;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &id),
	    CSN_E_ALGORITHM);
	o.sign = 0;
	o.name = NULL;
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &id),
	    CSN_E_ARG);
	assert_int_equal(csn_attest_key_derive(s->ctx, NULL, secret, &id),
	    CSN_E_ARG);
	assert_null(id);
}

/* What SNP_GET_DERIVED_KEY gives is an attester's key in each run. */
TEST(a_key_that_the_firmware_derives_attests, struct scene *s)
{
	struct csn_snp_key_options snp = { .size = sizeof(snp),
	    .fields = CSN_SNP_MEASUREMENT, .device = SIM_DEVICE };
	struct csn_identity_options o = options();
	struct csn_identity *id, *again;
	struct sim_guest guest;
	struct sim_device device = { .guest = &guest };
	struct csn_device_io io = sim_sev_device(&device);
	uint8_t secret[32];

	sim_snp_start(&guest);
	assert_int_equal(csn_snp_derived_key_by(s->ctx, &io, &snp,
	    CSN_ATTEST_KEY_LABEL, secret), 0);
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &id), 0);
	assert_int_equal(csn_snp_derived_key_by(s->ctx, &io, &snp,
	    CSN_ATTEST_KEY_LABEL, secret), 0);
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &again),
	    0);
	assert_string_equal(csn_identity_did(id), csn_identity_did(again));
	attests(s, again);
	csn_identity_free(again);
	/* A key that depends on something else is somebody else's. */
	snp.fields = CSN_SNP_GUEST_POLICY;
	assert_int_equal(csn_snp_derived_key_by(s->ctx, &io, &snp,
	    CSN_ATTEST_KEY_LABEL, secret), 0);
	assert_int_equal(csn_attest_key_derive(s->ctx, &o, secret, &again),
	    0);
	assert_string_not_equal(csn_identity_did(id),
	    csn_identity_did(again));
	csn_identity_free(again);
	csn_identity_free(id);
	sim_guest_end(&guest);
	/* On a machine that is no such guest. */
	snp.device = "/nowhere/sev-guest";
	assert_int_equal(csn_attest_key_snp(s->ctx, &o, &snp, &id),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(),
	    "/nowhere/sev-guest is not there"));
}

TEST(a_key_in_a_keystore_attests, struct scene *s)
{
	struct csn_identity_options o = options();
	struct csn_identity *id, *again;
	struct csn_keystore *ks;
	struct stat st;

	assert_int_equal(csn_keystore_open(s->ctx, "memory:", NULL, 0, &ks),
	    0);
	assert_int_equal(csn_keystore_create(ks, "attest"), 0);
	assert_int_equal(csn_keystore_create(ks, "other"), 0);
	assert_int_equal(csn_attest_key_create(s->ctx, ks, "none", path),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_attest_key_create(s->ctx, ks, "attest", path),
	    0);
	assert_int_equal(csn_attest_key_create(s->ctx, ks, "attest", path),
	    CSN_E_EXISTS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &id), 0);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &again), 0);
	assert_string_equal(csn_identity_did(id), csn_identity_did(again));
	csn_identity_free(again);
	attests(s, id);
	csn_identity_free(id);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "other", path, &o,
	    &id), CSN_E_TAG);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "none", path, &o,
	    &id), CSN_E_NOT_FOUND);
	assert_int_equal(csn_attest_key_open(s->ctx, NULL, "attest", path,
	    &o, &id), CSN_E_ARG);
	csn_keystore_close(ks);
}

/* The file keystore's passphrase is what the attester's key needs. */
TEST(a_keystore_in_files_keeps_it_across_runs, struct scene *s)
{
	struct csn_identity_options o = options();
	struct csn_keystore *ks;
	struct csn_identity *id;
	char *url, did[CSN_DID_SIZE];

	assert_true(asprintf(&url, "file:%s/keys", folder) > 0);
	assert_int_equal(csn_keystore_open(s->ctx, url, "pass", 4, &ks), 0);
	assert_int_equal(csn_keystore_create(ks, "attest"), 0);
	assert_int_equal(csn_attest_key_create(s->ctx, ks, "attest", path),
	    0);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &id), 0);
	(void)snprintf(did, sizeof(did), "%s", csn_identity_did(id));
	csn_identity_free(id);
	csn_keystore_close(ks);

	assert_int_equal(csn_keystore_open(s->ctx, url, NULL, 0, &ks), 0);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &id), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(ks, "pass", 4), 0);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &id), 0);
	assert_string_equal(csn_identity_did(id), did);
	csn_identity_free(id);
	csn_keystore_close(ks);
	free(url);
}

TEST(a_damaged_file_is_refused, struct scene *s)
{
	struct csn_identity_options o = options();
	struct csn_keystore *ks;
	struct csn_identity *id;
	uint8_t *file;
	size_t len, i;
	int rc;

	assert_int_equal(csn_keystore_open(s->ctx, "memory:", NULL, 0, &ks),
	    0);
	assert_int_equal(csn_keystore_create(ks, "attest"), 0);
	assert_int_equal(csn_attest_key_open(s->ctx, ks, "attest", path, &o,
	    &id), CSN_E_NOT_FOUND);
	assert_int_equal(csn_attest_key_create(s->ctx, ks, "attest", path),
	    0);
	file = file_read(path, &len);
	/* Each byte of it counts. */
	for (i = 0; i < len; i++) {
		file[i] ^= 0x10;
		file_write(path, file, len);
		rc = csn_attest_key_open(s->ctx, ks, "attest", path, &o,
		    &id);
		if (rc == 0 || (i < 7 && rc != CSN_E_FORM) ||
		    (i == 7 && rc != CSN_E_VERSION))
			fail_msg("byte %zu: %s", i, csn_error_name(rc));
		file[i] ^= 0x10;
	}
	for (i = 0; i < len; i++) {
		file_write(path, file, i);
		assert_int_not_equal(csn_attest_key_open(s->ctx, ks,
		    "attest", path, &o, &id), 0);
	}
	free(file);
	csn_keystore_close(ks);
}
