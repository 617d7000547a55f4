/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/x509.c - reading certificates and CRLs. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/x509_internal.h"

int
csn_asn1_time(const struct csn_ctx *ctx, const ASN1_TIME *t,
    uint64_t *unix_ms)
{
	struct tm tm;
	time_t s;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "a time in a certificate or CRL is malformed");
	s = timegm(&tm);
	*unix_ms = s < 0 ? 0 : (uint64_t)s * 1000;
	return 0;
}

void
csn_common_name(const X509_NAME *name, char out[CSN_CERT_NAME_SIZE])
{
	X509_NAME_ENTRY *entry;
	unsigned char *text = NULL;
	int at, n, i;

	out[0] = '\0';
	at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	if (at < 0 || (entry = X509_NAME_get_entry(name, at)) == NULL)
		return;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	/* Plain ASCII: it may end up on a terminal. */
	for (i = 0; i < n && text[i] >= ' ' && text[i] <= '~'; i++)
		;
	if (n > 0 && n < CSN_CERT_NAME_SIZE && i == n) {
		memcpy(out, text, (size_t)n);
		out[n] = '\0';
	}
	OPENSSL_free(text);
	ERR_clear_error();
}

int
csn_pki_new(struct csn_ctx *ctx, struct csn_pki **out)
{
	struct csn_pki *pki;

	if ((pki = csn_calloc(1, sizeof(*pki))) == NULL)
		goto nomem;
	pki->ctx = ctx;
	pki->certs = csn_calloc(CSN_PKI_MAX, sizeof(struct csn_cert *));
	pki->crls = csn_calloc(CSN_PKI_MAX, sizeof(X509_CRL *));
	if (pki->certs == NULL || pki->crls == NULL)
		goto nomem;
	*out = pki;
	return 0;

nomem:
	csn_pki_free(pki);
	return csn_nomem(ctx, "crypto", "certificates");
}

void
csn_pki_free(struct csn_pki *pki)
{
	size_t i;

	if (pki == NULL)
		return;
	for (i = 0; i < pki->ncerts; i++) {
		X509_free(pki->certs[i]->x);
		free(pki->certs[i]);
	}
	for (i = 0; i < pki->ncrls; i++)
		X509_CRL_free(pki->crls[i]);
	free(pki->certs);
	free(pki->crls);
	free(pki);
}

static int
too_many(const struct csn_pki *pki)
{
	return csn_fail(pki->ctx, CSN_E_LIMIT, "crypto",
	    "more than %d certificates or CRLs were given", CSN_PKI_MAX);
}

int
csn_pki_add_cert(struct csn_pki *pki, X509 *x)
{
	struct csn_cert *cert;

	if (pki->ncerts == CSN_PKI_MAX)
		return too_many(pki);
	if ((cert = csn_calloc(1, sizeof(*cert))) == NULL)
		return csn_nomem(pki->ctx, "crypto", "a certificate");
	if (X509_up_ref(x) != 1) {
		free(cert);
		return csn_ossl_fail(pki->ctx, "holding a certificate");
	}
	cert->x = x;
	csn_common_name(X509_get_subject_name(x), cert->name);
	csn_common_name(X509_get_issuer_name(x), cert->issuer);
	pki->certs[pki->ncerts++] = cert;
	return 0;
}

int
csn_pki_add_crl(struct csn_pki *pki, X509_CRL *crl)
{
	if (pki->ncrls == CSN_PKI_MAX)
		return too_many(pki);
	if (X509_CRL_up_ref(crl) != 1)
		return csn_ossl_fail(pki->ctx, "holding a CRL");
	pki->crls[pki->ncrls++] = crl;
	return 0;
}

int
csn_pki_add(struct csn_pki *pki, const struct csn_cert *cert)
{
	return csn_pki_add_cert(pki, cert->x);
}

int
csn_pki_add_all(struct csn_pki *pki, const struct csn_pki *from)
{
	size_t i;
	int rc;

	for (i = 0; i < from->ncerts; i++)
		if ((rc = csn_pki_add_cert(pki, from->certs[i]->x)) != 0)
			return rc;
	for (i = 0; i < from->ncrls; i++)
		if ((rc = csn_pki_add_crl(pki, from->crls[i])) != 0)
			return rc;
	return 0;
}

/* One certificate at *p, which moves behind it. 1 where there is one. */
static int
take_cert(struct csn_pki *pki, const uint8_t **p, size_t len, int *rc)
{
	X509 *x = X509_new_ex(pki->ctx->crypto->lib, NULL);

	/* d2i frees x where it fails. */
	if (x == NULL || d2i_X509(&x, p, (long)len) == NULL) {
		ERR_clear_error();
		return 0;
	}
	*rc = csn_pki_add_cert(pki, x);
	X509_free(x);
	return 1;
}

static int
take_crl(struct csn_pki *pki, const uint8_t **p, size_t len, int *rc)
{
	X509_CRL *crl = X509_CRL_new_ex(pki->ctx->crypto->lib, NULL);

	if (crl == NULL || d2i_X509_CRL(&crl, p, (long)len) == NULL) {
		ERR_clear_error();
		return 0;
	}
	*rc = csn_pki_add_crl(pki, crl);
	X509_CRL_free(crl);
	return 1;
}

static int
read_der(struct csn_pki *pki, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len, *at;
	int rc = 0;

	while (rc == 0 && p < end) {
		at = p;
		if (take_cert(pki, &at, (size_t)(end - p), &rc) == 0) {
			at = p;
			if (take_crl(pki, &at, (size_t)(end - p), &rc) == 0)
				return csn_fail(pki->ctx, CSN_E_FORM,
				    "crypto", "the bytes are neither a "
				    "certificate nor a CRL, in PEM or DER");
		}
		p = at;
	}
	return rc;
}

static int
read_block(struct csn_pki *pki, const char *name, const uint8_t *der,
    size_t len)
{
	const uint8_t *at = der;
	int rc = 0, found;

	if (strcmp(name, PEM_STRING_X509) == 0)
		found = take_cert(pki, &at, len, &rc);
	else if (strcmp(name, PEM_STRING_X509_CRL) == 0)
		found = take_crl(pki, &at, len, &rc);
	else
		return csn_fail(pki->ctx, CSN_E_FORM, "crypto",
		    "a PEM block is neither CERTIFICATE nor X509 CRL");
	if (!found || (rc == 0 && at != der + len))
		return csn_fail(pki->ctx, CSN_E_FORM, "crypto",
		    "a PEM block named %s does not hold one", name);
	return rc;
}

static int
read_pem(struct csn_pki *pki, const void *p, size_t len)
{
	char *name, *header;
	unsigned long why;
	uint8_t *der;
	long der_len;
	size_t n = 0;
	BIO *bio;
	int rc = 0;

	if ((bio = BIO_new_mem_buf(p, (int)len)) == NULL)
		return csn_ossl_fail_as(pki->ctx, CSN_E_NOMEM,
		    "reading certificates");
	while (rc == 0 && PEM_read_bio(bio, &name, &header, &der,
	    &der_len) == 1) {
		rc = read_block(pki, name, der, (size_t)der_len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
		n++;
	}
	/* The text has to end behind a block, not within one. */
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (rc == 0 && (n == 0 || ERR_GET_REASON(why) !=
	    PEM_R_NO_START_LINE))
		rc = csn_fail(pki->ctx, CSN_E_FORM, "crypto",
		    "a PEM block is malformed or cut off");
	BIO_free(bio);
	return rc;
}

int
csn_pki_read(struct csn_pki *pki, const void *p, size_t len)
{
	static const char begin[] = "-----BEGIN ";

	if (len == 0 || len > INT_MAX)
		return csn_fail(pki->ctx, CSN_E_FORM, "crypto",
		    "%zu bytes hold no certificate", len);
	if (memmem(p, len, begin, sizeof(begin) - 1) != NULL)
		return read_pem(pki, p, len);
	return read_der(pki, p, len);
}

size_t
csn_pki_count(const struct csn_pki *pki)
{
	return pki->ncerts;
}

size_t
csn_pki_crls(const struct csn_pki *pki)
{
	return pki->ncrls;
}

const struct csn_cert *
csn_pki_cert(const struct csn_pki *pki, size_t i)
{
	return i < pki->ncerts ? pki->certs[i] : NULL;
}

const char *
csn_cert_name(const struct csn_cert *cert)
{
	return cert->name;
}

const char *
csn_cert_issuer(const struct csn_cert *cert)
{
	return cert->issuer;
}

int
csn_cert_is_ca(const struct csn_cert *cert)
{
	return X509_check_ca(cert->x) == 1;
}

int
csn_cert_is_root(const struct csn_cert *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert->x),
	    X509_get_issuer_name(cert->x)) == 0;
}

int
csn_cert_fingerprint(struct csn_ctx *ctx, const struct csn_cert *cert,
    uint8_t out[CSN_SHA256_SIZE])
{
	uint8_t *der = NULL;
	int len, rc;

	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x), &der);
	if (len <= 0)
		return csn_ossl_fail(ctx, "writing a public key");
	rc = csn_sha256(ctx, der, (size_t)len, out);
	OPENSSL_free(der);
	return rc;
}

int
csn_cert_der(struct csn_ctx *ctx, const struct csn_cert *cert, uint8_t **out,
    size_t *len)
{
	uint8_t *der = NULL;
	int n;

	if ((n = i2d_X509(cert->x, &der)) <= 0)
		return csn_ossl_fail(ctx, "writing a certificate");
	*out = csn_memdup(der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_free(der);
	return *out != NULL ? 0 : csn_nomem(ctx, "crypto", "a certificate");
}

int
csn_cert_check_time(struct csn_ctx *ctx, const struct csn_cert *cert,
    uint64_t at_ms)
{
	char when[CSN_TIME_TEXT_SIZE];
	uint64_t from = 0, until = 0;
	int rc;

	if ((rc = csn_asn1_time(ctx, X509_get0_notBefore(cert->x),
	    &from)) != 0 || (rc = csn_asn1_time(ctx,
	    X509_get0_notAfter(cert->x), &until)) != 0)
		return rc;
	if (at_ms >= from && at_ms <= until)
		return 0;
	csn_time_format(at_ms < from ? from : until, when);
	return csn_fail(ctx, CSN_E_EXPIRED, "crypto",
	    "the certificate '%s' %s %s", cert->name, at_ms < from ?
	    "is not valid before" : "expired on", when);
}

int
csn_cert_extension(struct csn_ctx *ctx, const struct csn_cert *cert,
    const char *oid, const uint8_t **p, size_t *len)
{
	const ASN1_OCTET_STRING *value;
	ASN1_OBJECT *object;
	int at, again;

	if ((object = OBJ_txt2obj(oid, 1)) == NULL)
		return csn_ossl_fail(ctx, "an object identifier");
	at = X509_get_ext_by_OBJ(cert->x, object, -1);
	again = at < 0 ? -1 : X509_get_ext_by_OBJ(cert->x, object, at);
	ASN1_OBJECT_free(object);
	if (at < 0)
		return csn_fail(ctx, CSN_E_NOT_FOUND, "crypto",
		    "the certificate '%s' has no extension %s", cert->name,
		    oid);
	if (again >= 0)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "the certificate '%s' has the extension %s twice",
		    cert->name, oid);
	value = X509_EXTENSION_get_data(X509_get_ext(cert->x, at));
	*p = ASN1_STRING_get0_data(value);
	*len = (size_t)ASN1_STRING_length(value);
	return 0;
}
