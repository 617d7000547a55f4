/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/x509_chain.c - chains of certificates, and what was revoked. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/fail.h"
#include "base/text.h"
#include "crypto/x509_internal.h"

#define MAX_DEPTH 8
#define SECURITY_LEVEL 3	/* OpenSSL's name for 128 bits */

/* Why a chain failed, as a sentence about the certificate it failed at. */
static int
refused(struct csn_ctx *ctx, X509_STORE_CTX *sctx)
{
	char when[CSN_TIME_TEXT_SIZE] = "", name[CSN_CERT_NAME_SIZE] = "";
	const ASN1_TIME *t;
	uint64_t ms;
	X509 *x;
	int why = X509_STORE_CTX_get_error(sctx);
	int past = why == X509_V_ERR_CERT_HAS_EXPIRED;

	ERR_clear_error();
	if (why == X509_V_ERR_OUT_OF_MEM)
		return csn_nomem(ctx, "crypto", "a chain of certificates");
	if ((x = X509_STORE_CTX_get_current_cert(sctx)) != NULL)
		csn_common_name(X509_get_subject_name(x), name);
	if (x != NULL && (past || why == X509_V_ERR_CERT_NOT_YET_VALID)) {
		t = past ? X509_get0_notAfter(x) : X509_get0_notBefore(x);
		if (csn_asn1_time(ctx, t, &ms) == 0)
			csn_time_format(ms, when);
		return csn_fail(ctx, CSN_E_EXPIRED, "crypto",
		    "the certificate '%s' %s %s", name,
		    past ? "expired on" : "is not valid before", when);
	}
	return csn_fail(ctx, CSN_E_SIGNER, "crypto",
	    "the certificate '%s' leads to no trusted root: %s", name,
	    X509_verify_cert_error_string(why));
}

/* 1 where candidate's key signed cert. */
static int
signed_by(const struct csn_cert *cert, const struct csn_cert *candidate)
{
	EVP_PKEY *key = X509_get0_pubkey(candidate->x);
	int yes = key != NULL && X509_verify(cert->x, key) == 1;

	ERR_clear_error();
	return yes;
}

/*
 * The certificates that may stand above leaf, without references of their
 * own. OpenSSL takes the first of the issuer's name; where a cache holds
 * several of one name (or a host slips one in), the one that signed is meant.
 */
static STACK_OF(X509) *
above(const struct csn_pki *pki, const struct csn_cert *leaf)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	const struct csn_cert *cert = leaf, *found, *one;
	size_t i, depth;

	for (depth = 0; list != NULL && cert != NULL && depth < MAX_DEPTH &&
	    !csn_cert_is_root(cert); depth++) {
		found = NULL;
		for (i = 0; i < pki->ncerts; i++) {
			one = pki->certs[i];
			if (X509_NAME_cmp(X509_get_subject_name(one->x),
			    X509_get_issuer_name(cert->x)) != 0)
				continue;
			if (found == NULL)
				found = one;
			if (signed_by(cert, one)) {
				found = one;
				break;
			}
		}
		if (found != NULL && sk_X509_push(list, found->x) <= 0) {
			sk_X509_free(list);
			return NULL;
		}
		cert = found;
	}
	return list;
}

/*
 * A certificate without basicConstraints may sign nothing here, although
 * OpenSSL lets one pass that has a key usage for it.
 */
static int
keep_chain(struct csn_ctx *ctx, X509_STORE_CTX *sctx, struct csn_pki *chain)
{
	STACK_OF(X509) *list = X509_STORE_CTX_get0_chain(sctx);
	int i, rc;

	for (i = 0; i < sk_X509_num(list); i++) {
		if ((rc = csn_pki_add_cert(chain,
		    sk_X509_value(list, i))) != 0)
			return rc;
		if (i > 0 && !csn_cert_is_ca(chain->certs[i]))
			return csn_fail(ctx, CSN_E_SIGNER, "crypto",
			    "the certificate '%s' is not that of a CA",
			    chain->certs[i]->name);
	}
	return 0;
}

int
csn_pki_chain(const struct csn_pki *pki, const struct csn_cert *leaf,
    const struct csn_pki *roots, uint64_t at_ms, struct csn_pki *chain)
{
	struct csn_ctx *ctx = pki->ctx;
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *pool = above(pki, leaf);
	X509_STORE_CTX *sctx = X509_STORE_CTX_new_ex(ctx->crypto->lib, NULL);
	X509_VERIFY_PARAM *param;
	size_t i;
	int rc = 0;

	if (store == NULL || pool == NULL || sctx == NULL)
		goto nomem;
	for (i = 0; i < roots->ncerts; i++)
		if (X509_STORE_add_cert(store, roots->certs[i]->x) != 1)
			goto nomem;
	if (X509_STORE_CTX_init(sctx, store, leaf->x, pool) != 1)
		goto nomem;
	param = X509_STORE_CTX_get0_param(sctx);
	/* A pin covers the root's key alone: its own signature the rest. */
	if (X509_VERIFY_PARAM_set_flags(param,
	    X509_V_FLAG_CHECK_SS_SIGNATURE) != 1 ||
	    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) != 1) {
		rc = csn_ossl_fail(ctx, "preparing a chain of certificates");
		goto out;
	}
	X509_VERIFY_PARAM_set_time(param, (time_t)(at_ms / 1000));
	X509_VERIFY_PARAM_set_depth(param, MAX_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_verify_cert(sctx) != 1)
		rc = refused(ctx, sctx);
	else
		rc = keep_chain(ctx, sctx, chain);
	goto out;

nomem:
	rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM, "a chain of certificates");
out:
	X509_STORE_CTX_free(sctx);
	sk_X509_free(pool);
	X509_STORE_free(store);
	return rc;
}

static int
check_times(struct csn_ctx *ctx, const X509_CRL *crl, const char *issuer,
    uint64_t at_ms)
{
	char when[CSN_TIME_TEXT_SIZE];
	uint64_t from, until;
	int rc;

	if ((rc = csn_asn1_time(ctx, X509_CRL_get0_lastUpdate(crl),
	    &from)) != 0 ||
	    (rc = csn_asn1_time(ctx, X509_CRL_get0_nextUpdate(crl),
	    &until)) != 0)
		return rc;
	if (at_ms >= from && at_ms < until)
		return 0;
	csn_time_format(at_ms < from ? from : until, when);
	return csn_fail(ctx, CSN_E_EXPIRED, "crypto", "the CRL of '%s' %s %s",
	    issuer, at_ms < from ? "is not valid before" :
	    "was to be renewed by", when);
}

/* One certificate against one CRL that bears its issuer's name. */
static int
check_crl(struct csn_ctx *ctx, X509_CRL *crl, const struct csn_cert *cert,
    const struct csn_cert *issuer, uint64_t at_ms)
{
	X509_REVOKED *entry = NULL;
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	int rc;

	if (key == NULL ||
	    (X509_get_key_usage(issuer->x) & KU_CRL_SIGN) == 0 ||
	    X509_CRL_verify(crl, key) != 1) {
		ERR_clear_error();
		return csn_fail(ctx, CSN_E_SIGNER, "crypto",
		    "the CRL of '%s' is not signed by its key",
		    issuer->name);
	}
	/* A delta, an indirect CRL or one of some reasons is not enough. */
	if (X509_CRL_get_ext_by_critical(crl, 1, -1) >= 0)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "the CRL of '%s' has a critical extension",
		    issuer->name);
	if ((rc = check_times(ctx, crl, issuer->name, at_ms)) != 0)
		return rc;
	/* 2 says that an entry takes a revocation back. */
	if (X509_CRL_get0_by_cert(crl, &entry, cert->x) == 1)
		return csn_fail(ctx, CSN_E_SIGNER, "crypto",
		    "the certificate '%s' was revoked by '%s'", cert->name,
		    issuer->name);
	return 0;
}

int
csn_pki_revoked(const struct csn_pki *pki, const struct csn_pki *chain,
    uint64_t at_ms, uint64_t *covered)
{
	const struct csn_cert *cert, *issuer;
	size_t i, k;
	int rc;

	*covered = 0;
	for (i = 0; i + 1 < chain->ncerts; i++) {
		cert = chain->certs[i];
		issuer = chain->certs[i + 1];
		for (k = 0; k < pki->ncrls; k++) {
			if (X509_NAME_cmp(X509_CRL_get_issuer(pki->crls[k]),
			    X509_get_subject_name(issuer->x)) != 0)
				continue;
			if ((rc = check_crl(pki->ctx, pki->crls[k], cert,
			    issuer, at_ms)) != 0)
				return rc;
			*covered |= (uint64_t)1 << i;
		}
	}
	return 0;
}
