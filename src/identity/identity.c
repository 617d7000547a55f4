/* SPDX-License-Identifier: Apache-2.0 */
/* identity/identity.c - key pairs and the document that binds them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "crypto/crypto.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/identity.h"

#define ROOM "identity"

int
csn_identity_assemble(struct csn_ctx *ctx, struct csn_sign_key *sign,
    struct csn_kem_key *kem, uint8_t *bytes, size_t len,
    struct csn_identity **out)
{
	struct csn_identity *id = NULL;
	int rc;

	if ((id = csn_calloc(1, sizeof(*id))) == NULL) {
		rc = csn_nomem(ctx, ROOM, "an identity");
		goto err;
	}
	if ((rc = csn_document_inspect(ctx, bytes, len, &id->doc)) != 0)
		goto err;
	if (!csn_sign_same(ctx, sign, csn_document_sign_key(id->doc))) {
		rc = csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The document of \"%s\" is for another signing key.",
		    csn_document_name(id->doc));
		goto err;
	}
	if (!csn_kem_same(ctx, kem, csn_document_kem_key(id->doc))) {
		rc = csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The document of \"%s\" binds another ML-KEM key.",
		    csn_document_name(id->doc));
		goto err;
	}
	id->sign = sign;
	id->kem = kem;
	id->bytes = bytes;
	id->len = len;
	*out = id;
	return 0;

err:
	csn_sign_free(sign);
	csn_kem_free(kem);
	free(bytes);
	csn_identity_free(id);
	return rc;
}

/* Take what the caller's version of the structure has. */
static int
take_options(struct csn_ctx *ctx, const struct csn_identity_options *from,
    struct csn_identity_options *options)
{
	int rc;

	if (from == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An identity needs options with a name.");
	if ((rc = CSN_TAKE(options, from, csn_identity_options,
	    lifetime_ms)) != 0)
		return rc;
	if (options->purposes == 0)
		options->purposes = CSN_PURPOSE_ALL;
	if (options->lifetime_ms == 0)
		options->lifetime_ms = CSN_DOCUMENT_LIFETIME_MS;
	return 0;
}

/* Sign the document and put the identity together; takes both keys. */
static int
bind(struct csn_ctx *ctx, const struct csn_identity_options *options,
    struct csn_sign_key *sign, struct csn_kem_key *kem,
    struct csn_identity **out)
{
	struct csn_document_facts facts = {
		.name = options->name,
		.capabilities = options->capabilities,
		.purposes = options->purposes,
	};
	uint8_t *bytes;
	size_t len;
	int rc;

	facts.created_ms = csn_ctx_wall_ms(ctx);
	if (__builtin_add_overflow(facts.created_ms, options->lifetime_ms,
	    &facts.expires_ms))
		facts.expires_ms = UINT64_MAX;
	if ((rc = csn_document_make(ctx, sign, kem, &facts, &bytes,
	    &len)) != 0) {
		csn_sign_free(sign);
		csn_kem_free(kem);
		return rc;
	}
	return csn_identity_assemble(ctx, sign, kem, bytes, len, out);
}

int
csn_identity_new(struct csn_ctx *ctx,
    const struct csn_identity_options *from, struct csn_identity **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_identity_options options;
	struct csn_sign_key *sign = NULL;
	struct csn_kem_key *kem = NULL;
	int rc;

	if (out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An identity needs a place to go.");
	if ((rc = take_options(ctx, from, &options)) != 0)
		return rc;
	if (options.sign == 0)
		options.sign = CSN_SIGN_ML_DSA_65;
	if (options.kem == 0)
		options.kem = CSN_KEM_ML_KEM_768;
	if ((rc = csn_sign_generate(ctx, (int)options.sign, &sign)) != 0 ||
	    (rc = csn_kem_generate(ctx, (int)options.kem, &kem)) != 0) {
		csn_sign_free(sign);
		csn_kem_free(kem);
		return rc;
	}
	return bind(ctx, &options, sign, kem, out);
}

/* The key pairs of an import, and that they are of the wanted kinds. */
static int
import_keys(struct csn_ctx *ctx, const struct csn_identity_options *options,
    const char *sign_pem, size_t sign_len, const char *kem_pem,
    size_t kem_len, const char *pass, size_t pass_len,
    struct csn_sign_key **sign, struct csn_kem_key **kem)
{
	int rc;

	if ((rc = csn_sign_from_pem(ctx, sign_pem, sign_len, pass, pass_len,
	    sign)) != 0)
		return rc;
	if (!csn_sign_is_private(*sign))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "An identity needs the private ML-DSA key, and this is "
		    "only a public one.");
	if (options->sign != 0 && (int)options->sign != csn_sign_of(*sign))
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
		    "The key is of %s, which is not what was asked for.",
		    csn_sign_name(csn_sign_of(*sign)));
	if (kem_pem == NULL)
		return csn_kem_generate(ctx, options->kem != 0 ?
		    (int)options->kem : CSN_KEM_ML_KEM_768, kem);
	if ((rc = csn_kem_from_pem(ctx, kem_pem, kem_len, pass, pass_len,
	    kem)) != 0)
		return rc;
	if (!csn_kem_is_private(*kem))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "An identity needs the private ML-KEM key, and this is "
		    "only a public one.");
	if (options->kem != 0 && (int)options->kem != csn_kem_of(*kem))
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
		    "The key is of %s, which is not what was asked for.",
		    csn_kem_name(csn_kem_of(*kem)));
	return 0;
}

int
csn_identity_import(struct csn_ctx *ctx,
    const struct csn_identity_options *from, const char *sign_pem,
    size_t sign_len, const char *kem_pem, size_t kem_len, const char *pass,
    size_t pass_len, struct csn_identity **out)
{
	struct csn_identity_options options;
	struct csn_sign_key *sign = NULL;
	struct csn_kem_key *kem = NULL;
	int rc;

	if (sign_pem == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An import needs an ML-DSA key's PEM and a place to go.");
	if ((rc = take_options(ctx, from, &options)) != 0)
		return rc;
	if ((rc = import_keys(ctx, &options, sign_pem, sign_len, kem_pem,
	    kem_len, pass, pass_len, &sign, &kem)) != 0) {
		csn_sign_free(sign);
		csn_kem_free(kem);
		return rc;
	}
	return bind(ctx, &options, sign, kem, out);
}

const char *
csn_identity_name(const struct csn_identity *id)
{
	return csn_document_name(id->doc);
}

const char *
csn_identity_did(const struct csn_identity *id)
{
	return csn_document_did(id->doc);
}

const char *
csn_identity_alias(const struct csn_identity *id)
{
	return csn_document_alias(id->doc);
}

const char *
csn_identity_capabilities(const struct csn_identity *id)
{
	return csn_document_capabilities(id->doc);
}

uint32_t
csn_identity_purposes(const struct csn_identity *id)
{
	return csn_document_purposes(id->doc);
}

uint64_t
csn_identity_created_ms(const struct csn_identity *id)
{
	return csn_document_created_ms(id->doc);
}

uint64_t
csn_identity_expires_ms(const struct csn_identity *id)
{
	return csn_document_expires_ms(id->doc);
}

const struct csn_sign_key *
csn_identity_sign_key(const struct csn_identity *id)
{
	return id->sign;
}

const struct csn_kem_key *
csn_identity_kem_key(const struct csn_identity *id)
{
	return id->kem;
}

const uint8_t *
csn_identity_document(const struct csn_identity *id, size_t *len)
{
	*len = id->len;
	return id->bytes;
}

int
csn_identity_json(struct csn_ctx *ctx, const struct csn_identity *id,
    char **json)
{
	if (id == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "There is no identity to describe.");
	return csn_document_json(ctx, id->doc, json);
}

void
csn_identity_free(struct csn_identity *id)
{
	if (id == NULL)
		return;
	csn_sign_free(id->sign);
	csn_kem_free(id->kem);
	csn_document_free(id->doc);
	free(id->bytes);
	free(id);
}
