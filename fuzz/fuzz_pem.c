/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pem.c - key files: what is accepted is written and read again as the
 * same public key, private or not as it was; the rest is refused whole. No
 * passphrase is given, so that no input costs a second of scrypt.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
refused(int rc)
{
	check(rc == CSN_E_FORM || rc == CSN_E_PASSPHRASE ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_LIMIT);
}

static void
sign(struct csn_ctx *ctx, const char *pem, size_t len)
{
	uint8_t a[CSN_SIGN_MAX_PUBLIC] = { 0 }, b[CSN_SIGN_MAX_PUBLIC] = { 0 };
	struct csn_sign_key *key = NULL, *back = NULL;
	char *again = NULL;
	int rc, private_half;

	if ((rc = csn_sign_from_pem(ctx, pem, len, NULL, 0, &key)) != 0) {
		refused(rc);
		check(key == NULL);
		return;
	}
	private_half = csn_sign_is_private(key);
	check(csn_sign_to_pem(ctx, key, private_half, NULL, 0, &again) == 0);
	check(csn_sign_from_pem(ctx, again, strlen(again), NULL, 0,
	    &back) == 0);
	check(csn_sign_is_private(back) == private_half);
	check(csn_sign_of(back) == csn_sign_of(key));
	check(csn_sign_public(ctx, key, a, sizeof(a)) == 0);
	check(csn_sign_public(ctx, back, b, sizeof(b)) == 0);
	check(memcmp(a, b, sizeof(a)) == 0);
	csn_free(again);
	csn_sign_free(back);
	csn_sign_free(key);
}

static void
kem(struct csn_ctx *ctx, const char *pem, size_t len)
{
	uint8_t a[CSN_KEM_MAX_PUBLIC] = { 0 }, b[CSN_KEM_MAX_PUBLIC] = { 0 };
	struct csn_kem_key *key = NULL, *back = NULL;
	char *again = NULL;
	int rc, private_half;

	if ((rc = csn_kem_from_pem(ctx, pem, len, NULL, 0, &key)) != 0) {
		refused(rc);
		check(key == NULL);
		return;
	}
	private_half = csn_kem_is_private(key);
	check(csn_kem_to_pem(ctx, key, private_half, NULL, 0, &again) == 0);
	check(csn_kem_from_pem(ctx, again, strlen(again), NULL, 0,
	    &back) == 0);
	check(csn_kem_is_private(back) == private_half);
	check(csn_kem_of(back) == csn_kem_of(key));
	check(csn_kem_public(ctx, key, a, sizeof(a)) == 0);
	check(csn_kem_public(ctx, back, b, sizeof(b)) == 0);
	check(memcmp(a, b, sizeof(a)) == 0);
	csn_free(again);
	csn_kem_free(back);
	csn_kem_free(key);
}

/* One context for all inputs; made once, freed as the program ends. */
static struct csn_ctx *shared;

static void
finish(void)
{
	csn_ctx_free(shared);
	shared = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (shared == NULL) {
		check(csn_ctx_new(NULL, &shared) == 0);
		check(atexit(finish) == 0);
	}
	sign(shared, (const char *)data, len);
	kem(shared, (const char *)data, len);
	return 0;
}
