/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_document_claims.c - an identity's document whose claims were edited
 * before they were signed: what is accepted names the key that signed it.
 */
#include "people.h"
#include "resign.h"

static struct csn_identity *id;

static void
finish(void)
{
	csn_identity_free(id);
	id = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_document *doc = NULL;
	struct csn_reader r;
	const uint8_t *p;
	uint8_t *msg;
	size_t n;
	char *json;
	int rc, changed;

	if (id == NULL) {
		id = fuzz_identity(ctx);
		check(atexit(finish) == 0);
	}
	csn_reader_init(&r, data, len);
	p = csn_identity_document(id, &n);
	changed = fuzz_resign(ctx, csn_identity_sign_key(id), p, n, &r, &msg,
	    &n);
	rc = csn_document_inspect(ctx, msg, n, &doc);
	check(changed || rc == 0);
	if (rc == 0) {
		check(csn_did_matches(ctx, csn_document_did(doc),
		    csn_identity_sign_key(id)));
		check(csn_document_created_ms(doc) <
		    csn_document_expires_ms(doc));
		check(csn_document_purposes(doc) != 0);
		check(csn_document_kem_key(doc) != NULL);
		must(csn_document_json(ctx, doc, &json));
		csn_free(json);
		csn_document_free(doc);
	} else {
		check(doc == NULL);
		check(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_ALGORITHM || rc == CSN_E_SIGNER);
	}
	csn_free(msg);
	return 0;
}
