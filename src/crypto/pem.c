/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/pem.c - keys as PEM text, written. */
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/internal.h"

/*
 * scrypt at 16 MiB, five times over: as strong as OWASP asks for. A larger N
 * would pass the 32 MiB above which OpenSSL refuses to read the file.
 */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 5
#define SALT_SIZE 16
#define IV_SIZE 16

static int
write_encrypted(struct csn_ctx *ctx, BIO *bio, PKCS8_PRIV_KEY_INFO *info,
    const char *pass, size_t pass_len)
{
	uint8_t salt[SALT_SIZE], iv[IV_SIZE];
	X509_ALGOR *pbe;
	X509_SIG *sealed = NULL;
	int rc;

	if (pass_len > INT_MAX)
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "the passphrase is too long");
	if ((rc = csn_random(ctx, salt, sizeof(salt))) != 0 ||
	    (rc = csn_random(ctx, iv, sizeof(iv))) != 0)
		return rc;
	pbe = PKCS5_pbe2_set_scrypt(ctx->crypto->aes_cbc, salt, sizeof(salt),
	    iv, SCRYPT_N, SCRYPT_R, SCRYPT_P);
	if (pbe == NULL)
		return csn_ossl_fail(ctx, "preparing the key's encryption");
	sealed = PKCS8_set0_pbe_ex(pass, (int)pass_len, info, pbe,
	    ctx->crypto->lib, NULL);
	if (sealed == NULL) {
		X509_ALGOR_free(pbe);
		return csn_ossl_fail(ctx, "encrypting a private key");
	}
	if (PEM_write_bio_PKCS8(bio, sealed) != 1)
		rc = csn_ossl_fail(ctx, "writing a private key");
	X509_SIG_free(sealed);
	return rc;
}

static int
write_private(struct csn_ctx *ctx, BIO *bio, EVP_PKEY *pkey,
    const char *pass, size_t pass_len)
{
	PKCS8_PRIV_KEY_INFO *info;
	int rc = 0;

	if ((info = EVP_PKEY2PKCS8(pkey)) == NULL)
		return csn_ossl_fail(ctx, "encoding a private key");
	if (pass != NULL)
		rc = write_encrypted(ctx, bio, info, pass, pass_len);
	else if (PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) != 1)
		rc = csn_ossl_fail(ctx, "writing a private key");
	/* Wipes the octets of the key. */
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static int
to_pem(struct csn_ctx *ctx, EVP_PKEY *pkey, int private_half,
    const char *pass, size_t pass_len, char **pem)
{
	char *text;
	long len;
	BIO *bio;
	int rc = 0;

	/* Memory that OpenSSL wipes as it grows and when it is freed. */
	if ((bio = BIO_new(BIO_s_secmem())) == NULL)
		return csn_ossl_fail(ctx, "writing a key");
	if (private_half)
		rc = write_private(ctx, bio, pkey, pass, pass_len);
	else if (PEM_write_bio_PUBKEY(bio, pkey) != 1)
		rc = csn_ossl_fail(ctx, "writing a public key");
	if (rc != 0)
		goto out;
	len = BIO_get_mem_data(bio, &text);
	if (len <= 0 || (*pem = csn_memdup(text, (size_t)len)) == NULL)
		rc = csn_nomem(ctx, "crypto", "a key's text");

out:
	BIO_free(bio);
	return rc;
}

static int
check_private(struct csn_ctx *ctx, int wanted, int there)
{
	if (!wanted || there)
		return 0;
	return csn_fail(ctx, CSN_E_ARG, "crypto",
	    "the key has no private half to write");
}

int
csn_sign_to_pem(struct csn_ctx *ctx, const struct csn_sign_key *key,
    int private_half, const char *pass, size_t pass_len, char **pem)
{
	int rc;

	if ((rc = check_private(ctx, private_half, key->private_half)) != 0)
		return rc;
	return to_pem(ctx, key->pkey, private_half, pass, pass_len, pem);
}

int
csn_kem_to_pem(struct csn_ctx *ctx, const struct csn_kem_key *key,
    int private_half, const char *pass, size_t pass_len, char **pem)
{
	int rc;

	if (key->kem == CSN_KEM_X_WING)
		return csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "X-Wing keys have no PEM form that OpenSSL reads");
	if ((rc = check_private(ctx, private_half, key->private_half)) != 0)
		return rc;
	return to_pem(ctx, key->ml_kem, private_half, pass, pass_len, pem);
}
