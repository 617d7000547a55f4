/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_document.c - identity documents, as bytes and armoured: what is
 * accepted names the DID of the key in it.
 */
#include "identity.h"

static void
document(struct csn_ctx *ctx, const uint8_t *data, size_t len)
{
	struct csn_document *doc = NULL;
	char *json;
	int rc;

	if ((rc = csn_document_verify(ctx, data, len, &doc)) != 0) {
		check(doc == NULL);
		check(rc == CSN_E_FORM || rc == CSN_E_ALGORITHM ||
		    rc == CSN_E_LIMIT || rc == CSN_E_POLICY ||
		    rc == CSN_E_SIGNATURE || rc == CSN_E_SIGNER ||
		    rc == CSN_E_VERSION || rc == CSN_E_EXPIRED);
		return;
	}
	check(csn_did_matches(ctx, csn_document_did(doc),
	    csn_document_sign_key(doc)));
	check(csn_did_matches(ctx, csn_document_alias(doc),
	    csn_document_sign_key(doc)));
	check(csn_document_kem_key(doc) != NULL);
	check(csn_document_json(ctx, doc, &json) == 0);
	csn_free(json);
	csn_document_free(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	char *text, *did;
	struct csn_sign_key *key;
	uint8_t *bytes;
	size_t n;

	document(ctx, data, len);
	if (csn_dearmor(ctx, CSN_LABEL_IDENTITY, (const char *)data, len,
	    &bytes, &n) == 0) {
		document(ctx, bytes, n);
		check(csn_armor(ctx, CSN_LABEL_IDENTITY, bytes, n,
		    &text) == 0);
		csn_free(text);
		csn_free(bytes);
	}
	/* The same bytes as a DID. */
	check((did = malloc(len + 1)) != NULL);
	memcpy(did, data, len);
	did[len] = '\0';
	if (csn_did_to_key(ctx, did, &key) == 0) {
		check(csn_did_matches(ctx, did, key));
		csn_sign_free(key);
	}
	free(did);
	return 0;
}
