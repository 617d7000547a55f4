/* SPDX-License-Identifier: Apache-2.0 */
/* identity/trust_entry.c - making and judging one trusted key. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/trust.h"
#include "identity/trust_entry.h"

#define ROOM "identity"

static int
check_texts(struct csn_ctx *ctx, const struct csn_trust_entry *e)
{
	size_t n;
	int tenant;

	n = e->label != NULL ? strlen(e->label) : 0;
	if (n > CSN_LABEL_MAX || (n > 0 && !csn_utf8_ok(e->label, n)))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A label is at most %d bytes of UTF-8 without control "
		    "characters.", CSN_LABEL_MAX);
	if (e->purposes == 0 ||
	    (e->purposes & ~(uint32_t)CSN_PURPOSE_ALL) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An entry needs one purpose at least, and 0x%x is no set "
		    "of them.", e->purposes);
	/* Whose tenant a key speaks for comes from here and nowhere else. */
	tenant = (e->purposes & CSN_PURPOSE_TENANT) != 0;
	if (tenant != (e->tenant_id != NULL))
		return csn_fail(ctx, CSN_E_ARG, ROOM, tenant ?
		    "An entry trusted as a tenant needs a tenant id." :
		    "An entry with a tenant id needs the purpose tenant.");
	n = tenant ? strlen(e->tenant_id) : 1;
	if (n == 0 || n > CSN_TENANT_ID_MAX ||
	    (tenant && !csn_utf8_ok(e->tenant_id, n)))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A tenant id is 1 to %d bytes of UTF-8 without control "
		    "characters.", CSN_TENANT_ID_MAX);
	return 0;
}

/* The key, from the first of document, key and did:key that is there. */
static int
find_key(struct csn_ctx *ctx, const struct csn_trust_entry *e,
    struct csn_trusted *t)
{
	const struct csn_sign_key *key;

	key = t->doc != NULL ? csn_document_sign_key(t->doc) : e->key;
	if (key != NULL)
		return csn_sign_copy_public(ctx, key, &t->sign);
	if (e->did == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An entry needs a did:key, a key or a document.");
	return csn_did_to_key(ctx, e->did, &t->sign);
}

/* Everything that says a key says the same one. */
static int
check_key(struct csn_ctx *ctx, const struct csn_trust_entry *e,
    const struct csn_trusted *t)
{
	if (e->key != NULL && !csn_sign_same(ctx, e->key, t->sign))
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The entry's key is not the key of its document.");
	if (e->did != NULL && strcmp(e->did, t->did) != 0 &&
	    strcmp(e->did, t->alias) != 0)
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The entry's DID is not the DID of its key.");
	return 0;
}

static int
copy_texts(struct csn_ctx *ctx, const struct csn_trust_entry *e,
    struct csn_trusted *t)
{
	t->label = csn_strdup(e->label != NULL ? e->label : "");
	if (e->tenant_id != NULL)
		t->tenant_id = csn_strdup(e->tenant_id);
	if (e->document != NULL)
		t->document = csn_memdup(e->document, e->document_len);
	if (t->label == NULL ||
	    (t->tenant_id == NULL) != (e->tenant_id == NULL) ||
	    (t->document == NULL) != (e->document == NULL))
		return csn_nomem(ctx, ROOM, "an entry of the trust store");
	return 0;
}

int
csn_trusted_new(struct csn_ctx *ctx, const struct csn_trust_entry *e,
    struct csn_trusted **out)
{
	struct csn_trusted *t;
	int rc;

	if ((t = csn_calloc(1, sizeof(*t))) == NULL)
		return csn_nomem(ctx, ROOM, "an entry of the trust store");
	atomic_init(&t->refs, 1);
	if ((rc = check_texts(ctx, e)) != 0 || (e->document != NULL &&
	    (rc = csn_document_inspect(ctx, e->document, e->document_len,
	    &t->doc)) != 0) ||
	    (rc = find_key(ctx, e, t)) != 0 ||
	    (rc = csn_did_new(ctx, t->sign, &t->did)) != 0 ||
	    (rc = csn_did_alias(ctx, t->sign, t->alias,
	    sizeof(t->alias))) != 0 ||
	    (rc = check_key(ctx, e, t)) != 0 ||
	    (rc = copy_texts(ctx, e, t)) != 0) {
		csn_trusted_drop(t);
		return rc;
	}
	t->pub.size = sizeof(t->pub);
	t->pub.purposes = e->purposes;
	t->pub.did = t->did;
	t->pub.alias = t->alias;
	t->pub.label = t->label;
	t->pub.tenant_id = t->tenant_id;
	t->pub.expires_ms = e->expires_ms;
	t->pub.key = t->sign;
	t->pub.kem = t->doc != NULL ? csn_document_kem_key(t->doc) : NULL;
	t->pub.document = t->document;
	t->pub.document_len = t->document != NULL ? e->document_len : 0;
	t->pub.withdrawn_ms = e->withdrawn_ms;
	*out = t;
	return 0;
}

static int
refuse(struct csn_ctx *ctx, const struct csn_trusted *t, const char *why,
    uint64_t when_ms)
{
	char when[CSN_TIME_TEXT_SIZE] = "";

	if (when_ms != 0)
		csn_time_format(when_ms, when);
	return csn_fail(ctx, CSN_E_SIGNER, ROOM,
	    "The signer \"%s\" (%s) is not trusted here: %s%s.", t->label,
	    t->alias, why, when);
}

int
csn_trusted_check(struct csn_ctx *ctx, const struct csn_trusted *t,
    uint32_t purposes, uint64_t at_ms)
{
	uint64_t until;

	if (t->pub.withdrawn_ms != 0)
		return refuse(ctx, t, "its key was withdrawn on ",
		    t->pub.withdrawn_ms);
	if ((t->pub.purposes & purposes) != purposes)
		return refuse(ctx, t, "its entry is for other purposes", 0);
	if (t->pub.expires_ms != 0 && at_ms >= t->pub.expires_ms)
		return refuse(ctx, t, "its entry expired on ",
		    t->pub.expires_ms);
	if (t->doc == NULL) {
		/* Nothing may be sealed to a key that is not there. */
		if ((purposes & CSN_PURPOSE_RECIPIENT) != 0)
			return refuse(ctx, t, "it has no document, so no "
			    "ML-KEM key", 0);
		return 0;
	}
	if ((csn_document_purposes(t->doc) & purposes) != purposes)
		return refuse(ctx, t, "its document is for other purposes",
		    0);
	until = csn_document_expires_ms(t->doc);
	if (at_ms >= until)
		return refuse(ctx, t, "its document expired on ", until);
	return 0;
}

void
csn_trusted_hold(struct csn_trusted *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

void
csn_trusted_drop(struct csn_trusted *t)
{
	if (t == NULL ||
	    atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	csn_sign_free(t->sign);
	csn_document_free(t->doc);
	free(t->did);
	free(t->label);
	free(t->tenant_id);
	free(t->document);
	free(t);
}
