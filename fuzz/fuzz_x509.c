/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_x509.c - certificates and CRLs in any form: what is read can be
 * asked, and a chain is only good where it ends in a root.
 */
#include "crypto/x509.h"
#include "identity.h"

#define NOW 1767225600000u

static void
ask(struct csn_ctx *ctx, const struct csn_cert *cert)
{
	static const uint8_t zero[96];
	uint8_t spki[CSN_SHA256_SIZE];
	const uint8_t *p;
	size_t len;
	int rc;

	check(strlen(csn_cert_name(cert)) < 96);
	check(strlen(csn_cert_issuer(cert)) < 96);
	(void)csn_cert_is_ca(cert);
	check(csn_cert_fingerprint(ctx, cert, spki) == 0);
	rc = csn_cert_extension(ctx, cert, "2.5.29.19", &p, &len);
	check(rc == 0 || rc == CSN_E_NOT_FOUND || rc == CSN_E_FORM);
	check(csn_cert_ecdsa_verify(ctx, cert, CSN_ECDSA_P384, zero, 1,
	    zero) != 0);
}

static void
chain(struct csn_ctx *ctx, const struct csn_pki *pki)
{
	const struct csn_cert *cert;
	struct csn_pki *roots, *out;
	uint64_t covered;
	size_t i;
	int rc;

	check(csn_pki_new(ctx, &roots) == 0);
	check(csn_pki_new(ctx, &out) == 0);
	for (i = 0; (cert = csn_pki_cert(pki, i)) != NULL; i++) {
		ask(ctx, cert);
		if (csn_cert_is_root(cert))
			check(csn_pki_add(roots, cert) == 0);
	}
	if (csn_pki_count(pki) > 0) {
		rc = csn_pki_chain(pki, csn_pki_cert(pki, 0), roots, NOW,
		    out);
		check(rc == 0 || rc == CSN_E_SIGNER || rc == CSN_E_EXPIRED);
		if (rc == 0) {
			i = csn_pki_count(out);
			check(i > 0 && csn_cert_is_root(csn_pki_cert(out,
			    i - 1)));
			rc = csn_pki_revoked(pki, out, NOW, &covered);
			check(rc == 0 || rc == CSN_E_SIGNER ||
			    rc == CSN_E_EXPIRED || rc == CSN_E_FORM);
		}
	}
	csn_pki_free(out);
	csn_pki_free(roots);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_pki *pki;
	int rc;

	check(csn_pki_new(ctx, &pki) == 0);
	rc = csn_pki_read(pki, data, len);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT);
	chain(ctx, pki);
	csn_pki_free(pki);
	return 0;
}
