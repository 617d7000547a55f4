/* SPDX-License-Identifier: Apache-2.0 */
/* identity/document.c - reading the document that binds an identity. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "evidence/cose.h"
#include "identity/claims.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/purposes.h"
#include "identity/words.h"

#define ROOM "identity"

struct csn_document {
	struct csn_sign_key *sign;
	struct csn_kem_key *kem;
	char *did;
	char alias[CSN_ALIAS_SIZE];
	char *name;
	char *capabilities;	/* with commas; "" for none */
	uint32_t purposes;
	uint64_t created_ms;
	uint64_t expires_ms;
};

/* What the payload says, before anything of it is believed. */
struct facts {
	uint64_t version;
	struct csn_view iss;
	struct csn_view sub;
	struct csn_view name;
	struct csn_view capabilities;
	uint64_t purposes;
	uint64_t created_ms;
	uint64_t expires_ms;
	int sign;
	const uint8_t *pk;
	uint64_t kem;
	const uint8_t *ek;
};

static void
get_cnf(struct csn_reader *r, struct facts *f)
{
	uint64_t kty = 0;
	int64_t label;
	size_t i, n;

	if (csn_cbor_get_map(r) != 1 ||
	    csn_cbor_get_uint(r) != CSN_CNF_COSE_KEY)
		r->bad = 1;
	n = csn_cbor_get_map(r);
	for (i = 0; i < n && csn_reader_ok(r); i++) {
		label = csn_cbor_get_int(r);
		if (!csn_reader_ok(r))
			break;
		if (label == CSN_KEY_KTY) {
			kty = csn_cbor_get_uint(r);
		} else if (label == CSN_KEY_ALG) {
			f->sign = csn_cose_to_sign(csn_cbor_get_int(r));
			if (f->sign == 0)
				r->bad = 1;
		} else if (label == CSN_KEY_PUB) {
			/* alg (3) sorts before pub (-1), so it is known. */
			f->pk = csn_claim_bytes(r,
			    csn_sign_public_size(f->sign));
		} else {
			r->bad = 1;
		}
	}
	if (kty != CSN_KTY_AKP || f->sign == 0 || f->pk == NULL)
		r->bad = 1;
}

static void
get_kem(struct csn_reader *r, struct facts *f)
{
	if (csn_cbor_get_array(r) != 2)
		r->bad = 1;
	f->kem = csn_cbor_get_uint(r);
	if (f->kem > CSN_KEM_X_WING || csn_kem_public_size((int)f->kem) == 0)
		r->bad = 1;
	else
		f->ek = csn_claim_bytes(r, csn_kem_public_size((int)f->kem));
}

static int
get_claims(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct facts *f)
{
	struct csn_reader r;
	int64_t claim;
	size_t i, n;
	int rc;

	memset(f, 0, sizeof(*f));
	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	n = csn_cbor_get_map(&r);
	for (i = 0; i < n && csn_reader_ok(&r); i++) {
		claim = csn_cbor_get_int(&r);
		if (!csn_reader_ok(&r))
			break;
		switch (claim) {
		case CSN_CLAIM_ISS:
			f->iss = csn_claim_text(&r, 1, CSN_DID_SIZE);
			break;
		case CSN_CLAIM_SUB:
			f->sub = csn_claim_text(&r, 1, CSN_DID_SIZE);
			break;
		case CSN_CLAIM_EXP:
			f->expires_ms = csn_claim_time(&r);
			break;
		case CSN_CLAIM_IAT:
			f->created_ms = csn_claim_time(&r);
			break;
		case CSN_CLAIM_CNF:
			get_cnf(&r, f);
			break;
		case CSN_CLAIM_VERSION:
			f->version = csn_cbor_get_uint(&r);
			break;
		case CSN_CLAIM_NAME:
			f->name = csn_claim_text(&r, 1, CSN_NAME_MAX);
			break;
		case CSN_CLAIM_CAPABILITIES:
			f->capabilities = csn_claim_text(&r, 1, CSN_DID_SIZE);
			break;
		case CSN_CLAIM_PURPOSES:
			f->purposes = csn_cbor_get_uint(&r);
			break;
		case CSN_CLAIM_KEM:
			get_kem(&r, f);
			break;
		default:
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "The document has a claim %lld that is not known "
			    "here.", (long long)claim);
		}
	}
	if (csn_reader_ok(&r) && f->version != CSN_CLAIMS_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "The document is of version %llu; this library reads %d.",
		    (unsigned long long)f->version, CSN_CLAIMS_VERSION);
	if (!csn_reader_done(&r) || f->iss.p == NULL || f->sub.p == NULL ||
	    f->name.p == NULL || f->pk == NULL || f->ek == NULL ||
	    f->purposes == 0 || f->purposes > UINT32_MAX ||
	    f->expires_ms <= f->created_ms)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The document's claims are incomplete or out of their "
		    "limits.");
	return 0;
}

static int
view_is(const struct csn_view *v, const char *s)
{
	return csn_same(v->p, v->len, s, strlen(s));
}

/* The texts and sets of the claims, once the signature stands. */
static int
keep_facts(struct csn_ctx *ctx, const struct facts *f,
    struct csn_document *doc)
{
	struct csn_words words;
	int rc;

	words.n = 0;
	if (f->capabilities.p != NULL && (rc = csn_words_split(ctx,
	    f->capabilities.p, f->capabilities.len, ' ', 0, CSN_E_FORM,
	    "document's list of capabilities", &words)) != 0)
		return rc;
	if ((doc->capabilities = csn_words_join(&words, ',')) == NULL ||
	    (doc->name = csn_memdup(f->name.p, f->name.len)) == NULL)
		return csn_nomem(ctx, ROOM, "a document");
	/* A purpose that a later library knows means nothing here. */
	doc->purposes = (uint32_t)f->purposes & CSN_PURPOSE_ALL;
	doc->created_ms = f->created_ms;
	doc->expires_ms = f->expires_ms;
	return 0;
}

int
csn_document_inspect(struct csn_ctx *ctx, const uint8_t *bytes, size_t len,
    struct csn_document **out)
{
	struct csn_document *doc = NULL;
	struct csn_cose cose;
	struct facts f;
	int rc;

	if (bytes == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A document and a place for its reading are needed.");
	if (len > CSN_DOCUMENT_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "A document of %zu bytes is too long.", len);
	if ((rc = csn_cose_parse(ctx, bytes, len, &cose)) != 0 ||
	    (rc = get_claims(ctx, cose.payload, cose.payload_len, &f)) != 0)
		return rc;
	if ((doc = csn_calloc(1, sizeof(*doc))) == NULL)
		return csn_nomem(ctx, ROOM, "a document");
	/* The DID comes from the key; what the document says must equal it. */
	if ((rc = csn_sign_from_public(ctx, f.sign, f.pk,
	    csn_sign_public_size(f.sign), &doc->sign)) != 0 ||
	    (rc = csn_did_new(ctx, doc->sign, &doc->did)) != 0 ||
	    (rc = csn_did_alias(ctx, doc->sign, doc->alias,
	    sizeof(doc->alias))) != 0)
		goto err;
	if (!view_is(&f.sub, doc->did) || !view_is(&f.iss, doc->alias) ||
	    !csn_same(cose.kid, cose.kid_len, f.iss.p, f.iss.len)) {
		rc = csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The document names a DID that is not its key's.");
		goto err;
	}
	if ((rc = csn_cose_check(ctx, doc->sign, CSN_DOCUMENT_TYP,
	    &cose)) != 0 ||
	    (rc = csn_kem_from_public(ctx, (int)f.kem, f.ek,
	    csn_kem_public_size((int)f.kem), &doc->kem)) != 0 ||
	    (rc = keep_facts(ctx, &f, doc)) != 0)
		goto err;
	*out = doc;
	return 0;

err:
	csn_document_free(doc);
	return rc;
}

int
csn_document_fresh(struct csn_ctx *ctx, const struct csn_document *doc,
    uint64_t at_ms)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (at_ms < doc->expires_ms)
		return 0;
	csn_time_format(doc->expires_ms, when);
	return csn_fail(ctx, CSN_E_EXPIRED, ROOM,
	    "The document of \"%s\" expired on %s: ask for a new one.",
	    doc->name, when);
}

int
csn_document_verify(struct csn_ctx *ctx, const uint8_t *bytes, size_t len,
    struct csn_document **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_document *doc;
	int rc;

	if ((rc = csn_document_inspect(ctx, bytes, len, &doc)) != 0)
		return rc;
	if ((rc = csn_document_fresh(ctx, doc, csn_ctx_wall_ms(ctx))) != 0) {
		csn_document_free(doc);
		return rc;
	}
	*out = doc;
	return 0;
}

const char *
csn_document_did(const struct csn_document *doc)
{
	return doc->did;
}

const char *
csn_document_alias(const struct csn_document *doc)
{
	return doc->alias;
}

const char *
csn_document_name(const struct csn_document *doc)
{
	return doc->name;
}

const char *
csn_document_capabilities(const struct csn_document *doc)
{
	return doc->capabilities;
}

uint32_t
csn_document_purposes(const struct csn_document *doc)
{
	return doc->purposes;
}

uint64_t
csn_document_created_ms(const struct csn_document *doc)
{
	return doc->created_ms;
}

uint64_t
csn_document_expires_ms(const struct csn_document *doc)
{
	return doc->expires_ms;
}

const struct csn_sign_key *
csn_document_sign_key(const struct csn_document *doc)
{
	return doc->sign;
}

const struct csn_kem_key *
csn_document_kem_key(const struct csn_document *doc)
{
	return doc->kem;
}

static json_t *
words_json(const char *text)
{
	const char *end;
	json_t *list;

	if ((list = json_array()) == NULL)
		return NULL;
	for (; text[0] != '\0'; text = end[0] != '\0' ? end + 1 : end) {
		end = strchrnul(text, ',');
		if (json_array_append_new(list, json_stringn(text,
		    (size_t)(end - text))) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int
csn_document_json(struct csn_ctx *ctx, const struct csn_document *doc,
    char **json)
{
	char created[CSN_TIME_TEXT_SIZE], expires[CSN_TIME_TEXT_SIZE];
	json_t *root;

	if (doc == NULL || json == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A document and a place for its text are needed.");
	csn_time_format(doc->created_ms, created);
	csn_time_format(doc->expires_ms, expires);
	root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s}",
	    "name", doc->name,
	    "did", doc->did,
	    "alias", doc->alias,
	    "sign", csn_sign_name(csn_sign_of(doc->sign)),
	    "kem", csn_kem_name(csn_kem_of(doc->kem)),
	    "capabilities", words_json(doc->capabilities),
	    "purposes", csn_purposes_json(doc->purposes),
	    "created", created,
	    "expires", expires);
	*json = root != NULL ? csn_json_text(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (*json == NULL)
		return csn_nomem(ctx, ROOM, "writing an identity as JSON");
	return 0;
}

void
csn_document_free(struct csn_document *doc)
{
	if (doc == NULL)
		return;
	csn_sign_free(doc->sign);
	csn_kem_free(doc->kem);
	free(doc->did);
	free(doc->name);
	free(doc->capabilities);
	free(doc);
}
