/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/pem_read.c - keys as PEM text, read. */
#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/fail.h"
#include "crypto/internal.h"

/*
 * Three kinds of block are taken, each by its own function, and never
 * OpenSSL's search through every format that it knows: that one would also
 * ask for a passphrase on the terminal.
 */

/* What a file may cost to decrypt: some 10 s. Its author chose the figure. */
#define MAX_ITERATIONS 20000000
#define MAX_SCRYPT ((uint64_t)1 << 25)	/* N * r * p */

struct family {
	const char *name;		/* for the sentence */
	int count;
	int nid[3];			/* by enum value - 1 */
};

static const struct family sign_family = {
	"ML-DSA", CSN_SIGN_COUNT,
	{ NID_ML_DSA_44, NID_ML_DSA_65, NID_ML_DSA_87 },
};

static const struct family kem_family = {
	"ML-KEM", 3,
	{ NID_ML_KEM_512, NID_ML_KEM_768, NID_ML_KEM_1024 },
};

struct block {
	char *name;			/* "PRIVATE KEY" */
	char *header;			/* "Proc-Type: ..." of old formats */
	uint8_t *der;
	long len;
};

static void
block_free(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_secure_clear_free(b->der, (size_t)b->len);
	memset(b, 0, sizeof(*b));
}

static int
malformed(struct csn_ctx *ctx)
{
	return csn_ossl_fail_as(ctx, CSN_E_FORM, "the key is malformed");
}

/* The number of the algorithm in its family. CSN_E_ALGORITHM. */
static int
which(struct csn_ctx *ctx, const struct family *f, const ASN1_OBJECT *oid,
    int *number)
{
	char text[80];
	int nid = OBJ_obj2nid(oid), i;

	for (i = 0; i < f->count; i++) {
		if (nid == f->nid[i]) {
			*number = i + 1;
			return 0;
		}
	}
	if (OBJ_obj2txt(text, sizeof(text), oid, 0) <= 0)
		text[0] = '\0';
	ERR_clear_error();
	return csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
	    "the file holds a key of another kind (%s), not an %s key", text,
	    f->name);
}

static int
read_info(struct csn_ctx *ctx, const struct family *f,
    const PKCS8_PRIV_KEY_INFO *info, int *number, EVP_PKEY **out)
{
	const ASN1_OBJECT *oid;
	int rc;

	if (PKCS8_pkey_get0(&oid, NULL, NULL, NULL, info) != 1)
		return malformed(ctx);
	if ((rc = which(ctx, f, oid, number)) != 0)
		return rc;
	*out = EVP_PKCS82PKEY_ex(info, ctx->crypto->lib, NULL);
	return *out != NULL ? 0 : malformed(ctx);
}

static int
read_private(struct csn_ctx *ctx, const struct family *f,
    const struct block *b, int *number, EVP_PKEY **out)
{
	const uint8_t *p = b->der;
	PKCS8_PRIV_KEY_INFO *info;
	int rc;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, b->len);
	if (info == NULL || p != b->der + b->len)
		rc = malformed(ctx);
	else
		rc = read_info(ctx, f, info, number, out);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static int
read_public(struct csn_ctx *ctx, const struct family *f,
    const struct block *b, int *number, EVP_PKEY **out)
{
	const uint8_t *p = b->der;
	X509_PUBKEY *spki;
	ASN1_OBJECT *oid;
	int rc;

	/* Made first, so that its key is decoded in our library context. */
	if ((spki = X509_PUBKEY_new_ex(ctx->crypto->lib, NULL)) == NULL)
		return csn_ossl_fail(ctx, "reading a public key");
	if (d2i_X509_PUBKEY(&spki, &p, b->len) == NULL ||
	    p != b->der + b->len ||
	    X509_PUBKEY_get0_param(&oid, NULL, NULL, NULL, spki) != 1)
		rc = malformed(ctx);
	else if ((rc = which(ctx, f, oid, number)) == 0 &&
	    (*out = X509_PUBKEY_get(spki)) == NULL)
		rc = malformed(ctx);
	X509_PUBKEY_free(spki);
	return rc;
}

/* 1 where the integer is there and at most max. */
static int
at_most(const ASN1_INTEGER *n, uint64_t max, uint64_t *value)
{
	return n != NULL && ASN1_INTEGER_get_uint64(value, n) == 1 &&
	    *value <= max;
}

static int
pbkdf2_ok(const ASN1_TYPE *param)
{
	PBKDF2PARAM *k;
	uint64_t n;
	int ok;

	k = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), param);
	ok = k != NULL && at_most(k->iter, MAX_ITERATIONS, &n);
	PBKDF2PARAM_free(k);
	return ok;
}

static int
scrypt_ok(const ASN1_TYPE *param)
{
	SCRYPT_PARAMS *k;
	uint64_t n, r, p;
	int ok;

	k = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), param);
	ok = k != NULL && at_most(k->costParameter, MAX_SCRYPT, &n) &&
	    at_most(k->blockSize, MAX_SCRYPT, &r) && n * r <= MAX_SCRYPT &&
	    at_most(k->parallelizationParameter, MAX_SCRYPT, &p) &&
	    n * r * p <= MAX_SCRYPT;
	SCRYPT_PARAMS_free(k);
	return ok;
}

/* PBES2 (RFC 8018) with PBKDF2 or scrypt, at a bearable cost. */
static int
check_cost(struct csn_ctx *ctx, const X509_ALGOR *scheme)
{
	const ASN1_OBJECT *oid;
	const void *value;
	PBE2PARAM *pbe = NULL;
	ASN1_TYPE param;
	int type, rc = 0, nid;

	X509_ALGOR_get0(&oid, &type, &value, scheme);
	if (OBJ_obj2nid(oid) != NID_pbes2)
		return csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "the key is encrypted in a form older than PBES2: "
		    "convert it with `openssl pkcs8 -topk8`");
	param = (ASN1_TYPE){ .type = type };
	param.value.ptr = (char *)(uintptr_t)value;
	pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), &param);
	if (pbe == NULL) {
		rc = malformed(ctx);
		goto out;
	}
	nid = OBJ_obj2nid(pbe->keyfunc->algorithm);
	if (nid != NID_id_pbkdf2 && nid != NID_id_scrypt)
		rc = csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "the key is encrypted with neither PBKDF2 nor scrypt");
	else if (!(nid == NID_id_pbkdf2 ?
	    pbkdf2_ok(pbe->keyfunc->parameter) :
	    scrypt_ok(pbe->keyfunc->parameter)))
		rc = csn_ossl_fail_as(ctx, CSN_E_LIMIT,
		    "the key file asks for more work than any passphrase "
		    "is worth");

out:
	PBE2PARAM_free(pbe);
	return rc;
}

static int
read_encrypted(struct csn_ctx *ctx, const struct family *f,
    const struct block *b, const char *pass, size_t pass_len, int *number,
    EVP_PKEY **out)
{
	const uint8_t *p = b->der;
	const X509_ALGOR *scheme;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	X509_SIG *sealed;
	int rc;

	sealed = d2i_X509_SIG(NULL, &p, b->len);
	if (sealed == NULL || p != b->der + b->len) {
		rc = malformed(ctx);
		goto out;
	}
	X509_SIG_get0(sealed, &scheme, NULL);
	if ((rc = check_cost(ctx, scheme)) != 0)
		goto out;
	if (pass == NULL || pass_len > INT_MAX) {
		rc = csn_fail(ctx, CSN_E_PASSPHRASE, "crypto",
		    "the key is encrypted: it takes a passphrase");
		goto out;
	}
	info = PKCS8_decrypt_ex(sealed, pass, (int)pass_len,
	    ctx->crypto->lib, NULL);
	if (info == NULL) {
		rc = csn_ossl_fail_as(ctx, CSN_E_PASSPHRASE,
		    "the passphrase does not open the key");
		goto out;
	}
	rc = read_info(ctx, f, info, number, out);

out:
	PKCS8_PRIV_KEY_INFO_free(info);
	X509_SIG_free(sealed);
	return rc;
}

static int
from_pem(struct csn_ctx *ctx, const struct family *f, const char *pem,
    size_t len, const char *pass, size_t pass_len, int *number,
    int *private_half, EVP_PKEY **out)
{
	struct block b = { 0 };
	BIO *bio;
	int rc;

	if (len > INT_MAX)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "%zu bytes are no key file", len);
	if ((bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		return csn_ossl_fail(ctx, "reading a key");
	if (PEM_read_bio_ex(bio, &b.name, &b.header, &b.der, &b.len,
	    PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1) {
		rc = csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "the text holds no PEM block");
		goto out;
	}
	*private_half = 1;
	if (b.header[0] != '\0') {
		rc = csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "the PEM block has a header, as only older kinds of "
		    "key have");
	} else if (strcmp(b.name, PEM_STRING_PKCS8INF) == 0) {
		rc = read_private(ctx, f, &b, number, out);
	} else if (strcmp(b.name, PEM_STRING_PKCS8) == 0) {
		rc = read_encrypted(ctx, f, &b, pass, pass_len, number, out);
	} else if (strcmp(b.name, PEM_STRING_PUBLIC) == 0) {
		*private_half = 0;
		rc = read_public(ctx, f, &b, number, out);
	} else {
		rc = csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "the PEM block is neither a PKCS#8 key nor a public key");
	}

out:
	block_free(&b);
	BIO_free(bio);
	return rc;
}

int
csn_sign_from_pem(struct csn_ctx *ctx, const char *pem, size_t len,
    const char *pass, size_t pass_len, struct csn_sign_key **out)
{
	int alg = 0, private_half = 0, rc;
	EVP_PKEY *pkey = NULL;

	if ((rc = from_pem(ctx, &sign_family, pem, len, pass, pass_len, &alg,
	    &private_half, &pkey)) != 0)
		return rc;
	return csn_sign_adopt(ctx, alg, pkey, private_half, out);
}

int
csn_kem_from_pem(struct csn_ctx *ctx, const char *pem, size_t len,
    const char *pass, size_t pass_len, struct csn_kem_key **out)
{
	int kem = 0, private_half = 0, rc;
	EVP_PKEY *pkey = NULL;

	if ((rc = from_pem(ctx, &kem_family, pem, len, pass, pass_len, &kem,
	    &private_half, &pkey)) != 0)
		return rc;
	return csn_kem_adopt(ctx, kem, pkey, private_half, out);
}
