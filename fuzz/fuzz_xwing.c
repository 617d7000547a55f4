/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_xwing.c - X-Wing: an input as a ciphertext, as a public key, and as
 * edits of a ciphertext that is true, which gives its secret only unchanged.
 */
#include "edit.h"
#include "identity.h"

#define SIZE CSN_KEM_MAX_CIPHERTEXT

static struct csn_kem_key *key;

static void
finish(void)
{
	csn_kem_free(key);
	key = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	static const uint8_t seed[32] = { 'x' };

	if (key != NULL)
		return;
	check(csn_kem_from_seed(ctx, CSN_KEM_X_WING, seed, sizeof(seed),
	    &key) == 0);
	check(atexit(finish) == 0);
}

static void
as_ciphertext(struct csn_ctx *ctx, const uint8_t *p, size_t len)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	int rc = csn_kem_decapsulate(ctx, key, p, len, secret);

	/* Of ML-KEM any ciphertext has a secret; X25519 refuses low order. */
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_ARG);
	check(rc != 0 || len == csn_kem_ciphertext_size(CSN_KEM_X_WING));
}

static void
as_public(struct csn_ctx *ctx, const uint8_t *p, size_t len)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], ct[SIZE];
	uint8_t again[CSN_KEM_MAX_PUBLIC];
	struct csn_kem_key *k = NULL;
	int rc;

	rc = csn_kem_from_public(ctx, CSN_KEM_X_WING, p, len, &k);
	if (rc != 0) {
		check((rc == CSN_E_FORM || rc == CSN_E_ARG) && k == NULL);
		return;
	}
	check(csn_kem_public(ctx, k, again, sizeof(again)) == 0);
	check(memcmp(again, p, len) == 0);
	rc = csn_kem_encapsulate(ctx, k, ct, sizeof(ct), secret);
	check(rc == 0 || rc == CSN_E_FORM);
	csn_kem_free(k);
}

static void
edited(struct csn_ctx *ctx, struct csn_reader *r)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], got[CSN_KEM_SECRET_SIZE];
	size_t len = csn_kem_ciphertext_size(CSN_KEM_X_WING);
	uint8_t ct[SIZE];
	int rc, changed;

	check(csn_kem_encapsulate(ctx, key, ct, sizeof(ct), secret) == 0);
	changed = fuzz_edit(r, ct, &len, sizeof(ct));
	rc = csn_kem_decapsulate(ctx, key, ct, len, got);
	check(changed || rc == 0);
	check(rc != 0 || (memcmp(got, secret, sizeof(got)) == 0) ||
	    changed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_reader r;

	start(ctx);
	if (len == 0)
		return 0;
	csn_reader_init(&r, data + 1, len - 1);
	if (data[0] % 3 == 0)
		as_ciphertext(ctx, r.p, r.left);
	else if (data[0] % 3 == 1)
		as_public(ctx, r.p, r.left);
	else
		edited(ctx, &r);
	return 0;
}
