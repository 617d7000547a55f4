/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guest_nomem.c - each allocation of a confidential guest's attester,
 * and of who verifies it, fails once: the right code, nothing leaks, and
 * another guest passes never.
 */
#include <caisson/attest_key.h>

#include "attest/stage.h"
#include "lib/failmalloc.h"
#include "lib/test.h"

static struct stage s;
static struct csn_tsm_io tsm_io;
static struct csn_device_io device_io;

/* The processor's own memory is not what runs out. */

static int
tsm_mkdir(void *arg, const char *path)
{
	long held = failmalloc_hold();
	int rc = s.front.io.mkdir(arg, path);

	failmalloc_resume(held);
	return rc;
}

static int
tsm_open(void *arg, const char *path, int flags)
{
	long held = failmalloc_hold();
	int rc = s.front.io.open(arg, path, flags);

	failmalloc_resume(held);
	return rc;
}

static ssize_t
tsm_read(void *arg, int fd, void *p, size_t len)
{
	long held = failmalloc_hold();
	ssize_t n = s.front.io.read(arg, fd, p, len);

	failmalloc_resume(held);
	return n;
}

static int
device_ioctl(void *arg, int fd, unsigned long request, void *p)
{
	long held = failmalloc_hold();
	int rc = s.device_io.ioctl(arg, fd, request, p);

	failmalloc_resume(held);
	return rc;
}

static int tdx;		/* which guest it is */

BEFORE_EACH
{
	stage_start(&s, tdx, 0);
	tsm_io = s.front.io;
	tsm_io.mkdir = tsm_mkdir;
	tsm_io.open = tsm_open;
	tsm_io.read = tsm_read;
	device_io = s.device_io;
	device_io.ioctl = device_ioctl;
	s.io = (struct csn_tee_io){ &tsm_io, &device_io };
}

AFTER_EACH { stage_end(&s); }

static int
fits(int rc)
{
	return rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO;
}

/* All of an attester's life. */
static int
attest(const char *url, struct fake_bytes *report)
{
	static const uint8_t nonce[32] = { 5 };
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = STAGE_WORKLOAD,
		.identity = s.alice
	};
	struct csn_regions *regions = NULL;
	struct csn_attester *a = NULL;
	int rc;

	if ((rc = csn_regions_open(s.ctx, url, &regions)) == 0 &&
	    (rc = csn_attester_new(s.ctx, regions, &o, &a)) == 0 &&
	    (rc = csn_attester_measure(a, 0)) == 0)
		rc = csn_attester_report(a, nonce, sizeof(nonce), &report->p,
		    &report->len);
	csn_attester_free(a);
	csn_regions_close(regions);
	return rc;
}

/* The blocks that are allocated behind the last. */
static long
fail_in_turn(const char *url)
{
	struct fake_bytes report = { NULL, 0 };
	int rc, done, refused = 0;
	long n;

	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = attest(url, &report);
		done = failmalloc_done();
		if (rc == 0)
			csn_free(report.p);
		/*
		 * Reading JSON has one answer for all that goes wrong, and
		 * jansson leaves a character out where its buffer cannot
		 * grow: then the manifest names another file.
		 */
		else if (!fits(rc) && rc != CSN_E_FORM &&
		    rc != CSN_E_NOT_FOUND)
			fail_msg("allocation %ld gave %s: %s", n,
			    csn_error_name(rc), csn_message());
		refused += rc != 0;
		assert_int_equal(tsm_model_seen(&s.front.model).folders, 0);
		assert_int_equal(tsm_model_seen(&s.front.model).handles, 0);
	}
	assert_int_equal(rc, 0);
	assert_true(refused > 20);
	return failmalloc_blocks();
}

static void
fail_each(const char *options)
{
	char *url = stage_url(&s, options);
	long blocks;

	/* OpenSSL keeps its last errors, the same ones each time. */
	blocks = fail_in_turn(url);
	assert_int_equal(fail_in_turn(url), blocks);
	free(url);
}

TEST(a_guest_without_memory_says_so)
{
	char option[300];

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	fail_each("");
	s.guest.no_certs = 1;
	(void)snprintf(option, sizeof(option), "&endorsements=%s",
	    stage_file(&s, "chain.pem", s.guest.tdx != NULL ?
	    fake_tdx_bundle(s.guest.tdx, NULL) :
	    fake_snp_certs(s.guest.snp)));
	fail_each(option);
}

/*
 * Most of a verification's allocations, thousands, are OpenSSL's: of these
 * each so many-th fails, others in the two runs of a test.
 */
#define STEP 12

/*
 * good says whether it may be accepted. Each time a verifier of its own,
 * which reads its files again.
 */
static void
verify_each(const char *endorsements, const char *cache, int good)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s.trust, .policy = s.policy,
		.endorsements = endorsements, .cache = cache
	};
	struct csn_verifier *v;
	struct fake_bytes report = { NULL, 0 };
	struct csn_result *result;
	char *url = stage_url(&s, "");
	int rc, done, refused = 0;
	long n;

	assert_int_equal(attest(url, &report), 0);
	for (n = good ? 0 : STEP / 2, done = 1; done; n += STEP) {
		v = NULL;
		result = NULL;
		failmalloc_at(n);
		if ((rc = csn_verifier_new(s.ctx, &o, &v)) == 0 &&
		    (rc = csn_result_new(s.ctx, &result)) == 0)
			rc = csn_verifier_check(v, STAGE_WORKLOAD, report.p,
			    report.len, 0, CSN_VERIFY_ARCHIVED, result);
		done = failmalloc_done();
		csn_result_free(result);
		csn_verifier_free(v);
		assert_true(good || rc != 0);
		refused += rc != 0;
	}
	assert_true(good ? rc == 0 : rc == CSN_E_POLICY);
	assert_true(refused > 20);
	csn_free(report.p);
	free(url);
}

TEST(a_verifier_without_memory_lets_no_other_guest_pass)
{
	char file[300], cache[300];

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	(void)snprintf(cache, sizeof(cache), "%s/cache", s.folder);
	(void)snprintf(file, sizeof(file), "%s", stage_file(&s, "given",
	    s.guest.tdx != NULL ? fake_tdx_bundle(s.guest.tdx, NULL) :
	    fake_snp_crl(s.guest.snp, 0, FAKE_FROM, FAKE_UNTIL)));
	stage_verifier(&s, "", NULL, NULL);
	verify_each(file, cache, 1);
	s.guest.debug = 1;
	verify_each(file, cache, 0);
}

GROUP("SNP");

TEST(a_device_without_memory_says_so)
{
	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	tsm_model_load(&s.front.model, NULL);
	fail_each("&dev=" SIM_DEVICE);
	s.device.certs_pages = 3;
	fail_each("&dev=" SIM_DEVICE);
}

TEST(a_key_without_memory_is_no_key)
{
	struct csn_identity_options o = {
		.size = sizeof(o), .sign = CSN_SIGN_ML_DSA_44,
		.kem = CSN_KEM_ML_KEM_512, .name = "attester"
	};
	struct csn_identity *id;
	struct csn_keystore *ks;
	int rc, done, refused = 0;
	char path[300], *did;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	(void)snprintf(path, sizeof(path), "%s/attester.key", s.folder);
	assert_int_equal(csn_keystore_open(s.ctx, "memory:", NULL, 0, &ks),
	    0);
	assert_int_equal(csn_keystore_create(ks, "k"), 0);
	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = csn_attest_key_create(s.ctx, ks, "k", path);
		done = failmalloc_done();
		assert_true(rc == 0 || fits(rc));
		/* No half of a file, and none where it failed. */
		assert_int_equal(remove(path), rc == 0 ? 0 : -1);
	}
	assert_int_equal(csn_attest_key_create(s.ctx, ks, "k", path), 0);
	assert_int_equal(csn_attest_key_open(s.ctx, ks, "k", path, &o, &id),
	    0);
	assert_non_null(did = strdup(csn_identity_did(id)));
	csn_identity_free(id);
	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = csn_attest_key_open(s.ctx, ks, "k", path, &o, &id);
		done = failmalloc_done();
		refused += rc != 0;
		if (rc != 0)
			continue;
		assert_string_equal(csn_identity_did(id), did);
		csn_identity_free(id);
	}
	assert_int_equal(rc, 0);
	assert_true(refused > 20);
	free(did);
	csn_keystore_close(ks);
}

int
test_main(void)
{
	int failed = test_run("SNP");

	tdx = 1;
	return failed + test_run_group(NULL);
}
