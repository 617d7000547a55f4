/* SPDX-License-Identifier: Apache-2.0 */
/* seal/accept.c - whose front it is, of when, and whether it opens to us. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "evidence/cose.h"
#include "identity/did.h"
#include "identity/trust.h"
#include "seal/accept.h"

#define ROOM "seal"

#define AHEAD_MS 86400000u	/* how far clocks may differ */

int
csn_judge_take(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const struct csn_opener_options *options,
    struct csn_judge *out, uint8_t kept[CSN_KEY_SIZE])
{
	struct csn_opener_options o;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_opener_options, max_age_ms)) != 0)
		return rc;
	if (trust == NULL || (identity == NULL && o.data_key == NULL))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "opening needs an "
		    "identity and a store that says whose seal is trusted");
	*out = (struct csn_judge){ .ctx = ctx, .identity = identity,
	    .trust = trust, .at_ms = o.at_ms, .max_age_ms = o.max_age_ms };
	if (o.data_key != NULL) {
		memcpy(kept, o.data_key, CSN_KEY_SIZE);
		out->data_key = kept;
	}
	return 0;
}

/* The times that the front states, against the reader's own bounds. */
static int
check_time(const struct csn_judge *j, const struct csn_front *f)
{
	uint64_t now = csn_ctx_wall_ms(j->ctx), ms = f->created_s * 1000;
	char when[CSN_TIME_TEXT_SIZE];

	csn_time_format(ms, when);
	if (f->wrapped_s * 1000 > now && f->wrapped_s * 1000 - now > AHEAD_MS)
		return csn_fail(j->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s%s, which is ahead of this "
		    "machine's clock", when, f->wrapped_s != f->created_s ?
		    " and its recipients set later" : "");
	if (j->max_age_ms != 0 && ms < now && now - ms > j->max_age_ms)
		return csn_fail(j->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s, longer ago than is taken here",
		    when);
	if (j->at_ms != 0 && ms > j->at_ms)
		return csn_fail(j->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s, after the time at which it is "
		    "to be judged", when);
	return 0;
}

/* The key that kid names signed the front. */
static int
check_signature(struct csn_ctx *ctx, const struct csn_cose *cose,
    const struct csn_sign_key *key, const char *did, struct csn_accepted *a)
{
	int rc;

	if ((rc = csn_cose_check(ctx, key, CSN_SEALED_TYP, cose)) == 0 &&
	    (rc = csn_sign_copy_public(ctx, key, &a->key)) == 0 &&
	    (rc = csn_did_alias(ctx, a->key, a->alias,
	    sizeof(a->alias))) == 0 &&
	    (a->signer = csn_strdup(did)) == NULL)
		rc = csn_nomem(ctx, ROOM, "a sealed file");
	return rc;
}

/* The signer is whom the trust store knows, or the reader itself. */
static int
check_signer(const struct csn_judge *j, const struct csn_cose *cose,
    const struct csn_front *f, struct csn_accepted *a)
{
	const struct csn_trust_entry *e;
	int rc;

	/* One's own key needs no entry; one that says it was stolen counts. */
	if (j->identity != NULL && csn_front_is(cose->kid, cose->kid_len,
	    csn_identity_alias(j->identity))) {
		if ((rc = csn_trust_check_withdrawn(j->ctx, j->trust,
		    cose->kid, cose->kid_len)) != 0)
			return rc;
		return check_signature(j->ctx, cose,
		    csn_identity_sign_key(j->identity),
		    csn_identity_did(j->identity), a);
	}
	/* Whoever set the recipients later needed a good document then. */
	if (j->at_ms == 0 && f->wrapped_s != f->created_s) {
		if ((rc = csn_trust_find_at(j->ctx, j->trust, cose->kid,
		    cose->kid_len, CSN_PURPOSE_SEALER, f->wrapped_s * 1000,
		    &e)) != 0)
			return rc;
		csn_trust_release(j->trust, e);
	}
	if ((rc = csn_trust_find_at(j->ctx, j->trust, cose->kid,
	    cose->kid_len, CSN_PURPOSE_SEALER, j->at_ms != 0 ? j->at_ms :
	    f->created_s * 1000, &e)) != 0)
		return rc;
	rc = check_signature(j->ctx, cose, e->key, e->did, a);
	csn_trust_release(j->trust, e);
	return rc;
}

/* Who else has the key makes other bytes under the same tags. */
static int
check_tags(struct csn_ctx *ctx, const struct csn_front *f,
    const char *sealer)
{
	size_t i;

	for (i = 0; i < f->n && f->integrity == CSN_SEALED_TAGS; i++)
		if (!csn_front_is(f->slots[i].alias, f->slots[i].alias_len,
		    sealer))
			return csn_fail(ctx, CSN_E_POLICY, ROOM, "the file is "
			    "signed over its tags alone, and others than its "
			    "sealer have its key");
	return 0;
}

/* The data key, the commitment to it, the body. */
static int
take_key(const struct csn_judge *j, const struct csn_front *f,
    struct csn_accepted *a)
{
	uint8_t data[CSN_KEY_SIZE], prk[CSN_HASH_SIZE];
	uint8_t commitment[CSN_HASH_SIZE], head_hash[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_sha3_256(j->ctx, f->head, f->head_len,
	    head_hash)) != 0 ||
	    (rc = csn_front_data_key(j->ctx, f, j->identity, j->data_key,
	    head_hash, data)) != 0 ||
	    (rc = csn_front_keys(j->ctx, data, f->fixed, f->fixed_len, prk,
	    commitment)) != 0)
		goto out;
	/* AES-GCM does not commit to its key: this does, before AES runs. */
	if (!csn_equal(commitment, f->commitment, sizeof(commitment)))
		rc = csn_fail(j->ctx, CSN_E_TAG, ROOM, "the key in the file "
		    "is not the one that its head commits to");
	else
		rc = csn_body_init(j->ctx, &a->body, f->segment,
		    f->integrity, head_hash, f->id, prk);
out:
	csn_wipe(data, sizeof(data));
	csn_wipe(prk, sizeof(prk));
	return rc;
}

int
csn_accept(const struct csn_judge *judge, const uint8_t *p, size_t len,
    struct csn_accepted *out)
{
	struct csn_front f;
	struct csn_cose cose;
	int rc;

	if ((rc = csn_cose_parse(judge->ctx, p + CSN_SEALED_PREFIX,
	    len - CSN_SEALED_PREFIX, &cose)) != 0 ||
	    (rc = csn_front_read(judge->ctx, cose.payload, cose.payload_len,
	    &f)) != 0 ||
	    (rc = check_time(judge, &f)) != 0 ||
	    (rc = check_signer(judge, &cose, &f, out)) != 0)
		return rc;
	/* Inside what the wrap and the commitment bind, so that nobody puts
	 * a signature of their own around another's file. */
	if (!csn_front_is(f.sealer, f.sealer_len, out->alias))
		return csn_fail(judge->ctx, CSN_E_SIGNER, ROOM, "the file's "
		    "front was signed by another than its sealer");
	out->created_ms = f.created_s * 1000;
	if ((rc = check_tags(judge->ctx, &f, out->alias)) != 0 ||
	    (rc = take_key(judge, &f, out)) != 0)
		return rc;
	out->body.at = len;
	out->nslots = f.n;
	memcpy(out->id, f.id, sizeof(out->id));
	out->type = f.type != NULL ? csn_memdup(f.type, f.type_len) :
	    csn_strdup("");
	return out->type != NULL ? 0 : csn_nomem(judge->ctx, ROOM,
	    "a sealed file");
}

void
csn_accepted_clear(struct csn_accepted *a)
{
	csn_sign_free(a->key);
	free(a->signer);
	free(a->type);
	csn_body_clear(&a->body);
	memset(a, 0, sizeof(*a));
}

void
csn_accepted_facts(const struct csn_accepted *a,
    struct csn_sealed_facts *facts)
{
	memcpy(facts->id, a->id, sizeof(facts->id));
	memcpy(facts->head_hash, a->body.head_hash, CSN_HASH_SIZE);
	facts->segment = a->body.segment;
	facts->integrity = a->body.integrity;
	facts->created_ms = a->created_ms;
	facts->recipients = (uint32_t)a->nslots;
}
