/* SPDX-License-Identifier: Apache-2.0 */
/* identity/document_make.c - writing and signing a document. */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "evidence/cose.h"
#include "identity/claims.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/words.h"

#define ROOM "identity"

static void
put_cnf(struct csn_out *w, int sign, const uint8_t *pk)
{
	struct csn_cbor_map cnf, key;

	csn_cbor_map_begin(w, &cnf);
	csn_cbor_key_int(&cnf, CSN_CNF_COSE_KEY);
	csn_cbor_map_begin(w, &key);
	csn_cbor_key_int(&key, CSN_KEY_KTY);
	csn_cbor_uint(w, CSN_KTY_AKP);
	csn_cbor_key_int(&key, CSN_KEY_ALG);
	csn_cbor_int(w, csn_cose_of_sign(sign));
	csn_cbor_key_int(&key, CSN_KEY_PUB);
	csn_cbor_bytes(w, pk, csn_sign_public_size(sign));
	csn_cbor_map_end(&key);
	csn_cbor_map_end(&cnf);
}

static int
check_facts(struct csn_ctx *ctx, const struct csn_document_facts *facts,
    char **capabilities)
{
	struct csn_words words;
	size_t n;
	int rc;

	n = facts->name != NULL ? strlen(facts->name) : 0;
	if (n == 0 || n > CSN_NAME_MAX || !csn_utf8_ok(facts->name, n))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An identity's name is 1 to %d bytes of UTF-8 without "
		    "control characters.", CSN_NAME_MAX);
	if (facts->purposes == 0 ||
	    (facts->purposes & ~(uint32_t)CSN_PURPOSE_ALL) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "0x%x is no set of purposes.", facts->purposes);
	if (facts->expires_ms / 1000 <= facts->created_ms / 1000 ||
	    facts->expires_ms / 1000 > CSN_CLAIM_LAST_TIME)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A document has to live for a second at least and end "
		    "before the year 10000.");
	words.n = 0;
	if (facts->capabilities != NULL && facts->capabilities[0] != '\0' &&
	    (rc = csn_words_split(ctx, facts->capabilities,
	    strlen(facts->capabilities), ',', 0, CSN_E_ARG,
	    "list of capabilities", &words)) != 0)
		return rc;
	if ((*capabilities = csn_words_join(&words, ' ')) == NULL)
		return csn_nomem(ctx, ROOM, "a list of capabilities");
	return 0;
}

static void
put_claims(struct csn_out *w, const struct csn_document_facts *facts,
    const char *capabilities, const char *alias, const char *did, int sign,
    const uint8_t *pk, int kem, const uint8_t *ek)
{
	struct csn_cbor_map m;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, CSN_CLAIM_ISS);
	csn_cbor_text(w, alias);
	csn_cbor_key_int(&m, CSN_CLAIM_SUB);
	csn_cbor_text(w, did);
	csn_cbor_key_int(&m, CSN_CLAIM_EXP);
	csn_cbor_uint(w, facts->expires_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_IAT);
	csn_cbor_uint(w, facts->created_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_CNF);
	put_cnf(w, sign, pk);
	csn_cbor_key_int(&m, CSN_CLAIM_VERSION);
	csn_cbor_uint(w, CSN_CLAIMS_VERSION);
	csn_cbor_key_int(&m, CSN_CLAIM_NAME);
	csn_cbor_text(w, facts->name);
	if (capabilities[0] != '\0') {
		csn_cbor_key_int(&m, CSN_CLAIM_CAPABILITIES);
		csn_cbor_text(w, capabilities);
	}
	csn_cbor_key_int(&m, CSN_CLAIM_PURPOSES);
	csn_cbor_uint(w, facts->purposes);
	csn_cbor_key_int(&m, CSN_CLAIM_KEM);
	csn_cbor_array(w, 2);
	csn_cbor_uint(w, (uint64_t)kem);
	csn_cbor_bytes(w, ek, csn_kem_public_size(kem));
	csn_cbor_map_end(&m);
}

int
csn_document_make(struct csn_ctx *ctx, const struct csn_sign_key *sign,
    const struct csn_kem_key *kem, const struct csn_document_facts *facts,
    uint8_t **out, size_t *out_len)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], ek[CSN_KEM_MAX_PUBLIC];
	char alias[CSN_ALIAS_SIZE], *did = NULL, *capabilities = NULL;
	struct csn_out w = { 0 };
	int rc;

	if ((rc = check_facts(ctx, facts, &capabilities)) != 0 ||
	    (rc = csn_did_new(ctx, sign, &did)) != 0 ||
	    (rc = csn_did_alias(ctx, sign, alias, sizeof(alias))) != 0 ||
	    (rc = csn_sign_public(ctx, sign, pk, sizeof(pk))) != 0 ||
	    (rc = csn_kem_public(ctx, kem, ek, sizeof(ek))) != 0)
		goto out;
	csn_out_init(&w);
	put_claims(&w, facts, capabilities, alias, did, csn_sign_of(sign), pk,
	    csn_kem_of(kem), ek);
	if (!csn_out_ok(&w)) {
		rc = csn_nomem(ctx, ROOM, "an identity's document");
		goto out;
	}
	rc = csn_cose_sign(ctx, sign, alias, CSN_DOCUMENT_TYP, w.p, w.len,
	    out, out_len);
out:
	csn_out_wipe(&w);
	free(capabilities);
	free(did);
	return rc;
}
