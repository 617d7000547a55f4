/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tdx_collateral.c - TCB info and QE identity, as Intel signs them. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "platform/json_span.h"
#include "platform/tdx.h"

#define ROOM "platform"
#define SIGNER "Intel SGX TCB Signing"
#define MAX_DER (1u << 20)

/* Only the form of signed JSON; what it says is looked at once it verified. */
static int
keep(struct csn_ctx *ctx, struct csn_signed_json *out, const char *what,
    const char *text, size_t len, const char *signature)
{
	if (out->body != NULL)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the %s is given twice", what);
	if (signature == NULL || csn_hex_decode(signature, strlen(signature),
	    out->signature, sizeof(out->signature)) != 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the %s has no signature of 64 bytes in hex", what);
	/* The bytes that were signed are the bytes that are read. */
	out->body = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(out->body))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the %s is no JSON object", what);
	if ((out->text = csn_memdup(text, len)) == NULL)
		return csn_nomem(ctx, ROOM, "the %s", what);
	out->len = len;
	return 0;
}

/* {"tcbInfo":{…},"signature":"…"}, and the QE identity likewise. */
static int
take_response(struct csn_ctx *ctx, const json_t *o, const char *text,
    size_t len, const char *member, const char *what,
    struct csn_signed_json *out)
{
	const char *span;
	size_t n;

	if (json_object_get(o, member) == NULL)
		return 0;
	if ((span = csn_json_span(text, len, member, &n)) == NULL)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the %s is written in an unusual way", what);
	return keep(ctx, out, what, span, n,
	    json_string_value(json_object_get(o, "signature")));
}

/* The bundle's members: the same as text, and the signature beside it. */
static int
take_text(struct csn_ctx *ctx, const json_t *o, const char *member,
    const char *signature, const char *what, struct csn_signed_json *out)
{
	const json_t *v = json_object_get(o, member);

	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "%s is no text",
		    member);
	return keep(ctx, out, what, json_string_value(v),
	    json_string_length(v),
	    json_string_value(json_object_get(o, signature)));
}

/* Certificates or CRLs: PEM, or DER in hex. */
static int
take_pki(struct csn_appraisal *a, const json_t *o, const char *member)
{
	const json_t *v = json_object_get(o, member);
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);
	uint8_t *der;
	int rc;

	if (v == NULL)
		return 0;
	if (s == NULL || len == 0 || len / 2 > MAX_DER)
		return csn_fail(a->ctx, CSN_E_FORM, ROOM, "%s is no text",
		    member);
	if ((der = csn_calloc(len, 1)) == NULL)
		return csn_nomem(a->ctx, ROOM, "collateral");
	if (csn_hex_decode(s, len, der, len / 2) == 0)
		rc = csn_pki_read(a->pki, der, len / 2);
	else
		rc = csn_pki_read(a->pki, s, len);
	free(der);
	return rc;
}

/* The kind of platform that a TCB info is about; "" where it says none. */
static const char *
kind_of(const struct csn_signed_json *info)
{
	const char *fmspc = json_string_value(json_object_get(info->body,
	    "fmspc"));

	return fmspc != NULL ? fmspc : "";
}

/* One for each kind of platform; which one counts, the evidence says. */
static int
take_tcb_info(struct csn_appraisal *a, const json_t *o, const char *text,
    size_t len, struct csn_tdx_collateral *c)
{
	static const char what[] = "TCB info";
	struct csn_signed_json *info;
	size_t i;
	int rc;

	if (json_object_get(o, "tcbInfo") == NULL &&
	    json_object_get(o, "tcb_info") == NULL)
		return 0;
	if (c->ntcb_infos == CSN_TDX_TCB_INFOS)
		return csn_fail(a->ctx, CSN_E_LIMIT, ROOM, "the %s is given "
		    "for more than %d kinds of platform", what,
		    CSN_TDX_TCB_INFOS);
	info = &c->tcb_info[c->ntcb_infos];
	if ((rc = take_response(a->ctx, o, text, len, "tcbInfo", what,
	    info)) != 0 || (rc = take_text(a->ctx, o, "tcb_info",
	    "tcb_info_signature", what, info)) != 0)
		return rc;
	for (i = 0; i < c->ntcb_infos; i++)
		if (strcmp(kind_of(&c->tcb_info[i]), kind_of(info)) == 0)
			return csn_fail(a->ctx, CSN_E_FORM, ROOM,
			    "the %s is given twice", what);
	c->ntcb_infos++;
	return 0;
}

const struct csn_signed_json *
csn_tdx_tcb_info(const struct csn_tdx_collateral *c, const uint8_t fmspc[6])
{
	uint8_t kind[6];
	const char *text;
	size_t i;

	for (i = 0; i < c->ntcb_infos; i++) {
		text = kind_of(&c->tcb_info[i]);
		if (csn_hex_decode(text, strlen(text), kind,
		    sizeof(kind)) == 0 &&
		    csn_equal(kind, fmspc, sizeof(kind)))
			return &c->tcb_info[i];
	}
	return c->ntcb_infos > 0 ? &c->tcb_info[0] : NULL;
}

static int
take_json(struct csn_appraisal *a, const json_t *o, const char *text,
    size_t len, struct csn_tdx_collateral *c)
{
	static const char *const chains[] = {
		"pck_crl_issuer_chain", "root_ca_crl", "pck_crl",
		"tcb_info_issuer_chain", "qe_identity_issuer_chain"
	};
	const char *const qe = "QE identity";
	size_t i;
	int rc;

	if ((rc = take_tcb_info(a, o, text, len, c)) != 0 ||
	    (rc = take_response(a->ctx, o, text, len, "enclaveIdentity", qe,
	    &c->qe_identity)) != 0 ||
	    (rc = take_text(a->ctx, o, "qe_identity",
	    "qe_identity_signature", qe, &c->qe_identity)) != 0)
		return rc;
	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if ((rc = take_pki(a, o, chains[i])) != 0)
			return rc;
	return 0;
}

static int
take(struct csn_appraisal *a, const struct csn_bytes *b,
    struct csn_tdx_collateral *c)
{
	const char *text = (const char *)b->p;
	json_t *o;
	size_t i;
	int rc;

	for (i = 0; i < b->len && strchr(" \t\r\n", text[i]) != NULL &&
	    text[i] != '\0'; i++)
		;
	if (i == b->len || text[i] != '{')
		return csn_pki_read(a->pki, b->p, b->len);
	o = json_loadb(text, b->len, JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL)
		return csn_fail(a->ctx, CSN_E_FORM, ROOM,
		    "a piece of collateral is malformed JSON");
	rc = take_json(a, o, text, b->len, c);
	json_decref(o);
	return rc;
}

int
csn_tdx_collateral_read(struct csn_appraisal *a, struct csn_tdx_collateral *c)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < a->o.ncollateral; i++)
		rc = take(a, &a->o.collateral[i], c);
	return rc;
}

static void
signed_free(struct csn_signed_json *j)
{
	json_decref(j->body);
	free(j->text);
}

void
csn_tdx_collateral_free(struct csn_tdx_collateral *c)
{
	size_t i;

	/* The one behind the last may have been begun. */
	for (i = 0; i < CSN_TDX_TCB_INFOS; i++)
		signed_free(&c->tcb_info[i]);
	signed_free(&c->qe_identity);
}

static int
check_dates(struct csn_appraisal *a, const json_t *body)
{
	const json_t *from = json_object_get(body, "issueDate");
	const json_t *until = json_object_get(body, "nextUpdate");
	uint64_t issued, next;

	if (!json_is_string(from) || !json_is_string(until) ||
	    csn_time_parse(json_string_value(from),
	    json_string_length(from), &issued) != 0 ||
	    csn_time_parse(json_string_value(until),
	    json_string_length(until), &next) != 0)
		return csn_fail(a->ctx, CSN_E_FORM, ROOM,
		    "the collateral has no issueDate and nextUpdate");
	if (a->at_ms < issued)
		return csn_fail(a->ctx, CSN_E_EXPIRED, ROOM,
		    "the collateral was not issued before %s",
		    json_string_value(from));
	if (a->at_ms >= next)
		return csn_fail(a->ctx, CSN_E_EXPIRED, ROOM,
		    "the collateral was to be renewed by %s",
		    json_string_value(until));
	return 0;
}

/* One signing certificate: its chain, that it stands, and the signature. */
static int
signed_by(struct csn_appraisal *a, const struct csn_cert *cert,
    const struct csn_signed_json *json)
{
	const struct csn_pin *pin;
	struct csn_pki *chain;
	uint64_t covered;
	int rc;

	if ((rc = csn_pki_new(a->ctx, &chain)) != 0)
		return rc;
	if ((rc = csn_trusted_chain(a, cert, chain, &pin)) == 0 &&
	    (rc = csn_pki_revoked(a->pki, chain, a->at_ms, &covered)) == 0)
		rc = csn_cert_ecdsa_verify(a->ctx, cert, CSN_ECDSA_P256,
		    json->text, json->len, json->signature);
	csn_pki_free(chain);
	return rc;
}

int
csn_tdx_collateral_verify(struct csn_appraisal *a,
    const struct csn_signed_json *json)
{
	const struct csn_cert *cert;
	size_t i;
	int rc;

	rc = csn_fail(a->ctx, CSN_E_SIGNER, ROOM,
	    "no certificate '%s' is given", SIGNER);
	/* An older and a newer signing certificate may both be there. */
	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++) {
		if (strcmp(csn_cert_name(cert), SIGNER) != 0 ||
		    csn_cert_is_ca(cert))
			continue;
		if ((rc = signed_by(a, cert, json)) == 0)
			return check_dates(a, json->body);
	}
	return rc;
}
