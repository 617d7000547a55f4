/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/engine_openssl.c - AES-256-GCM by OpenSSL. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/alloc.h"
#include "crypto/aead_internal.h"
#include "crypto/arena.h"
#include "crypto/internal.h"

/*
 * EVP_Cipher() goes straight to the provider: for GCM, a NULL output is AAD,
 * a NULL input is the end. It reports lengths as int, so long inputs go in
 * pieces that are a multiple of the block.
 */
#define PIECE ((size_t)1 << 30)
/* Of what others may write to: stays in the nearest cache, and on a stack. */
#define SHARED_PIECE ((size_t)4096)

struct state {
	EVP_CIPHER_CTX *evp;
	OSSL_PARAM tag[2];	/* data pointer set for each message */
};

static int
available(void)
{
	return 1;
}

static void
state_free(void *p)
{
	struct state *s = p;

	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->evp);	/* the provider wipes its state */
	free(s);
}

static void *
state_new(struct csn_ctx *ctx)
{
	struct state *s;
	int ready;

	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->tag[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_CIPHER_PARAM_AEAD_TAG, NULL, CSN_TAG_SIZE);
	s->tag[1] = OSSL_PARAM_construct_end();
	/* Where the round keys will be: nothing is allocated for them later. */
	csn_arena_enter();
	ready = (s->evp = EVP_CIPHER_CTX_new()) != NULL &&
	    EVP_EncryptInit_ex2(s->evp, ctx->crypto->aes_gcm, NULL, NULL,
	    NULL) == 1;
	(void)csn_arena_leave();
	if (!ready) {
		state_free(s);
		return NULL;
	}
	return s;
}

static int
state_key(void *p, const uint8_t key[CSN_KEY_SIZE])
{
	struct state *s = p;

	return EVP_EncryptInit_ex2(s->evp, NULL, key, NULL, NULL) == 1 ? 0 :
	    CSN_E_CRYPTO;
}

/* A part of which others may write to the sealed side: by way of a copy.
 * Not inlined: its frame is a page, which other messages do without. */
__attribute__((noinline)) static int
run_shared(struct state *s, const struct csn_aead_part *part, int sealing)
{
	uint8_t piece[SHARED_PIECE];
	size_t at, n;
	int rc;

	for (at = 0; at < part->len; at += n) {
		n = part->len - at < SHARED_PIECE ? part->len - at :
		    SHARED_PIECE;
		if (!sealing)
			memcpy(piece, part->in + at, n);
		rc = EVP_Cipher(s->evp, sealing ? piece : part->out + at,
		    sealing ? part->in + at : piece, (unsigned)n);
		if (rc < 0)
			return CSN_E_CRYPTO;
		if (sealing)
			memcpy(part->out + at, piece, n);
	}
	return 0;
}

/* AAD, then the parts. */
static int
run(struct state *s, const struct csn_aead_msg *msg, int sealing)
{
	const struct csn_aead_part *part;
	size_t i, at, n;

	for (at = 0; at < msg->aad_len; at += n) {
		n = msg->aad_len - at < PIECE ? msg->aad_len - at : PIECE;
		if (EVP_Cipher(s->evp, NULL, msg->aad + at,
		    (unsigned)n) < 0)
			return CSN_E_CRYPTO;
	}
	for (i = 0; i < msg->nparts; i++) {
		part = &msg->parts[i];
		if (msg->shared && run_shared(s, part, sealing) != 0)
			return CSN_E_CRYPTO;
		if (msg->shared)
			continue;
		for (at = 0; at < part->len; at += n) {
			n = part->len - at < PIECE ? part->len - at : PIECE;
			if (EVP_Cipher(s->evp, part->out + at,
			    part->in + at, (unsigned)n) < 0)
				return CSN_E_CRYPTO;
		}
	}
	return 0;
}

static int
seal(void *p, const struct csn_aead_msg *msg)
{
	struct state *s = p;

	if (EVP_EncryptInit_ex2(s->evp, NULL, NULL, msg->nonce, NULL) != 1 ||
	    run(s, msg, 1) != 0 || EVP_Cipher(s->evp, NULL, NULL, 0) < 0)
		return CSN_E_CRYPTO;
	s->tag[0].data = msg->tag;
	return EVP_CIPHER_CTX_get_params(s->evp, s->tag) == 1 ? 0 :
	    CSN_E_CRYPTO;
}

static int
open_msg(void *p, const struct csn_aead_msg *msg)
{
	struct state *s = p;

	s->tag[0].data = msg->tag;
	if (EVP_DecryptInit_ex2(s->evp, NULL, NULL, msg->nonce,
	    s->tag) != 1 || run(s, msg, 0) != 0)
		return CSN_E_CRYPTO;
	return EVP_Cipher(s->evp, NULL, NULL, 0) < 0 ? CSN_E_TAG : 0;
}

const struct csn_aead_engine csn_aead_openssl = {
	.abi = CSN_AEAD_ABI,
	.preference = 100,
	.name = "openssl",
	.available = available,
	.state_new = state_new,
	.state_key = state_key,
	.seal = seal,
	.open = open_msg,
	.state_free = state_free,
};
