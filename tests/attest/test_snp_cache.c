/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_snp_cache.c - AMD's certificates on disk: what is kept, what of it is
 * used, and that nothing of it is trusted.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/stage.h"
#include "crypto/x509.h"
#include "lib/test.h"
#include "platform/evidence.h"

#define P "platform sev-snp "

static struct stage s;
static char cache[300], leaf[600];

BEFORE_EACH
{
	stage_start(&s, 0, 0);
	(void)snprintf(cache, sizeof(cache), "%s/cache", s.folder);
}

AFTER_EACH { stage_end(&s); }

/* The only file of a folder of the cache, or a failed test. */
static void
only_file(const char *folder, char *path, size_t cap)
{
	char where[400];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(where, sizeof(where), "%s/%s", cache, folder);
	assert_non_null(dir = opendir(where));
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			n++;
			assert_true((size_t)snprintf(path, cap, "%s/%s",
			    where, e->d_name) < cap);
		}
	(void)closedir(dir);
	assert_int_equal(n, 1);
}

static unsigned
files_in(const char *folder)
{
	char where[400];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(where, sizeof(where), "%s/%s", cache, folder);
	if ((dir = opendir(where)) == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

/* A good report with certificates, so that they are kept. */
static void
fill(void)
{
	s.guest.no_certs = 0;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
	s.guest.no_certs = 1;
	only_file(s.guest.masked ? "ca" : "vcek", leaf, sizeof(leaf));
}

TEST(certificates_are_kept_and_serve_without_evidence_of_them)
{
	/* Genoa's chip c0…ff, and bootloader 4, tee 5, snp 6, microcode 7. */
	static const char name[] = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff-0405000000000607.der";
	struct stat st;

	s.guest.no_certs = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, cache);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	assert_int_equal(files_in("vcek"), 0);
	fill();
	assert_string_equal(strrchr(leaf, '/') + 1, name);
	assert_int_equal(files_in("ca"), 2);
	assert_int_equal(stat(leaf, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "cache"), "passed");
	assert_string_equal(stage_status(&s, P "chain"), "passed");
}

TEST(a_damaged_file_is_named_and_replaced)
{
	static const char junk[] = "no certificate";
	uint8_t *before, *after;
	size_t before_len, after_len;

	fill();
	before = file_read(leaf, &before_len);
	/* Cut, empty, and something else. */
	file_write(leaf, before, before_len / 2);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	assert_string_equal(stage_status(&s, P "cache"), "skipped");
	assert_non_null(strstr(stage_detail(&s, P "cache"), leaf));
	assert_non_null(strstr(stage_detail(&s, P "cache"), "damaged"));
	file_write(leaf, "", 0);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	file_write(leaf, junk, sizeof(junk));
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	/* Evidence that brings its certificates puts it right again. */
	s.guest.no_certs = 0;
	stage_accepts(&s, stage_report(&s));
	after = file_read(leaf, &after_len);
	assert_int_equal(after_len, before_len);
	assert_memory_equal(after, before, after_len);
	free(before);
	free(after);
	s.guest.no_certs = 1;
	stage_accepts(&s, stage_report(&s));
}

/* Whoever can write to the cache cannot have another guest accepted. */
TEST(nothing_in_it_is_trusted)
{
	struct fake_snp *other = fake_snp_new(NULL);
	struct fake_bytes certs = fake_snp_certs(other);
	struct csn_pki *pki;
	uint8_t *der;
	size_t len;

	fill();
	/* The VCEK of another processor with this chip's id and TCB. */
	assert_int_equal(csn_pki_new(s.ctx, &pki), 0);
	assert_int_equal(csn_pki_read(pki, certs.p, certs.len), 0);
	assert_int_equal(csn_cert_der(s.ctx, csn_pki_cert(pki, 0), &der,
	    &len), 0);
	file_write(leaf, der, len);
	csn_free(der);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	/* And its CAs, under names that are not theirs or are. */
	assert_int_equal(csn_cert_der(s.ctx, csn_pki_cert(pki, 2), &der,
	    &len), 0);
	(void)snprintf(leaf, sizeof(leaf), "%s/ca/%064d.der", cache, 7);
	file_write(leaf, der, len);
	csn_free(der);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	assert_non_null(strstr(stage_detail(&s, P "cache"), "damaged"));
	csn_pki_free(pki);
	free(certs.p);
	fake_snp_free(other);
}

TEST(another_tcb_is_another_certificate)
{
	struct fake_snp_options newer = { .tcb = { 3, 4, 5, 9, 9 } };

	fill();
	stage_snp(&s, &newer);
	stage_verifier(&s, "", NULL, cache);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	s.guest.no_certs = 0;
	stage_accepts(&s, stage_report(&s));
	assert_int_equal(files_in("vcek"), 2);
	s.guest.no_certs = 1;
	stage_accepts(&s, stage_report(&s));
}

TEST(an_expired_certificate_is_not_used)
{
	struct fake_snp_options brief = { .leaf_until = "20260201000000Z" };

	stage_snp(&s, &brief);
	fill();
	stage_accepts(&s, stage_report(&s));
	people_now += UINT64_C(60) * 86400 * 1000;
	stage_verifier(&s, "", NULL, cache);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	assert_non_null(strstr(stage_detail(&s, P "cache"),
	    "expired on 2026-02-01"));
}

TEST(a_vlek_is_kept_by_its_tcb)
{
	struct fake_snp_options vlek = { .vlek = 1 };
	const char *name;

	stage_snp(&s, &vlek);
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
	only_file("vlek", leaf, sizeof(leaf));
	name = strrchr(leaf, '/') + 1;
	assert_memory_equal(name, "0405000000000607-", 17);
	assert_int_equal(strlen(name), 17 + 16 + 4);
	s.guest.no_certs = 1;
	stage_accepts(&s, stage_report(&s));
}

/* A masked id says nothing about which chip's certificate it is. */
TEST(a_masked_chip_is_not_kept)
{
	s.guest.masked = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
	assert_int_equal(files_in("vcek"), 0);
	assert_int_equal(files_in("ca"), 2);
}

TEST(what_did_not_verify_is_not_kept)
{
	struct fake_snp_options old = { .leaf_until = "20251231000000Z" };

	stage_open(&s, "");
	stage_verifier_platform(&s, "", NULL, cache);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	stage_snp(&s, &old);
	stage_verifier(&s, "", NULL, cache);
	stage_refuses(&s, stage_report(&s), CSN_E_EXPIRED, P "chain");
	assert_int_equal(files_in("vcek") + files_in("ca"), 0);
}

/* A cache that cannot be written costs nothing but the next look-up. */
TEST(a_cache_that_cannot_be_written_is_no_failure)
{
	const char *name, *detail;
	int status, said = 0;
	size_t i;

	file_write(cache, "a file", 6);
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "cache"), "skipped");
	for (i = 0; csn_result_get(s.result, i, &name, &status, &detail) == 0;
	    i++)
		said |= strcmp(name, P "cache") == 0 &&
		    strstr(detail, "not written") != NULL;
	assert_true(said);
}

TEST(files_of_a_verifier_fill_it_too)
{
	struct fake_bytes certs = fake_snp_certs(s.guest.snp);

	s.guest.no_certs = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", stage_file(&s, "chain.pem", certs), cache);
	stage_accepts(&s, stage_report(&s));
	assert_int_equal(files_in("vcek"), 1);
	stage_verifier(&s, "", NULL, cache);
	stage_accepts(&s, stage_report(&s));
}

/* What AMD issues has the names that we give and look for. */
TEST(real_certificates_are_kept)
{
	struct trial t;

	trial_start(&t, CSN_PLATFORM_SEV_SNP);
	t.cache = cache;
	t.evidence = trial_vector("snp/genoa-v3-report.bin");
	t.certs[0] = trial_vector("snp/genoa-v3-vcek.pem");
	t.certs[1] = trial_vector("snp/genoa-v3-ask.pem");
	t.certs[2] = trial_vector("snp/genoa-ark.pem");
	t.at_ms = trial_time("2026-06-01T00:00:00Z");
	trial_good(&t);
	trial_expect(&t, "cache", "absent");
	assert_int_equal(files_in("vcek"), 1);
	assert_int_equal(files_in("ca"), 2);
	trial_set(&t.certs[0], (struct fake_bytes){ NULL, 0 });
	trial_set(&t.certs[1], (struct fake_bytes){ NULL, 0 });
	trial_set(&t.certs[2], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	trial_expect(&t, "cache", "passed");
	assert_non_null(strstr(trial_detail(&t, "chain"), "ARK-Genoa"));

	/* A provider's key beside it, of another processor. */
	trial_set(&t.evidence, trial_vector("snp/milan-vlek-report.bin"));
	t.certs[0] = trial_vector("snp/milan-vlek-expired-2025-12-10.der");
	t.certs[1] = trial_vector("snp/milan-vlek-asvk-ark.pem");
	t.at_ms = trial_time("2025-06-01T00:00:00Z");
	trial_good(&t);
	assert_int_equal(files_in("vlek"), 1);
	assert_int_equal(files_in("ca"), 4);
	trial_set(&t.certs[0], (struct fake_bytes){ NULL, 0 });
	trial_set(&t.certs[1], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	t.at_ms = trial_time("2026-06-01T00:00:00Z");
	trial_refused(&t, CSN_E_SIGNER, "chain");
	assert_non_null(strstr(trial_detail(&t, "cache"), "expired"));
	trial_end(&t);
}
