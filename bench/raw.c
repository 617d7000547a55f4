/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - AES-256-GCM as a program calls OpenSSL itself: the reference. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "bench.h"
#include "raw.h"

/* What the tail of the AAD has beside the tenant id. */
#define TAIL 11

struct raw {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
	int aad_len;
	uint8_t aad[RAW_HEADER + TAIL + CSN_TENANT_ID_MAX];
};

struct raw *
raw_new(const char *tenant_id)
{
	static const uint8_t key[32] = { 1 }, iv[12];
	struct raw *raw = calloc(1, sizeof(*raw));

	bench_need(raw != NULL && (raw->seal = EVP_CIPHER_CTX_new()) != NULL &&
	    (raw->open = EVP_CIPHER_CTX_new()) != NULL &&
	    EVP_EncryptInit_ex(raw->seal, EVP_aes_256_gcm(), NULL, key,
	    iv) == 1 && EVP_DecryptInit_ex(raw->open, EVP_aes_256_gcm(),
	    NULL, key, iv) == 1, "preparing the reference");
	raw->aad_len = (int)(RAW_HEADER + TAIL + strlen(tenant_id));
	return raw;
}

void
raw_free(struct raw *raw)
{
	if (raw == NULL)
		return;
	EVP_CIPHER_CTX_free(raw->seal);
	EVP_CIPHER_CTX_free(raw->open);
	free(raw);
}

void
raw_set_aad(struct raw *raw, size_t len)
{
	bench_need(len <= RAW_HEADER, "a reference with so much AAD");
	raw->aad_len = (int)len;
}

void
raw_rekey(struct raw *raw, const uint8_t key[32])
{
	bench_need(EVP_EncryptInit_ex(raw->seal, NULL, NULL, key, NULL) == 1,
	    "rekeying the reference");
}

void
raw_seal(struct raw *raw, uint64_t sequence, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t iv[12] = { 0 };
	int n;

	memcpy(iv, &sequence, sizeof(sequence));
	bench_need(EVP_EncryptInit_ex(raw->seal, NULL, NULL, NULL, iv) == 1 &&
	    EVP_EncryptUpdate(raw->seal, NULL, &n, raw->aad,
	    raw->aad_len) == 1 && EVP_EncryptUpdate(raw->seal,
	    out + RAW_OVERHEAD, &n, in, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(raw->seal, out + RAW_OVERHEAD + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(raw->seal, EVP_CTRL_AEAD_GET_TAG, 16,
	    out + RAW_HEADER) == 1, "sealing with OpenSSL");
}

void
raw_open(struct raw *raw, uint64_t sequence, const uint8_t *in, size_t len,
    uint8_t *out)
{
	uint8_t iv[12] = { 0 }, tag[16];
	int n;

	memcpy(iv, &sequence, sizeof(sequence));
	memcpy(tag, in + RAW_HEADER, sizeof(tag));
	bench_need(EVP_DecryptInit_ex(raw->open, NULL, NULL, NULL, iv) == 1 &&
	    EVP_CIPHER_CTX_ctrl(raw->open, EVP_CTRL_AEAD_SET_TAG, 16,
	    tag) == 1 && EVP_DecryptUpdate(raw->open, NULL, &n, raw->aad,
	    raw->aad_len) == 1 && EVP_DecryptUpdate(raw->open, out, &n,
	    in + RAW_OVERHEAD, (int)len) == 1 &&
	    EVP_DecryptFinal_ex(raw->open, out + n, &n) == 1,
	    "opening with OpenSSL");
}
