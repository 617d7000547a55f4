/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/wrap.c - AES-256 key wrap (RFC 3394). */
#include "base/fail.h"
#include "base/scrub.h"
#include "crypto/arena.h"
#include "crypto/internal.h"

/* One direction; the code for a failure at the end is the caller's. */
static int
run(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE], int wrap,
    const uint8_t *in, size_t len, uint8_t *out, size_t out_len)
{
	EVP_CIPHER_CTX *c;
	int n = 0, tail = 0, rc = 0, ready = 0;

	csn_arena_enter();
	if ((c = EVP_CIPHER_CTX_new()) != NULL) {
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		ready = EVP_CipherInit_ex2(c, ctx->crypto->aes_wrap, kek,
		    NULL, wrap, NULL) == 1;
	}
	(void)csn_arena_leave();
	if (c == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_NOMEM,
		    "preparing a key wrap");
	if (!ready) {
		rc = csn_ossl_fail(ctx, "preparing a key wrap");
	} else if (EVP_CipherUpdate(c, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(c, out + n, &tail) != 1 ||
	    (size_t)(n + tail) != out_len) {
		rc = wrap ? csn_ossl_fail(ctx, "wrapping a key") :
		    csn_ossl_fail_as(ctx, CSN_E_TAG,
		    "the wrapped key was changed, or another key wraps it");
	}
	if (rc != 0)
		csn_wipe(out, out_len);
	EVP_CIPHER_CTX_free(c);
	csn_clear_vectors();
	return rc;
}

int
csn_key_wrap(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t key[CSN_KEY_SIZE], uint8_t out[CSN_WRAP_SIZE])
{
	return run(ctx, kek, 1, key, CSN_KEY_SIZE, out, CSN_WRAP_SIZE);
}

int
csn_key_unwrap(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t in[CSN_WRAP_SIZE], uint8_t key[CSN_KEY_SIZE])
{
	return run(ctx, kek, 0, in, CSN_WRAP_SIZE, key, CSN_KEY_SIZE);
}
