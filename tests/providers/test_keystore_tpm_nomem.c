/* SPDX-License-Identifier: Apache-2.0 */
/* test_keystore_tpm_nomem.c - each allocation of a keystore in a TPM fails. */
#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"
#include "providers/keystore_suite.h"
#include "providers/tpm_stand.h"

#define STRONG "0123456789abcdef", 16

static struct tpm_stand stand;
static struct csn_ctx *ctx;
static char *folder;
static char url[400];

BEFORE_ALL
{
	if (!tpm_stand_possible())
		return;
	tpm_stand_start(&stand);
	folder = folder_new();
	snprintf(url, sizeof(url), "tpm:%s?strong=1&pcr=sha256:0&"
	    "folder=%s/keys", stand.tcti, folder);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	folder_remove(folder);
	tpm_stand_end(&stand);
}

static int
life(void)
{
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	struct csn_keystore *ks = NULL;
	size_t len = sizeof(wrap);
	uint64_t count;
	int rc;

	if ((rc = csn_keystore_open(ctx, url, STRONG, &ks)) != 0)
		return rc;
	if ((rc = csn_keystore_create(ks, "k")) == CSN_E_EXISTS)
		rc = 0;
	if (rc == 0 && (rc = csn_keystore_wrap(ks, "k", NULL, 0, key, wrap,
	    &len)) == 0)
		rc = csn_keystore_unwrap(ks, "k", NULL, 0, wrap, len, key);
	if (rc == 0)
		rc = csn_keystore_generation(ks, &count);
	csn_keystore_close(ks);
	return rc;
}

TEST(a_keystore_in_a_tpm_without_memory)
{
	long n, busy = 0;
	int rc, failed;

	if (!tpm_stand_possible())
		test_skip("swtpm, tpm2-tools or libtss2-tcti-swtpm0 is not "
		    "installed");
	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	assert_int_equal(life(), 0);
	/* The first ones each, then here and there: they are OpenSSL's. */
	for (n = 0;; n += n < 40 ? 1 : 1187) {
		failmalloc_at(n);
		rc = life();
		failed = failmalloc_done();
		if (!failed && rc != CSN_E_BUSY)
			break;
		/* ESYS loses the handle of what it had just made. */
		if (rc == CSN_E_BUSY) {
			tpm_stand_do(&stand, "tpm2_flushcontext -t; "
			    "tpm2_flushcontext -l");
			busy++;
			rc = 0;
		}
		if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO &&
		    rc != CSN_E_ALGORITHM && rc != CSN_E_BACKEND)
			fail_msg("allocation %ld: %s (%s)", n,
			    csn_error_name(rc), csn_message());
	}
	if (rc != 0)
		fail_msg("%ld: %s", n, csn_message());
	print_message("# %ld allocations, %ld times full\n", n, busy);
}
