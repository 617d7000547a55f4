/* SPDX-License-Identifier: Apache-2.0 */
/* raw_pq.c - what a handshake is made of, called from OpenSSL itself. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "bench.h"
#include "raw_pq.h"

#define EK 1184
#define CT 1088
#define SIGNATURE 3309
#define MESSAGE 1500		/* an offer without its signature, about */

static EVP_PKEY *signer;
static EVP_SIGNATURE *ml_dsa;
static EVP_KDF *hkdf;

void
raw_pq_start(void)
{
	signer = EVP_PKEY_Q_keygen(NULL, NULL, "ML-DSA-65");
	ml_dsa = EVP_SIGNATURE_fetch(NULL, "ML-DSA-65", NULL);
	hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	bench_need(signer != NULL && ml_dsa != NULL && hkdf != NULL,
	    "preparing the reference");
}

void
raw_pq_stop(void)
{
	EVP_PKEY_free(signer);
	EVP_SIGNATURE_free(ml_dsa);
	EVP_KDF_free(hkdf);
}

void
raw_kem_exchange(void)
{
	uint8_t ek[EK], ct[CT], ours[32], theirs[32];
	size_t ek_len = sizeof(ek), ct_len = sizeof(ct), n = sizeof(ours);
	size_t m = sizeof(theirs);
	EVP_PKEY *pair, *public;
	EVP_PKEY_CTX *c;

	pair = EVP_PKEY_Q_keygen(NULL, NULL, "ML-KEM-768");
	bench_need(pair != NULL && EVP_PKEY_get_raw_public_key(pair, ek,
	    &ek_len) == 1, "ML-KEM key generation");
	public = EVP_PKEY_new_raw_public_key_ex(NULL, "ML-KEM-768", NULL, ek,
	    ek_len);
	bench_need(public != NULL, "reading an ML-KEM key");
	c = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
	bench_need(c != NULL && EVP_PKEY_encapsulate_init(c, NULL) == 1 &&
	    EVP_PKEY_encapsulate(c, ct, &ct_len, ours, &n) == 1,
	    "ML-KEM encapsulation");
	EVP_PKEY_CTX_free(c);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL);
	bench_need(c != NULL && EVP_PKEY_decapsulate_init(c, NULL) == 1 &&
	    EVP_PKEY_decapsulate(c, theirs, &m, ct, ct_len) == 1 &&
	    memcmp(ours, theirs, sizeof(ours)) == 0, "ML-KEM decapsulation");
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(pair);
	EVP_PKEY_free(public);
}

void
raw_dsa_round(void)
{
	static uint8_t message[MESSAGE];
	uint8_t signature[SIGNATURE];
	size_t n = sizeof(signature);
	EVP_PKEY_CTX *c;

	message[0]++;
	c = EVP_PKEY_CTX_new_from_pkey(NULL, signer, NULL);
	bench_need(c != NULL && EVP_PKEY_sign_message_init(c, ml_dsa,
	    NULL) == 1 && EVP_PKEY_sign(c, signature, &n, message,
	    sizeof(message)) == 1, "ML-DSA signing");
	EVP_PKEY_CTX_free(c);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, signer, NULL);
	bench_need(c != NULL && EVP_PKEY_verify_message_init(c, ml_dsa,
	    NULL) == 1 && EVP_PKEY_verify(c, signature, n, message,
	    sizeof(message)) == 1, "ML-DSA verifying");
	EVP_PKEY_CTX_free(c);
}

void
raw_hkdf_expand(void)
{
	static uint8_t key[32], info[] = "caisson v1 writer 0123456789abcd";
	char digest[] = "SHA3-256";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key,
		    sizeof(key)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
		    sizeof(info)),
		OSSL_PARAM_construct_end(),
	};
	uint8_t out[32];
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(hkdf);

	bench_need(c != NULL && EVP_KDF_derive(c, out, sizeof(out),
	    params) == 1, "HKDF");
	EVP_KDF_CTX_free(c);
}
