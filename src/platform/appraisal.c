/* SPDX-License-Identifier: Apache-2.0 */
/* platform/appraisal.c - checks, chains and the nonce, for every platform. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "platform/vendor.h"

#define ROOM "platform"
#define SENTENCE 512

static void
add(struct csn_appraisal *a, const char *name, int status, int code,
    const char *fmt, va_list ap)
{
	char text[SENTENCE], full[160];
	int rc;

	if (a->broken != 0)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)snprintf(full, sizeof(full), "%s%.90s",
	    a->prefix != NULL ? a->prefix : "", name);
	if ((rc = csn_result_add(a->result, full, status, code, text)) != 0)
		a->broken = rc;
	if (code != 0 && a->first == 0) {
		a->first = code;
		(void)snprintf(a->why, sizeof(a->why), "%.60s: %.190s", name,
		    text);
	}
}

void
csn_appraise_pass(struct csn_appraisal *a, const char *name, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(a, name, CSN_CHECK_PASSED, 0, fmt, ap);
	va_end(ap);
}

void
csn_appraise_skip(struct csn_appraisal *a, const char *name, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(a, name, CSN_CHECK_SKIPPED, 0, fmt, ap);
	va_end(ap);
}

void
csn_appraise_fail(struct csn_appraisal *a, const char *name, int code,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(a, name, CSN_CHECK_FAILED, code, fmt, ap);
	va_end(ap);
}

int
csn_appraise_rc(struct csn_appraisal *a, const char *name, int rc,
    const char *fmt, ...)
{
	va_list ap;

	if (rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO) {
		if (a->broken == 0)
			a->broken = rc;
	} else if (rc != 0) {
		csn_appraise_fail(a, name, rc, "%s", csn_message());
	} else {
		va_start(ap, fmt);
		add(a, name, CSN_CHECK_PASSED, 0, fmt, ap);
		va_end(ap);
	}
	return rc;
}

int
csn_appraise_read_given(struct csn_appraisal *a)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < a->o.ncerts; i++)
		rc = csn_pki_read(a->pki, a->o.certs[i].p, a->o.certs[i].len);
	return csn_appraise_read_rest(a, rc);
}

int
csn_appraise_read_rest(struct csn_appraisal *a, int rc)
{
	size_t i;

	for (i = 0; rc == 0 && i < a->o.ncollateral; i++)
		rc = csn_pki_read(a->pki, a->o.collateral[i].p,
		    a->o.collateral[i].len);
	if (rc == 0)
		rc = csn_pki_add_all(a->pki, a->roots);
	if (rc != 0)
		(void)csn_appraise_rc(a, "certificates", rc, "%s", "");
	return rc;
}

void
csn_appraise_missing(struct csn_appraisal *a, const char *name,
    uint32_t bits, const char *what)
{
	if ((a->o.require & bits) != 0)
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "required, but not checked: %s", what);
	else if ((a->asked & bits) != 0)
		csn_appraise_fail(a, name, CSN_E_POLICY, "the policy needs "
		    "collateral, unless it says \"collateral\": "
		    "\"optional\": %s", what);
	else
		csn_appraise_skip(a, name, "not checked: %s", what);
}

void
csn_appraise_nonce(struct csn_appraisal *a, const uint8_t *field, size_t len)
{
	size_t n = a->o.nonce_len, i;
	uint8_t rest = 0;

	if (a->o.nonce == NULL) {
		csn_appraise_missing(a, "nonce", CSN_REQUIRE_NONCE,
		    "no nonce given, so nobody knows how old this is");
		return;
	}
	for (i = n; i < len; i++)
		rest |= field[i];
	if (n > len || !csn_equal(field, a->o.nonce, n) || rest != 0)
		csn_appraise_fail(a, "nonce", CSN_E_REPLAY,
		    "the evidence was made for another nonce");
	else
		csn_appraise_pass(a, "nonce", "the one that was given");
}

static const struct csn_pin *
find_pin(const struct csn_pin *pins, size_t npins, const uint8_t *spki)
{
	size_t i;

	for (i = 0; i < npins; i++)
		if (csn_equal(pins[i].spki, spki, CSN_SHA256_SIZE))
			return &pins[i];
	return NULL;
}

/* The sets of the certificates among those given that are pinned. */
static int
pinned_roots(struct csn_appraisal *a, struct csn_pki **out)
{
	size_t npins;
	const struct csn_pin *pins = csn_pins(a->vendor, &npins);
	const struct csn_cert *cert;
	uint8_t spki[CSN_SHA256_SIZE];
	size_t i;
	int rc;

	if ((rc = csn_pki_new(a->ctx, out)) != 0)
		return rc;
	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++) {
		if (!csn_cert_is_root(cert))
			continue;
		if ((rc = csn_cert_fingerprint(a->ctx, cert, spki)) != 0 ||
		    (find_pin(pins, npins, spki) != NULL &&
		    (rc = csn_pki_add(*out, cert)) != 0))
			break;
	}
	if (rc != 0) {
		csn_pki_free(*out);
		*out = NULL;
	}
	return rc;
}

int
csn_trusted_chain(struct csn_appraisal *a, const struct csn_cert *leaf,
    struct csn_pki *chain, const struct csn_pin **pin)
{
	size_t npins;
	const struct csn_pin *pins = csn_pins(a->vendor, &npins);
	struct csn_pki *pinned = NULL;
	const struct csn_pki *roots = a->roots;
	uint8_t spki[CSN_SHA256_SIZE];
	int rc;

	*pin = NULL;
	if (csn_pki_count(roots) == 0) {
		if ((rc = pinned_roots(a, &pinned)) != 0)
			return rc;
		roots = pinned;
	}
	if (csn_pki_count(roots) == 0) {
		rc = csn_fail(a->ctx, CSN_E_SIGNER, ROOM,
		    "none of the certificates has the key of a pinned root "
		    "(%s%s)", npins > 0 ? pins[0].name : "none",
		    npins > 1 ? " and others" : "");
		goto out;
	}
	if ((rc = csn_pki_chain(a->pki, leaf, roots, a->at_ms, chain)) != 0 ||
	    pinned == NULL)
		goto out;
	rc = csn_cert_fingerprint(a->ctx, csn_pki_cert(chain,
	    csn_pki_count(chain) - 1), spki);
	if (rc == 0)
		*pin = find_pin(pins, npins, spki);
out:
	csn_pki_free(pinned);
	return rc;
}

/* "leaf, intermediate, root" */
static void
names(const struct csn_pki *chain, char *out, size_t cap)
{
	const struct csn_cert *cert;
	size_t i, at = 0;
	int n;

	out[0] = '\0';
	for (i = 0; (cert = csn_pki_cert(chain, i)) != NULL; i++) {
		n = snprintf(out + at, cap - at, "%s%s",
		    i > 0 ? ", " : "", csn_cert_name(cert));
		if (n < 0 || (size_t)n >= cap - at)
			return;
		at += (size_t)n;
	}
}

static void
appraise_revocation(struct csn_appraisal *a, int leaf_too)
{
	uint64_t covered;
	size_t i, n = csn_pki_count(a->chain);
	char what[CSN_PKI_MAX + 160];
	int rc;

	if (csn_pki_crls(a->pki) == 0) {
		csn_appraise_missing(a, "revocation", CSN_REQUIRE_COLLATERAL |
		    CSN_REQUIRE_CRL, "no CRL given");
		return;
	}
	rc = csn_pki_revoked(a->pki, a->chain, a->at_ms, &covered);
	for (i = leaf_too ? 0 : 1; rc == 0 && i + 1 < n; i++) {
		if ((covered >> i & 1) != 0)
			continue;
		(void)snprintf(what, sizeof(what), "no CRL of '%s' given",
		    csn_cert_issuer(csn_pki_cert(a->chain, i)));
		csn_appraise_missing(a, "revocation", CSN_REQUIRE_COLLATERAL |
		    CSN_REQUIRE_CRL, what);
		return;
	}
	(void)csn_appraise_rc(a, "revocation", rc,
	    "no certificate is on its issuer's CRL");
}

int
csn_appraise_chain(struct csn_appraisal *a, const struct csn_cert *leaf,
    int leaf_too)
{
	char list[SENTENCE];
	struct csn_pki *chain;
	int rc;

	if ((rc = csn_pki_new(a->ctx, &chain)) != 0)
		return csn_appraise_rc(a, "chain", rc, "%s", "");
	rc = csn_trusted_chain(a, leaf, chain, &a->pin);
	if (rc == 0)
		names(chain, list, sizeof(list));
	if (csn_appraise_rc(a, "chain", rc, "%s%s%s", list, a->pin != NULL ?
	    "; its key is the pinned one of " : " as it was given",
	    a->pin != NULL ? a->pin->name : "") != 0) {
		csn_pki_free(chain);
		return rc;
	}
	a->chain = chain;
	appraise_revocation(a, leaf_too);
	return 0;
}
