/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_checkpoint.c - an audit log's checkpoint whose claims were edited
 * before they were signed; and an input as the text of one.
 */
#include "audit/checkpoint.h"
#include "evidence/armor.h"
#include "people.h"
#include "resign.h"

static struct csn_identity *id;
static struct csn_trust *trust;

static void
finish(void)
{
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

static int
verify(struct csn_ctx *ctx, const char *text, size_t len)
{
	uint8_t log[CSN_AUDIT_LOG_ID], head[CSN_HASH_SIZE];
	uint64_t n;
	int rc;

	rc = csn_audit_checkpoint_verify(ctx, trust, text, len, log, &n,
	    head);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_SIGNER ||
	    rc == CSN_E_SIGNATURE || rc == CSN_E_POLICY);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t log[CSN_AUDIT_LOG_ID], head[CSN_HASH_SIZE];
	static uint8_t *made;
	static size_t made_len;
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_reader r;
	uint8_t *msg;
	char *text;
	size_t n;
	int changed, rc;

	if (id == NULL) {
		id = fuzz_identity(ctx);
		trust = fuzz_trust(ctx, id);
		must(csn_audit_checkpoint_make(ctx, id, log, 7, head,
		    FUZZ_NOW, &text));
		must(csn_base64_decode(text, strlen(text), &made, &made_len));
		free(text);
		check(atexit(finish) == 0);
	}
	if (len == 0)
		return 0;
	if (data[0] % 4 == 0) {
		check(verify(ctx, (const char *)data + 1, len - 1) != 0);
		return 0;
	}
	csn_reader_init(&r, data + 1, len - 1);
	changed = fuzz_resign(ctx, csn_identity_sign_key(id), made, made_len,
	    &r, &msg, &n);
	check((text = csn_base64_encode(msg, n)) != NULL);
	rc = verify(ctx, text, strlen(text));
	check(changed || rc == 0);
	free(text);
	csn_free(msg);
	return 0;
}
